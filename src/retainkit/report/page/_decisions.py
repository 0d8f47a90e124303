"""The sections about decisions: stances, guard rails, key customers, causes of leaving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.churn import IncidenceTable
from retainkit.policy import DecisionTable, Stance
from retainkit.report.page._blocks import (
    UNDEFINED,
    Block,
    Bullets,
    Cell,
    Paragraph,
    Section,
    Table,
    money_decimals,
    tabulate,
    write_number,
)
from retainkit.report.page._texts import Facts, as_heading
from retainkit.tiers._config import STAGE_LABELS

_MOST_MEASURES = 3
_MOST_KEY_CUSTOMERS = 10
_DO_NOTHING = "do_nothing"
_OF_THE_GONE = (Stance.WIN_BACK, Stance.LET_GO, Stance.NO_CONTACT)
"""Stances of those who are no customers: their tier is the one they had."""


def describe_actions(facts: Facts) -> Section:
    """Return stances by tier, what was checked, and the first key customers."""
    blocks: list[Block] = [_stances(facts)]
    check = facts.result.scores.potential.check
    if check is not None:
        blocks.append(Paragraph(as_heading(check.words(facts.texts.language))))
    rails = facts.result.policy.guard_rails(language=facts.texts.language)
    if len(rails):
        blocks.append(_guard_rails(facts, rails))
    if facts.result.pyramid.customers[0]:
        blocks.append(_key_customers(facts))
    return Section("actions", facts.texts("actions"), tuple(blocks))


def _stances(facts: Facts) -> Table:
    texts, summary = facts.texts, facts.result.policy.summary()
    decimals = money_decimals(summary["future_value"])
    rows = [_stance_row(facts, row, decimals) for row in summary.to_dict("records")]
    columns = texts.columns("llrrrll", "stance tier customers share future_value measures reason")
    return tabulate(texts("stances_by_tier"), columns, rows)


def _stance_row(facts: Facts, row: dict[Hashable, Any], decimals: int) -> list[str | Cell]:
    texts, decisions = facts.texts, facts.result.policy
    stance, tier = Stance(str(row["stance"])), str(row["tier"])
    inside = (decisions.stance == decisions.stances.index(stance)) & (
        decisions.value_tier == decisions.tier_names.index(tier)
    )
    worth, unvalued = float(row["future_value"]), int(row["without_value"])
    note = texts("unvalued", customers=write_number(unvalued)) if unvalued else ""
    customers = int(inside.sum())
    return [
        texts.label(stance.label),
        texts("formerly", tier=facts.tier(tier)) if stance in _OF_THE_GONE else facts.tier(tier),
        write_number(customers),
        texts.share(customers / len(decisions)),
        Cell(write_number(worth, decimals), note),
        _list(_first_measures(facts, inside)),
        _list(_reasons(facts, inside)),
    ]


def _list(texts: Iterable[str]) -> str:
    """Return one text as it is, several on a line each."""
    several = list(texts)
    return "\n".join(several if len(several) == 1 else (f"• {text}" for text in several))


def _first_measures(facts: Facts, inside: npt.NDArray[np.bool_]) -> Iterator[str]:
    """Give the measures open to most customers of a group, doing nothing left aside.

    Where prices and effects are known it is the measures that win most customers instead.
    """
    decisions = facts.result.policy
    chosen = decisions.measure[inside]
    counts: Counter[int] = Counter()
    if (chosen >= 0).any():
        counts.update(chosen[chosen >= 0].tolist())
    else:
        for position, customers in _by_case(decisions, inside):
            for measure in decisions.measures_of(position):
                counts[decisions.catalog.positions[measure.id]] += customers
    counts.pop(decisions.catalog.positions[_DO_NOTHING], None)
    ranked = sorted(counts, key=lambda position: (-counts[position], position))
    for position in ranked[:_MOST_MEASURES]:
        yield facts.texts.label(decisions.catalog.measures[position].name)


def _by_case(decisions: DecisionTable, inside: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Give for each case in a group one customer's place and the number of customers."""
    places = np.flatnonzero(inside)
    _, first, customers = np.unique(decisions.case[places], return_index=True, return_counts=True)
    yield from zip(places[first].tolist(), customers.tolist(), strict=True)


def _reasons(facts: Facts, inside: npt.NDArray[np.bool_]) -> Iterator[str]:
    """Give the reasons of a group, the most common first, with customers where they differ."""
    decisions = facts.result.policy
    rules, customers = np.unique(decisions.rule[inside], return_counts=True)
    order = np.argsort(-customers, kind="stable")
    for rule, count in zip(rules[order].tolist(), customers[order].tolist(), strict=True):
        text = facts.texts.label(decisions.config.rules[rule].reason)
        yield text if len(rules) == 1 else f"{text} ({write_number(count)})"


def _guard_rails(facts: Facts, rails: pd.DataFrame) -> Table:
    texts = facts.texts
    decimals = money_decimals(rails["amount"])
    rows = [
        (
            texts.label(Stance(str(row["stance"])).label),
            str(row["name"]),
            write_number(row["customers"]),
            texts.word("rail", str(row["status"])),
            write_number(row["amount"], decimals),
            str(row["note"]),
        )
        for row in rails.to_dict("records")
    ]
    columns = texts.columns("llrlrl", "stance guard_rail customers status at_stake note")
    return tabulate(texts("guard_rails"), columns, rows)


