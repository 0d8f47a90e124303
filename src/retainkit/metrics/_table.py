"""Many metrics at once: a tidy table, overall and by group."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._engine import envelope
from retainkit.metrics._period import Period
from retainkit.metrics._snapshot import NO_REASON, Cells, Groups
from retainkit.metrics._value import REASONS, MetricValue
from retainkit.typing import FloatArray, IntArray

OVERALL = "overall"
UNLABELLED = "unlabelled"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MetricTable(ResultTable):
    """Metrics of one or several periods: a row per period, metric and group, in this order.

    Attributes
    ----------
    metrics : tuple of str
        Metrics, in the order asked for.
    groups : tuple of str
        "overall" first, then every group, also the empty ones.
    value, numerator, denominator, lower, upper : ndarray of float
        One element per row; NaN where undefined (`reason` says why) or without interval.
    n : ndarray of int64
        Customers each value rests on.
    reason : ndarray of int8
        Position in the list of reasons, -1 where there is a value.
    periods : tuple of Period
        Days measured.
    as_of : datetime.date
        Last observed day.
    convention : MetricConvention
        What the words mean.
    period_notes : tuple of tuple of str
        Remarks that did not stop a value, by period.
    """

    metrics: tuple[str, ...]
    groups: tuple[str, ...]
    value: FloatArray
    numerator: FloatArray
    denominator: FloatArray
    n: npt.NDArray[np.int64]
    lower: FloatArray
    upper: FloatArray
    reason: npt.NDArray[np.int8]
    periods: tuple[Period, ...]
    as_of: date
    convention: MetricConvention
    period_notes: tuple[tuple[str, ...], ...]

    _what: ClassVar[str] = "values"
    _next_step: ClassVar[str] = '.get("retention_rate")'
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("period", "_period", "_period_names", ordered=True),
        Column(
            "metric",
            lambda t: np.arange(len(t)) // len(t.groups) % len(t.metrics),
            "metrics",
            ordered=True,
        ),
        Column("group", lambda t: np.arange(len(t)) % len(t.groups), "groups", ordered=True),
        *plain("value", "numerator", "denominator", "n", "lower", "upper"),
        Column("reason", categories=REASONS),
    )

    def __len__(self) -> int:
        return len(self.value)

    @property
    def period(self) -> Period:
        """The last period."""
        return self.periods[-1]

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks of all periods, each once."""
        return tuple(dict.fromkeys(note for notes in self.period_notes for note in notes))

    def get(
        self, metric: str, *, group: str = OVERALL, period: Period | None = None
    ) -> MetricValue:
        """Return one value with everything it was made of.

        Parameters
        ----------
        metric, group : str
            One of `metrics`, one of `groups`.
        period : Period, optional
            One of `periods`; by default the last.

        Raises
        ------
        NotComputableError
            If the table has no such metric, group or period.

        Examples
        --------
        >>> from retainkit.datasets import load_cdnow_sample
        >>> from retainkit.metrics import compute_metrics, index_purchases
        >>> table = compute_metrics(index_purchases(load_cdnow_sample(), as_of="1998-06-30"))
        >>> table.get("active_customers").n
        300
        """
        chosen: tuple[tuple[Any, tuple[Any, ...], str], ...] = (
            (metric, self.metrics, "metric"),
            (group, self.groups, "group"),
            (period or self.period, self.periods, "period"),
        )
        for asked, known, what in chosen:
            if asked not in known:
                raise NotComputableError(
                    f"the table has no {what} {str(asked)!r}",
                    rule=f"it has {', '.join(map(str, known))}",
                    where="MetricTable.get",
                    fix=f"compute it, or choose a {what} it has",
                )
        when = self.periods.index(period or self.period)
        row = when * len(self.metrics) + self.metrics.index(metric)
        at = row * len(self.groups) + self.groups.index(group)
        return envelope(
            metric,
            self.cells,
            at,
            period=self.periods[when],
            convention=self.convention,
            notes=self.period_notes[when],
        )

    @property
    def cells(self) -> Cells:
        """The arrays of all rows."""
        return Cells(
            self.value,
            self.numerator,
            self.denominator,
            self.n,
            self.lower,
            self.upper,
            self.reason,
        )

    @property
    def _period(self) -> npt.NDArray[np.int64]:
        return np.arange(len(self)) // (len(self.groups) * len(self.metrics))

    @property
    def _period_names(self) -> list[str]:
        return [str(period) for period in self.periods]

    def summary(self) -> pd.DataFrame:
        """Return the values of the last period side by side.

        One row per metric, one column per group; NaN where there is no value.
        """
        return pd.DataFrame(
            self.value.reshape(len(self.periods), len(self.metrics), len(self.groups))[-1],
            index=pd.Index(self.metrics, name="metric"),
            columns=pd.Index(self.groups, name="group"),
            copy=True,
        )

    def over_time(self, metric: str) -> pd.DataFrame:
        """Return one metric of all periods: one row per period, one column per group.

        NaN where there is no value; NotComputableError if the table has no such metric.
        """
        self.get(metric)
        shape = (len(self.periods), len(self.metrics), len(self.groups))
        return pd.DataFrame(
            self.value.reshape(shape)[:, self.metrics.index(metric), :],
            index=pd.Index([str(period) for period in self.periods], name="period"),
            columns=pd.Index(self.groups, name="group"),
            copy=True,
        )

    def missing(self) -> dict[str, int]:
        """Count the rows without a value by reason.

        Reasons that occur, in the order of the list of reasons.
        """
        counts = np.bincount(self.reason[self.reason != NO_REASON], minlength=len(REASONS))
        return {reason: int(k) for reason, k in zip(REASONS, counts, strict=True) if k}


