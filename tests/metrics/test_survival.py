"""The product-limit curve: published remission data, hand areas, an independent oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from retainkit.contracts import ContractConvention
from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    PurchaseIndex,
    RetentionCurve,
    retention_curve,
)

# Remission of 6-MP patients, Freireich et al. 1963 as in Kalbfleisch & Prentice and in
# Kleinbaum & Klein (2012), table 2.3: survival 0.8571 0.8067 0.7529 0.6902 0.6275 0.5378 0.4482
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def test_published_remission_times() -> None:
    curve = RetentionCurve.from_stays(WEEKS, ENDED)
    found = curve.at([6, 7, 10, 13, 16, 22, 23]).round(4).tolist()
    assert found == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    assert curve.summary().loc[0, "median_days"] == 23
    assert np.isnan(curve.at([36])[0])
    assert curve.at([0])[0] == 1.0


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=2, max_size=40))
def test_the_curve_equals_an_independent_one(rows: list[tuple[int, bool]]) -> None:
    """Product limit and Greenwood agree with statsmodels at every event."""
    duration, ended = zip(*rows, strict=True)
    if not any(ended):
        return
    curve = RetentionCurve.from_stays(duration, ended)
    oracle = SurvfuncRight(np.array(duration), np.array(ended, dtype=int))
    frame = curve.to_frame()
    at_events = frame[frame["left"] > 0]
    np.testing.assert_allclose(at_events["retention"], oracle.surv_prob, atol=1e-12)
    some = oracle.surv_prob > 0
    own = (
        curve.curve.variance_sum[curve.curve.events > 0]
        * curve.curve.survival[curve.curve.events > 0] ** 2
    )
    np.testing.assert_allclose(own[some], oracle.surv_prob_se[some] ** 2, atol=1e-12)


def test_the_restricted_mean_is_the_area_under_the_curve() -> None:
    """1 to day 10, 3/4 to day 30, 3/8 to day 40: 10 + 15 + 3.75."""
    curve = RetentionCurve.from_stays([10, 20, 30, 40], [True, False, True, False])
    result = curve.mean_lifetime(horizon_days=40)
    assert result.value == 28.75
    # variance: (18.75^2)(1/(4 3)) + (3.75^2)(1/(2 1))
    sd = np.sqrt(18.75**2 / 12 + 3.75**2 / 2)
    assert result.interval is not None
    assert result.interval.lower == pytest.approx(28.75 - 1.959964 * sd, abs=1e-4)
    assert curve.mean_lifetime(horizon_days=41).reason == "insufficient_history"
    assert (
        RetentionCurve.from_stays([], []).mean_lifetime(horizon_days=1).reason == "zero_denominator"
    )


def test_without_censoring_the_mean_is_the_mean() -> None:
    curve = RetentionCurve.from_stays([3, 5, 10], [True, True, True])
    assert curve.mean_lifetime(horizon_days=10).value == pytest.approx(6.0)


def test_wrong_stays_are_refused() -> None:
    for stays, ended in (([1.0], [True, False]), ([-1.0], [True]), ([float("nan")], [True])):
        with pytest.raises(ValueError, match="none negative"):
            RetentionCurve.from_stays(stays, ended)


def test_stays_of_contracts_end_at_the_first_departure(march: ContractIndex) -> None:
    """A 90 B 90 C 90 running; D 78 E 27 running F 20 G 31 H 63 I 66 days."""
    frame = retention_curve(march).to_frame()
    left = frame[frame["left"] > 0]
    assert left["days"].tolist() == [20.0, 31.0, 63.0, 66.0, 78.0]
    assert frame["days"].tolist() == [20.0, 27.0, 31.0, 63.0, 66.0, 78.0, 90.0]
    bridged = retention_curve(
        march, convention=MetricConvention(contracts=ContractConvention(grace_days=16))
    ).to_frame()
    assert bridged.loc[bridged["left"] > 0, "days"].tolist() == [31.0, 66.0]  # D, F too fresh
    late = retention_curve(march, joined_from="2026-03-01")
    assert late.n == 2


def test_stays_of_purchases_need_a_window_of_silence(cdnow_base: PurchaseIndex) -> None:
    curve = retention_curve(cdnow_base)
    assert curve.n == 2357
    assert curve.to_frame()["days"].min() >= 91  # nobody can be lost earlier than one window
