"""The probability of reaching a higher tier: learnt from an earlier day, applied row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retainkit._core.time import DAYS_PER_UNIT
from retainkit._pipeline._config import PipelineConfig
from retainkit.errors import RetainkitError
from retainkit.policy import (
    UpgradeFeatures,
    UpgradeModel,
    fit_upgrades,
    next_cuts,
    upgrade_features,
)
from retainkit.tiers import LifecycleTable, TierTable
from retainkit.typing import FloatArray
from retainkit.value import CustomerSummary, margin_rates, summarize_customers

if TYPE_CHECKING:
    from retainkit._pipeline._fitted import FittedPipeline


def learn_rises(
    rows: pd.DataFrame, history: CustomerSummary, as_of: date, config: PipelineConfig
) -> tuple[UpgradeModel | None, tuple[str, ...]]:
    """Learn who rose within the horizon that ends with `as_of`; note why not where it cannot be.

    Everything before is seen with the eyes of that time: models and cuts are those a run would
    have learnt then.
    """
    from retainkit._pipeline._fitted import fit_pipeline

    horizon = config.upgrade_horizon_days
    if horizon is None:
        return None, ()
    origin = as_of - timedelta(days=round(horizon))
    try:
        then = summarize_customers(
            rows[rows["timestamp"] < pd.Timestamp(origin) + pd.Timedelta(days=1)],
            as_of=origin,
            unit=config.unit,
            collapse=config.collapse,
        )
        before = fit_pipeline(then, config=config.replace(tier_overrides=()))
        scored = before.score(then)
        known = features_of_rise(before, then, scored.tiers, scored.lifecycle)
        after = before.score(replace(history, customer_id=pd.RangeIndex(len(history)))).tiers
        model = fit_upgrades([(known, after)])
    except RetainkitError as error:
        wrong = getattr(error, "wrong", None) or str(error)
        return None, (f"no probability of rising: {wrong}",)
    if (model.log_loss or 0.0) >= (model.matrix_log_loss or np.inf):
        return None, ("no probability of rising: it tells no more than the tier alone",)
    return model, ()


def rise_probability(
    fitted: FittedPipeline, summary: CustomerSummary, tiers: TierTable, lifecycle: LifecycleTable
) -> FloatArray | None:
    """Return the probability of reaching a higher tier; None where none was learnt."""
    model = fitted.upgrade_model
    if model is None:
        return None
    return features_of_rise(fitted, summary, tiers, lifecycle).probability(model)


def features_of_rise(
    fitted: FittedPipeline, summary: CustomerSummary, tiers: TierTable, lifecycle: LifecycleTable
) -> UpgradeFeatures:
    """Return what is known of each customer's way up, its value distribution among it."""
    from retainkit.lifetime import probability_value_exceeds

    buying, spend, value = fitted.purchase_model, fitted.spend_model, fitted.config.value
    chance = None
    if fitted.tier_basis == "lifetime_value" and buying is not None and spend is not None:
        chance = probability_value_exceeds(
            next_cuts(tiers),
            summary.with_unit(buying.unit),
            monetary_value=summary.monetary_value,
            purchase_model=buying,
            spend_model=spend,
            horizon=value.horizon_days / DAYS_PER_UNIT[buying.unit],
            annual_discount_rate=value.annual_discount_rate,
            margin_rate=margin_rates(summary, fitted.margin),
        )
    return upgrade_features(tiers, summary, chance=chance, lifecycle=lifecycle)
