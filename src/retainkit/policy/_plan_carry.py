"""The list lives: rows of the last plan go on, with what a person wrote into them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Final

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
    return replace(plan, rows=rows, step=step)


def _awake(rows: pd.DataFrame, as_of: date) -> npt.NDArray[Any]:
    """Return the status, open again where a row was put off until a day that has come."""
    woken = (rows["status"] == "snoozed") & (rows["snoozed_until"] <= pd.Timestamp(as_of))
    return np.where(woken, "open", rows["status"])


def what_triggered(
    customer_id: pd.Index[Any],
    state: npt.NDArray[np.str_],
    before: pd.Series[str] | None,
) -> npt.NDArray[np.str_]:
    """Return what brings each customer onto the list: entered, left or still in a state.

    `before` is the state by customer of the run before; None: every state counts as entered.
    """
    if before is None:
        return np.char.add("entered_", state)
    then = before.reindex(customer_id).to_numpy(dtype=object)
    same = then == state
    back = (then == "gone") & np.isin(state, ["new", "present", "quiet"])
    text = np.where(same, np.char.add("still_", state), np.char.add("entered_", state))
    return np.where(back, "left_gone", text)
