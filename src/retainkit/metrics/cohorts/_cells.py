"""Who was seen in which column: the sightings from which cohort cells are counted."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.time import day_number
from retainkit.metrics._base import PurchaseIndex
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._kernel import NEVER, order_free_sums, starts_of_runs
from retainkit.metrics._period import CohortUnit, bucket_of_days, bucket_starts, units_since
from retainkit.metrics.cohorts._table import Activity
from retainkit.typing import BoolArray, FloatArray

_Array = npt.NDArray[Any]


_FEW_DAYS = 2**15
"""Days below which a number of units fits into 16 bits, half the memory."""
_BLOCK = 1 << 18
"""Sightings counted at a time, so that their cells take little memory."""


class Sightings(NamedTuple):
    """Runs of columns in which a member was active: disjoint, by member and column.

    Each run reaches from `column` to `until` (the same for purchases); `cohort_of`, `last_column`
    (last column in which the member counts) and `owner` (customer) belong to members; `sizes` and
    `starts` to cohorts; `columns_in_window` counts the columns that end within `window_days` of
    the end of observation.
    """

    code: _Array
    column: _Array
    until: _Array
    cohort_of: _Array
    last_column: _Array
    owner: _Array
    sizes: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    columns: int
    last_is_incomplete: bool
    columns_in_window: int
    money: FloatArray | None


class Members(NamedTuple):
    """Whom cohorts hold: customers, or one member per stay where a return starts a new cohort.

    `code` and `day` are when members were seen, `first` and `owner` (customer) belong to members.
    """

    code: _Array
    day: _Array
    first: _Array
    owner: _Array


def calendar_sightings(
    base: PurchaseIndex, unit: CohortUnit, convention: MetricConvention, *, with_money: bool
) -> Sightings:
    """Return sightings by calendar unit."""
    members = _members(base, convention)
    last = day_number(base.as_of)
    origin = int(base.day.min()) if len(base.day) else last + 1
    table = bucket_of_days(np.arange(origin, last + 2), unit, week_start=convention.week_start)
    table = table - (table[0] if len(table) else 0)
    table = table.astype(np.int16 if len(table) < _FEW_DAYS else np.int32)
    cohort_of = _looked_up(table, members.first, origin)
    bucket = table[members.day - origin]
    keep = starts_of_runs(members.code)
    keep[1:] |= bucket[1:] != bucket[:-1]
    code = members.code[keep]
    column = bucket[keep] - cohort_of[code]
    cohorts = int(cohort_of.max(initial=-1)) + 1
    columns = int(table[-2]) + 1 if len(table) > 1 else 0
    window_start = last + 1 - convention.window_days
    inside = columns - int(table[max(window_start - origin, 0)]) if columns else 0
    return Sightings(
        code=code,
        column=column,
        until=column,
        cohort_of=cohort_of,
        last_column=columns - 1 - cohort_of,
        owner=members.owner,
        sizes=np.bincount(cohort_of[cohort_of >= 0], minlength=cohorts),
        starts=bucket_starts(origin, cohorts, unit, week_start=convention.week_start),
        columns=columns,
        last_is_incomplete=len(table) > 1 and bool(table[-1] == table[-2]),
        columns_in_window=inside,
        money=_money(base, members, cohort_of, table, origin, (cohorts, columns))
        if with_money
        else None,
    )


def rolling_sightings(
    base: PurchaseIndex, unit: CohortUnit, convention: MetricConvention, *, activity: Activity
) -> Sightings:
    """Return sightings by time since each member's own first day.

    A member counts in a column that is over; on or after it, once a window more was observed.
    """
    calendar = calendar_sightings(base, unit, convention, with_money=False)
    members = _members(base, convention)
    months = convention.month == "calendar"
    known = members.first != NEVER
    column = units_since(members.first[members.code], members.day, unit, calendar_months=months)
    wait = convention.window_days if activity == "on_or_after" else 0
    until = np.full(int(np.count_nonzero(known)), day_number(base.as_of) + 1 - wait)
    last = np.full(len(known), -1, dtype=np.int64)
    last[known] = units_since(members.first[known], until, unit, calendar_months=months) - 1
    np.maximum(last, -1, out=last)
    keep = starts_of_runs(members.code)
    keep[1:] |= column[1:] != column[:-1]
    if activity != "on_or_after":
        keep &= column <= last[members.code]
    return calendar._replace(
        code=members.code[keep],
        column=(seen := column[keep]),
        until=seen,
        last_column=last,
        columns=int(last.max(initial=-1)) + 1,
        last_is_incomplete=False,
        columns_in_window=0,
    )


def count_cells(
    seen: Sightings, activity: Activity, brackets: tuple[tuple[int, int], ...]
) -> tuple[FloatArray, FloatArray]:
    """Return heads by cohort and column, and the members old enough for each."""
    shape = (len(seen.sizes), seen.columns)
    if activity == "on_or_after":
        code = seen.code
        is_last = np.append(code[1:] != code[:-1], True)[: len(code)]
        code = code[is_last]
        reached = np.minimum(seen.until[is_last], seen.last_column[code])
        heads = _histogram(seen.cohort_of[code], reached, shape, at_least=True)
    else:
        heads = _runs(seen, shape)
    known = seen.cohort_of >= 0
    old = _histogram(
        seen.cohort_of[known], np.clip(seen.last_column[known], -1, None), shape, at_least=True
    )
    if activity == "bracket":
        heads, old = _by_bracket(seen, brackets, old)
    return heads, old


def _runs(seen: Sightings, shape: tuple[int, int]) -> FloatArray:
    """Return how many members each cell saw, from runs of columns."""
    cohort = seen.cohort_of[seen.code]
    if seen.until is seen.column:
        return _histogram(cohort, seen.column, shape)
    wide = (shape[0], shape[1] + 1)
    began = _histogram(cohort, seen.column, wide)
    over = _histogram(cohort, np.minimum(seen.until + 1, shape[1]), wide)
    return np.asarray((began - over).cumsum(axis=1)[:, :-1])


def _histogram(
    cohort: _Array, column: _Array, shape: tuple[int, int], *, at_least: bool = False
) -> FloatArray:
    """Return how many members fall into each cell, or into it and the later ones."""
    cells = np.zeros(shape[0] * shape[1])
    for start in range(0, len(column), _BLOCK):
        block = slice(start, start + _BLOCK)
        inside = (column[block] >= 0) & (column[block] < shape[1])
        cell = cohort[block][inside].astype(np.int64) * shape[1] + column[block][inside]
        cells += np.bincount(cell, minlength=cells.size)
    counts = cells.reshape(shape)
    return counts[:, ::-1].cumsum(axis=1)[:, ::-1] if at_least else counts


def _by_bracket(
    seen: Sightings, brackets: tuple[tuple[int, int], ...], old: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return members seen in each bracket, and those old enough for it."""
    heads = np.zeros((len(seen.sizes), len(brackets)))
    base = np.zeros(heads.shape)
    for at, (first, last) in enumerate(brackets):
        hit = seen_within(seen, first, last) & (seen.last_column[seen.code] >= last)
        code = seen.code[hit]
        once = code[starts_of_runs(code)]
        heads[:, at] = np.bincount(seen.cohort_of[once], minlength=len(heads))
        base[:, at] = old[:, last] if last < old.shape[1] else 0.0
    return heads, base


