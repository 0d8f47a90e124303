"""fit_forecast: learn who will buy and for how much, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import day_number
from retainkit.forecast._activity import PastActivity, fit_activity
from retainkit.forecast._config import ForecastConfig
from retainkit.forecast._evidence import (
    Judged,
    LeftOut,
    Origin,
    Trust,
    forecast_left_out,
    judge_ranking,
    walk_forward,
)
from retainkit.forecast._kernel_features import measure_scales
from retainkit.forecast._kernel_judge import predictive_bands
from retainkit.forecast._kernel_log import PurchaseLog, make_log, money_between
from retainkit.forecast._learn import Base, FitPurchases, Regressions, learn, learning_windows
from retainkit.forecast._model import ForecastModel, Interval, PurchaseFacts, Rhythm, known_of
from retainkit.forecast._totals import combine_totals, spread_of, tell_totals, weigh_totals
from retainkit.lifetime import PurchaseModelUnion

_SHARE_LEARNT = 1.0 / 1.3
"""Of the history, the longest window that leaves enough before it to be described by."""
_PRIOR_DRIFT = 0.15
_PRIOR_LEVEL = 0.12
_USUAL_RHYTHM = Rhythm(low=0.05, middle=0.7, high=3.0)
"""Quantiles of an exponential wait, where too few have bought twice."""
_HIGHER, _LOWER = 1.25, 0.5
_DISAGREE = 3.0
"""Largest over smallest total from which on the ways to tell it are said to disagree."""
_BREAK = 0.5
"""Ratio of the latest months to those before beyond which the base is said to have broken."""


def fit_log(
    log: PurchaseLog,
    *,
    as_of: date,
    horizon_days: int,
    fit: FitPurchases | None,
    lifetime: Any,
    config: ForecastConfig,
) -> ForecastModel:
    """Learn the forecast from the purchase days of a sample of customers."""
    base, today = Base(log, fit), day_number(as_of)
    past = today - base.first_day
    tested = max(7, min(horizon_days, int(past * _SHARE_LEARNT)))
    windows = learning_windows(base, today, tested)
    moment = base.moment(today, horizon_days)
    knows = moment is not None and moment.p_lifetime is not None and lifetime is not None
    learnt = learn(windows, config.ridge, with_lifetime=knows)
    few = log.first(config.judged_customers)
    judged = base if few is log else Base(few, fit)
    earlier = walk_forward(judged, today, tested, config)
    origins = tuple(one.origin for one in earlier)
    left_out = forecast_left_out(windows, config) if learnt is not None else None
    trust = judge_ranking(origins, left_out, tested, config)
    scales = measure_scales(base.known(today)[1])
    totals = {} if moment is None else tell_totals(base, moment, learnt)
    weights = weigh_totals([(o.share, dict(o.totals)) for o in origins], list(totals))
    total = combine_totals(totals, weights)
    factor = 1.0
    if moment is not None and learnt is not None and total > 0.0:
        size = np.exp(learnt.log_value(moment.design(learnt.uses_lifetime), moment.past()))
        factor = total / (float(size.sum()) * scales.basket)
    trailing = money_between(log, today - horizon_days, today)
    span = min(horizon_days, past + 1)
    ratio = total / (trailing * horizon_days / span) if trailing > 0.0 and total > 0.0 else None
    return ForecastModel(
        config=config,
        as_of=as_of,
        horizon_days=horizon_days,
        tested_days=windows[0].moment.window if windows else 0,
        base_gap=scales.gap,
        basket=scales.basket,
        regressions=learnt,
        lifetime=lifetime,
        factor=factor,
        interval=_interval(left_out, earlier, config),
        drift=_drift(origins),
        rhythm=_rhythm(log, scales.gap),
        totals=tuple(totals.items()),
        weights=tuple(weights.items()),
        total_ratio=ratio,
        trust=trust,
        origins=origins,
        notes=_notes(learnt, windows, horizon_days, totals, ratio, trust, base, today),
    )


def _interval(
    left_out: LeftOut | None, judged: list[Judged], config: ForecastConfig
) -> Interval | None:
    """Return what customers of each size brought in the latest window and at earlier origins.

    Left-out customers of the latest window tell the spread, earlier forecasts also how far the
    level was off; half of the level's usual error on top covers what no window has shown yet.
    """
    if left_out is None:
        return None
    same = [one for one in judged if one.origin.share == judged[0].origin.share]
    size = np.concatenate([left_out.size, *(one.size for one in same)])
    money = np.concatenate([left_out.actual, *(one.money for one in same)])
    bands = predictive_bands(size, money, config.level)
    wider = float(np.exp(0.5 * _level_error([one.origin for one in judged])))
    lower = np.where(bands.lower > 0.0, bands.lower / wider, bands.lower * wider)
    return Interval(
        edge=tuple(bands.edge.tolist()),
        lower=tuple(lower.tolist()),
        upper=tuple((bands.upper * wider).tolist()),
    )


def _level_error(origins: Sequence[Origin]) -> float:
    """Return the root mean square log error of earlier totals; a prior counts as one origin."""
    total, mass = _PRIOR_LEVEL**2, 1.0
    for origin in origins:
        error = float(np.log(origin.expected / origin.actual))
        total, mass = total + origin.share * min(error * error, 1.0), mass + origin.share
    return float(np.sqrt(total / mass))


def _drift(origins: tuple[Origin, ...]) -> float:
    """Return the standard deviation of the level's log-odds error; a prior counts as one origin."""
    total, mass = _PRIOR_DRIFT**2, 1.0
    for origin in origins:
        share = min(max(origin.buyers / origin.customers, 1e-3), 1.0 - 1e-3)
        told = min(max(origin.mean_forecast, 1e-3), 1.0 - 1e-3)
        error = np.log(share / (1.0 - share)) - np.log(told / (1.0 - told))
        total, mass = total + origin.share * error * error, mass + origin.share
    return float(np.sqrt(total / mass))


