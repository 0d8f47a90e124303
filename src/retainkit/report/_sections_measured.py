"""The sections about what was measured: metrics and scorecard."""

from __future__ import annotations

import pandas as pd

from retainkit.metrics import METRIC_DEFINITIONS, MetricTable, MetricValue
from retainkit.report._blocks import (
    Block,
    Cell,
    Folded,
    Paragraph,
    Picture,
    Section,
    Table,
    tabulate,
)
from retainkit.report._facts import Facts, as_heading, share_of
from retainkit.report._headline import period_days
from retainkit.report._numbers import (
    UNDEFINED,
    money_decimals,
    write_money,
    write_number,
)
from retainkit.report._sections_moves import group_name, tabulate_retention
from retainkit.report._texts import Texts
from retainkit.scorecard import Scorecard, ScorecardEntry
from retainkit.tables import align_customer_ids
from retainkit.tiers._config import BAD, LOST

_XMLNS = ' xmlns="http://www.w3.org/2000/svg"'
"""Needed in a file of its own; inside a page it would look like an address to load."""

_INDICES = ("gini", "hhi")
"""Metrics of concentration between 0 and 1 that are no part of anything."""

_OVERALL = "overall"


def describe_metrics(facts: Facts) -> Section:
    """Return the metrics overall and by tier, and those of contracts."""
    texts, result = facts.texts, facts.result
    blocks: list[Block] = [*tabulate_retention(facts)]
    if not facts.from_contracts:
        blocks.append(_intro(result.metrics, texts))
        blocks.append(_metric_table(facts, result.metrics, "purchases"))
    if result.contract_metrics is not None:
        blocks.append(_intro(result.contract_metrics, texts))
        blocks.append(_metric_table(facts, result.contract_metrics, "contracts"))
    return Section("metrics", texts("metrics"), tuple(blocks))


def _intro(table: MetricTable, texts: Texts) -> Block:
    first, last = period_days(table)
    level = texts("interval", level=texts.share(table.convention.interval_level, 0))
    return Paragraph(texts("metrics_intro", first=first, last=last, interval=level))


def _metric_table(facts: Facts, table: MetricTable, caption: str) -> Table:
    texts = facts.texts
    groups = [group for group in table.groups if not _is_empty(facts, group)]
    rows = []
    for name in table.metrics:
        definition = METRIC_DEFINITIONS[name]
        formula = texts.label(definition.formula)
        values = [table.get(name, group=group) for group in groups]
        decimals = money_decimals(value.value for value in values)
        head = Cell(texts.label(definition.label), formula)
        rows.append([head, *(_metric_cell(value, decimals, texts) for value in values)])
    names = [texts("overall") if g == _OVERALL else group_name(facts, g) for g in groups]
    columns = [(texts("metric"), False), *((name, True) for name in names)]
    return tabulate(texts(caption), columns, rows)


def _is_empty(facts: Facts, group: str) -> bool:
    """Whether the group is no tier (bad, lost, gone then, entrants) and nobody is in it."""
    start = facts.result.tier_retention
    if group in start.groups[len(facts.result.tiers.scheme.names) :]:
        return not start.customers[start.groups.index(group)]
    pyramid = facts.result.pyramid
    if group not in (BAD, LOST) or group not in pyramid.names:
        return False
    return not pyramid.customers[pyramid.names.index(group)]


def _metric_cell(value: MetricValue, decimals: int, texts: Texts) -> Cell:
    if value.value is None:
        return Cell(UNDEFINED, texts.word("why", value.reason or "zero_denominator"))
    unit = METRIC_DEFINITIONS[value.name].unit
    if value.name in _INDICES:
        return Cell(write_number(value.value, 4), _below(value, texts))
    if unit == "customers":
        return Cell(write_number(value.value))
    below = _below(value, texts)
    if unit == "share":
        return Cell(texts.share(value.value), below)
    return Cell(write_number(value.value, decimals if unit == "money" else 2), below)


def _below(value: MetricValue, texts: Texts) -> str:
    """Return the interval of a value, or what it was divided from."""
    if value.interval is not None:
        lower, upper = value.interval.lower, value.interval.upper
        if METRIC_DEFINITIONS[value.name].unit == "share":
            return texts.range(lower, upper)
        decimals = 4 if value.name in _INDICES else 2
        return f"{write_number(lower, decimals)}–{write_number(upper, decimals)}"
    if value.denominator is None or value.name in _INDICES:
        return ""
    return f"{write_number(value.numerator)} / {write_number(value.denominator)}"


