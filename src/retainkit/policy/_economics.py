"""What one measure gains and costs for each customer: one formula for every caller."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from retainkit.policy import _kernel
from retainkit.policy._measures import PolicyMeasure
from retainkit.typing import FloatArray

MIN_STAY = 0.01
"""Least probability to stay at which V0 = V / s0 can be told: below it the quotient of two small
estimates would explode, and the customer is as good as gone."""


class Economics(NamedTuple):
    """Gain, cost and what free riders take, per customer [money]."""

    gain: FloatArray
    cost: FloatArray
    free_riders: FloatArray


def measure_economics(
    measure: PolicyMeasure,
    p_churn: FloatArray | None,
    future: FloatArray,
    *,
    retention: FloatArray | float | None = None,
) -> Economics:
    """Return what a measure brings to customers of known future value.

    `retention` overrides the catalogue's change of the probability to stay, customer by customer.
    Without churn probabilities everybody is taken to stay, and effects on retention are unknown.
    """
    effect, cost = measure.effect, measure.cost
    change = effect.retention if retention is None else retention
    fixed = cost.fixed
    incentive, accept = cost.incentive or 0.0, cost.acceptance or 0.0
    if p_churn is None:
        riders = np.full(future.size, incentive * accept)
        if change is not None and np.any(np.asarray(change) != 0.0):
            return Economics(_kernel.undefined(future.size), fixed + riders, riders)
        stay = stay_then = np.ones(future.size)
    else:
        stay = 1.0 - p_churn
        stay_then = np.clip(stay + (0.0 if change is None else change), 0.0, 1.0)
        if cost.acceptance_saved is None:
            riders = np.where(np.isnan(p_churn), np.nan, incentive * accept)
        else:
            riders = incentive * accept * np.minimum(stay, stay_then)
    saved: FloatArray | float = 0.0
    if cost.acceptance_saved is not None:
        saved = incentive * cost.acceptance_saved * np.maximum(stay_then - stay, 0.0)
    total = fixed + riders + saved
    growth = (1.0 + (effect.spend or 0.0)) * (1.0 + (effect.price or 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        staying = np.where(stay >= MIN_STAY, future / stay, np.nan)
    then = stay_then * (staying * growth - (effect.cost_to_serve or 0.0))
    return Economics(then - future - total, np.asarray(total, dtype=np.float64), riders)
