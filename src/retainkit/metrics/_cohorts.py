"""Cohorts of customers by first purchase, followed through calendar periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._internal.result import ResultTable
from retainkit._internal.time import day_number, from_day_numbers
from retainkit.errors import NotComputableError
from retainkit.metrics._calendar import bucket_of_days, bucket_starts
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._kernel import NEVER, cohort_counts, jeffreys, wilson
from retainkit.metrics._period import CalendarUnit
from retainkit.metrics._purchases import PurchaseIndex, index_purchases
from retainkit.typing import AsOf, BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CohortTable(ResultTable):
    """The cohort triangle: rows are cohorts, columns are periods since the cohort's own.

    NaN means not yet observed; 0 means observed, and nobody bought.

    Attributes
    ----------
    unit : str
        Calendar unit of cohorts and columns: "week", "month", "quarter" or "year".
    as_of : datetime.date
        Last observed day.
    cohort_start : ndarray of datetime64
        First day of each cohort's unit, ascending, from the first to the last cohort that has
        customers; units between them that won nobody are rows of size 0.
    sizes : ndarray of int64
        Customers of each cohort: those whose first purchase lies in its unit.
    heads : ndarray of float, shape (cohorts, columns)
        Customers of the cohort who bought in the unit that lies so many units later; column 0
        equals `sizes`.
    last_is_incomplete : bool
        Whether `as_of` lies before the last day of its unit: then the last observed cell of each
        row counts only part of a unit.
    customers_without_purchase : int
        Customers with returns only; they belong to no cohort.
    rows_after_as_of : int
        Rows left out because they lie after `as_of`.
    convention : MetricConvention
        What the words mean.
    """

    unit: CalendarUnit
    as_of: date
    cohort_start: npt.NDArray[np.datetime64]
    sizes: npt.NDArray[np.int64]
    heads: FloatArray
    last_is_incomplete: bool
    customers_without_purchase: int
    rows_after_as_of: int
    convention: MetricConvention

    _what: ClassVar[str] = "cohorts"
    _next_step: ClassVar[str] = ".to_frame() for the triangle, .summary() for the average curve"

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of each cohort: "1997-01", "1997-Q1", "1997", or the first day of its week."""
        return tuple(_label(start, self.unit) for start in self.cohort_start.astype(object))

    @property
    def rates(self) -> FloatArray:
        """`heads` / `sizes`; NaN where not yet observed or the cohort is empty."""
        sizes = np.where(self.sizes > 0, self.sizes, np.nan)[:, np.newaxis]
        return np.asarray(self.heads / sizes)

    @property
    def incomplete(self) -> BoolArray:
        """Cells that count only part of a unit because observation ends inside it."""
        partial = np.zeros(self.heads.shape, dtype=np.bool_)
        if self.last_is_incomplete:
            observed = np.count_nonzero(~np.isnan(self.heads), axis=1)
            partial[np.arange(len(self)), observed - 1] = True
        return partial

    @property
    def counted(self) -> BoolArray:
        """Cells that enter the average: observed, and complete unless the convention marks only."""
        observed = ~np.isnan(self.heads)
        if self.convention.incomplete_period == "mark":
            return observed
        return observed & ~self.incomplete

    @property
    def eligible(self) -> npt.NDArray[np.int64]:
        """Customers of the cohorts old enough for each column."""
        return np.asarray((self.counted * self.sizes[:, np.newaxis]).sum(axis=0))

    @property
    def retained(self) -> npt.NDArray[np.int64]:
        """Those of the eligible who bought in that column's unit."""
        return np.asarray(np.where(self.counted, self.heads, 0.0).sum(axis=0).astype(np.int64))

    @property
    def average(self) -> FloatArray:
        """`retained` / `eligible`: each customer weighs the same; NaN where nobody is eligible."""
        return self.retained / np.where(self.eligible > 0, self.eligible, np.nan)

    def to_frame(self) -> pd.DataFrame:
        """Return the triangle of rates.

        Returns
        -------
        pandas.DataFrame
            One row per cohort (index `cohort`), one column per unit since the cohort's own
            (0, 1, ...); NaN where not yet observed.
        """
        return self._triangle(self.rates)

    def heads_frame(self) -> pd.DataFrame:
        """Return the triangle of heads.

        Returns
        -------
        pandas.DataFrame
            As `to_frame`, with customers in place of rates.
        """
        return self._triangle(self.heads.copy())

    def _triangle(self, cells: FloatArray) -> pd.DataFrame:
        return pd.DataFrame(
            cells,
            index=pd.Index(self.labels, name="cohort"),
            columns=pd.RangeIndex(cells.shape[1], name=f"{self.unit}s_since_first"),
        )

    def summary(self) -> pd.DataFrame:
        """Return the average curve over the cohorts old enough for each column.

        The set of cohorts changes along the curve, so the curve may rise.

        Returns
        -------
        pandas.DataFrame
            One row per unit since the first purchase: `cohorts` and `eligible` customers behind
            it, `retained`, `rate`, and its interval `lower`, `upper`.
        """
        eligible, retained = self.eligible.astype(np.float64), self.retained.astype(np.float64)
        undefined = np.full(len(eligible), np.nan)
        bounds = {"jeffreys": jeffreys, "wilson": wilson}.get(self.convention.interval_method)
        lower, upper = (
            (undefined, undefined)
            if bounds is None
            else bounds(retained, eligible, self.convention.interval_level)
        )
        return pd.DataFrame(
            {
                "cohorts": (self.counted & (self.sizes > 0)[:, np.newaxis]).sum(axis=0),
                "eligible": self.eligible,
                "retained": self.retained,
                "rate": self.average,
                "lower": lower,
                "upper": upper,
            },
            index=pd.RangeIndex(len(eligible), name=f"{self.unit}s_since_first"),
        )


