from __future__ import annotations

import pickle

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import AlignmentError, NotComputableError
from retainkit.value import allocate_costs, decompose_profit, summarize_customers
from retainkit.value._profit import PROFIT_CAUSES

AS_OF = "2024-12-31"


def make_rows(seed: int, n: int = 80) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    amount = np.round(random.gamma(2.0, 20.0, n), 2) * random.choice([1, 1, 1, -1], n)
    return pd.DataFrame(
        {
            "customer_id": random.integers(0, 8, n),
            "timestamp": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(random.integers(0, 500, n), "D"),
            "amount": np.append(amount[:-1], 50.0),
            "profit": np.round(random.normal(5.0, 20.0, n), 2),
            "business_line": pd.Series(["x", "y", None]).iloc[random.integers(0, 3, n)].to_numpy(),
            "list_amount": np.append(amount[:-1], 50.0) * 1.25,
        }
    ).assign(timestamp=lambda f: f["timestamp"].mask(f.index == n - 1, pd.Timestamp("2024-01-01")))


def test_by_hand() -> None:
    # Two lines at list margins 50 % and 20 %; one customer each buys at 30 % off, is served, and
    # returns. Base: list value 400, m = .35, d = 30 / 400, r = -10 / 400, s = 20 / 400.
    rows = pd.DataFrame(
        {
            "customer_id": [1, 2, 2, 3, 3],
            "timestamp": pd.Timestamp("2024-01-31"),
            "amount": [100.0, 70.0, 100.0, 100.0, -30.0],
            "profit": [50.0, 20.0, 20.0, 20.0, -10.0],
            "business_line": ["a", "a", "b", "b", "b"],
        }
    )
    calls = pd.DataFrame({"customer_id": [3], "activity": ["call"], "quantity": [2.0]})
    summary = summarize_customers(rows, as_of=AS_OF).with_costs(
        allocate_costs(calls, rates={"call": 10.0})
    )
    gaps = decompose_profit(rows, summary, list_amount=[100.0, 100.0, 100.0, 100.0, -30.0])
    assert gaps.profit.tolist() == [50.0, 40.0, -10.0]
    npt.assert_allclose(gaps.base_rate, 80 / 400)
    npt.assert_allclose(gaps.price, [7.5, 15 - 30, 7.5])
    npt.assert_allclose(gaps.mix, [15.0, 0.0, -15.0])
    npt.assert_allclose(gaps.product_cost, 0.0, atol=1e-12)
    npt.assert_allclose(gaps.returns, [2.5, 5.0, -7.5])
    npt.assert_allclose(gaps.service, [5.0, 10.0, -15.0])
    assert gaps.is_unprofitable.tolist() == [False, False, True]
    worst = gaps.unprofitable()
    assert worst["customer_id"].tolist() == [3]
    assert worst["reason"].iloc[0] in ("mix", "service")  # both 15
    assert gaps.summary()["customers"].sum() == 1
    pickle.loads(pickle.dumps(gaps))


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_parts_sum_to_the_gap(seed: int, listed: bool, lines: bool) -> None:
    """The five parts of every customer add up to profit minus expected profit."""
    rows = make_rows(seed)
    rows = rows if lines else rows.drop(columns="business_line")
    summary = summarize_customers(rows, as_of=AS_OF)
    gaps = decompose_profit(rows, summary, list_amount=rows["list_amount"] if listed else None)
    parts = sum(getattr(gaps, cause) for cause in PROFIT_CAUSES)
    scale = np.abs(gaps.profit).sum()
    npt.assert_allclose(parts, gaps.gap, atol=1e-12 * scale)
    assert summary.profit is not None
    npt.assert_allclose(gaps.profit, summary.profit, atol=1e-9)
    npt.assert_allclose(gaps.gap.sum(), 0.0, atol=1e-9 * scale)
    for cause in PROFIT_CAUSES:  # nobody gains what nobody loses
        npt.assert_allclose(getattr(gaps, cause).sum(), 0.0, atol=1e-9 * scale)
    if not listed:
        assert not gaps.price.any()
    if not lines:
        npt.assert_allclose(gaps.mix, 0.0, atol=1e-9 * scale)


def test_refuses() -> None:
    rows = make_rows(1)
    summary = summarize_customers(rows, as_of=AS_OF)
    with pytest.raises(AlignmentError, match="list_amount"):
        decompose_profit(rows, summary, list_amount=[1.0])
    with pytest.raises(AlignmentError, match="customers"):
        decompose_profit(rows, summary.take(np.arange(3)))
    bare = rows.drop(columns="profit")
    with pytest.raises(NotComputableError, match="profit"):
        decompose_profit(bare, summarize_customers(bare, as_of=AS_OF))
    free = rows.assign(amount=0.0)
    with pytest.raises(NotComputableError, match="bought"):
        decompose_profit(free, summarize_customers(free, as_of=AS_OF))
