"""One base over one period: who was there, who came, who bought, for how much."""

from __future__ import annotations

from functools import cached_property
from typing import cast

import numpy as np
import numpy.typing as npt

from retainkit._core.time import day_number
from retainkit.metrics._bases import CustomerBase
from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._period import Period
from retainkit.metrics._purchases import PurchaseIndex
from retainkit.metrics._value import Reason
from retainkit.typing import BoolArray, FloatArray

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
