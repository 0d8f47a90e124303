"""Walking forward: stand on an earlier day, forecast from what was known, look at what came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

import numpy as np

from retainkit._core.config import FrozenConfig
from retainkit.forecast._config import ForecastConfig
from retainkit.forecast._estimator import (
    Contest,
    EstimatorFailure,
    ValueEstimator,
    estimated_sizes,
    fit_copy,
)
from retainkit.forecast._kernel_judge import (
    area_under_curve,
    calibration_error,
    found_and_captured,
    noise_floor,
    rank_correlation,
)
from retainkit.forecast._learn import (
    Base,
    Moment,
    Regressions,
    Window,
    learn,
    learning_windows,
    stack,
)
from retainkit.forecast._totals import combine_totals, tell_totals, weigh_totals
from retainkit.forecast._ways import EarlierWays, Ways, mix_ways, tell_ways
from retainkit.typing import FloatArray, IntArray

Ranks = Literal["yes", "no", "not known"]

BEST = 0.2
"""Share of the customers that a ranking is to find."""
_SHARES = (1.0, 0.5, 0.25)
_STEPS = (1, 2, 3)
_LEAST_PAST = 45
_ENOUGH_TO_DENY = 600
"""Customers times origins from which on "does not rank" is said instead of "not known" [count]."""


class Origin(FrozenConfig):
    """One earlier day, what was forecast on it and what came.

    Parameters
    ----------
    day : datetime.date
        Last day known to the forecast.
    window_days : int
        Days ahead [day].
    share : float
        Window over the horizon of the run.
    customers, buyers : int
        Customers forecast, and how many of them bought in the window [count].
    auc : float or None
        Probability that a buyer had the higher `p_active`.
    rank_z : float or None
        Rank correlation of expected and actual money in standard errors.
    calibration_error, noise_floor : float
        Mean distance of `p_active` and frequency over ten groups, and what chance alone gives.
    mean_forecast : float
        Mean of `p_active`.
    found, captured : float or None
        Share of the best fifth found, and of all money captured by it.
    expected, actual : float
        Money of all these customers [money].
    totals : tuple of (str, float)
        Log of expected over actual money of each way to tell the total.
    entrants : float
        Money in the window from customers not yet there on the day [money].
    """

    day: date
    window_days: int
    share: float
    customers: int
    buyers: int
    auc: float | None
    rank_z: float | None
    calibration_error: float
    noise_floor: float
    mean_forecast: float
    found: float | None
    captured: float | None
    expected: float
    actual: float
    totals: tuple[tuple[str, float], ...]
    entrants: float


class Ranking(NamedTuple):
    """How one way to rank did: expected values [baskets], and what a record says of it."""

    size: FloatArray
    found: float | None
    captured: float | None
    rank_z: float | None


class Judged(NamedTuple):
    """An origin with each customer's expected value [baskets] and the money that came [money].

    `own` is the ranking by an estimator of the user's own, or why there is none; `kept` is what
    weighs the ways to expect money.
    """

    origin: Origin
    who: IntArray
    size: FloatArray
    money: FloatArray
    own: Ranking | str | None = None
    kept: EarlierWays | None = None

    def by_own(self) -> Judged:
        """Return the origin as ranked by the user's estimator, where that could be judged."""
        if not isinstance(self.own, Ranking):
            return self
        told = {"found": self.own.found, "captured": self.own.captured, "rank_z": self.own.rank_z}
        size = self.own.size * (float(self.size.sum()) / float(self.own.size.sum()))
        return self._replace(origin=self.origin.replace(**told), size=size)

    @property
    def contest(self) -> Contest | None:
        """The two rankings, where there are two."""
        if not isinstance(self.own, Ranking):
            return None
        return Contest(self.who, self.own.size, self.size, self.money)


def walk_forward(
    base: Base,
    last_day: int,
    horizon: int,
    config: ForecastConfig,
    estimator: ValueEstimator | None = None,
) -> list[Judged]:
    """Return what earlier forecasts were worth, longest windows first; equal weights of totals."""
    trials = []
    for share in _SHARES:
        window = round(share * horizon)
        for step in _STEPS:
            day = last_day - step * window
            if window < 7 or day - base.first_day < max(0.5 * window, _LEAST_PAST):
                continue
            one = _try(base, day, window, share, config, estimator)
            if one is not None:
                trials.append(one)
    return [
        _judge(base, one, [other.kept for other in trials if other is not one]) for one in trials
    ]


