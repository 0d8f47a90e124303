"""Contracts read in a convention: the rows as that convention sees them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from retainkit._core.time import day_number
from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._kernel import NEVER, first_days, sorted_unique_pairs
from retainkit.metrics._kernel_spells import bridge_gaps
from retainkit.typing import FloatArray

_Int32 = npt.NDArray[np.int32]


def read_contracts(base: ContractIndex, *, convention: MetricConvention) -> ContractIndex:
    """Return the contracts as a convention sees them.

    Ends move by churn recognition, dunning and grace; amounts change by discounts, usage and
    pauses; rows over nothing go if they make nobody active. Every metric of contracts reads its
    base through this function.

    Parameters
    ----------
    base : ContractIndex
        From `index_contracts`.
    convention : MetricConvention
        What the words mean.

    Returns
    -------
    ContractIndex
        The same customers with changed rows; `.notes` says what was changed or could not be. The
        base itself where the convention changes nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import MetricConvention, index_contracts, read_contracts
    >>> base = index_contracts(pd.DataFrame({
    ...     "customer_id": ["a", "a"], "amount": [10.0, 10.0],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-03-10"]),
    ...     "end": pd.to_datetime(["2026-03-05", None]),
    ... }), as_of="2026-03-31")
    >>> seen = read_contracts(base, convention=MetricConvention(grace_days=7))
    >>> bool(seen.row_end[0] == seen.row_start[1])  # the gap of five days is closed
    True
    """
    notes: list[str] = []
    end = _recognised_ends(base, convention, notes)
    end = _dunned_ends(base, end, convention, notes)
    amount = _recurring_amounts(base, convention)
    keep = base.row_start < end
    if convention.zero_value == "churned" and base.details.makes_active is None:
        keep &= amount > 0.0
    same = end is base.row_end and amount is base.row_amount and not convention.grace_days
    if same and keep.all() and not notes:
        return base
    if not keep.all():
        base = _only_rows(base, keep)
        end, amount = end[keep], amount[keep]
    if convention.grace_days:
        end = _graced_ends(base, end, convention, notes)
    return dataclasses.replace(base, row_end=end, row_amount=amount, notes=tuple(notes))


def _recognised_ends(base: ContractIndex, convention: MetricConvention, notes: list[str]) -> _Int32:
    """Return the days on which customers have left by the convention."""
    name = convention.churn_recognition
    if name == "service_period_end":
        return base.row_end
    told = base.details.cancel_requested
    if name == "billing_end":
        told = base.details.billing_end
    ended = int(np.count_nonzero(base.row_end != NEVER))
    if told is None:
        if ended:
            notes.append(f"no column {name!r}: the end stands for it in {ended:,} contracts")
        return base.row_end
    known = told != NEVER
    stands = int(np.count_nonzero(~known & (base.row_end != NEVER)))
    if stands:
        notes.append(f"{name} is empty in {stands:,} ended contracts: their end stands for it")
    return np.where(known, told, base.row_end).astype(np.int32)


def _dunned_ends(
    base: ContractIndex, end: _Int32, convention: MetricConvention, notes: list[str]
) -> _Int32:
    """Return ends moved forward where a contract was unpaid too long."""
    unpaid = base.details.unpaid
    patient = convention.past_due == "active" and convention.dunning_days == 0
    if unpaid is None or patient or not unpaid.any():
        return end
    days = 0 if convention.past_due == "churned" else convention.dunning_days
    since = base.row_start.astype(np.int64)
    if base.details.past_due_since is not None:
        told = base.details.past_due_since
        since = np.where(told != NEVER, told, since)
    due = np.where(unpaid, since + days, NEVER)
    due[due > day_number(base.as_of)] = NEVER
    gone = int(np.count_nonzero(due < end))
    if gone:
        notes.append(f"{gone:,} unpaid contracts count as ended after {days} days past due")
    return np.minimum(end, due).astype(np.int32)


def _recurring_amounts(base: ContractIndex, convention: MetricConvention) -> FloatArray:
    """Return amounts after discounts, usage and pauses."""
    details, amount = base.details, base.row_amount
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


def _only_rows(base: ContractIndex, keep: npt.NDArray[np.bool_]) -> ContractIndex:
    """Return the base with some rows only."""
    kept: dict[str, Any] = {
        name: part[keep]
        for name, part in base.details._asdict().items()
        if isinstance(part, np.ndarray)
    }
    details = base.details._replace(**kept)
    customer, start = base.row_customer[keep], base.row_start[keep]
    pairs = sorted_unique_pairs(customer, start)
    return dataclasses.replace(
        base,
        first_day=first_days(*pairs, len(base)),
        row_customer=customer,
        row_start=start,
        row_end=base.row_end[keep],
        row_amount=base.row_amount[keep],
        details=details,
    )


def _graced_ends(
    base: ContractIndex, end: _Int32, convention: MetricConvention, notes: list[str]
) -> _Int32:
    """Return ends moved to the return where the gap is short."""
    moved, fresh = bridge_gaps(
        base.row_customer,
        base.row_start,
        end,
        grace_days=convention.grace_days,
        last_day=day_number(base.as_of),
    )
    if fresh:
        notes.append(
            f"{fresh:,} customers have been gone for less than {convention.grace_days} days on "
            f"{base.as_of} and may yet return: not counted as lost"
        )
    return moved.astype(np.int32)
