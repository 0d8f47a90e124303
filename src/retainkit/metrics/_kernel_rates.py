"""Intervals of rates, sums, ratios and differences; arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from scipy.special import bdtr, gammaincinv, ndtri

from retainkit.typing import FloatArray

_Bounds = tuple[FloatArray, FloatArray]


def poisson_bounds(events: FloatArray, exposure: FloatArray, level: float) -> _Bounds:
    """Return the exact (Garwood) bounds of events per unit of exposure; NaN without exposure."""
    time = np.where(exposure > 0, exposure, np.nan)
    tail = (1.0 - level) / 2.0
    some = np.maximum(events, 1e-300)
    lower = np.where(events == 0, 0.0, gammaincinv(some, tail))
    return lower / time, gammaincinv(events + 1.0, 1.0 - tail) / time


def daily_hazard_bounds(hazard: FloatArray, variance: FloatArray, level: float) -> _Bounds:
    """Return log-scale bounds of a Nelson-Aalen sum; NaN where nothing happened."""
    z = float(ndtri(0.5 + level / 2.0))
    some = np.where(hazard > 0, hazard, np.nan)
    spread = np.exp(z * np.sqrt(variance) / some)
    return some / spread, some * spread


def newcombe_difference(
    one: FloatArray, one_bounds: _Bounds, other: FloatArray, other_bounds: _Bounds
) -> _Bounds:
    """Return bounds of one - other by the square-and-add method (Newcombe's method 10).

    The bounds of each part carry over, so it stays honest for small groups and for shares
    near 0 or 1.
    """
    lower = one - other - np.hypot(one - one_bounds[0], other_bounds[1] - other)
    upper = one - other + np.hypot(one_bounds[1] - one, other - other_bounds[0])
    return lower, upper


def ratio_bounds(
    one: FloatArray, one_bounds: _Bounds, other: FloatArray, other_bounds: _Bounds
) -> _Bounds:
    """Return bounds of one / other by square-and-add on the log scale (Zou & Donner, MOVER-R).

    NaN where a bound is not positive and the logarithm says nothing.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = [np.log(x) for x in (one, *one_bounds, other, *other_bounds)]
        top, top_low, top_high, bottom, bottom_low, bottom_high = logs
        lower = np.exp(top - bottom - np.hypot(top - top_low, bottom_high - bottom))
        upper = np.exp(top - bottom + np.hypot(top_high - top, bottom - bottom_low))
    good = np.isfinite(lower) & np.isfinite(upper)
    return np.where(good, lower, np.nan), np.where(good, upper, np.nan)


def linearised_bounds(value: FloatArray, variance: FloatArray, level: float) -> _Bounds:
    """Return normal bounds of a ratio of sums from the variance of its linearised residuals."""
    z = float(ndtri(0.5 + level / 2.0))
    spread = z * np.sqrt(variance)
    return value - spread, value + spread


def median_bounds(ascending: FloatArray, level: float) -> tuple[float, float]:
    """Return distribution-free bounds of the median from order statistics; NaN for too few.

    The number of values below the median is binomial with one half, so the k-th value from either
    end holds it with probability 1 - 2 P(Bin(n, 1/2) < k).
    """
    n = len(ascending)
    below = bdtr(np.arange(n // 2), n, 0.5)
    k = int(np.searchsorted(below, (1.0 - level) / 2.0, side="right"))
    if k == 0:
        return np.nan, np.nan
    return float(ascending[k - 1]), float(ascending[n - k])