class Trial(NamedTuple):
    """A forecast made on an earlier day, before the ways to expect money are weighed."""

    window: Window
    share: float
    chance: FloatArray
    ways: Ways
    kept: EarlierWays
    totals: dict[str, float]
    own: Ranking | str | None


def _try(
    base: Base,
    day: int,
    length: int,
    share: float,
    config: ForecastConfig,
    estimator: ValueEstimator | None,
) -> Trial | None:
    """Forecast from what was known on a day."""
    window = base.window(day, length)
    if window is None or not window.money.sum() > 0.0:
        return None
    knows = window.moment.p_lifetime is not None
    windows = learning_windows(base, day, length)
    learnt = learn(windows, config.ridge, with_lifetime=knows)
    if learnt is None:
        return None
    ways = ways_at(window.moment, learnt, base.lifetime(day))
    return Trial(
        window=window,
        share=share,
        chance=learnt.p_active(window.moment.design(learnt.uses_lifetime)),
        ways=ways,
        kept=EarlierWays.of(ways, window.money, share),
        totals=tell_totals(base, window.moment, ways),
        own=None if estimator is None else _rank_own(estimator, windows, window, learnt),
    )


def _judge(base: Base, trial: Trial, others: list[EarlierWays]) -> Judged:
    """Hold a forecast against what came; the ways to expect money are weighed on other days."""
    window, chance, totals = trial.window, trial.chance, trial.totals
    moment, money = window.moment, window.money
    day, length = moment.known.day, moment.window
    ranking = _rank(mix_ways(trial.ways, others).blend(trial.ways), money)
    actual = float(money.sum())
    expected = combine_totals(totals, weigh_totals((), list(totals)))
    inside = (base.log.day > day) & (base.log.day <= day + length)
    origin = Origin(
        day=date.fromordinal(day + date(1970, 1, 1).toordinal()),
        window_days=length,
        share=trial.share,
        customers=len(money),
        buyers=int(window.bought.sum()),
        auc=_known(area_under_curve(chance, window.bought)),
        rank_z=ranking.rank_z,
        calibration_error=calibration_error(chance, window.bought),
        noise_floor=noise_floor(chance),
        mean_forecast=float(chance.mean()),
        found=ranking.found,
        captured=ranking.captured,
        expected=expected,
        actual=actual,
        totals=tuple((name, float(np.log(total / actual))) for name, total in totals.items()),
        entrants=float(base.log.money[inside].sum()) - actual,
    )
    size = ranking.size
    scaled = size * (expected / (float(size.sum()) * moment.scales.basket))
    return Judged(origin, moment.who, scaled, money, trial.own, trial.kept)


def ways_at(moment: Moment, learnt: Regressions, lifetime: Any) -> dict[str, FloatArray]:
    """Return the money expected of the customers of a moment in each way [baskets]."""
    columns = moment.design(learnt.uses_lifetime)
    return tell_ways(learnt, columns, moment.known, float(moment.window), moment.scales, lifetime)


def _rank(size: FloatArray, money: FloatArray) -> Ranking:
    """Say how a ranking did."""
    found, captured = found_and_captured(size, money, BEST)
    z = rank_correlation(size, money) * np.sqrt(len(money) - 1.0)
    return Ranking(size, _known(found), _known(captured), _known(z))


def _rank_own(
    estimator: ValueEstimator, windows: list[Window], window: Window, learnt: Regressions
) -> Ranking | str:
    """Let a copy of the user's estimator learn and rank; the reason where it fails."""
    try:
        fitted = fit_copy(estimator, *learning_rows(windows, learnt))
        return _rank(
            estimated_sizes(fitted, window.moment.design(learnt.uses_lifetime)), window.money
        )
    except EstimatorFailure as failure:
        return str(failure)


