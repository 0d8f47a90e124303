"""fit_log: learn who will buy and for how much, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from retainkit._core.time import day_number
from retainkit.forecast._choose import Choice, choose_ranking
from retainkit.forecast._config import ForecastConfig
from retainkit.forecast._estimator import ValueEstimator, estimated_sizes
from retainkit.forecast._evidence import (
    NOT_JUDGED,
    NOT_RANKED,
    Judged,
    LeftOut,
    Origin,
    Trust,
    judge_ranking,
    walk_forward,
    ways_at,
)
from retainkit.forecast._kernel_features import measure_scales
from retainkit.forecast._kernel_judge import predictive_bands
from retainkit.forecast._kernel_log import PurchaseLog, money_between
from retainkit.forecast._learn import (
    Base,
    FitPurchases,
    Moment,
    Regressions,
    fit_carry,
    learn,
    learning_windows,
    usable_model,
)
from retainkit.forecast._model import ForecastModel, Interval, Rhythm
from retainkit.forecast._months import spread_over_months
from retainkit.forecast._totals import (
    combine_totals,
    follows_season,
    spread_of,
    tell_totals,
    weigh_totals,
)
from retainkit.forecast._ways import Mix, lifetime_money, mix_ways
from retainkit.typing import FloatArray

_SHARE_LEARNT = 1.0 / 1.3
"""Of the history, the longest window that leaves enough before it to be described by."""
PRIOR_DRIFT = 0.15
_PRIOR_LEVEL = 0.12
USUAL_RHYTHM = Rhythm(low=0.05, middle=0.7, high=3.0)
"""Quantiles of an exponential wait, where too few have bought twice."""
_HIGHER, _LOWER = 1.25, 0.5
_YEAR = 365
_DISAGREE = 3.0
"""Largest over smallest total from which on the ways to tell it are said to disagree."""
_BY_HALF = 1.5
"""Factor by which a total may be off by chance, at two standard errors, before it is noted."""
_BREAK = 0.5
"""Ratio of the latest months to those before beyond which the base is said to have broken."""


def share_base(log: PurchaseLog, fit: FitPurchases | None, judged: int) -> tuple[Base, Base]:
    """Return the base that is learnt from, and the part of it that earlier forecasts judge."""
    base, few = Base(log, fit), log.first(judged)
    return base, base if few is log else Base(few, fit)


def fit_log(
    log: PurchaseLog,
    *,
    as_of: date,
    horizon_days: int,
    fit: FitPurchases | None,
    lifetime: Any,
    config: ForecastConfig,
    estimator: ValueEstimator | None = None,
    bases: tuple[Base, Base] | None = None,
) -> ForecastModel:
    """Learn the forecast from the purchase days of a sample of customers."""
    base, judged = bases or share_base(log, fit, config.judged_customers)
    today, lifetime = day_number(as_of), usable_model(lifetime)
    past = today - base.first_day
    tested = max(7, min(horizon_days, int(past * _SHARE_LEARNT)))
    windows = learning_windows(base, today, tested)
    moment = base.moment(today, horizon_days)
    if lifetime is None or base.stages(today) > 1:  # what was fitted elsewhere knows no rhythm
        lifetime = base.lifetime(today)
    knows = moment is not None and moment.p_lifetime is not None and lifetime is not None
    learnt = learn(windows, config.ridge, with_lifetime=knows)
    earlier = walk_forward(judged, today, tested, config, estimator)
    then = base.lifetime(windows[0].moment.known.day) if windows else None
    own = choose_ranking(estimator, earlier, windows, learnt, config, then)
    earlier, left_out, notes = own.earlier, own.left_out, own.notes
    origins = tuple(one.origin for one in earlier)
    trust = judge_ranking(origins, left_out, tested, config)
    if learnt is None:  # what was judged on earlier days is not what speaks today
        trust = NOT_JUDGED
    scales = measure_scales(base.known(today)[1])
    ways = _ways(base, moment, learnt, lifetime)
    mix = mix_ways(ways, [one.kept for one in earlier if one.kept is not None]) if ways else None
    totals = {} if moment is None else tell_totals(base, moment, ways)
    weights = weigh_totals([(o.share, dict(o.totals)) for o in origins], list(totals))
    total = combine_totals(totals, weights)
    factor = 1.0 if (base.known(today)[1].money > 0.0).any() else 0.0  # no money: no basket
    if moment is not None and learnt is not None and mix is not None and total > 0.0:
        factor = total / (_size(own, mix, ways, moment, learnt) * scales.basket)
    trailing = money_between(log, today - horizon_days, today)
    span = min(horizon_days, past + 1)
    ratio = total / (trailing * horizon_days / span) if trailing > 0.0 and total > 0.0 else None
    known_days = windows[0].moment.window if windows else 0
    carry = None if learnt is None else fit_carry(base, today, horizon_days, known_days, learnt)
    return ForecastModel(
        config=config,
        as_of=as_of,
        horizon_days=horizon_days,
        tested_days=known_days,
        base_gap=scales.gap,
        basket=scales.basket,
        regressions=learnt,
        lifetime=lifetime,
        mix=mix if learnt is not None else None,
        factor=factor,
        interval=_interval(left_out, earlier, config),
        drift=_drift(origins),
        rhythm=_rhythm(log, scales.gap),
        totals=tuple(totals.items()),
        weights=tuple(weights.items()),
        total_ratio=ratio,
        trust=trust,
        origins=origins,
        estimator=own.trial,
        carry=carry,
        months=spread_over_months(log, as_of, horizon_days, known_days, _level_error(origins)),
        notes=(*_notes(learnt, windows, horizon_days, totals, ratio, trust, base, today), *notes),
    )


def _size(
    own: Choice, mix: Mix, ways: dict[str, FloatArray], moment: Moment, learnt: Regressions
) -> float:
    """Return the sum of expected values up to the factor: of the ways, or of the user's own."""
    if own.fitted is None:
        return float(mix.blend(ways).sum())
    return float(estimated_sizes(own.fitted, moment.design(learnt.uses_lifetime)).sum())


