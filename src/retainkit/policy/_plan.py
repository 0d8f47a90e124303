"""The annual plan: targets, measures, owner and budget per tier and key account."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_floats, check_same_customers
from retainkit._core.columns import Column
from retainkit._core.result import ResultTable
from retainkit.errors import SchemaError
from retainkit.policy._allocation import Allocation
from retainkit.policy._decisions import DecisionTable
from retainkit.policy._plan_goals import Goal, PlanGoals
from retainkit.typing import ArrayLike1D, FloatArray


class PlanLine(NamedTuple):
    """The plan for one tier or one account.

    Attributes
    ----------
    kind : {"tier", "account"}
        What the line is about; accounts are part of their tier.
    name : str
        The tier, or the customer id.
    owner : str or None
        Who answers for it.
    customers : int
        Customers at the start.
    profit, target_profit : float
        Of the year: expected without the plan, and aimed at [money].
    retention, target_retention : float
        Likewise; NaN where not known.
    share, target_share : float
        Share of wallet; NaN where not known.
    target_promotions : float
        Customers to lift into a higher tier; NaN where not known.
    measures : tuple of (str, int)
        Measures planned, and for how many customers.
    budget : float
        What may be spent [money].
    basis : {"goal", "plan", "none"}
        Where the profit target comes from: set by the firm, expected gain of the plan added, or
        neither.

    Examples
    --------
    >>> from retainkit.policy import PlanLine
    >>> PlanLine._fields[:4]
    ('kind', 'name', 'owner', 'customers')
    """

    kind: Literal["tier", "account"]
    name: str
    owner: str | None
    customers: int
    profit: float
    target_profit: float
    retention: float
    target_retention: float
    share: float
    target_share: float
    target_promotions: float
    measures: tuple[tuple[str, int], ...]
    budget: float
    basis: Literal["goal", "plan", "none"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AnnualPlan(ResultTable):
    """Hold the plan of a year: one line per tier, then one per named account.

    Attributes
    ----------
    year : str
        Name of the period.
    lines : tuple of PlanLine
        Tiers, best first; accounts in the order of the goals.

    Examples
    --------
    >>> from retainkit.policy import AnnualPlan
    >>> AnnualPlan(year="2026", lines=())
    <AnnualPlan: 0 lines; next: .to_frame(), .summary() or review_plan(plan, ...)>
    """

    _what: ClassVar[str] = "lines"
    _next_step: ClassVar[str] = ".to_frame(), .summary() or review_plan(plan, ...)"
    _schema: ClassVar[tuple[Column, ...]] = tuple(
        Column(name, "_measures" if name == "measures" else f"lines.{name}")
        for name in PlanLine._fields
    )

    year: str
    lines: tuple[PlanLine, ...]

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def _measures(self) -> list[str]:
        """Return the measures of each line with their heads, as one text."""
        return [
            "; ".join(f"{name} ({heads})" for name, heads in line.measures) for line in self.lines
        ]

    @property
    def tiers(self) -> tuple[PlanLine, ...]:
        """The lines of the tiers; they add up to the base."""
        return tuple(line for line in self.lines if line.kind == "tier")

    @property
    def budget(self) -> float:
        """Budget of all tiers [money]."""
        return math.fsum(line.budget for line in self.tiers)

    def summary(self) -> pd.DataFrame:
        """Return profit, target and budget of the tiers and of the base.

        Columns name, customers, profit, target_profit, budget [money]; the last row is "total".
        """
        columns = ["name", "customers", "profit", "target_profit", "budget"]
        rows: list[list[Any]] = [[getattr(line, c) for c in columns] for line in self.tiers]
        total = [math.fsum(row[i] for row in rows) for i in range(1, 5)]
        return pd.DataFrame([*rows, ["total", int(total[0]), *total[1:]]], columns=columns)


def plan_year(
    decisions: DecisionTable,
    *,
    goals: PlanGoals,
    profit: ArrayLike1D,
    p_stay: ArrayLike1D | None = None,
    share_of_wallet: ArrayLike1D | None = None,
    p_upgrade: ArrayLike1D | None = None,
    allocation: Allocation | None = None,
) -> AnnualPlan:
    """Write the annual plan per tier and named account from decisions, allocation and goals.

    Parameters
    ----------
    decisions : DecisionTable
        Stances and tiers.
    goals : PlanGoals
        What the firm has set: targets, owners, budgets, accounts.
    profit : array_like of float, shape (n_customers,)
        Profit expected of each customer in the year without measures [money]; NaN counts as 0.
    p_stay : array_like of float, optional
        Probability of each customer to stay the year.
    share_of_wallet : array_like of float, optional
        Share of each customer's category spending.
    p_upgrade : array_like of float, optional
        Probability of each customer to reach the next tier (`PotentialTable.probability`).
    allocation : Allocation, optional
        Measures planned, with their gain and cost.

    Returns
    -------
    AnnualPlan
        Tiers best first, then accounts. Where no goal is set: target profit = expected profit +
        expected gain of the measures; target retention = expected; target promotions = sum of
        the probabilities; budget = expected cost of the measures.

    Raises
    ------
    SchemaError
        If a goal names an unknown tier or customer.
    AlignmentError
        If the arrays or the allocation describe other customers.

    Examples
    --------
    >>> from retainkit.policy import Goal, PlanGoals, assess_potential, decide_actions, plan_year
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> scheme = fit_tier_scheme(value)
    >>> decisions = decide_actions(
    ...     assign_tiers(value, scheme), potential=assess_potential(value, scheme))
    >>> goals = PlanGoals(year="2026", tiers=(Goal(name="key", owner="Li Wei", profit=90.0),))
    >>> plan_year(decisions, goals=goals, profit=value).summary()
           name  customers  profit  target_profit  budget
    0       key          2    85.0           90.0     0.0
    1  ordinary          1    10.0           10.0     0.0
    2     small          2     5.0            5.0     0.0
    3     total          5   100.0          105.0     0.0
    """
    n = len(decisions)
    if allocation is not None:
        check_same_customers(allocation.customer_id, decisions.customer_id, "allocation")
    facts = _Facts(
        decisions,
        np.nan_to_num(as_floats(profit, "profit", n=n)),
        _optional(p_stay, "p_stay", n),
        _optional(share_of_wallet, "share_of_wallet", n),
        _optional(p_upgrade, "p_upgrade", n),
        allocation,
    )
    by_tier = {goal.name: goal for goal in goals.tiers}
    strange = [name for name in by_tier if name not in decisions.tier_names]
    if strange:
        raise SchemaError(f"goals for tiers {strange}", rule=f"tiers are {decisions.tier_names}")
    lines = [
        _line("tier", by_tier.get(name, Goal(name=name)), decisions.value_tier == code, facts)
        for code, name in enumerate(decisions.tier_names)
    ]
    ids = decisions.customer_id.astype(str)
    for goal in goals.accounts:
        mask = np.asarray(ids == goal.name)
        if not mask.any():
            raise SchemaError(
                f"no customer {goal.name!r}", rule="accounts are named by their customer id"
            )
        lines.append(_line("account", goal, mask, facts))
    return AnnualPlan(year=goals.year, lines=tuple(lines))


class _Facts(NamedTuple):
    decisions: DecisionTable
    profit: FloatArray
    p_stay: FloatArray
    share: FloatArray
    p_upgrade: FloatArray
    allocation: Allocation | None


def _optional(values: ArrayLike1D | None, what: str, n: int) -> FloatArray:
    if values is None:
        return np.full(n, np.nan)
    return as_floats(values, what, n=n, bounds=(0.0, 1.0))


def _line(
    kind: Literal["tier", "account"], goal: Goal, mask: npt.NDArray[np.bool_], facts: _Facts
) -> PlanLine:
    profit = math.fsum(facts.profit[mask].tolist())
    retention, share = _mean(facts.p_stay[mask]), _mean(facts.share[mask])
    rises = facts.p_upgrade[mask]
    expected_rises = float(np.nansum(rises)) if not np.isnan(rises).all() else np.nan
    gain = cost = 0.0
    measures: tuple[tuple[str, int], ...] = ()
    plan = facts.allocation
    if plan is not None:
        gain = math.fsum(plan.expected_gain[mask].tolist())
        cost = math.fsum(plan.expected_cost[mask].tolist())
        codes, heads = np.unique(plan.measure[mask & (plan.measure >= 0)], return_counts=True)
        pairs = zip(codes.tolist(), heads.tolist(), strict=True)
        measures = tuple((plan.measures[code], count) for code, count in pairs)
    return PlanLine(
        kind=kind,
        name=goal.name,
        owner=goal.owner,
        customers=int(mask.sum()),
        profit=profit,
        target_profit=profit + gain if goal.profit is None else goal.profit,
        retention=retention,
        target_retention=retention if goal.retention is None else goal.retention,
        share=share,
        target_share=share if goal.share is None else goal.share,
        target_promotions=expected_rises if goal.promotions is None else goal.promotions,
        measures=measures,
        budget=cost if goal.budget is None else goal.budget,
        basis="goal" if goal.profit is not None else "plan" if measures else "none",
    )


def _mean(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan
