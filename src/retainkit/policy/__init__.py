"""What to do: potential, stances, measures and guard rails, decided by rules that can be read.

`assess_potential` measures who can rise; `decide_actions` gives every customer one stance
(`Stance`), the rule and reason behind it and the measures allowed, from the `MeasureCatalog`.
Prices and effects of measures are the firm's to supply: until then gains are NaN and say so.
Protected attributes cannot be passed to any function of this room.
"""

from __future__ import annotations

from retainkit.policy._allocate import allocate_budget, budget_frontier
from retainkit.policy._allocation import Allocation
from retainkit.policy._audit import AuditConfig, AuditRow, AuditTable, audit_decisions
from retainkit.policy._campaign import (
    CampaignProfit,
    CampaignTerms,
    expected_maximum_campaign_profit,
    maximum_campaign_profit,
    neslin_profit,
)
from retainkit.policy._circumstances import Circumstances
from retainkit.policy._condition import MeasureCondition
from retainkit.policy._config import (
    AcquisitionRatio,
    Exposure,
    GuardTerms,
    PolicyConfig,
    PotentialConfig,
    RiskBands,
    StanceRule,
)
from retainkit.policy._debt import assign_debt_steps
from retainkit.policy._decide import Situation, decide_actions
from retainkit.policy._decision import Decision
from retainkit.policy._decisions import DecisionTable
from retainkit.policy._economics import Outlook
from retainkit.policy._effects import (
    DRLearner,
    EffectEstimator,
    EffectModel,
    LinearEffects,
    TLearner,
)
from retainkit.policy._evaluate import PolicyEvaluation, compare_policies, evaluate_policy
from retainkit.policy._gains import GainTable, measure_gains
from retainkit.policy._guards import GuardRailResult
from retainkit.policy._holdout import (
    Holdout,
    assign_holdout,
    share_to_hold_out,
    smallest_detectable_effect,
)
from retainkit.policy._limits import AllocationLimit, catalog_limits
from retainkit.policy._measure_catalog import MeasureCatalog
from retainkit.policy._measures import (
    CostModel,
    DebtStep,
    MeasureEffect,
    PolicyMeasure,
    ResourceUse,
)
from retainkit.policy._plan import AnnualPlan, PlanLine, plan_year
from retainkit.policy._plan_config import PlanConfig
from retainkit.policy._plan_goals import Goal, PlanGoals
from retainkit.policy._plan_proof import PlanEvaluation, evaluate_plan
from retainkit.policy._plan_review import Actual, PlanReview, PlanVariance, review_plan
from retainkit.policy._plan_table import ActionPlan
from retainkit.policy._potential import PotentialTable, assess_potential
from retainkit.policy._prices import ActionPrice, EffectSize
from retainkit.policy._recommend import PolicyCandidate, PolicyRecommendation, recommend_policy
from retainkit.policy._response import RankedEffects, ResponseLearner
from retainkit.policy._rise import (
    UpgradeFeatures,
    fit_upgrades,
    next_cuts,
    upgrade_features,
)
from retainkit.policy._rise_check import RiseCheck, RiseModel
from retainkit.policy._sensitivity import plan_sensitivity
from retainkit.policy._stance_table import tabulate_stances
from retainkit.policy._targeting import TargetingCurve, targeting_curve
from retainkit.policy._upgrade import MigrationEffect, compare_upgrades
from retainkit.policy._upgrade_model import CalibrationBin, UpgradeModel, fit_upgrade_model
from retainkit.policy._vocabulary import GuardRail, Stance

__all__ = [
    "AcquisitionRatio",
    "ActionPlan",
    "ActionPrice",
    "Actual",
    "Allocation",
    "AllocationLimit",
    "AnnualPlan",
    "AuditConfig",
    "AuditRow",
    "AuditTable",
    "CalibrationBin",
    "CampaignProfit",
    "CampaignTerms",
    "Circumstances",
    "CostModel",
    "DRLearner",
    "DebtStep",
    "Decision",
    "DecisionTable",
    "EffectEstimator",
    "EffectModel",
    "EffectSize",
    "Exposure",
    "GainTable",
    "Goal",
    "GuardRail",
    "GuardRailResult",
    "GuardTerms",
    "Holdout",
    "LinearEffects",
    "MeasureCatalog",
    "MeasureCondition",
    "MeasureEffect",
    "MigrationEffect",
    "Outlook",
    "PlanConfig",
    "PlanEvaluation",
    "PlanGoals",
    "PlanLine",
    "PlanReview",
    "PlanVariance",
    "PolicyCandidate",
    "PolicyConfig",
    "PolicyEvaluation",
    "PolicyMeasure",
    "PolicyRecommendation",
    "PotentialConfig",
    "PotentialTable",
    "RankedEffects",
    "ResourceUse",
    "ResponseLearner",
    "RiseCheck",
    "RiseModel",
    "RiskBands",
    "Situation",
    "Stance",
    "StanceRule",
    "TLearner",
    "TargetingCurve",
    "UpgradeFeatures",
    "UpgradeModel",
    "allocate_budget",
    "assess_potential",
    "assign_debt_steps",
    "assign_holdout",
    "audit_decisions",
    "budget_frontier",
    "catalog_limits",
    "compare_policies",
    "compare_upgrades",
    "decide_actions",
    "evaluate_plan",
    "evaluate_policy",
    "expected_maximum_campaign_profit",
    "fit_upgrade_model",
    "fit_upgrades",
    "maximum_campaign_profit",
    "measure_gains",
    "neslin_profit",
    "next_cuts",
    "plan_sensitivity",
    "plan_year",
    "recommend_policy",
    "review_plan",
    "share_to_hold_out",
    "smallest_detectable_effect",
    "tabulate_stances",
    "targeting_curve",
    "upgrade_features",
]
