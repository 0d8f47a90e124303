"""The rows of a plan: kept as decisions, written out when somebody reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.kernels.intervals import normal_quantile
from retainkit.churn import StateTable
from retainkit.policy import _kernel_trial as _kernel
from retainkit.policy._decisions import DecisionTable
from retainkit.policy._kernel_hash import hash_codes
from retainkit.policy._plan_carry import Triggers
from retainkit.policy._plan_config import PlanConfig
from retainkit.policy._plan_table import ARMS, COLUMNS, HasReasons
from retainkit.policy._prices import LEVEL
from retainkit.policy._vocabulary import STANCES, Stance
from retainkit.typing import BoolArray, FloatArray, IntArray

_URGENT = ("rescue", "protect")
_STANCE_NAMES = np.array([str(stance.value) for stance in STANCES])
_REACH = normal_quantile(LEVEL)


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

    action: npt.NDArray[np.int16]
    step: npt.NDArray[np.int8]
    gain: FloatArray
    deviation: FloatArray
    cost: FloatArray


class Drawn(NamedTuple):
    """The lot: action and arm of each, the share held out of each planned action, and its cost."""

    action: npt.NDArray[np.int16]
    arm: npt.NDArray[np.int8]
    planned: npt.NDArray[np.int16]
    shares: FloatArray
    cost: FloatArray
    too_few: BoolArray
    """Whose action would be tried if it had more customers."""

    def share_of(self, rows: Any = slice(None)) -> FloatArray:
        """Return the share held out among the customers of each one's action."""
        return np.asarray(self.shares[np.maximum(self.planned[rows], 0)])


@dataclass(frozen=True, slots=True)
class PlanRows:
    """The rows of a plan as decided and drawn: a few bytes a customer until they are written."""

    decisions: DecisionTable
    chosen: Chosen
    facts: PlanFacts
    drawn: Drawn
    as_of: date
    trial: Trial
    config: PlanConfig
    entered: Triggers | None

    def __len__(self) -> int:
        return int(np.count_nonzero(self._listed()))

    def _listed(self) -> BoolArray:
        """Return who has something to do or to compare."""
        drawn = self.drawn
        return np.asarray((drawn.action >= 0) & ((self.chosen.action >= 0) | (drawn.arm > 0)))

    def frame(self) -> pd.DataFrame:
        """Write the rows out, in their order."""
        rows = _in_order(self.decisions, self.chosen, self.facts, np.flatnonzero(self._listed()))
        written = {
            **_who(self.decisions, self.facts, rows, self.entered),
            **_what(self.decisions, self.chosen, self.facts, self.drawn, rows),
            **_when(self.decisions, self.drawn, rows, self.as_of, self.trial, self.config),
        }
        return pd.DataFrame({name: written.pop(name) for name in COLUMNS})


def _in_order(
    decisions: DecisionTable, chosen: Chosen, facts: PlanFacts, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the rows, most in play first, or by expected gain where it is known."""
    value = facts.expected[rows]
    in_play, value = map(np.nan_to_num, (put_in_play(facts.at_stake[rows], value), value))
    let_go = decisions.stance[rows] == STANCES.index(Stance.LET_GO)
    order = _most_first(let_go, in_play, value, decisions.customer_id[rows])
    gain = chosen.gain[rows]
    if not np.isnan(gain).all():
        order = order[np.argsort(-np.nan_to_num(gain[order]), kind="stable")]
    return rows[order]


def put_in_play(at_stake: FloatArray, expected: FloatArray) -> FloatArray:
    """Return what silence has put at risk, and what is expected of who is not silent [money]."""
    return np.where(np.isnan(at_stake), expected, at_stake)


def _most_first(
    last: BoolArray, in_play: FloatArray, value: FloatArray, ids: pd.Index[Any]
) -> IntArray:
    """Return the order by what is in play, then value, then the id as text: only where both tie.

    Those in `last` come after all others.
    """
    order = np.lexsort((-value, -in_play))
    if not len(order):
        return order
    this, following = order[:-1], order[1:]
    same = (in_play[this] == in_play[following]) & (value[this] == value[following])
    tied = order[np.append(same, False) | np.append(False, same)]
    text = np.zeros(len(ids), dtype=np.int64)
    text[tied] = np.unique(ids[tied].astype(str).to_numpy().astype(str), return_inverse=True)[1]
    return np.lexsort((text, -value, -in_play, last))


def _who(
    decisions: DecisionTable,
    facts: PlanFacts,
    rows: npt.NDArray[np.int64],
    entered: Triggers | None,
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
        "trigger": "" if entered is None else pd.Index(entered.names).take(entered.code[rows]),
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
    drawn: Drawn,
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
    drawn: Drawn,
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
        "held_out_share": np.where(tried | drawn.too_few[rows], drawn.share_of(rows), np.nan),
    }


def _owners(owner: Sequence[str | None] | None, rows: npt.NDArray[np.int64]) -> Any:
    if owner is None:
        return ""
    return np.array([name or "" for name in owner], dtype=object)[rows]


def action_ids(customer_id: pd.Index[Any], state: Any, rule: Any) -> npt.NDArray[np.str_]:
    """Return 16 hexadecimal digits per customer, state and rule; the same in every run."""
    codes = hash_codes(_as_bytes(customer_id), "action", _ending(state), _ending(rule))
    digits = codes.astype(">u8").tobytes().hex()
    return np.frombuffer(digits.encode("ascii"), dtype="S16").astype(str)


def _as_bytes(texts: pd.Index[Any]) -> npt.NDArray[np.bytes_]:
    """Return texts in UTF-8, or numbers as they are written."""
    if texts.dtype.kind in "iu":
        return np.asarray(texts).astype("S")
    return np.char.encode(texts.astype(str).to_numpy().astype(str), "utf-8")


def _ending(texts: Any) -> npt.NDArray[np.bytes_]:
    """Return texts, of which few differ, each behind a separator."""
    code, found = pd.factorize(pd.Index(texts))
    return np.char.encode(np.char.add("\x1f", np.asarray(found).astype(str)), "utf-8")[code]