def _rhythm(log: PurchaseLog, base_gap: float) -> Rhythm:
    """Return the last gap of each customer over the usual gap it had before."""
    code, day = log.code[log.bought], log.day[log.bought]
    count = np.bincount(code, minlength=log.n)
    ends = np.cumsum(count) - 1
    again = np.flatnonzero(count >= 2)
    if len(again) < 20:
        return _USUAL_RHYTHM
    last, before = day[ends[again]], day[ends[again] - 1]
    first = day[ends[again] - count[again] + 1]
    usual = (2.0 * base_gap + (before - first)) / count[again]
    low, middle, high = np.quantile((last - before) / usual, [0.05, 0.5, 0.95])
    return Rhythm(low=float(low), middle=float(middle), high=float(high))


def _notes(
    learnt: Regressions | None,
    windows: list[Any],
    horizon: int,
    totals: dict[str, float],
    ratio: float | None,
    trust: Trust,
    base: Base,
    today: int,
) -> tuple[str, ...]:
    """Say what a reader must know before acting on the forecast."""
    notes = []
    if learnt is None:
        notes.append("too little happened to learn from: the lifetime model alone speaks")
    tested = windows[0].moment.window if windows else 0
    if tested < horizon:
        notes.append(
            f"the history tests {tested:,} days ahead; the rest of {horizon:,} days is carried on"
        )
    quarter = max(30, round(min(horizon, today - base.first_day) / 4))
    lately = money_between(base.log, today - quarter, today)
    before = money_between(base.log, today - 2 * quarter, today - quarter)
    if before > 0.0 and not _BREAK <= lately / before <= 1.0 / _BREAK:
        notes.append(
            f"the last {quarter} days brought {lately / before:.2f} times the {quarter} days before"
        )
    if spread_of(totals) > _DISAGREE:
        low, high = min(totals, key=totals.__getitem__), max(totals, key=totals.__getitem__)
        notes.append(
            f"ways to tell the total disagree: {high} is {spread_of(totals):.1f} times {low}"
        )
    if ratio is not None and not _LOWER <= ratio <= _HIGHER:
        notes.append(f"the total expected is {ratio:.2f} times the last {horizon} days")
    if trust.ranks != "yes":
        notes.append("customers cannot be ranked by the forecast")
    return tuple(notes)


def sample_log(
    codes: npt.NDArray[np.int32],
    days: npt.NDArray[Any],
    amounts: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
) -> PurchaseLog:
    """Return the log of the customers in `order`, numbered in that order."""
    number = np.full(int(codes.max()) + 1 if len(codes) else 0, -1, dtype=np.int64)
    number[order] = np.arange(len(order))
    place = number[codes]
    kept = place >= 0
    return make_log(place[kept], days[kept], amounts[kept])


