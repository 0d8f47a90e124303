"""Month by month: metrics, what flows in and leaks out, and the two fronts of a year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from retainkit._pipeline._config import PipelineConfig
from retainkit.metrics import (
    ContractIndex,
    LeakyBucket,
    MetricTable,
    Period,
    PurchaseIndex,
    leaky_bucket,
    tabulate_metrics,
)
from retainkit.scorecard import TwoFronts, compare_fronts

_OF_PURCHASES = (
    *("active_customers", "new_customers", "retention_rate", "churn_rate", "reactivation_rate"),
    *("average_revenue_per_customer", "average_order_value"),
)
_OF_CONTRACTS = (
    *("new_customers", "retention_rate", "churn_rate", "reactivation_rate"),
    *("gross_revenue_retention", "net_revenue_retention", "recurring_revenue"),
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MonthlyFlows:
    """What happened month by month up to the last observed day.

    Parameters
    ----------
    trend : MetricTable
        The main metrics of each complete month.
    bucket : LeakyBucket or None
        Who came and went, and the revenue movements behind it; None where not asked for.
    fronts : TwoFronts or None
        Winning customers beside keeping them, per complete calendar year; None where the bucket
        is, or no year is complete.

    Examples
    --------
    >>> import retainkit as rk
    >>> config = rk.PipelineConfig(flows="all", trend_months=3)
    >>> result = rk.RetentionPipeline(config).run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> result.flows.bucket.summary()[["opening", "new", "reactivation", "lost", "closing"]]
             opening  new  reactivation  lost  closing
    period
    1998-04      385    0            51    58      378
    1998-05      378    0            48    78      348
    1998-06      348    0            53   101      300
    """

    trend: MetricTable
    bucket: LeakyBucket | None = None
    fronts: TwoFronts | None = None


def follow_flows(
    base: PurchaseIndex | ContractIndex, config: PipelineConfig, *, causes: pd.Series[Any] | None
) -> MonthlyFlows | None:
    """Follow the base through the complete months that end by the last observed day."""
    first = base.observed_from
    months = complete_months(first, base.as_of, config.trend_months) if first else ()
    if first is None or not months:
        return None
    is_contract = isinstance(base, ContractIndex)
    names = _OF_CONTRACTS if is_contract else _OF_PURCHASES
    trend = tabulate_metrics(base, metrics=names, periods=months, convention=config.convention)
    if not (config.flows == "all" or (is_contract and config.flows == "contracts")):
        return MonthlyFlows(trend=trend)
    bucket = leaky_bucket(
        base,
        periods=months,
        causes=causes,
        cost_to_win=config.cost_to_win,
        convention=config.convention,
    )
    years = complete_years(first, base.as_of)
    fronts = None
    if years:
        fronts = compare_fronts(base, periods=years, convention=config.convention)
    return MonthlyFlows(trend=trend, bucket=bucket, fronts=fronts)


def complete_months(first: date, last: date, most: int) -> Sequence[Period]:
    """Return the calendar months inside the observed days, at most the latest `most`."""
    after = last + timedelta(days=1)
    end = after.year * 12 + after.month - 1  # the month that begins after the last complete one
    begin = first.year * 12 + first.month - 1 + (first.day > 1)
    chosen = range(max(begin, end - most), end)
    return [Period.month(month // 12, month % 12 + 1) for month in chosen]


def complete_years(first: date, last: date) -> Sequence[Period]:
    """Return the calendar years inside the observed days."""
    after = last + timedelta(days=1)
    begin = first.year + ((first.month, first.day) > (1, 1))
    return [Period.year(year) for year in range(begin, after.year)]
