"""Calendar units as running numbers, so that cohorts are differences of integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from retainkit.metrics._convention import Weekday
from retainkit.metrics._period import MONTHS_PER_UNIT, CalendarUnit

_WEEK_ORIGIN: dict[Weekday, int] = {"monday": 4, "sunday": 3, "saturday": 2}
"""Day number of the first such weekday after Thursday 1970-01-01."""


def bucket_of_days(
    days: npt.NDArray[Any], unit: CalendarUnit, *, week_start: Weekday = "monday"
) -> npt.NDArray[np.int32]:
    """Return the running number of the unit that holds each day."""
    if unit == "week":
        return np.asarray((days - _WEEK_ORIGIN[week_start]) // 7, dtype=np.int32)
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // MONTHS_PER_UNIT[unit], dtype=np.int32)


def bucket_starts(
    first: int, count: int, unit: CalendarUnit, *, week_start: Weekday = "monday"
) -> npt.NDArray[np.int64]:
    """Return the first day of `count` units in a row, beginning with the one that holds `first`."""
    numbers = bucket_of_days(np.array([first]), unit, week_start=week_start) + np.arange(count)
    if unit == "week":
        return numbers * 7 + _WEEK_ORIGIN[week_start]
    months = (numbers * MONTHS_PER_UNIT[unit]).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)
