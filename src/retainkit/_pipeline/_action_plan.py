"""The action plan of a run: what it must know of the customers, and what the last plan brought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.kernels.intervals import normal_quantile
from retainkit._pipeline._attempts import attempts_before
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._customers import CustomerScores
from retainkit._pipeline._history import History
from retainkit._pipeline._plan import BudgetPlan, plan_budget, price_actions
from retainkit._pipeline._previous import PreviousRun
from retainkit._pipeline._reasons import write_reasons
from retainkit._pipeline._states import last_year
from retainkit.policy import ActionPlan, ActionPrice, PlanEvaluation, evaluate_plan
from retainkit.policy._plan_actions import choose_actions, plan_actions, trial_of
from retainkit.policy._plan_carry import carry_over, what_triggered
from retainkit.policy._plan_rows import PlanFacts
from retainkit.policy._plan_table import STEPS
from retainkit.tables import align_customer_ids
from retainkit.typing import BoolArray, FloatArray, Language

_SMALLEST = 0.01
"""Least probability to be active at which what a customer brings then can be told."""
_YEAR = 365.0


def read_back(
    previous: PreviousRun, history: History, config: PipelineConfig
) -> PlanEvaluation | None:
    """Read what the last plan brought; None without one."""
    plan = previous.plan
    if plan is None or not len(plan):
        return None
    rows = history.rows
    money = rows["amount"] * (config.value.margin_rate or 1.0)
    names = history.customer_id.to_numpy()
    came = pd.DataFrame(
        {
            "customer_id": names[rows["customer_id"].to_numpy()],
            "timestamp": rows["timestamp"].to_numpy(),
            "amount": rows.get("profit", money).to_numpy(dtype=np.float64),
        }
    )
    return evaluate_plan(
        plan,
        as_of=history.as_of,
        horizon_days=float(config.horizon_days),
        transactions=came,
        prices=known_prices(previous.prices, config.prices),
    )


def known_prices(
    before: Sequence[ActionPrice], given: Sequence[ActionPrice]
) -> tuple[ActionPrice, ...]:
    """Return the prices given, with the effects that earlier trials have taught."""
    taught = {price.action: price for price in before if price.trials}
    costs = {price.action: price.cost for price in given}
    named = [taught.get(price.action, price).replace(cost=price.cost) for price in given]
    return (*named, *(price for name, price in taught.items() if name not in costs))


class Reasons(NamedTuple):
    """Say why customers get their action."""

    scores: CustomerScores

    def why(self, rows: npt.NDArray[np.int64], language: Language) -> npt.NDArray[Any]:
        return write_reasons(self.scores, language, rows)


class Planned(NamedTuple):
    """The scores with what prices say, what the budget buys, and the plan."""

    scores: CustomerScores
    budget: BudgetPlan | None
    plan: ActionPlan


def make_plan(
    scores: CustomerScores,
    prices: Sequence[ActionPrice],
    config: PipelineConfig,
    previous: PreviousRun,
    customers: pd.DataFrame | None,
) -> Planned:
    """Plan one action per customer, draw the trial, and carry the last plan on."""
    facts = _gather(scores, config, customers, previous)
    scores, gains, effects = price_actions(scores, prices, facts.worth)
    budget = plan_budget(scores, gains, effects, config.budget, previous.plan)
    allocation = None if budget is None else budget.allocation
    chosen = choose_actions(scores.policy, allocation, effects)
    if budget is not None:
        left = (chosen.step == STEPS.index("does_not_pay")) & budget.good
        chosen.step[left] = STEPS.index("budget")
    as_of, states = scores.history.as_of, scores.states
    before = previous.states
    then = None
    if before is not None:
        then = pd.Series(before.state, before.customer_id)
        then = then[~then.index.duplicated()]
    plan = plan_actions(
        scores.policy,
        chosen,
        facts,
        as_of=as_of,
        trial=trial_of(previous.plan, as_of, config.plan),
        config=config.plan,
        effects=effects,
        entered=what_triggered(scores.customer_id, states.state, states.states, then),
    )
    if previous.plan is not None and len(previous.plan):
        plan = carry_over(plan, previous.plan, as_of)
    return Planned(scores, budget, plan)


def _gather(
    scores: CustomerScores,
    config: PipelineConfig,
    customers: pd.DataFrame | None,
    previous: PreviousRun,
) -> PlanFacts:
    """Return worth, what is at stake, owners, and who may not be held out."""
    earlier = attempts_before(previous, scores.states)
    active = scores.churn.p_active if scores.forecast is None else scores.forecast.p_active
    expected = scores.expected_value
    worth = worth_when_active(scores, active, expected, config)
    outlook = scores.policy.outlook
    stake = np.full(len(scores), np.nan) if outlook is None else outlook.at_stake
    owner, unit = _trait(customers, scores, config.owner_column), None
    if config.plan.unit_column is not None:
        unit = _trait(customers, scores, config.plan.unit_column)
    return PlanFacts(
        states=scores.states,
        worth=worth,
        expected=expected,
        at_stake=stake,
        owner=None if owner is None else owner.where(owner.notna(), None).tolist(),
        apart=_apart(scores, config, owner),
        unit=None if unit is None else pd.Index(unit.fillna(pd.Series(scores.customer_id))),
        cv=_spread(scores),
        attempts=None if earlier is None else earlier.count,
        reasons=Reasons(scores),
    )


def worth_when_active(
    scores: CustomerScores, active: FloatArray, expected: FloatArray, config: PipelineConfig
) -> FloatArray:
    """Return what a customer brings within the horizon when active [money].

    Expected value over probability, both of the forecast; where that cannot be told, what the
    customer brought in its last year.
    """
    outlook = scores.policy.outlook
    if outlook is not None:
        return outlook.value_if_active
    last = last_year(scores.history, scores.models.margin) if scores.models else expected
    last = last * config.horizon_days / _YEAR
    with np.errstate(divide="ignore", invalid="ignore"):
        told = expected / active
    return np.asarray(np.where(active >= _SMALLEST, told, np.maximum(last, 0.0)))


def _spread(scores: CustomerScores) -> float:
    """Return the coefficient of variation of what the forecast leaves open; 2 where unknown."""
    forecast = scores.forecast
    if forecast is None:
        return 2.0
    width = forecast.expected_value_high - forecast.expected_value_low
    known = np.isfinite(width) & scores.states.is_current
    mean = float(forecast.expected_value[known].mean()) if known.any() else 0.0
    if not mean > 0.0:
        return 2.0
    deviation = width[known] / (2.0 * normal_quantile(forecast.level))
    return float(np.sqrt((deviation**2).mean())) / mean


def _trait(
    customers: pd.DataFrame | None, scores: CustomerScores, name: str | None
) -> pd.Series[Any] | None:
    if name is None or customers is None or name not in customers.columns:
        return None
    place = align_customer_ids(scores.customer_id, pd.Index(customers["customer_id"]))
    return customers[name].reset_index(drop=True).reindex(place).reset_index(drop=True)


def _apart(
    scores: CustomerScores, config: PipelineConfig, owner: pd.Series[Any] | None
) -> BoolArray:
    """Return who may not be held out: complaint, cancellation, renewal due, named key account."""
    apart = np.zeros(len(scores), dtype=np.bool_)
    facts = scores.facts
    record = facts.on_record if facts else None
    for one in (record.complaint_open, record.cancellation_requested) if record else ():
        if one is not None:
            apart |= one
    if facts is not None and facts.days_to_renewal is not None:
        apart |= facts.days_to_renewal <= config.plan.duration_days
    if facts is not None and facts.contact is not None:
        apart |= facts.contact > 0
    if owner is not None:
        apart |= (scores.policy.value_tier == 0) & owner.notna().to_numpy()
    if config.goals is not None:
        named = [goal.name for goal in config.goals.accounts]
        apart |= np.asarray(scores.customer_id.astype(str).isin(named))
    return apart
