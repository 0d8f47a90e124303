"""The sections about what was measured: metrics, flows month by month, scorecard."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from retainkit.metrics import METRIC_DEFINITIONS, LeakyBucket, MetricTable, MetricValue
from retainkit.pipeline import MonthlyFlows
from retainkit.report.page._blocks import (
    UNDEFINED,
    Block,
    Cell,
    Folded,
    Paragraph,
    Picture,
    Section,
    Table,
    money_decimals,
    tabulate,
    write_money,
    write_number,
)
from retainkit.report.page._headline import period_days
from retainkit.report.page._records import group_name, tabulate_retention
from retainkit.report.page._texts import Facts, Texts, as_heading, share_of
from retainkit.scorecard import Scorecard, ScorecardEntry, TwoFronts
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
        definition = table.convention.definition(name)
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
    unit = value.convention.definition(value.name).unit
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
        share = value.convention.definition(value.name).unit == "share"
        if share and value.name not in _INDICES:
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
    columns = texts.columns("llrrll", "measure perspective number target signal status")
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


_HEADS = ("opening", "new", "reactivation", "lost", "closing")
_MONEY = (
    *(("opening", "opening"), ("new", "new"), ("reactivation", "reactivation")),
    *(("expansion", "expansion"), ("contraction", "contraction")),
    *(("churn", "churned_money"), ("closing", "closing")),
)


def describe_flows(facts: Facts) -> Section | None:
    """Return what happened month by month; None without a complete month."""
    result, texts = facts.result, facts.texts
    found = [(result.flows, "flows")]
    if result.contract_flows is not result.flows:
        found.append((result.contract_flows, "flows_of_contracts"))
    blocks: list[Block] = []
    for flows, title in found:
        if flows is not None:
            blocks.extend(_blocks(facts, flows, texts(title)))
    if not blocks:
        return None
    return Section("flows", texts("flows"), (Paragraph(texts("flows_intro")), *blocks))


def _blocks(facts: Facts, flows: MonthlyFlows, title: str) -> Iterator[Block]:
    yield _trend(facts, flows.trend, title)
    if flows.bucket is not None:
        yield Paragraph(facts.texts("bucket_intro"))
        yield _bucket(facts, flows.bucket)
        yield _movements(facts, flows.bucket.movements.summary())
    if flows.fronts is not None:
        yield from _fronts(facts, flows.fronts)


def _trend(facts: Facts, trend: MetricTable, title: str) -> Table:
    texts, rows = facts.texts, []
    money = trend.to_frame()
    for period in trend.periods:
        cells: list[str | Cell] = [str(period)]
        for name in trend.metrics:
            value = trend.get(name, period=period)
            unit = METRIC_DEFINITIONS[name].unit
            if value.value is None:
                cells.append(Cell(UNDEFINED))
            elif unit == "share":
                cells.append(texts.share(value.value))
            else:
                own = money.loc[money["metric"] == name, "value"]
                cells.append(write_number(value.value, money_decimals(own)))
        rows.append(cells)
    heads = [(texts.label(METRIC_DEFINITIONS[name].label), True) for name in trend.metrics]
    return tabulate(title, [(texts("month"), False), *heads], rows)


def _bucket(facts: Facts, bucket: LeakyBucket) -> Table:
    texts, frame = facts.texts, bucket.summary()
    names = [name for name in (*_HEADS, "value_lost", "refill_cost") if name in frame]
    decimals = {name: money_decimals(frame[name]) for name in names}
    rows = [
        [str(period), *(write_number(row[name], decimals[name]) for name in names)]
        for period, row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]
    columns = [(texts("month"), False), *((texts(name), True) for name in names)]
    return tabulate(texts("bucket"), columns, rows)


def _movements(facts: Facts, frame: pd.DataFrame) -> Table:
    texts = facts.texts
    decimals = money_decimals(frame["opening"])
    rows = [
        [str(period), *(write_number(float(row[name]), decimals) for name, _ in _MONEY)]
        for period, row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]
    columns = [(texts("month"), False), *((texts(key), True) for _, key in _MONEY)]
    return tabulate(texts("movements"), columns, rows)


def _fronts(facts: Facts, fronts: TwoFronts) -> Iterator[Table]:
    """Give the last complete year of each front, line by line."""
    texts = facts.texts
    page = fronts.side_by_side(language=texts.language)
    for front in page.columns.get_level_values(0).unique():
        side = page[front]
        rows = [tuple(map(str, row)) for row in side.to_numpy() if str(row[0])]
        columns = [(as_heading(str(name)), place > 0) for place, name in enumerate(side.columns)]
        caption = f"{texts('fronts')} · {front} · {fronts.periods[-1]}"
        yield tabulate(caption, columns, rows)
