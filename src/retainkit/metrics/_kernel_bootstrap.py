"""The bootstrap of concentration: whole samples of customers drawn as counts of like values.

Sorted values are packed into at most `CLASSES` classes; the largest ones stay alone, because they
decide. A sample of n customers with replacement is then one multinomial draw over the classes, so
a million customers cost as much as a thousand. Up to `CLASSES` distinct values nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.intervals import percentile_bounds
from retainkit.metrics._kernel import heads_in_share, starts_of_runs
from retainkit.typing import FloatArray

CLASSES = 512
_ALONE = 128
_MOSTLY = 0.95

_Weights = npt.NDArray[Any]


class Packed(NamedTuple):
    """Classes of like values, ascending: customers, mean value and mean square of each."""

    heads: npt.NDArray[np.int64]
    mean: FloatArray
    square: FloatArray


Statistic = Callable[[Packed, _Weights], FloatArray]
"""A metric of packed values for each row of weights (customers drawn per class)."""


def pack(ascending: FloatArray) -> Packed:
    """Return sorted values as at most `CLASSES` classes."""
    first = np.flatnonzero(starts_of_runs(ascending))
    if len(first) > CLASSES:
        n = len(ascending)
        below = np.linspace(0, n - _ALONE, CLASSES - _ALONE + 1).astype(np.int64)
        first = np.append(below[:-1], np.arange(n - _ALONE, n))
    count = np.diff(np.append(first, len(ascending)))
    total = np.add.reduceat(ascending, first)
    square = np.add.reduceat(ascending * ascending, first)
    return Packed(count, total / count, square / count)


def gini_of(packed: Packed, drawn: _Weights) -> FloatArray:
    """Return the Gini coefficient of each sample."""
    n = drawn.sum(axis=1, keepdims=True)
    rank = 2.0 * np.cumsum(drawn, axis=1) - drawn - n
    return _divided((drawn * rank) @ packed.mean, n[:, 0] * (drawn @ packed.mean))


def hhi_of(packed: Packed, drawn: _Weights) -> FloatArray:
    """Return the Herfindahl-Hirschman index of each sample."""
    total = drawn @ packed.mean
    return _divided(drawn @ packed.square, total * np.abs(total))


def top_share_of(packed: Packed, drawn: _Weights, *, share: float) -> FloatArray:
    """Return what the best `share` of heads hold in each sample."""
    heads = heads_in_share(int(drawn[0].sum()), share)
    best_first = drawn[:, ::-1]
    before = np.cumsum(best_first, axis=1) - best_first
    taken = np.clip(heads - before, 0, best_first)
    return _divided(taken @ packed.mean[::-1], drawn @ packed.mean)


def headcount_of(packed: Packed, drawn: _Weights, *, share: float) -> FloatArray:
    """Return the smallest part of the heads that makes `share` of each sample's total."""
    best_first, mean = drawn[:, ::-1], packed.mean[::-1]
    total = drawn @ packed.mean
    value = np.cumsum(best_first * mean, axis=1)
    goal = share * total
    at = np.argmax(value >= (goal - 1e-12 * np.abs(goal))[:, np.newaxis], axis=1)
    row = np.arange(len(drawn))
    here, each = best_first[row, at], np.maximum(mean[at], 1e-300)
    before = np.cumsum(best_first, axis=1)[row, at] - here
    missing = np.ceil((goal - (value[row, at] - here * mean[at])) / each - 1e-9)
    heads = before + np.clip(missing, 1, np.maximum(here, 1))
    return _divided(np.where(total > 0, heads, np.nan), drawn.sum(axis=1))


def bootstrap_bounds(
    ascending: FloatArray, statistic: Statistic, *, seed: int, resamples: int, level: float
) -> tuple[float, float]:
    """Return percentile bounds of a metric of sorted values; NaN where samples often lack one."""
    if len(ascending) == 0 or resamples == 0:
        return np.nan, np.nan
    packed = pack(ascending)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(ascending), packed.heads / len(ascending), size=resamples)
    found = statistic(packed, drawn)
    return bounds_of_draws(found, level)


def bounds_of_draws(found: FloatArray, level: float) -> tuple[float, float]:
    """Return percentile bounds of what the samples gave; NaN where they often lack a value."""
    known = found[np.isfinite(found)]
    if len(known) < _MOSTLY * len(found):
        return np.nan, np.nan
    lower, upper = percentile_bounds(known, level)
    return float(lower), float(upper)


def packing_error(ascending: FloatArray, statistic: Statistic, value: float) -> float:
    """Return by how much packing misses the value of the sample itself; 0 for few values."""
    packed = pack(ascending)
    return value - float(statistic(packed, packed.heads[np.newaxis, :])[0])


def _divided(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Return quotients; NaN where the denominator is not positive."""
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))
