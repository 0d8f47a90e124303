"""What a measure gains and costs for each customer: one formula for every caller."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.policy import _kernel
from retainkit.policy._measure_catalog import MeasureCatalog
from retainkit.policy._measures import PolicyMeasure
from retainkit.typing import FloatArray

MIN_STAY = 0.01
"""Least probability to stay at which V0 = V / s0 can be told: below it the quotient of two small
estimates would explode, and the customer is as good as gone."""


class Outlook(NamedTuple):
    """What is ahead of each customer, all by the one model of the forecast; NaN: not known.

    Attributes
    ----------
    p_active : numpy.ndarray of float64
        Probability of being there within the horizon, without any measure.
    value_if_active : numpy.ndarray of float64
        Money a customer brings within the horizon if it is there, as on the day of its last
        purchase [money].
    at_stake : numpy.ndarray of float64
        (probability on the day of the last purchase - probability now) x `value_if_active`
        [money]; not below 0.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import Outlook
    >>> Outlook(np.array([0.1]), np.array([300.0]), np.array([150.0])).at_stake
    array([150.])
    """

    p_active: FloatArray
    value_if_active: FloatArray
    at_stake: FloatArray


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
    staying: FloatArray | None = None,
) -> Economics:
    """Return what a measure brings to customers of known future value.

    `retention` overrides the catalogue's change of the probability to stay, customer by customer.
    `staying` is the value of a customer who stays by the model that gives `p_churn`; without it
    the quotient of future value and probability to stay. Without churn probabilities everybody is
    taken to stay, and effects on retention are unknown.
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
    serve = effect.cost_to_serve or 0.0
    # what comes anyway, and what is added with each point of probability
    kept = future * growth - stay_then * serve - future
    with np.errstate(divide="ignore", invalid="ignore"):
        if staying is None:
            staying = np.where(stay >= MIN_STAY, future / stay, np.nan)
    added = (stay_then - stay) * staying * growth
    added = np.where(stay_then == stay, 0.0 * added, added)
    return Economics(kept + added - total, np.asarray(total, dtype=np.float64), riders)


def break_even(
    action: npt.NDArray[np.int16],
    catalog: MeasureCatalog,
    future: FloatArray,
    staying: FloatArray | None,
) -> FloatArray:
    """Return from which effect on the action pays; NaN where its cost or the worth is not known.

    For an action that keeps or brings back, the points of probability; for one that raises
    spending alone, the relative rise.
    """
    cost = np.array([m.cost.expected or np.nan for m in catalog.measures])[action]
    keeps = np.array(["retention" in m.changes for m in catalog.measures])[action]
    sells = np.array(["spend" in m.changes for m in catalog.measures])[action]
    worth = np.where(keeps, np.nan if staying is None else staying, np.nan)
    worth = np.where(~keeps & sells, future, worth)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(worth > 0.0, cost / worth, np.nan)
