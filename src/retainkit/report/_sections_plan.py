"""The section about the list of actions: who gets what, who was left out, what it has brought."""

from __future__ import annotations

from retainkit.policy._plan_table import STEP_LABELS
from retainkit.report._blocks import Block, Paragraph, Section, Table, tabulate
from retainkit.report._facts import Facts
from retainkit.report._numbers import UNDEFINED, money_decimals, write_number
from retainkit.report._sections_budget import measure_name

_MOST = 20
"""Customers named on the page; plan.csv holds all."""


def describe_plan(facts: Facts) -> Section | None:
    """Return the top of the list, its trials, the funnel, and what the last plan brought."""
    texts, plan = facts.texts, facts.result.plan
    if not len(plan):
        return None
    told = (one[:1].upper() + one[1:] for one in plan.describe(texts.language))
    said = texts("sentence_end").join((*told, ""))
    blocks: list[Block] = [Paragraph(said)]
    blocks += [_proof(facts)] if facts.result.proof and len(facts.result.proof) else []
    blocks += [_list(facts), _funnel(facts)]
    if len(plan.trials()):
        blocks.append(_trials(facts))
    return Section("plan", texts("plan_title"), tuple(blocks))


def last_plan(facts: Facts) -> tuple[Paragraph, ...]:
    """Return one paragraph on what the last plan brought; nothing without one."""
    proof, texts = facts.result.proof, facts.texts
    if proof is None:
        return ()
    end = texts("sentence_end")
    said = end.join((*proof.describe(texts.language), ""))
    return (Paragraph(said[:1].upper() + said[1:]),)


def _list(facts: Facts) -> Table:
    texts = facts.texts
    frame = facts.result.plan.to_do(language=texts.language).head(_MOST)
    decimals = money_decimals(frame["at_stake"].fillna(0.0))
    rows = [
        (
            str(row["customer_id"]),
            facts.tier(str(row["tier"])),
            measure_name(facts, str(row["action"])),
            write_number(row["at_stake"], decimals),
            write_number(row["expected_gain"], decimals),
            str(row["due"].date()),
            str(row["why"]),
        )
        for row in frame.to_dict("records")
    ]
    columns = (
        *((texts("customer"), False), (texts("tier"), False), (texts("plan_action"), False)),
        *((texts("at_stake"), True), (texts("gain"), True), (texts("due"), False)),
        (texts("reason"), False),
    )
    return tabulate(texts("plan_list", n=len(rows)), columns, rows)


def _trials(facts: Facts) -> Table:
    texts = facts.texts
    rows = [
        (
            measure_name(facts, str(row["action"])),
            write_number(row["customers"]),
            write_number(row["held_out"]),
            texts.share(row["detectable"], 0),
            UNDEFINED if row["expected"] != row["expected"] else texts.share(row["expected"], 0),
        )
        for row in facts.result.plan.trials().to_dict("records")
    ]
    columns = (
        *((texts("plan_action"), False), (texts("customers"), True), (texts("held_out"), True)),
        *((texts("detectable"), True), (texts("counted_on"), True)),
    )
    return tabulate(texts("holdout"), columns, rows)


def _funnel(facts: Facts) -> Table:
    texts = facts.texts
    rows = [
        (
            STEP_LABELS[str(row["step"])].text(texts.language),
            write_number(row["customers"]),
            texts.share(row["share"]),
        )
        for row in facts.result.plan.funnel().to_dict("records")
    ]
    columns = ((texts("step"), False), (texts("customers"), True), (texts("share"), True))
    return tabulate(texts("funnel"), columns, rows)


def _proof(facts: Facts) -> Table:
    texts, proof = facts.texts, facts.result.proof
    assert proof is not None
    frame = proof.to_frame()
    decimals = money_decimals(frame["effect"].fillna(0.0))
    rows = [
        (
            measure_name(facts, str(row["action"])) or texts("all_plans"),
            texts.word("group", str(row["group"])),
            f"{write_number(row['treated'])} / {write_number(row['held_out'])}",
            write_number(row["effect"], decimals),
            f"{write_number(row['low'], decimals)} – {write_number(row['high'], decimals)}",
            write_number(row["planned"], 0),
            write_number(row["actual"], 0),
            texts.word("finding", str(row["finding"]).replace(" ", "_")),
        )
        for row in frame.to_dict("records")
    ]
    columns = (
        *(
            (texts("plan_action"), False),
            (texts("proof_group"), False),
            (texts("proof_heads"), True),
        ),
        *((texts("proof_effect"), True), (texts("proof_interval"), True)),
        *((texts("counted_on"), True), (texts("came"), True), (texts("status"), False)),
    )
    return tabulate(texts("proof"), columns, rows)
