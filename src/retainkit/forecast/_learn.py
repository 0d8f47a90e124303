"""What one moment of the past teaches: regressions from the windows that end by then."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from retainkit._core.config import FrozenConfig
from retainkit._core.time import DAYS_PER_UNIT
from retainkit.errors import ConvergenceError, NotComputableError, RetainkitWarning
from retainkit.forecast._kernel_features import Scales, describe, measure_scales
from retainkit.forecast._kernel_judge import area_under_curve
from retainkit.forecast._kernel_log import Known, PurchaseLog, known_on, outcome
from retainkit.forecast._kernel_ridge import (
    Fit,
    fit_ridge,
    logit,
    predict_learnt,
    predict_linear,
    standardise,
    standardise_within,
)
from retainkit.lifetime import MbgCnbdModel, PurchaseHistories, fit_mbg_cnbd
from retainkit.lifetime.models._regular import regularity_of
from retainkit.typing import BoolArray, FloatArray, TimeUnit

LENGTHS = ((1.0, 1.0), (0.5, 0.6), (0.25, 0.3))
"""Windows learnt from, as shares of the horizon, and what a customer in each weighs."""

_SHORTEST_PAST = 30
_FEWEST = 20
_FEWEST_EVENTS = 10
_LEAST_LOG, _LARGEST_LOG = 0.01, 12.0
_ALIKE = 500.0
"""a + b of a beta law of dropout whose standard deviation is at most .022: customers alike."""
_TESTED = 0.5
"""Share of the horizon below which the tested window counts as far shorter."""
_SAME_TIMES = 0.1
"""Share who had come back over that share today, below which a window is from another time."""
_YEAR = 365
_REGULAR = 1.5
"""Regularity from which purchases are in a rhythm: nearer two stages than one."""
_MOST_STAGES = 4
_ENOUGH = 10_000
"""Customers a model of rhythm is fitted on, every so many of those there are [count]."""

_KEPT = 60_000
"""Customers in the windows that a base remembers: of a small base all, of a large one the last."""
_MERGE_FROM = 1_000
"""Customers from which looking for equal ones costs less than it saves [count]."""
_FAR = 65_536.0
"""Days beyond any history; two of them and the purchases still fit into 53 bits [day]."""

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
        Log of the mean money, from which the total is told.
    uses_lifetime : bool
        Whether the last column is the log-odds a lifetime model gives.
    lifetime_weight : float
        Weight of these log-odds beside those of the regression: large where little happened.
    """

    buys: Regression
    log_money: Regression
    level: Regression
    money: Regression
    uses_lifetime: bool
    lifetime_weight: float = 0.0

    def p_active(self, columns: list[FloatArray]) -> FloatArray:
        """Return the probability of a purchase in the window."""
        odds = self.buys.apply(columns)
        if self.lifetime_weight > 0.0:
            odds = (1.0 - self.lifetime_weight) * odds + self.lifetime_weight * columns[-1]
        return np.asarray(expit(odds))

    def money_ways(self, columns: list[FloatArray]) -> dict[str, FloatArray]:
        """Return the money expected by the two regressions of money [baskets].

        The first tells customers apart, the second the total.
        """
        mean_log = self.level.apply([_log_money_of(self.log_money.apply(columns))])
        log_mean = self.money.apply(columns)
        return {
            "log_ridge": np.exp(np.minimum(mean_log, _LARGEST_LOG)),
            "poisson": np.exp(np.minimum(log_mean, _LARGEST_LOG)),
        }


