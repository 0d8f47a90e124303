"""Write the plan: one row per customer, drawn into a trial, carried on from the last plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.kernels.intervals import normal_quantile
from retainkit.churn import StateTable
from retainkit.policy import _kernel_trial as _kernel
from retainkit.policy._action_ids import action_ids
from retainkit.policy._allocation import Allocation
from retainkit.policy._decisions import DecisionTable
from retainkit.policy._holdout import hash_customers
from retainkit.policy._measure_catalog import DO_NOTHING
from retainkit.policy._measures import PolicyMeasure
from retainkit.policy._plan_config import PlanConfig
from retainkit.policy._plan_table import ARMS, COLUMNS, STEPS, ActionPlan, HasReasons
from retainkit.policy._prices import LEVEL, PricedEffects
from retainkit.policy._states import allowed_by_kind
from retainkit.policy._vocabulary import STANCES, Stance
from retainkit.typing import BoolArray, FloatArray, IntArray

_TRIED_STANCES = [
    STANCES.index(stance)
    for stance in (Stance.PROTECT, Stance.DEVELOP, Stance.MAINTAIN, Stance.NURTURE)
] + [STANCES.index(Stance.RESCUE), STANCES.index(Stance.WIN_BACK)]
_URGENT = ("rescue", "protect")
_STANCE_NAMES = np.array([str(stance.value) for stance in STANCES])
_REACH = normal_quantile(LEVEL)
_MOST_UNPRICED = 0.3
"""Largest share held out of an action that counts on no effect."""


class PlanFacts(NamedTuple):
    """What a plan must know of the customers beside the decisions; None: of nobody.

    Attributes
    ----------
    states : StateTable or None
        State of the relation; None: everybody is present.
    worth : ndarray of float64
        What a customer brings within the horizon when active [money]; NaN where not known.
    expected : ndarray of float64
        What a customer is expected to bring within the horizon [money].
    at_stake : ndarray of float64
        What its silence has put at risk [money].
    owner : sequence of str or None
        Who answers for each customer.
    apart : ndarray of bool or None
        Who may not be held out: an open complaint, a renewal due, a named key account, no consent.
    unit : pandas.Index or None
        Household or parent account of each customer, held out together.
    cv : float
        Standard deviation over mean of what the forecast leaves open.
    attempts : ndarray of int or None
        Rounds in which each was asked before to stay or to return.
    reasons : HasReasons or None
        Who says why.
    """

    states: StateTable | None
    worth: FloatArray
    expected: FloatArray
    at_stake: FloatArray
    owner: Sequence[str | None] | None = None
    apart: BoolArray | None = None
    unit: pd.Index[Any] | None = None
    cv: float = 2.0
    attempts: IntArray | None = None
    reasons: HasReasons | None = None


class Trial(NamedTuple):
    """The trial that rows of a plan are drawn into."""

    name: str
    start: date
    days: int


class Chosen(NamedTuple):
    """What each customer gets before the draw: catalogue position, or -1; and what was priced."""

    action: npt.NDArray[np.int64]
    step: npt.NDArray[np.int8]
    gain: FloatArray
    deviation: FloatArray
    cost: FloatArray


def choose_actions(
    decisions: DecisionTable, allocation: Allocation | None, effects: PricedEffects | None
) -> Chosen:
    """Return the action of each customer and where those without one left the funnel.

    The allocation decides where an action is priced for a customer, else the decision stands.
    """
    n, names = len(decisions), [measure.id for measure in decisions.catalog.measures]
    nothing = names.index(DO_NOTHING)
    action = decisions.action.astype(np.int64)
    allowed = allowed_by_kind(decisions.catalog, decisions.config, decisions.kinds)
    allowed[nothing] = False
    step = np.zeros(n, dtype=np.int8)
    blank = np.full(n, np.nan)
    gain, deviation, cost = blank.copy(), blank.copy(), blank.copy()
    calm = np.array([_asks_nothing(measure) for measure in decisions.catalog.measures])
    idle = (action == nothing) | calm[action]
    action[idle] = nothing
    step[idle] = STEPS.index("rule")
    step[idle & ~allowed.any(axis=0).take(decisions.kind)] = STEPS.index("eligibility")
    step[idle & decisions.guarded] = STEPS.index("guard_rail")
    if allocation is not None and set(allocation.measures) - {DO_NOTHING}:
        code = np.array([names.index(name) for name in allocation.measures], dtype=np.int64)
        priced = np.isin(np.arange(len(names)), code[code != nothing])
        judged = allowed[priced].any(axis=0).take(decisions.kind)
        given = allocation.measure >= 0
        action = np.where(given, code[allocation.measure], np.where(judged, nothing, action))
        gain = np.where(given, allocation.expected_gain, gain)
        cost = np.where(given, allocation.expected_cost, cost)
        if effects is not None:
            column = np.full(len(names), -1)
            column[[names.index(name) for name in effects.actions]] = range(len(effects.actions))
            place = column[action]
            told = given & (place >= 0)
            deviation[told] = effects.deviation[told, place[told]]
        left = judged & ~given
        step[given] = 0
        step[left] = STEPS.index("does_not_pay")
    return Chosen(np.where(action == nothing, -1, action), step, gain, deviation, cost)


def _is_free(measure: PolicyMeasure) -> bool:
    """Return whether an action may be left undone as a proof: no duty, no debt, nothing taken."""
    return not (measure.adverse or measure.comes_first or "credit" in measure.changes)


def _asks_nothing(measure: PolicyMeasure) -> bool:
    """Return whether a measure leaves the customer as it is and only saves effort."""
    return set(measure.changes) <= {"cost_to_serve"} and not measure.adverse


def _most_first(
    last: BoolArray, stake: FloatArray, value: FloatArray, ids: pd.Index[Any]
) -> IntArray:
    """Return the order by stake, then value, then the id as text: read only where both are tied.

    Those in `last` come after all others.
    """
    order = np.lexsort((-value, -stake))
    if not len(order):
        return order
    this, following = order[:-1], order[1:]
    same = (stake[this] == stake[following]) & (value[this] == value[following])
    tied = order[np.append(same, False) | np.append(False, same)]
    text = np.zeros(len(ids), dtype=np.int64)
    text[tied] = np.unique(ids[tied].astype(str).to_numpy().astype(str), return_inverse=True)[1]
    return np.lexsort((text, -value, -stake, last))


def plan_actions(
    decisions: DecisionTable,
    chosen: Chosen,
    facts: PlanFacts,
    *,
    as_of: date,
    trial: Trial,
    config: PlanConfig,
    effects: PricedEffects | None = None,
    entered: npt.NDArray[np.str_] | None = None,
) -> ActionPlan:
    """Draw the trial and write one row per customer with something to do or to compare.

    `entered` is what brought each row about, as an id of the triggers.
    """
    ids = decisions.customer_id
    drawn = _draw(decisions, chosen, facts, trial, config, effects)
    rows = np.flatnonzero((drawn.action >= 0) & ((chosen.action >= 0) | (drawn.arm > 0)))
    stake, value = (np.nan_to_num(x[rows]) for x in (facts.at_stake, facts.expected))
    let_go = decisions.stance[rows] == STANCES.index(Stance.LET_GO)
    order = _most_first(let_go, stake, value, ids[rows])
    gain = chosen.gain[rows]
    if not np.isnan(gain).all():
        order = order[np.argsort(-np.nan_to_num(gain[order]), kind="stable")]
    rows = rows[order]
    frame = pd.DataFrame(
        {
            **_who(decisions, facts, rows, entered),
            **_what(decisions, chosen, facts, drawn, rows),
            **_when(decisions, drawn, rows, as_of, trial, config),
        }
    )[list(COLUMNS)]
    step = chosen.step.copy()
    step[np.isin(drawn.arm, [_kernel.HELD_OUT, _kernel.NEVER])] = STEPS.index("held_out")
    return ActionPlan(
        rows=frame,
        source=facts.reasons,
        customer_id=ids,
        step=step,
        cv=facts.cv,
    )


def _who(
    decisions: DecisionTable,
    facts: PlanFacts,
    rows: npt.NDArray[np.int64],
    entered: npt.NDArray[np.str_] | None,
) -> dict[str, Any]:
    """Return whom a row is about, and what brought it about."""
    ids = decisions.customer_id[rows]
    state = pd.Index(["present"]).repeat(len(rows))
    if facts.states is not None:
        state = pd.Index(facts.states.states).take(facts.states.state[rows])
    rules = pd.Index([rule.id for rule in decisions.config.rules]).take(decisions.rule[rows])
    return {
        "action_id": action_ids(ids, state, rules),
        "customer_id": ids,
        "state": state,
        "tier": pd.Index(decisions.tier_names).take(decisions.value_tier[rows]),
        "stance": pd.Index(_STANCE_NAMES).take(decisions.stance[rows]),
        "why": "",
        "trigger": "" if entered is None else entered[rows],
        "owner": _owners(facts.owner, rows),
        "at_stake": facts.at_stake[rows],
        "attempts": 0 if facts.attempts is None else facts.attempts[rows].astype(np.int64),
        "expected_value": facts.expected[rows],
        "worth": facts.worth[rows],
    }


def _what(
    decisions: DecisionTable,
    chosen: Chosen,
    facts: PlanFacts,
    drawn: _Drawn,
    rows: npt.NDArray[np.int64],
) -> dict[str, Any]:
    """Return what is done, what it costs, and what it is expected to bring."""
    measures, action = decisions.catalog.measures, drawn.action[rows]
    cost = np.where(chosen.action[rows] >= 0, chosen.cost[rows], drawn.cost[rows])
    gain, reach = chosen.gain[rows], _REACH * chosen.deviation[rows]
    worth = facts.worth[rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        break_even = np.where(worth > 0.0, cost / worth, np.nan)
    return {
        "action": pd.Index([measure.id for measure in measures]).take(action),
        "channel": pd.Index([measure.channel for measure in measures]).take(action),
        "cost": cost,
        "expected_gain": gain,
        "gain_low": gain - reach,
        "gain_high": gain + reach,
        "break_even": break_even,
    }


def _when(
    decisions: DecisionTable,
    drawn: _Drawn,
    rows: npt.NDArray[np.int64],
    as_of: date,
    trial: Trial,
    config: PlanConfig,
) -> dict[str, Any]:
    """Return days, status, and the side of the trial."""
    arm, today, none = drawn.arm[rows], np.datetime64(as_of, "s"), np.datetime64("NaT", "s")
    urgent = np.isin(_STANCE_NAMES, _URGENT)[decisions.stance[rows]] | (
        decisions.value_tier[rows] == 0
    )
    wait = np.where(urgent, max(config.due_days // 2, 1), config.due_days)
    tried = arm != ARMS.index("not_proven")
    start = np.datetime64(trial.start, "s")
    end = start + np.timedelta64(trial.days, "D").astype("timedelta64[s]")
    return {
        "due": today + wait.astype("timedelta64[D]").astype("timedelta64[s]"),
        "holdout": np.isin(arm, [_kernel.HELD_OUT, _kernel.NEVER, _kernel.COMPARED]),
        "status": "open",
        "snoozed_until": none,
        "first_raised": today,
        "override_by": "",
        "override_reason": "",
        "override_until": none,
        "trial": pd.Index(["", trial.name]).take(tried.astype(np.intp)),
        "trial_start": np.where(tried, start, none),
        "trial_end": np.where(tried, end, none),
        "arm": pd.Index(ARMS).take(arm),
        "held_out_share": np.where(tried | drawn.too_few[rows], drawn.share[rows], np.nan),
    }


class _Drawn(NamedTuple):
    action: npt.NDArray[np.int64]
    arm: npt.NDArray[np.int8]
    share: FloatArray
    cost: FloatArray
    too_few: BoolArray
    """Whose action would be tried if it had more customers."""


def _draw(
    decisions: DecisionTable,
    chosen: Chosen,
    facts: PlanFacts,
    trial: Trial,
    config: PlanConfig,
    effects: PricedEffects | None,
) -> _Drawn:
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
    action, cost = chosen.action.copy(), chosen.cost.copy()
    if effects is not None and effects.actions:
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
    by_action = _shares(chosen, planned, facts, config, heads)
    shows = _kernel.detectable_effect(heads, by_action, np.full(heads.size, facts.cv), LEVEL, 0.8)
    enough = (heads >= 2 * _kernel.LEAST) & (shows <= 1.0)  # fewer than that could not be read
    too_few = planned & ~enough[chosen.action]
    planned &= ~too_few
    share = by_action[np.maximum(chosen.action, 0)]
    arm = _kernel.draw_arms(
        planned,
        idle,
        share,
        hash_customers(units, trial.name),
        hash_customers(units, "never treated"),
        never=config.never_treated,
        explore=config.explore,
    )
    action[(chosen.action < 0) & (arm == _kernel.OUTSIDE)] = -1
    return _Drawn(action, arm, share, cost, too_few)


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


def _owners(owner: Sequence[str | None] | None, rows: npt.NDArray[np.int64]) -> Any:
    if owner is None:
        return ""
    return np.array([name or "" for name in owner], dtype=object)[rows]


def trial_of(previous: ActionPlan | None, as_of: date, config: PlanConfig) -> Trial:
    """Return the trial that is running on a day: that of the previous plan until it is over."""
    if previous is not None:
        running = previous.rows[previous.rows["trial_end"] > pd.Timestamp(as_of)]
        if len(running):
            one = running.iloc[0]
            days = (one["trial_end"] - one["trial_start"]).days
            return Trial(str(one["trial"]), one["trial_start"].date(), int(days))
    return Trial(f"{config.trial} {as_of}", as_of, config.duration_days)
