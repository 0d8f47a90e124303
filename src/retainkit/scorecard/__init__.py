"""The strategy map: four perspectives, four customer processes, measures with targets and status.

`build_scorecard` fills a `ScorecardTemplate` (the complete map or one of the worked examples)
with numbers computed from the data and numbers the firm supplies. What is missing stays missing,
with the reason and the table that would give it.
"""

from __future__ import annotations

from retainkit.scorecard._annual import FRONT_LINES, FrontLine, TwoFronts, compare_fronts
from retainkit.scorecard._appraisal import FAIRNESS_NOTE, OwnerAppraisal, appraise_owners
from retainkit.scorecard._build import SuppliedValue, build_scorecard
from retainkit.scorecard._computed import EVENT_MEASURES, measure_customers, measure_tables
from retainkit.scorecard._entry import MeasureStatus, ScorecardEntry, Signal, Trend
from retainkit.scorecard._measures import Link, Measure, Objective, Perspective, Process, Target
from retainkit.scorecard._owners import appraise_runs
from retainkit.scorecard._scorecard import MISSING_REASONS, Finding, Scorecard
from retainkit.scorecard._template import ScorecardTemplate

__all__ = [
    "EVENT_MEASURES",
    "FAIRNESS_NOTE",
    "FRONT_LINES",
    "MISSING_REASONS",
    "Finding",
    "FrontLine",
    "Link",
    "Measure",
    "MeasureStatus",
    "Objective",
    "OwnerAppraisal",
    "Perspective",
    "Process",
    "Scorecard",
    "ScorecardEntry",
    "ScorecardTemplate",
    "Signal",
    "SuppliedValue",
    "Target",
    "Trend",
    "TwoFronts",
    "appraise_owners",
    "appraise_runs",
    "build_scorecard",
    "compare_fronts",
    "measure_customers",
    "measure_tables",
]
