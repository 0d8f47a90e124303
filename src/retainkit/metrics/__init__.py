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

from retainkit.metrics._bases import CustomerBase
from retainkit.metrics._catalog import METRIC_DEFINITIONS, MetricDefinition
from retainkit.metrics._cohorts import CohortTable, build_cohorts, follow_cohorts
from retainkit.metrics._compute import compute_metrics, tabulate_metrics
from retainkit.metrics._concentration import gini, headcount_for_share, hhi, top_share
from retainkit.metrics._contract_details import ContractDetails
from retainkit.metrics._contract_rules import read_contracts
from retainkit.metrics._contracts import ContractIndex, index_contracts
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._counts import active_customers, new_customers, returning_customers
from retainkit.metrics._intervals import jeffreys_interval, wilson_interval
from retainkit.metrics._money import (
    average_order_value,
    average_revenue_per_customer,
    gross_revenue_retention,
    net_revenue_retention,
    purchases_per_customer,
)
from retainkit.metrics._movement_table import MovementTable
from retainkit.metrics._movements import revenue_movements
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
from retainkit.metrics._rescale import rescale_rate, rescale_retention
from retainkit.metrics._table import MetricTable
from retainkit.metrics._value import Interval, MetricValue, Reason

__all__ = [
    "METRIC_DEFINITIONS",
    "CohortTable",
    "ContractDetails",
    "ContractIndex",
    "CustomerBase",
    "Interval",
    "MetricConvention",
    "MetricDefinition",
    "MetricTable",
    "MetricValue",
    "MovementTable",
    "Period",
    "PurchaseIndex",
    "Reason",
    "active_customers",
    "average_order_value",
    "average_revenue_per_customer",
    "average_sale_price",
    "build_cohorts",
    "churn_rate",
    "compute_metrics",
    "follow_cohorts",
    "gini",
    "gross_revenue_churn",
    "gross_revenue_retention",
    "headcount_for_share",
    "hhi",
    "index_contracts",
    "index_purchases",
    "jeffreys_interval",
    "net_revenue_retention",
    "new_customers",
    "purchases_per_customer",
    "reactivation_rate",
    "read_contracts",
    "recurring_revenue",
    "recurring_revenue_per_customer",
    "repeat_rate",
    "rescale_rate",
    "rescale_retention",
    "retention_rate",
    "returning_customers",
    "revenue_movements",
    "tabulate_metrics",
    "textbook_retention_rate",
    "top_share",
    "wilson_interval",
]