def _ways(
    base: Base, moment: Moment | None, learnt: Regressions | None, lifetime: Any
) -> dict[str, FloatArray]:
    """Return the money expected today in each way; without regressions, of the model alone."""
    if moment is None:
        return {}
    if learnt is not None:
        return ways_at(moment, learnt, lifetime)
    model = base.lifetime(moment.known.day)
    if model is None:
        return {}
    told = lifetime_money(model, moment.known, float(moment.window), moment.scales)
    return {"lifetime": told}


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
    lower, upper = _widened(bands.lower, bands.upper, wider)
    beyond = None
    if bands.beyond is not None:
        low, high = _widened(np.array(bands.beyond[0]), np.array(bands.beyond[1]), wider)
        beyond = (float(low), float(high))
    return Interval(
        edge=tuple(bands.edge.tolist()),
        lower=tuple(lower.tolist()),
        upper=tuple(upper.tolist()),
        beyond=beyond,
    )


def _widened(lower: FloatArray, upper: FloatArray, factor: float) -> tuple[FloatArray, FloatArray]:
    return np.where(lower > 0.0, lower / factor, lower * factor), upper * factor


def _level_error(origins: Sequence[Origin]) -> float:
    """Return the root mean square log error of earlier totals; a prior counts as one origin."""
    total, mass = _PRIOR_LEVEL**2, 1.0
    for origin in origins:
        error = float(np.log(origin.expected / origin.actual))
        total, mass = total + origin.share * min(error * error, 1.0), mass + origin.share
    return float(np.sqrt(total / mass))


def _drift(origins: tuple[Origin, ...]) -> float:
    """Return the standard deviation of the level's log-odds error; a prior counts as one origin."""
    total, mass = PRIOR_DRIFT**2, 1.0
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
        return USUAL_RHYTHM
    last, before = day[ends[again]], day[ends[again] - 1]
    first = day[ends[again] - count[again] + 1]
    usual = (2.0 * base_gap + (before - first)) / count[again]
    low, middle, high = np.quantile((last - before) / usual, [0.05, 0.5, 0.95])
    return Rhythm(low=float(low), middle=float(middle), high=float(high))


def _is_usual(change: float) -> bool:
    return _BREAK <= change <= 1.0 / _BREAK


def _change_last_year(base: Base, today: int, days: int) -> float:
    """Return how the same days of last year compared with those before them; 1 where not known."""
    then = today - 365
    before = money_between(base.log, then - 2 * days, then - days)
    if then - 2 * days < base.first_day or before <= 0.0:
        return 1.0
    return max(money_between(base.log, then - days, then), 0.0) / before or 1.0


def _few_payers(log: PurchaseLog, today: int, days: int) -> list[str]:
    """Say that so few customers bring the money that chance alone moves the total by half.

    Customers are independent: the relative error of their sum is the root of the sum of squares
    over the sum. What is expected and what comes both carry it.
    """
    inside = (log.day > today - days) & (log.day <= today)
    each = np.bincount(log.code[inside], weights=log.money[inside], minlength=log.n)
    total = float(each.sum())
    if total <= 0.0 or 2.0 * np.sqrt(2.0 * float(each @ each)) / total <= np.log(_BY_HALF):
        return []
    payers = int((each > 0.0).sum())
    return [
        f"few customers bring the money ({payers:,} in the last {days:,} days): "
        "the total may be off by half by chance alone"
    ]


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
    if today - base.first_day < _YEAR:
        notes.append(
            f"less than a year is on record ({today - base.first_day + 1:,} days): a season not "
            "seen yet is in no window, and the total does not know it"
        )
    for share in (0.25, 0.5):
        days = max(30, round(min(horizon, today - base.first_day) * share))
        lately = money_between(base.log, today - days, today)
        before = money_between(base.log, today - 2 * days, today - days)
        change = lately / before if before > 0.0 else 1.0
        if not _is_usual(change) and not _is_usual(change / _change_last_year(base, today, days)):
            moved = "risen, by growth or season" if lately > before else "fallen"
            notes.append(
                f"the base has {moved}: the last {days} days brought {change:.2f} times "
                f"the {days} days before"
            )
            break
    notes += _few_payers(base.log, today, horizon)
    if spread_of(totals) > _DISAGREE:
        low, high = min(totals, key=totals.__getitem__), max(totals, key=totals.__getitem__)
        notes.append(
            f"ways to tell the total disagree: {high} is {spread_of(totals):.1f} times {low}"
        )
    beside, these = "last span", f"the last {horizon} days"
    if ratio is not None and follows_season(totals):
        year_ago = money_between(base.log, today - _YEAR, today - _YEAR + horizon)
        ratio = totals["season"] / year_ago if year_ago > 0.0 else None
        beside, these = "same days of last year", "what they brought"
    if ratio is not None and not _LOWER <= ratio <= _HIGHER:
        why = "above" if ratio > _HIGHER else "below half of"
        notes.append(f"the total expected is {why} the {beside}: {ratio:.2f} times {these}")
    if trust.ranks != "yes":
        notes.append(NOT_RANKED)
    return tuple(notes)
