"""Sightings of contract customers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.time import day_number
from retainkit.contracts._kernel import merge_spells
from retainkit.metrics._base import ContractIndex
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._kernel import NEVER, starts_of_runs
from retainkit.metrics._period import CohortUnit, bucket_of_days, bucket_starts, units_since
from retainkit.metrics._snapshot import apply_convention
from retainkit.metrics.cohorts._cells import Members, Sightings, member_on
from retainkit.metrics.cohorts._table import Activity
from retainkit.metrics.movements._kernel import to_units, units_per_money
from retainkit.typing import FloatArray

_Array = npt.NDArray[Any]


class _Grid(NamedTuple):
    """Calendar units: the first one, on which day each is looked at, on which it starts."""

    first: int
    looks: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]


def contract_sightings(
    base: ContractIndex,
    unit: CohortUnit,
    convention: MetricConvention,
    *,
    activity: Activity,
    with_money: bool = False,
) -> Sightings:
    """Return sightings by calendar unit: a contract runs on its last observed day, or after it.

    Column 0 holds everybody who joined, also those who left before its end.
    """
    seen = apply_convention(base, convention=convention)
    members, end = _members(seen, convention)
    known = members.first != NEVER
    week, last = convention.week_start, day_number(seen.as_of)
    grid = _grid(members.first[known], unit, last, week_start=week)
    cohort_of = np.full(len(known), -1, dtype=np.int32)
    cohort_of[known] = bucket_of_days(members.first[known], unit, week_start=week) - grid.first
    own = cohort_of[members.code]
    column = np.searchsorted(grid.looks, members.day) - own
    until = np.searchsorted(grid.looks, end) - 1 - own
    cohorts, columns = int(cohort_of.max(initial=-1)) + 1, len(grid.looks)
    window = last + 1 - convention.window_days
    shape = (cohorts, columns)
    return _sightings(members, column, until, cohort_of, activity)._replace(
        last_column=np.where(known, columns - 1 - cohort_of, -1),
        sizes=np.bincount(cohort_of[known], minlength=cohorts),
        starts=grid.starts[:cohorts],
        columns=columns,
        last_is_incomplete=bool(columns and grid.starts[-1] > last + 1),
        columns_in_window=int(np.count_nonzero(grid.starts[1:] > window)),
        money=_money(seen, members, cohort_of, grid, shape) if with_money else None,
    )


def contract_anniversaries(
    base: ContractIndex, unit: CohortUnit, convention: MetricConvention, *, activity: Activity
) -> Sightings:
    """Return sightings by anniversary: a contract runs so many units after the own first day.

    "On or after" asks for that day or any later one.

    A member counts in a column whose day was observed; on or after it, once a window more was.
    """
    calendar = contract_sightings(base, unit, convention, activity=activity)
    members, end = _members(apply_convention(base, convention=convention), convention)
    months = convention.month == "calendar"
    first, last = members.first[members.code], day_number(base.as_of)
    known = members.first != NEVER
    wait = convention.window_days if activity == "on_or_after" else 0

    def after(since: _Array, day: _Array) -> _Array:
        """Return whole units between days."""
        return units_since(since, day, unit, calendar_months=months)

    column = after(first, members.day - 1) + 1
    until = after(first, np.minimum(end, last + 1) - 1)
    last_column = np.full(len(known), -1, dtype=np.int64)
    day = np.full(int(np.count_nonzero(known)), last - wait)
    last_column[known] = np.maximum(after(members.first[known], day), -1)
    found = _sightings(members, column, until, calendar.cohort_of, activity)
    return found._replace(
        last_column=last_column,
        sizes=calendar.sizes,
        starts=calendar.starts,
        columns=int(last_column.max(initial=-1)) + 1,
    )


def _members(seen: ContractIndex, convention: MetricConvention) -> tuple[Members, _Array]:
    """Return members with the start of each stay, and the first day after it."""
    rows = seen.row_start < seen.row_end
    if seen.details.makes_active is not None:
        rows &= seen.details.makes_active
    who, start, end = merge_spells(
        seen.row_customer[rows], seen.row_start[rows], seen.row_end[rows]
    )
    if convention.reactivated_cohort == "new":
        return Members(np.arange(len(who), dtype=np.int32), start, start, who), end
    first = np.full(len(seen), NEVER, dtype=np.int32)
    opens = starts_of_runs(who)
    first[who[opens]] = start[opens]
    return Members(who, start, first, np.arange(len(seen), dtype=np.int32)), end


def _grid(first: _Array, unit: CohortUnit, last: int, *, week_start: Any) -> _Grid:
    """Return the calendar units from the first start to the last observed day."""
    if len(first) == 0:
        return _Grid(0, np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64))
    origin = int(first.min())
    ends = bucket_of_days(np.array([origin, last]), unit, week_start=week_start)
    starts = bucket_starts(origin, int(ends[1] - ends[0]) + 2, unit, week_start=week_start)
    return _Grid(int(ends[0]), np.minimum(starts[1:] - 1, last), starts)


def _sightings(
    members: Members, column: _Array, until: _Array, cohort_of: _Array, activity: Activity
) -> Sightings:
    """Return the stays that some column sees; the first one always reaches column 0."""
    opens = starts_of_runs(members.code)
    column = np.where(opens, 0, np.maximum(column, 1))
    until = np.where(opens, np.maximum(until, 0), until)
    kept = until >= (0 if activity == "on_or_after" else column)
    return Sightings(
        code=members.code[kept],
        column=column[kept],
        until=until[kept],
        cohort_of=cohort_of,
        last_column=np.full(len(cohort_of), -1),
        owner=members.owner,
        sizes=np.zeros(0, dtype=np.int64),
        starts=np.zeros(0, dtype=np.int64),
        columns=0,
        last_is_incomplete=False,
        columns_in_window=0,
        money=None,
    )


def _money(
    seen: ContractIndex, members: Members, cohort_of: _Array, grid: _Grid, shape: tuple[int, int]
) -> FloatArray:
    """Return the recurring amount that each cell saw on its day, to the cent."""
    per_money = units_per_money(seen.row_amount)
    units = to_units(seen.row_amount, per_money)
    member = member_on(members, seen.row_customer, seen.row_start)
    own = np.where(member >= 0, cohort_of[member], -1).astype(np.int64)
    began = np.maximum(np.searchsorted(grid.looks, seen.row_start) - own, 0)
    over = np.searchsorted(grid.looks, seen.row_end) - own
    some = (own >= 0) & (over > began)
    wide = shape[1] + 1
    change = np.zeros(shape[0] * wide)
    for column, sign in ((began, 1.0), (over, -1.0)):
        cell = own[some] * wide + column[some]
        change += sign * np.bincount(cell, units[some].astype(np.float64), minlength=len(change))
    return np.asarray(change.reshape(shape[0], wide).cumsum(axis=1)[:, :-1] / per_money)
