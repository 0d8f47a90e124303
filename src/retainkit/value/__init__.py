"""What a customer is worth: summary, four criteria, profit, RFM, lifetime value.

`summarize_customers` turns transactions into one row per customer; everything else reads that
summary. `fit_*` learns a small scheme from a base, `score_*` applies it row by row.
"""

from retainkit.value._config import BehaviorConfig, CriterionConfig, RfmConfig, ValueConfig
from retainkit.value._costs import (
    CostDriver,
    CostPool,
    CostTable,
    TracedCosts,
    allocate_costs,
    trace_costs,
)
from retainkit.value._lifetime_value import expected_contract_value, expected_lifetime_value
from retainkit.value._profit import (
    LOSS_REASONS,
    MarginModel,
    decompose_profit,
    fit_margin,
    margin_rates,
    net_margin_rates,
)
from retainkit.value._summarize import summarize_customer, summarize_customers
from retainkit.value._summary import CustomerSummary
from retainkit.value.behavior._bases import BasesConfig, SegmentBases, segment_bases
from retainkit.value.behavior._behavior import BehaviorTable, summarize_behavior
from retainkit.value.behavior._potential import (
    FuturePotential,
    WalletTable,
    compose_potential,
    measure_wallet,
)
from retainkit.value.criteria._rfm import RfmScheme, RfmTable, fit_rfm_scheme, score_rfm
from retainkit.value.criteria._score import ValueScheme, ValueTable, fit_value_scheme, score_value
from retainkit.value.criteria._weights import entropy_weights, judge_weights

__all__ = [
    "LOSS_REASONS",
    "BasesConfig",
    "BehaviorConfig",
    "BehaviorTable",
    "CostDriver",
    "CostPool",
    "CostTable",
    "CriterionConfig",
    "CustomerSummary",
    "FuturePotential",
    "MarginModel",
    "RfmConfig",
    "RfmScheme",
    "RfmTable",
    "SegmentBases",
    "TracedCosts",
    "ValueConfig",
    "ValueScheme",
    "ValueTable",
    "WalletTable",
    "allocate_costs",
    "compose_potential",
    "decompose_profit",
    "entropy_weights",
    "expected_contract_value",
    "expected_lifetime_value",
    "fit_margin",
    "fit_rfm_scheme",
    "fit_value_scheme",
    "judge_weights",
    "margin_rates",
    "measure_wallet",
    "net_margin_rates",
    "score_rfm",
    "score_value",
    "segment_bases",
    "summarize_behavior",
    "summarize_customer",
    "summarize_customers",
    "trace_costs",
]
