"""What a scorecard measures: objectives, measures, targets, links; one measure with its value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self, TypeAlias

from pydantic import StringConstraints, model_validator

from retainkit._core.catalogue import read_labels
from retainkit._core.config import FrozenConfig
from retainkit._core.labels import Label
from retainkit.typing import Language

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""A stable name: lower-case letters, digits and underscores."""

Unit: TypeAlias = Literal[
    "share", "ratio", "money", "count", "days", "hours", "per_customer", "index"
]
"""Unit of a measure; `share` lies in [0, 1], `money` and `index` may be negative."""

Direction: TypeAlias = Literal["up", "down"]
"""Whether more or less is better."""

Source: TypeAlias = Literal[
    "transactions", "customers", "contracts", "events", "surveys", "activities", "external"
]
"""The table a measure can be computed from; `external` must be supplied."""

_RANGES: dict[Unit, tuple[float, float]] = {
    "share": (0.0, 1.0),
    "ratio": (0.0, math.inf),
    "money": (-math.inf, math.inf),
    "count": (0.0, math.inf),
    "days": (0.0, math.inf),
    "hours": (0.0, math.inf),
    "per_customer": (0.0, math.inf),
    "index": (-math.inf, math.inf),
}


class Perspective(StrEnum):
    """The four perspectives of the strategy map, from result to root."""

    FINANCIAL = "financial"
    CUSTOMER = "customer"
    PROCESS = "process"
    LEARNING = "learning"

    @property
    def label(self) -> Label:
        """Both display names."""
        return _PERSPECTIVES[self.value]


_PERSPECTIVES = read_labels("retainkit.scorecard", "names", "perspectives")


class Process(StrEnum):
    """The four customer management processes."""

    SELECT = "select"
    ACQUIRE = "acquire"
    RETAIN = "retain"
    GROW = "grow"

    @property
    def label(self) -> Label:
        """Both display names."""
        return _PROCESSES[self.value]


_PROCESSES = read_labels("retainkit.scorecard", "names", "processes")


class Objective(FrozenConfig):
    """What the firm wants, and where on the map it stands.

    Parameters
    ----------
    id : str
        Stable name.
    perspective : Perspective
        Where it stands.
    process : Process or None
        Which process, for the process perspective only.
    name : Label
        Both display names.

    Raises
    ------
    pydantic.ValidationError
        If a process objective names no process, or another one names one.
    """

    id: Identifier
    perspective: Perspective
    process: Process | None = None
    name: Label

    @model_validator(mode="after")
    def _process_fits(self) -> Self:
        """Refuse a process outside its perspective."""
        if (self.perspective is Perspective.PROCESS) != (self.process is not None):
            raise ValueError("objectives of the process perspective, and only they, name a process")
        return self


class Link(FrozenConfig):
    """A cause and its effect: reaching one objective helps to reach another.

    Parameters
    ----------
    cause, effect : str
        Ids of objectives.

    Raises
    ------
    pydantic.ValidationError
        If an objective would cause itself.
    """

    cause: Identifier
    effect: Identifier

    @model_validator(mode="after")
    def _are_two(self) -> Self:
        """Refuse a cause of itself."""
        if self.cause == self.effect:
            raise ValueError(f"{self.cause} cannot cause itself")
        return self


class Target(FrozenConfig):
    """What a measure should reach, and how far short of it is still amber.

    Parameters
    ----------
    value : float
        The target, in the unit of the measure.
    amber : float or None
        The worst value that is still amber. None: the template's tolerance, a share of the
        target's size.
    """

    value: float
    amber: float | None = None


class Measure(FrozenConfig):
    """One measure of the scorecard.

    Parameters
    ----------
    id : str
        Stable name within a template.
    metric : str
        The number it shows; two measures may show the same one. Empty: the measure's own id.
    objective : str
        Id of the objective it serves; that gives perspective and process.
    name, definition : Label
        Display name and definition, in both languages.
    unit : {"share", "ratio", "money", "count", "days", "hours", "per_customer", "index"}
        Unit of the value.
    direction : {"up", "down"}
        Whether more or less is better.
    source : {"transactions", "customers", "contracts", "events", "surveys", "activities", \
"external"}
        The table it can be computed from; "external" must be supplied.
    target : Target or None
        None: no target set, so no signal.
    owner : str or None
        Who answers for it.

    Raises
    ------
    pydantic.ValidationError
        If the target lies outside the unit's range, or amber on the wrong side of it.

    Examples
    --------
    >>> from retainkit.scorecard import ScorecardTemplate
    >>> ScorecardTemplate.complete().measure("retention_rate").unit
    'share'
    """

    id: Identifier
    metric: str = ""
    objective: Identifier
    name: Label
    definition: Label
    unit: Unit
    direction: Direction = "up"
    source: Source = "external"
    target: Target | None = None
    owner: str | None = None

    @model_validator(mode="after")
    def _target_fits(self) -> Self:
        """Refuse a target outside the range of the unit."""
        if self.target is None:
            return self
        value, amber = self.target.value, self.target.amber
        if not self.is_in_range(value):
            raise ValueError(f"{self.id}: target {value:g} is no {self.unit}; {self.range_text}")
        if amber is not None and self.is_better(amber, value):
            raise ValueError(f"{self.id}: amber {amber:g} is better than the target {value:g}")
        return self

    @property
    def metric_name(self) -> str:
        """The number it shows."""
        return self.metric or self.id

    @property
    def range_text(self) -> str:
        """The range of the unit, in words."""
        low, high = _RANGES[self.unit]
        if math.isinf(high):
            return "any number" if math.isinf(low) else f"not below {low:g}"
        return f"from {low:g} to {high:g}"

    def is_in_range(self, value: float) -> bool:
        """Return whether a value is possible in the unit; False also for NaN and infinity."""
        low, high = _RANGES[self.unit]
        return math.isfinite(value) and low <= value <= high

    def is_better(self, value: float, other: float) -> bool:
        """Return whether one value is strictly better than another, by the measure's direction."""
        return value > other if self.direction == "up" else value < other

    def text(self, language: Language = "en") -> str:
        """Return the display name."""
        return self.name.text(language)


_ORDER = tuple(reversed(Perspective))


def check_links(objectives: Sequence[Objective], links: Sequence[Link]) -> None:
    """Raise ValueError unless links name objectives, point upwards and form no circle."""
    place = {one.id: _ORDER.index(one.perspective) for one in objectives}
    names = [name for link in links for name in (link.cause, link.effect)]
    unknown = sorted(set(names) - set(place))
    if unknown:
        raise ValueError(f"links name objectives that are not there: {unknown}")
    if len(set(links)) < len(links):
        raise ValueError("links appear more than once")
    downwards = [link for link in links if place[link.cause] > place[link.effect]]
    if downwards:
        first = downwards[0]
        raise ValueError(f"{first.cause} -> {first.effect} points from result to root")
    if (circle := _in_circle(links)) is not None:
        raise ValueError(f"links go in a circle through {circle}")


def _in_circle(links: Sequence[Link]) -> str | None:
    """Return an objective that would cause itself, if any: take away what nothing leads to."""
    left = list(links)
    while left:
        effects = {link.effect for link in left}
        rest = [link for link in left if link.cause in effects]
        if len(rest) == len(left):
            return left[0].cause
        left = rest
    return None


def without_effect(objectives: Sequence[Objective], links: Sequence[Link]) -> list[Objective]:
    """Return objectives below the financial ones that lead to nothing."""
    causes = {link.cause for link in links}
    return [
        one
        for one in objectives
        if one.perspective is not Perspective.FINANCIAL and one.id not in causes
    ]


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
