"""What one moment of the past teaches: regressions from the windows that end by then."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from retainkit._core.config import FrozenConfig
from retainkit._core.time import DAYS_PER_UNIT
from retainkit.errors import ConvergenceError, NotComputableError, RetainkitWarning
from retainkit.forecast._kernel_features import Scales, describe, measure_scales, past_rate
from retainkit.forecast._kernel_log import Known, PurchaseLog, known_on, outcome
from retainkit.forecast._kernel_ridge import (
    Fit,
    fit_ridge,
    logit,
    predict_linear,
    standardise,
)
from retainkit.lifetime import PurchaseHistories
from retainkit.typing import BoolArray, FloatArray, TimeUnit

LENGTHS = ((1.0, 1.0), (0.5, 0.6), (0.25, 0.3))
"""Windows learnt from, as shares of the horizon, and what a customer in each weighs."""

_SHORTEST_PAST = 30
_FEWEST = 20
_FEWEST_EVENTS = 10
_PAST_WEIGHT = 0.15
"""Part of the plain past rate in the log of expected money: a mean of forecasts is steadier."""
_LARGEST_LOG = 12.0
_YEAR = 365

FitPurchases = Callable[[PurchaseHistories], Any]


class Regression(FrozenConfig):
    """Coefficients on standardised columns; the constant is the first coefficient.

    Parameters
    ----------
    center, scale : tuple of float
        Mean and standard deviation of each column where it was learnt; scale is 0 for a column
        that did not vary and is left out.
    coefficients : tuple of float
        Constant first.
    """

    center: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]

    @classmethod
    def of(cls, fit: Fit) -> Regression:
        """Keep a fit; an infinite scale, which JSON cannot hold, is written as 0."""
        scale = tuple(0.0 if np.isinf(value) else value for value in fit.scale)
        return cls(center=fit.center, scale=scale, coefficients=fit.coefficients)

    def apply(self, columns: list[FloatArray]) -> FloatArray:
        """Return the linear predictor of each row."""
        scale = tuple(value or float("inf") for value in self.scale)
        return predict_linear(Fit(self.center, scale, self.coefficients), columns)


class Regressions(FrozenConfig):
    """What is learnt at one moment for one window length.

    Parameters
    ----------
    buys : Regression
        Log-odds of at least one purchase in the window.
    log_money, level : Regression
        Mean of log(1 + money), and what turns it into money; money in baskets.
    money : Regression
        Log of the mean money.
    uses_lifetime : bool
        Whether the last column is the log-odds a lifetime model gives.
    """

    buys: Regression
    log_money: Regression
    level: Regression
    money: Regression
    uses_lifetime: bool

    def p_active(self, columns: list[FloatArray]) -> FloatArray:
        """Return the probability of a purchase in the window."""
        return np.asarray(expit(self.buys.apply(columns)))

    def log_value(self, columns: list[FloatArray], past: FloatArray) -> FloatArray:
        """Return the log of the expected money in baskets, up to a common factor."""
        mean_log = np.minimum(self.level.apply([self.log_money.apply(columns)]), _LARGEST_LOG)
        log_mean = np.minimum(self.money.apply(columns), _LARGEST_LOG)
        learnt = 0.5 * (mean_log + log_mean)
        return np.asarray((1.0 - _PAST_WEIGHT) * learnt + _PAST_WEIGHT * past)


class Moment(NamedTuple):
    """Customers as known on a day, described for a window ahead."""

    who: npt.NDArray[np.int64]
    known: Known
    scales: Scales
    columns: list[FloatArray]
    p_lifetime: FloatArray | None
    window: int

    def design(self, uses_lifetime: bool) -> list[FloatArray]:
        """Return the columns of the regressions."""
        if not uses_lifetime or self.p_lifetime is None:
            return self.columns
        return [*self.columns, logit(self.p_lifetime)]

    def past(self) -> FloatArray:
        """Return the log of money at the past rate."""
        return past_rate(self.known, float(self.window), self.scales)


class Window(NamedTuple):
    """A moment and what came in the days after it."""

    moment: Moment
    weight: float
    bought: BoolArray
    money: FloatArray


class Base:
    """A sample's purchase log with what was worked out of it once: moments and lifetime models."""

    def __init__(self, log: PurchaseLog, fit: FitPurchases | None) -> None:
        self.log = log
        self.first_day = log.first_day
        self.fit = fit
        self._models: dict[int, Any] = {}
        self._known: dict[int, tuple[npt.NDArray[np.int64], Known]] = {}

    def known(self, day: int) -> tuple[npt.NDArray[np.int64], Known]:
        """Return who was known on `day`, and as what."""
        if day not in self._known:
            self._known[day] = known_on(self.log, day)
        return self._known[day]

    def moment(self, day: int, window: int) -> Moment | None:
        """Describe the customers of a day for a window ahead; None where there are too few."""
        who, known = self.known(day)
        if len(who) < _FEWEST:
            return None
        scales = measure_scales(known)
        model = self.lifetime(day)
        chance = None if model is None else lifetime_chance(model, known, float(window))
        columns = describe(known, float(window), scales)
        return Moment(who, known, scales, columns, chance, window)

    def window(self, day: int, length: int, weight: float = 1.0) -> Window | None:
        """Return a moment with what came in the `length` days after it."""
        moment = self.moment(day, length)
        if moment is None:
            return None
        return Window(moment, weight, *outcome(self.log, moment.who, day, day + length))

    def lifetime(self, day: int) -> Any:
        """Return the lifetime model as it would have been fitted on `day`; None without one."""
        if day not in self._models:
            self._models[day] = fit_lifetime(self.fit, self.known(day)[1])
        return self._models[day]


