"""Which tier each customer is in, how sure and how steady that is, and who moves.

`fit_tier_scheme` learns the cuts on a base once; `assign_tiers` applies them to a base, a
partition or one customer, from the second assessment on with a band, dwell and evidence, so that
tiers do not flap. `assess_standing` finds the customers who destroy value by how they pay
(`summarize_invoices` reads that from invoices), and never those who are merely unprofitable.
`tier_pyramid` and `whale_curve` show what the tiers are worth, `compare_tiers` and
`fit_tier_chain` who moves and where it leads, `lifecycle_stage` where each relation stands.
`segment_cube` crosses tiers with other dimensions, `match_needs` joins what customers need;
`cluster_customers`, `discriminate_segments` and `estimate_part_worths` (extra `segments`) find
segments, test them, and value benefits.
"""

from __future__ import annotations

from retainkit.tiers._assign import assign_tiers
from retainkit.tiers._catalog import (
    BAD,
    DIMENSION_KINDS,
    LOST,
    MOVEMENT_LABELS,
    MOVEMENTS,
    NEED_LEVELS,
    SCHEME_NOTES,
    SEVERITY_STEPS,
    STAGE_LABELS,
    STAGE_REASONS,
    STAGES,
    STANDING_LABELS,
    STANDING_REASONS,
    STANDINGS,
    TIER_LABELS,
    TIER_REASONS,
)
from retainkit.tiers._chain import TierChain, fit_tier_chain
from retainkit.tiers._cluster import ClusterConfig, ClusterTable, cluster_customers
from retainkit.tiers._confidence import (
    GammaValues,
    NormalValues,
    QuantileValues,
    ValueDistribution,
    tier_probabilities,
)
from retainkit.tiers._confidence_table import TierConfidence, assess_confidence
from retainkit.tiers._config import (
    ByCuts,
    ByHeadcount,
    ByHeadTailBreaks,
    ByNaturalBreaks,
    ByValueShare,
    LifecycleConfig,
    TierSchemeConfig,
)
from retainkit.tiers._conjoint import ConjointConfig, PartWorths, estimate_part_worths
from retainkit.tiers._cube import SegmentCube, segment_cube
from retainkit.tiers._dimension import Dimension, DimensionKind
from retainkit.tiers._discriminant import (
    Discrimination,
    DiscriminationConfig,
    discriminate_segments,
)
from retainkit.tiers._invoices import AGES, PaymentTable, summarize_invoices
from retainkit.tiers._lifecycle import (
    LifecycleScheme,
    LifecycleTable,
    RelationArrays,
    RelationHistory,
    fit_lifecycle_scheme,
    lifecycle_stage,
)
from retainkit.tiers._lifetime_values import LifetimeValues
from retainkit.tiers._movement import TierMovement, compare_tiers
from retainkit.tiers._needs import Need, NeedCatalog, NeedLevel, NeedTable, match_needs
from retainkit.tiers._overrides import AppliedOverrides, TierOverride
from retainkit.tiers._pyramid import TierPyramid, tier_pyramid
from retainkit.tiers._scheme import TierScheme, fit_tier_scheme
from retainkit.tiers._scheme_facts import ParetoFacts, SchemeNote, TierShare
from retainkit.tiers._stability import StabilityConfig, TierState
from retainkit.tiers._standing import assess_standing
from retainkit.tiers._standing_config import InvoiceColumns, StandingConfig
from retainkit.tiers._standing_table import StandingTable
from retainkit.tiers._tier_table import TierTable
from retainkit.tiers._whale import WhaleCurve, whale_curve

__all__ = [
    "AGES",
    "BAD",
    "DIMENSION_KINDS",
    "LOST",
    "MOVEMENTS",
    "MOVEMENT_LABELS",
    "NEED_LEVELS",
    "SCHEME_NOTES",
    "SEVERITY_STEPS",
    "STAGES",
    "STAGE_LABELS",
    "STAGE_REASONS",
    "STANDINGS",
    "STANDING_LABELS",
    "STANDING_REASONS",
    "TIER_LABELS",
    "TIER_REASONS",
    "AppliedOverrides",
    "ByCuts",
    "ByHeadTailBreaks",
    "ByHeadcount",
    "ByNaturalBreaks",
    "ByValueShare",
    "ClusterConfig",
    "ClusterTable",
    "ConjointConfig",
    "Dimension",
    "DimensionKind",
    "Discrimination",
    "DiscriminationConfig",
    "GammaValues",
    "InvoiceColumns",
    "LifecycleConfig",
    "LifecycleScheme",
    "LifecycleTable",
    "LifetimeValues",
    "Need",
    "NeedCatalog",
    "NeedLevel",
    "NeedTable",
    "NormalValues",
    "ParetoFacts",
    "PartWorths",
    "PaymentTable",
    "QuantileValues",
    "RelationArrays",
    "RelationHistory",
    "SchemeNote",
    "SegmentCube",
    "StabilityConfig",
    "StandingConfig",
    "StandingTable",
    "TierChain",
    "TierConfidence",
    "TierMovement",
    "TierOverride",
    "TierPyramid",
    "TierScheme",
    "TierSchemeConfig",
    "TierShare",
    "TierState",
    "TierTable",
    "ValueDistribution",
    "WhaleCurve",
    "assess_confidence",
    "assess_standing",
    "assign_tiers",
    "cluster_customers",
    "compare_tiers",
    "discriminate_segments",
    "estimate_part_worths",
    "fit_lifecycle_scheme",
    "fit_tier_chain",
    "fit_tier_scheme",
    "lifecycle_stage",
    "match_needs",
    "segment_cube",
    "summarize_invoices",
    "tier_probabilities",
    "tier_pyramid",
    "whale_curve",
]
