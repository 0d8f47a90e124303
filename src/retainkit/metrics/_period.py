"""A stretch of calendar days, half-open, and calendar units as running numbers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from retainkit._core.config import FrozenConfig
from retainkit._core.time import day_number, parse_as_of
from retainkit.metrics._convention import Weekday
from retainkit.typing import AsOf

CalendarUnit = Literal["week", "month", "quarter", "year"]
"""A calendar unit: Monday-to-Sunday week (by default), month, quarter or year."""

MONTHS_PER_UNIT: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}


class Period(FrozenConfig):
    """The days from `start` (counted) to `end` (not counted).

    Parameters
    ----------
    start : datetime.date
        First day inside.
    end : datetime.date
        First day outside; later than `start`.

    Raises
    ------
    pydantic.ValidationError
        If `end` is not later than `start`.

    Notes
    -----
    Half-open periods tile: the end of one is the start of the next, and no day counts twice.
    The library's `as_of` is the last observed day, so a period is complete when
    ``end <= as_of + 1 day``.

    Examples
    --------
    >>> from retainkit.metrics import Period
    >>> Period(start="1998-02-01", end="1998-03-01").days
    28
    >>> print(Period.quarter(1998, 2), Period.month(1998, 3).previous())
    1998-Q2 1998-02
    >>> print(Period.last_complete("month", as_of="1998-06-29"))
    1998-05
    >>> [str(month) for month in Period.complete("month", since="1998-02-01", as_of="1998-05-30")]
    ['1998-02', '1998-03', '1998-04']
    """

    start: date
    end: date

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        """Refuse a period that ends before it starts."""
        if self.end <= self.start:
            msg = f"end {self.end} is not later than start {self.start}; the end day is not counted"
            raise ValueError(msg)
        return self

    @classmethod
    def month(cls, year: int, month: int) -> Self:
        """Return a calendar month; month 1 is January."""
        return cls(start=date(year, month, 1), end=add_months(date(year, month, 1), 1))

    @classmethod
    def quarter(cls, year: int, quarter: int) -> Self:
        """Return a calendar quarter: three months; quarter 1 is January to March."""
        start = date(year, 3 * quarter - 2, 1)
        return cls(start=start, end=add_months(start, 3))

    @classmethod
    def year(cls, year: int) -> Self:
        """Return a calendar year."""
        return cls(start=date(year, 1, 1), end=date(year + 1, 1, 1))

    @classmethod
    def last_days(cls, days: int, *, as_of: AsOf) -> Self:
        """Return the `days` days (at least 1) that end with `as_of`, which counts."""
        end = parse_as_of(as_of) + timedelta(days=1)
        return cls(start=end - timedelta(days=days), end=end)

    @classmethod
    def last_complete(cls, unit: CalendarUnit, *, as_of: AsOf) -> Self:
        """Return the latest calendar unit that `as_of` covers to its last day.

        `unit` is "week" (from Monday), "month", "quarter" or "year".
        """
        next_day = parse_as_of(as_of) + timedelta(days=1)
        if unit == "week":
            end = next_day - timedelta(days=next_day.weekday())
            return cls(start=end - timedelta(days=7), end=end)
        months = MONTHS_PER_UNIT[unit]
        end = date(next_day.year, (next_day.month - 1) // months * months + 1, 1)
        return cls(start=add_months(end, -months), end=end)

    @classmethod
    def complete(
        cls, unit: CalendarUnit, *, since: AsOf, as_of: AsOf, most: int | None = None
    ) -> tuple[Self, ...]:
        """Return the calendar units observed from their first day to their last, oldest first.

        Parameters
        ----------
        unit : {"week", "month", "quarter", "year"}
            Kind of period; weeks start on Monday.
        since, as_of : str, date, datetime or numpy.datetime64
            First and last observed day, both inclusive.
        most : int, optional
            Only the latest so many; None = all.

        Returns
        -------
        tuple of Period
            Empty where no unit is complete.
        """
        first, period = parse_as_of(since), cls.last_complete(unit, as_of=as_of)
        found: list[Self] = []
        while period.start >= first and (most is None or len(found) < most):
            found.append(period)
            period = period.previous()
        return tuple(reversed(found))

    @property
    def days(self) -> int:
        """Length [day]."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        """The last day that counts: the day before `end`."""
        return self.end - timedelta(days=1)

    @property
    def start_day(self) -> int:
        """`start` as days since 1970-01-01."""
        return day_number(self.start)

    @property
    def end_day(self) -> int:
        """`end` as days since 1970-01-01."""
        return day_number(self.end)

    @property
    def label(self) -> str:
        """Short name: "1998", "1998-Q2", "1998-06", or first and last day."""
        if self.start.day == 1:
            first_month = self.start.month
            if self.start.month == 1 and self.end == add_months(self.start, 12):
                return f"{self.start.year:04d}"
            if first_month % 3 == 1 and self.end == add_months(self.start, 3):
                return f"{self.start.year:04d}-Q{(first_month + 2) // 3}"
            if self.end == add_months(self.start, 1):
                return f"{self.start:%Y-%m}"
        return f"{self.start} to {self.last_day}"

    def previous(self) -> Self:
        """Return the period of the same kind that ends where this one starts.

        Whole months go back by months, anything else by days.
        """
        if self.start.day == 1 and self.end.day == 1:
            months = 12 * (self.end.year - self.start.year) + self.end.month - self.start.month
            return type(self)(start=add_months(self.start, -months), end=self.start)
        return type(self)(start=self.start - timedelta(days=self.days), end=self.start)

    def __str__(self) -> str:
        return self.label


def add_months(first: date, months: int) -> date:
    """Return the first of a month, `months` later."""
    year, month = divmod(12 * first.year + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


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
