"""How long customers stay: the product-limit curve and the restricted mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from retainkit._core.columns import Column
from retainkit._core.intervals import Interval
from retainkit._core.kernels.intervals import median_bounds, normal_bounds
from retainkit._core.result import ResultTable
from retainkit._core.time import day_number
from retainkit.metrics._base import ContractIndex, PurchaseIndex, as_contracts
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._engine import settle_base
from retainkit.metrics._period import Period
from retainkit.metrics._snapshot import Snapshot, apply_convention
from retainkit.metrics._value import MetricValue
from retainkit.metrics.economics._kernel_survival import (
    ProductLimit,
    log_log_bounds,
    product_limit,
    restricted_mean,
)
from retainkit.metrics.movements._churn_forms import changes_in
from retainkit.metrics.movements._kernel import find_changes
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RetentionCurve(ResultTable):
    """The share of customers still there after each length of time, censoring respected.

    Attributes
    ----------
    curve : ProductLimit
        Times [day], customers at risk, departures, survival, Greenwood's sum.
    n : int
        Customers.
    level : float
        Coverage of the intervals.
    """

    curve: ProductLimit
    n: int
    level: float

    _what: ClassVar[str] = "times"
    _next_step: ClassVar[str] = ".to_frame() or .mean_lifetime(horizon_days=...)"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("days", "curve.time"),
        Column("at_risk", "curve.at_risk"),
        Column("left", "curve.events"),
        Column("retention", "curve.survival"),
        Column("lower", lambda t: log_log_bounds(t.curve, t.level)[0]),
        Column("upper", lambda t: log_log_bounds(t.curve, t.level)[1]),
    )

    @classmethod
    def from_stays(
        cls, duration: ArrayLike1D, ended: ArrayLike1D, *, level: float = 0.95
    ) -> RetentionCurve:
        """Estimate the curve from stays, some of them not over.

        Parameters
        ----------
        duration : array-like, shape (n,)
            Length of each stay as far as observed [day], none negative.
        ended : array-like of bool, shape (n,)
            Whether the stay is over; otherwise it is censored there.
        level : float, default 0.95
            Coverage of the intervals.

        Returns
        -------
        RetentionCurve
            The product-limit estimate; ties are events before censorings.

        Raises
        ------
        ValueError
            If lengths differ, or a stay is negative or not a number.

        References
        ----------
        Kaplan, E. L. & Meier, P. (1958). Nonparametric estimation from incomplete observations.
        JASA 53, 457-481.

        Examples
        --------
        >>> from retainkit.metrics import RetentionCurve
        >>> curve = RetentionCurve.from_stays([1, 2, 2, 3], [True, True, False, False])
        >>> curve.at([1, 2, 3]).tolist()
        [0.75, 0.5, 0.5]
        """
        stays = np.asarray(duration, dtype=np.float64)
        over = np.asarray(ended, dtype=np.bool_)
        if stays.shape != over.shape or stays.ndim != 1 or not (stays >= 0).all():
            sizes = f"{stays.shape} stays and {over.shape} ends"
            msg = f"{sizes}; one of each per customer, none negative"
            raise ValueError(msg)
        return cls(curve=product_limit(stays, over), n=len(stays), level=level)

    def __len__(self) -> int:
        return len(self.curve.time)

    def summary(self) -> pd.DataFrame:
        """Return customers, departures, the median stay and the longest observed.

        One row; `median_days` is NaN while more than half are still there.
        """
        half = np.flatnonzero(self.curve.survival <= 0.5)
        return pd.DataFrame(
            {
                "customers": [self.n],
                "left": [int(self.curve.events.sum())],
                "median_days": [self.curve.time[half[0]] if len(half) else np.nan],
                "longest_days": [self.curve.time[-1] if len(self) else np.nan],
            }
        )

    def at(self, days: ArrayLike1D) -> FloatArray:
        """Return the retention after some lengths of time [day].

        NaN beyond the last observed time: the curve is not extrapolated.
        """
        asked = np.asarray(days, dtype=np.float64)
        place = np.searchsorted(self.curve.time, asked, side="right") - 1
        steps = np.append(self.curve.survival, 1.0)
        last = self.curve.time[-1] if len(self) else -np.inf
        return np.where(asked <= last, steps[place], np.nan)

    def mean_lifetime(self, *, horizon_days: float) -> MetricValue:
        """Measure the mean stay within a horizon [day]: the area under the curve.

        Unlike 1 / churn it assumes no constant hazard, and it exists while nobody has left.

        Parameters
        ----------
        horizon_days : float
            Horizon [day]; not beyond the longest observed time.

        Returns
        -------
        MetricValue
            Days out of `horizon_days`, with a Greenwood interval (Klein & Moeschberger 2003,
            Survival Analysis, eq. 4.5.2); None with reason `insufficient_history` beyond the
            observed times, `zero_denominator` without customers.

        Examples
        --------
        >>> from retainkit.metrics import RetentionCurve
        >>> curve = RetentionCurve.from_stays([10, 20, 30, 40], [True, False, True, False])
        >>> curve.mean_lifetime(horizon_days=40).value
        28.75
        """
        longest = self.curve.time[-1] if len(self) else 0.0
        if self.n == 0 or horizon_days > longest:
            reason = "zero_denominator" if self.n == 0 else "insufficient_history"
            return MetricValue("mean_lifetime", None, None, None, self.n, reason=reason)  # type: ignore[arg-type]
        area, variance = restricted_mean(self.curve, horizon_days)
        low, high = normal_bounds(area, variance**0.5, self.level)
        return MetricValue(
            name="mean_lifetime",
            value=area,
            numerator=area,
            denominator=None,
            n=self.n,
            interval=Interval(max(low, 0.0), min(high, horizon_days), "greenwood", self.level),
            notes=(f"days within {horizon_days:g} days",),
        )


def retention_curve(
    base: PurchaseIndex | ContractIndex,
    *,
    convention: MetricConvention = DEFAULT_CONVENTION,
    joined_from: str | None = None,
) -> RetentionCurve:
    """Estimate how long customers stay from joining to their first departure.

    Use it instead of average cohort curves when cohorts were observed for unequal times.

    Parameters
    ----------
    base : PurchaseIndex or ContractIndex
        From `index_purchases` or `index_contracts`. Purchase customers leave when they have been
        silent for `window_days`.
    convention : MetricConvention, optional
        When somebody has left; `contracts.grace_days` bridges gaps.
    joined_from : str, optional
        Leave out customers who joined earlier (ISO day).

    Returns
    -------
    RetentionCurve
        Stays that are not over at `as_of` are censored there.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import index_purchases, retention_curve
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> curve = retention_curve(base)
    >>> curve.n
    2357
    """
    duration, ended, first = _stays(base, convention)
    if joined_from is not None:
        late = first >= np.datetime64(joined_from, "D").astype(np.int64)
        duration, ended = duration[late], ended[late]
    return RetentionCurve.from_stays(duration, ended, level=convention.interval_level)


def resurrection_latency(
    base: PurchaseIndex | ContractIndex,
    *,
    period: Period,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> MetricValue:
    """Measure how long those who came back in the period had been gone.

    Parameters
    ----------
    base : PurchaseIndex or ContractIndex
        From `index_purchases` or `index_contracts`. Purchase customers are gone from the end of
        their window, so silence is `window_days` longer.
    period : Period
        Days on which they came back, half-open.
    convention : MetricConvention, optional
        When somebody is gone.

    Returns
    -------
    MetricValue
        Median days between leaving and returning; numerator: sum of the days, denominator:
        returns. The interval of the median rests on order statistics and needs at least six
        returns (at 95 %). None with reason `zero_denominator` when nobody came back.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period, index_contracts, resurrection_latency
    >>> base = index_contracts(pd.DataFrame({
    ...     "customer_id": ["a", "a"], "amount": [70.0, 70.0],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-03-12"]),
    ...     "end": pd.to_datetime(["2026-02-01", None]),
    ... }), as_of="2026-03-31")
    >>> resurrection_latency(base, period=Period.month(2026, 3)).value
    39.0
    """
    if isinstance(base, PurchaseIndex):
        base = as_contracts(base, convention=convention)
    snapshot = Snapshot(settle_base(base, convention), period, convention)
    reason = snapshot.reason(needs_history=False)
    if reason is not None:
        return MetricValue(
            "resurrection_latency", None, None, None, 0, reason=reason, period=period
        )
    changes = changes_in(snapshot)
    turns = changes.take((changes.running_before > 0) != (changes.running_after > 0))
    back = np.flatnonzero(
        (turns.running_before[1:] == 0)
        & (turns.customer[1:] == turns.customer[:-1])
        & (turns.day[1:] >= period.start_day)
    )
    gap = np.sort((turns.day[back + 1] - turns.day[back]).astype(np.float64))
    level = convention.interval_level
    low, high = median_bounds(gap, level)
    known = np.isfinite(low) and convention.interval_method != "none"
    return MetricValue(
        name="resurrection_latency",
        value=float(np.median(gap)) if len(gap) else None,
        numerator=float(gap.sum()),
        denominator=float(len(gap)),
        n=len(np.unique(turns.customer[back])),
        reason=None if len(gap) else "zero_denominator",
        interval=Interval(low, high, "order statistics", level) if known else None,
        convention=convention,
        period=period,
        notes=("the value is the median",),
    )


def _stays(
    base: PurchaseIndex | ContractIndex, convention: MetricConvention
) -> tuple[FloatArray, BoolArray, FloatArray]:
    """Return length, end and first day of each customer's first stay."""
    if isinstance(base, PurchaseIndex):
        base = as_contracts(base, convention=convention)
    seen = apply_convention(base, convention=convention)
    last = day_number(seen.as_of)
    units = np.zeros(len(seen.row_start), dtype=np.int64)
    changes = find_changes(
        seen.row_customer,
        seen.row_start,
        seen.row_end,
        units,
        last_day=last,
        heads=seen.details.makes_active,
    )
    start = np.full(len(seen), np.nan)
    came = changes.running_before == 0
    start[changes.customer[came][::-1]] = changes.day[came][::-1]
    stop = np.full(len(seen), np.nan)
    left = changes.running_after == 0
    stop[changes.customer[left][::-1]] = changes.day[left][::-1]
    known = ~np.isnan(start)
    ended = ~np.isnan(stop)
    duration = np.where(ended, stop, last + 1) - start
    return duration[known], ended[known], start[known]
