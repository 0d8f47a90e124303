"""Differences and ratios between groups, and whether they are more than noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from retainkit._core.columns import Column, taken
from retainkit._core.intervals import Interval
from retainkit._core.kernels.intervals import newcombe_difference, ratio_bounds
from retainkit._core.result import ResultTable
from retainkit.errors import NotComputableError
from retainkit.metrics._concentration import (
    gini,
    headcount_for_share,
    hhi,
    resampled_bounds,
    top_share,
)
from retainkit.metrics._kernel import bounds_of_draws
from retainkit.metrics._table import OVERALL, MetricTable
from retainkit.metrics._value import MetricValue
from retainkit.typing import ArrayLike1D, FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MetricComparison(ResultTable):
    """Each group beside a reference group, or each period beside the one before it.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per period, metric and group; read it through `to_frame`, which copies.
    reference : str
        Group all others are compared with, or "previous period".
    """

    frame: pd.DataFrame
    reference: str

    _what: ClassVar[str] = "comparisons"
    _next_step: ClassVar[str] = ".to_frame() or .summary()"
    _schema: ClassVar[tuple[Column, ...]] = (
        *taken("frame", "period", "metric", "group", "value", "reference_value"),
        *taken("frame", "difference", "difference_lower", "difference_upper"),
        *taken("frame", "ratio", "ratio_lower", "ratio_upper", "within_noise"),
    )

    def __len__(self) -> int:
        return len(self.frame)

    def summary(self) -> pd.DataFrame:
        """Return the comparisons that are more than noise.

        Rows of `to_frame` whose `within_noise` is False.
        """
        beyond = self.frame["within_noise"].eq(False).fillna(False).astype(bool)
        return self.frame[beyond].reset_index(drop=True)


def compare_groups(table: MetricTable, *, reference: str | None = None) -> MetricComparison:
    """Compare every group with a reference group, metric by metric and period by period.

    Parameters
    ----------
    table : MetricTable
        From `compute_metrics` or `compute_metrics` with `by`.
    reference : str, optional
        A group; by default the first one. Not "overall", which contains the others.

    Returns
    -------
    MetricComparison
        Difference, ratio, their intervals, and whether the difference is within noise.

    Raises
    ------
    NotComputableError
        If the table has no groups or no such group.

    Notes
    -----
    Intervals are combined from those of the two groups by square-and-add (MOVER), which keeps
    their asymmetry; for proportions this is Newcombe's method. Groups share no customer, so their
    values are taken as independent.

    References
    ----------
    Newcombe, R. G. (1998). Statistics in Medicine 17, 873-890. Zou, G. Y. & Donner, A. (2008).
    Construction of confidence limits about effect measures. Statistics in Medicine 27, 1693-1702.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import compare_groups, index_purchases, compute_metrics
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> parity = pd.Series(base.customer_id % 2, index=base.customer_id)
    >>> table = compute_metrics(base, by=parity, metrics=["retention_rate", "repeat_rate"])
    >>> compare_groups(table, reference="0").to_frame()[["metric", "group", "within_noise"]]
               metric group  within_noise
    0  retention_rate     1          True
    1     repeat_rate     1          True
    """
    own = tuple(name for name in table.groups if name != OVERALL)
    chosen = reference or (own[0] if own else "")
    if chosen not in own or len(own) < 2:
        raise NotComputableError(
            f"no reference group {chosen!r}",
            rule=f"a reference is one of at least two groups: {', '.join(own) or 'none'}",
            where="compare_groups",
            fix="compute the metrics with by=, and pass one of its labels",
        )
    frame = table.to_frame()
    keys = ["period", "metric"]
    base = frame[frame["group"] == chosen].set_index(keys)[["value", "lower", "upper"]]
    rows = frame[(frame["group"] != chosen) & (frame["group"] != OVERALL)].reset_index(drop=True)
    other = base.loc[list(zip(rows["period"], rows["metric"], strict=True))].to_numpy().T
    one = rows[["value", "lower", "upper"]].to_numpy().T
    result = _beside(rows[["period", "metric", "group", "value"]], one, other)
    return MetricComparison(frame=result, reference=chosen)


def compare_periods(table: MetricTable) -> MetricComparison:
    """Compare every period with the one before it, metric by metric and group by group.

    Parameters
    ----------
    table : MetricTable
        From `compute_metrics` or `compute_metrics` with `periods`.

    Returns
    -------
    MetricComparison
        Change, ratio, their intervals, and whether the change is within noise; the columns are
        those of `compare_groups`, with the period before as the reference.

    Raises
    ------
    NotComputableError
        If the table has fewer than two periods.

    Notes
    -----
    Periods are taken as independent samples. The same customers are in both, and what they do is
    mostly alike in both, so the interval of a change is rather too wide than too narrow.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, compare_periods, compute_metrics, index_purchases
    >>> quarters = [Period.quarter(1998, 1), Period.quarter(1998, 2)]
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> table = compute_metrics(base, periods=quarters,
    ...                         metrics=["active_customers", "retention_rate"])
    >>> compare_periods(table).to_frame()[["period", "metric", "difference"]].round(3)
        period            metric  difference
    0  1998-Q2  active_customers     -84.000
    1  1998-Q2    retention_rate      -0.048
    """
    if len(table.periods) < 2:
        raise NotComputableError(
            f"the table has {len(table.periods)} period",
            rule="a change needs at least two periods",
            where="compare_periods",
            fix="compute the metrics with periods=[Period.month(2026, 1), Period.month(2026, 2)]",
        )
    frame = table.to_frame()
    size = len(table) // len(table.periods)
    rows = frame.iloc[size:].reset_index(drop=True)
    columns = ["value", "lower", "upper"]
    before = frame.iloc[:-size][columns].to_numpy().T
    own = rows[["period", "metric", "group", "value"]]
    result = _beside(own, rows[columns].to_numpy().T, before)
    return MetricComparison(frame=result, reference="previous period")


def _beside(rows: pd.DataFrame, one: FloatArray, other: FloatArray) -> pd.DataFrame:
    """Return rows with their difference from and ratio to others: value, lower, upper of both."""
    lower, upper = newcombe_difference(one[0], (one[1], one[2]), other[0], (other[1], other[2]))
    ratio_low, ratio_high = ratio_bounds(one[0], (one[1], one[2]), other[0], (other[1], other[2]))
    known = np.isfinite(lower) & np.isfinite(upper)
    noise = pd.array(((lower <= 0.0) & (upper >= 0.0)).tolist(), dtype="boolean")
    noise[~known] = pd.NA
    divisible = np.nan_to_num(other[0]) != 0
    return rows.assign(
        reference_value=other[0],
        difference=one[0] - other[0],
        difference_lower=lower,
        difference_upper=upper,
        ratio=np.divide(one[0], other[0], out=np.full(len(rows), np.nan), where=divisible),
        ratio_lower=ratio_low,
        ratio_upper=ratio_high,
        within_noise=noise,
    )


def bootstrap_interval(
    metric: Callable[[ArrayLike1D], MetricValue],
    value: ArrayLike1D,
    *,
    seed: int,
    resamples: int = 999,
    level: float = 0.95,
) -> MetricValue:
    """Add a percentile bootstrap interval to a metric of values that has no closed form.

    `metric` is called with one array per sample; the four of concentration are resampled as counts
    of like values instead. Without interval where too many samples have no value (Efron, B. &
    Tibshirani, R. (1993). An introduction to the bootstrap, ch. 13).
    """
    values = np.asarray(value, dtype=np.float64)
    found = metric(values)
    if found.value is None:
        return found
    if metric in (gini, hhi, top_share, headcount_for_share):
        known_values = np.sort(values[~np.isnan(values)])
        lower, upper = resampled_bounds(
            found.name, known_values, found.value, seed=seed, resamples=resamples, level=level
        )
    else:
        rng = np.random.default_rng(seed)
        drawn = [
            metric(values[rng.integers(0, len(values), len(values))]).value
            for _ in range(resamples)
        ]
        lower, upper = bounds_of_draws(np.array(drawn, dtype=np.float64), level)
    if np.isnan(lower):
        return found
    return found._replace(interval=Interval(lower, upper, "bootstrap", level))
