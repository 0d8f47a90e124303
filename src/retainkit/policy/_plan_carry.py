"""The list lives: rows of the last plan go on, with what a person wrote into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.policy._plan_table import DOING, STEPS, ActionPlan
from retainkit.typing import BoolArray

_WRITTEN: Final = ("status", "snoozed_until", "override_by", "override_reason", "override_until")
_ASKING: Final = ("rescue", "win_back")


def is_running(plan: ActionPlan, as_of: date) -> BoolArray:
    """Return which rows stand in a trial that is not over."""
    return np.asarray(plan.rows["trial_end"] > pd.Timestamp(as_of))


def is_kept(plan: ActionPlan, as_of: date) -> BoolArray:
    """Return which rows stay as they are: a running trial, or what somebody has overridden."""
    rows = plan.rows
    held = rows["override_by"].fillna("").astype(str).str.strip() != ""
    until = rows["override_until"].isna() | (rows["override_until"] >= pd.Timestamp(as_of))
    kept: BoolArray = is_running(plan, as_of) | np.asarray(held & until)
    return kept


def rounds_tried(plan: ActionPlan) -> npt.NDArray[np.int64]:
    """Return in how many rounds each row's customer was asked to stay or to return.

    The round of the row counts, unless the customer was held out or somebody
    declined or put off the row.
    """
    rows = plan.rows
    asked = rows["arm"].isin(DOING) & rows["stance"].isin(_ASKING)
    asked &= rows["status"].isin(("open", "done"))
    return (rows["attempts"] + asked).to_numpy(dtype=np.int64)


def carry_over(plan: ActionPlan, previous: ActionPlan, as_of: date) -> ActionPlan:
    """Return the plan with the rows of the previous one that live on.

    A row of a running trial, or one overridden by a person, stays as it was; where nothing calls
    for it any longer it is closed, and still read when the trial is over. Any other row whose
    `action_id` is called for again keeps the day it was first raised and a status of declined or
    snoozed (until its day); done becomes open again: another round.
    """
    now, before = plan.rows, previous.rows
    kept = is_kept(previous, as_of)
    called = before["action_id"].isin(now["action_id"])
    stay = before[kept].copy()
    over = ~called[kept] & (stay["status"] == "open") & ~stay["arm"].eq("compared")
    stay["status"] = np.where(over, "closed", stay["status"])
    stay["status"] = _awake(stay, as_of)
    fresh = now[~now["customer_id"].isin(stay["customer_id"])].copy()
    known = before.drop_duplicates("action_id").set_index("action_id")
    place = known.index.get_indexer(pd.Index(fresh["action_id"]))
    found = place >= 0
    if found.any():
        old = known.iloc[place[found]]
        fresh.loc[found, "first_raised"] = old["first_raised"].to_numpy()
        for name in _WRITTEN:
            fresh.loc[found, name] = old[name].to_numpy()
        again = fresh["status"].isin(("done", "closed"))
        fresh["status"] = np.where(again, "open", fresh["status"])
        fresh["status"] = _awake(fresh, as_of)
    rows = pd.concat([stay, fresh], ignore_index=True)
    refused = rows.loc[rows["status"].isin(("declined", "snoozed")), "customer_id"]
    step = plan.step.copy()
    step[plan.customer_id.isin(refused) & (step == 0)] = STEPS.index("contact_limit")
    return replace(plan, written=rows, step=step)


def _awake(rows: pd.DataFrame, as_of: date) -> npt.NDArray[Any]:
    """Return the status, open again where a row was put off until a day that has come."""
    woken = (rows["status"] == "snoozed") & (rows["snoozed_until"] <= pd.Timestamp(as_of))
    return np.where(woken, "open", rows["status"])


class Triggers(NamedTuple):
    """What brought each customer onto the list: a position in `names`."""

    code: npt.NDArray[np.int8]
    names: tuple[str, ...]


def what_triggered(
    customer_id: pd.Index[Any],
    state: npt.NDArray[np.int8],
    states: Sequence[str],
    before: pd.Series[int] | None,
) -> Triggers:
    """Return what brings each customer onto the list: entered, left or still in a state.

    States are positions in `states`; `before` is that of each customer of the run before. None:
    every state counts as entered.
    """
    names = (
        *(f"entered_{one}" for one in states),
        *(f"still_{one}" for one in states),
        "left_gone",
    )
    if before is None:
        return Triggers(state, names)
    then = before.reindex(customer_id, fill_value=-1).to_numpy()
    entered = np.isin(state, [states.index(one) for one in ("new", "present", "quiet")])
    back = (then == states.index("gone")) & entered
    code = np.where(then == state, state + len(states), state)
    return Triggers(np.where(back, len(names) - 1, code).astype(np.int8), names)
