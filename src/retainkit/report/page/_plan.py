"""The sections about the plan: the list of actions, budget, audit, account owners."""

from __future__ import annotations

from typing import Any

from retainkit.pipeline import BudgetPlan
from retainkit.policy import Stance
from retainkit.policy._plan_table import STEP_LABELS
from retainkit.report.page._blocks import (
    UNDEFINED,
    Block,
    Cell,
    Paragraph,
    Section,
    Table,
    money_decimals,
    tabulate,
    write_money,
    write_number,
)
from retainkit.report.page._texts import Facts

_MOST_OWNERS = 30


def describe_budget(facts: Facts) -> Section | None:
    """Return the plan within the budget, other budgets, how firm it is, and the year."""
    plan, annual = facts.result.budget, facts.result.annual_plan
    blocks: list[Block] = []
    if plan is not None:
        blocks.extend(_plan(facts, plan))
    if annual is not None:
        blocks.append(_year(facts))
    return Section("budget", facts.texts("budget"), tuple(blocks)) if blocks else None


def _plan(facts: Facts, plan: BudgetPlan) -> list[Block]:
    texts, chosen = facts.texts, plan.allocation
    intro = texts(
        "budget_intro",
        budget=write_money(chosen.budget),
        cost=write_money(chosen.cost),
        gain=write_money(chosen.gain),
        next=write_number(chosen.shadow_price, 2),
    )
    if not (plan.gains.cost > 0.0).any() and not (plan.gains.gain > 0.0).any():
        return [Paragraph(intro), Paragraph(texts("budget_empty"))]
    blocks: list[Block] = [Paragraph(intro), _measures(facts, plan)]
    if len(plan.frontier):
        blocks.append(_frontier(facts, plan))
    blocks.append(_sensitivity(facts, plan))
    if chosen.limit_prices:
        rows = [(name, write_number(price, 2)) for name, price in chosen.limit_prices]
        columns = texts.columns("lr", "limit next_unit")
        blocks.append(tabulate(texts("limit_prices"), columns, rows))
    return blocks


def _measures(facts: Facts, plan: BudgetPlan) -> Table:
    texts, summary = facts.texts, plan.allocation.summary().to_dict("records")
    decimals = money_decimals(float(row["gain"]) for row in summary)
    rows = [
        (
            measure_name(facts, str(row["measure"])),
            write_number(row["customers"]),
            write_number(row["cost"], decimals),
            write_number(row["gain"], decimals),
        )
        for row in summary
    ]
    columns = texts.columns("lrrr", "measure customers cost gain")
    return tabulate(texts("budget_measures"), columns, rows, total_row=True)


def measure_name(facts: Facts, name: str) -> str:
    """Return the display name of a measure; any other text unchanged."""
    catalog = facts.result.policy.catalog
    if name in catalog.positions:
        return facts.texts.label(catalog.measure(name).name)
    return facts.texts(name) if name == "total" else name


def _frontier(facts: Facts, plan: BudgetPlan) -> Table:
    texts, frame = facts.texts, plan.frontier
    decimals = money_decimals(frame["gain"])
    rows = [
        (
            write_money(row["budget"]),
            write_number(row["cost"], decimals),
            write_number(row["gain"], decimals),
            write_number(row["customers"]),
            write_number(row["next_unit_earns"], 2),
        )
        for row in frame.to_dict("records")
    ]
    columns = texts.columns("lrrrr", "budget_amount cost gain customers next_unit")
    return tabulate(texts("budget_frontier"), columns, rows)


def _sensitivity(facts: Facts, plan: BudgetPlan) -> Table:
    texts = facts.texts
    table = plan.sensitivity.pivot(index="assumption", columns="change", values="changed")
    rows = [
        (texts.word("assumption", str(name)), *(texts.share(float(x)) for x in cells))
        for name, cells in zip(table.index, table.to_numpy(), strict=True)
    ]
    columns = [(texts("assumption"), False)]
    columns += [(f"{100 * float(change):+.0f} %", True) for change in table.columns]
    return tabulate(texts("sensitivity"), columns, rows)


