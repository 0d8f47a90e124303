"""Counts, tails, effects and windows of contract hazards against oracles and hand calculations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from retainkit.forecast import _kernel_renewal as kernel
from retainkit.forecast import _kernel_renewal_hazard as hazards
from retainkit.forecast import _kernel_renewal_window as windows
from retainkit.lifetime import fit_shifted_beta_geometric, tenures_from_survivors


def days(*texts: str) -> kernel.Ints:
    return np.array(texts, dtype="datetime64[D]").astype(np.int64)


def test_anniversaries_are_those_of_pandas() -> None:
    rng = np.random.default_rng(0)
    start = rng.integers(18000, 20000, 300)
    months = rng.integers(0, 40, 300)
    expected = [
        (pd.Timestamp(int(s), unit="D") + pd.DateOffset(months=int(m))).toordinal()
        - pd.Timestamp(0).toordinal()
        for s, m in zip(start, months, strict=True)
    ]
    found = kernel.anniversaries(kernel.months_of(start), months)
    np.testing.assert_array_equal(found, expected)
    at = kernel.months_of(start)
    np.testing.assert_array_equal(kernel.months_completed(at, kernel.months_of(found)), months)
    day_before = kernel.months_completed(at, kernel.months_of(found - 1))
    np.testing.assert_array_equal(day_before, months - 1)


def test_an_end_belongs_to_the_renewal_date_it_lies_on_or_before() -> None:
    """Begun on 31 January: renewals on 28 February, 31 March, ... ."""
    start = days(*["2023-01-31"] * 6)
    end = days("2023-02-27", "2023-02-28", "2023-03-01", "2023-03-10", "2023-03-31", "2023-01-31")
    index, on_time = kernel.index_of_end(start, end, kernel.months_of(start), 1)
    assert index.tolist() == [1, 1, 1, 2, 2, 0]
    assert on_time.tolist() == [True, True, True, False, True, True]


SPELLS = st.lists(
    st.tuples(st.integers(0, 120), st.integers(0, 150), st.booleans()), min_size=1, max_size=30
)


@settings(max_examples=60, deadline=None)
@given(SPELLS, st.integers(-5, 100))
def test_daily_counts_are_those_of_a_loop(rows: list[tuple[int, int, bool]], first: int) -> None:
    """At risk on day t of tenure: begun, not yet ended, seen on that calendar day."""
    as_of = 120
    start = np.array([row[0] for row in rows])
    end = np.array([row[0] + row[1] if row[2] else kernel.NEVER for row in rows])
    end = np.where(end > as_of, kernel.NEVER, end)
    counts = kernel.count_steps(start, end, 0, kernel.block_edges(first, as_of))
    risk, ended = np.zeros(200), np.zeros(200)
    for s, e in zip(start.tolist(), end.tolist(), strict=True):
        for day in range(max(s, first), min(e, as_of) + 1):
            risk[day - s] += 1
        if first <= e <= as_of:
            ended[e - s] += 1
    size = counts.risk.shape[1]
    np.testing.assert_array_equal(counts.risk.sum(axis=0), risk[:size])
    np.testing.assert_array_equal(counts.ended.sum(axis=0), ended[:size])
    assert not risk[size:].any()


@pytest.mark.parametrize("step", [0, 1, 12])
def test_counts_of_parts_add_up(step: int) -> None:
    rng = np.random.default_rng(1)
    start = rng.integers(0, 1000, 500)
    end = np.where(rng.random(500) < 0.5, start + rng.integers(0, 900, 500), kernel.NEVER)
    edges = kernel.block_edges(200, 1400)
    whole = kernel.count_steps(start, end, step, edges)
    parts = [kernel.count_steps(start[i::3], end[i::3], step, edges) for i in range(3)]
    merged = kernel.merge_counts(parts)
    size = whole.risk.shape[1]
    np.testing.assert_array_equal(merged.risk[:, :size], whole.risk)
    np.testing.assert_array_equal(merged.ended[:, :size], whole.ended)


def test_tail_is_the_shifted_beta_geometric_of_the_published_example() -> None:
    """Fader & Hardie (2007), table 1, high end; its hazards within 2 % of the exact optimum."""
    survivors = [1000, 869, 743, 653, 593, 551, 517, 491]
    periods, ended, weights = tenures_from_survivors(survivors)
    exact = fit_shifted_beta_geometric(periods, ended, weights=weights)
    risk = np.array([0.0, *survivors[:-1]])
    left = np.array([0.0, *(-np.diff(survivors)).tolist()])
    tail = hazards.fit_tail(risk, left, 1)
    k = np.arange(1.0, 20.0)
    expected = exact.gamma / (exact.gamma + exact.delta + k - 1.0)
    np.testing.assert_allclose(hazards.tail_hazard(tail, k), expected, rtol=0.02)


def test_tail_of_alike_customers_is_flat() -> None:
    """One in ten leaves at each date, whatever the tenure."""
    risk = np.array([0.0, *(10000 * 0.9 ** np.arange(8))])
    tail = hazards.fit_tail(risk, 0.1 * risk, 1)
    np.testing.assert_allclose(hazards.tail_hazard(tail, np.array([1.0, 50.0])), 0.1, rtol=0.01)


def test_proportional_effects_are_those_of_a_binomial_glm() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(2000, 2))
    exposure = rng.uniform(0.05, 0.6, 2000)
    left = (rng.random(2000) < -np.expm1(-exposure * np.exp(x @ [0.5, -0.3] + 0.2))).astype(float)
    link = sm.families.links.CLogLog()
    oracle = sm.GLM(
        left, sm.add_constant(x), family=sm.families.Binomial(link), offset=np.log(exposure)
    ).fit()
    level, effects = hazards.fit_proportional(x, left, exposure, 1e-9)
    np.testing.assert_allclose([level, *effects], oracle.params, atol=1e-5)
    order = rng.permutation(2000)
    again = hazards.fit_proportional(x[order], left[order], exposure[order], 1e-9)
    assert again[0] == level
    np.testing.assert_array_equal(again[1], effects)


def test_auc_and_calibration_error_are_those_of_rows() -> None:
    rng = np.random.default_rng(3)
    p = rng.random(1000).round(2)
    y = rng.random(1000) < p
    levels, place = np.unique(p, return_inverse=True)
    n, stayed = np.bincount(place), np.bincount(place, weights=y).astype(np.int64)
    assert hazards.auc(levels, n, stayed) == pytest.approx(roc_auc_score(y, p))
    distinct = np.sort(rng.random(1000))
    y = rng.random(1000) < distinct**2
    ones = np.ones(1000, dtype=np.int64)
    bins = np.array_split(np.arange(1000), 10)
    expected = sum(abs(distinct[i].mean() - y[i].mean()) for i in bins) / 10
    found = hazards.calibration_error(distinct, ones, y.astype(np.int64))
    assert found == pytest.approx(expected)


def test_plan_factors_are_drawn_towards_one() -> None:
    observed, expected = np.array([40.0, 10.0, 1.0]), np.array([25.0, 25.0, 0.5])
    factors = hazards.shrunk_factors(observed, expected)
    assert 1.0 < factors[0] < 1.6
    assert 0.4 < factors[1] < 1.0
    assert 1.0 < factors[2] < 1.5


def test_coming_back_at_a_constant_rate() -> None:
    """Rate .01 a day and nobody leaves again: 1 - exp(-.01 w) after w days, whatever the gap."""
    fresh = np.ones(31)
    back = windows.come_back((0.01, 0.01), (0, 30), np.array([0, 10, 500]), 30, fresh)
    np.testing.assert_allclose(back.at_end, 1.0 - np.exp(-0.3))
    by_day = 1.0 - np.exp(-0.01 * np.arange(1, 31))
    np.testing.assert_allclose(back.mean_days, by_day.sum())
