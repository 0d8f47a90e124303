"""What a customer brought in its last year is the sum of its rows, counted again here."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from retainkit._core.time import day_number
from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import RetentionPipeline
from retainkit.value import summarize_customers

# customers alike in everything lie on the boundary of the model of buying
pytestmark = pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")


def firm(seed: int = 3) -> pd.DataFrame:
    """Buyers over three years, one in ten rows a return; profit of its own."""
    rng = np.random.default_rng(seed)
    n = 3000
    amount = rng.lognormal(4.0, 1.0, n).round(2) * np.where(rng.random(n) < 0.1, -1.0, 1.0)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(0, 200, n),
            "timestamp": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 1096, n), unit="D"),
            "amount": amount,
            "profit": (amount * rng.normal(0.2, 0.3, n)).round(2),
        }
    )


def recount(rows: pd.DataFrame, column: str) -> pd.Series:
    """Sum the 365 days up to the last purchase of each customer, and what came back later."""
    last = rows[rows["amount"] >= 0].groupby("customer_id")["timestamp"].max()
    since = rows["customer_id"].map(last) - pd.Timedelta(days=365)
    return rows[rows["timestamp"] > since].groupby("customer_id")[column].sum()


@pytest.mark.parametrize("seed", range(3))
def test_the_summary_sums_the_year_to_the_last_purchase(seed: int) -> None:
    rows = firm(seed)
    summary = summarize_customers(rows, as_of="2022-12-31")
    for column, found in (("amount", summary.year_amount), ("profit", summary.year_profit)):
        assert found is not None
        by_hand = recount(rows, column).reindex(summary.customer_id).to_numpy()
        assert found == pytest.approx(by_hand, abs=1e-6)
    assert (summary.last_day < day_number(summary.as_of)).any()


def test_a_year_is_365_days_with_the_day_of_the_last_purchase() -> None:
    days = pd.to_datetime(["2022-01-01", "2022-01-02", "2023-01-01"])  # 365, 364 and 0 days ago
    rows = pd.DataFrame({"customer_id": 1, "timestamp": days, "amount": [1.0, 20.0, 300.0]})
    summary = summarize_customers(rows, as_of="2023-06-30")
    assert summary.year_amount is not None
    assert summary.year_amount.tolist() == [320.0]
    assert summary.year_profit is None


@pytest.mark.parametrize("profit", [False, True])
def test_reasons_tell_the_sum_of_the_rows(profit: bool) -> None:
    """With profit the profit, and the word for it; without it the money."""
    rows = firm() if profit else load_cdnow_sample()
    as_of = "2022-12-31" if profit else "1998-06-30"
    result = RetentionPipeline().run(rows, as_of=as_of)
    money = recount(rows, "profit" if profit else "amount").reindex(result.history.customer_id)
    told = 0
    for language, said_of in (
        ("en", r"brought (-?[\d,.]+\d)" + (" of profit" if profit else "") + " in the year to"),
        ("zh", r"截至最近一次购买的一年" + ("带来利润" if profit else "贡献") + r" (-?[\d,.]+\d)"),
    ):
        for text, exact in zip(result.scores.reasons(language), money, strict=True):  # type: ignore[arg-type]
            found = re.search(said_of, text, re.IGNORECASE)
            if found is not None:
                whole = abs(exact) >= 100.0
                assert float(found[1].replace(",", "")) == pytest.approx(
                    exact, abs=0.51 if whole else 0.0051
                )
                told += 1
    assert told > 150
