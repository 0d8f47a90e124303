"""The rows and days that were observed."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from retainkit._core.time import day_number
from retainkit.errors import AsOfError
from retainkit.typing import IntArray


def first_observed(days: IntArray, given: date | None, as_of: date) -> date | None:
    """Return the first observed day: as given, or the first day in the data."""
    if given is not None:
        if given > as_of:
            raise AsOfError(
                f"observed_from {given} is later than as_of {as_of}",
                rule="observation starts before it ends",
                fix="pass the first observed day, or leave observed_from out",
            )
        return given
    if len(days) == 0:
        return None
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(days.min()))


def observed_rows(frame: pd.DataFrame, days: IntArray, as_of: date, *, column: str) -> np.ndarray:
    """Return which rows begin on or before `as_of`; refuse when none of some rows do."""
    seen = np.asarray(days <= day_number(as_of))
    if len(frame) and not seen.any():
        raise AsOfError(
            f"all {len(frame):,} rows are later than as_of {as_of}",
            rule="as_of is the last observed day",
            where=column,
            fix="pass the last day the data cover",
        )
    return seen