def seen_within(seen: Sightings, first: int, last: int) -> BoolArray:
    """Return which runs touch the columns from `first` to `last`."""
    return np.asarray((seen.until >= first) & (seen.column <= last))


def blank_future(
    cells: FloatArray, seen: Sightings, brackets: tuple[tuple[int, int], ...]
) -> FloatArray:
    """Return cells with NaN where the calendar unit lies after the last observed one."""
    cohort = np.arange(len(cells))[:, np.newaxis]
    column = np.array([last for _, last in brackets] or range(cells.shape[1]))[np.newaxis, :]
    return np.where(cohort + column < seen.columns, cells, np.nan)


def _members(base: PurchaseIndex, convention: MetricConvention) -> Members:
    """Return customers, or one member per spell where a return starts a new cohort."""
    everybody = np.arange(len(base), dtype=np.int32)
    if convention.reactivated_cohort == "original" or len(base.day) == 0:
        return Members(base.customer, base.day, base.first_day, everybody)
    begins = starts_of_runs(base.customer)
    begins[1:] |= base.day[1:] - base.day[:-1] > convention.window_days
    code = (np.cumsum(begins) - 1).astype(np.int32)
    return Members(code, base.day, base.day[begins], base.customer[begins])


def _looked_up(table: _Array, first: _Array, origin: int) -> _Array:
    """Return the cohort of each first day; -1 for none."""
    cohort = np.full(len(first), -1, dtype=table.dtype)
    known = first != NEVER
    cohort[known] = table[first[known] - origin]
    return cohort


def _money(
    base: PurchaseIndex,
    members: Members,
    cohort_of: _Array,
    table: _Array,
    origin: int,
    shape: tuple[int, int],
) -> FloatArray:
    """Return revenue by cohort of the member and column; returns lower it."""
    member = member_on(members, base.row_customer, base.row_day)
    cohort = np.where(member >= 0, cohort_of[np.maximum(member, 0)], -1)
    column = table[np.maximum(base.row_day - origin, 0)] - cohort
    kept = (cohort >= 0) & (column >= 0)
    cell = cohort[kept].astype(np.int64) * shape[1] + column[kept]
    return order_free_sums(base.row_amount[kept], cell, shape[0] * shape[1]).reshape(shape)


def member_on(members: Members, customer: _Array, day: _Array) -> _Array:
    """Return the member that each customer was on a day; -1 before the first."""
    if len(members.owner) == 0:
        return np.full(len(customer), -1, dtype=np.int64)
    if np.array_equal(members.owner, np.arange(len(members.owner))):
        return customer
    own = (members.owner.astype(np.int64) << 32) + members.first
    found = np.searchsorted(own, (customer.astype(np.int64) << 32) + day, side="right") - 1
    return np.where(members.owner[np.maximum(found, 0)] == customer, found, -1)