def learning_rows(
    windows: list[Window], learnt: Regressions
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return features, money [baskets, not below 0] and weights for a user's estimator."""
    features, money, weights = stack(windows, learnt.uses_lifetime)
    return features, np.maximum(money, 0.0), weights


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


class LeftOut(NamedTuple):
    """Forecasts [baskets] of customers who were not learnt from, in the window that ends today.

    Sizes add up to the money that came; `actual` is that money [money].
    """

    size: FloatArray
    actual: FloatArray
    rank_z: float


def forecast_left_out(
    windows: list[Window],
    config: ForecastConfig,
    estimator: ValueEstimator | None = None,
    *,
    lifetime: Any = None,
    earlier: Sequence[EarlierWays] = (),
) -> LeftOut | None:
    """Forecast each half of the customers from what the other half teaches, in the longest window.

    Customers are numbered by what they bought, so that odd and even are halves alike.
    """
    longest = windows[0]
    odd = longest.moment.who % 2 == 1
    size = np.empty(len(odd))
    for fold in (True, False):
        half = [_part(window, fold) for window in windows]
        learnt = learn(half, config.ridge)
        if learnt is None:
            return None
        rest = _part(longest, not fold).moment
        if estimator is None:
            ways = ways_at(rest, learnt, lifetime)
            size[odd != fold] = mix_ways(ways, earlier).blend(ways)
        else:
            own = fit_copy(estimator, *learning_rows(half, learnt))
            size[odd != fold] = estimated_sizes(own, rest.design(learnt.uses_lifetime))
    actual = longest.money
    z = rank_correlation(size, actual) * np.sqrt(len(size) - 1.0)
    level = float(actual.sum()) / (float(size.sum()) * longest.moment.scales.basket)
    return LeftOut(size * level, actual, float(z)) if level > 0.0 else None


def _part(window: Window, odd: bool) -> Window:
    """Return the customers of a window with an odd (or even) number."""
    rows = (window.moment.who % 2 == 1) == odd
    moment = window.moment
    chance = moment.p_lifetime
    part = moment._replace(
        who=moment.who[rows],
        known=moment.known.take(rows),
        columns=[column[rows] for column in moment.columns],
        p_lifetime=None if chance is None else chance[rows],
    )
    return Window(part, window.weight, window.bought[rows], window.money[rows])


class Trust(FrozenConfig):
    """Whether the forecast orders customers better than chance, and by how much.

    Parameters
    ----------
    ranks : {"yes", "no", "not known"}
        The finding.
    z : float or None
        Standard errors above chance, pooled over earlier forecasts; None where none was judged.
    customers, origins : int
        What it rests on [count].
    window_days : int
        Days ahead of the forecasts that were judged [day].
    """

    ranks: Ranks
    z: float | None
    customers: int
    origins: int
    window_days: int


NOT_JUDGED = Trust(ranks="not known", z=None, customers=0, origins=0, window_days=0)
NOT_RANKED = "customers cannot be ranked by the forecast"


def judge_ranking(
    origins: tuple[Origin, ...], left_out: LeftOut | None, window: int, config: ForecastConfig
) -> Trust:
    """Say whether the ranking is trusted, from the longest windows that do not overlap."""
    fit = [
        o
        for o in origins
        if o.rank_z is not None
        and o.customers >= config.min_customers
        and o.buyers >= config.min_buyers
    ]
    for share in _SHARES:
        same = [o for o in fit if o.share == share]
        if same:
            z = sum(o.rank_z or 0.0 for o in same) / np.sqrt(len(same))
            heads = sum(o.customers for o in same)
            return _trust(float(z), heads, len(same), same[0].window_days, config)
    if left_out is not None and np.isfinite(left_out.rank_z):
        heads = len(left_out.size)
        if heads >= config.min_customers and (left_out.actual > 0.0).sum() >= config.min_buyers:
            return _trust(left_out.rank_z, heads, 1, window, config)
    return NOT_JUDGED


def _trust(z: float, heads: int, origins: int, window: int, config: ForecastConfig) -> Trust:
    denied: Ranks = "no" if heads >= _ENOUGH_TO_DENY else "not known"
    ranks: Ranks = "yes" if z >= config.rank_z else denied
    return Trust(ranks=ranks, z=z, customers=heads, origins=origins, window_days=window)