def _key_customers(facts: Facts) -> Table:
    texts, result = facts.texts, facts.result
    key = np.flatnonzero(result.tiers.tier == 0)
    key = key[np.argsort(-result.tiers.value[key], kind="stable")][:_MOST_KEY_CUSTOMERS]
    so_far, value = result.history.contribution[key], result.tiers.value[key]
    stages = result.scores.lifecycle.stage[key].tolist()
    forecast = result.forecast
    active = result.churn.p_active if forecast is None else forecast.p_active
    rows = [
        (
            str(result.tiers.customer_id[place]),
            write_number(value[i], money_decimals(value)),
            write_number(so_far[i], money_decimals(so_far)),
            texts.label(STAGE_LABELS[result.scores.lifecycle.stages[stages[i]]])
            if stages[i] >= 0
            else UNDEFINED,
            texts.share(float(active[place])),
            texts.label(result.policy.stances[int(result.policy.stance[place])].label),
        )
        for i, place in enumerate(key.tolist())
    ]
    columns = (
        *((texts("customer"), False), (as_heading(facts.graded), True)),
        *((as_heading(facts.so_far), True), (texts("stage"), False)),
        *texts.columns("rl", "p_active stance"),
    )
    tier = texts.label(result.pyramid.labels[0])
    return tabulate(
        texts("key_customers", n=len(rows), tier=tier, value=facts.graded), columns, rows
    )


def describe_causes(facts: Facts) -> Section | None:
    """Return losses per cause; None where no events were given."""
    texts, breakdown = facts.texts, facts.result.cause_breakdown
    if breakdown is None:
        return None
    intro = texts(
        "causes_intro",
        lost=write_number(breakdown.total),
        controllable=texts.share(breakdown.controllable_share),
        unknown=texts.share(breakdown.unknown_share),
    )
    frame = breakdown.to_frame(language=texts.language)
    worth = frame["value"].tolist() if "value" in frame else [None] * len(frame)
    decimals = money_decimals(worth)
    rows = [
        (
            str(row["label"]),
            write_number(row["customers"]),
            texts.share(float(row["share"])),
            write_number(worth[i], decimals),
            UNDEFINED if pd.isna(row["controllable"]) else texts(_yes_no(row["controllable"])),
            str(row["owner"]),
            str(row["countermeasure"]),
        )
        for i, row in enumerate(frame.to_dict("records"))
    ]
    columns = texts.columns(
        "lrrrlll", "cause customers share value_lost controllable owner countermeasure"
    )
    table = tabulate(texts("causes"), columns, rows, quiet=True)
    blocks = (Paragraph(intro), table, *_contradictions(facts), *_departures(facts))
    return Section("causes", texts("causes"), blocks)


def _contradictions(facts: Facts) -> Iterator[Block]:
    """Give where sources contradict each other."""
    texts, found = facts.texts, facts.result.contradictions
    if found:
        yield Paragraph(texts("contradictions"))
        yield Bullets(tuple(one.words(texts.language) for one in found))


def _departures(facts: Facts) -> Iterator[Block]:
    """Give the causes by tier, what moved beyond chance, and the incidence over time."""
    texts, departures = facts.texts, facts.result.departures
    if departures is None:
        return
    yield _causes_by_tier(facts, departures.by_tier)
    if departures.alerts is not None:
        moved = departures.alerts[departures.alerts["alert"]]
        period = departures.alerts["period"].iloc[-1] if len(departures.alerts) else UNDEFINED
        lines = [
            texts(
                "cause_alert",
                cause=_cause(facts, str(row["cause"])),
                before=texts.share(row["share_before"]),
                now=texts.share(row["share"]),
            )
            for row in moved.to_dict("records")
        ]
        yield Paragraph(texts("cause_alerts" if lines else "cause_no_alerts", period=period))
        if lines:
            yield Bullets(tuple(lines))
    if departures.incidence is not None:
        yield _incidence(facts, departures.incidence)


def _cause(facts: Facts, code: str) -> str:
    breakdown = facts.result.cause_breakdown
    labels = {} if breakdown is None else {str(c.cause): c.label for c in breakdown.catalog.causes}
    return facts.texts.label(labels[code]) if code in labels else code


def _causes_by_tier(facts: Facts, crossed: pd.DataFrame) -> Table:
    texts = facts.texts
    totals = crossed.groupby("cause", observed=True, sort=False)["customers"].sum()
    shown = [str(cause) for cause in totals.index[totals > 0]]
    rows = []
    for group, own in crossed.groupby("group", observed=False, sort=False):
        share = own.set_index("cause")["share"]
        heads = write_number(own["customers"].sum())
        rows.append([facts.tier(str(group)), heads, *(texts.share(share[c]) for c in shown)])
    columns = [
        *texts.columns("lr", "tier customers"),
        *((_cause(facts, cause), True) for cause in shown),
    ]
    return tabulate(texts("causes_by_tier"), columns, rows)


def _incidence(facts: Facts, table: IncidenceTable) -> Table:
    texts, days = facts.texts, (30, 90, 180, 365)
    at = table.at(days)
    names = [name for name in at.columns if str(name).startswith("incidence(")]
    rows = [
        [
            texts("unit_days_value", value=write_number(day)),
            texts.share(row["survival"]),
            *(texts.share(row[name]) for name in names),
        ]
        for day, row in zip(days, at.to_dict("records"), strict=True)
    ]
    heads = [(_cause(facts, str(name)[len("incidence(") : -1]), True) for name in names]
    columns = [(texts("since_joining"), False), (texts("still_there"), True), *heads]
    return tabulate(texts("incidence"), columns, rows)


def _yes_no(answer: object) -> str:
    return "yes" if answer else "no"
