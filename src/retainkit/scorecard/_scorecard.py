"""The filled scorecard: every measure with its value, status and signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

import pandas as pd

from retainkit._core.catalogue import read_labels
from retainkit._core.columns import Column, recorded
from retainkit._core.labels import Label
from retainkit._core.result import ResultTable, TranslatedTable, frame_html
from retainkit.scorecard._measures import (
    MeasureStatus,
    Objective,
    Perspective,
    ScorecardEntry,
    Signal,
    Trend,
)
from retainkit.scorecard._svg import draw_map
from retainkit.scorecard._template import ScorecardTemplate
from retainkit.typing import Language

MISSING_REASONS: Final = read_labels("retainkit.scorecard", "names", "missing")
"""Why a measure has no value, unless its metric gave its own reason."""


class Finding(NamedTuple):
    """Something a reader of the scorecard should know.

    Attributes
    ----------
    code : str
        "objective_without_measures", "objective_without_values", "objective_without_effect",
        "supplied_not_used", "stale_value" or "out_of_range".
    subject : str
        Objective or measure concerned.
    text : Label
        In both languages.
    """

    code: str
    subject: str
    text: Label


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scorecard(TranslatedTable):
    """The strategy map with numbers: one row per measure.

    Parameters
    ----------
    template : ScorecardTemplate
        Objectives and measures, with the targets that were applied.
    entries : tuple of ScorecardEntry
        One per measure, in the order of the template.
    findings : tuple of Finding
        Objectives without measures or values, values not used, values out of range.
    unused : tuple of str
        Computed metrics no measure shows.

    Examples
    --------
    >>> from retainkit.scorecard import build_scorecard
    >>> build_scorecard({"retention_rate": 0.8})
    <Scorecard: 54 measures; next: .to_frame(), .summary() or .findings>
    """

    _what: ClassVar[str] = "measures"
    _next_step: ClassVar[str] = ".to_frame(), .summary() or .findings"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("part", lambda t: [_part(entry.objective) for entry in t.entries]),
        Column("perspective", "entries.objective.perspective.label.text"),
        Column("process", "entries.objective.process.label.text"),
        Column("objective", "entries.objective.name.text"),
        Column("measure", "entries.measure.id"),
        Column("name", "entries.measure.text"),
        Column("definition", "entries.measure.definition.text"),
        *recorded("entries.measure", "unit", "direction"),
        Column("value", "entries.value", dtype="float64"),
        Column("target", "entries.measure.target.value", dtype="float64"),
        Column("status", "entries.status", tuple(MeasureStatus), ordered=True),
        Column("signal", "entries.signal", tuple(Signal), ordered=True),
        Column("previous", "entries.previous", dtype="float64"),
        Column("trend", "entries.trend", tuple(Trend), ordered=True),
        Column("reason", "entries.reason"),
        *recorded("entries.measure", "source", "owner"),
        Column("note", "entries.note"),
    )

    template: ScorecardTemplate
    entries: tuple[ScorecardEntry, ...]
    findings: tuple[Finding, ...]
    unused: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.entries)

    def entry(self, measure_id: str) -> ScorecardEntry:
        """Return one measure with its number; SchemaError if the template has no such measure."""
        measure = self.template.measure(measure_id)
        return next(entry for entry in self.entries if entry.measure.id == measure.id)

    def to_svg(self, *, language: Language = "en") -> str:
        """Draw the strategy map: objectives in their perspectives, measures with their lights.

        Parameters
        ----------
        language : {"en", "zh"}
            Display language.

        Returns
        -------
        str
            A complete SVG document, the same for the same scorecard; all texts are escaped.

        Examples
        --------
        >>> from retainkit.scorecard import ScorecardTemplate, build_scorecard
        >>> card = build_scorecard({}, template=ScorecardTemplate.retail_bank())
        >>> card.to_svg().startswith("<svg xmlns=")
        True
        """
        return draw_map(self.template, self.entries, language=language)

    def summary(self) -> pd.DataFrame:
        """Return how many measures are computed, supplied, missing and green, amber, red.

        One row per perspective and process that has measures, then "all".
        """
        parts: dict[str, list[ScorecardEntry]] = {}
        order = list(Perspective)
        for entry in sorted(self.entries, key=lambda e: order.index(e.objective.perspective)):
            parts.setdefault(_part(entry.objective), []).append(entry)
        parts["all"] = list(self.entries)
        return pd.DataFrame([{"part": part, **_counts(found)} for part, found in parts.items()])

    def _repr_html_(self) -> str:
        head, frame = ResultTable._repr_html_(self), self.to_frame()
        known = frame[frame["status"] != MeasureStatus.MISSING.value].reset_index(drop=True)
        if known.empty:
            return head
        shown = ["part", "name", "value", "target", "signal", "status", "owner"]
        return head + frame_html(known[shown])


def _part(objective: Objective) -> str:
    """Return perspective and process of an objective."""
    if objective.process is None:
        return objective.perspective.value
    return f"{objective.perspective.value}.{objective.process.value}"


def _counts(entries: list[ScorecardEntry]) -> dict[str, int]:
    """Return how many measures have each status and light."""
    counts = {"measures": len(entries)}
    counts |= {status.value: sum(e.status is status for e in entries) for status in MeasureStatus}
    lights = [signal for signal in Signal if signal is not Signal.NONE]
    return counts | {signal.value: sum(e.signal is signal for e in entries) for signal in lights}
