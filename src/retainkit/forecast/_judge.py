"""How well a forecast did against what came: every measure a reader may ask for, in one place."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from retainkit.errors import AlignmentError
from retainkit.forecast._kernel_judge import (
    area_under_curve,
    calibration_error,
    decile_error,
    found_and_captured,
    noise_floor,
    normalised_gini,
    r_squared,
    rank_correlation,
    share_inside,
)
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray

LiftWord: TypeAlias = Literal["none", "poor", "fair", "good", "excellent"]
"""What a lift quality is called; "none" where the order is no better than chance."""

_LIFT_WORDS: tuple[tuple[float, LiftWord], ...] = (
    *((0.6, "excellent"), (0.4, "good"), (0.2, "fair"), (0.0, "poor")),
)


class ForecastMeasures(NamedTuple):
    """What a forecast was worth; NaN where a measure is undefined.

    Examples
    --------
    >>> from retainkit.forecast import judge_forecast
    >>> judged = judge_forecast([3.0, 2.0, 1.0, 0.0], [6.0, 2.0, 0.0, 0.0])
    >>> judged.expected_over_actual, judged.auc, judged.lift_word
    (0.75, 1.0, 'excellent')
    """

    customers: int
    """Customers judged [count]."""
    buyers: int
    """How many of them were active [count]."""
    unanswered: float
    """Share of customers without a forecast."""
    auc: float
    """Probability that one who was active stands above one who was not; NaN where all agree."""
    lift_quality: float
    """2 auc - 1: area between the cumulative gains curve and chance, over that of a perfect
    order."""
    lift_word: LiftWord
    """none (at most 0), poor (to .2), fair (to .4), good (to .6), excellent (above)."""
    calibration_error: float
    """Mean distance of `p_active` and frequency over ten groups; NaN without `p_active`."""
    noise_floor: float
    """The calibration error that chance alone gives a perfect forecast."""
    expected: float
    """Money expected of all [money]; NaN where the rule forecasts no money."""
    actual: float
    """Money that came [money]."""
    expected_over_actual: float
    """Ratio of the two; NaN unless money came."""
    found: float
    """Share of the best customers that stood at the top."""
    captured: float
    """Share of all money that those at the top brought."""
    normalised_gini: float
    """Gini of actual money sorted by the forecast over that of actual money sorted by itself."""
    decile_mape: float
    """Mean absolute percentage error of the totals of the forecast's deciles."""
    spearman: float
    """Rank correlation of forecast and actual money."""
    r_squared: float
    """1 - residual over total sum of squares of the money."""
    coverage: float
    """Share of customers whose money fell into its interval; NaN without intervals."""
    coverage_top: float
    """The same among those at the top."""


def lift_word(quality: float) -> LiftWord:
    """Name a lift quality."""
    return next((word for least, word in _LIFT_WORDS if quality > least), "none")


