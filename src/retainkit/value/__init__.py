"""What a customer is worth: summary, four criteria, profit, RFM, lifetime value.

`summarize_customers` turns transactions into one row per customer; everything else reads that
summary. `fit_*` learns a small scheme from a base, `score_*` applies it row by row.
"""

from retainkit.value._bases import SEGMENT_BASES, BasesConfig, SegmentBases, segment_bases
from retainkit.value._behavior import summarize_behavior
from retainkit.value._behavior_config import BehaviorConfig
from retainkit.value._behavior_table import BehaviorTable, Preference
from retainkit.value._catalog import CRITERION_LABELS, VALUE_REASONS, ValueCriterion
from retainkit.value._config import CriterionConfig, RfmConfig, ValueConfig
from retainkit.value._contract_value import TenureModel, expected_contract_value
from retainkit.value._costs import CostTable, allocate_costs
from retainkit.value._lifetime_value import expected_lifetime_value
from retainkit.value._margin import MarginModel, fit_margin, margin_rates
from retainkit.value._pools import CostDriver, CostPool, TracedCosts, trace_costs
from retainkit.value._potential import FuturePotential, compose_potential
from retainkit.value._profit_gap import (
    LOSS_REASONS,
    PROFIT_CAUSES,
    ProfitGapTable,
    decompose_profit,
)
from retainkit.value._rfm import RfmScheme, RfmTable, fit_rfm_scheme, score_rfm
from retainkit.value._scheme import ValueScheme, fit_value_scheme
from retainkit.value._score import score_value
from retainkit.value._summarize import summarize_customers
from retainkit.value._summarize_one import summarize_customer
from retainkit.value._summary import CustomerSummary
from retainkit.value._value_table import ValueTable
from retainkit.value._wallet import WALLET_REASONS, WalletTable, add_wallet_room, measure_wallet
from retainkit.value._weights import JudgedWeights, entropy_weights, judge_weights

__all__ = [
    "CRITERION_LABELS",
    "LOSS_REASONS",
    "PROFIT_CAUSES",
    "SEGMENT_BASES",
    "VALUE_REASONS",
    "WALLET_REASONS",
    "BasesConfig",
    "BehaviorConfig",
    "BehaviorTable",
    "CostDriver",
    "CostPool",
    "CostTable",
    "CriterionConfig",
    "CustomerSummary",
    "FuturePotential",
    "JudgedWeights",
    "MarginModel",
    "Preference",
    "ProfitGapTable",
    "RfmConfig",
    "RfmScheme",
    "RfmTable",
    "SegmentBases",
    "TenureModel",
    "TracedCosts",
    "ValueConfig",
    "ValueCriterion",
    "ValueScheme",
    "ValueTable",
    "WalletTable",
    "add_wallet_room",
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
    "score_rfm",
    "score_value",
    "segment_bases",
    "summarize_behavior",
    "summarize_customer",
    "summarize_customers",
    "trace_costs",
]
