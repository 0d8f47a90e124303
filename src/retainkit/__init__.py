"""retainkit: turn a firm's raw customer records into governed decisions.

`import retainkit as rk` is cheap and changes nothing: a room is loaded when one of its names is
first used. The names used every day are found here; each room has the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retainkit import (
        churn as churn,
    )
    from retainkit import (
        datasets as datasets,
    )
    from retainkit import (
        engines as engines,
    )
    from retainkit import (
        errors as errors,
    )
    from retainkit import (
        lifetime as lifetime,
    )
    from retainkit import (
        metrics as metrics,
    )
    from retainkit import (
        pipeline as pipeline,
    )
    from retainkit import (
        policy as policy,
    )
    from retainkit import (
        report as report,
    )
    from retainkit import (
        scorecard as scorecard,
    )
    from retainkit import (
        simulate as simulate,
    )
    from retainkit import (
        tables as tables,
    )
    from retainkit import (
        tiers as tiers,
    )
    from retainkit import (
        typing as typing,
    )
    from retainkit import (
        value as value,
    )
    from retainkit.churn import (
        CauseCatalog as CauseCatalog,
    )
    from retainkit.churn import (
        ChurnCause as ChurnCause,
    )
    from retainkit.churn import (
        attribute_causes as attribute_causes,
    )
    from retainkit.churn import (
        detect_churn as detect_churn,
    )
    from retainkit.churn import (
        detect_contract_churn as detect_contract_churn,
    )
    from retainkit.churn import (
        summarize_causes as summarize_causes,
    )
    from retainkit.datasets import (
        load_cdnow_sample as load_cdnow_sample,
    )
    from retainkit.datasets import (
        load_donations as load_donations,
    )
    from retainkit.errors import (
        RetainkitError as RetainkitError,
    )
    from retainkit.errors import (
        RetainkitWarning as RetainkitWarning,
    )
    from retainkit.lifetime import (
        GammaGammaModel as GammaGammaModel,
    )
    from retainkit.lifetime import (
        MbgNbdModel as MbgNbdModel,
    )
    from retainkit.lifetime import (
        PurchaseHistories as PurchaseHistories,
    )
    from retainkit.lifetime import (
        fit_gamma_gamma as fit_gamma_gamma,
    )
    from retainkit.lifetime import (
        fit_mbg_nbd as fit_mbg_nbd,
    )
    from retainkit.lifetime import (
        from_lifetimes as from_lifetimes,
    )
    from retainkit.lifetime import (
        to_lifetimes as to_lifetimes,
    )
    from retainkit.metrics import (
        MetricConvention as MetricConvention,
    )
    from retainkit.metrics import (
        MetricValue as MetricValue,
    )
    from retainkit.metrics import (
        Period as Period,
    )
    from retainkit.metrics import (
        build_cohorts as build_cohorts,
    )
    from retainkit.metrics import (
        churn_rate as churn_rate,
    )
    from retainkit.metrics import (
        compute_metrics as compute_metrics,
    )
    from retainkit.metrics import (
        index_contracts as index_contracts,
    )
    from retainkit.metrics import (
        index_purchases as index_purchases,
    )
    from retainkit.metrics import (
        repeat_rate as repeat_rate,
    )
    from retainkit.metrics import (
        retention_rate as retention_rate,
    )
    from retainkit.pipeline import (
        CustomerFacts as CustomerFacts,
    )
    from retainkit.pipeline import (
        FittedPipeline as FittedPipeline,
    )
    from retainkit.pipeline import (
        PipelineConfig as PipelineConfig,
    )
    from retainkit.pipeline import (
        ResultDocument as ResultDocument,
    )
    from retainkit.pipeline import (
        RetentionPipeline as RetentionPipeline,
    )
    from retainkit.pipeline import (
        RetentionResult as RetentionResult,
    )
    from retainkit.pipeline import (
        TableRules as TableRules,
    )
    from retainkit.pipeline import (
        fit_pipeline as fit_pipeline,
    )
    from retainkit.pipeline import (
        read_customer_facts as read_customer_facts,
    )
    from retainkit.policy import (
        MeasureCatalog as MeasureCatalog,
    )
    from retainkit.policy import (
        PolicyConfig as PolicyConfig,
    )
    from retainkit.policy import (
        PolicyMeasure as PolicyMeasure,
    )
    from retainkit.policy import (
        Stance as Stance,
    )
    from retainkit.policy import (
        assess_potential as assess_potential,
    )
    from retainkit.policy import (
        decide_actions as decide_actions,
    )
    from retainkit.report import (
        write_report as write_report,
    )
    from retainkit.scorecard import (
        Measure as Measure,
    )
    from retainkit.scorecard import (
        Scorecard as Scorecard,
    )
    from retainkit.scorecard import (
        build_scorecard as build_scorecard,
    )
    from retainkit.simulate import (
        make_customer_base as make_customer_base,
    )
    from retainkit.tables import (
        ActivityColumns as ActivityColumns,
    )
    from retainkit.tables import (
        ContractColumns as ContractColumns,
    )
    from retainkit.tables import (
        CustomerColumns as CustomerColumns,
    )
    from retainkit.tables import (
        EventColumns as EventColumns,
    )
    from retainkit.tables import (
        Ledger as Ledger,
    )
    from retainkit.tables import (
        SurveyColumns as SurveyColumns,
    )
    from retainkit.tables import (
        TransactionColumns as TransactionColumns,
    )
    from retainkit.tables import (
        TransactionRules as TransactionRules,
    )
    from retainkit.tables import (
        split_valid_transactions as split_valid_transactions,
    )
    from retainkit.tables import (
        validate_transactions as validate_transactions,
    )
    from retainkit.tiers import (
        TierScheme as TierScheme,
    )
    from retainkit.tiers import (
        TierSchemeConfig as TierSchemeConfig,
    )
    from retainkit.tiers import (
        assess_standing as assess_standing,
    )
    from retainkit.tiers import (
        assign_tiers as assign_tiers,
    )
    from retainkit.tiers import (
        fit_tier_scheme as fit_tier_scheme,
    )
    from retainkit.tiers import (
        lifecycle_stage as lifecycle_stage,
    )
    from retainkit.tiers import (
        tier_pyramid as tier_pyramid,
    )
    from retainkit.tiers import (
        whale_curve as whale_curve,
    )
    from retainkit.value import (
        CustomerSummary as CustomerSummary,
    )
    from retainkit.value import (
        ValueConfig as ValueConfig,
    )
    from retainkit.value import (
        ValueTable as ValueTable,
    )
    from retainkit.value import (
        allocate_costs as allocate_costs,
    )
    from retainkit.value import (
        expected_lifetime_value as expected_lifetime_value,
    )
    from retainkit.value import (
        fit_rfm_scheme as fit_rfm_scheme,
    )
    from retainkit.value import (
        fit_value_scheme as fit_value_scheme,
    )
    from retainkit.value import (
        score_rfm as score_rfm,
    )
    from retainkit.value import (
        score_value as score_value,
    )
    from retainkit.value import (
        summarize_customer as summarize_customer,
    )
    from retainkit.value import (
        summarize_customers as summarize_customers,
    )

__version__ = "0.1.0"

_ROOMS = (
    "churn",
    "datasets",
    "engines",
    "errors",
    "lifetime",
    "metrics",
    "pipeline",
    "policy",
    "report",
    "scorecard",
    "simulate",
    "tables",
    "tiers",
    "typing",
    "value",
)

_HOME = {
    "ActivityColumns": "tables",
    "CauseCatalog": "churn",
    "ChurnCause": "churn",
    "ContractColumns": "tables",
    "CustomerColumns": "tables",
    "CustomerFacts": "pipeline",
    "CustomerSummary": "value",
    "EventColumns": "tables",
    "FittedPipeline": "pipeline",
    "GammaGammaModel": "lifetime",
    "Ledger": "tables",
    "MbgNbdModel": "lifetime",
    "Measure": "scorecard",
    "MeasureCatalog": "policy",
    "MetricConvention": "metrics",
    "MetricValue": "metrics",
    "Period": "metrics",
    "PipelineConfig": "pipeline",
    "PolicyConfig": "policy",
    "PolicyMeasure": "policy",
    "PurchaseHistories": "lifetime",
    "ResultDocument": "pipeline",
    "RetainkitError": "errors",
    "RetainkitWarning": "errors",
    "RetentionPipeline": "pipeline",
    "RetentionResult": "pipeline",
    "Scorecard": "scorecard",
    "Stance": "policy",
    "SurveyColumns": "tables",
    "TableRules": "pipeline",
    "TierScheme": "tiers",
    "TierSchemeConfig": "tiers",
    "TransactionColumns": "tables",
    "TransactionRules": "tables",
    "ValueConfig": "value",
    "ValueTable": "value",
    "allocate_costs": "value",
    "assess_potential": "policy",
    "assess_standing": "tiers",
    "assign_tiers": "tiers",
    "attribute_causes": "churn",
    "build_cohorts": "metrics",
    "build_scorecard": "scorecard",
    "churn_rate": "metrics",
    "compute_metrics": "metrics",
    "decide_actions": "policy",
    "detect_churn": "churn",
    "detect_contract_churn": "churn",
    "expected_lifetime_value": "value",
    "fit_gamma_gamma": "lifetime",
    "fit_mbg_nbd": "lifetime",
    "fit_pipeline": "pipeline",
    "fit_rfm_scheme": "value",
    "fit_tier_scheme": "tiers",
    "fit_value_scheme": "value",
    "from_lifetimes": "lifetime",
    "index_contracts": "metrics",
    "index_purchases": "metrics",
    "lifecycle_stage": "tiers",
    "load_cdnow_sample": "datasets",
    "load_donations": "datasets",
    "make_customer_base": "simulate",
    "read_customer_facts": "pipeline",
    "repeat_rate": "metrics",
    "retention_rate": "metrics",
    "score_rfm": "value",
    "score_value": "value",
    "split_valid_transactions": "tables",
    "summarize_causes": "churn",
    "summarize_customer": "value",
    "summarize_customers": "value",
    "tier_pyramid": "tiers",
    "to_lifetimes": "lifetime",
    "validate_transactions": "tables",
    "whale_curve": "tiers",
    "write_report": "report",
}

__all__ = [
    "ActivityColumns",
    "CauseCatalog",
    "ChurnCause",
    "ContractColumns",
    "CustomerColumns",
    "CustomerFacts",
    "CustomerSummary",
    "EventColumns",
    "FittedPipeline",
    "GammaGammaModel",
    "Ledger",
    "MbgNbdModel",
    "Measure",
    "MeasureCatalog",
    "MetricConvention",
    "MetricValue",
    "Period",
    "PipelineConfig",
    "PolicyConfig",
    "PolicyMeasure",
    "PurchaseHistories",
    "ResultDocument",
    "RetainkitError",
    "RetainkitWarning",
    "RetentionPipeline",
    "RetentionResult",
    "Scorecard",
    "Stance",
    "SurveyColumns",
    "TableRules",
    "TierScheme",
    "TierSchemeConfig",
    "TransactionColumns",
    "TransactionRules",
    "ValueConfig",
    "ValueTable",
    "__version__",
    "allocate_costs",
    "assess_potential",
    "assess_standing",
    "assign_tiers",
    "attribute_causes",
    "build_cohorts",
    "build_scorecard",
    "churn",
    "churn_rate",
    "compute_metrics",
    "datasets",
    "decide_actions",
    "detect_churn",
    "detect_contract_churn",
    "engines",
    "errors",
    "expected_lifetime_value",
    "fit_gamma_gamma",
    "fit_mbg_nbd",
    "fit_pipeline",
    "fit_rfm_scheme",
    "fit_tier_scheme",
    "fit_value_scheme",
    "from_lifetimes",
    "index_contracts",
    "index_purchases",
    "lifecycle_stage",
    "lifetime",
    "load_cdnow_sample",
    "load_donations",
    "make_customer_base",
    "metrics",
    "pipeline",
    "policy",
    "read_customer_facts",
    "repeat_rate",
    "report",
    "retention_rate",
    "score_rfm",
    "score_value",
    "scorecard",
    "simulate",
    "split_valid_transactions",
    "summarize_causes",
    "summarize_customer",
    "summarize_customers",
    "tables",
    "tier_pyramid",
    "tiers",
    "to_lifetimes",
    "typing",
    "validate_transactions",
    "value",
    "whale_curve",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"retainkit.{name}")
    if name in _HOME:
        return getattr(import_module(f"retainkit.{_HOME[name]}"), name)
    raise AttributeError(f"module 'retainkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
