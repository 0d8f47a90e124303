"""Arithmetic on plain arrays that row order cannot change, concentration and its bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.intervals import percentile_bounds
from retainkit._core.kernels.sums import exact_sums
from retainkit.typing import BoolArray, FloatArray, IntArray

NEVER = int(np.iinfo(np.int32).max)
"""Day number that stands for "no such day"."""


def order_free_sums(
    values: FloatArray, codes: IntArray, size: int, *, keep: BoolArray | None = None
) -> FloatArray:
    """Return the sum of the (kept) `values` per code, the same in every row order."""
    return exact_sums(codes, values, size, keep=keep)


def sorted_unique_pairs(
    codes: IntArray, days: IntArray
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the distinct (code, day) pairs, by code and then by day."""
    if len(codes) == 0:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    origin = int(days.min())
    span = int(days.max()) - origin + 1
    is_narrow = (int(codes.max()) + 1) * span < 2**31
    keys: IntArray = codes.astype(np.int32 if is_narrow else np.int64)
    keys *= span
    keys += days - np.int32(origin)
    if not is_sorted(keys):
        keys.sort()
    keys = keys[starts_of_runs(keys)]
    code, day = np.empty(len(keys), np.int32), np.empty(len(keys), np.int32)
    np.floor_divide(keys, span, out=code, casting="unsafe")
    np.remainder(keys, span, out=day, casting="unsafe")
    day += origin
    return code, day


def is_sorted(values: npt.NDArray[Any]) -> bool:
    """Return whether `values` never falls."""
    return bool(np.all(values[1:] >= values[:-1]))


def starts_of_runs(values: npt.NDArray[Any]) -> BoolArray:
    """Mark the first element of every run of equal neighbours."""
    starts = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=starts[1:])
    return starts


def first_days(codes: IntArray, days: IntArray, size: int) -> npt.NDArray[np.int32]:
    """Return the first day of each code in pairs sorted by code then day; `NEVER` for none."""
    first = np.full(size, NEVER, dtype=np.int32)
    starts = starts_of_runs(codes)
    first[codes[starts]] = days[starts]
    return first


def gini_terms(ascending: FloatArray) -> tuple[float, float]:
    """Return numerator and denominator of the Gini coefficient of values sorted ascending."""
    n = len(ascending)
    rank = np.arange(1, n + 1, dtype=np.float64)
    return float(np.sum((2.0 * rank - n - 1.0) * ascending)), float(n * np.sum(ascending))


def hhi_terms(ascending: FloatArray) -> tuple[float, float]:
    """Return the sum of squares and the squared sum."""
    return float(np.sum(ascending * ascending)), float(np.sum(ascending)) ** 2


def top_terms(ascending: FloatArray, share: float) -> tuple[float, float]:
    """Return the value held by the top `share` of heads (rounded up), and the total."""
    heads = heads_in_share(len(ascending), share)
    return float(np.sum(ascending[len(ascending) - heads :])), float(np.sum(ascending))


def heads_in_share(n: int, share: float) -> int:
    """Return the smallest whole number of heads that is at least `share` of `n`."""
    return int(np.ceil(share * n - 1e-9))


def heads_for_value(ascending: FloatArray, share: float) -> int:
    """Return the fewest heads, best first, whose values reach `share` of the total."""
    running = np.cumsum(ascending[::-1])
    goal = share * running[-1]
    return int(np.argmax(running >= goal - 1e-12 * abs(goal))) + 1


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
