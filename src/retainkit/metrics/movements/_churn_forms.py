"""Churn in its other published forms: every departure, other denominators, customer-time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.intervals import daily_hazard_bounds, jeffreys, poisson_bounds, wilson
from retainkit._core.time import day_number
from retainkit.metrics._base import ContractIndex, PurchaseIndex, as_contracts
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._snapshot import Cells, Groups, Snapshot, sums, undefined_where
from retainkit.metrics.movements._kernel import Changes, events_by_day, find_changes
from retainkit.typing import BoolArray, FloatArray


def is_plain(convention: MetricConvention) -> bool:
    """Return whether churn compares two snapshots over the customers of the start."""
    return convention.counting == "snapshot" and convention.denominator == "start"


def churn_cells(snapshot: Snapshot, groups: Groups) -> Cells:
    """Return churn in the convention's own form, overall and by group."""
    convention = snapshot.convention
    if convention.denominator == "exposure":
        return _exposure_cells(snapshot, groups)
    if convention.denominator == "daily":
        return _daily_cells(snapshot, groups)
    there = entered(snapshot)
    if convention.counting == "event":
        lost = departures(snapshot, flashes=convention.same_period_join_leave == "count_both")
    else:
        lost = ((there > 0) & ~snapshot.at_end).astype(np.int64)
    numerator, denominator = sums(lost, groups), sums(there, groups)
    value, reason = undefined_where(numerator, denominator)
    lower, upper = _proportion_bounds(numerator, denominator, convention)
    n = denominator.astype(np.int64)
    return Cells(value, numerator, denominator, n, lower, upper, reason)


def entered(snapshot: Snapshot) -> npt.NDArray[np.int64]:
    """Return who is in the denominator: the customers of the start, perhaps also the new."""
    there = snapshot.at_start.astype(np.int64)
    if snapshot.convention.denominator == "start_plus_new":
        there += snapshot.newcomers
    return there


def as_retention(cells: Cells, convention: MetricConvention) -> Cells:
    """Return 1 minus churn, so that both add up to 1 in the same convention."""
    lower, upper = 1.0 - cells.upper, 1.0 - cells.lower
    cells = cells._replace(value=1.0 - cells.value, lower=lower, upper=upper)
    if convention.denominator in ("daily", "exposure"):
        return cells  # numerator and denominator stay departures and what they are measured on
    return cells._replace(numerator=cells.denominator - cells.numerator)


def describe_form(convention: MetricConvention, days: int) -> tuple[str, ...]:
    """Return how numerator and denominator make the value, where it is no plain division."""
    if convention.denominator == "exposure":
        return (f"churn = 1 - exp(-departures / customer-days x {days} days)",)
    if convention.denominator == "daily":
        return (
            "churn = sum over days of departures / customers at the start of the day; the "
            "denominator shown is the mean of these customers",
        )
    return ()


def interval_name(convention: MetricConvention) -> str:
    """Return how the interval of churn and retention is made."""
    return {"exposure": "poisson", "daily": "nelson-aalen"}.get(
        convention.denominator, convention.interval_method
    )


def changes_in(snapshot: Snapshot) -> Changes:
    """Return the days on which customers came and went, up to the end of the period."""
    base = snapshot.base
    last = min(snapshot.period.end_day - 1, day_number(base.as_of))
    if isinstance(base, PurchaseIndex):
        base = as_contracts(base, convention=snapshot.convention)
    assert isinstance(base, ContractIndex)
    return find_changes(
        base.row_customer,
        base.row_start,
        base.row_end,
        np.zeros(len(base.row_start), dtype=np.int64),
        last_day=last,
        heads=base.details.makes_active,
    )


def _leaving(snapshot: Snapshot, *, flashes: bool) -> tuple[Changes, BoolArray]:
    """Return all changes, and which of them are departures in the period."""
    changes = changes_in(snapshot)
    left = (changes.running_before > 0) & (changes.running_after == 0)
    left &= changes.day >= snapshot.period.start_day
    if not flashes:
        brief = snapshot.joined & ~snapshot.at_end
        left &= ~brief[changes.customer]
    return changes, left


