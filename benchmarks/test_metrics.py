"""A million customers over 36 months: metrics, movements, cohorts beside a bare groupby."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.metrics import (
    Period,
    PurchaseIndex,
    build_cohorts,
    compute_metrics,
    gini,
    index_contracts,
    index_purchases,
    revenue_movements,
)
from retainkit.metrics._compare import bootstrap_interval

CUSTOMERS = 1_000_000
ROWS = 3_000_000
DAYS = 1_096
AS_OF = "2024-12-31"
MONTHS = tuple(Period.month(year, month) for year in (2022, 2023, 2024) for month in range(1, 13))
CONTRACTS = 2_500_000


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
        lambda: compute_metrics(index_purchases(transactions, as_of=AS_OF), by=tiers), rounds=3
    )
    assert not table.missing()


def test_cohort_triangle_of_36_months(benchmark: Any, base: PurchaseIndex) -> None:
    table = benchmark.pedantic(lambda: build_cohorts(base), rounds=3)
    assert table.heads.shape == (36, 36)
    assert int(table.sizes.sum()) == CUSTOMERS


@pytest.fixture(scope="module")
def contracts() -> pd.DataFrame:
    """Contracts in random order: renewals at other prices, overlaps, gaps, open ends."""
    rng = np.random.default_rng(7)
    others = rng.integers(0, CUSTOMERS, CONTRACTS - CUSTOMERS)
    who = rng.permutation(np.concatenate([np.arange(CUSTOMERS), others]))
    first = rng.integers(0, DAYS, CONTRACTS)
    length = rng.geometric(1 / 300, CONTRACTS)
    origin = np.datetime64("2022-01-01", "s")
    start = origin + first.astype("timedelta64[D]")
    end = start + length.astype("timedelta64[D]")
    end[first + length > DAYS] = np.datetime64("NaT")
    amount = np.round(rng.gamma(2.0, 20.0, CONTRACTS), 2)
    return pd.DataFrame({"customer_id": who, "start": start, "end": end, "amount": amount})


def bare_contracts(contracts: pd.DataFrame) -> pd.DataFrame:
    return contracts.groupby("customer_id").agg(
        first=("start", "min"), last=("end", "max"), amount=("amount", "sum")
    )


def bare_purchases(transactions: pd.DataFrame) -> pd.DataFrame:
    return transactions.groupby("customer_id").agg(
        first=("timestamp", "min"), last=("timestamp", "max"), amount=("amount", "sum")
    )


def move(contracts: pd.DataFrame) -> pd.DataFrame:
    base = index_contracts(contracts, as_of=AS_OF)
    return revenue_movements(base, periods=MONTHS).summary()


def triangle(transactions: pd.DataFrame) -> pd.DataFrame:
    return build_cohorts(index_purchases(transactions, as_of=AS_OF)).to_frame()


def contract_triangle(contracts: pd.DataFrame) -> pd.DataFrame:
    return build_cohorts(index_contracts(contracts, as_of=AS_OF)).to_frame()


def test_bare_groupby_of_the_contracts(benchmark: Any, contracts: pd.DataFrame) -> None:
    """The yardstick of movements: one aggregation of the same rows by customer."""
    benchmark.pedantic(lambda: bare_contracts(contracts), rounds=3)


def test_monthly_movements_from_raw_contracts(benchmark: Any, contracts: pd.DataFrame) -> None:
    table = benchmark.pedantic(lambda: move(contracts), rounds=3)
    assert len(table) == 36
    assert table["closing"].iloc[-1] > 0


def test_cohort_triangle_from_raw_purchases(benchmark: Any, transactions: pd.DataFrame) -> None:
    table = benchmark.pedantic(lambda: triangle(transactions), rounds=3)
    assert table.shape == (36, 36)


def peak(run: Callable[[], object]) -> float:
    """Return the highest memory in use beyond what was there [MB]."""
    tracemalloc.start()
    run()
    used = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return used


CASES = (
    ("movements", move, bare_contracts),
    ("cohort triangle", triangle, bare_purchases),
    ("cohort triangle of contracts", contract_triangle, bare_contracts),
)


def test_promised_memory_is_at_most_five_times_the_groupby(
    contracts: pd.DataFrame, transactions: pd.DataFrame
) -> None:
    for (name, ours, bare), rows in zip(CASES, (contracts, transactions, contracts), strict=True):
        used, yardstick = peak(lambda: ours(rows)), peak(lambda: bare(rows))  # noqa: B023
        print(f"{name}: {used:.0f} MB, groupby {yardstick:.0f} MB: {used / yardstick:.2f} times")
        assert used <= 5.0 * yardstick


def test_promised_time_is_at_most_five_times_the_groupby(
    contracts: pd.DataFrame, transactions: pd.DataFrame
) -> None:
    """Taken in turns, so that both meet the same load; medians of five rounds."""
    for (name, ours, bare), rows in zip(CASES, (contracts, transactions, contracts), strict=True):
        seconds: list[list[float]] = [[], []]
        for _ in range(5):
            for at, run in enumerate((ours, bare)):
                begin = perf_counter()
                run(rows)
                seconds[at].append(perf_counter() - begin)
        mine, yardstick = (float(np.median(taken)) for taken in seconds)
        print(f"{name}: {mine:.2f} s, groupby {yardstick:.2f} s: {mine / yardstick:.2f} times")
        assert mine <= 5.0 * yardstick


def test_promised_bootstrap_costs_little_more_than_sorting() -> None:
    """One bootstrap of a million values beside one sort of them, in turns; fastest of three."""
    values = np.random.default_rng(2).lognormal(0.0, 2.0, CUSTOMERS)
    seconds: list[list[float]] = [[], []]
    for _ in range(3):
        begin = perf_counter()
        bootstrap_interval(gini, values, seed=0, resamples=399)
        seconds[0].append(perf_counter() - begin)
        begin = perf_counter()
        np.sort(values)
        seconds[1].append(perf_counter() - begin)
    ours, sort = (min(taken) for taken in seconds)
    print(f"bootstrap: {ours:.2f} s, sort {sort:.2f} s: {ours / sort:.1f} times")
    assert ours < 12 * sort + 0.5
