"""Calendar days: `as_of`, day numbers and units of time."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.errors import AsOfError
from retainkit.typing import AsOf, TimeUnit

DAYS_PER_UNIT: dict[TimeUnit, float] = {"day": 1.0, "week": 7.0, "month": 30.4375}
"""Length of each unit [days]; a month is 365.25 / 12 days."""

DAYS_PER_YEAR = 365.25

_BLOCK = 1 << 16
"""Rows converted at a time: temporaries stay in cache."""

_FIX = 'pass the last observed day, for example as_of="1998-06-30"'


def parse_as_of(as_of: AsOf) -> date:
    """Return `as_of` as a calendar day; refuse anything else with the fix."""
    if isinstance(as_of, np.datetime64):
        as_of = pd.Timestamp(as_of)
    if isinstance(as_of, str):
        as_of = _parse_iso(as_of)
    if isinstance(as_of, datetime):
        if as_of.tzinfo is not None or str(as_of) == "NaT":
            raise AsOfError(
                f"as_of is {as_of!r}", rule="as_of is a calendar day without time zone", fix=_FIX
            )
        return as_of.date()
    if isinstance(as_of, date):
        return as_of
    raise AsOfError(f"as_of is {as_of!r}", rule="time is an argument: as_of is required", fix=_FIX)


def _parse_iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise AsOfError(
            f"as_of is {text!r}", rule="as_of is an ISO day, YYYY-MM-DD", fix=_FIX
        ) from None


def day_number(day: date) -> int:
    """Return days since 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def to_day_numbers(timestamps: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Return the calendar day of each naive datetime as days since 1970-01-01 [day], int32."""
    days = np.empty(timestamps.shape, dtype=np.int32)
    for start in range(0, len(days), _BLOCK):
        rows = slice(start, start + _BLOCK)
        days[rows] = timestamps[rows].astype("datetime64[D]").view(np.int64)
    return days


def from_day_numbers(days: npt.NDArray[Any]) -> npt.NDArray[np.datetime64]:
    """Return day numbers as datetime64[s] (a resolution pandas keeps)."""
    return days.astype("datetime64[D]").astype("datetime64[s]")
