"""The strategy map: four perspectives, four customer processes, measures with targets and status.

`build_scorecard` fills a `ScorecardTemplate` (the complete map or one of the worked examples)
with numbers computed from the data and numbers the firm supplies. What is missing stays missing,
with the reason and the table that would give it.
"""

from __future__ import annotations

from retainkit.scorecard._annual import TwoFronts, compare_fronts
from retainkit.scorecard._appraisal import (
    FAIRNESS_NOTE,
    OwnerAppraisal,
    appraise_owners,
    appraise_runs,
)
from retainkit.scorecard._build import SuppliedValue, build_scorecard
from retainkit.scorecard._computed import measure_customers, measure_tables
from retainkit.scorecard._measures import Link, Measure, Objective, ScorecardEntry, Target
from retainkit.scorecard._scorecard import Scorecard
from retainkit.scorecard._template import ScorecardTemplate

__all__ = [
    "FAIRNESS_NOTE",
    "Link",
    "Measure",
    "Objective",
    "OwnerAppraisal",
    "Scorecard",
    "ScorecardEntry",
    "ScorecardTemplate",
    "SuppliedValue",
    "Target",
    "TwoFronts",
    "appraise_owners",
    "appraise_runs",
    "build_scorecard",
    "compare_fronts",
    "measure_customers",
    "measure_tables",
]
