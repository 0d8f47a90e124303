"""Cohorts of customers: built from purchases or contracts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from retainkit._core.time import from_day_numbers
from retainkit.errors import NotComputableError
from retainkit.metrics._base import ContractIndex, PurchaseIndex
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._period import CohortUnit
from retainkit.metrics.cohorts._cells import (
    Sightings,
    blank_future,
    calendar_sightings,
    count_cells,
    rolling_sightings,
    seen_within,
)
from retainkit.metrics.cohorts._contracts import contract_anniversaries, contract_sightings
from retainkit.metrics.cohorts._table import Activity, Clock, CohortTable

Brackets = Sequence[tuple[int, int]]


def build_cohorts(
    base: PurchaseIndex | ContractIndex,
    *,
    unit: CohortUnit = "month",
    activity: Activity = "on",
    clock: Clock = "calendar",
    brackets: Brackets = (),
    with_money: bool = False,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> CohortTable:
    """Build the cohort triangle of an indexed base.

    Parameters
    ----------
    base : PurchaseIndex or ContractIndex
        From `index_purchases` or `index_contracts`. A contract customer is counted in a column if
        a contract runs on the last day of that unit (column 0: if one began); by rolling clock,
        if one runs so many units after the own first day.
    unit : {"day", "week", "month", "quarter", "year"}, default "month"
        Calendar unit of cohorts, and unit of columns.
    activity : {"on", "on_or_after", "bracket"}, default "on"
        "on": active in that unit. "on_or_after": active in it or later, so rows never rise; near
        the end of observation they are too low, and marked. "bracket": active in any unit of the
        bracket.
    clock : {"calendar", "rolling"}, default "calendar"
        "rolling": columns count time since each customer's own first day (7 days, or
        `convention.month`). A customer enters a column when it is over for them (contracts: when
        its day has come); on or after, when `window_days` more were observed.
    brackets : sequence of (int, int), optional
        First and last unit of each column, disjoint and in order.
    with_money : bool, default False
        Whether to add up the cohort's revenue in `money` ("on" and calendar only).
    convention : MetricConvention, optional
        `week_start`, `month`, `incomplete_period`; `reactivated_cohort` = "new" starts a new
        cohort member when a customer returns after a silence longer than `window_days`
        (purchases) or a gap between contracts of `contracts.grace_days` or more.

    Returns
    -------
    CohortTable
        Cohorts in order of time. A cell counts the customers who were active *in* that unit, so a
        row may rise and fall.

    Raises
    ------
    NotComputableError
        If the unit is unknown, brackets overlap, or the base cannot give it.

    Notes
    -----
    A customer's cohort is that of the first purchase or contract in the data. When the data begin
    later than the business, the first cohorts hold old customers too.

    References
    ----------
    Amplitude and Mixpanel, retention reports ("on", "on or after", brackets).

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import build_cohorts, index_purchases
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> build_cohorts(base, unit="quarter").heads.tolist()
    [[2357.0, 524.0, 418.0, 404.0, 384.0, 300.0]]
    >>> build_cohorts(base, unit="quarter", activity="on_or_after").heads.tolist()
    [[2357.0, 976.0, 812.0, 684.0, 515.0, 300.0]]
    """
    _check(unit, activity, clock, brackets, with_money=with_money)
    rolling = clock == "rolling"
    seen = _sightings(base, unit, activity, convention, rolling=rolling, with_money=with_money)
    heads, old = count_cells(seen, activity, tuple(brackets))
    heads = (
        np.where(old > 0, heads, np.nan) if rolling else blank_future(heads, seen, tuple(brackets))
    )
    money = None
    if with_money and seen.money is not None:
        money = blank_future(seen.money, seen, ())
    return CohortTable(
        unit=unit,
        as_of=base.as_of,
        cohort_start=from_day_numbers(seen.starts),
        sizes=seen.sizes,
        heads=heads,
        last_is_incomplete=seen.last_is_incomplete,
        customers_without_purchase=_without_cohort(base, seen),
        rows_after_as_of=base.rows_after_as_of,
        convention=convention,
        activity=activity,
        clock=clock,
        old_enough=old if rolling else None,
        money=money,
        brackets=tuple(brackets),
        biased_from=_biased(seen, activity),
    )


def customers_in_cell(
    base: PurchaseIndex | ContractIndex,
    *,
    cohort: str,
    column: int,
    unit: CohortUnit = "month",
    activity: Activity = "on",
    clock: Clock = "calendar",
    brackets: Brackets = (),
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> pd.DataFrame:
    """Return the people behind one cell of a cohort triangle.

    Parameters
    ----------
    base : PurchaseIndex or ContractIndex
        From `index_purchases` or `index_contracts`.
    cohort : str
        Label of the cohort, such as "1997-01".
    column : int
        Units since the first purchase or contract; with brackets, their position from 0.
    unit, activity, clock, brackets, convention
        As in `build_cohorts`.

    Returns
    -------
    pandas.DataFrame
        `customer_id` of everybody in the denominator of the cell, and `counted`: whether they are
        in the numerator.

    Raises
    ------
    NotComputableError
        If there is no such cohort or column.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import customers_in_cell, index_purchases
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> people = customers_in_cell(base, cohort="1997-01", column=3)
    >>> len(people), int(people["counted"].sum())
    (781, 70)
    """
    table = build_cohorts(
        base, unit=unit, activity=activity, clock=clock, brackets=brackets, convention=convention
    )
    if cohort not in table.labels or not 0 <= column < table.heads.shape[1]:
        raise NotComputableError(
            f"no cell {cohort!r}, {column}",
            rule=f"cohorts {', '.join(table.labels[:5])}, ...; columns 0 to "
            f"{table.heads.shape[1] - 1}",
            where="customers_in_cell",
            fix="choose a label of CohortTable.labels",
        )
    seen = _sightings(base, unit, activity, convention, rolling=clock == "rolling")
    first, last = brackets[column] if activity == "bracket" else (column, column)
    member = (seen.cohort_of == table.labels.index(cohort)) & (seen.last_column >= last)
    hit = seen.until >= first if activity == "on_or_after" else seen_within(seen, first, last)
    counted = np.zeros(len(member), dtype=np.bool_)
    counted[seen.code[hit & (last <= seen.last_column[seen.code])]] = True
    who = np.flatnonzero(member)
    return pd.DataFrame(
        {"customer_id": base.customer_id.take(seen.owner[who]), "counted": counted[who]}
    )


def _sightings(
    base: PurchaseIndex | ContractIndex,
    unit: CohortUnit,
    activity: Activity,
    convention: MetricConvention,
    *,
    rolling: bool,
    with_money: bool = False,
) -> Sightings:
    """Return who was seen in which column, by the clock asked for."""
    if isinstance(base, ContractIndex):
        if rolling:
            return contract_anniversaries(base, unit, convention, activity=activity)
        return contract_sightings(base, unit, convention, activity=activity, with_money=with_money)
    if rolling:
        return rolling_sightings(base, unit, convention, activity=activity)
    return calendar_sightings(base, unit, convention, with_money=with_money)


def _without_cohort(base: PurchaseIndex | ContractIndex, seen: Sightings) -> int:
    """Return how many customers never bought, or have no contract the convention counts."""
    found = np.zeros(len(base), dtype=np.bool_)
    found[seen.owner[seen.cohort_of >= 0]] = True
    return int(np.count_nonzero(~found))


def _biased(seen: Sightings, activity: Activity) -> int:
    """Return how many last cells of a row are counted low."""
    return seen.columns_in_window if activity == "on_or_after" else 0


def _check(
    unit: CohortUnit, activity: Activity, clock: Clock, brackets: Brackets, *, with_money: bool
) -> None:
    """Raise unless the form of cohorts exists."""
    plain = activity == "on" and clock == "calendar"
    ends = [end for pair in brackets for end in pair]
    problems = {
        f"no cohorts by {unit!r}": unit not in ("day", "week", "month", "quarter", "year"),
        f"brackets are {list(brackets)}": ends != sorted(ends)
        or any(end < 0 for end in ends)
        or any(a[1] >= b[0] for a, b in pairwise(brackets))
        or (activity == "bracket") != bool(brackets),
        f"money of {activity!r} on a {clock} clock": with_money and not plain,
    }
    for problem, is_there in problems.items():
        if is_there:
            raise NotComputableError(
                problem,
                rule="units are day, week, month, quarter or year; brackets are disjoint and in "
                'order, with activity="bracket"; money is followed "on" a calendar clock',
                where="build_cohorts",
                fix='unit="month", activity="on", clock="calendar"',
            )
