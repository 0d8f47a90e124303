"""From decisions to plans: what a budget buys, the year's goals, audit and owners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from retainkit._pipeline._config import BudgetConfig
from retainkit._pipeline._customers import CustomerScores
from retainkit.errors import SchemaError
from retainkit.policy import (
    ActionPlan,
    ActionPrice,
    Allocation,
    AnnualPlan,
    AuditConfig,
    AuditTable,
    GainTable,
    PlanGoals,
    audit_decisions,
    catalog_limits,
    measure_gains,
    plan_sensitivity,
    plan_year,
)
from retainkit.policy._plan_carry import is_kept
from retainkit.policy._plan_table import DOING
from retainkit.policy._prices import PricedEffects, price_effects, with_prices
from retainkit.scorecard import OwnerAppraisal, appraise_runs
from retainkit.tables import align_customer_ids, protected_attributes
from retainkit.typing import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BudgetPlan:
    """What each allowed measure would gain, and which of them the budget buys.

    Parameters
    ----------
    gains : GainTable
        What each allowed measure would gain for each customer.
    allocation : Allocation
        One measure or none per customer.
    frontier : pandas.DataFrame
        What plans of other budgets would gain within the same limits: budget, cost, gain [money],
        customers treated, next_unit_earns, gap. Empty without a budget.
    sensitivity : pandas.DataFrame
        Share of customers whose action changes when an assumption moves by 20 %.
    effects : PricedEffects or None
        What the priced actions bring, and how sure that is; None without prices.
    good : numpy.ndarray of bool
        Who would get something if money and capacities were no limit.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.pipeline import BudgetConfig
    >>> from retainkit.policy import ActionPrice, EffectSize
    >>> price = ActionPrice(action="personal_ties", cost=2.0, effect=EffectSize(value=0.1))
    >>> config = rk.PipelineConfig(prices=(price,), budget=BudgetConfig(amount=100.0))
    >>> result = rk.RetentionPipeline(config).run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> result.budget.allocation.cost
    100.0
    """

    gains: GainTable
    allocation: Allocation
    frontier: pd.DataFrame
    sensitivity: pd.DataFrame
    effects: PricedEffects | None
    good: BoolArray


def rank_by_gain(scores: CustomerScores, gains: GainTable) -> CustomerScores:
    """Return the scores with the action that gains most wherever an action is priced."""
    policy, names = scores.policy, np.array(gains.measures)
    known = ~np.isnan(gains.gain[:, 1:]).all(axis=1)
    best = np.nan_to_num(gains.gain, nan=-np.inf).argmax(axis=1)
    rows = np.arange(best.size)
    code = np.array([policy.catalog.positions[name] for name in names], dtype=np.int16)
    return replace(
        scores,
        policy=replace(
            policy,
            measure=np.where(known, code[best], policy.measure).astype(np.int16),
            expected_gain=np.where(known, gains.gain[rows, best], policy.expected_gain),
            expected_cost=np.where(known, gains.cost[rows, best], policy.expected_cost),
            economics=np.where(known, np.int8(0), policy.economics).astype(np.int8),
        ),
    )


def price_actions(
    scores: CustomerScores, prices: Sequence[ActionPrice], worth: FloatArray
) -> tuple[CustomerScores, GainTable, PricedEffects | None]:
    """Return the scores with the prices in their catalogue, what actions gain, and their effects.

    An action that is not sure enough to pay with a customer is not open to it.
    """
    effects = None
    if prices:
        catalog = with_prices(scores.policy.catalog, prices)
        scores = replace(scores, policy=replace(scores.policy, catalog=catalog))
        effects = price_effects(prices, worth, scores.states.is_lost)
    money = {} if effects is None else dict(zip(effects.actions, effects.mean.T, strict=True))
    gains = measure_gains(scores.policy, churn=scores.churn, money=money)
    if effects is None:
        return scores, gains, None
    gain = gains.gain.copy()
    for column, name in enumerate(effects.actions):
        place = gains.measures.index(name)
        gain[~effects.sure[:, column], place] = np.nan
    return rank_by_gain(scores, gains), replace(gains, gain=gain), effects


def plan_budget(
    scores: CustomerScores,
    gains: GainTable,
    effects: PricedEffects | None,
    config: BudgetConfig | None,
    previous: ActionPlan | None = None,
) -> BudgetPlan | None:
    """Plan the budget; None where there is neither a budget nor a price.

    What rows of a running trial cost is spent already; their customers get nothing else.
    """
    if config is None and effects is None:
        return None
    amount, limits = (np.inf, ()) if config is None else (config.amount, config.limits)
    limits = (*catalog_limits(scores.policy.catalog), *limits)
    if previous is not None:
        gains, spent = _without_kept(gains, previous, scores)
        amount = max(amount - spent, 0.0)
    frontier = pd.DataFrame()
    if config is not None:
        frontier = gains.frontier([x * config.amount for x in config.frontier], limits=limits)
    with np.errstate(invalid="ignore"):
        good = np.asarray((gains.gain[:, 1:] > 0.0).any(axis=1), dtype=np.bool_)
    return BudgetPlan(
        gains=gains,
        allocation=gains.allocate(amount, limits=limits),
        frontier=frontier,
        sensitivity=plan_sensitivity(gains, budget=amount, limits=limits),
        effects=effects,
        good=good,
    )


def _without_kept(
    gains: GainTable, previous: ActionPlan, scores: CustomerScores
) -> tuple[GainTable, float]:
    rows = previous.rows[is_kept(previous, scores.history.as_of)]
    place = align_customer_ids(rows["customer_id"], scores.customer_id)
    gain = gains.gain.copy()
    gain[place[place >= 0], 1:] = np.nan
    doing = rows["arm"].isin(DOING) & (rows["status"] != "declined")
    return replace(gains, gain=gain), float(rows.loc[doing, "cost"].sum())


def plan_goals(
    scores: CustomerScores, plan: BudgetPlan | None, goals: PlanGoals | None
) -> AnnualPlan | None:
    """Write the plan of the year; None where no goals are set."""
    if goals is None:
        return None
    stays = scores.churn.p_active
    return plan_year(
        scores.policy,
        goals=goals,
        profit=scores.value.future_potential,
        p_stay=None if np.isnan(stays).all() else stays,
        share_of_wallet=scores.share_of_wallet,
        allocation=plan.allocation if plan else None,
    )


def audit_groups(
    scores: CustomerScores, customers: pd.DataFrame | None, config: AuditConfig
) -> AuditTable | None:
    """Look for adverse decisions that fall on protected groups; stop where the limits say so."""
    if customers is None:
        return None
    attributes = protected_attributes(customers, to=scores.customer_id)
    if not attributes:
        return None
    found = audit_decisions(scores.policy, attributes, config=config)
    found.enforce()
    return found


def appraise(
    before: CustomerScores | None,
    after: CustomerScores,
    customers: pd.DataFrame | None,
    owner_column: str | None,
) -> OwnerAppraisal | None:
    """Appraise owners on the customers of the run before; None without one or without owners."""
    if before is None or owner_column is None or customers is None:
        return None
    if owner_column not in customers.columns:
        raise SchemaError(
            f"owner_column is {owner_column!r}, and no trait has this name",
            rule="owners are a trait of the customers table",
            where="PipelineConfig.owner_column",
            fix=f"CustomerColumns(traits=({owner_column!r},)) keeps the column",
        )
    return appraise_runs(before, after, owner=customers.set_index("customer_id")[owner_column])
