"""How the future value of each customer scatters: what the probability of a tier rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retainkit._core.time import DAYS_PER_UNIT
from retainkit.tiers import LifetimeValues
from retainkit.value import CustomerSummary, ValueTable, expected_lifetime_value, margin_rates

if TYPE_CHECKING:
    from retainkit._pipeline._fitted import FittedPipeline


def value_distribution(
    fitted: FittedPipeline, summary: CustomerSummary, value: ValueTable
) -> LifetimeValues | None:
    """Return how future values scatter; None where customers are graded by something else."""
    purchase, spend, config = fitted.purchase_model, fitted.spend_model, fitted.config.value
    if purchase is None or spend is None or fitted.tier_basis != "lifetime_value":
        return None
    rates = margin_rates(summary, fitted.margin)
    expected = expected_lifetime_value(
        summary,
        purchase,
        spend_model=spend,
        horizon_days=config.horizon_days,
        annual_discount_rate=config.annual_discount_rate,
        margin_rate=rates,
    )
    scale = np.full(len(summary), np.nan)
    np.divide(value.future_potential, expected, out=scale, where=expected != 0.0)
    return LifetimeValues(
        summary.with_unit(purchase.unit),
        monetary_value=summary.monetary_value,
        purchase_model=purchase,
        spend_model=spend,
        horizon=config.horizon_days / DAYS_PER_UNIT[purchase.unit],
        annual_discount_rate=config.annual_discount_rate,
        margin_rate=rates,
        scale=scale,
    )
