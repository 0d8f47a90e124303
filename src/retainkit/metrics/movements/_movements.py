"""How recurring revenue moved: new, returned, larger, smaller, gone; closing to the cent."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import day_number, to_day_numbers
from retainkit.errors import NotComputableError
from retainkit.metrics._base import ContractIndex, PurchaseIndex, as_contracts
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._period import Period
from retainkit.metrics._snapshot import apply_convention
from retainkit.metrics.movements._kernel import (
    CURRENCY,
    NEW,
    REACTIVATION,
    Moves,
    find_changes,
    find_moves,
    join_moves,
    merge_moves,
    to_units,
    units_per_money,
)
from retainkit.metrics.movements._table import MovementTable
from retainkit.typing import FloatArray, IntArray

_BLOCK = 100_000
"""Customers worked on at a time."""


def revenue_movements(
    base: PurchaseIndex | ContractIndex,
    *,
    periods: Sequence[Period] | Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
    exchange_rates: pd.DataFrame | None = None,
) -> MovementTable:
    """Split the change of recurring revenue into movements, per customer and period.

    Plans of one customer are added up first, so splitting a plan in two moves nothing. Opening
    plus movements is closing, for every customer and every period, to the cent.

    Parameters
    ----------
    base : PurchaseIndex or ContractIndex
        From `index_purchases` or `index_contracts`. For purchases the recurring amount is the
        revenue of the last `window_days`, and who bought nothing in them is gone.
    periods : Period or sequence of Period
        Days measured; several follow each other without a gap.
    convention : MetricConvention, optional
        `counting` decides between comparing both ends and counting every change;
        `same_period_join_leave`, `reactivation`, `term_change` and everything that changes rows
        (`contracts`).
    exchange_rates : pandas.DataFrame, optional
        `currency`, `day` (valid from), `rate` [home money per unit]; needed when the contracts
        are in several currencies. Movements are valued at the rates of the period's start, the
        effect of the rates on what is there at the end is the line "currency".

    Returns
    -------
    MovementTable
        A row per customer, period and kind; `.summary()` has a row per period.

    Raises
    ------
    NotComputableError
        If periods leave gaps, or rates are missing.

    References
    ----------
    ChartMogul, MRR movements; Stripe, Billing metric definitions ("adjusting for any foreign
    currency impact"); Gold, C. (2020), Fighting Churn with Data, section 2.7.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period, index_contracts, revenue_movements
    >>> base = index_contracts(pd.DataFrame({
    ...     "customer_id": ["a", "b", "b"], "amount": [100.0, 80.0, 95.0],
    ...     "start": pd.to_datetime(["2026-03-09", "2026-01-01", "2026-03-20"]),
    ...     "end": pd.to_datetime([None, "2026-03-20", None]),
    ... }), as_of="2026-03-31")
    >>> table = revenue_movements(base, periods=Period.month(2026, 3))
    >>> table.summary()[["opening", "new", "expansion", "closing"]]
             opening    new  expansion  closing
    period
    2026-03     80.0  100.0       15.0    195.0
    """
    asked = (periods,) if isinstance(periods, Period) else tuple(periods)
    boundaries = _boundaries(asked)
    if isinstance(base, PurchaseIndex):
        base = as_contracts(base, convention=convention)
    seen = apply_convention(base, convention=convention)
    notes = [*seen.notes, *_coverage(base, asked)]
    if len(base.details.currencies) > 1 or exchange_rates is not None:
        moves, opening, per_money = move_by_currency(seen, boundaries, convention, exchange_rates)
        moves = merge_moves(moves)
    else:
        moves, opening, per_money = _move(seen, boundaries, convention)
    if convention.reactivation == "new":
        kind = np.where(moves.kind == REACTIVATION, NEW, moves.kind).astype(np.int8)
        moves = merge_moves(moves._replace(kind=kind))
    return MovementTable(
        customer_id=base.customer_id,
        periods=asked,
        moves=moves,
        opening=opening[0],
        opening_heads=opening[1],
        units_per_money=per_money,
        complete=np.array([p.end_day <= day_number(base.as_of) + 1 for p in asked]),
        convention=convention,
        notes=tuple(notes),
    )


def _move(
    seen: ContractIndex, boundaries: IntArray, convention: MetricConvention
) -> tuple[Moves, tuple[float, int], float]:
    """Return movements, opening and unit; blocks of customers keep the memory small."""
    per_money = units_per_money(seen.row_amount)
    separate = convention.term_change == "separate"
    term = seen.details.term_months if separate else None
    heads_of = seen.details.makes_active
    opening, heads, found = 0, 0, []
    for rows in _blocks(seen):
        changes = find_changes(
            seen.row_customer[rows],
            seen.row_start[rows],
            seen.row_end[rows],
            to_units(seen.row_amount[rows], per_money),
            last_day=int(boundaries[-1]) - 1,
            term=None if term is None else term[rows],
            heads=None if heads_of is None else heads_of[rows],
        )
        earlier = changes.take(np.flatnonzero(changes.day < boundaries[0]))
        opening += int((earlier.after - earlier.before).sum())
        heads += int(np.count_nonzero(earlier.running_after > 0))
        heads -= int(np.count_nonzero(earlier.running_before > 0))
        moves = find_moves(
            changes,
            seen.first_day,
            boundaries,
            by_event=convention.counting == "event",
            flashes=convention.same_period_join_leave == "count_both",
            separate_terms=separate,
        )
        found.append(merge_moves(moves))
    return join_moves(found), (float(opening), heads), per_money


def _blocks(seen: ContractIndex) -> Iterator[npt.NDArray[np.intp]]:
    """Give the rows of one block of customers after the other."""
    for first in range(0, max(len(seen), 1), _BLOCK):
        own = (seen.row_customer >= first) & (seen.row_customer < first + _BLOCK)
        yield np.flatnonzero(own)


def _boundaries(periods: Sequence[Period]) -> IntArray:
    """Return the days on which periods start and the last one ends."""
    if not periods:
        raise NotComputableError(
            "no periods", rule="at least one period", where="periods", fix="Period.month(...)"
        )
    for one, other in pairwise(periods):
        if one.end != other.start:
            raise NotComputableError(
                f"{one} is not followed by {other}",
                rule="movements chain: the close of one period is the opening of the next",
                where="periods",
                fix="pass periods without gaps, or compute them one by one",
            )
    return np.array([*(p.start_day for p in periods), periods[-1].end_day], dtype=np.int64)


def _coverage(base: ContractIndex, periods: Sequence[Period]) -> list[str]:
    """Say which periods are not observed to their end."""
    last = day_number(base.as_of)
    partial = [str(p) for p in periods if p.end_day > last + 1]
    return [f"observed to {base.as_of}: incomplete {', '.join(partial)}"] if partial else []


def move_by_currency(
    seen: ContractIndex,
    boundaries: IntArray,
    convention: MetricConvention,
    exchange_rates: pd.DataFrame | None,
) -> tuple[Moves, tuple[float, int], float]:
    """Return movements, opening and unit, each period at its own opening rates."""
    rates = _rates_at(seen, boundaries, exchange_rates)
    code = seen.details.currency
    code = np.zeros(len(seen.row_amount), dtype=np.int16) if code is None else code
    per_money = units_per_money(np.concatenate([seen.row_amount * rates.max(), [0.01001]]))
    opening = (0.0, 0)
    found: list[Moves] = []
    for at in range(len(boundaries) - 1):
        here = (seen.row_start < boundaries[at + 1]) & (seen.row_end >= boundaries[at])
        part = _at_rates(seen, here)
        old = to_units(part.row_amount * rates[at][code[here]], per_money)
        new = to_units(part.row_amount * rates[at + 1][code[here]], per_money)
        if at == 0:
            there = (part.row_start < boundaries[0]) & (part.row_end >= boundaries[0])
            opening = (float(old[there].sum()), len(np.unique(part.row_customer[there])))
        found.append(_one_period(part, old, boundaries[at : at + 2], at, convention))
        found.append(_rate_effect(part, new - old, boundaries[at + 1], at))
    return join_moves(found), opening, per_money


def _at_rates(seen: ContractIndex, here: npt.NDArray[np.bool_]) -> ContractIndex:
    """Return the contracts of one currency."""
    term = seen.details.term_months
    return dataclasses.replace(
        seen,
        row_customer=seen.row_customer[here],
        row_start=seen.row_start[here],
        row_end=seen.row_end[here],
        row_amount=seen.row_amount[here],
        details=seen.details._replace(term_months=None if term is None else term[here]),
    )


def _one_period(
    part: ContractIndex,
    units: npt.NDArray[np.int64],
    ends: IntArray,
    at: int,
    convention: MetricConvention,
) -> Moves:
    """Return the movements of one currency in one period."""
    separate = convention.term_change == "separate"
    changes = find_changes(
        part.row_customer,
        part.row_start,
        part.row_end,
        units,
        last_day=int(ends[1]) - 1,
        term=part.details.term_months if separate else None,
    )
    moves = find_moves(
        changes,
        part.first_day,
        ends,
        by_event=convention.counting == "event",
        flashes=convention.same_period_join_leave == "count_both",
        separate_terms=separate,
    )
    return moves._replace(period=np.full(len(moves.period), at, dtype=np.int16))


def _rate_effect(part: ContractIndex, gain: npt.NDArray[np.int64], day: int, at: int) -> Moves:
    """Return what the change of rates did to the contracts that run at the end."""
    running = (part.row_start < day) & (part.row_end >= day)
    total = np.bincount(
        part.row_customer[running],
        weights=gain[running].astype(np.float64),
        minlength=len(part),
    ).astype(np.int64)
    who = np.flatnonzero(total)
    return Moves(
        who.astype(np.int32),
        np.full(len(who), at, dtype=np.int16),
        np.full(len(who), CURRENCY, dtype=np.int8),
        total[who],
        np.ones(len(who), dtype=np.int32),
    )


def _rates_at(
    seen: ContractIndex, boundaries: IntArray, exchange_rates: pd.DataFrame | None
) -> FloatArray:
    """Return the rate of each currency at each boundary: the latest valid on the day before."""
    names = seen.details.currencies or ("home",)
    if exchange_rates is None:
        raise NotComputableError(
            f"contracts are in {len(names)} currencies: {', '.join(names[:5])}",
            rule="money of several currencies adds up only at known rates",
            where="exchange_rates",
            fix="pass a frame with currency, day, rate (home money per unit)",
        )
    if seen.details.currency is None:
        return np.ones((len(boundaries), 1))
    rates = np.full((len(boundaries), len(names)), np.nan)
    for at, name in enumerate(names):
        own = exchange_rates[exchange_rates["currency"].astype(str) == name].sort_values("day")
        days = to_day_numbers(pd.to_datetime(own["day"]).to_numpy())
        place = np.searchsorted(days, boundaries - 1, side="right") - 1
        known = place >= 0
        rates[known, at] = own["rate"].to_numpy(dtype=np.float64)[place[known]]
    unknown = [name for at, name in enumerate(names) if not (rates[:, at] > 0).all()]
    if unknown:
        raise NotComputableError(
            f"no positive rate of {', '.join(unknown)} at some boundary of the periods",
            rule="every currency has a rate valid on the day before each boundary",
            where="exchange_rates",
            fix="add rates valid from an earlier day, also 1.0 for the home currency",
        )
    return rates
