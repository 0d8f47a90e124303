"""summarize_behavior: how, when and what each customer buys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.kernels.sums import SumGrid, exact_sums
from retainkit._core.result import ResultTable
from retainkit._core.time import DAYS_PER_UNIT, day_number, parse_as_of
from retainkit.typing import AsOf, CollapseUnit, FloatArray, TimeUnit
from retainkit.value._config import BehaviorConfig
from retainkit.value._kernel import Int32Array, collapse_days
from retainkit.value._summarize import customer_codes, money_column, observed_days, pick_column
from retainkit.value.behavior._kernel_behavior import (
    IntArray,
    PreferenceArrays,
    customer_blocks,
    gap_arrays,
    preferences,
    regularity,
    trend_of,
)


class Preference(NamedTuple):
    """Where customers' money goes: over business lines, or over channels."""

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


_YEAR = 365


class _Rows(NamedTuple):
    """Rows of customers 0..n-1 and what all of them share."""

    codes: Int32Array
    days: Int32Array
    amounts: FloatArray
    lines: IntArray | None
    channels: IntArray | None
    n: int
    today: int
    grid: SumGrid
    """On which all money is summed, so that blocks of customers make no difference."""

    def take(self, customers: slice, rows: Any) -> _Rows:
        """Return the rows of some customers, coded anew from 0."""
        return self._replace(
            codes=self.codes[rows] - np.int32(customers.start),
            days=self.days[rows],
            amounts=self.amounts[rows],
            lines=None if self.lines is None else self.lines[rows],
            channels=None if self.channels is None else self.channels[rows],
            n=customers.stop - customers.start,
        )


def summarize_behavior(
    transactions: pd.DataFrame,
    *,
    as_of: AsOf,
    unit: TimeUnit = "week",
    collapse: CollapseUnit = "day",
    config: BehaviorConfig | None = None,
) -> BehaviorTable:
    """Describe how each customer consumes: rhythm, regularity, preference and trend.

    Parameters
    ----------
    transactions : pandas.DataFrame
        Valid transactions: `customer_id`, `timestamp`, `amount` [money]; `business_line` and
        `channel` where there are any.
    as_of : str, date or datetime
        Last observed day, inclusive; later rows are left out.
    unit : {"day", "week", "month"}, default "week"
        Scale of the gaps.
    collapse : {"day", "week", "month"}, default "day"
        Calendar unit within which purchases count once, as in `summarize_customers`.
    config : BehaviorConfig, optional
        Length of the windows of the trend.

    Returns
    -------
    BehaviorTable
        Customers in order of first appearance, the order of `summarize_customers`.

    Raises
    ------
    SchemaError
        If a column is missing, of the wrong type, or holds undefined values.
    AsOfError
        If all rows lie after `as_of`.

    Notes
    -----
    Gaps are the *completed* times between occasions: the silence up to `as_of` is not one. The
    regularity of the base is Wheat and Morrison's: with g1, g2 the last two gaps of a customer,
    g1 / (g1 + g2) has variance 1 / (4 (2 k + 1)) around 1/2, whatever the customer's rate.

    The trend compares net spend of two windows of equal length: with s the recent share of both,
    it is s / (1 - s) - 1. A customer's own share is drawn towards the base's, (n s + k S) /
    (n + k), with n the number of equal purchases that say as much as its own (total squared over
    sum of squares) and k learnt from how much customers differ: one purchase more is no doubling.

    References
    ----------
    Wheat, R. D. & Morrison, D. G. (1990). Estimating purchase regularity with two interpurchase
    times. Journal of Marketing Research 27(1), 87-93: equation 5.
    Platzer, M. & Reutterer, T. (2016). Ticking away the moments. Marketing Science 35(5), 779-799.
    Bühlmann, H. & Gisler, A. (2005). A Course in Credibility Theory. Springer: section 4.2.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import summarize_behavior
    >>> rows = pd.DataFrame({
    ...     "customer_id": "ann", "amount": [10.0, 20.0, 30.0], "business_line": ["a", "b", "b"],
    ...     "timestamp": pd.to_datetime(["2024-01-01", "2024-01-15", "2024-02-12"])})
    >>> behavior = summarize_behavior(rows, as_of="2024-02-29")
    >>> behavior.mean_gap.tolist(), behavior.last_gap.tolist()
    ([3.0], [4.0])
    >>> behavior.to_frame()[["top_line", "top_line_share"]].round(3).values.tolist()
    [['b', 0.833]]
    """
    config = config or BehaviorConfig()
    last = parse_as_of(as_of)
    days, seen = observed_days(transactions, last)
    codes, customer_id = customer_codes(pick_column(transactions, "customer_id", seen))
    amounts, n = money_column(transactions, "amount", seen), len(customer_id)
    labels, positions = zip(
        *(_labels(transactions, name, seen) for name in ("business_line", "channel")), strict=True
    )
    rows = _Rows(
        codes=codes,
        days=days if seen is None else days[seen],
        amounts=amounts,
        lines=positions[0],
        channels=positions[1],
        n=n,
        today=day_number(last),
        grid=SumGrid.covering(codes, amounts, n, None),
    )
    facts, ratios = _describe(rows, config, collapse)
    for name in ("mean_gap", "median_gap", "last_gap"):
        facts[name] /= DAYS_PER_UNIT[unit]
    k, error = regularity(ratios)
    trend = trend_of(
        facts["recent_spend"], facts["earlier_spend"], facts.pop("squares"), config.trend_level
    )
    lines, channels = (
        Preference(one, *(facts.pop(f"{name}_{fact}") for fact in PreferenceArrays._fields))
        if one is not None
        else None
        for name, one in zip(("lines", "channels"), labels, strict=True)
    )
    return BehaviorTable(
        customer_id=customer_id,
        unit=unit,
        as_of=last,
        config=config,
        spending_trend=trend.change,
        trend_low=trend.low,
        trend_high=trend.high,
        base_trend=trend.base,
        regularity=k,
        regularity_error=error,
        lines=lines,
        channels=channels,
        **facts,
    )


