from __future__ import annotations

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import NotComputableError
from retainkit.value import (
    CustomerSummary,
    MarginModel,
    fit_margin,
    margin_rates,
    net_margin_rates,
    summarize_customers,
)
from retainkit.value._kernel import fit_credibility, shrunk_rates

LAWS = settings(deadline=None, derandomize=True, max_examples=60)


def make_summary(bought: list[float], profit: list[float] | None) -> CustomerSummary:
    frame = pd.DataFrame(
        {
            "customer_id": range(len(bought)),
            "timestamp": pd.Timestamp("2024-01-31"),
            "amount": np.array(bought, dtype=np.float64),
        }
    )
    if profit is not None:
        frame = frame.assign(profit=np.array(profit, dtype=np.float64))
    return summarize_customers(frame, as_of="2024-01-31")


def test_moments_by_hand() -> None:
    # n = 1, 2, 4; own rates 0.3, 0.9, 0.1 around 0.4: squares 0.01, 0.25, 0.09.
    # sum n d^2 = 0.87 = 7 a + 3 s2 and sum n^2 d^2 = 2.45 = 21 a + 7 s2:
    # 3 * 0.87 - 2.45 = 0.16 = 2 s2, so s2 = 0.08, a = (0.87 - 0.24) / 7 = 0.09, k = 8 / 9.
    n, own = np.array([1.0, 2.0, 4.0]), np.array([0.3, 0.9, 0.1])
    k = fit_credibility(own, n, 0.4)
    assert k == pytest.approx(8 / 9)
    shrunk = shrunk_rates(own, n, 0.4, k)
    npt.assert_allclose(
        shrunk, [(0.3 + 3.2 / 9) / (17 / 9), (1.8 + 3.2 / 9) / (26 / 9), (0.4 + 3.2 / 9) / (44 / 9)]
    )


def test_recovers_the_truth_of_a_simulated_base() -> None:
    # rates ~ N(0.3, 0.1^2) between customers, noise variance 0.2 / occasions: k = 0.2 / 0.01 = 20
    random = np.random.default_rng(7)
    occasions = random.geometric(0.1, 100_000).astype(np.float64)
    truth = random.normal(0.3, 0.1, occasions.size)
    own = truth + random.normal(0.0, 1.0, occasions.size) * np.sqrt(0.2 / occasions)
    k = fit_credibility(own, occasions, 0.3)
    assert k == pytest.approx(20.0, rel=0.1)
    shrunk = shrunk_rates(own, occasions, 0.3, k)
    error = np.mean((shrunk - truth) ** 2)
    assert error < np.mean((own - truth) ** 2)
    assert error < np.mean((0.3 - truth) ** 2)


def test_equal_occasions_or_equal_rates_are_pooled() -> None:
    assert fit_credibility(np.array([0.1, 0.9]), np.array([2.0, 2.0]), 0.5) is None
    assert fit_credibility(np.array([0.5, 0.5]), np.array([1.0, 2.0]), 0.5) is None


def test_a_cent_bought_and_a_hundred_returned_is_no_margin() -> None:
    # 200 buyers at margins 0.1 and 0.3, one of whom then bought a cent and returned 100.
    profit = [10.0, 30.0] * 100
    margin = fit_margin(make_summary([100.0] * 200, profit))
    assert (margin.lowest_own_rate, margin.highest_own_rate) == (0.1, 0.3)
    absurd = make_summary([0.01], [-100.0])
    rate = margin_rates(absurd, margin.replace(credibility_occasions=1.0))[0]
    assert rate == pytest.approx((0.1 + 0.2) / 2)


@LAWS
@given(base=st.lists(st.tuples(st.floats(1.0, 1e6), st.floats(-1.0, 1.0)), min_size=1, max_size=30))
def test_shrunk_margin_lies_between_own_and_pooled(base: list[tuple[float, float]]) -> None:
    """A customer's margin lies between its own and the base's."""
    bought = [b for b, _ in base]
    summary = make_summary(bought, [b * rate for b, rate in base])
    margin = fit_margin(summary)
    rates = margin_rates(summary, margin)
    own = np.array([rate for _, rate in base])
    assert (rates >= np.minimum(own, margin.rate) - 1e-9).all()
    assert (rates <= np.maximum(own, margin.rate) + 1e-9).all()
    assert MarginModel.from_json(margin.to_json()) == margin


def test_basis_says_where_the_margin_comes_from() -> None:
    measured = make_summary([100.0, 300.0], [50.0, 30.0])
    assert fit_margin(measured, assumed_rate=0.9).basis == "profit"
    npt.assert_allclose(fit_margin(measured).rate, 0.2)
    unknown = make_summary([100.0, 300.0], None)
    assumed = fit_margin(unknown, assumed_rate=0.25)
    assert (assumed.basis, assumed.assumed_rate, assumed.rate) == ("assumed", 0.25, 0.25)
    npt.assert_array_equal(margin_rates(unknown, assumed), [0.25, 0.25])
    assert fit_margin(unknown).basis == "revenue"
    npt.assert_array_equal(margin_rates(unknown, fit_margin(unknown)), [1.0, 1.0])


def test_who_bought_nothing_gets_the_margin_of_the_base() -> None:
    summary = make_summary([100.0, 300.0, -50.0], [50.0, 30.0, -50.0])
    margin = fit_margin(summary.take(np.array([0, 1])))
    assert margin_rates(summary, margin)[2] == margin.rate


def test_money_net_of_returns_loses_them_once() -> None:
    """300 bought and 60 of it returned: earnings are held against the 240 that are left."""
    rows = pd.DataFrame(
        {
            "customer_id": [1, 2, 2],
            "amount": [150.0, 150.0, -60.0],
            "profit": [30.0, 30.0, -12.0],
            "timestamp": pd.to_datetime("2024-01-31"),
        }
    )
    bare = summarize_customers(rows.drop(columns="profit"), as_of="2024-01-31")
    revenue, assumed = fit_margin(bare), fit_margin(bare, assumed_rate=0.25)
    assert revenue.net_share == assumed.net_share == 0.8
    assert (revenue.rate, assumed.rate) == (0.8, 0.2)
    npt.assert_array_equal(net_margin_rates(bare, revenue), [1.0, 1.0])
    npt.assert_array_equal(net_margin_rates(bare, assumed), [0.25, 0.25])
    summary = summarize_customers(rows, as_of="2024-01-31")
    profit = fit_margin(summary)
    assert profit.net_rate == pytest.approx(48.0 / 240.0)
    npt.assert_allclose(net_margin_rates(summary, profit), margin_rates(summary, profit) / 0.8)


def test_refuses() -> None:
    with pytest.raises(NotComputableError, match="purchases"):
        fit_margin(make_summary([-1.0], None))
    margin = fit_margin(make_summary([100.0], [10.0]))
    with pytest.raises(NotComputableError, match="profit"):
        margin_rates(make_summary([100.0], None), margin)
