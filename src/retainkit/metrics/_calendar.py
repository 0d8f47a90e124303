"""Calendar units as running numbers, so that cohorts are differences of integers."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from retainkit.metrics._convention import Weekday
from retainkit.metrics._period import MONTHS_PER_UNIT

CohortUnit: TypeAlias = Literal["day", "week", "month", "quarter", "year"]
"""Unit of cohorts and of their columns."""

_WEEK_ORIGIN: dict[Weekday, int] = {"monday": 4, "sunday": 3, "saturday": 2}
"""Day number of the first such weekday after Thursday 1970-01-01."""


def bucket_of_days(
    days: npt.NDArray[Any], unit: CohortUnit, *, week_start: Weekday = "monday"
) -> npt.NDArray[np.int32]:
    """Return the running number of the unit that holds each day."""
    if unit == "day":
        return days.astype(np.int64)
    if unit == "week":
        return np.asarray((days - _WEEK_ORIGIN[week_start]) // 7, dtype=np.int32)
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // MONTHS_PER_UNIT[unit], dtype=np.int32)


def bucket_starts(
    first: int, count: int, unit: CohortUnit, *, week_start: Weekday = "monday"
) -> npt.NDArray[np.int64]:
    """Return the first day of `count` units in a row, beginning with the one that holds `first`."""
    numbers = bucket_of_days(np.array([first]), unit, week_start=week_start) + np.arange(count)
    if unit == "day":
        return numbers
    if unit == "week":
        return numbers * 7 + _WEEK_ORIGIN[week_start]
    months = (numbers * MONTHS_PER_UNIT[unit]).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)


_ROLLING_DAYS: dict[CohortUnit, int] = {
    "day": 1,
    "week": 7,
    "month": 30,
    "quarter": 90,
    "year": 365,
}


def units_since(
    first: npt.NDArray[Any], days: npt.NDArray[Any], unit: CohortUnit, *, calendar_months: bool
) -> npt.NDArray[np.int64]:
    """Return how many whole units lie between each first day and each day.

    By calendar months, one month later is the same day of the next month, or its last day.
    """
    if unit in ("day", "week") or not calendar_months:
        return np.asarray((days.astype(np.int64) - first) // _ROLLING_DAYS[unit])
    month, day = _month_and_day(days)
    month_first, day_first = _month_and_day(first)
    next_month = (month + 1).astype("datetime64[M]").astype("datetime64[D]")
    length = _month_and_day(next_month - np.timedelta64(1, "D"))[1]
    lag = month - month_first - (day < np.minimum(day_first, length))
    return np.asarray(lag // MONTHS_PER_UNIT[unit])


def _month_and_day(days: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return running month and day of the month, counted from 0."""
    day = days.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    within = (day - month.astype("datetime64[D]")).astype(np.int64)
    return month.astype(np.int64), within