def _labels(
    transactions: pd.DataFrame, name: str, seen: Any
) -> tuple[pd.Index[Any] | None, IntArray | None]:
    """Return the sorted labels of a column and each row's position in them; None without it."""
    if name not in transactions:
        return None, None
    found = pick_column(transactions, name, seen).astype("category")
    # Sorted labels: which of two equal ones is the favourite must not depend on the order of rows.
    labels = pd.Index(sorted(map(str, found.cat.categories)))
    places = labels.get_indexer(pd.Index([str(c) for c in found.cat.categories]))
    # The last one stands for a missing label, of which the code is -1.
    narrow = np.int16 if len(labels) < np.iinfo(np.int16).max else np.int32
    known: IntArray = np.append(places, -1).astype(narrow)
    return labels, known[found.cat.codes.to_numpy()]


def _describe(
    rows: _Rows, config: BehaviorConfig, collapse: CollapseUnit
) -> tuple[dict[str, Any], FloatArray]:
    """Return what is known of each customer for itself, and the ratios of the last two gaps."""
    whole: dict[str, Any] = {}
    ratios = []
    for customers, places in customer_blocks(rows.codes, rows.n):
        part, ratio = _describe_block(rows.take(customers, places), config, collapse)
        ratios.append(ratio)
        for name, column in part.items():
            if name not in whole:
                whole[name] = np.empty(rows.n, dtype=column.dtype)
            whole[name][customers] = column
    return whole, np.concatenate(ratios)


def _describe_block(
    rows: _Rows, config: BehaviorConfig, collapse: CollapseUnit
) -> tuple[dict[str, Any], FloatArray]:
    """Return the same for the customers of one block."""
    bought = rows.amounts >= 0
    gaps = gap_arrays(rows.codes[bought], collapse_days(rows.days[bought], collapse), rows.n)
    year = rows.days > rows.today - _YEAR
    facts: dict[str, Any] = {
        "occasions": gaps.occasions,
        "mean_gap": gaps.mean,
        "median_gap": gaps.median,
        "last_gap": gaps.last,
        "gap_variation": gaps.variation,
        "year_spend": exact_sums(rows.codes[year], rows.amounts[year], rows.n, grid=rows.grid),
    }
    facts |= _windows(rows, config.trend_days)
    for name, positions in (("lines", rows.lines), ("channels", rows.channels)):
        if positions is not None:
            found = preferences(rows.codes, positions, rows.amounts, rows.n, rows.grid)
            facts |= {f"{name}_{fact}": column for fact, column in found._asdict().items()}
    return facts, gaps.ratios


def _windows(rows: _Rows, length: int) -> dict[str, FloatArray]:
    """Return net spend of the two windows, and what says how much they tell of a trend."""
    ago = rows.today - rows.days
    windows = [ago < length, (ago >= length) & (ago < 2 * length)]
    sums, squares = zip(*(_occasions(rows, window) for window in windows), strict=True)
    first = np.full(rows.n, np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(first, rows.codes, rows.days)
    both: FloatArray = squares[0] + squares[1]
    # Widened: nobody's first day minus the largest number would overflow.
    both[rows.today - first.astype(np.int64) < 2 * length - 1] = 0.0
    return {"recent_spend": sums[0], "earlier_spend": sums[1], "squares": both}


def _occasions(rows: _Rows, window: Any) -> tuple[FloatArray, FloatArray]:
    """Return net spend and the sum of squared daily amounts per customer."""
    codes, days = rows.codes[window].astype(np.int64), rows.days[window].astype(np.int64)
    low = int(days.min()) if days.size else 0
    width = int(days.max()) - low + 1 if days.size else 1
    cells, cell = np.unique(codes * width + (days - low), return_inverse=True)
    money = exact_sums(cell, rows.amounts[window], cells.size, grid=rows.grid)
    who = cells // width
    squares: FloatArray = np.zeros(rows.n)
    squares += np.bincount(who, weights=money * money, minlength=rows.n)
    return exact_sums(codes, rows.amounts[window], rows.n, grid=rows.grid), squares
