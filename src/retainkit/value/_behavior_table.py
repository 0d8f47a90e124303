"""BehaviorTable: rhythm, preference and trend of each customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit.typing import FloatArray, TimeUnit
from retainkit.value._behavior_config import BehaviorConfig


class Preference(NamedTuple):
    """Where customers' money goes: over business lines, or over channels.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from retainkit.value import Preference
    >>> one = Preference(pd.Index(["a", "b"]), np.array([1], dtype=np.int32), np.array([0.5]),
    ...                  np.array([np.log(2.0)]))
    >>> one.effective.tolist()
    [2.0]
    """

    labels: pd.Index[Any]
    """The different labels, sorted."""
    top: npt.NDArray[np.int32]
    """Position of the label with most money per customer; -1 where none is known."""
    top_share: FloatArray
    """Share of its money in that label; NaN where none is known."""
    entropy: FloatArray
    """Entropy of spend over labels [nat]: 0 where all money is in one."""

    @property
    def effective(self) -> FloatArray:
        """Effective number of labels, exp(entropy): k labels with equal money count k."""
        return np.exp(self.entropy)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BehaviorTable(ResultTable):
    """How each customer consumes: rhythm, regularity, preference, trend.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers in order of first appearance, as in `summarize_customers`.
    unit : {"day", "week", "month"}
        Scale of the gaps.
    as_of : datetime.date
        Last observed day.
    config : BehaviorConfig
        Windows.
    occasions : numpy.ndarray of int32
        Purchase occasions.
    mean_gap, median_gap, last_gap : numpy.ndarray of float64
        Completed times between successive occasions [unit]; NaN with fewer than two occasions.
    gap_variation : numpy.ndarray of float64
        Standard deviation of the gaps over their mean; NaN with fewer than three occasions. 1 is
        a customer who buys at random moments, 0 one who buys like a clock.
    year_spend, recent_spend, earlier_spend : numpy.ndarray of float64
        Net spend of the last 365 days, of the last `trend_days`, and of the `trend_days` before
        them [money].
    spending_trend, trend_low, trend_high : numpy.ndarray of float64
        Relative change of spending from the earlier to the recent window, drawn towards the
        base's, and its interval; NaN where the customer is younger than both windows or bought in
        neither.
    base_trend : float
        Relative change of the base: the season, and what the whole firm does.
    regularity, regularity_error : float
        Shape k of gamma-distributed gaps over the base and its standard error: 1 = random
        moments, above 1 = regular, below 1 = in bursts; NaN where nobody has two gaps.
    lines, channels : Preference or None
        Preference by business line and by channel; None without the column.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.value import summarize_behavior
    >>> summarize_behavior(rk.load_cdnow_sample(), as_of="1998-06-30")
    <BehaviorTable: 2,357 customers; next: lifecycle_stage(..., last_gap=behavior.last_gap)>
    """

    customer_id: pd.Index[Any]
    unit: TimeUnit
    as_of: date
    config: BehaviorConfig
    occasions: npt.NDArray[np.int32]
    mean_gap: FloatArray
    median_gap: FloatArray
    last_gap: FloatArray
    gap_variation: FloatArray
    year_spend: FloatArray
    recent_spend: FloatArray
    earlier_spend: FloatArray
    spending_trend: FloatArray
    trend_low: FloatArray
    trend_high: FloatArray
    base_trend: float
    regularity: float
    regularity_error: float
    lines: Preference | None = None
    channels: Preference | None = None

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "lifecycle_stage(..., last_gap=behavior.last_gap)"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id", "occasions", "mean_gap", "median_gap", "last_gap", "gap_variation"),
        *plain("year_spend", "recent_spend", "earlier_spend"),
        *plain("spending_trend", "trend_low", "trend_high"),
        Column("top_line", "lines.top", "lines.labels"),
        Column("top_line_share", "lines.top_share"),
        Column("effective_lines", "lines.effective"),
        Column("top_channel", "channels.top", "channels.labels"),
        Column("top_channel_share", "channels.top_share"),
        Column("effective_channels", "channels.effective"),
    )
    _columns: ClassVar[tuple[str, ...]] = (
        *("occasions", "mean_gap", "median_gap", "last_gap", "gap_variation"),
        *("year_spend", "recent_spend", "earlier_spend"),
        *("spending_trend", "trend_low", "trend_high"),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def trend_beyond_base(self) -> FloatArray:
        """Relative change of spending beyond that of the base: free of the common season."""
        return (1.0 + self.spending_trend) / (1.0 + self.base_trend) - 1.0

    def summary(self) -> pd.DataFrame:
        """Return the rhythm of the base: one row per fact.

        Returns
        -------
        pandas.DataFrame
            Index `fact`, column `value`; NaN where nobody has the fact.
        """
        facts = {
            "customers": float(len(self)),
            "customers with a rhythm": float(np.count_nonzero(~np.isnan(self.mean_gap))),
            f"median of median gaps [{self.unit}]": _median(self.median_gap),
            "regularity k": self.regularity,
            "standard error of k": self.regularity_error,
            "customers with a trend": float(np.count_nonzero(~np.isnan(self.spending_trend))),
            "trend of the base": self.base_trend,
            "surely rising": float(np.count_nonzero(self.trend_low > 0)),
            "surely falling": float(np.count_nonzero(self.trend_high < 0)),
        }
        return pd.DataFrame({"value": facts}).rename_axis("fact")


def _median(values: FloatArray) -> float:
    """Return the median of what is known; NaN where nothing is."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else float("nan")
