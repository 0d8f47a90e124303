"""Who left and why: detection, the taxonomy of causes, attribution from evidence, breakdown.

*Active* loss = the customer decides to go; *passive* loss = the firm ends service, normally after
non-payment. The English trade term "involuntary churn" means payment failure only: it is most of
`passive.non_malicious` and says nothing of retaliation or malice.
"""

from retainkit.churn._attribution import attribute_causes
from retainkit.churn._breakdown import CauseBreakdown, summarize_causes
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
    ContractChurnConfig,
    DetectionConfig,
    SourceWeights,
)
from retainkit.churn._contracts import detect_contract_churn
from retainkit.churn._coverage import CodeCoverage, check_codes
from retainkit.churn._detection import detect_churn
from retainkit.churn._incidence import (
    compare_incidence,
    cumulative_incidence,
    share_incidence,
)
from retainkit.churn._incidence_table import IncidenceTable
from retainkit.churn._taxonomy import CauseCatalog, CauseEntry, EventKindEntry, SubReason

__all__ = [
    "BUILT_IN_CODE_BOOKS",
    "AttributionConfig",
    "AttributionRule",
    "Branch",
    "CauseBreakdown",
    "CauseCatalog",
    "CauseEntry",
    "CauseTable",
    "ChurnCause",
    "ChurnReason",
    "ChurnTable",
    "CodeBook",
    "CodeCoverage",
    "CodeEntry",
    "ContractChurnConfig",
    "DetectionConfig",
    "EventKind",
    "EventKindEntry",
    "EvidenceSource",
    "EvidenceStatus",
    "EvidenceTable",
    "IncidenceTable",
    "Initiator",
    "Mechanism",
    "Signal",
    "SourceWeights",
    "SubReason",
    "attribute_causes",
    "check_codes",
    "compare_incidence",
    "cumulative_incidence",
    "default_catalog",
    "default_code_books",
    "detect_churn",
    "detect_contract_churn",
    "load_code_book",
    "share_incidence",
    "summarize_causes",
]
