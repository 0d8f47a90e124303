"""What a customer brings if it is there: the forecast as of the day of its own last purchase."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from retainkit.forecast._model import ForecastModel, discount_factor
from retainkit.forecast._purchase_facts import PurchaseFacts, covariate_columns, known_of
from retainkit.lifetime import Covariates
from retainkit.typing import FloatArray

_CHUNK = 16_384


class AtLast(NamedTuple):
    """The forecast of customers as on the day of their last purchase; NaN where not known."""

    p_active: FloatArray
    value_if_active: FloatArray


def forecast_at_last(
    model: ForecastModel,
    summary: PurchaseFacts,
    *,
    margin_rate: FloatArray,
    annual_discount_rate: float,
    covariates: Covariates | None = None,
) -> AtLast:
    """Return the probability on the day of the last purchase, and the money of who is there.

    Both come from the one model that gives the forecast of today: the expected value of a customer
    over its probability on a day on which that probability is not small.
    """
    n = len(summary.customer_id)
    p, value = np.full(n, np.nan), np.full(n, np.nan)
    if (
        summary.recent_days is None
        or model.regressions is None
        or (model.estimator is not None and model.estimator.chosen)
    ):
        return AtLast(p, value)
    traits, money = covariate_columns(model.covariates, covariates, n), summary.total_amount
    for start in range(0, n, _CHUNK):
        rows = start + np.flatnonzero(summary.occasions[start : start + _CHUNK] > 0)
        if len(rows):
            known = known_of(summary, rows, traits, money=money)
            p[rows], value[rows] = model.expect(known._replace(day=known.last))
    unit = margin_rate * discount_factor(model.horizon_days, annual_discount_rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        return AtLast(p, np.where(p > 0.0, value * unit / p, np.nan))
