"""fit_future_value: choose the estimate of future value by evidence from inside the data."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from retainkit._core.time import parse_as_of
from retainkit.typing import AsOf, CollapseUnit, TimeUnit
from retainkit.value._future_config import (
    EstimatorEvidence,
    FutureEstimator,
    FutureValueConfig,
)
from retainkit.value._future_evidence import compare_estimates
from retainkit.value._future_learn import learn_window
from retainkit.value._future_model import FutureRegressor, FutureValueModel
from retainkit.value._future_window import Observed, Unsupported, observe, observed_rows


def fit_future_value(
    transactions: pd.DataFrame,
    *,
    as_of: AsOf,
    unit: TimeUnit = "week",
    collapse: CollapseUnit = "day",
    horizon_days: float = 365.25,
    customer_id: pd.Index[Any] | None = None,
    regressor: FutureRegressor | None = None,
    config: FutureValueConfig | None = None,
) -> FutureValueModel:
    """Choose how to estimate future value on this base, and learn what the estimate needs.

    No estimator is best on every base: where buying is regular past spend is hard to beat, where
    customers come and go the lifetime model is. So each candidate is tried on windows inside the
    observed time, learnt only from what lay before each, and the one that finds most of the
    best customers and captures most money with them is learnt again on the latest window.

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
    customer_id : pandas.Index, optional
        Who the customers are, where `transactions` names them by their position in it: of more
        than `config.max_customers` those learnt from are drawn by id, never by position.
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
    With c = `as_of` and h the window (half of the observed time, at most the horizon): features at
    c - h and money in (c - h, c] teach the final estimate. The evidence comes from up to
    `config.origins` earlier forecasts: with j a third of the observed time, at most the horizon,
    each is made at an origin o = c - j, c - 3 j / 2, c - 2 j, ... and judged on the money of
    (o, o + j], having been learnt at o - h', with h' = min(j, half of what lies before o), on the
    money of (o - h', o]. Origins that leave too little to learn from are left out.

    Two things are asked of an estimate: which share of the customers who turn out to be the best it
    found, and which share of all money those it marked brought; the mean of both counts, over all
    origins. An estimator is equal to the best if it is behind by no more than one standard error
    (customers are the independent units, not origins: the same customer's
    deviations at several origins are added before they are squared); among equals the order of
    `config.candidates` decides. The level is corrected as far as the origins agree that it was too
    high or too low: `EstimatorEvidence.correction`.

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
    base = observed_rows(transactions, parse_as_of(as_of), customer_id, unit, collapse, config)
    window = _window_days(base, horizon_days)
    try:
        if config.candidates == ("lifetime",) and regressor is None:
            raise Unsupported("only_candidate")
        final = observe(base, base.last - timedelta(days=window), window)
        evidence, origins = compare_estimates(base, horizon_days, regressor)
        learnt = learn_window(final, config, regressor)
    except Unsupported as signal:
        return FutureValueModel(
            config=config, chosen="lifetime", reason=signal.reason, window_days=max(window, 1)
        )
    return learnt.replace(chosen=_choose(evidence), evidence=evidence, origins=origins)


def _window_days(base: Observed, horizon_days: float) -> int:
    """Return the length of the window the final estimate is learnt from [day]."""
    if not len(base.rows):
        return 0
    half = base.days_until(base.last) / 2
    return int(base.config.window_days or min(horizon_days, half))


def _choose(evidence: tuple[EstimatorEvidence, ...]) -> FutureEstimator:
    """Return the first candidate that is no worse than the best by more than its error."""
    return next(e.estimator for e in evidence if e.behind <= e.standard_error)
