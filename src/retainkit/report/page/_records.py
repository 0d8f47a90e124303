"""The sections that account: movements, gaps, ledger, configuration."""

from __future__ import annotations

import json

import numpy as np

from retainkit.report.page._blocks import (
    UNDEFINED,
    Block,
    Cell,
    Folded,
    Paragraph,
    Section,
    Table,
    money_decimals,
    tabulate,
    write_number,
)
from retainkit.report.page._texts import Facts
from retainkit.tables import describe_reason
from retainkit.tiers import TierMovement
from retainkit.tiers._config import LOST


def describe_moves(facts: Facts) -> Section | None:
    """Return who moved since the earlier day, and the bridge of the base's value; None without."""
    result, texts = facts.result, facts.texts
    if result.movement is None:
        return None
    blocks: list[Paragraph | Table] = []
    if result.moves is not None:
        since = result.moves.since.isoformat()
        blocks.append(Paragraph(texts("moves_intro", since=since)))
    blocks.append(_heads(facts, result.movement))
    blocks.append(_bridge(facts, result.movement))
    if result.moves is not None:
        blocks.append(_yardsticks(facts))
    return Section("moves", texts("moves"), tuple(blocks))


def _state(facts: Facts, name: str) -> str:
    """Return the display name of a state: who has lapsed is shown as lost."""
    if name == "new":
        return facts.texts("moves_new")
    return facts.tier(LOST if name == "lapsed" else name)


def _heads(facts: Facts, movement: TierMovement) -> Table:
    texts, heads = facts.texts, movement.heads()
    rows = [
        [
            texts("total") if name == "total" else _state(facts, str(name)),
            *(write_number(int(count)) for count in counts),
        ]
        for name, counts in zip(heads.index, heads.to_numpy(), strict=True)
    ]
    columns = [
        (texts("moves_before"), False),
        *((_state(facts, name), True) for name in movement.states),
        (texts("total"), True),
    ]
    return tabulate(texts("moves_heads"), columns, rows)


def _bridge(facts: Facts, movement: TierMovement) -> Table:
    texts, bridge = facts.texts, movement.bridge()
    decimals = money_decimals(bridge["value"])
    rows = [
        [
            texts(f"bridge_{step}"),
            write_number(int(row["customers"])),
            write_number(row["value"], decimals),
        ]
        for step, row in bridge.iterrows()
    ]
    columns = ((texts("bridge_step"), False), (texts("customers"), True), (facts.graded, True))
    return tabulate(texts("bridge"), columns, rows)


def _yardsticks(facts: Facts) -> Table:
    """Give who rose and fell by cuts that stay and by cuts of each day's own base."""
    moves, texts = facts.result.moves, facts.texts
    assert moves is not None
    rows = []
    for name in ("published", "fixed", "relative"):
        bridge = getattr(moves, name).bridge()["customers"]
        risen, same, fallen = (write_number(int(bridge[x])) for x in ("risen", "same", "fallen"))
        rows.append([texts(f"moves_{name}"), risen, same, fallen])
    columns = [
        (texts("moves_yardstick"), False),
        *((texts(f"bridge_{name}"), True) for name in ("risen", "same", "fallen")),
    ]
    return tabulate(texts("moves_yardsticks"), columns, rows)


def tabulate_retention(facts: Facts) -> tuple[Paragraph | Table, ...]:
    """Return who of each tier of the start was kept, beside the circular figure."""
    table, texts = facts.result.tier_retention, facts.texts
    if not table.at_start:
        return ()
    rows = []
    for i, name in enumerate(table.groups):
        if not table.customers[i] and not table.active[i]:
            continue
        known = bool(table.active[i])
        rank = table.rank[i]
        rows.append(
            [
                group_name(facts, name),
                *(write_number(int(x[i])) for x in (table.customers, table.active, table.kept)),
                texts.share(float(table.retention[i])) if known else UNDEFINED,
                texts.range(float(table.lower[i]), float(table.upper[i])) if known else UNDEFINED,
                UNDEFINED if np.isnan(rank) else write_number(int(rank)),
                _share(facts, float(table.retention_by_tier_now[i])),
            ]
        )
    columns = texts.columns(
        "lrrrrrrr",
        "tier_at_start customers active_then kept kept_share kept_range kept_rank kept_circular",
    )
    return Paragraph(texts("kept_intro")), tabulate(texts("kept_by_tier"), columns, rows)


def group_name(facts: Facts, name: str) -> str:
    """Return the display name of a group of the start."""
    words = {"gone_then", "ended_then", "entrants"}
    return facts.texts(f"group_{name}") if name in words else facts.tier(name)


def _share(facts: Facts, value: float) -> str:
    return UNDEFINED if np.isnan(value) else facts.texts.share(value)


def describe_gaps(facts: Facts) -> Section:
    """Return what was not computed, why, and what would enable it."""
    texts, result = facts.texts, facts.result
    blocks: list[Block] = []
    if result.gaps:
        rows = [gap.words(texts.language) for gap in result.gaps]
        columns = [(texts(f"gap_{name}"), False) for name in ("what", "why", "enabled_by")]
        blocks.append(tabulate(texts("gaps"), columns, rows, quiet=True))
    else:
        blocks.append(Paragraph(texts("gaps_none")))
    return Section("gaps", texts("gaps"), tuple(blocks))


def describe_ledger(facts: Facts) -> Section:
    """Return where every input row went."""
    texts, ledger = facts.texts, facts.result.ledger
    decimals = money_decimals(entry.amount for entry in ledger.entries)
    rows = [
        (
            texts.word("table", entry.table),
            Cell(
                texts.word("entry", entry.kind),
                describe_reason(entry.reason, language=texts.language) if entry.reason else "",
            ),
            write_number(entry.rows),
            write_number(entry.rows_matching) if entry.reason else UNDEFINED,
            write_number(entry.amount, decimals),
            entry.policy,
        )
        for entry in ledger.entries
    ]
    columns = texts.columns("llrrrl", "table entry rows rows_matching amount rule")
    verdict = texts("ledger_reconciles" if ledger.reconciles else "ledger_open")
    table = tabulate(texts("ledger"), columns, rows, quiet=True)
    return Section("ledger", texts("ledger"), (Paragraph(verdict), table))


def describe_configuration(facts: Facts) -> Section:
    """Return everything that was chosen, as JSON."""
    texts = facts.texts
    chosen = facts.result.config.model_dump(mode="json")
    text = json.dumps(chosen, indent=2, ensure_ascii=False)
    folded = Folded(texts("configuration_show"), text=text)
    return Section("configuration", texts("configuration"), (folded,))