def fit_lifetime(fit: FitPurchases | None, known: Known) -> Any:
    """Fit the lifetime model on what was known; None where the base supports none."""
    if fit is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RetainkitWarning)
            return usable_model(fit(histories(known)))
    except (NotComputableError, ConvergenceError):
        return None


def usable_model(model: Any) -> Any:
    """Return the lifetime model; None where its customers are all alike.

    With equal dropout that is identified the parameters run off together: the model then tells
    customers apart by nothing that the other columns do not know, and takes minutes to say so.
    """
    alike = "equal_dropout" in getattr(model, "findings", ())
    return None if alike and getattr(model, "dropout_is_identified", True) else model


def histories(known: Known, unit: TimeUnit = "week") -> PurchaseHistories:
    """Return frequency, recency and age."""
    days = DAYS_PER_UNIT[unit]
    return PurchaseHistories(
        frequency=known.purchases - 1.0,
        recency=(known.last - known.first) / days,
        age=(known.day - known.first) / days,
        unit=unit,
    )


def lifetime_chance(model: Any, known: Known, window: float) -> FloatArray:
    """Return the probability of a purchase in the window by the lifetime model."""
    horizon = window / DAYS_PER_UNIT[model.unit]
    history = histories(known, model.unit)
    none = model.purchase_probabilities(history, horizon=horizon, max_count=0)
    return np.asarray(1.0 - none[:, 0])


def lifetime_purchases(model: Any, known: Known, window: float) -> FloatArray:
    """Return the purchases that the lifetime model expects in the window."""
    horizon = window / DAYS_PER_UNIT[model.unit]
    return np.asarray(model.expected_purchases(histories(known, model.unit), horizon=horizon))


def learning_windows(base: Base, day: int, horizon: int) -> list[Window]:
    """Return the windows that end by `day`: the horizon, parts of it, and last year's season.

    Windows from a time when nobody came back yet, in which no lifetime model could be fitted, teach
    nothing of a day on which one can.
    """
    wanted = [(day - round(share * horizon), round(share * horizon), w) for share, w in LENGTHS]
    if horizon < 0.9 * _YEAR:
        wanted.append((day - _YEAR, horizon, 1.0))
    found = []
    for start, length, weight in wanted:
        past = start - base.first_day
        if length < 1 or past < max(0.3 * length, _SHORTEST_PAST):
            continue
        window = base.window(start, length, weight)
        if window is not None:
            found.append(window)
    alike = [window for window in found if window.moment.p_lifetime is not None]
    return alike if alike and base.lifetime(day) is not None else found


def stack(windows: list[Window], lifetime: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the columns, the money [baskets] and the weights of all windows, one row each."""
    x = np.vstack([np.column_stack(window.moment.design(lifetime)) for window in windows])
    money = np.concatenate([window.money / window.moment.scales.basket for window in windows])
    weights = np.concatenate([np.full(len(window.bought), window.weight) for window in windows])
    return x, money, weights


def learn(
    windows: list[Window], penalty: float, *, with_lifetime: bool = True
) -> Regressions | None:
    """Learn the regressions from windows; None where too little happened in them.

    The lifetime model is a column where it could be fitted in each window and, `with_lifetime`, on
    the day that is to be forecast from.
    """
    if not windows:
        return None
    bought = np.concatenate([window.bought for window in windows]).astype(np.float64)
    if min(bought.sum(), (1.0 - bought).sum()) < _FEWEST_EVENTS:
        return None
    lifetime = with_lifetime and all(w.moment.p_lifetime is not None for w in windows)
    x, money, weights = stack(windows, lifetime)
    spent = np.minimum(np.maximum(money, 0.0), np.quantile(money, 0.999))
    if not spent.any():
        return None
    design = standardise(x, weights)
    log_money = fit_ridge(design, np.log1p(np.maximum(money, 0.0)), penalty, "normal")
    score = standardise(predict_linear(log_money, list(x.T))[:, None], weights)
    return Regressions(
        buys=Regression.of(fit_ridge(design, bought, penalty, "logistic")),
        log_money=Regression.of(log_money),
        level=Regression.of(fit_ridge(score, spent, 1e-3, "poisson")),
        money=Regression.of(fit_ridge(design, spent, penalty, "poisson")),
        uses_lifetime=lifetime,
    )
