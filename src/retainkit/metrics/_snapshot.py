"""One base over one period, as a convention sees it: who was there, who came, for how much."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from retainkit._core.frame_columns import NEVER
from retainkit._core.time import day_number
from retainkit.contracts import ContractConvention
from retainkit.contracts._dates import date_contracts
from retainkit.contracts._kernel import bridge_gaps
from retainkit.contracts._spells import Spells, find_spells
from retainkit.metrics._base import ContractIndex, CustomerBase, PurchaseIndex
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._kernel import first_days, order_free_sums, sorted_unique_pairs
from retainkit.metrics._period import Period
from retainkit.metrics._value import REASONS, Reason
from retainkit.typing import BoolArray, FloatArray, IntArray

NO_REASON = -1


class Cells(NamedTuple):
    """One metric in several cells: the whole base first, then each group."""

    value: FloatArray
    numerator: FloatArray
    denominator: FloatArray
    n: npt.NDArray[np.int64]
    lower: FloatArray
    upper: FloatArray
    reason: npt.NDArray[np.int8]


class Groups(NamedTuple):
    """A group per customer and how many groups there are."""

    codes: IntArray
    size: int


def sums(terms: npt.NDArray[Any], groups: Groups) -> FloatArray:
    """Return the sum of per-customer terms over everybody, then over each group."""
    if terms.dtype.kind == "f":
        counts = terms != 0.0
        everybody = np.zeros(len(terms), dtype=np.int8)
        overall = order_free_sums(terms, everybody, 1, keep=counts)
        if groups.size == 0:
            return overall
        grouped = order_free_sums(terms, groups.codes, groups.size, keep=counts)
        return np.concatenate([overall, grouped])
    overall = np.array([terms.sum()], dtype=np.float64)
    if groups.size == 0:
        return overall
    if terms.dtype.kind == "b":
        by_group = np.bincount(groups.codes[terms], minlength=groups.size)
        return np.concatenate([overall, by_group])
    return np.concatenate([overall, np.bincount(groups.codes, terms, minlength=groups.size)])


def undefined_where(
    numerator: FloatArray, denominator: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.int8]]:
    """Return numerator / denominator, NaN with a reason where the denominator is 0."""
    reason = np.full(len(denominator), NO_REASON, dtype=np.int8)
    reason[denominator == 0] = REASONS.index("zero_denominator")
    value = np.full(len(denominator), np.nan)
    return np.divide(numerator, denominator, out=value, where=denominator != 0), reason


def apply_convention(base: ContractIndex, *, convention: MetricConvention) -> ContractIndex:
    """Return the contracts as a convention sees them: every metric of contracts reads these.

    Ends and amounts are those of the one rule in `retainkit.contracts`; a gap or a pause that is
    no loss is filled, and contracts that do not count or cover no day are left out. The base
    itself comes back where the convention changes nothing; `.notes` says what was changed.
    """
    rule = convention.contracts
    today = day_number(base.as_of)
    dated = date_contracts(
        base.row_start,
        base.row_end,
        base.row_amount,
        base.details,
        today=today,
        convention=rule,
    )
    assert dated.amount is not None
    kept = dated.counts & (base.row_start < dated.end)
    is_told = dated.end is base.row_end and dated.amount is base.row_amount and not dated.notes
    pauses = dated.paused & dated.counts & (dated.end <= today)
    if is_told and kept.all() and not rule.grace_days and not pauses.any():
        return base
    seen = dataclasses.replace(base, row_end=dated.end, row_amount=dated.amount, notes=dated.notes)
    seen = _take(seen, dated.counts)
    if rule.grace_days:
        seen = _fill_gaps(seen, rule)
    kept = seen.row_start < seen.row_end
    sees_no_day = convention.same_period_join_leave == "count_both" and not kept.all()
    if not sees_no_day and not pauses.any():
        return _take(seen, kept)
    spells = find_spells(
        seen.row_customer,
        seen.row_start,
        seen.row_end,
        counts=np.ones(len(seen.row_start), dtype=np.bool_),
        paused=dated.paused[dated.counts],
        today=today,
        convention=rule.replace(spell="service"),
    )
    if sees_no_day:
        kept[spells.last_contract[spells.start == spells.end]] = True
    return _fill_pauses(seen, kept, spells, is_free=rule.paused == "zero")


def _take(base: ContractIndex, rows: BoolArray | IntArray) -> ContractIndex:
    """Return the base with some rows only."""
    customer, start = base.row_customer[rows], base.row_start[rows]
    pairs = sorted_unique_pairs(customer, start)
    return dataclasses.replace(
        base,
        first_day=first_days(*pairs, len(base)),
        row_customer=customer,
        row_start=start,
        row_end=base.row_end[rows],
        row_amount=base.row_amount[rows],
        details=base.details.take(rows),
    )


def _fill_gaps(base: ContractIndex, rule: ContractConvention) -> ContractIndex:
    """Return ends moved to the return where the gap is short."""
    moved, fresh = bridge_gaps(
        base.row_customer,
        base.row_start,
        base.row_end,
        grace_days=rule.grace_days,
        last_day=day_number(base.as_of),
    )
    notes = base.notes
    if fresh:
        notes += (
            f"{fresh:,} customers have been gone for less than {rule.grace_days} days on "
            f"{base.as_of} and may yet return: not counted as lost",
        )
    return dataclasses.replace(base, row_end=moved.astype(np.int32), notes=notes)


def _fill_pauses(
    base: ContractIndex, kept: BoolArray, spells: Spells, *, is_free: bool
) -> ContractIndex:
    """Return the rows kept, and one more for each pause: from the end to the return."""
    until = np.full(len(spells.start), NEVER, dtype=np.int32)
    back = np.flatnonzero(spells.customer[1:] == spells.customer[:-1])
    until[back] = spells.start[back + 1]
    at = np.flatnonzero(spells.pause)
    rows = np.flatnonzero(kept)
    seen = _take(base, np.append(rows, spells.last_contract[at]).astype(np.int64))
    start, end, amount = seen.row_start.copy(), seen.row_end.copy(), seen.row_amount.copy()
    start[len(rows) :], end[len(rows) :] = spells.end[at], until[at]
    if is_free:
        amount[len(rows) :] = 0.0
    return dataclasses.replace(seen, row_start=start, row_end=end, row_amount=amount)


_SMALL = 100_000
"""Customers up to which everything a snapshot made is kept until the last metric."""


def _is_large(made: object) -> bool:
    """Return whether an array is worth letting go of."""
    return isinstance(made, np.ndarray) and made.itemsize == 8 and made.size > _SMALL


class Snapshot:
    """Per-customer arrays of one period, each made when a metric first asks for it."""

    def __init__(self, base: CustomerBase, period: Period, convention: MetricConvention) -> None:
        self.base = base
        self.period = period
        self.convention = convention

    def forget_numbers(self) -> None:
        """Let go of the arrays of money and counts, which are large and quick to make again."""
        for name in [name for name, made in vars(self).items() if _is_large(made)]:
            delattr(self, name)

    @cached_property
    def was_active(self) -> BoolArray:
        """Active when the day before the period ended."""
        return self.base.active_before(self.period.start_day, convention=self.convention)

    @cached_property
    def is_young(self) -> BoolArray:
        """Joined less than one window before the period."""
        history = self.base.history_days(self.convention)
        return np.asarray(
            self.known_before & (self.base.first_day > self.period.start_day - history)
        )

    @cached_property
    def at_start(self) -> BoolArray:
        """The base of the start: who must be there again at the end to count as retained."""
        if self.convention.young_customers == "exclude":
            return self.was_active & ~self.is_young
        return self.was_active

    @cached_property
    def at_end(self) -> BoolArray:
        """Active when the last day of the period ended."""
        return self.base.active_before(self.period.end_day, convention=self.convention)

    @cached_property
    def known_before(self) -> BoolArray:
        """Joined before the period."""
        return np.asarray(self.base.first_day < self.period.start_day)

    @cached_property
    def joined(self) -> BoolArray:
        """Joined in the period."""
        return np.asarray(~self.known_before & (self.base.first_day < self.period.end_day))

    @cached_property
    def newcomers(self) -> BoolArray:
        """Joined in the period and count as new under the convention."""
        ignores = self.convention.same_period_join_leave == "ignore"
        if ignores and isinstance(self.base, ContractIndex):
            return self.joined & self.at_end
        return self.joined

    @cached_property
    def dormant(self) -> BoolArray:
        """Known before the period but not active at its start."""
        return self.known_before & ~self.was_active

    @cached_property
    def occasions(self) -> npt.NDArray[np.int32]:
        """Purchase occasions in the period."""
        base = cast("PurchaseIndex", self.base)
        found = base.occasions_between(self.period.start_day, self.period.end_day)
        return found.astype(np.int32)

    @cached_property
    def bought(self) -> BoolArray:
        """Bought in the period."""
        return np.asarray(self.occasions > 0)

    @cached_property
    def revenue(self) -> FloatArray:
        """Revenue in the period of those who bought in it [money]."""
        base = cast("PurchaseIndex", self.base)
        revenue = base.revenue_between(
            self.period.start_day,
            self.period.end_day,
            with_returns=self.convention.refunds == "subtract",
        )
        revenue[~self.bought] = 0.0
        return revenue

    @cached_property
    def amount_at_start(self) -> FloatArray:
        """Recurring amount of the customers of the start [money per billing period]."""
        amount = self._amount_before(self.period.start_day)
        amount[~self.at_start] = 0.0
        return amount

    @cached_property
    def closing_amount(self) -> FloatArray:
        """Recurring amount at the end of everybody [money per billing period]."""
        return self._amount_before(self.period.end_day)

    @cached_property
    def amount_kept(self) -> FloatArray:
        """What the convention counts as kept of the amount of the start, per customer [money]."""
        kept = self.amount_at_end
        if not self.convention.contraction_in_nrr:
            kept = np.where(self.at_end, np.maximum(kept, self.amount_at_start), kept)
        if self.convention.reactivation_in_nrr:
            kept = kept + np.where(self.dormant & self.at_end, self.closing_amount, 0.0)
        return kept

    @cached_property
    def amount_at_end(self) -> FloatArray:
        """Recurring amount at the end of the customers of the start [money per billing period]."""
        amount = self._amount_before(self.period.end_day)
        amount[~self.at_start] = 0.0
        return amount

    def _amount_before(self, day: int) -> FloatArray:
        """Return contracts' recurring amount, or purchases' revenue of the last window."""
        if isinstance(self.base, ContractIndex):
            return self.base.amount_before(day)
        base = cast("PurchaseIndex", self.base)
        with_returns = self.convention.refunds == "subtract"
        window = self.convention.window_days
        return base.revenue_between(day - window, day, with_returns=with_returns)

    def reason(self, *, needs_history: bool) -> Reason | None:
        """Return why nothing can be measured over this period, or None."""
        observed_from = self.base.observed_from
        start, end = self.period.start_day, self.period.end_day
        last = day_number(self.base.as_of)
        if observed_from is None or start > last or end <= day_number(observed_from):
            return "not_observed"
        history = self.base.history_days(self.convention) if needs_history else 0
        if history and start - history < day_number(observed_from):
            return "insufficient_history"
        if end > last + 1 and self.convention.incomplete_period == "drop":
            return "incomplete_period"
        return None

    def notes(self, *, needs_history: bool) -> tuple[str, ...]:
        """Return the remarks that do not stop a value."""
        remarks: list[str] = list(getattr(self.base, "notes", ()))
        if self.period.end_day > day_number(self.base.as_of) + 1:
            remarks.append(f"the period is incomplete: observed to {self.base.as_of}")
        observed_from = self.base.observed_from
        if observed_from is not None and self.period.start < observed_from:
            remarks.append(f"the data start inside the period, on {observed_from}")
        if needs_history and self.reason(needs_history=True) is None:
            remarks.extend(self._young_note())
        return tuple(remarks)

    def _young_note(self) -> tuple[str, ...]:
        """Say how many of the start were there by construction."""
        young = int(np.count_nonzero(self.was_active & self.is_young))
        if not young:
            return ()
        active = int(np.count_nonzero(self.was_active))
        counted = "counted" if self.convention.young_customers == "include" else "left out"
        return (
            f"{young:,} of {active:,} active at the start joined less than "
            f"{self.base.history_days(self.convention)} days before it and are {counted}",
        )