def _year(facts: Facts) -> Table:
    texts, plan = facts.texts, facts.result.annual_plan
    assert plan is not None
    frame = plan.to_frame().to_dict("records")
    decimals = money_decimals(float(row["target_profit"]) for row in frame)
    rows = [
        (
            facts.tier(str(row["name"])),
            str(row["owner"]) if isinstance(row["owner"], str) else UNDEFINED,
            write_number(row["customers"]),
            Cell(
                write_number(row["target_profit"], decimals), write_number(row["profit"], decimals)
            ),
            Cell(texts.share(row["target_retention"]), texts.share(row["retention"])),
            write_number(row["budget"], decimals),
        )
        for row in frame
    ]
    columns = texts.columns(
        "llrrrr", "tier owner customers target_profit target_retention budget_amount"
    )
    return tabulate(texts("annual", year=plan.year), columns, rows)


def describe_audit(facts: Facts) -> Section | None:
    """Return the worst treated group per stance; None where no protected attribute is known."""
    texts, audit = facts.texts, facts.result.audit
    if audit is None:
        return None
    rows = [_audit_row(facts, row) for row in audit.summary().to_dict("records")]
    columns = texts.columns(
        "lllrrrl", "audit_attribute stance audit_group customers audit_rate audit_ratio status"
    )
    table = tabulate(texts("audit"), columns, rows, quiet=True)
    return Section("audit", texts("audit"), (Paragraph(texts("audit_intro")), table))


def _audit_row(facts: Facts, row: dict[Any, Any]) -> tuple[str, ...]:
    texts, stance = facts.texts, str(row["stance"])
    known = stance in {name.value for name in Stance}
    return (
        str(row["attribute"]).replace("_", " "),
        texts.label(Stance(stance).label) if known else texts("stance_any_adverse"),
        str(row["group"]),
        write_number(row["customers"]),
        texts.share(row["rate"]),
        write_number(row["ratio"], 2),
        texts.word("audit", str(row["status"])),
    )


def describe_owners(facts: Facts) -> Section | None:
    """Return the appraisal of account owners; None without owners or a run before."""
    texts, owners = facts.texts, facts.result.owners
    if owners is None or not len(owners):
        return None
    frame = owners.to_frame().head(_MOST_OWNERS)
    decimals = money_decimals(frame["profit_gap"])
    rows = [
        (
            str(row["owner"]),
            write_number(row["customers"]),
            Cell(texts.share(row["retention"]), texts.range(row["lower"], row["upper"])),
            Cell(
                texts.share(row["adjusted"]),
                texts.range(row["adjusted_lower"], row["adjusted_upper"]),
            ),
            write_number(row["net_moves"]),
            write_number(row["profit_gap"], decimals),
            texts.word("verdict", str(row["verdict"])),
        )
        for row in frame.to_dict("records")
    ]
    columns = texts.columns(
        "lrrrrrl",
        "owner customers owner_retention owner_adjusted owner_moves owner_profit owner_verdict",
    )
    table = tabulate(texts("owners"), columns, rows, quiet=True)
    return Section("owners", texts("owners"), (Paragraph(texts("owners_intro")), table))


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
    in_play = frame["at_stake"].fillna(frame["expected_value"])
    decimals = money_decimals(in_play.fillna(0.0))
    rows = [
        (
            str(row["customer_id"]),
            facts.tier(str(row["tier"])),
            measure_name(facts, str(row["action"])),
            write_number(row["in_play"], decimals),
            write_number(row["expected_gain"], decimals),
            str(row["due"].date()),
            str(row["why"]),
        )
        for row in frame.assign(in_play=in_play).to_dict("records")
    ]
    columns = texts.columns("lllrrll", "customer tier plan_action in_play gain due reason")
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
    columns = texts.columns("lrrrr", "plan_action customers held_out detectable counted_on")
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
    columns = texts.columns("lrr", "step customers share")
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
    columns = texts.columns(
        "llrrrrrl",
        "plan_action proof_group proof_heads proof_effect proof_interval counted_on came status",
    )
    return tabulate(texts("proof"), columns, rows)