def _log_money_of(mean_log: FloatArray) -> FloatArray:
    """Return the log of the money whose log(1 + money) is this; next to nothing where below 0."""
    return np.asarray(np.log(np.expm1(np.clip(mean_log, _LEAST_LOG, _LARGEST_LOG))))


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
        self._windows: dict[tuple[int, int], Window | None] = {}

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
        key = (day, length)
        if key not in self._windows:
            while len(self._windows) * self.log.n > _KEPT:
                self._windows.pop(next(iter(self._windows)))
            self._windows[key] = self._look_ahead(day, length)
        window = self._windows[key]
        return window if window is None or weight == 1.0 else window._replace(weight=weight)

    def _look_ahead(self, day: int, length: int) -> Window | None:
        moment = self.moment(day, length)
        if moment is None:
            return None
        return Window(moment, 1.0, *outcome(self.log, moment.who, day, day + length))

    def lifetime(self, day: int) -> Any:
        """Return the lifetime model as it would have been fitted on `day`; None without one."""
        if day not in self._models:
            fit, (_, known) = self.fit, self.known(day)
            stages = self.stages(day)
            if fit is not None and stages > 1:
                fit = partial(fit_mbg_cnbd, regularity=stages)
                known = known.take(slice(None, None, max(1, len(known.first) // _ENOUGH)))
            self._models[day] = fit_lifetime(fit, known)
        return self._models[day]

    def stages(self, day: int) -> int:
        """Return how many stages a purchase takes, as known on `day`; 1 without a rhythm."""
        seen = self.log.bought & (self.log.day <= day)
        found = regularity_of(self.log.code[seen], self.log.day[seen])
        return round(min(found, _MOST_STAGES)) if found >= _REGULAR else 1


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
    """Return the lifetime model in a form that can be computed with; None where there is none.

    Where all customers drop out alike, the parameters of dropout run off together, and every
    forecast takes minutes: the same chance with a spread too small to matter is as good.
    """
    alike = "equal_dropout" in getattr(model, "findings", ())
    if not alike or not getattr(model, "dropout_is_identified", True):
        return model
    if not (hasattr(model, "a") and hasattr(model, "b")):
        return None
    shrink = _ALIKE / (model.a + model.b)
    return model if shrink >= 1.0 else model.replace(a=model.a * shrink, b=model.b * shrink)


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
    """Return the purchases that the lifetime model expects in the window.

    Worked out once for customers with the same purchases, span and age.
    """
    if len(known.first) > _MERGE_FROM:
        span, age = known.last - known.first, known.day - known.first
        key = (known.purchases * _FAR + span) * _FAR + age
        _, one, like = np.unique(key.astype(np.int64), return_index=True, return_inverse=True)
        if 2 * len(one) < len(key):
            few = known._replace(
                first=known.first[one],
                last=known.last[one],
                purchases=known.purchases[one],
                day=known.first[one] + age[one],
            )
            return _expected(model, few, window)[like]
    return _expected(model, known, window)


def _expected(model: Any, known: Known, window: float) -> FloatArray:
    horizon, history = window / DAYS_PER_UNIT[model.unit], histories(known, model.unit)
    if isinstance(model, MbgCnbdModel):
        return model.approximate_purchases(history, horizon=horizon)
    return np.asarray(model.expected_purchases(history, horizon=horizon))


def learning_windows(base: Base, day: int, horizon: int) -> list[Window]:
    """Return the windows that end by `day`: the horizon, parts of it, and last year's season.

    Windows from a time when hardly anybody had come back yet teach nothing of a day on which many
    do. Where the lifetime model could be fitted for the longest window, all have it as a column.
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
    came_back = _share_of_repeaters(base.known(day)[1])
    alike = [w for w in found if _share_of_repeaters(w.moment.known) >= _SAME_TIMES * came_back]
    if not alike or alike[0].moment.p_lifetime is None or base.lifetime(day) is None:
        return alike or found
    return [window for window in alike if window.moment.p_lifetime is not None]


def _share_of_repeaters(known: Known) -> float:
    return float((known.purchases > 1.0).mean()) if len(known.purchases) else 0.0


def stack(windows: list[Window], lifetime: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the columns, the money [baskets] and the weights of all windows, one row each."""
    x = _columns_of_all(windows, lifetime)[:, 1:]
    return x, *_money_and_weights(windows)


def _money_and_weights(windows: list[Window]) -> tuple[FloatArray, FloatArray]:
    money = np.concatenate([window.money / window.moment.scales.basket for window in windows])
    weights = np.concatenate([np.full(len(window.bought), window.weight) for window in windows])
    return money, weights


def _columns_of_all(windows: list[Window], lifetime: bool) -> FloatArray:
    """Return a column of ones and those of all windows, column after column in memory."""
    designs = [window.moment.design(lifetime) for window in windows]
    z = np.empty((1 + len(designs[0]), sum(len(window.bought) for window in windows)))
    z[0] = 1.0
    for place, parts in enumerate(zip(*designs, strict=True), start=1):
        np.concatenate(parts, out=z[place])
    return z.T


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
    money, weights = _money_and_weights(windows)
    spent = np.minimum(np.maximum(money, 0.0), np.quantile(money, 0.999))
    if not spent.any():
        return None
    design = standardise_within(_columns_of_all(windows, lifetime), weights)
    log_money = fit_ridge(design, np.log1p(np.maximum(money, 0.0)), penalty, "normal")
    score = _log_money_of(predict_learnt(log_money, design))[:, None]
    buys = fit_ridge(design, bought, penalty, "logistic")
    return Regressions(
        buys=Regression.of(buys),
        log_money=Regression.of(log_money),
        level=Regression.of(fit_ridge(standardise(score, weights), spent, 1e-3, "poisson")),
        money=Regression.of(fit_ridge(design, spent, penalty, "poisson")),
        uses_lifetime=lifetime,
        lifetime_weight=_weigh_lifetime(windows, buys, penalty) if lifetime else 0.0,
    )


def _weigh_lifetime(windows: list[Window], buys: Fit, penalty: float) -> float:
    """Return what the lifetime model weighs: as much as `penalty` events, against those there were.

    It has few parameters, so it is the better guide where little happened; nothing, where it orders
    the longest window worse than the regression by two standard errors.
    """
    moment, bought = windows[0].moment, windows[0].bought
    ones = float(bought.sum())
    zeros = len(bought) - ones
    if moment.p_lifetime is None or not ones or not zeros:
        return 0.0
    own = area_under_curve(predict_linear(buys, moment.design(True)), bought)
    error = np.sqrt((ones + zeros + 1.0) / (12.0 * ones * zeros))
    if area_under_curve(moment.p_lifetime, bought) < own - 2.0 * error:
        return 0.0
    parts = [(w.weight * w.bought.sum(), w.weight * (~w.bought).sum()) for w in windows]
    events = min(np.sum(parts, axis=0))
    return float(penalty / (penalty + events))


def columns_of(
    learnt: Regressions, lifetime: Any, known: Known, window: float, scales: Scales
) -> list[FloatArray]:
    """Describe customers for a window ahead as the regressions were taught."""
    columns = describe(known, window, scales)
    if learnt.uses_lifetime:
        columns.append(logit(lifetime_chance(lifetime, known, window)))
    return columns


def carry_chance(p: FloatArray, power: float) -> FloatArray:
    """Return the chance over a longer window from that over a shorter one."""
    return np.asarray(1.0 - (1.0 - p) ** power)


def fit_carry(base: Base, day: int, horizon: int, tested: int, learnt: Regressions) -> float | None:
    """Return what carries the chance of the tested window to the horizon; None if not needed.

    Times in units of a window far longer than any tested are times that were never seen: those of
    the tested window order the customers, the others only tell how many will be there.
    """
    if not 0 < tested < _TESTED * horizon:
        return None
    short, whole = base.moment(day, tested), base.moment(day, horizon)
    if short is None or whole is None:
        return None
    few = learnt.p_active(short.design(learnt.uses_lifetime))
    many = float(learnt.p_active(whole.design(learnt.uses_lifetime)).mean())
    low, high = 0.0, float(horizon) / tested
    if float(carry_chance(few, high).mean()) <= many:
        return high
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if carry_chance(few, middle).mean() < many else (low, middle)
    return high
