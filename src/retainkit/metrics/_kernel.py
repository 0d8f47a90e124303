"""Arithmetic on plain arrays: sums and counts that row order cannot change."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

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
