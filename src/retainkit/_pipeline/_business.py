"""What kind of business the states of a base show, learnt once for all its customers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit._pipeline._customers import CustomerScores
from retainkit._pipeline._grade import FEW_ACCOUNTS
from retainkit.churn import StateTable
from retainkit.typing import Language
from retainkit.value import CustomerSummary

_MOSTLY = 0.9
"""Share of heads gone, or of those seen for a window who bought once, that makes it one-time."""
_ONCE = 0.5
"""Share of heads that bought once at the least, where the gone are counted."""


def is_one_time(summary: CustomerSummary, states: StateTable) -> bool:
    """Return whether customers of this base buy once: nine in ten are gone, or never came back."""
    bought = summary.occasions > 0
    heads = int(bought.sum())
    if not heads:
        return False
    once = float((summary.occasions[bought] == 1).mean())
    gone = float(states.is_lost[bought].mean())
    known = bought & (summary.with_unit("day").age > states.scheme.window_days)
    settled = float((summary.occasions[known] == 1).mean()) if known.any() else 0.0
    return (gone >= _MOSTLY and once >= _ONCE) or settled >= _MOSTLY


def list_calls(scores: CustomerScores, language: Language = "en") -> pd.DataFrame | None:
    """Return whom to call, with reasons, where accounts are too few for tiers by forecast.

    Quiet accounts first, then those gone, then the others; within each by what they brought.
    None from 200 accounts on.
    """
    if len(scores) >= FEW_ACCOUNTS:
        return None
    view = scores.states.to_frame(language=language)
    frame = pd.DataFrame(
        {
            "customer_id": scores.customer_id,
            "state": view["state"],
            "state_reason": view["state_reason"],
            "tier": scores.tiers.to_frame()["tier"],
            "brought": scores.history.contribution,
            "silent_days": scores.history.with_unit("day").inactive_for,
            "action": scores.policy.to_frame(language=language)["action"],
        }
    )
    first: dict[str, int] = {"quiet": 0, "gone": 1}
    rank = scores.states.to_frame()["state"].astype(str).map(first).fillna(2.0)
    order = np.lexsort((-frame["brought"].to_numpy(), rank.to_numpy()))
    calls: pd.DataFrame = frame.iloc[order].reset_index(drop=True)
    return calls
