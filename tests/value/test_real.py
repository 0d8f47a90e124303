from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest

from retainkit.typing import FloatArray
from retainkit.value import CustomerSummary, fit_margin, margin_rates, summarize_customers

DATA = Path(os.environ.get("RETAINKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))
SUPERSTORE = DATA / "superstore" / "Sample-Superstore.csv.gz"
needs_superstore = pytest.mark.skipif(
    not SUPERSTORE.exists(),
    reason=f"no {SUPERSTORE}: set RETAINKIT_DATA to the folder of data sets",
)
pytestmark = [pytest.mark.real, needs_superstore]


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    frame = pd.read_csv(SUPERSTORE, encoding="utf-8-sig")
    return pd.DataFrame(
        {
            "customer_id": frame["Customer ID"],
            "timestamp": pd.to_datetime(frame["Order Date"], format="%m/%d/%Y"),
            "amount": frame["Sales"],
            "profit": frame["Profit"],
            "business_line": frame["Category"],
        }
    )


@pytest.fixture(scope="module")
def summary(lines: pd.DataFrame) -> CustomerSummary:
    return summarize_customers(lines, as_of="2019-12-30")


def test_known_totals(summary: CustomerSummary) -> None:
    # SOURCE.txt of the data set: 793 customers, sales 2,297,200.86, profit 286,397.02, 155
    # unprofitable customers, top 20 % make 81.7 % of profit.
    assert len(summary) == 793
    npt.assert_allclose(summary.total_amount.sum(), 2_297_200.86, atol=0.005)
    npt.assert_allclose(summary.contribution.sum(), 286_397.02, atol=0.005)
    assert int((summary.contribution < 0).sum()) == 155
    best = np.sort(summary.contribution)[::-1][: round(0.2 * 793)]
    npt.assert_allclose(best.sum() / summary.contribution.sum(), 0.817, atol=0.0006)
    assert summary.breadth is not None
    assert set(summary.breadth.tolist()) == {1, 2, 3}


@pytest.mark.parametrize("until", ["2016-12-31", "2017-12-31", "2018-12-31"])
def test_shrunk_margins_foretell_profit(lines: pd.DataFrame, until: str) -> None:
    """Margins learnt until a day miss the profit made after it by less than own margins do.

    And they are within 3 % of the better of own and pooled margins, whichever that is.
    """
    past = summarize_customers(lines, as_of=until)
    after = lines[lines["timestamp"] > until].groupby("customer_id")[["amount", "profit"]].sum()
    after = after.reindex(past.customer_id)
    bought, earned = after["amount"].to_numpy(), after["profit"].to_numpy()
    margin = fit_margin(past)
    assert past.profit is not None

    def miss(rates: FloatArray) -> float:
        return float(np.nanmean(np.abs(bought * rates - earned)))

    own = miss(past.profit / past.purchase_amount)
    pooled = miss(np.full(len(past), margin.rate))
    shrunk = miss(margin_rates(past, margin))
    assert shrunk < own
    assert shrunk < 1.03 * min(own, pooled)
