"""The sections that keep the books: gaps, ledger, configuration."""

from __future__ import annotations

import json

from retainkit.report._blocks import Block, Cell, Folded, Paragraph, Section, tabulate
from retainkit.report._facts import Facts
from retainkit.report._numbers import UNDEFINED, money_decimals, write_number
from retainkit.tables import describe_reason


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
    columns = (
        *((texts("table"), False), (texts("entry"), False), (texts("rows"), True)),
        *((texts("rows_matching"), True), (texts("amount"), True), (texts("rule"), False)),
    )
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
