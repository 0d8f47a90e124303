"""Array kernels of monthly charges: calendar months from a start, and the money still to come."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

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
