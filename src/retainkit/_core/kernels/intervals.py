"""Intervals of shares, rates, ratios, differences and draws; arrays in, arrays out.

`level` is the confidence level, in (0, 1).
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, betaincinv, gammaincinv, ndtri

Floats = npt.NDArray[np.float64]
_Counts = npt.NDArray[Any]
_Bounds = tuple[Floats, Floats]
Value = TypeVar("Value", float, Floats)


def normal_quantile(level: float) -> float:
    """Return how many standard errors a two-sided normal interval reaches: 1.96 at 95 %."""
    return float(ndtri(0.5 + level / 2.0))


def normal_bounds(value: Value, error: Value, level: float) -> tuple[Value, Value]:
    """Return value -+ the normal quantile times its standard error."""
    reach = normal_quantile(level) * error
    return value - reach, value + reach


def percentile_bounds(draws: Floats, level: float, *, axis: int = 0) -> _Bounds:
    """Return the equal-tailed quantiles of bootstrap draws along an axis."""
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail], axis=axis)
    return low, high


def wilson(successes: _Counts, trials: _Counts, level: float) -> _Bounds:
    """Return the Wilson score bounds of each proportion; NaN where there were no trials."""
    z = normal_quantile(level)
    n = np.where(trials > 0, trials, np.nan)
    share = successes / n
    centre = share + z * z / (2.0 * n)
    spread = z * np.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
    scale = 1.0 + z * z / n
    lower = np.where(successes == 0, 0.0 * n, np.maximum((centre - spread) / scale, 0.0))
    upper = np.where(successes == trials, n / n, np.minimum((centre + spread) / scale, 1.0))
    return lower, upper


def jeffreys(successes: _Counts, trials: _Counts, level: float) -> _Bounds:
    """Return the equal-tailed Beta(k + 1/2, n - k + 1/2) bounds; NaN where there were no trials."""
    n = np.where(trials > 0, trials, np.nan)
    a = successes + 0.5
    b = n - successes + 0.5
    tail = (1.0 - level) / 2.0
    lower = np.where(successes == 0, 0.0 * n, betaincinv(a, b, tail))
    upper = np.where(successes == trials, n / n, betaincinv(a, b, 1.0 - tail))
    return lower, upper


def poisson_bounds(events: Floats, exposure: Floats, level: float) -> _Bounds:
    """Return the exact (Garwood) bounds of events per unit of exposure; NaN without exposure."""
    time = np.where(exposure > 0, exposure, np.nan)
    tail = (1.0 - level) / 2.0
    some = np.maximum(events, 1e-300)
    lower = np.where(events == 0, 0.0, gammaincinv(some, tail))
    return lower / time, gammaincinv(events + 1.0, 1.0 - tail) / time


def daily_hazard_bounds(hazard: Floats, variance: Floats, level: float) -> _Bounds:
    """Return log-scale bounds of a Nelson-Aalen sum; NaN where nothing happened."""
    z = normal_quantile(level)
    some = np.where(hazard > 0, hazard, np.nan)
    spread = np.exp(z * np.sqrt(variance) / some)
    return some / spread, some * spread


def newcombe_difference(
    one: Floats, one_bounds: _Bounds, other: Floats, other_bounds: _Bounds
) -> _Bounds:
    """Return bounds of one - other by the square-and-add method (Newcombe's method 10).

    The bounds of each part carry over, so it stays honest for small groups and for shares
    near 0 or 1.
    """
    lower = one - other - np.hypot(one - one_bounds[0], other_bounds[1] - other)
    upper = one - other + np.hypot(one_bounds[1] - one, other - other_bounds[0])
    return lower, upper


def ratio_bounds(one: Floats, one_bounds: _Bounds, other: Floats, other_bounds: _Bounds) -> _Bounds:
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


def median_bounds(ascending: Floats, level: float) -> tuple[float, float]:
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
