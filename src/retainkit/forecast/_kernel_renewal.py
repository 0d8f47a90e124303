"""Decision dates of contracts, and how many were at risk and left on each: arrays in and out.

A decision date is a day on which a contract can end: each day (step 0), or each renewal after
`step` months. Its index counts from the start: day of tenure, or number of renewals. Days are
days since 1970-01-01; an anniversary on a day its month lacks is that month's last day.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = 1 << 40
"""The end of a contract that runs [day]."""

BLOCK_DAYS = 30
"""Length of a calendar block of counts [day]."""

MAX_BLOCKS = 24
"""Blocks kept apart; what lies further back is one more."""


class Months(NamedTuple):
    """Calendar position of days: month since 1970-01 and day of the month from 0."""

    month: Ints
    day: Ints


def months_of(days: Ints) -> Months:
    """Split days into month and day of the month."""
    dates = days.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    first = month.astype("datetime64[D]").view(np.int64)
    return Months(month.view(np.int64), days - first)


def month_starts(first: int, last: int) -> Ints:
    """Return the first day of the months `first` to `last` and of the one after."""
    months = np.arange(first, last + 2).astype("datetime64[M]")
    return months.astype("datetime64[D]").view(np.int64)


def months_completed(start: Months, until: Months) -> Ints:
    """Return the whole months from start until another day; negative before the start."""
    first = until.month.astype("datetime64[M]").astype("datetime64[D]").view(np.int64)
    after = (until.month + 1).astype("datetime64[M]").astype("datetime64[D]").view(np.int64)
    due = np.minimum(start.day, after - first - 1)
    months: Ints = until.month - start.month - (until.day < due)
    return months


def anniversaries(start: Months, months: Ints) -> Ints:
    """Return the day `months` months after each start."""
    month = start.month + months
    if not month.size:
        return month
    low = int(month.min())
    starts = month_starts(low, int(month.max()))
    place = month - low
    days: Ints = starts[place] + np.minimum(start.day, starts[place + 1] - starts[place] - 1)
    return days


def index_on(start: Ints, at: Months, day: int, step: int) -> Ints:
    """Return the index of the last decision date up to `day`; -1 before the start."""
    if step == 0:
        return np.maximum(day - start, -1)
    months = months_completed(at, months_of(np.array([day], dtype=np.int64)))
    return np.where(day < start, -1, months // step)


def index_of_end(start: Ints, end: Ints, at: Months, step: int) -> tuple[Ints, Bools]:
    """Return the decision date each end belongs to, and whether it lies within a day of it.

    An end between two decision dates belongs to the later one.
    """
    if step == 0:
        return np.maximum(end - start, 0), np.ones(len(start), dtype=bool)
    two, before, after = (
        np.where(day < start, -1, months_completed(at, months_of(day)) // step)
        for day in (end - 2, end - 1, end + 1)
    )
    on_time = (after > before) | (before > two)
    index = np.where(after > before, after, np.where(before > two, before, before + 1))
    return np.maximum(index, 0), on_time


class StepCounts(NamedTuple):
    """Contracts at risk and ended by calendar block (the last one first) and decision date.

    Parts of a base add up: `merge_counts`.
    """

    risk: Ints
    ended: Ints


def block_edges(first: int, last: int) -> list[int]:
    """Return the ends of the calendar blocks, backwards from `last` to the day before `first`."""
    edges = [last - BLOCK_DAYS * i for i in range(MAX_BLOCKS + 1)]
    return [edge for edge in edges if edge >= first] + [first - 1]


def count_steps(start: Ints, end: Ints, step: int, edges: list[int]) -> StepCounts:
    """Count contracts at risk and ended; only days within the edges are looked at.

    A contract that started before the first edge is at risk from that edge on (late entry).
    """
    inside = np.flatnonzero((start <= edges[0]) & (end > edges[-1]))
    start, end = start[inside], end[inside]
    at = months_of(start) if step else Months(start, start)
    gone, _ = index_of_end(start, np.minimum(end, edges[0]), at, step)
    size = int(gone.max(initial=0)) + 3
    risk = np.zeros((len(edges) - 1, size), dtype=np.int64)
    ended = np.zeros_like(risk)
    for block, (until, since) in enumerate(pairwise(edges)):
        rows = np.flatnonzero((start <= until) & (end > since))
        leaves = end[rows] <= until
        here, when = start[rows], Months(at.month[rows], at.day[rows])
        low = index_on(here, when, since, step)
        high = np.where(leaves, gone[rows], index_on(here, when, until, step))
        low = np.where(leaves, np.minimum(low, high - 1), low)
        seen = high > low
        risk[block] = np.bincount(low[seen] + 1, minlength=size)[:size]
        risk[block] -= np.bincount(high[seen] + 1, minlength=size)[:size]
        ended[block] = np.bincount(high[leaves], minlength=size)[:size]
    return StepCounts(risk.cumsum(axis=1), ended)


def merge_counts(parts: list[StepCounts]) -> StepCounts:
    """Add counts of parts of a base, or of groups, over the same edges."""
    size = max(part.risk.shape[1] for part in parts)
    total = np.zeros((2, parts[0].risk.shape[0], size), dtype=np.int64)
    for part in parts:
        total[0, :, : part.risk.shape[1]] += part.risk
        total[1, :, : part.ended.shape[1]] += part.ended
    return StepCounts(total[0], total[1])


def same_day_groups(days: Ints) -> tuple[Ints, Ints]:
    """Return the distinct days and the place of each row among them, without a sort."""
    if not days.size:
        return days, days
    low = int(days.min())
    span = int(days.max()) - low + 1
    if span > 50 * days.size + 10_000:
        levels, places = np.unique(days, return_inverse=True)
        return levels, places.astype(np.int64)
    seen = np.zeros(span, dtype=bool)
    seen[days - low] = True
    place = np.cumsum(seen) - 1
    return np.flatnonzero(seen) + low, place[days - low]
