from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.lifetime.models._kernel_dropout import (
    _integral,
    _mean_purchases,
    expected_until_dropout,
)

LAW = settings(deadline=None, derandomize=True, max_examples=60)


@pytest.mark.parametrize("a", [0.01, 0.891, 1.0, 1.3, 30.0])
def test_a_row_does_not_depend_on_the_rows_beside_it(a: float) -> None:
    rng = np.random.default_rng(3)
    s, u, b = 10 ** rng.uniform(-2, 3.3, 150), 10 ** rng.uniform(-3, 3, 150), 1 + rng.random(150)
    together = expected_until_dropout(s, u, a, b)
    alone = [
        expected_until_dropout(s[i : i + 1], u[i : i + 1], a, b[i : i + 1])[0] for i in range(150)
    ]
    np.testing.assert_array_equal(together, alone)


@LAW
@given(st.floats(0.01, 1000), st.floats(1e-3, 5), st.floats(0.05, 20), st.floats(1.01, 1000))
def test_series_and_integral_agree(s: float, u: float, a: float, b: float) -> None:
    """Two independent ways to the expectation give the same number."""
    arrays = [np.array([v]) for v in (s, u, b)]
    series = expected_until_dropout(arrays[0], arrays[1], a, arrays[2])
    integral = _integral(arrays[0], arrays[1], a, arrays[2], _mean_purchases)
    np.testing.assert_allclose(series, integral, rtol=1e-11)


def test_no_time_gives_nothing_and_nan_stays_nan() -> None:
    u = np.array([0.0, np.nan])
    np.testing.assert_array_equal(
        expected_until_dropout(np.ones(2), u, 0.9, np.full(2, 2.0)), [0.0, np.nan]
    )


def test_without_dropout_purchases_follow_the_rate() -> None:
    """As p -> 0, (1 - (1 + p u)^-s) / p -> s u."""
    found = expected_until_dropout(np.array([2.5]), np.array([3.0]), 1e-14, np.array([4.0]))
    np.testing.assert_allclose(found, [7.5], rtol=1e-12)
