"""Which tier each customer is in: schemes, standing, pyramids, whale curve, lifecycle stage.

`fit_tier_scheme` learns the cuts on a base once; `assign_tiers` applies them to a base, a
partition or one customer. `assess_standing` finds the customers who destroy value by how they
pay, and never those who are merely unprofitable. `tier_pyramid` and `whale_curve` show what the
tiers are worth, `lifecycle_stage` where each relation stands.
"""

from __future__ import annotations

from retainkit.tiers._assign import TierTable, assign_tiers
from retainkit.tiers._catalog import (
    BAD,
    SCHEME_NOTES,
    STAGE_LABELS,
    STAGE_REASONS,
    STAGES,
    STANDING_LABELS,
    STANDING_REASONS,
    STANDINGS,
    TIER_LABELS,
    TIER_REASONS,
)
from retainkit.tiers._config import (
    ByCuts,
    ByHeadcount,
    ByValueShare,
    LifecycleConfig,
    StandingConfig,
    TierSchemeConfig,
)
from retainkit.tiers._lifecycle import (
    LifecycleScheme,
    LifecycleTable,
    RelationArrays,
    RelationHistory,
    fit_lifecycle_scheme,
    lifecycle_stage,
)
from retainkit.tiers._pyramid import TierPyramid, tier_pyramid
from retainkit.tiers._scheme import (
    ParetoFacts,
    SchemeNote,
    TierScheme,
    TierShare,
    fit_tier_scheme,
)
from retainkit.tiers._standing import StandingTable, assess_standing
from retainkit.tiers._whale import WhaleCurve, whale_curve

__all__ = [
    "BAD",
    "SCHEME_NOTES",
    "STAGES",
    "STAGE_LABELS",
    "STAGE_REASONS",
    "STANDINGS",
    "STANDING_LABELS",
    "STANDING_REASONS",
    "TIER_LABELS",
    "TIER_REASONS",
    "ByCuts",
    "ByHeadcount",
    "ByValueShare",
    "LifecycleConfig",
    "LifecycleScheme",
    "LifecycleTable",
    "ParetoFacts",
    "RelationArrays",
    "RelationHistory",
    "SchemeNote",
    "StandingConfig",
    "StandingTable",
    "TierPyramid",
    "TierScheme",
    "TierSchemeConfig",
    "TierShare",
    "TierTable",
    "WhaleCurve",
    "assess_standing",
    "assign_tiers",
    "fit_lifecycle_scheme",
    "fit_tier_scheme",
    "lifecycle_stage",
    "tier_pyramid",
    "whale_curve",
]
