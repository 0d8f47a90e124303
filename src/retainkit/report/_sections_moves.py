"""The sections about change: who moved between tiers, and who of each tier was kept."""

from __future__ import annotations

import numpy as np

from retainkit.report._blocks import Paragraph, Section, Table, tabulate
from retainkit.report._facts import Facts
from retainkit.report._numbers import UNDEFINED, money_decimals, write_number
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
    columns = (
        *((texts("tier_at_start"), False), (texts("customers"), True)),
        *((texts("active_then"), True), (texts("kept"), True), (texts("kept_share"), True)),
        *((texts("kept_range"), True), (texts("kept_rank"), True)),
        (texts("kept_circular"), True),
    )
    return Paragraph(texts("kept_intro")), tabulate(texts("kept_by_tier"), columns, rows)


def group_name(facts: Facts, name: str) -> str:
    """Return the display name of a group of the start."""
    words = {"gone_then", "ended_then", "entrants"}
    return facts.texts(f"group_{name}") if name in words else facts.tier(name)


def _share(facts: Facts, value: float) -> str:
    return UNDEFINED if np.isnan(value) else facts.texts.share(value)
