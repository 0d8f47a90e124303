"""A million customers, three million purchases: metrics beside a bare groupby of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.metrics import PurchaseIndex, compute_metrics, follow_cohorts, index_purchases

CUSTOMERS = 1_000_000
ROWS = 3_000_000
DAYS = 1_096
AS_OF = "2024-12-31"


@pytest.fixture(scope="module")
def transactions() -> pd.DataFrame:
    """Rows in random order over 36 months; every customer buys at least once."""
    rng = np.random.default_rng(20240101)
    others = rng.integers(0, CUSTOMERS, ROWS - CUSTOMERS)
    ids = rng.permutation(np.concatenate([np.arange(CUSTOMERS), others]))
    day = np.datetime64("2022-01-01", "s") + rng.integers(0, DAYS, ROWS).astype("timedelta64[D]")
    amount = np.round(rng.gamma(2.0, 20.0, ROWS), 2)
    return pd.DataFrame({"customer_id": ids, "timestamp": day, "amount": amount})


@pytest.fixture(scope="module")
def base(transactions: pd.DataFrame) -> PurchaseIndex:
    return index_purchases(transactions, as_of=AS_OF)


@pytest.fixture(scope="module")
def tiers(base: PurchaseIndex) -> pd.Series[Any]:
    codes = np.arange(len(base), dtype=np.int8) % 3
    labels = pd.Categorical.from_codes(codes, categories=pd.Index(["key", "ordinary", "small"]))
    return pd.Series(labels, index=base.customer_id)


def test_bare_groupby(benchmark: Any, transactions: pd.DataFrame) -> None:
    """The yardstick: one aggregation of the same rows by customer."""
    benchmark.pedantic(
        lambda: transactions.groupby("customer_id").agg(
            first=("timestamp", "min"), last=("timestamp", "max"), amount=("amount", "sum")
        ),
        rounds=3,
    )


def test_index_purchases(benchmark: Any, transactions: pd.DataFrame) -> None:
    base = benchmark.pedantic(lambda: index_purchases(transactions, as_of=AS_OF), rounds=3)
    assert len(base) == CUSTOMERS


def test_all_metrics_by_tier(
    benchmark: Any, transactions: pd.DataFrame, tiers: pd.Series[Any]
) -> None:
    table = benchmark.pedantic(
        lambda: compute_metrics(transactions, as_of=AS_OF, by=tiers), rounds=3
    )
    assert not table.missing()


def test_cohort_triangle_of_36_months(benchmark: Any, base: PurchaseIndex) -> None:
    table = benchmark.pedantic(lambda: follow_cohorts(base), rounds=3)
    assert table.heads.shape == (36, 36)
    assert int(table.sizes.sum()) == CUSTOMERS
