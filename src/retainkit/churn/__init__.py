"""Who left and why: detection, the taxonomy of causes, attribution from evidence, breakdown.

*Active* loss = the customer decides to go; *passive* loss = the firm ends service, normally after
non-payment. The English trade term "involuntary churn" means payment failure only: it is most of
`passive.non_malicious` and says nothing of retaliation or malice.
"""

from retainkit.churn._config import AttributionConfig, DetectionConfig, StateConfig
from retainkit.churn._contracts import SpellTable, detect_contract_churn, list_contract_spells
from retainkit.churn._detect import (
    ChurnTable,
    RhythmModel,
    choose_threshold,
    detect_churn,
    fit_rhythm,
)
from retainkit.churn._drivers import DriverConfig, RetentionDriverModel, fit_retention_drivers
from retainkit.churn._leaks import LeakConfig, find_leaks
from retainkit.churn._state import StateFacts, StateTable, assign_states
from retainkit.churn._state_scheme import StateCheck, StateScheme, fit_state_scheme
from retainkit.churn.causes._attribution import attribute_causes, compare_sources
from retainkit.churn.causes._breakdown import (
    CauseBreakdown,
    break_down_by_month,
    break_down_causes,
    cause_sensitivity,
    compare_bases,
    cross_causes,
    rank_causes,
    summarize_causes,
)
from retainkit.churn.causes._cause_table import CauseTable
from retainkit.churn.causes._codes import (
    CodeBook,
    default_catalog,
    default_code_books,
    load_code_book,
)
from retainkit.churn.causes._coding import (
    ReasonClassifier,
    TextRule,
    TextRules,
    check_codes,
    code_texts,
    default_text_rules,
)
from retainkit.churn.causes._gather import GatherConfig, gather_evidence
from retainkit.churn.causes._management import (
    ChurnPlan,
    draft_churn_plan,
    find_cause_alerts,
    review_churn_plan,
)
from retainkit.churn.causes._taxonomy import CauseCatalog, ChurnCause
from retainkit.churn.incidence._incidence import (
    compare_incidence,
    cover_incidence,
    cumulative_incidence,
    label_spells,
    share_incidence,
    share_spells,
)
from retainkit.churn.incidence._incidence_table import IncidenceTable
from retainkit.churn.learn._calibration import (
    CalibrationMap,
    assess_calibration,
    assess_causes,
    fit_calibration,
)
from retainkit.churn.learn._learning import CauseModel, CauseModelConfig, fit_cause_model
from retainkit.churn.learn._reliability import (
    EvidenceModel,
    EvidenceModelConfig,
    fit_evidence_model,
)

__all__ = [
    "AttributionConfig",
    "CalibrationMap",
    "CauseBreakdown",
    "CauseCatalog",
    "CauseModel",
    "CauseModelConfig",
    "CauseTable",
    "ChurnCause",
    "ChurnPlan",
    "ChurnTable",
    "CodeBook",
    "DetectionConfig",
    "DriverConfig",
    "EvidenceModel",
    "EvidenceModelConfig",
    "GatherConfig",
    "IncidenceTable",
    "LeakConfig",
    "ReasonClassifier",
    "RetentionDriverModel",
    "RhythmModel",
    "SpellTable",
    "StateCheck",
    "StateConfig",
    "StateFacts",
    "StateScheme",
    "StateTable",
    "TextRule",
    "TextRules",
    "assess_calibration",
    "assess_causes",
    "assign_states",
    "attribute_causes",
    "break_down_by_month",
    "break_down_causes",
    "cause_sensitivity",
    "check_codes",
    "choose_threshold",
    "code_texts",
    "compare_bases",
    "compare_incidence",
    "compare_sources",
    "cover_incidence",
    "cross_causes",
    "cumulative_incidence",
    "default_catalog",
    "default_code_books",
    "default_text_rules",
    "detect_churn",
    "detect_contract_churn",
    "draft_churn_plan",
    "find_cause_alerts",
    "find_leaks",
    "fit_calibration",
    "fit_cause_model",
    "fit_evidence_model",
    "fit_retention_drivers",
    "fit_rhythm",
    "fit_state_scheme",
    "gather_evidence",
    "label_spells",
    "list_contract_spells",
    "load_code_book",
    "rank_causes",
    "review_churn_plan",
    "share_incidence",
    "share_spells",
    "summarize_causes",
]
