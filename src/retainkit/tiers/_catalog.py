"""Names, codes and display texts of tiers, standings, stages and reasons, from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from retainkit._core.catalogue import Catalogue, read_catalogue, read_labels
from retainkit._core.labels import Label

ROOM: Final = "retainkit.tiers"
CATALOGUE: Final = "catalogue"

BAD: Final = "bad"
"""Name of the tier shown for customers of bad standing, whatever they are worth."""

LOST: Final = "lost"
"""Name of the tier shown for customers who are gone; the tier they had stands beside it."""

LAPSED: Final = "lapsed"
"""State of a customer who has left."""

NEW: Final = "new"
"""State before of a customer who was not there."""

MOVEMENTS: Final = ("promotion", "retention", "demotion", "bad", "exit")
"""What can become of a customer of a tier from one assessment to the next."""

STANDINGS: Final = ("good", "watch", "bad")
"""Standings by rising severity; the position is the code."""

STAGES: Final = ("prospect", "new", "growing", "mature", "declining", "lapsed", "won_back")
"""Lifecycle stages in the order of a relation; the position is the code."""

MOVEMENT_LABELS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "movement_labels")
"""Labels of the movements."""

TIER_LABELS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "tier_labels")
"""Labels of the default tiers, of `bad` and of `lost`; other tiers are labelled in their config."""

TIER_REASONS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "tier_reasons")
"""Why a customer is shown in its tier; the position is the code."""

SCHEME_NOTES: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "scheme_notes")
"""What a reader of a scheme must know about the base it was learnt on."""

STANDING_LABELS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "standing_labels")
"""Labels of the standings."""

STANDING_REASONS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "standing_reasons")
"""Why a customer has its standing, by rising severity; the position is the code."""

SEVERITY_STEPS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "severity_steps")
"""Severity in steps, each of several reasons; the position is the code."""

STAGE_LABELS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "stage_labels")
"""Labels of the stages."""

DIMENSION_KINDS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "dimension_kinds")
"""What a dimension of segmentation is about, with display texts."""

NEED_LEVELS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "need_levels")
"""Levels of needs, with display texts."""


def _read_stage_reasons() -> Mapping[str, tuple[str, Label]]:
    rows = read_catalogue(ROOM, CATALOGUE)["stage_reasons"]
    return {key: (row["stage"], Label(en=row["en"], zh=row["zh"])) for key, row in rows.items()}


STAGE_REASONS: Final[Mapping[str, tuple[str, Label]]] = Catalogue(_read_stage_reasons)
"""The rules of the lifecycle: reason -> (stage, label), in the order in which they are tried."""


def _read_stages_of_states() -> Mapping[str, tuple[str, ...]]:
    rows = read_catalogue(ROOM, CATALOGUE)["stages_of_states"]
    return {state: tuple(reasons) for state, reasons in rows.items()}


STAGES_OF_STATES: Final[Mapping[str, tuple[str, ...]]] = Catalogue(_read_stages_of_states)
"""Which rules of the lifecycle may speak in each state of the relation."""
