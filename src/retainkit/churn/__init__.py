"""Who left and why: detection, the taxonomy of causes, attribution from evidence, breakdown.

*Active* loss = the customer decides to go; *passive* loss = the firm ends service, normally after
non-payment. The English trade term "involuntary churn" means payment failure only: it is most of
`passive.non_malicious` and says nothing of retaliation or malice.
"""

from retainkit.churn._agreement import Agreement, measure_agreement
from retainkit.churn._attribution import attribute_causes
from retainkit.churn._bands import cover_incidence
from retainkit.churn._breakdown import (
    CauseBreakdown,
    break_down_by_month,
    break_down_causes,
    summarize_causes,
)
from retainkit.churn._calibration import (
    CalibrationMap,
    CalibrationTable,
    assess_calibration,
    assess_causes,
    fit_calibration,
)
from retainkit.churn._catalog import (
    BUILT_IN_CODE_BOOKS,
    default_catalog,
    default_code_books,
    load_code_book,
)
from retainkit.churn._cause_table import CauseTable, EvidenceTable
from retainkit.churn._causes import (
    AttributionRule,
    Branch,
    ChurnCause,
    EventKind,
    EvidenceSource,
    EvidenceStatus,
    Initiator,
    Mechanism,
    Signal,
)
from retainkit.churn._churn_table import ChurnReason, ChurnTable
from retainkit.churn._codes import CodeBook, CodeEntry
from retainkit.churn._config import (
    AttributionConfig,
    DetectionConfig,
    SourceWeights,
    StateConfig,
)
from retainkit.churn._conflicts import SourceConflicts, compare_sources
from retainkit.churn._contracts import detect_contract_churn, list_contract_spells
from retainkit.churn._coverage import CodeCoverage, check_codes
from retainkit.churn._cross import (
    cause_sensitivity,
    compare_bases,
    cross_causes,
    default_alternatives,
    rank_causes,
)
from retainkit.churn._detection import detect_churn
from retainkit.churn._drivers import DriverConfig, InteractionTest, RetentionDriverModel
from retainkit.churn._fit_drivers import fit_retention_drivers
from retainkit.churn._fit_reliability import fit_evidence_model
from retainkit.churn._gather import GatherConfig, gather_evidence
from retainkit.churn._hazards import CauseHazardModel, HazardConfig, fit_cause_hazards
from retainkit.churn._incidence import (
    compare_incidence,
    cumulative_incidence,
    share_incidence,
)
from retainkit.churn._incidence_table import IncidenceTable
from retainkit.churn._leaks import LeakConfig, LeakTable, find_leaks
from retainkit.churn._learning import CauseModel, CauseModelConfig, fit_cause_model
from retainkit.churn._management import (
    CauseAction,
    ChurnPlan,
    draft_churn_plan,
    find_cause_alerts,
    review_churn_plan,
)
from retainkit.churn._reliability import EvidenceModel, EvidenceModelConfig
from retainkit.churn._silence import RhythmModel, ThresholdChoice, choose_threshold, fit_rhythm
from retainkit.churn._spell_causes import label_spells, share_spells
from retainkit.churn._spells import SpellTable
from retainkit.churn._state import StateFacts, assign_states
from retainkit.churn._state_scheme import StateCheck, StateScheme, fit_state_scheme
from retainkit.churn._state_table import StateTable
from retainkit.churn._taxonomy import CauseCatalog, CauseEntry, EventKindEntry, SubReason
from retainkit.churn._texts import (
    ReasonClassifier,
    TextReading,
    TextRule,
    TextRules,
    code_texts,
    default_text_rules,
)

__all__ = [
    "BUILT_IN_CODE_BOOKS",
    "Agreement",
    "AttributionConfig",
    "AttributionRule",
    "Branch",
    "CalibrationMap",
    "CalibrationTable",
    "CauseAction",
    "CauseBreakdown",
    "CauseCatalog",
    "CauseEntry",
    "CauseHazardModel",
    "CauseModel",
    "CauseModelConfig",
    "CauseTable",
    "ChurnCause",
    "ChurnPlan",
    "ChurnReason",
    "ChurnTable",
    "CodeBook",
    "CodeCoverage",
    "CodeEntry",
    "DetectionConfig",
    "DriverConfig",
    "EventKind",
    "EventKindEntry",
    "EvidenceModel",
    "EvidenceModelConfig",
    "EvidenceSource",
    "EvidenceStatus",
    "EvidenceTable",
    "GatherConfig",
    "HazardConfig",
    "IncidenceTable",
    "Initiator",
    "InteractionTest",
    "LeakConfig",
    "LeakTable",
    "Mechanism",
    "ReasonClassifier",
    "RetentionDriverModel",
    "RhythmModel",
    "Signal",
    "SourceConflicts",
    "SourceWeights",
    "SpellTable",
    "StateCheck",
    "StateConfig",
    "StateFacts",
    "StateScheme",
    "StateTable",
    "SubReason",
    "TextReading",
    "TextRule",
    "TextRules",
    "ThresholdChoice",
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
    "default_alternatives",
    "default_catalog",
    "default_code_books",
    "default_text_rules",
    "detect_churn",
    "detect_contract_churn",
    "draft_churn_plan",
    "find_cause_alerts",
    "find_leaks",
    "fit_calibration",
    "fit_cause_hazards",
    "fit_cause_model",
    "fit_evidence_model",
    "fit_retention_drivers",
    "fit_rhythm",
    "fit_state_scheme",
    "gather_evidence",
    "label_spells",
    "list_contract_spells",
    "load_code_book",
    "measure_agreement",
    "rank_causes",
    "review_churn_plan",
    "share_incidence",
    "share_spells",
    "summarize_causes",
]