def read_groups(
    by: pd.Series[Any] | None, customer_id: pd.Index[Any]
) -> tuple[Groups, tuple[str, ...]]:
    """Return each customer's group and the names of all groups, also the empty ones."""
    if by is None:
        return Groups(np.zeros(len(customer_id), dtype=np.int8), 0), ()
    codes, names = _labels(by)
    in_order = len(by) == len(customer_id) and by.index.equals(customer_id)
    codes = codes[:-1] if in_order else codes[_positions(by.index, customer_id)]
    _refuse_taken(names)
    if (codes < 0).any():
        codes = np.where(codes < 0, len(names), codes)
        names = (*names, UNLABELLED)
    return Groups(codes, len(names)), names


def _labels(by: pd.Series[Any]) -> tuple[IntArray, tuple[str, ...]]:
    """Return a code per label and one last -1, which position -1 (no label) picks."""
    if isinstance(by.dtype, pd.CategoricalDtype):
        codes, names = by.cat.codes.to_numpy(), by.cat.categories
    else:
        codes, names = pd.factorize(by, sort=True)
    return np.append(codes, -1).astype(np.int32), tuple(map(str, names))


def _positions(index: pd.Index[Any], customer_id: pd.Index[Any]) -> IntArray:
    """Return the place of each customer's label; -1 for none."""
    index = pd.Index(index.array)  # its hash table goes with it: the caller's index keeps none
    if not index.is_unique:
        twice = index[index.duplicated()]
        raise AlignmentError(
            f"{len(twice):,} customers have more than one label, first {twice[0]!r}",
            rule="one label per customer",
            where="by",
            fix="drop the duplicates of by.index",
        )
    found = index.get_indexer(customer_id)
    if len(index) and len(customer_id) and (found < 0).all():
        raise AlignmentError(
            f"no label belongs to a customer: labels are for {index[0]!r}, customers are "
            f"{customer_id[0]!r}",
            rule="by is indexed by customer_id, in the type the transactions have",
            where="by.index",
            fix="pd.Series(labels, index=customer_id)",
        )
    return np.asarray(found)


def _refuse_taken(names: tuple[str, ...]) -> None:
    """Raise if names clash with each other or with reserved ones."""
    taken = sorted({OVERALL, UNLABELLED} & set(names))
    if taken or len(set(names)) < len(names):
        raise SchemaError(
            f"group names are not usable: {list(names)[:8]}",
            rule=f"names differ as text and are not {OVERALL!r} or {UNLABELLED!r}",
            where="by",
            fix="rename the labels",
        )
