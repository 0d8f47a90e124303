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

from retainkit._core.intervals import Interval
from retainkit.metrics._bases import CustomerBase
from retainkit.metrics._bucket import LeakyBucket, leaky_bucket
from retainkit.metrics._catalog import METRIC_DEFINITIONS, MetricDefinition
from retainkit.metrics._cohort_build import build_cohorts, customers_in_cell, follow_cohorts
from retainkit.metrics._cohorts import CohortTable
from retainkit.metrics._compare import (
    MetricComparison,
    bootstrap_interval,
    compare_groups,
    compare_periods,
)
from retainkit.metrics._compute import compute_metrics, tabulate_metrics
from retainkit.metrics._concentration import gini, headcount_for_share, hhi, top_share
from retainkit.metrics._contracts import ContractIndex, index_contracts
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._counts import active_customers, new_customers, returning_customers
from retainkit.metrics._economics import (
    Attempts,
    EconomicParameter,
    EconomicsTable,
    estimate_economics,
)
from retainkit.metrics._explanation import Explanation, explain
from retainkit.metrics._intervals import jeffreys_interval, wilson_interval
from retainkit.metrics._loyalty import health_score, net_promoter_score, resurrection_latency
from retainkit.metrics._money import (
    average_order_value,
    average_revenue_per_customer,
    gross_revenue_retention,
    net_revenue_retention,
    purchases_per_customer,
)
from retainkit.metrics._movement_table import MovementTable
from retainkit.metrics._movements import revenue_movements
from retainkit.metrics._multiples import (
    expected_lifetime,
    margin_multiple,
    retention_elasticity,
    simple_lifetime_value,
)
from retainkit.metrics._period import Period
from retainkit.metrics._purchases import PurchaseIndex, index_purchases
from retainkit.metrics._rates import (
    churn_rate,
    reactivation_rate,
    repeat_rate,
    retention_rate,
    textbook_retention_rate,
)
from retainkit.metrics._recurring import (
    average_sale_price,
    gross_revenue_churn,
    recurring_revenue,
    recurring_revenue_per_customer,
)
from retainkit.metrics._rescale import rescale_metric, rescale_rate, rescale_retention
from retainkit.metrics._spells import as_contracts
from retainkit.metrics._survival import RetentionCurve, retention_curve, retention_curve_of
from retainkit.metrics._table import MetricTable
from retainkit.metrics._uplift import (
    incremental_rate,
    return_on_customer_data,
    save_rate,
    win_back_rate,
)
from retainkit.metrics._value import MetricValue, Reason
from retainkit.metrics._wallet import (
    allocate_wallet,
    mean_share_of_wallet,
    share_of_wallet,
    wallet_allocation_rule,
    wallet_rule_applies,
)

__all__ = [
    "METRIC_DEFINITIONS",
    "Attempts",
    "CohortTable",
    "ContractIndex",
    "CustomerBase",
    "EconomicParameter",
    "EconomicsTable",
    "Explanation",
    "Interval",
    "LeakyBucket",
    "MetricComparison",
    "MetricConvention",
    "MetricDefinition",
    "MetricTable",
    "MetricValue",
    "MovementTable",
    "Period",
    "PurchaseIndex",
    "Reason",
    "RetentionCurve",
    "active_customers",
    "allocate_wallet",
    "as_contracts",
    "average_order_value",
    "average_revenue_per_customer",
    "average_sale_price",
    "bootstrap_interval",
    "build_cohorts",
    "churn_rate",
    "compare_groups",
    "compare_periods",
    "compute_metrics",
    "customers_in_cell",
    "estimate_economics",
    "expected_lifetime",
    "explain",
    "follow_cohorts",
    "gini",
    "gross_revenue_churn",
    "gross_revenue_retention",
    "headcount_for_share",
    "health_score",
    "hhi",
    "incremental_rate",
    "index_contracts",
    "index_purchases",
    "jeffreys_interval",
    "leaky_bucket",
    "margin_multiple",
    "mean_share_of_wallet",
    "net_promoter_score",
    "net_revenue_retention",
    "new_customers",
    "purchases_per_customer",
    "reactivation_rate",
    "recurring_revenue",
    "recurring_revenue_per_customer",
    "repeat_rate",
    "rescale_metric",
    "rescale_rate",
    "rescale_retention",
    "resurrection_latency",
    "retention_curve",
    "retention_curve_of",
    "retention_elasticity",
    "retention_rate",
    "return_on_customer_data",
    "returning_customers",
    "revenue_movements",
    "save_rate",
    "share_of_wallet",
    "simple_lifetime_value",
    "tabulate_metrics",
    "textbook_retention_rate",
    "top_share",
    "wallet_allocation_rule",
    "wallet_rule_applies",
    "wilson_interval",
    "win_back_rate",
]