def judge_forecast(
    expected: ArrayLike1D,
    actual: ArrayLike1D,
    *,
    actual_active: ArrayLike1D | None = None,
    p_active: ArrayLike1D | None = None,
    score: ArrayLike1D | None = None,
    low: ArrayLike1D | None = None,
    high: ArrayLike1D | None = None,
    share: float = 0.2,
) -> ForecastMeasures:
    """Hold a forecast, or any rule that orders customers, against what came.

    Parameters
    ----------
    expected : array-like of shape (n,)
        Money expected of each customer [money]; NaN where there is no forecast.
    actual : array-like of shape (n,)
        Money each brought [money].
    actual_active : array-like of shape (n,), optional
        Who was active; None takes who brought money.
    p_active : array-like of shape (n,), optional
        Forecast probability of being active; customers are ordered by it for `auc`.
    score : array-like of shape (n,), optional
        What orders customers, of a rule without an amount of money; None takes `expected`.
    low, high : array-like of shape (n,), optional
        Interval of the money of each [money].
    share : float, default 0.2
        Share of customers that makes "the top".

    Returns
    -------
    ForecastMeasures
        A customer without a forecast stands last, adds nothing to `expected`, and is not looked
        at for calibration and coverage. NaN where a measure is undefined.

    Raises
    ------
    AlignmentError
        If the arrays differ in length, or are empty.

    Notes
    -----
    `found` and `captured` look at `share` of the customers, or at as many as brought money where
    these are fewer. Lift quality divides the sum of cumulative gains above chance by that of a
    perfect order; over the whole list that is 2 auc - 1. Its words are a convention of this
    library, to be read beside the figure.

    References
    ----------
    G. Piatetsky-Shapiro, S. Steingold (2000), "Measuring lift quality in database marketing",
    SIGKDD Explorations 2(2), 76-80.

    Examples
    --------
    >>> from retainkit.forecast import judge_forecast
    >>> judged = judge_forecast([40.0, 10.0, 20.0, 0.0, 5.0], [60.0, 0.0, 20.0, 0.0, 0.0],
    ...                         p_active=[0.9, 0.4, 0.5, 0.1, 0.2])
    >>> judged.captured, judged.expected_over_actual, judged.buyers
    (0.75, 0.9375, 2)
    """
    money = _column("actual", actual, None)
    n = len(money)
    forecast = _column("expected", expected, n)
    order = forecast if score is None else _column("score", score, n)
    known = np.isfinite(order)
    place = np.where(known, order, _below(order))
    active = money > 0.0 if actual_active is None else np.asarray(actual_active, dtype=np.bool_)
    chance = None if p_active is None else _column("p_active", p_active, n)
    if len(active) != n:
        raise _unaligned("actual_active", len(active), n)
    auc, error, floor = _judge_activity(place, chance, active)
    found, captured = found_and_captured(place, money, share)
    total = float(np.nansum(forecast)) if np.isfinite(forecast).any() else float("nan")
    came = float(money.sum())
    filled = np.nan_to_num(forecast)
    tells_money = bool(np.isfinite(forecast).any())
    inside = share_inside(
        money,
        None if low is None else _column("low", low, n),
        None if high is None else _column("high", high, n),
        place,
        share,
    )
    return ForecastMeasures(
        customers=n,
        buyers=int(active.sum()),
        unanswered=1.0 - float(known.mean()),
        auc=auc,
        lift_quality=2.0 * auc - 1.0,
        lift_word=lift_word(2.0 * auc - 1.0),
        calibration_error=error,
        noise_floor=floor,
        expected=total,
        actual=came,
        expected_over_actual=total / came if came > 0.0 else float("nan"),
        found=found,
        captured=captured,
        normalised_gini=normalised_gini(place, money),
        decile_mape=decile_error(filled, money) if tells_money else float("nan"),
        spearman=rank_correlation(place, money),
        r_squared=r_squared(filled, money) if tells_money else float("nan"),
        coverage=inside[0],
        coverage_top=inside[1],
    )


def _judge_activity(
    place: FloatArray, chance: FloatArray | None, active: BoolArray
) -> tuple[float, float, float]:
    """Return AUC, calibration error and its noise floor."""
    nothing = float("nan")
    if chance is None or not np.isfinite(chance).any():
        return area_under_curve(place, active), nothing, nothing
    known = np.isfinite(chance)
    auc = area_under_curve(np.where(known, chance, -1.0), active)
    return auc, calibration_error(chance[known], active[known]), noise_floor(chance[known])


def _below(order: FloatArray) -> float:
    """Return a place below everybody who has one."""
    known = order[np.isfinite(order)]
    return float(known.min()) - 1.0 if len(known) else 0.0


def _column(name: str, values: ArrayLike1D, n: int | None) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array) or (n is not None and len(array) != n):
        raise _unaligned(name, len(array) if array.ndim else 0, n)
    return array


def _unaligned(name: str, length: int, n: int | None) -> AlignmentError:
    return AlignmentError(
        f"{name} has {length:,} values" + ("" if n is None else f", actual {n:,}"),
        rule="one value per customer, in the same order, and at least one customer",
        where=name,
        fix="pass columns of one frame",
    )
