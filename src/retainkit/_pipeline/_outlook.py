"""What is ahead of each customer and what is at stake, all by the model of the forecast."""

from __future__ import annotations

import numpy as np

from retainkit._core.time import DAYS_PER_YEAR
from retainkit._pipeline._facts import CustomerFacts
from retainkit._pipeline._models import Predictions
from retainkit._pipeline._states import last_year
from retainkit.churn import StateTable
from retainkit.policy import Outlook
from retainkit.value import CustomerSummary, MarginModel


def look_out(
    summary: CustomerSummary,
    predictions: Predictions,
    states: StateTable,
    facts: CustomerFacts | None,
    *,
    margin: MarginModel,
    horizon_days: int,
) -> Outlook | None:
    """Return probability, value if there, and what is at stake; None without a forecast.

    At stake is what was lost since the last purchase: (p on its day - p now) x value if there. A
    contract that has ended stood, on its last day, where those that run stand now, and brought
    what its last year did.
    """
    forecast = predictions.forecast
    if forecast is None:
        return None
    now = forecast.p_active
    if facts is not None and facts.contracts is not None:
        there = states.is_current
        usual = float(np.nanmean(now[there])) if np.isfinite(now[there]).any() else np.nan
        share = horizon_days / DAYS_PER_YEAR
        then = np.where(states.is_lost, usual, now)
        with np.errstate(divide="ignore", invalid="ignore"):
            running = np.where(now > 0.0, forecast.expected_value / now, np.nan)
        lost = last_year(summary, margin) * min(share, 1.0)
        worth = np.where(states.is_lost, lost, running)
    elif predictions.at_last is None:
        return None
    else:
        then, worth = predictions.at_last
    fell = np.maximum(then - np.nan_to_num(now), 0.0) * worth
    silent = states.is_lost | (states.state == _QUIET)
    return Outlook(now, worth, np.where(silent, np.maximum(fell, 0.0), np.nan))


_QUIET = StateTable.states.index("quiet")