def hashed_order(ids: pd.Index[Any], most: int) -> npt.NDArray[np.int64]:
    """Return at most `most` customers, drawn and ordered by a hash of their ids."""
    hashed = hash_ids(ids)
    order = np.argsort(hashed, kind="stable")
    return order[:most]


def hash_ids(ids: pd.Index[Any]) -> npt.NDArray[np.uint64]:
    """Return a number per customer that depends on nothing but its id."""
    if pd.api.types.is_integer_dtype(ids.dtype):
        return np.asarray(pd.util.hash_array(ids.to_numpy(dtype=np.int64)))
    texts = ids.astype(str).to_numpy(dtype=object)
    return np.asarray(pd.util.hash_array(texts, categorize=False))


def learn_forecast(
    transactions: pd.DataFrame,
    *,
    as_of: date,
    customer_id: pd.Index[Any] | None = None,
    horizon_days: int = 365,
    fit: Callable[..., Any] | None = None,
    lifetime: Any = None,
    config: ForecastConfig | None = None,
) -> tuple[ForecastModel, tuple[PastActivity, ...]]:
    """Learn the forecast, and what told the states of customers at earlier origins."""
    from retainkit._core.codes import number_ids
    from retainkit._core.time import to_day_numbers

    config = config or ForecastConfig()
    days = to_day_numbers(transactions["timestamp"].to_numpy())
    seen = days <= day_number(as_of)
    codes, ids = number_ids(transactions["customer_id"])
    names = ids if customer_id is None else customer_id[ids]
    amounts = transactions["amount"].to_numpy(dtype=np.float64)
    order = hashed_order(names, config.max_customers)
    log = sample_log(codes[seen], days[seen], amounts[seen], order)
    model = fit_log(
        log, as_of=as_of, horizon_days=horizon_days, fit=fit, lifetime=lifetime, config=config
    )
    activity, past = fit_activity(Base(log, fit), day_number(as_of), lifetime, config.ridge)
    return model.replace(activity=activity), past


def fit_forecast(
    transactions: pd.DataFrame,
    *,
    as_of: date,
    customer_id: pd.Index[Any] | None = None,
    horizon_days: int = 365,
    fit: Callable[..., Any] | None = None,
    lifetime: Any = None,
    config: ForecastConfig | None = None,
) -> ForecastModel:
    """Learn who will buy within the horizon and for how much."""
    return learn_forecast(
        transactions,
        as_of=as_of,
        customer_id=customer_id,
        horizon_days=horizon_days,
        fit=fit,
        lifetime=lifetime,
        config=config,
    )[0]


def forecast_by_lifetime(
    model: PurchaseModelUnion | None,
    summary: PurchaseFacts,
    *,
    horizon_days: int = 365,
    config: ForecastConfig | None = None,
) -> ForecastModel:
    """Forecast by a lifetime model alone, where only a summary of the base is at hand.

    Parameters
    ----------
    model : MbgNbdModel, BgNbdModel, ParetoNbdModel, NbdModel or None
        Model of buying and dropout; None gives a model that forecasts nothing and says so.
    summary : CustomerSummary
        The base.
    horizon_days : int, default 365
        Days ahead [day].
    config : ForecastConfig, optional
        What to learn.

    Returns
    -------
    ForecastModel
        Without intervals and not judged: `trust.ranks` is "not known".

    Examples
    --------
    >>> import retainkit as rk
    >>> summary = rk.summarize_customers(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> forecast_by_lifetime(rk.fit_mbg_nbd(summary), summary).trust.ranks
    'not known'
    """
    bought = summary.occasions > 0
    scales = measure_scales(known_of(summary, np.flatnonzero(bought)))
    return ForecastModel(
        config=config or ForecastConfig(),
        as_of=summary.as_of,
        horizon_days=horizon_days,
        tested_days=0,
        base_gap=scales.gap,
        basket=scales.basket,
        regressions=None,
        lifetime=model,
        factor=1.0,
        interval=None,
        drift=_PRIOR_DRIFT,
        rhythm=_USUAL_RHYTHM,
        totals=(),
        weights=(),
        total_ratio=None,
        trust=Trust(ranks="not known", z=None, customers=0, origins=0, window_days=0),
        origins=(),
        notes=("forecast by the lifetime model alone: earlier forecasts were not judged",),
    )