def describe_scorecard(facts: Facts) -> Section:
    """Return the scorecard: counts, measures with a value, missing measures by source."""
    texts, card = facts.texts, facts.result.scorecard
    counts = card.summary().iloc[-1]
    intro = texts(
        "scorecard_intro",
        **{name: write_number(counts[name]) for name in ("measures", *_STATUSES)},
    )
    known = [entry for entry in card.entries if entry.value is not None]
    missing = [entry for entry in card.entries if entry.value is None]
    drawn = card.to_svg(language=texts.language).replace(_XMLNS, "", 1)
    blocks: list[Block] = [Paragraph(intro), *_responders(facts), _counts(card, texts)]
    if known:
        blocks.append(_known(known, texts))
    blocks.append(Picture(drawn, texts("scorecard_map")))
    if missing:
        blocks.append(Folded(texts("scorecard_missing"), table=_missing(missing, texts)))
    return Section("scorecard", texts("scorecard"), tuple(blocks))


def _responders(facts: Facts) -> tuple[Block, ...]:
    """Say how many customers the figures of surveys speak of; nothing without surveys."""
    answers, texts = facts.result.customers.answers, facts.texts
    if answers is None:
        return ()
    heads = len(facts.result)
    found = align_customer_ids(facts.result.scores.customer_id, pd.Index(answers["customer_id"]))
    answered = int((found >= 0).sum())
    share = texts.share(share_of(answered, heads))
    numbers = {"answered": write_number(answered), "customers": write_number(heads)}
    return (Paragraph(texts("survey_responders", share=share, **numbers)),)


_STATUSES = ("computed", "supplied", "missing")


def _counts(card: Scorecard, texts: Texts) -> Table:
    found: dict[str, dict[str, int]] = {}
    for entry in card.entries:
        row = found.setdefault(_part(entry, texts), dict.fromkeys(_STATUSES, 0))
        row[entry.status.value] += 1
    rows = [(part, *(write_number(row[name]) for name in _STATUSES)) for part, row in found.items()]
    columns = [
        (texts("perspective"), False),
        *((as_heading(texts(name)), True) for name in _STATUSES),
    ]
    return tabulate(texts("scorecard_counts"), columns, rows)


def _part(entry: ScorecardEntry, texts: Texts) -> str:
    objective = entry.objective
    return texts.label((objective.process or objective.perspective).label)


def _known(entries: list[ScorecardEntry], texts: Texts) -> Table:
    rows = [
        (
            Cell(entry.measure.text(texts.language), texts.label(entry.objective.name)),
            _part(entry, texts),
            _in_unit(entry, entry.value, texts),
            _in_unit(entry, None if (goal := entry.measure.target) is None else goal.value, texts),
            texts(entry.signal.value),
            texts(entry.status.value),
        )
        for entry in entries
    ]
    columns = (
        *((texts("measure"), False), (texts("perspective"), False), (texts("number"), True)),
        *((texts("target"), True), (texts("signal"), False), (texts("status"), False)),
    )
    return tabulate(texts("scorecard_known"), columns, rows)


def _in_unit(entry: ScorecardEntry, x: float | None, texts: Texts) -> str:
    unit = entry.measure.unit
    if x is None:
        return UNDEFINED
    if unit == "share":
        return texts.share(x)
    if unit == "money":
        return write_money(x)
    if unit in ("days", "hours"):
        return texts(f"unit_{unit}_value", value=write_number(x, 1))
    return write_number(x) if unit == "count" else write_number(x, 2)


def _missing(entries: list[ScorecardEntry], texts: Texts) -> Table:
    found: dict[str, list[str]] = {}
    for entry in entries:
        found.setdefault(entry.measure.source, []).append(entry.measure.text(texts.language))
    rows = [
        (texts.word("table", source), write_number(len(names)), texts("listing").join(names))
        for source, names in found.items()
    ]
    columns = (
        (texts("source"), False),
        (texts("measures_count"), True),
        (as_heading(texts("missing")), False),
    )
    return tabulate(texts("scorecard_missing"), columns, rows, quiet=True)
