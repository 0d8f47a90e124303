"""What is ahead of each customer and what is at stake, all by the model of the forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retainkit._core.time import DAYS_PER_YEAR
from retainkit._pipeline._facts import CustomerFacts
from retainkit._pipeline._models import Predictions
from retainkit._pipeline._states import last_year
from retainkit.churn import StateTable
from retainkit.forecast._outlook import forecast_at_last
from retainkit.policy import Outlook
from retainkit.value import CustomerSummary, margin_rates

if TYPE_CHECKING:
    from retainkit._pipeline._fitted import FittedPipeline


def look_out(
    fitted: FittedPipeline,
    summary: CustomerSummary,
    predictions: Predictions,
    states: StateTable,
    facts: CustomerFacts | None,
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
        share = fitted.config.horizon_days / DAYS_PER_YEAR
        then = np.where(states.is_lost, usual, now)
        with np.errstate(divide="ignore", invalid="ignore"):
            running = np.where(now > 0.0, forecast.expected_value / now, np.nan)
        lost = last_year(summary, fitted.margin) * min(share, 1.0)
        worth = np.where(states.is_lost, lost, running)
    elif fitted.forecast is None or summary.recent_days is None:
        return None
    else:
        then, worth = forecast_at_last(
            fitted.forecast,
            summary,
            margin_rate=margin_rates(summary, fitted.margin),
            annual_discount_rate=fitted.config.annual_discount_rate,
        )
    fell = np.maximum(then - np.nan_to_num(now), 0.0) * worth
    silent = states.is_lost | (states.state == _QUIET)
    return Outlook(now, worth, np.where(silent, np.maximum(fell, 0.0), np.nan))


_QUIET = StateTable.states.index("quiet")
