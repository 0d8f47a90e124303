from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from retainkit._core.kernels.intervals import jeffreys, wilson

LAWS = settings(deadline=None, derandomize=True, max_examples=60)


def test_nine_of_ten_has_the_published_jeffreys() -> None:
    lower, upper = jeffreys(np.array([9]), np.array([10]), 0.95)
    assert (round(lower[0], 3), round(upper[0], 3)) == (0.619, 0.989)


def test_both_agree_with_independent_implementations() -> None:
    k = np.array([1, 5, 30, 499])
    n = np.array([7, 9, 100, 1000])
    lower, upper = wilson(k, n, 0.9)
    expected = proportion_confint(k, n, alpha=0.1, method="wilson")
    np.testing.assert_allclose(np.array([lower, upper]), np.array(expected), rtol=1e-12)
    lower, upper = jeffreys(k, n, 0.9)
    beta = stats.beta(k + 0.5, n - k + 0.5)
    np.testing.assert_allclose(lower, beta.ppf(0.05), rtol=1e-10)
    np.testing.assert_allclose(upper, beta.ppf(0.95), rtol=1e-10)


@pytest.mark.parametrize("interval", [jeffreys, wilson])
def test_no_trials_give_no_interval(interval: object) -> None:
    lower, upper = interval(np.array([0, 1]), np.array([0, 2]), 0.95)  # type: ignore[operator]
    assert np.isnan([lower[0], upper[0]]).all()
    assert np.isfinite([lower[1], upper[1]]).all()


@LAWS
@given(n=st.integers(1, 5000), share=st.floats(0, 1), level=st.floats(0.5, 0.999))
def test_intervals_hold_the_proportion_and_mirror(n: int, share: float, level: float) -> None:
    """An interval lies in [0, 1], holds k / n, and mirrors when success and failure swap."""
    k = round(share * n)
    for interval in (jeffreys, wilson):
        lower, upper = interval(np.array([k]), np.array([n]), level)
        mirrored_lower, mirrored_upper = interval(np.array([n - k]), np.array([n]), level)
        assert 0.0 <= lower[0] <= k / n + 1e-12
        assert k / n - 1e-12 <= upper[0] <= 1.0
        np.testing.assert_allclose(mirrored_lower, 1.0 - upper, atol=1e-10)
        np.testing.assert_allclose(mirrored_upper, 1.0 - lower, atol=1e-10)
