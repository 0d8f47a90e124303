"""Compare timestamps with the last observed day, by calendar day, inclusive."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from retainkit._core.time import parse_as_of
from retainkit.tables._sieve import Sieve
from retainkit.typing import AsOf, BoolArray


def after_day(times: pd.Series[Any], day: date) -> BoolArray | None:
    """Return which times lie after the end of `day`; None when none does."""
    values = times.to_numpy()
    if values.dtype.kind != "M" or not len(values):
        return None
    if values.dtype == "datetime64[ns]" and day >= pd.Timestamp.max.date():
        return None  # no nanosecond timestamp can be later
    midnight = np.datetime64(day, "D") + np.timedelta64(1, "D")
    late: BoolArray = values >= midnight.astype(values.dtype)
    return late if late.any() else None


def exclude_after(
    sieve: Sieve, times: pd.Series[Any], as_of: AsOf | None, *, reason: str = "after_as_of"
) -> date | None:
    """Leave out what lies after `as_of`; without `as_of` nothing is."""
    if as_of is None:
        return None
    day = parse_as_of(as_of)
    late = after_day(times, day)
    sieve.take("excluded", reason, late, policy=f"as_of={day.isoformat()}", values=times)
    return day
