"""Did it work: retention, repeat, reactivation, cohorts and concentration, each with its why.

Published systems disagree on what "retention" means, so every metric takes a `MetricConvention`
and returns a `MetricValue` with numerator, denominator, interval, convention and period - or no
value and the reason. Index the data once, then ask:

>>> from retainkit.datasets import load_cdnow_sample
>>> from retainkit.metrics import Period, index_purchases, retention_rate
>>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
>>> retention_rate(base, period=Period.quarter(1998, 2), window_days=91).n
385
"""

from retainkit.metrics._base import ContractIndex, PurchaseIndex, index_contracts, index_purchases
from retainkit.metrics._compare import compare_groups, compare_periods
from retainkit.metrics._compute import (
    churn_rate,
    compute_metric,
    compute_metrics,
    net_revenue_retention,
    reactivation_rate,
    repeat_rate,
    retention_rate,
)
from retainkit.metrics._concentration import gini, headcount_for_share, hhi, top_share
from retainkit.metrics._convention import (
    METRIC_DEFINITIONS,
    MetricConvention,
    MetricDefinition,
    OwnMetric,
)
from retainkit.metrics._explanation import explain
from retainkit.metrics._period import Period
from retainkit.metrics._table import MetricTable
from retainkit.metrics._value import MetricValue
from retainkit.metrics.cohorts._build import build_cohorts, customers_in_cell
from retainkit.metrics.cohorts._table import CohortTable
from retainkit.metrics.economics._answers import (
    allocate_wallet,
    health_score,
    mean_share_of_wallet,
    net_promoter_score,
    share_of_wallet,
    wallet_allocation_rule,
)
from retainkit.metrics.economics._estimates import Attempts, estimate_economics
from retainkit.metrics.economics._multiples import (
    expected_lifetime,
    margin_multiple,
    rescale_metric,
    rescale_rate,
    rescale_retention,
    retention_elasticity,
    simple_lifetime_value,
)
from retainkit.metrics.economics._survival import (
    RetentionCurve,
    resurrection_latency,
    retention_curve,
)
from retainkit.metrics.economics._uplift import incremental_rate, return_on_customer_data
from retainkit.metrics.movements._bucket import LeakyBucket, leaky_bucket
from retainkit.metrics.movements._movements import revenue_movements
from retainkit.metrics.movements._table import MovementTable

__all__ = [
    "METRIC_DEFINITIONS",
    "Attempts",
    "CohortTable",
    "ContractIndex",
    "LeakyBucket",
    "MetricConvention",
    "MetricDefinition",
    "MetricTable",
    "MetricValue",
    "MovementTable",
    "OwnMetric",
    "Period",
    "PurchaseIndex",
    "RetentionCurve",
    "allocate_wallet",
    "build_cohorts",
    "churn_rate",
    "compare_groups",
    "compare_periods",
    "compute_metric",
    "compute_metrics",
    "customers_in_cell",
    "estimate_economics",
    "expected_lifetime",
    "explain",
    "gini",
    "headcount_for_share",
    "health_score",
    "hhi",
    "incremental_rate",
    "index_contracts",
    "index_purchases",
    "leaky_bucket",
    "margin_multiple",
    "mean_share_of_wallet",
    "net_promoter_score",
    "net_revenue_retention",
    "reactivation_rate",
    "repeat_rate",
    "rescale_metric",
    "rescale_rate",
    "rescale_retention",
    "resurrection_latency",
    "retention_curve",
    "retention_elasticity",
    "retention_rate",
    "return_on_customer_data",
    "revenue_movements",
    "share_of_wallet",
    "simple_lifetime_value",
    "top_share",
    "wallet_allocation_rule",
]
