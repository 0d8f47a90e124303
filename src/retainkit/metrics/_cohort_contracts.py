"""Cohorts of contract customers: who has a contract on the last day of each unit."""

from __future__ import annotations

import numpy as np

from retainkit._internal.time import day_number, from_day_numbers
from retainkit.metrics._calendar import CohortUnit, bucket_of_days, bucket_starts
from retainkit.metrics._cohorts import CohortTable
from retainkit.metrics._contract_rules import read_contracts
from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._kernel import NEVER


def follow_contracts(
    base: ContractIndex, *, unit: CohortUnit, with_money: bool, convention: MetricConvention
) -> CohortTable:
    """Build the triangle of contract customers on a calendar clock."""
    seen = read_contracts(base, convention=convention)
    known = seen.first_day != NEVER
    last = day_number(seen.as_of)
    origin = int(seen.first_day[known].min()) if known.any() else last
    week_start = convention.week_start
    cohort = np.full(len(seen), -1, dtype=np.int64)
    numbers = bucket_of_days(seen.first_day[known], unit, week_start=week_start)
    first = int(numbers.min()) if known.any() else 0
    cohort[known] = numbers - first
    end = int(bucket_of_days(np.array([last]), unit, week_start=week_start)[0]) - first
    starts = bucket_starts(origin, end + 2, unit, week_start=week_start)
    sizes = np.bincount(cohort[known], minlength=1)
    shape = (len(sizes), end + 1)
    heads, money = np.full(shape, np.nan), np.full(shape, np.nan)
    for at in range(end + 1):
        day = min(int(starts[at + 1]), last + 1)
        there = np.flatnonzero(seen.active_before(day, convention=convention))
        rows = np.arange(min(at + 1, shape[0]))
        count = np.bincount(cohort[there], minlength=shape[0])
        heads[rows, at - rows] = count[rows]
        if with_money:
            amount = seen.amount_before(day)[there]
            total = np.bincount(cohort[there], amount, minlength=shape[0])
            money[rows, at - rows] = total[rows]
    heads[:, 0] = sizes
    return CohortTable(
        unit=unit,
        as_of=seen.as_of,
        cohort_start=from_day_numbers(starts[: shape[0]]),
        sizes=sizes,
        heads=heads,
        last_is_incomplete=bool(starts[-1] > last + 1),
        customers_without_purchase=int(np.count_nonzero(~known)),
        rows_after_as_of=seen.rows_after_as_of,
        convention=convention,
        money=money if with_money else None,
    )
