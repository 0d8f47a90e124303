"""Contracts read in a convention: the rows as that convention sees them."""

from __future__ import annotations

import dataclasses

import numpy as np

from retainkit._core.frame_columns import NEVER
from retainkit._core.time import day_number
from retainkit.contracts import ContractConvention
from retainkit.contracts._dates import date_contracts
from retainkit.contracts._kernel import bridge_gaps
from retainkit.contracts._spells import Spells, find_spells
from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._kernel import first_days, sorted_unique_pairs
from retainkit.typing import BoolArray, IntArray


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
