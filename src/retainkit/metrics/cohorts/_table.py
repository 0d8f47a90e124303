"""The cohort triangle."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.kernels.intervals import jeffreys, wilson
from retainkit._core.result import ResultTable
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._period import CohortUnit
from retainkit.typing import BoolArray, FloatArray

Activity: TypeAlias = Literal["on", "on_or_after", "bracket"]
"""What a column of cohorts counts."""

Clock: TypeAlias = Literal["calendar", "rolling"]
"""Calendar units, or time since each customer's own start."""


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
        Customers of the cohort who bought in the unit that lies so many units later, or had a
        contract on its last day; column 0 equals `sizes` on a calendar clock.
    last_is_incomplete : bool
        Whether `as_of` lies before the last day of its unit: then the last observed cell of each
        row counts only part of a unit.
    customers_without_purchase : int
        Customers with returns only, or without a contract that counts; they belong to no cohort.
    rows_after_as_of : int
        Rows left out because they lie after `as_of`.
    convention : MetricConvention
        What the words mean.
    activity : {"on", "on_or_after", "bracket"}
        What a column counts: active in that unit, in it or any later one, or in any unit of a
        bracket.
    clock : {"calendar", "rolling"}
        Whether columns are calendar units or lengths of time since each customer's own start.
    old_enough : ndarray of float, shape (cohorts, columns), or None
        Customers whose own column is over (rolling; on or after: and `window_days` more); None
        where everybody's is.
    money : ndarray of float, shape (cohorts, columns), or None
        Revenue of the cohort in the column [money].
    brackets : tuple of (int, int)
        First and last unit of each column of brackets.
    biased_from : int
        Columns whose unit ends within `window_days` of the end of observation are counted low
        when `activity` is "on_or_after"; number of last observed cells per row concerned.
    """

    unit: CohortUnit
    as_of: date
    cohort_start: npt.NDArray[np.datetime64]
    sizes: npt.NDArray[np.int64]
    heads: FloatArray
    last_is_incomplete: bool
    customers_without_purchase: int
    rows_after_as_of: int
    convention: MetricConvention
    activity: Activity = "on"
    clock: Clock = "calendar"
    old_enough: FloatArray | None = None
    money: FloatArray | None = None
    brackets: tuple[tuple[int, int], ...] = ()
    biased_from: int = 0

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
        """`heads` / customers old enough; NaN where not yet observed or nobody is."""
        return np.asarray(self.heads / np.where(self._base > 0, self._base, np.nan))

    @property
    def money_rates(self) -> FloatArray:
        """`money` / the cohort's money in its first column; NaN without money there."""
        if self.money is None:
            return np.full(self.heads.shape, np.nan)
        first = self.money[:, :1]
        return np.asarray(self.money / np.where(first > 0, first, np.nan))

    @property
    def _base(self) -> FloatArray:
        """Customers behind each cell."""
        if self.old_enough is not None:
            return self.old_enough
        return np.broadcast_to(self.sizes[:, np.newaxis].astype(np.float64), self.heads.shape)

    @property
    def incomplete(self) -> BoolArray:
        """Cells that show less than the whole truth, because observation ends.

        They count only part of a calendar unit, only customers old enough, or, on or after a
        unit, miss purchases still to come.
        """
        if self.old_enough is not None:
            return np.asarray(~np.isnan(self.heads) & (self.old_enough < self.sizes[:, np.newaxis]))
        last = max(int(self.last_is_incomplete), self.biased_from)
        observed = np.count_nonzero(~np.isnan(self.heads), axis=1)[:, np.newaxis]
        column = np.arange(self.heads.shape[1])[np.newaxis, :]
        return np.asarray((column < observed) & (column >= observed - last))

    @property
    def counted(self) -> BoolArray:
        """Cells that enter the average: observed, and complete unless the convention marks only."""
        observed = ~np.isnan(self.heads)
        if self.convention.incomplete_period == "mark" or self.old_enough is not None:
            return observed
        return observed & ~self.incomplete

    @property
    def eligible(self) -> npt.NDArray[np.int64]:
        """Customers of the cohorts old enough for each column."""
        return np.asarray(np.where(self.counted, self._base, 0.0).sum(axis=0).astype(np.int64))

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

        One row per cohort (index `cohort`), one column per unit since the cohort's own
        (0, 1, ...); NaN where not yet observed.
        """
        return self._triangle(self.rates)

    def heads_frame(self) -> pd.DataFrame:
        """Return the triangle of heads.

        As `to_frame`, with customers in place of rates.
        """
        return self._triangle(self.heads.copy())

    def money_frame(self) -> pd.DataFrame:
        """Return the triangle of money.

        As `to_frame`, with revenue in place of rates; NaN throughout if it was not asked for.
        """
        unknown = np.full(self.heads.shape, np.nan)
        return self._triangle(unknown if self.money is None else self.money.copy())

    def cells_frame(self) -> pd.DataFrame:
        """Return one row per observed cell: the people behind it, its rate and its interval.

        `cohort`, `column`, `size` of the cohort, `eligible` customers in the denominator,
        `retained` of them, `rate` with `lower` and `upper` (the interval of the convention),
        `incomplete` and `in_average`; by cohort and then by column.
        """
        row, column = np.nonzero(~np.isnan(self.heads) & (self._base > 0))
        eligible, retained = self._base[row, column], self.heads[row, column]
        lower, upper = self._bounds(retained, eligible)
        return pd.DataFrame(
            {
                "cohort": np.array(self.labels, dtype=object)[row],
                "column": self._columns.to_numpy()[column],
                "size": self.sizes[row],
                "eligible": eligible.astype(np.int64),
                "retained": retained.astype(np.int64),
                "rate": retained / eligible,
                "lower": lower,
                "upper": upper,
                "incomplete": self.incomplete[row, column],
                "in_average": self.counted[row, column],
            }
        )

    def _bounds(self, heads: FloatArray, base: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the interval of the convention; NaN where it wants none."""
        bounds = {"jeffreys": jeffreys, "wilson": wilson}.get(self.convention.interval_method)
        if bounds is None:
            return np.full(len(base), np.nan), np.full(len(base), np.nan)
        return bounds(heads, base, self.convention.interval_level)

    def _triangle(self, cells: FloatArray) -> pd.DataFrame:
        """Return cells with their labels."""
        index = pd.Index(self.labels, name="cohort")
        return pd.DataFrame(cells, index=index, columns=self._columns)

    @property
    def _columns(self) -> pd.Index[Any]:
        """Names of the columns."""
        name = f"{self.unit}s_since_first"
        if self.brackets:
            return pd.Index([f"{a}-{b}" for a, b in self.brackets], name=name)
        return pd.RangeIndex(self.heads.shape[1], name=name)

    def balanced(self, columns: int) -> CohortTable:
        """Return the cohorts that are complete up to a column, and no others.

        Along such a panel the set of cohorts does not change, so its average curve compares the
        same customers throughout.

        Parameters
        ----------
        columns : int
            Columns to keep, counted from 0.

        Returns
        -------
        CohortTable
            Fewer cohorts and columns.

        Examples
        --------
        >>> from retainkit.datasets import load_cdnow_sample
        >>> from retainkit.metrics import build_cohorts, index_purchases
        >>> cohorts = build_cohorts(index_purchases(load_cdnow_sample(), as_of="1998-06-30"))
        >>> cohorts.balanced(17).labels
        ('1997-01', '1997-02')
        """
        kept = self.counted[:, :columns].all(axis=1) & (self.sizes > 0)
        old = None if self.old_enough is None else self.old_enough[kept, :columns]
        return dataclasses.replace(
            self,
            cohort_start=self.cohort_start[kept],
            sizes=self.sizes[kept],
            heads=self.heads[kept, :columns],
            old_enough=old,
            money=None if self.money is None else self.money[kept, :columns],
            brackets=self.brackets[:columns],
            last_is_incomplete=False,
            biased_from=0,
        )

    def summary(self) -> pd.DataFrame:
        """Return the average curve over the cohorts old enough for each column.

        The set of cohorts changes along the curve, so the curve may rise.

        One row per unit since the first purchase: `cohorts` and `eligible` customers behind
        it, `retained`, `rate`, and its interval `lower`, `upper`.
        """
        eligible, retained = self.eligible.astype(np.float64), self.retained.astype(np.float64)
        lower, upper = self._bounds(retained, eligible)
        return pd.DataFrame(
            {
                "cohorts": (self.counted & (self.sizes > 0)[:, np.newaxis]).sum(axis=0),
                "eligible": self.eligible,
                "retained": self.retained,
                "rate": self.average,
                "lower": lower,
                "upper": upper,
            },
            index=self._columns,
        )


def _label(start: date, unit: CohortUnit) -> str:
    """Return the name of a cohort."""
    if unit == "year":
        return f"{start:%Y}"
    if unit == "quarter":
        return f"{start:%Y}-Q{(start.month + 2) // 3}"
    return f"{start:%Y-%m}" if unit == "month" else f"{start:%Y-%m-%d}"
