"""Arithmetic of spells [start, end): changes of a customer's recurring amount, exact to the cent.

Money is counted in whole units (cents where the amounts are whole cents), so sums are exact,
levels return to zero, and the order of rows changes nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.metrics._kernel import starts_of_runs
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

    `heads` says which rows make their customer active; by default all. A row that ends on the day
    it starts makes two changes on that day.
    """
    real = np.flatnonzero((start <= end) & (start <= last_day))
    over = real[end[real] <= last_day]
    origin = int(start[real].min()) if len(real) else 0
    span = 2 * (last_day - origin + 1)
    closes_later = start[over] == end[over]
    key = np.concatenate(
        [
            customer[real].astype(np.int64) * span + 2 * (start[real] - origin),
            customer[over].astype(np.int64) * span + 2 * (end[over] - origin) + closes_later,
        ]
    )
    order = np.argsort(key)
    key = key[order]
    first = np.flatnonzero(starts_of_runs(key))
    key = key[first]
    code = (key // span).astype(np.int32)
    day = (key % span // 2 + origin).astype(np.int32)
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


def events_by_day(
    days: IntArray, codes: IntArray, *, first: int, count: int, size: int
) -> FloatArray:
    """Return how many events fall on each of `count` days from `first`, by code."""
    inside = (days >= first) & (days < first + count)
    cell = codes[inside].astype(np.int64) * count + (days[inside] - first)
    return np.bincount(cell, minlength=size * count).reshape(size, count).astype(np.float64)
