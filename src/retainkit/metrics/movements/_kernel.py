"""Changes of a customer's recurring amount, exact to the cent, and the movements they make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.metrics._kernel import starts_of_runs
from retainkit.typing import BoolArray, FloatArray, IntArray

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


NEW, REACTIVATION, EXPANSION, CONTRACTION, CHURN, TERM_CHANGE, CURRENCY = range(7)
KINDS = 7


class Moves(NamedTuple):
    """Movements by customer and then by period: signed amounts in units of money.

    `times` says how often it happened: who leaves twice within a period is lost twice.
    """

    customer: npt.NDArray[np.int32]
    period: npt.NDArray[np.int16]
    kind: npt.NDArray[np.int8]
    amount: npt.NDArray[np.int64]
    times: npt.NDArray[np.int32]

    def take(self, positions: npt.NDArray[Any]) -> Moves:
        """Return the chosen movements."""
        parts: list[Any] = [part[positions] for part in self]
        return Moves(*parts)


def find_moves(
    changes: Changes,
    first_day: IntArray,
    boundaries: IntArray,
    *,
    by_event: bool,
    flashes: bool,
    separate_terms: bool,
) -> Moves:
    """Return the movements between consecutive boundaries (days on which periods start).

    `by_event` counts every change; otherwise both ends of each period are compared. `flashes`
    says whether customers who join and leave within one period count, on both sides.
    """
    inside = (changes.day >= boundaries[0]) & (changes.day < boundaries[-1])
    if not inside.all():
        changes = changes.take(np.flatnonzero(inside))
    period = (np.searchsorted(boundaries, changes.day, side="right") - 1).astype(np.int16)
    run = starts_of_runs(changes.customer)
    run[1:] |= period[1:] != period[:-1]
    opens = np.flatnonzero(run)
    if not by_event or not flashes:
        flash = _flashes(changes, first_day, boundaries, period, opens)
    if by_event:
        if not flashes:
            keep = ~np.repeat(flash, np.diff(np.append(opens, len(period))))
            changes, period = changes.take(keep), period[keep]
        return _classified(changes, period, first_day, changes.day, separate_terms)
    ends = _from_end_to_end(changes, opens)
    moves = _classified(ends, period[opens], first_day, boundaries[period[opens]], separate_terms)
    if not flashes or not flash.any():
        return moves
    brief = np.repeat(flash, np.diff(np.append(opens, len(period))))
    few = changes.take(brief)
    return _joined(moves, _classified(few, period[brief], first_day, few.day, separate_terms))


def _flashes(
    changes: Changes, first_day: IntArray, boundaries: IntArray, period: IntArray, opens: IntArray
) -> BoolArray:
    """Mark the runs of customers who joined and left within one period."""
    if len(opens) == 0:
        return np.zeros(0, dtype=np.bool_)
    closes = np.append(opens[1:], len(period)) - 1
    joined = first_day[changes.customer[opens]] >= boundaries[period[opens]]
    return np.asarray(joined & (changes.running_after[closes] == 0))


def _from_end_to_end(changes: Changes, opens: IntArray) -> Changes:
    """Return one change per run, from its first level to its last."""
    if len(opens) == 0:
        return changes
    closes = np.append(opens[1:], len(changes.customer)) - 1
    begun = changes.take(opens)
    done = changes.take(closes)
    return begun._replace(
        after=done.after, running_after=done.running_after, term_after=done.term_after
    )


def _classified(
    changes: Changes,
    period: npt.NDArray[np.int16],
    first_day: IntArray,
    since: IntArray,
    separate_terms: bool,
) -> Moves:
    """Name each change; `since` is the day from which a first contract counts as new."""
    was, is_now = changes.running_before > 0, changes.running_after > 0
    amount = changes.after - changes.before
    kind = np.where(amount > 0, EXPANSION, CONTRACTION).astype(np.int8)
    kind[was & ~is_now] = CHURN
    came = np.flatnonzero(~was & is_now)
    is_new = first_day[changes.customer[came]] >= since[came]
    kind[came] = np.where(is_new, NEW, REACTIVATION)
    if separate_terms and changes.term_before is not None and changes.term_after is not None:
        longer = (
            changes.term_before * changes.running_after
            != changes.term_after * changes.running_before
        )
        kind[was & is_now & longer] = TERM_CHANGE
    real = (amount != 0) | (was != is_now)
    once = np.ones(len(kind), dtype=np.int32)
    moves = Moves(changes.customer.astype(np.int32), period, kind, amount, once)
    return moves if real.all() else moves.take(real)


def _joined(one: Moves, other: Moves) -> Moves:
    """Return both sets of movements by customer, period and kind."""
    both = join_moves((one, other))
    return both.take(np.lexsort((both.kind, both.period, both.customer)))


def join_moves(several: Sequence[Moves]) -> Moves:
    """Return all movements, in the order given."""
    parts: list[Any] = [
        np.concatenate([moves[k] for moves in several]) for k in range(len(Moves._fields))
    ]
    return Moves(*parts)


def merge_moves(moves: Moves) -> Moves:
    """Return one movement per customer, period and kind."""
    if len(moves.customer) == 0:
        return moves
    key = (moves.customer.astype(np.int64) << 24) + (moves.period.astype(np.int64) << 8)
    key += moves.kind
    if bool((key[1:] > key[:-1]).all()):
        return moves
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(starts_of_runs(key[order]))
    amount = np.add.reduceat(moves.amount[order], first)
    times = np.add.reduceat(moves.times[order], first)
    return moves.take(order[first])._replace(amount=amount, times=times)


def sum_moves(moves: Moves, periods: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return amount [units] and movements by period and kind; float sums are exact here."""
    cell = moves.period.astype(np.int64) * KINDS + moves.kind
    size = periods * KINDS
    amount = np.bincount(cell, weights=moves.amount.astype(np.float64), minlength=size)
    heads = np.bincount(cell, weights=moves.times, minlength=size)
    return amount.reshape(periods, KINDS), heads.astype(np.int64).reshape(periods, KINDS)


def gain_loss_variance(
    moves: Moves, period: int, *, gains: Sequence[int], losses: Sequence[int]
) -> tuple[float, int]:
    """Return the variance of gains / losses from the customers' residuals, and these customers."""
    own = moves.take(np.flatnonzero(moves.period == period))
    starts = starts_of_runs(own.customer)
    code = np.cumsum(starts) - 1
    amount = own.amount.astype(np.float64)
    n = int(np.count_nonzero(starts))
    won = np.bincount(code, np.where(np.isin(own.kind, gains), amount, 0.0), minlength=n)
    lost = -np.bincount(code, np.where(np.isin(own.kind, losses), amount, 0.0), minlength=n)
    total = float(lost.sum())
    if n < 2 or total <= 0.0:
        return np.nan, n
    residual = won - float(won.sum()) / total * lost
    return float(residual @ residual) * n / ((n - 1) * total**2), n
