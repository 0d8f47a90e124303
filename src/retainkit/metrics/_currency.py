"""Movements of contracts in several currencies: valued at the rates of the period's start."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import to_day_numbers
from retainkit.errors import NotComputableError
from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._kernel_movements import CURRENCY, Moves, find_moves, join_moves
from retainkit.metrics._kernel_spells import find_changes, to_units, units_per_money
from retainkit.typing import FloatArray, IntArray


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
