"""Arithmetic of spells [start, end): changes of a customer's recurring amount, exact to the cent.

Money is counted in whole units (cents where the amounts are whole cents), so sums are exact,
levels return to zero, and the order of rows changes nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.metrics._kernel import NEVER, starts_of_runs
from retainkit.typing import FloatArray, IntArray

_Array = npt.NDArray[Any]
_Int64 = npt.NDArray[np.int64]
_LARGEST = float(2**52)


class Changes(NamedTuple):
    """Every day on which a customer's contracts changed, by customer and then by day.

    `before` and `after` are money in units, `running_*` the number of contracts, `term_*` the sum
    of their terms.
    """

    customer: _Array
    day: _Array
    before: _Array
    after: _Array
    running_before: _Array
    running_after: _Array
    term_before: _Array | None
    term_after: _Array | None

    def take(self, positions: _Array) -> Changes:
        """Return the chosen changes."""
        parts: list[Any] = [None if part is None else part[positions] for part in self]
        return Changes(*parts)


def units_per_money(amounts: FloatArray) -> float:
    """Return how many units make 1 of money: 100 for whole cents, else as fine as sums allow."""
    total = float(np.abs(amounts).sum())
    hundredfold = amounts * 100.0
    if total * 100.0 < _LARGEST and bool(np.all(np.rint(hundredfold) / 100.0 == amounts)):
        return 100.0
    exponent = int(np.frexp(max(total, 1.0))[1])
    return float(2.0 ** (51 - exponent))


def to_units(amounts: FloatArray, per_money: float) -> _Int64:
    """Return money as whole units."""
    return np.rint(amounts * per_money).astype(np.int64)


def find_changes(
    customer: IntArray,
    start: IntArray,
    end: IntArray,
    units: _Int64,
    *,
    last_day: int,
    term: IntArray | None = None,
    heads: npt.NDArray[Any] | None = None,
) -> Changes:
    """Return the changes on days up to `last_day`; plans of one customer are added up.

    `heads` says which rows make their customer active; by default all.
    """
    real = np.flatnonzero((start < end) & (start <= last_day))
    over = real[end[real] <= last_day]
    origin = int(start[real].min()) if len(real) else 0
    span = last_day - origin + 1
    key = np.concatenate(
        [
            customer[real].astype(np.int64) * span + (start[real] - origin),
            customer[over].astype(np.int64) * span + (end[over] - origin),
        ]
    )
    order = np.argsort(key)
    key = key[order]
    first = np.flatnonzero(starts_of_runs(key))
    key = key[first]
    code = (key // span).astype(np.int32)
    day = (key % span + origin).astype(np.int32)
    sign = np.ones(len(order), dtype=np.int8)
    if heads is not None:
        sign = np.concatenate([heads[real], heads[over]]).astype(np.int8)
    sign[len(real) :] *= -1
    money = _levels(np.concatenate([units[real], -units[over]]), order, first, code)
    running = _levels(sign, order, first, code)
    changed = (money[0] != money[1]) | (running[0] != running[1])
    terms: tuple[IntArray | None, IntArray | None] = (None, None)
    if term is not None:
        terms = _levels(np.concatenate([term[real], -term[over]]), order, first, code)
        changed |= np.asarray(terms[0] != terms[1])
    found = Changes(code, day, *money, *running, *terms)
    return found if changed.all() else found.take(changed)


def _levels(
    deltas: IntArray, order: IntArray, first: IntArray, code: IntArray
) -> tuple[_Int64, _Int64]:
    """Return each customer's level before and after each change; everybody starts from 0."""
    if len(first) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    total = np.cumsum(deltas[order], dtype=np.int64)
    after = total[np.append(first[1:], len(order)) - 1]
    before = np.concatenate([np.zeros(1, dtype=np.int64), after[:-1]])
    own = np.flatnonzero(starts_of_runs(code))
    earlier = np.repeat(before[own], np.diff(np.append(own, len(code))))
    return before - earlier, after - earlier


def bridge_gaps(
    customer: IntArray, start: IntArray, end: IntArray, *, grace_days: int, last_day: int
) -> tuple[IntArray, int]:
    """Return ends moved to the return where a gap is short, and the ends too fresh to judge.

    A gap is short below `grace_days`; an end after which fewer days were observed is open.
    """
    order = np.lexsort((start, customer))
    who, begin, finish = customer[order], start[order], end[order]
    if len(order) == 0:
        return end, 0
    reach = _running_maximum(who, finish)
    gap_at = np.flatnonzero(
        (who[1:] == who[:-1])
        & (begin[1:] > reach[:-1])
        & (begin[1:].astype(np.int64) - reach[:-1] < grace_days)
    )
    last = np.append(np.flatnonzero(who[1:] != who[:-1]), len(who) - 1)
    fresh = last[(reach[last] <= last_day) & (reach[last] > last_day + 1 - grace_days)]
    moved_key = _pair(np.append(who[gap_at], who[fresh]), np.append(reach[gap_at], reach[fresh]))
    moved_to = np.append(begin[gap_at + 1], np.full(len(fresh), NEVER))
    by_key = np.argsort(moved_key)
    own = _pair(customer, end)
    place = np.minimum(np.searchsorted(moved_key[by_key], own), max(len(by_key) - 1, 0))
    moved = end.copy()
    if len(by_key):
        hit = moved_key[by_key][place] == own
        moved[hit] = moved_to[by_key][place[hit]]
    return moved, len(fresh)


def merge_spells(
    customer: IntArray, start: IntArray, end: IntArray
) -> tuple[_Array, _Array, _Array]:
    """Return customer, start and end of the unions of each customer's spells, in order of time.

    Spells that overlap, or of which one starts on the day the other ends, are one.
    """
    order = np.argsort(_pair(customer, start))
    who, begin, finish = customer[order], start[order], end[order]
    if len(order) == 0:
        return who, begin, finish
    reach = _running_maximum(who, finish)
    opens = starts_of_runs(who)
    opens[1:] |= begin[1:] > reach[:-1]
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(who)) - 1
    return who[first], begin[first], reach[last]


def _pair(customer: IntArray, day: IntArray) -> _Int64:
    """Return customer and day as one number that sorts like both."""
    return (customer.astype(np.int64) << 32) + day


def _running_maximum(who: IntArray, values: IntArray) -> IntArray:
    """Return the largest value so far within each run of `who`."""
    return np.asarray(np.maximum.accumulate(_pair(who, values)) - (who.astype(np.int64) << 32))


def events_by_day(
    days: IntArray, codes: IntArray, *, first: int, count: int, size: int
) -> FloatArray:
    """Return how many events fall on each of `count` days from `first`, by code."""
    inside = (days >= first) & (days < first + count)
    cell = codes[inside].astype(np.int64) * count + (days[inside] - first)
    return np.bincount(cell, minlength=size * count).reshape(size, count).astype(np.float64)
