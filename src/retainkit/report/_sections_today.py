"""The section that says who needs attention today, and whom to win back, let go or develop."""

from __future__ import annotations

import pandas as pd

from retainkit.report._blocks import Block, Bullets, Section, Table, tabulate
from retainkit.report._facts import Facts
from retainkit.report._numbers import money_decimals, write_number

_MOST = 10


def describe_today(facts: Facts) -> Section:
    """Return the answers, the first who need attention today, and the first to win back."""
    scores, texts = facts.result.scores, facts.texts
    language = texts.language
    blocks: list[Block] = [Bullets(tuple(_begin(one.words) for one in scores.answers(language)))]
    today, lost = scores.today(language, _MOST), scores.win_back(language, _MOST)
    if len(today):
        blocks.append(_listed(facts, today, "tier", "trigger", texts("today_list", n=len(today))))
    if len(lost):
        blocks.append(
            _listed(facts, lost, "former_tier", "cause", texts("win_back_list", n=len(lost)))
        )
    return Section("today", texts("today"), tuple(blocks))


def _begin(words: str) -> str:
    """Begin a sentence with a capital."""
    return words[:1].upper() + words[1:]


def _listed(facts: Facts, frame: pd.DataFrame, tier: str, why: str, title: str) -> Table:
    texts, decimals = facts.texts, money_decimals(frame["worth"])
    rows = [
        (
            str(row["customer_id"]),
            facts.tier(str(row["tier"])),
            str(row[why]),
            write_number(row["worth"], decimals),
            str(row["action"]),
            str(row["reason"]),
        )
        for row in frame.to_dict("records")
    ]
    columns = (
        *((texts("customer"), False), (texts(tier), False), (texts(why), False)),
        *((texts("at_stake_or_year"), True), (texts("action"), False), (texts("reason"), False)),
    )
    return tabulate(title, columns, rows)
