"""Fill a strategy map with computed and supplied numbers, and compare them with targets."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from retainkit._core.config import FrozenConfig
from retainkit._core.labels import Label
from retainkit._core.time import parse_as_of
from retainkit.errors import InvalidTableError
from retainkit.scorecard._measures import (
    Identifier,
    Measure,
    MeasureStatus,
    ScorecardEntry,
    Signal,
    Target,
    Trend,
    Unit,
    without_effect,
)
from retainkit.scorecard._scorecard import Finding, Scorecard
from retainkit.scorecard._template import ScorecardTemplate, unknown_measure
from retainkit.typing import AsOf


@runtime_checkable
class HasValue(Protocol):
    """The part of a metric's envelope that a scorecard needs."""

    @property
    def value(self) -> float | None:
        """The number; None when it could not be computed."""

    @property
    def reason(self) -> str | None:
        """Why there is none."""


Computed: TypeAlias = "HasValue | float | None"
"""A `MetricValue`, or a bare number; None and NaN mean not computable."""


class SuppliedValue(FrozenConfig):
    """A number the data do not hold, given by the firm.

    Parameters
    ----------
    measure : str
        Id of the measure, or the metric it shows.
    value : float
        In the unit of the measure.
    observed_on : datetime.date or None
        Day it was observed.
    note : str
        Where it comes from.
    unit : str or None
        Unit it was supplied in, to be checked against the measure; None = not said.
    """

    measure: Identifier
    value: float
    observed_on: date | None = None
    note: str = ""
    unit: Unit | None = None


class _Number(NamedTuple):
    value: float | None
    status: MeasureStatus
    reason: str | None
    note: str


@lru_cache(maxsize=1)
def _complete() -> ScorecardTemplate:
    """Return the whole map, made once."""
    return ScorecardTemplate.complete()


def build_scorecard(
    computed: Mapping[str, Computed],
    *,
    supplied: Iterable[SuppliedValue] = (),
    targets: Mapping[str, Target | float] | None = None,
    template: ScorecardTemplate | None = None,
    previous: Scorecard | None = None,
    as_of: AsOf | None = None,
    stale_after_days: int = 400,
) -> Scorecard:
    """Fill a strategy map: every measure gets a value or the reason why it has none.

    Parameters
    ----------
    computed : mapping of str to (MetricValue, float or None)
        Numbers computed from the data, by measure id or metric name. Metrics that no measure
        shows are listed in `.unused`.
    supplied : iterable of SuppliedValue
        Numbers given by the firm, used where none could be computed.
    targets : mapping of str to (Target or float), optional
        By measure id or metric name; they replace the template's own.
    template : ScorecardTemplate, optional
        The map; default `ScorecardTemplate.complete()`.
    previous : Scorecard, optional
        The scorecard before this one; it gives every measure its trend.
    as_of : str, date, datetime or numpy.datetime64, optional
        Day of the scorecard. A value observed later is refused; None = dates are not checked.
    stale_after_days : int, default 400
        A supplied value older than this at `as_of` is reported as stale [day].

    Returns
    -------
    Scorecard
        One entry per measure, in the order of the template. A missing value is None with a
        reason, never 0.

    Raises
    ------
    SchemaError
        If a supplied value or a target names no measure of the template.
    InvalidTableError
        If supplied values repeat, are impossible in their unit, come in another unit or from
        after `as_of`; all of them are named.
    pydantic.ValidationError
        If a target is impossible in its unit.

    Notes
    -----
    A value is green if it is not worse than its target, amber if it is not worse than the amber
    bound, otherwise red. Without `Target.amber` the bound lies `amber_tolerance` (default 10 %)
    of the target's size on the worse side. A computed value comes before a supplied one; the
    supplied one is then reported as a finding.

    Examples
    --------
    >>> from retainkit.scorecard import SuppliedValue, build_scorecard
    >>> card = build_scorecard(
    ...     {"retention_rate": 0.80, "unprofitable_share": None},
    ...     supplied=[SuppliedValue(measure="brand_awareness", value=0.41)],
    ...     targets={"retention_rate": 0.85, "brand_awareness": 0.40},
    ... )
    >>> [(e.status.value, e.signal.value) for e in map(card.entry, (
    ...     "retention_rate", "brand_awareness", "unprofitable_share"))]
    [('computed', 'amber'), ('supplied', 'green'), ('missing', 'none')]
    """
    template = _with_targets(template or _complete(), targets or {})
    day = None if as_of is None else parse_as_of(as_of)
    given = _by_measure(tuple(supplied), template, day)
    before = {} if previous is None else {e.measure.id: e.value for e in previous.entries}
    entries: list[ScorecardEntry] = []
    findings: list[Finding] = []
    for measure in template.measures:
        number = _number(measure, computed, given.get(measure.id))
        entries.append(
            ScorecardEntry(
                measure=measure,
                objective=template.objective_of(measure),
                value=number.value,
                status=number.status,
                signal=_signal(measure, number.value, template.amber_tolerance),
                reason=number.reason,
                note=number.note,
                previous=before.get(measure.id),
                trend=_trend(measure, number.value, before.get(measure.id)),
            )
        )
        findings.extend(_remarks(measure, number, given.get(measure.id)))
        findings.extend(_stale(measure, number, given.get(measure.id), day, stale_after_days))
    shown = {name for measure in template.measures for name in (measure.id, measure.metric_name)}
    return Scorecard(
        template=template,
        entries=tuple(entries),
        findings=(*_gaps(template, entries), *findings),
        unused=tuple(name for name in computed if name not in shown),
    )


