"""fit_future_value: choose the estimate of future value by evidence from inside the data."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from retainkit._internal.time import parse_as_of
from retainkit.typing import AsOf, CollapseUnit, FloatArray, TimeUnit
from retainkit.value._future_config import (
    EstimatorEvidence,
    FutureEstimator,
    FutureValueConfig,
)
from retainkit.value._future_model import (
    FutureRegressor,
    FutureValueModel,
    TwoPartModel,
    features_of,
    predict_future_value,
    spend_per_day,
)
from retainkit.value._future_window import Observed, Unsupported, Window, observe, observed_rows
from retainkit.value._kernel_hurdle import (
    center_and_scale,
    difference_of_shares,
    ridge_least_squares,
    ridge_logistic,
    standardize,
    top_of,
)


def fit_future_value(
    transactions: pd.DataFrame,
    *,
    as_of: AsOf,
    unit: TimeUnit = "week",
    collapse: CollapseUnit = "day",
    horizon_days: float = 365.25,
    regressor: FutureRegressor | None = None,
    config: FutureValueConfig | None = None,
) -> FutureValueModel:
    """Choose how to estimate future value on this base, and learn what the estimate needs.

    No estimator is best on every base: where buying is regular past spend is hard to beat, where
    customers come and go the lifetime model is. So each candidate is tried on a window inside the
    observed time, learnt only from what lay before that window, and the one that captures most
    money with its best customers is learnt again on the latest window.

    Parameters
    ----------
    transactions : pandas.DataFrame
        Valid transactions: `customer_id`, `timestamp`, `amount` [money].
    as_of : str, date, datetime or numpy.datetime64
        Last observed day; nothing after it is looked at.
    unit : {"day", "week", "month"}, default "week"
        Scale of time of the lifetime models inside.
    collapse : {"day", "week", "month"}, default "day"
        Calendar unit within which purchases count once.
    horizon_days : float, default 365.25
        Horizon the estimate is for [day]; the training window is at most as long.
    regressor : FutureRegressor, optional
        One more candidate, last in preference: anything with scikit-learn's `fit` and `predict`.
        It is fitted in place, last on the latest window, and is to be passed to
        `predict_future_value` again if it was chosen.
    config : FutureValueConfig, optional
        Candidates and limits.

    Returns
    -------
    FutureValueModel
        The chosen estimator with the evidence. On a base too small or too short the lifetime
        model alone, and `reason` says why.

    Raises
    ------
    SchemaError
        If a column is missing or of the wrong type, or `regressor` predicts no finite numbers.
    AsOfError
        If all rows lie after `as_of`.

    Notes
    -----
    With c = `as_of`, t0 the first day and h the window: features at c - h and money in (c - h, c]
    teach the final estimate. The evidence is one origin earlier: learnt at c - h - h', with
    h' = min(h, half of what lies before c - h), and judged at c - h on the money of (c - h, c].
    An estimator counts as equal to the best if it captures less by no more than one standard
    error; among equals the order of `config.candidates` decides.

    Money is counted in mean purchases, so that another currency changes nothing but the currency
    of the result; customers are learnt from in an order that depends on their facts alone, so
    that neither their names nor the order of rows change anything.

    Examples
    --------
    >>> import retainkit as rk
    >>> model = rk.fit_future_value(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> [entry.estimator for entry in model.evidence]
    ['two_part', 'blend', 'lifetime', 'spend', 'spend_rate']
    """
    config = config or FutureValueConfig()
    base = observed_rows(transactions, parse_as_of(as_of), unit, collapse, config)
    window = _window_days(base, horizon_days)
    try:
        if config.candidates == ("lifetime",) and regressor is None:
            raise Unsupported("only_candidate")
        final = observe(base, base.last - timedelta(days=window), window)
        evidence = _compare(base, final, regressor)
        learnt = _learn(final, config, regressor)
    except Unsupported as signal:
        return FutureValueModel(
            config=config, chosen="lifetime", reason=signal.reason, window_days=max(window, 1)
        )
    return learnt.replace(chosen=_choose(evidence), evidence=evidence)


def _window_days(base: Observed, horizon_days: float) -> int:
    if not len(base.rows):
        return 0
    half = base.days_until(base.last) / 2
    return int(base.config.window_days or min(horizon_days, half))


def _compare(
    base: Observed, final: Window, regressor: FutureRegressor | None
) -> tuple[EstimatorEvidence, ...]:
    """Judge every candidate on the final window, learnt only from what lay before it."""
    origin = final.summary.as_of
    days = int(min(final.days, base.days_until(origin) / 2))
    earlier = observe(base, origin - timedelta(days=days), days)
    learnt = _learn(earlier, base.config, regressor)
    names: list[FutureEstimator] = [*base.config.candidates]
    if regressor is not None:
        names.append("regressor")
    estimates = {
        name: predict_future_value(
            final.summary,
            learnt.replace(chosen=name),
            purchase_model=final.purchase_model,
            spend_model=final.spend_model,
            horizon_days=float(final.days),
            annual_discount_rate=0.0,
            regressor=regressor,
        )
        for name in names
    }
    return tuple(_judge(estimates, final, base.config.top_share))


def _judge(
    estimates: dict[FutureEstimator, FloatArray], final: Window, share: float
) -> list[EstimatorEvidence]:
    top = {name: top_of(values, share) for name, values in estimates.items()}
    truth = top_of(final.actual, share)
    total = float(final.actual.sum())
    money = {name: float(final.actual @ chosen) / total for name, chosen in top.items()}
    best = top[max(money, key=lambda name: money[name])]
    evidence = []
    for name, chosen in top.items():
        behind, error = difference_of_shares(final.actual, chosen, best)
        evidence.append(
            EstimatorEvidence(
                estimator=name,
                found=float(truth @ chosen / truth.sum()),
                captured=money[name],
                behind=behind,
                standard_error=error,
                level=float(estimates[name].sum()) / total,
            )
        )
    return evidence


def _choose(evidence: tuple[EstimatorEvidence, ...]) -> FutureEstimator:
    """Return the first candidate that is no worse than the best by more than its error."""
    return next(e.estimator for e in evidence if e.behind <= e.standard_error)


def _learn(
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
    center, scale = center_and_scale(features)
    z = standardize(features, center, scale)
    bought = actual > 0.0
    money = actual[bought]
    buys = ridge_logistic(z, bought.astype(np.float64), ridge)
    amount = ridge_least_squares(z[bought], np.log(money), ridge)
    raw = TwoPartModel(
        center=tuple(center.tolist()),
        scale=tuple(scale.tolist()),
        buys=tuple(buys.tolist()),
        amount=tuple(amount.tolist()),
        factor=1.0,
        money_unit=money_unit,
        most=float(money.max()),
    )
    return raw.replace(factor=float(money.sum() / raw.predict(features).sum()))
