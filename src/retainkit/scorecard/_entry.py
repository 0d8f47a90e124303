"""One measure of a scorecard with its value, status and signal."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from retainkit.scorecard._measures import Measure, Objective


class MeasureStatus(StrEnum):
    """Where a value comes from."""

    COMPUTED = "computed"
    SUPPLIED = "supplied"
    MISSING = "missing"


class Signal(StrEnum):
    """How a value stands against its target; `none` without a value or without a target."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    NONE = "none"


class Trend(StrEnum):
    """How a value moved against the previous scorecard, by the direction of its measure."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
    NONE = "none"


class ScorecardEntry(NamedTuple):
    """One measure with its number.

    Attributes
    ----------
    measure : Measure
        What is measured, with target and owner.
    objective : Objective
        What it serves.
    value : float or None
        In the unit of the measure; None where missing, never 0 instead.
    status : MeasureStatus
        Computed, supplied or missing.
    signal : Signal
        Against the target.
    reason : str or None
        Why the value is missing; None where there is one.
    note : str
        Where a supplied value comes from, or the metric's own formula with its numbers.
    previous : float or None
        Value on the previous scorecard; None without one.
    trend : Trend
        Better, same or worse than before; "none" where one of the two is missing.
    """

    measure: Measure
    objective: Objective
    value: float | None
    status: MeasureStatus
    signal: Signal
    reason: str | None
    note: str
    previous: float | None = None
    trend: Trend = Trend.NONE
