"""Plan the actions: one per customer, drawn into a trial."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from retainkit.policy import _kernel_trial as _kernel
from retainkit.policy._allocation import Allocation
from retainkit.policy._decisions import DecisionTable
from retainkit.policy._holdout import hash_customers
from retainkit.policy._measure_catalog import DO_NOTHING
from retainkit.policy._measures import PolicyMeasure
from retainkit.policy._plan_carry import Triggers
from retainkit.policy._plan_config import PlanConfig
from retainkit.policy._plan_rows import Chosen, Drawn, PlanFacts, PlanRows, Trial
from retainkit.policy._plan_table import STEPS, ActionPlan
from retainkit.policy._prices import LEVEL, PricedEffects
from retainkit.policy._states import allowed_by_kind
from retainkit.policy._vocabulary import STANCES, Stance
from retainkit.typing import BoolArray, FloatArray

_TRIED_STANCES = [
    STANCES.index(stance)
    for stance in (Stance.PROTECT, Stance.DEVELOP, Stance.MAINTAIN, Stance.NURTURE)
] + [STANCES.index(Stance.RESCUE), STANCES.index(Stance.WIN_BACK)]
_MOST_UNPRICED = 0.3
"""Largest share held out of an action that counts on no effect."""


def choose_actions(
    decisions: DecisionTable, allocation: Allocation | None, effects: PricedEffects | None
) -> Chosen:
    """Return the action of each customer and where those without one left the funnel.

    The allocation decides where an action is priced for a customer, else the decision stands.
    """
    n, names = len(decisions), [measure.id for measure in decisions.catalog.measures]
    nothing = names.index(DO_NOTHING)
    action = decisions.action.astype(np.int16)
    allowed = allowed_by_kind(decisions.catalog, decisions.config, decisions.kinds)
    allowed[nothing] = False
    step = np.zeros(n, dtype=np.int8)
    gain = deviation = cost = np.broadcast_to(np.nan, n)  # nothing is priced: no room for it
    calm = np.array([_asks_nothing(measure) for measure in decisions.catalog.measures])
    idle = (action == nothing) | calm[action]
    action[idle] = nothing
    step[idle] = STEPS.index("rule")
    step[idle & ~allowed.any(axis=0).take(decisions.kind)] = STEPS.index("eligibility")
    step[idle & decisions.guarded] = STEPS.index("guard_rail")
    if allocation is not None and set(allocation.measures) - {DO_NOTHING}:
        code = np.array([names.index(name) for name in allocation.measures], dtype=np.int16)
        priced = np.isin(np.arange(len(names)), code[code != nothing])
        judged = allowed[priced].any(axis=0).take(decisions.kind)
        given = allocation.measure >= 0
        action[judged] = nothing
        action = np.where(given, code[allocation.measure], action)
        gain = np.where(given, allocation.expected_gain, gain)
        cost = np.where(given, allocation.expected_cost, cost)
        if effects is not None:
            column = np.full(len(names), -1)
            column[[names.index(name) for name in effects.actions]] = range(len(effects.actions))
            place = column[action]
            told = given & (place >= 0)
            deviation = deviation.copy()
            deviation[told] = effects.deviation[told, place[told]]
        left = judged & ~given
        step[given] = 0
        step[left] = STEPS.index("does_not_pay")
    action[action == nothing] = -1
    return Chosen(action, step, gain, deviation, cost)


def _is_free(measure: PolicyMeasure) -> bool:
    """Return whether an action may be left undone as a proof: no duty, no debt, nothing taken."""
    return not (measure.adverse or measure.comes_first or "credit" in measure.changes)


def _asks_nothing(measure: PolicyMeasure) -> bool:
    """Return whether a measure leaves the customer as it is and only saves effort."""
    return set(measure.changes) <= {"cost_to_serve"} and not measure.adverse


def plan_actions(
    decisions: DecisionTable,
    chosen: Chosen,
    facts: PlanFacts,
    *,
    as_of: date,
    trial: Trial,
    config: PlanConfig,
    effects: PricedEffects | None = None,
    entered: Triggers | None = None,
) -> ActionPlan:
    """Draw the trial; one row per customer with something to do or to compare.

    `entered` is what brought each row about.
    """
    drawn = _draw(decisions, chosen, facts, trial, config, effects)
    step = chosen.step.copy()
    step[np.isin(drawn.arm, [_kernel.HELD_OUT, _kernel.NEVER])] = STEPS.index("held_out")
    return ActionPlan(
        written=PlanRows(
            decisions, chosen._replace(step=step), facts, drawn, as_of, trial, config, entered
        ),
        source=facts.reasons,
        customer_id=decisions.customer_id,
        step=step,
        cv=facts.cv,
    )


def _draw(
    decisions: DecisionTable,
    chosen: Chosen,
    facts: PlanFacts,
    trial: Trial,
    config: PlanConfig,
    effects: PricedEffects | None,
) -> Drawn:
    """Draw the arms; who is idle gets the action that the lot gives, with its cost.

    An action is tried where its trial can show an effect as large as all that a customer brings.
    """
    measures = decisions.catalog.measures
    steps = {step.id for step in decisions.catalog.debt_steps}
    free = np.array([_is_free(measure) and measure.id not in steps for measure in measures])
    units = decisions.customer_id if facts.unit is None else facts.unit
    open_to = np.isin(decisions.stance, _TRIED_STANCES)
    if facts.apart is not None:
        open_to &= ~facts.apart
    action, cost = chosen.action, chosen.cost
    if effects is not None and effects.actions:
        action, cost = action.copy(), cost.copy()
        place = np.array([decisions.catalog.positions[name] for name in effects.actions])
        allowed = allowed_by_kind(decisions.catalog, decisions.config, decisions.kinds)
        may = allowed[place].T[decisions.kind] & free[place] & open_to[:, None]
        lots = [hash_customers(units, f"{trial.name}\x1ftry\x1f{x}") for x in effects.actions]
        lot = np.where(may, np.column_stack(lots), -1.0).argmax(axis=1)
        idle = (chosen.action < 0) & may.any(axis=1)
        action[idle], cost[idle] = place[lot[idle]], effects.cost[lot[idle]]
    else:
        idle = np.zeros(action.size, dtype=np.bool_)
    planned = (chosen.action >= 0) & open_to & free[chosen.action]
    heads = np.bincount(chosen.action[planned], minlength=len(measures)).astype(np.float64)
    shares = _shares(chosen, planned, facts, config, heads)
    shows = _kernel.detectable_effect(heads, shares, np.full(heads.size, facts.cv), LEVEL, 0.8)
    enough = (heads >= 2 * _kernel.LEAST) & (shows <= 1.0)  # fewer than that could not be read
    too_few = planned & ~enough[chosen.action]
    planned &= ~too_few
    drawn = Drawn(action, np.zeros(0, dtype=np.int8), chosen.action, shares, cost, too_few)
    arm = _kernel.draw_arms(
        planned,
        idle,
        drawn.share_of(),
        hash_customers(units, trial.name),
        hash_customers(units, "never treated"),
        never=config.never_treated,
        explore=config.explore,
    )
    action = np.where((chosen.action < 0) & (arm == _kernel.OUTSIDE), np.int16(-1), action)
    return drawn._replace(action=action, arm=arm)


def _shares(
    chosen: Chosen, planned: BoolArray, facts: PlanFacts, config: PlanConfig, heads: FloatArray
) -> FloatArray:
    """Return the share held out among the customers of each action."""
    code, m = chosen.action[planned], heads.size
    effect = np.bincount(code, weights=(chosen.gain + chosen.cost)[planned], minlength=m)
    money = np.bincount(code, weights=np.nan_to_num(facts.expected[planned]), minlength=m)
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.abs(effect / money)
    known = (wanted > 0.0) & np.isfinite(wanted)
    wanted = np.where(known, wanted, config.detect)
    most = np.where(known, config.most_held_out, min(_MOST_UNPRICED, config.most_held_out))
    share = _kernel.share_to_detect(heads, wanted, np.full(m, facts.cv), 0.95, 0.8)
    return np.asarray(
        np.clip(share, config.least_held_out, np.maximum(most, config.least_held_out))
    )


def trial_of(previous: ActionPlan | None, as_of: date, config: PlanConfig) -> Trial:
    """Return the trial that is running on a day: that of the previous plan until it is over."""
    if previous is not None:
        running = previous.rows[previous.rows["trial_end"] > pd.Timestamp(as_of)]
        if len(running):
            one = running.iloc[0]
            days = (one["trial_end"] - one["trial_start"]).days
            return Trial(str(one["trial"]), one["trial_start"].date(), int(days))
    return Trial(f"{config.trial} {as_of}", as_of, config.duration_days)