def departures(snapshot: Snapshot, *, flashes: bool) -> npt.NDArray[np.int64]:
    """Return how often each customer left in the period."""
    changes, left = _leaving(snapshot, flashes=flashes)
    return np.bincount(changes.customer[left], minlength=len(snapshot.base.customer_id))


def _exposure_cells(snapshot: Snapshot, groups: Groups) -> Cells:
    """Return 1 - exp(-events / customer-days x days): unbiased with joiners and returns."""
    convention, days = snapshot.convention, snapshot.period.days
    events = sums(departures(snapshot, flashes=True), groups)
    exposure = customer_days(snapshot)
    total = sums(exposure, groups)
    rate, reason = undefined_where(events, total)
    lower, upper = poisson_bounds(events, total, convention.interval_level)
    if convention.interval_method == "none":
        lower, upper = np.full_like(lower, np.nan), np.full_like(upper, np.nan)
    n = sums(exposure > 0, groups).astype(np.int64)
    value = -np.expm1(-rate * days)
    bounds = -np.expm1(-lower * days), -np.expm1(-upper * days)
    return Cells(value, events, total, n, *bounds, reason)


def customer_days(snapshot: Snapshot) -> npt.NDArray[np.int64]:
    """Return the days of the period on which each customer was there."""
    changes = changes_in(snapshot)
    start = snapshot.period.start_day
    stop = min(snapshot.period.end_day, day_number(snapshot.base.as_of) + 1)
    until = np.full(len(changes.day), stop, dtype=np.int64)
    same = changes.customer[1:] == changes.customer[:-1]
    until[:-1][same] = changes.day[1:][same]
    length = np.clip(until - np.maximum(changes.day, start), 0, None)
    length[changes.running_after == 0] = 0
    size = len(snapshot.base.customer_id)
    return np.bincount(changes.customer, weights=length, minlength=size).astype(np.int64)


def _daily_cells(snapshot: Snapshot, groups: Groups) -> Cells:
    """Return the sum over days of departures / customers at the start of the day."""
    convention, first = snapshot.convention, snapshot.period.start_day
    flashes = convention.same_period_join_leave == "count_both"
    changes, left = _leaving(snapshot, flashes=flashes)
    came = (changes.running_before == 0) & (changes.running_after > 0)
    gone = (changes.running_before > 0) & (changes.running_after == 0)
    days = min(snapshot.period.end_day, day_number(snapshot.base.as_of) + 1) - first
    opening = sums(snapshot.was_active, groups)[:, np.newaxis]

    def by_day(which: BoolArray) -> FloatArray:
        """Return how many of some changes fall on each day, overall and by group."""
        codes = groups.codes[changes.customer[which]]
        size = max(groups.size, 1)
        table = events_by_day(changes.day[which], codes, first=first, count=days, size=size)
        total = table.sum(axis=0, keepdims=True)
        return total if groups.size == 0 else np.vstack([total, table])

    net = by_day(came) - by_day(gone)
    active = opening + np.cumsum(net, axis=1) - net
    lost = by_day(left)
    hazard = np.divide(lost, active, out=np.zeros_like(lost), where=active > 0)
    variance = np.divide(hazard, active, out=np.zeros_like(lost), where=active > 0).sum(axis=1)
    empty = (active == 0).all(axis=1)
    value, reason = undefined_where(hazard.sum(axis=1), np.where(empty, 0.0, 1.0))
    lower, upper = daily_hazard_bounds(value, variance, convention.interval_level)
    if convention.interval_method == "none":
        lower, upper = np.full_like(lower, np.nan), np.full_like(upper, np.nan)
    n = opening[:, 0].astype(np.int64)
    average = active.mean(axis=1)
    return Cells(value, lost.sum(axis=1), average, n, lower, upper, reason)


def _proportion_bounds(
    successes: FloatArray, trials: FloatArray, convention: MetricConvention
) -> tuple[FloatArray, FloatArray]:
    """Return the interval; NaN where departures exceed heads, which is then no proportion."""
    undefined = np.full(len(trials), np.nan)
    if convention.interval_method == "none":
        return undefined, undefined
    bounds = wilson if convention.interval_method == "wilson" else jeffreys
    proper = successes <= trials
    lower, upper = bounds(np.where(proper, successes, 0.0), trials, convention.interval_level)
    return np.where(proper, lower, np.nan), np.where(proper, upper, np.nan)
