"""Array kernels of the customer summary: codes, days and amounts in, one number per customer out.

`codes` are customers as 0..n-1, `days` are days since 1970-01-01. No kernel sorts rows beside
their keys (argsort): a customer and a day fit into one integer, and integers sort fast.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.recent import Counts, Money, recent_counts, recent_money
from retainkit._core.kernels.sums import SumGrid, row_blocks, row_counts
from retainkit._core.kernels.sums import exact_sums as exact_sums

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Int32Array = npt.NDArray[np.int32]

NEVER = int(np.iinfo(np.int32).min)
"""Stands for "no such day" where a customer never purchased."""


class SummaryArrays(NamedTuple):
    """The columns of a customer summary, one value per customer."""

    occasions: Int32Array
    first_day: Int32Array
    last_day: Int32Array
    transactions: Int32Array
    monetary_value: FloatArray
    purchase_amount: FloatArray
    return_amount: FloatArray
    profit: FloatArray | None
    breadth: Int32Array | None
    recent_days: Counts
    recent_amount: Money


def summarize_rows(
    codes: IntArray,
    days: Int32Array,
    amounts: FloatArray,
    *,
    n: int,
    profit: FloatArray | None = None,
    lines: IntArray | None = None,
) -> SummaryArrays:
    """Return the summary of customers 0..n-1 from rows; `days` are already collapsed."""
    earned = None if profit is None else exact_sums(codes, profit, n)
    is_purchase = amounts >= 0
    bought = None if is_purchase.all() else is_purchase
    returned = np.zeros(n) if bought is None else exact_sums(codes, amounts, n, keep=~bought)
    breadth = None if lines is None else distinct_counts(codes, lines, n, keep=bought)
    occasions, first, last, recent = occasion_days(codes, days, n, keep=bought)
    ages = last[codes].astype(np.int64) - days
    purchased, repeated = purchase_sums(codes, days, amounts, first, keep=bought)
    repeated[occasions < 2] = np.nan
    repeated /= np.maximum(occasions - 1, 1)
    return SummaryArrays(
        occasions=occasions,
        first_day=first,
        last_day=last,
        transactions=row_counts(codes, n, keep=bought),
        monetary_value=repeated,
        purchase_amount=purchased,
        return_amount=returned,
        profit=earned,
        breadth=breadth,
        recent_days=recent,
        recent_amount=recent_money(codes, ages, amounts, n),
    )


def collapse_days(days: Int32Array, unit: str) -> Int32Array:
    """Return the first day of the calendar unit (day, ISO week, month) each day lies in."""
    if unit == "day" or not days.size:
        return days
    low = int(days.min())
    calendar = np.arange(low, int(days.max()) + 1, dtype=np.int64)
    if unit == "week":
        # 1970-01-01 was a Thursday: Mondays are the days with (day + 3) % 7 == 0.
        starts = (calendar + 3) // 7 * 7 - 3
    else:
        starts = calendar.astype("datetime64[D]").astype("datetime64[M]")
        starts = starts.astype("datetime64[D]").astype(np.int64)
    return starts.astype(np.int32)[days - low]


def occasion_days(
    codes: IntArray, days: Int32Array, n: int, *, keep: BoolArray | None = None
) -> tuple[Int32Array, Int32Array, Int32Array, Counts]:
    """Return each customer's distinct days, first and last day (or `NEVER`), and recent days."""
    occasions = np.zeros(n, dtype=np.int32)
    first = np.full(n, NEVER, dtype=np.int32)
    last = np.full(n, NEVER, dtype=np.int32)
    low = int(days.min()) if days.size else 0
    bits = (int(days.max()) - low).bit_length() if days.size else 0
    keys = _distinct_keys(codes, days, n, low=low, bits=bits, keep=keep)
    if keys.size:
        starts, ends = _runs(keys >> bits)
        known = keys[starts] >> bits
        mask = (1 << bits) - 1
        first[known] = (keys[starts] & mask) + low
        last[known] = (keys[ends] & mask) + low
        occasions[known] = ends - starts + 1
    who = keys >> bits
    recent = recent_counts(who, last[who] - low - (keys & ((1 << bits) - 1)), n)
    return occasions, first, last, recent


def distinct_counts(
    codes: IntArray, labels: IntArray, n: int, *, keep: BoolArray | None = None
) -> Int32Array:
    """Return how many different labels (0, 1, ...; negative = unknown) each customer has."""
    counts = np.zeros(n, dtype=np.int32)
    known = labels >= 0
    if keep is not None:
        known &= keep
    bits = int(labels.max()).bit_length() if known.any() else 0
    keys = _distinct_keys(codes, labels, n, low=0, bits=bits, keep=known)
    if keys.size:
        keys >>= bits
        starts, ends = _runs(keys)
        counts[keys[starts]] = ends - starts + 1
    return counts


def _distinct_keys(
    codes: IntArray, minor: IntArray, n: int, *, low: int, bits: int, keep: BoolArray | None
) -> IntArray:
    """Return the sorted distinct code * 2**bits + minor - low of kept rows, in narrow integers."""
    narrow = bits + n.bit_length() < 32
    keys: IntArray = codes.astype(np.int32 if narrow else np.int64)
    keys <<= bits
    keys += minor
    keys -= low
    if keep is not None:
        keys = keys[keep]
    if not keys.size:
        return keys
    keys.sort()
    fresh = _changes(keys)
    return keys if fresh.all() else keys[fresh]


def _runs(values: IntArray) -> tuple[IntArray, IntArray]:
    """Return the first and last position of each run of equal values."""
    starts = np.flatnonzero(_changes(values))
    ends = np.empty_like(starts)
    ends[:-1] = starts[1:] - 1
    ends[-1] = values.size - 1
    return starts, ends


def _changes(values: IntArray) -> npt.NDArray[np.bool_]:
    """Return where a value differs from the one before (the first one always does)."""
    changes = np.empty(values.size, dtype=np.bool_)
    changes[0] = True
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


def purchase_sums(
    codes: IntArray,
    days: Int32Array,
    amounts: FloatArray,
    first: Int32Array,
    *,
    keep: BoolArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return each customer's sum over all purchases and over those after the first occasion."""
    n = first.size
    grid = SumGrid.covering(codes, amounts, n, keep)
    high, low = np.zeros(2 * n), np.zeros(2 * n)
    for rows in row_blocks(codes.size, keep):
        slots = codes[rows].astype(np.intp)
        slots += n * (days[rows] != first[slots])
        grid.add(slots, amounts[rows], high, low)
    repeated = high[n:] + low[n:]
    high[:n] += high[n:]
    low[:n] += low[n:]
    return high[:n] + low[:n], repeated