def build_cohorts(
    transactions: pd.DataFrame,
    *,
    as_of: AsOf,
    unit: CalendarUnit = "month",
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> CohortTable:
    """Build the cohort triangle of purchase data: who of each month's new customers bought later.

    Parameters
    ----------
    transactions : pandas.DataFrame
        Valid transactions (see `retainkit.tables.validate_transactions`): `customer_id`,
        `timestamp`, `amount` [money]; rows with an amount of at least 0 are purchases.
    as_of : str, date, datetime or numpy.datetime64
        Last observed day, inclusive.
    unit : {"week", "month", "quarter", "year"}, default "month"
        Calendar unit of cohorts and columns.
    convention : MetricConvention, optional
        `week_start` and the interval; `incomplete_period` says whether cells that count only part
        of a unit enter the average.

    Returns
    -------
    CohortTable
        Cohorts in order of time. A cell counts the customers who bought *in* that unit, so a
        row may rise and fall.

    Raises
    ------
    SchemaError
        If the frame is not a valid transactions table.
    AsOfError
        If `as_of` is not a day or lies before every row.

    Notes
    -----
    A customer's cohort is that of the first purchase in the data. When the data begin later than
    the business, the first cohorts hold old customers too.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import build_cohorts
    >>> cohorts = build_cohorts(load_cdnow_sample(), as_of="1998-06-30")
    >>> dict(zip(cohorts.labels, cohorts.sizes.tolist(), strict=True))
    {'1997-01': 781, '1997-02': 857, '1997-03': 719}
    """
    base = index_purchases(transactions, as_of=as_of)
    return follow_cohorts(base, unit=unit, convention=convention)


def follow_cohorts(
    base: PurchaseIndex,
    *,
    unit: CalendarUnit = "month",
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> CohortTable:
    """Build the cohort triangle from purchases that are already indexed.

    Parameters
    ----------
    base : PurchaseIndex
        From `index_purchases`.
    unit : {"week", "month", "quarter", "year"}, default "month"
        Calendar unit of cohorts and columns.
    convention : MetricConvention, optional
        What the words mean.

    Returns
    -------
    CohortTable
        As `build_cohorts`.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import follow_cohorts, index_purchases
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> follow_cohorts(base, unit="quarter").heads.tolist()
    [[2357.0, 524.0, 418.0, 404.0, 384.0, 300.0]]
    """
    if unit not in ("week", "month", "quarter", "year"):
        raise NotComputableError(
            f"no cohorts by {unit!r}",
            rule="cohorts are calendar weeks, months, quarters or years",
            where="unit",
            fix='unit="month"',
        )
    last = day_number(base.as_of)
    first = int(base.day.min()) if len(base.day) else last + 1
    days = np.arange(first, last + 2)
    buckets = bucket_of_days(days, unit, week_start=convention.week_start)
    buckets = buckets - (buckets[0] if len(days) else 0)
    heads = _count(base, buckets, first)
    starts = bucket_starts(first, len(heads), unit, week_start=convention.week_start)
    return CohortTable(
        unit=unit,
        as_of=base.as_of,
        cohort_start=from_day_numbers(starts),
        sizes=heads[:, 0].copy() if heads.shape[1] else np.zeros(0, dtype=np.int64),
        heads=_blank_future(heads),
        last_is_incomplete=len(days) > 1 and bool(buckets[-1] == buckets[-2]),
        customers_without_purchase=int(np.count_nonzero(base.first_day == NEVER)),
        rows_after_as_of=base.rows_after_as_of,
        convention=convention,
    )


def _count(base: PurchaseIndex, buckets: npt.NDArray[Any], first: int) -> npt.NDArray[np.int64]:
    """Return heads by cohort and column, for cohorts up to the last that has customers."""
    if len(base.day) == 0:
        return np.zeros((0, 0), dtype=np.int64)
    bought = base.first_day != NEVER
    cohort_of = np.full(len(base), -1, dtype=np.int32)
    cohort_of[bought] = buckets[base.first_day[bought] - first]
    shape = (int(cohort_of.max()) + 1, int(buckets[-2]) + 1)
    return cohort_counts(base.customer, buckets[base.day - first], cohort_of=cohort_of, shape=shape)


def _blank_future(heads: npt.NDArray[np.int64]) -> FloatArray:
    """Return the counts with NaN where the unit lies after the last observed one."""
    cohort, column = np.indices(heads.shape)
    return np.where(cohort + column < heads.shape[1], heads, np.nan)


def _label(start: date, unit: CalendarUnit) -> str:
    if unit == "year":
        return f"{start:%Y}"
    if unit == "quarter":
        return f"{start:%Y}-Q{(start.month + 2) // 3}"
    return f"{start:%Y-%m}" if unit == "month" else f"{start:%Y-%m-%d}"