def _addressees(names: Iterable[str], template: ScorecardTemplate) -> dict[str, str]:
    """Return which of the names speaks for each measure: its own id, else the metric it shows."""
    given = dict.fromkeys(names)
    known = {name for measure in template.measures for name in (measure.id, measure.metric_name)}
    for name in given:
        if name not in known:
            raise unknown_measure(name, sorted(known), template.id)
    return {
        measure.id: measure.id if measure.id in given else measure.metric_name
        for measure in template.measures
        if measure.id in given or measure.metric_name in given
    }


def _with_targets(
    template: ScorecardTemplate, targets: Mapping[str, Target | float]
) -> ScorecardTemplate:
    """Return the template with targets set."""
    changed = []
    for measure_id, name in _addressees(targets, template).items():
        target = targets[name]
        target = target if isinstance(target, Target) else Target(value=target)
        changed.append(template.measure(measure_id).replace(target=target))
    return template.with_measures(*changed) if changed else template


def _by_measure(
    supplied: tuple[SuppliedValue, ...], template: ScorecardTemplate, day: date | None
) -> dict[str, SuppliedValue]:
    """Return supplied values by measure id; refuse repeated and impossible ones, all at once."""
    wrong = [
        f"{name}: supplied {count} times"
        for name, count in Counter(value.measure for value in supplied).items()
        if count > 1
    ]
    by_name = {value.measure: value for value in supplied}
    found = {
        measure_id: by_name[name] for measure_id, name in _addressees(by_name, template).items()
    }
    for measure_id, value in found.items():
        measure = template.measure(measure_id)
        if not measure.is_in_range(value.value):
            wrong.append(
                f"{measure.id}: {value.value:g} is no {measure.unit} ({measure.range_text})"
            )
        if value.unit is not None and value.unit != measure.unit:
            wrong.append(f"{measure.id}: supplied as {value.unit}, measured in {measure.unit}")
        if day is not None and value.observed_on is not None and value.observed_on > day:
            wrong.append(f"{measure.id}: observed on {value.observed_on}, after {day}")
    if wrong:
        raise InvalidTableError(
            "; ".join(wrong),
            rule="one value per measure, in its unit (a share is 0.41, not 41), observed by as_of",
            where="supplied",
        )
    return found


