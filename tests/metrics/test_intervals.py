from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from retainkit.metrics import jeffreys_interval, wilson_interval

LAWS = settings(deadline=None, derandomize=True, max_examples=60)


def test_nine_of_ten_has_the_published_jeffreys_interval() -> None:
    lower, upper = jeffreys_interval([9], [10])
    assert (round(lower[0], 3), round(upper[0], 3)) == (0.619, 0.989)


def test_both_agree_with_independent_implementations() -> None:
    k = np.array([1, 5, 30, 499])
    n = np.array([7, 9, 100, 1000])
    lower, upper = wilson_interval(k, n, level=0.9)
    expected = proportion_confint(k, n, alpha=0.1, method="wilson")
    np.testing.assert_allclose(np.array([lower, upper]), np.array(expected), rtol=1e-12)
    lower, upper = jeffreys_interval(k, n, level=0.9)
    beta = stats.beta(k + 0.5, n - k + 0.5)
    np.testing.assert_allclose(lower, beta.ppf(0.05), rtol=1e-10)
    np.testing.assert_allclose(upper, beta.ppf(0.95), rtol=1e-10)


@pytest.mark.parametrize("interval", [jeffreys_interval, wilson_interval])
def test_no_trials_give_no_interval(interval: object) -> None:
    lower, upper = interval([0, 1], [0, 2])  # type: ignore[operator]
    assert np.isnan([lower[0], upper[0]]).all()
    assert np.isfinite([lower[1], upper[1]]).all()


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="0 <= successes <= trials"):
        jeffreys_interval([k], [n])


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_levels_outside_the_unit_interval_are_refused(level: float) -> None:
    with pytest.raises(ValueError, match="strictly between"):
        wilson_interval([1], [2], level=level)


@LAWS
@given(n=st.integers(1, 5000), share=st.floats(0, 1), level=st.floats(0.5, 0.999))
def test_intervals_hold_the_proportion_and_mirror(n: int, share: float, level: float) -> None:
    """An interval lies in [0, 1], holds k / n, and mirrors when success and failure swap."""
    k = round(share * n)
    for interval in (jeffreys_interval, wilson_interval):
        lower, upper = interval([k], [n], level=level)
        mirrored_lower, mirrored_upper = interval([n - k], [n], level=level)
        assert 0.0 <= lower[0] <= k / n + 1e-12
        assert k / n - 1e-12 <= upper[0] <= 1.0
        np.testing.assert_allclose(mirrored_lower, 1.0 - upper, atol=1e-10)
        np.testing.assert_allclose(mirrored_upper, 1.0 - lower, atol=1e-10)
