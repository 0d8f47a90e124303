"""Spells, charges and due days of contracts: arrays in, arrays out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_NEVER = int(np.iinfo(np.int32).max)
_Array = npt.NDArray[Any]


class Chains(NamedTuple):
    """Spans by customer and start, and where a new chain of them opens."""

    order: _Array
    """Rows by customer, start and end."""
    reach: _Array
    """Latest end of the customer so far, in that order."""
    opens: npt.NDArray[np.bool_]
    """Whether a row starts `gap` days or more after everything before it has ended."""


def chain_spans(customer: _Array, start: _Array, end: _Array, *, gap: int = 1) -> Chains:
    """Sort spans and join those of a customer that overlap or follow each other closely."""
    order = np.lexsort((end, _pair(customer, start)))
    who, begin = customer[order], start[order]
    reach = np.maximum.accumulate(_pair(who, end[order])) - (who.astype(np.int64) << 32)
    opens = np.ones(len(order), dtype=np.bool_)
    opens[1:] = (who[1:] != who[:-1]) | (begin[1:] - reach[:-1] >= gap)
    return Chains(order, reach, opens)


def merge_spells(customer: _Array, start: _Array, end: _Array) -> tuple[_Array, _Array, _Array]:
    """Return customer, start and end of the unions of each customer's spans, in order of time.

    Spans that overlap, or of which one starts on the day the other ends, are one.
    """
    order, reach, opens = chain_spans(customer, start, end)
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(order))[: len(first)] - 1
    return customer[order][first], start[order][first], reach[last]


def bridge_gaps(
    customer: _Array, start: _Array, end: _Array, *, grace_days: int, last_day: int
) -> tuple[_Array, int]:
    """Return ends moved to the return where a gap is short, and the ends too fresh to judge.

    A gap is short below `grace_days`; an end after which fewer days were observed is open.
    """
    if len(customer) == 0:
        return end, 0
    order, reach, _ = chain_spans(customer, start, end)
    who, begin = customer[order], start[order].astype(np.int64)
    away = begin[1:] - reach[:-1]
    gap_at = np.flatnonzero((who[1:] == who[:-1]) & (away > 0) & (away < grace_days))
    last = np.append(np.flatnonzero(who[1:] != who[:-1]), len(who) - 1)
    fresh = last[(reach[last] <= last_day) & (reach[last] > last_day + 1 - grace_days)]
    moved_key = _pair(np.append(who[gap_at], who[fresh]), np.append(reach[gap_at], reach[fresh]))
    moved_to = np.append(begin[gap_at + 1], np.full(len(fresh), _NEVER))
    by_key = np.argsort(moved_key)
    own = _pair(customer, end)
    place = np.minimum(np.searchsorted(moved_key[by_key], own), max(len(by_key) - 1, 0))
    moved = end.copy()
    if len(by_key):
        hit = moved_key[by_key][place] == own
        moved[hit] = moved_to[by_key][place[hit]]
    return moved, len(fresh)


def _pair(customer: _Array, day: _Array) -> npt.NDArray[np.int64]:
    """Return customer and day as one number that sorts like both."""
    pair: npt.NDArray[np.int64] = (customer.astype(np.int64) << 32) + day
    return pair


DayArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_MONTH = "datetime64[M]"
_DAY = "datetime64[D]"


def charge_day(start: DayArray, months: npt.NDArray[np.integer[Any]]) -> DayArray:
    """Return the day `months` calendar months after `start`; the month's last day if too short."""
    first = _month_of(start)
    offset = start - _first_day(first)
    due = first + months
    begin = _first_day(due)
    last = _first_day(due + 1) - 1
    day: DayArray = np.minimum(begin + offset, last)
    return day


def _month_of(day: DayArray) -> DayArray:
    """Return the month of each day, counted from January 1970."""
    month: DayArray = day.astype(_DAY).astype(_MONTH).astype(np.int64)
    return month


def _first_day(month: DayArray) -> DayArray:
    """Return the first day of each month."""
    day: DayArray = month.astype(_MONTH).astype(_DAY).astype(np.int64)
    return day


def charges_due(start: DayArray, until: DayArray) -> DayArray:
    """Return how many charge days lie in [start, until); `until` is after `start`."""
    last = until - 1
    count = _month_of(last) - _month_of(start)
    reached: DayArray = count + (charge_day(start, count) <= last)
    return reached


def future_charges(
    survival: FloatArray,
    charged: DayArray,
    term_months: DayArray,
    days_to_next: FloatArray,
    charges_left: FloatArray,
    *,
    horizon_days: float,
    annual_discount_rate: float,
    days_per_month: float,
) -> FloatArray:
    """Return the discounted number of charges expected within the horizon, per customer.

    The k-th charge from now (k = 0, 1, ...) is the customer's (charged + k + 1)-th; it lies in the
    term floor((charged + k) / term_months), and `survival[t]` is the share of customers who renew
    t times.
    """
    renewed = (charged - 1) // term_months
    now = survival[renewed]
    total = np.zeros(len(charged))
    for k in range(int(np.ceil(horizon_days / days_per_month)) + 1):
        day = days_to_next + k * days_per_month
        counts = (day <= horizon_days) & (k < charges_left)
        if not counts.any():
            break
        stays = survival[(charged + k) // term_months] / now
        total += np.where(counts, stays * (1.0 + annual_discount_rate) ** (-day / 365.25), 0.0)
    return total
