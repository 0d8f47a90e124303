"""summarize_behavior: rhythm, preference and trend in one pass over the transactions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from retainkit._internal._kernel_sums import exact_sums
from retainkit._internal.time import DAYS_PER_UNIT, day_number, parse_as_of
from retainkit.typing import AsOf, CollapseUnit, FloatArray, TimeUnit
from retainkit.value._behavior_config import BehaviorConfig
from retainkit.value._behavior_table import BehaviorTable, Preference
from retainkit.value._kernel_behavior import (
    TrendArrays,
    gap_arrays,
    preferences,
    regularity,
    trend_of,
)
from retainkit.value._kernel_summary import Int32Array, collapse_days
from retainkit.value._summarize import customer_codes, money_column, observed_days, pick_column

_YEAR = 365


class _Rows(NamedTuple):
    codes: Int32Array
    days: Int32Array
    amounts: FloatArray
    n: int
    today: int


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
    rows = _Rows(
        codes=codes,
        days=days if seen is None else days[seen],
        amounts=money_column(transactions, "amount", seen),
        n=len(customer_id),
        today=day_number(last),
    )
    bought = rows.amounts >= 0
    gaps = gap_arrays(codes[bought], collapse_days(rows.days[bought], collapse), rows.n)
    scale = DAYS_PER_UNIT[unit]
    k, error = regularity(gaps.ratios)
    recent, earlier, trend = _trend(rows, config)
    year = rows.days > rows.today - _YEAR
    lines, channels = (
        _preference(pick_column(transactions, name, seen), rows) if name in transactions else None
        for name in ("business_line", "channel")
    )
    return BehaviorTable(
        customer_id=customer_id,
        unit=unit,
        as_of=last,
        config=config,
        occasions=gaps.occasions,
        mean_gap=gaps.mean / scale,
        median_gap=gaps.median / scale,
        last_gap=gaps.last / scale,
        gap_variation=gaps.variation,
        year_spend=exact_sums(codes[year], rows.amounts[year], rows.n),
        recent_spend=recent,
        earlier_spend=earlier,
        spending_trend=trend.change,
        trend_low=trend.low,
        trend_high=trend.high,
        base_trend=trend.base,
        regularity=k,
        regularity_error=error,
        lines=lines,
        channels=channels,
    )


def _preference(column: pd.Series[Any], rows: _Rows) -> Preference:
    found = column.astype("category")
    # Sorted labels: which of two equal ones is the favourite must not depend on the order of rows.
    labels = pd.Index(sorted(map(str, found.cat.categories)))
    texts = found.cat.rename_categories([str(c) for c in found.cat.categories])
    positions = texts.cat.set_categories(labels).cat.codes.to_numpy().astype(np.int64)
    facts = preferences(rows.codes, positions, rows.amounts, rows.n)
    return Preference(labels, facts.top, facts.top_share, facts.entropy)


def _trend(rows: _Rows, config: BehaviorConfig) -> tuple[FloatArray, FloatArray, TrendArrays]:
    ago = rows.today - rows.days
    length = config.trend_days
    windows = [ago < length, (ago >= length) & (ago < 2 * length)]
    sums, squares = zip(*(_occasions(rows, window) for window in windows), strict=True)
    first = np.full(rows.n, np.iinfo(np.int64).max)
    np.minimum.at(first, rows.codes, rows.days.astype(np.int64))
    known = rows.today - first >= 2 * length - 1
    both = squares[0] + squares[1]
    both[~known] = 0.0
    return sums[0], sums[1], trend_of(sums[0], sums[1], both, config.trend_level)


def _occasions(rows: _Rows, window: Any) -> tuple[FloatArray, FloatArray]:
    """Return net spend and the sum of squared daily amounts per customer."""
    codes, days = rows.codes[window].astype(np.int64), rows.days[window].astype(np.int64)
    low = int(days.min()) if days.size else 0
    width = int(days.max()) - low + 1 if days.size else 1
    cells, cell = np.unique(codes * width + (days - low), return_inverse=True)
    money = exact_sums(cell, rows.amounts[window], cells.size)
    who = cells // width
    squares: FloatArray = np.zeros(rows.n)
    squares += np.bincount(who, weights=money * money, minlength=rows.n)
    return exact_sums(codes, rows.amounts[window], rows.n), squares
