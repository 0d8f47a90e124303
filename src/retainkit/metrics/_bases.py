"""What every metric needs to know about a customer base, however it was observed."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import day_number
from retainkit.errors import AsOfError
from retainkit.metrics._convention import MetricConvention
from retainkit.typing import BoolArray, IntArray

_Int32 = npt.NDArray[np.int32]


class CustomerBase(Protocol):
    """What a metric needs to know about customers: who was active when.

    Attributes
    ----------
    customer_id : pandas.Index
        Customers in order of first appearance.
    as_of : datetime.date
        Last observed day, inclusive.
    observed_from : datetime.date or None
        First observed day; None for a base without rows.
    first_day : ndarray of int32
        Day each customer joined, as days since 1970-01-01.
    """

    @property
    def customer_id(self) -> pd.Index[Any]:
        """Customers in order of first appearance."""
        ...

    @property
    def as_of(self) -> date:
        """Last observed day, inclusive."""
        ...

    @property
    def observed_from(self) -> date | None:
        """First observed day; None for a base without rows."""
        ...

    @property
    def first_day(self) -> _Int32:
        """Day each customer joined [days since 1970-01-01]."""
        ...

    def active_before(self, day: int, *, convention: MetricConvention) -> BoolArray:
        """Return who was active when the day before `day` ended."""
        ...

    def history_days(self, convention: MetricConvention) -> int:
        """Return how many days before a day must be observed to know who was active."""
        ...


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
