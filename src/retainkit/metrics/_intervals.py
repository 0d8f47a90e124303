"""Intervals for proportions that stay honest in small tiers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from retainkit._core.arrays import check_level
from retainkit._core.kernels.intervals import jeffreys, wilson
from retainkit.typing import ArrayLike1D, FloatArray

_Bounds = tuple[FloatArray, FloatArray]


def wilson_interval(successes: ArrayLike1D, trials: ArrayLike1D, *, level: float = 0.95) -> _Bounds:
    """Return the Wilson score interval of each proportion.

    Parameters
    ----------
    successes : array-like, shape (n,)
        Heads with the property; between 0 and `trials`.
    trials : array-like, shape (n,)
        Heads in all.
    level : float, default 0.95
        Coverage, in (0, 1).

    Returns
    -------
    lower, upper : ndarray of float, shape (n,)
        Bounds in [0, 1]; NaN where `trials` is 0.

    Raises
    ------
    ValueError
        If successes are negative or exceed the trials, or `level` is outside (0, 1).

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    JASA 22(158), 209-212.

    Examples
    --------
    >>> from retainkit.metrics import wilson_interval
    >>> lower, upper = wilson_interval([9], [10])
    >>> print(f"{lower[0]:.3f} {upper[0]:.3f}")
    0.596 0.982
    """
    return _checked(wilson, successes, trials, level)


def jeffreys_interval(
    successes: ArrayLike1D, trials: ArrayLike1D, *, level: float = 0.95
) -> _Bounds:
    """Return the Jeffreys interval of each proportion.

    Equal tails of Beta(k + 1/2, n - k + 1/2), closed to 0 when k = 0 and to 1 when k = n.

    Parameters
    ----------
    successes : array-like, shape (n,)
        Heads with the property; between 0 and `trials`.
    trials : array-like, shape (n,)
        Heads in all.
    level : float, default 0.95
        Coverage, in (0, 1).

    Returns
    -------
    lower, upper : ndarray of float, shape (n,)
        Bounds in [0, 1]; NaN where `trials` is 0.

    Raises
    ------
    ValueError
        If successes are negative or exceed the trials, or `level` is outside (0, 1).

    References
    ----------
    Brown, L. D., Cai, T. T. & DasGupta, A. (2001). Interval estimation for a binomial
    proportion. Statistical Science 16(2), 101-133: section 3.1.3 and 4.1.2.

    Examples
    --------
    >>> from retainkit.metrics import jeffreys_interval
    >>> lower, upper = jeffreys_interval([9], [10])
    >>> print(f"{lower[0]:.3f} {upper[0]:.3f}")
    0.619 0.989
    """
    return _checked(jeffreys, successes, trials, level)


def _checked(
    kernel: Callable[[FloatArray, FloatArray, float], _Bounds],
    successes: ArrayLike1D,
    trials: ArrayLike1D,
    level: float,
) -> _Bounds:
    """Return the bounds, or refuse counts and levels that cannot be."""
    k, n = np.broadcast_arrays(
        np.atleast_1d(np.asarray(successes, dtype=np.float64)),
        np.atleast_1d(np.asarray(trials, dtype=np.float64)),
    )
    bad = np.flatnonzero((k < 0) | (k > n))
    if len(bad):
        msg = (
            f"{len(bad)} pairs break 0 <= successes <= trials, first {k[bad[0]]:g} of {n[bad[0]]:g}"
        )
        raise ValueError(msg)
    check_level(level)
    return kernel(k, n, level)
