"""The one rule that dates the end of a contract, and says whether it counts and what it brings."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.frame_columns import NEVER
from retainkit.contracts._kernel import charge_day, charges_due
from retainkit.contracts._read import ContractConvention, ContractDetails
from retainkit.typing import BoolArray, FloatArray

_Int32 = npt.NDArray[np.int32]


class DatedContracts(NamedTuple):
    """Contracts as a convention sees them, by row."""

    end: _Int32
    """First day on which the contract counts as ended."""
    counts: BoolArray
    """Whether it was a contract, begun by the last observed day."""
    paused: BoolArray
    """Whether its end is a pause, which is no loss."""
    amount: FloatArray | None
    notes: tuple[str, ...]


def date_contracts(
    start: _Int32,
    end: _Int32,
    amount: FloatArray | None,
    details: ContractDetails,
    *,
    today: int,
    convention: ContractConvention,
) -> DatedContracts:
    """Date every end under a convention; `today` is the last observed day."""
    notes: list[str] = []
    dated = _recognise(start, end, details, today, convention, notes)
    dated = _end_unpaid(start, dated, details, today, convention, notes)
    counts = start <= today
    if convention.same_day == "ignore":
        counts &= end > start
    if convention.unpaid == "ignore" and details.unpaid is not None:
        counts &= ~details.unpaid
    brings = None if amount is None else recurring_amounts(amount, details, convention)
    if convention.zero_value == "churned" and brings is not None and details.makes_active is None:
        counts &= brings > 0.0
    paused = (end != NEVER) & _pauses(len(start), details, today, convention)
    return DatedContracts(dated, counts, paused, brings, tuple(notes))


def recurring_amounts(
    amount: FloatArray, details: ContractDetails, convention: ContractConvention
) -> FloatArray:
    """Return amounts after discounts, usage and pauses."""
    if details.discount is not None and convention.discounts != "ignore":
        counted: Any = True
        if convention.discounts == "permanent_only":
            counted = details.discount_permanent
            counted = False if counted is None else counted
        amount = amount - np.where(counted, details.discount, 0.0)
    if details.usage_amount is not None and convention.usage == "include":
        amount = amount + details.usage_amount
    if details.paused is not None and convention.paused == "zero":
        amount = np.where(details.paused, 0.0, amount)
    return amount


def _recognise(
    start: _Int32,
    end: _Int32,
    details: ContractDetails,
    today: int,
    convention: ContractConvention,
    notes: list[str],
) -> _Int32:
    """Return the day each contract counts as ended; the end of service where nothing is told.

    A notice ends a contract on the day it is given, if service has not ended before; one dated
    after `today` is not known yet. The paid period goes on after an end of service, never ends it.
    """
    name = convention.recognition
    if name == "service_period_end":
        return end
    told = details.cancel_requested if name == "cancel_requested" else details.billing_end
    ended = end != NEVER
    if name == "billing_end" and convention.billing_months is not None:
        paid = paid_until(start, np.where(ended, end, start), convention.billing_months)
        told = paid if told is None else np.where(told == NEVER, paid, told)
    if told is None:
        if ended.any():
            count = int(np.count_nonzero(ended))
            notes.append(f"no column {name!r}: the end stands for it in {count:,} contracts")
        return end
    known = (told != NEVER) & (told <= today if name == "cancel_requested" else ended)
    stands = int(np.count_nonzero(ended & (told == NEVER)))
    if stands:
        notes.append(f"{name} is empty in {stands:,} ended contracts: their end stands for it")
    moved = np.minimum(told, end) if name == "cancel_requested" else np.maximum(told, end)
    return np.maximum(np.where(known, moved, end), start).astype(np.int32)


def paid_until(
    start: _Int32, end: npt.NDArray[Any], months: int | npt.NDArray[np.int64]
) -> npt.NDArray[Any]:
    """Return the end of the billing period in which each contract ended; at least one is billed."""
    begun = start.astype(np.int64)
    charges = charges_due(begun, np.maximum(end.astype(np.int64), begun + 1))
    return charge_day(begun, -(-charges // months) * months)


def _end_unpaid(
    start: _Int32,
    end: _Int32,
    details: ContractDetails,
    today: int,
    convention: ContractConvention,
    notes: list[str],
) -> _Int32:
    """Return ends moved forward where a contract was unpaid too long."""
    unpaid = details.unpaid
    patient = convention.past_due == "active" and convention.dunning_days == 0
    if unpaid is None or patient or not unpaid.any():
        return end
    days = 0 if convention.past_due == "churned" else convention.dunning_days
    since = start.astype(np.int64)
    if details.past_due_since is not None:
        told = details.past_due_since
        since = np.where(told != NEVER, np.maximum(told, start), since)
    due = np.where(unpaid & (since + days <= today), since + days, NEVER)
    gone = int(np.count_nonzero(due < end))
    if gone:
        notes.append(f"{gone:,} unpaid contracts count as ended after {days} days past due")
    return np.minimum(end, due).astype(np.int32)


def _pauses(
    size: int, details: ContractDetails, today: int, convention: ContractConvention
) -> BoolArray:
    """Return which contracts would end in a pause that is no loss: none that was cancelled."""
    pauses = np.zeros(size, dtype=np.bool_)
    if convention.paused == "lost":
        return pauses
    if details.paused is not None:
        pauses |= details.paused
    if details.end_reason is not None:
        known = convention.pause_reasons
        means_pause = np.array([*(name in known for name in details.end_reasons), False])
        pauses |= means_pause[details.end_reason]
    if details.cancel_requested is not None:
        pauses &= details.cancel_requested > today
    return pauses
