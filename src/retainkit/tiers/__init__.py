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

from retainkit.tiers._chain import TierChain, fit_tier_chain
from retainkit.tiers._config import (
    ByCuts,
    ByHeadcount,
    ByHeadTailBreaks,
    ByNaturalBreaks,
    ByValueShare,
    LifecycleConfig,
    TierSchemeConfig,
)
from retainkit.tiers._invoices import (
    InvoiceColumns,
    PaymentTable,
    StandingConfig,
    summarize_invoices,
)
from retainkit.tiers._lifecycle import (
    LifecycleScheme,
    LifecycleTable,
    RelationArrays,
    fit_lifecycle_scheme,
    lifecycle_stage,
)
from retainkit.tiers._movement import TierMovement, compare_tiers
from retainkit.tiers._pyramid import TierPyramid, WhaleCurve, tier_pyramid, whale_curve
from retainkit.tiers._standing import StandingTable, assess_standing
from retainkit.tiers.grading._assign import TierTable, assign_tiers
from retainkit.tiers.grading._confidence import (
    GammaValues,
    NormalValues,
    QuantileValues,
    tier_probabilities,
)
from retainkit.tiers.grading._lifetime_values import LifetimeValues, assess_confidence
from retainkit.tiers.grading._scheme import SchemeNote, TierScheme, fit_tier_scheme
from retainkit.tiers.grading._stability import StabilityConfig, TierOverride, TierState
from retainkit.tiers.segments._cluster import (
    ClusterConfig,
    DiscriminationConfig,
    cluster_customers,
    discriminate_segments,
)
from retainkit.tiers.segments._conjoint import ConjointConfig, estimate_part_worths
from retainkit.tiers.segments._cube import Dimension, segment_cube
from retainkit.tiers.segments._needs import Need, NeedCatalog, match_needs

__all__ = [
    "ByCuts",
    "ByHeadTailBreaks",
    "ByHeadcount",
    "ByNaturalBreaks",
    "ByValueShare",
    "ClusterConfig",
    "ConjointConfig",
    "Dimension",
    "DiscriminationConfig",
    "GammaValues",
    "InvoiceColumns",
    "LifecycleConfig",
    "LifecycleScheme",
    "LifecycleTable",
    "LifetimeValues",
    "Need",
    "NeedCatalog",
    "NormalValues",
    "PaymentTable",
    "QuantileValues",
    "RelationArrays",
    "SchemeNote",
    "StabilityConfig",
    "StandingConfig",
    "StandingTable",
    "TierChain",
    "TierMovement",
    "TierOverride",
    "TierPyramid",
    "TierScheme",
    "TierSchemeConfig",
    "TierState",
    "TierTable",
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