def _number(
    measure: Measure, computed: Mapping[str, Computed], given: SuppliedValue | None
) -> _Number:
    """Return the value of a measure, where it is from, or why it is missing."""
    name = measure.id if measure.id in computed else measure.metric_name
    found = computed.get(name)
    value, reason = _read(found)
    if value is not None:
        note = repr(found) if isinstance(found, HasValue) else ""
        return _Number(value, MeasureStatus.COMPUTED, None, note)
    if given is not None:
        day = "" if given.observed_on is None else f" ({given.observed_on.isoformat()})"
        return _Number(given.value, MeasureStatus.SUPPLIED, None, f"{given.note}{day}".strip())
    if name not in computed:
        reason = "not_supplied" if measure.source == "external" else "not_computed"
    return _Number(None, MeasureStatus.MISSING, reason, "")


def _read(found: Computed) -> tuple[float | None, str | None]:
    """Return the number, or None and the reason."""
    value = found.value if isinstance(found, HasValue) else found
    if value is None or not math.isfinite(value):
        reason = found.reason if isinstance(found, HasValue) else None
        return None, reason or "not_computable"
    return float(value), None


def _signal(measure: Measure, value: float | None, tolerance: float) -> Signal:
    """Return the light of a value against its target."""
    if value is None or measure.target is None:
        return Signal.NONE
    target, amber = measure.target.value, measure.target.amber
    if amber is None:
        slack = tolerance * abs(target)
        amber = target - slack if measure.direction == "up" else target + slack
    if not measure.is_better(target, value):
        return Signal.GREEN
    return Signal.RED if measure.is_better(amber, value) else Signal.AMBER


def _trend(measure: Measure, value: float | None, before: float | None) -> Trend:
    """Return whether a value is better than before."""
    if value is None or before is None:
        return Trend.NONE
    if math.isclose(value, before, rel_tol=1e-9, abs_tol=1e-12):
        return Trend.SAME
    return Trend.BETTER if measure.is_better(value, before) else Trend.WORSE


def _stale(
    measure: Measure,
    number: _Number,
    given: SuppliedValue | None,
    day: date | None,
    stale_after_days: int,
) -> Iterable[Finding]:
    """Report a supplied value that is old."""
    if day is None or given is None or given.observed_on is None:
        return
    age = (day - given.observed_on).days
    if number.status is MeasureStatus.SUPPLIED and age > stale_after_days:
        yield Finding(
            "stale_value",
            measure.id,
            Label(
                en=f"Supplied on {given.observed_on}, {age} days before {day}",
                zh=f"数值提供于 {given.observed_on}，距 {day} 已 {age} 天",
            ),
        )


def _remarks(measure: Measure, number: _Number, given: SuppliedValue | None) -> Iterable[Finding]:
    """Report supplied values not used and values out of range."""
    if given is not None and number.status is MeasureStatus.COMPUTED:
        yield Finding(
            "supplied_not_used",
            measure.id,
            Label(
                en=f"Computed as {number.value:g}; the supplied {given.value:g} was not used",
                zh=f"计算值为 {number.value:g}；未采用所提供的 {given.value:g}",
            ),
        )
    if number.value is not None and not measure.is_in_range(number.value):
        yield Finding(
            "out_of_range",
            measure.id,
            Label(
                en=f"{number.value:g} is no {measure.unit}: {measure.range_text}",
                zh=f"{number.value:g} 超出 {measure.unit} 的取值范围",
            ),
        )


def _gaps(template: ScorecardTemplate, entries: list[ScorecardEntry]) -> Iterable[Finding]:
    """Yield objectives nobody measures, and those whose measures all lack a value."""
    for objective in template.objectives:
        served = [entry for entry in entries if entry.objective.id == objective.id]
        en, zh = objective.name.en, objective.name.zh
        if not served:
            text = Label(en=f"No measure serves “{en}”", zh=f"目标“{zh}”没有衡量指标")
            yield Finding("objective_without_measures", objective.id, text)
        elif all(entry.value is None for entry in served):
            text = Label(en=f"No measure of “{en}” has a value", zh=f"目标“{zh}”的指标均无数值")
            yield Finding("objective_without_values", objective.id, text)
    if template.links:
        for objective in without_effect(template.objectives, template.links):
            en, zh = objective.name.en, objective.name.zh
            text = Label(en=f"“{en}” leads to no other objective", zh=f"目标“{zh}”不支持任何目标")
            yield Finding("objective_without_effect", objective.id, text)
