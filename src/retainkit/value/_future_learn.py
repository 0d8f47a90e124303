"""What an estimate of future value learns from one window."""

from __future__ import annotations

import numpy as np

from retainkit._core.kernels.glm import (
    center_and_scale,
    fit_two_part,
    ridge_penalty,
    standardize,
)
from retainkit.typing import FloatArray
from retainkit.value._future_config import FutureValueConfig
from retainkit.value._future_model import (
    FutureRegressor,
    FutureValueModel,
    TwoPartModel,
    features_of,
    spend_per_day,
)
from retainkit.value._future_window import Window
from retainkit.value._kernel_hurdle import FARTHEST


def learn_window(
    window: Window, config: FutureValueConfig, regressor: FutureRegressor | None
) -> FutureValueModel:
    """Learn the regression and the factors of past spend from one window."""
    total = float(window.actual.sum())
    net_spend = float(np.maximum(window.summary.total_amount, 0.0).sum())
    rate = float(spend_per_day(window.summary).sum())
    money_unit = net_spend / float(window.summary.occasions.sum()) or 1.0
    features = features_of(window.summary, window.in_window, window.purchase_model, money_unit)
    if regressor is not None:
        regressor.fit(features, window.actual)
    return FutureValueModel(
        config=config,
        chosen="two_part",
        reason="evidence",
        window_days=window.days,
        learnt_at=window.summary.as_of,
        two_part=_learn_two_part(features, window.actual, config.ridge, money_unit),
        factors=(
            ("spend", total / net_spend if net_spend > 0.0 else 0.0),
            ("spend_rate", total / rate if rate > 0.0 else 0.0),
        ),
        n=len(window.summary),
    )


def _learn_two_part(
    features: FloatArray, actual: FloatArray, ridge: float, money_unit: float
) -> TwoPartModel:
    """Learn who buys and for how much; the factor makes the amounts add up to the money."""
    center, scale = center_and_scale(features)
    z = standardize(features, center, scale, farthest=FARTHEST)
    buys, amount = fit_two_part(z, actual, penalty=ridge_penalty(z.shape[1], ridge))
    raw = TwoPartModel(
        center=tuple(center.tolist()),
        scale=tuple(scale.tolist()),
        buys=tuple(buys.tolist()),
        amount=tuple(amount.tolist()),
        factor=1.0,
        money_unit=money_unit,
        most=float(actual.max()),
    )
    return raw.replace(factor=float(actual.sum() / raw.predict(features).sum()))
