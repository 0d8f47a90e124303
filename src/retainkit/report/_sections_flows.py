"""The section about months: rates, the leaky bucket, revenue movements, the two fronts."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from retainkit.metrics import METRIC_DEFINITIONS, LeakyBucket, MetricTable
from retainkit.pipeline import MonthlyFlows
from retainkit.report._blocks import Block, Cell, Paragraph, Section, Table, tabulate
from retainkit.report._facts import Facts, as_heading
from retainkit.report._numbers import UNDEFINED, money_decimals, write_number
from retainkit.scorecard import TwoFronts

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
