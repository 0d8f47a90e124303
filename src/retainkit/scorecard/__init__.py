"""The strategy map: four perspectives, four customer processes, measures with targets and status.

`build_scorecard` fills a `ScorecardTemplate` (the complete map or one of the worked examples)
with numbers computed from the data and numbers the firm supplies. What is missing stays missing,
with the reason and the table that would give it.
"""

from __future__ import annotations

from retainkit.scorecard._build import SuppliedValue, build_scorecard
from retainkit.scorecard._measures import Measure, Objective, Perspective, Process, Target
from retainkit.scorecard._scorecard import (
    MISSING_REASONS,
    Finding,
    MeasureStatus,
    Scorecard,
    ScorecardEntry,
    Signal,
)
from retainkit.scorecard._template import ScorecardTemplate

__all__ = [
    "MISSING_REASONS",
    "Finding",
    "Measure",
    "MeasureStatus",
    "Objective",
    "Perspective",
    "Process",
    "Scorecard",
    "ScorecardEntry",
    "ScorecardTemplate",
    "Signal",
    "SuppliedValue",
    "Target",
    "build_scorecard",
]
