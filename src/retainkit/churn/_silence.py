"""fit_rhythm, choose_threshold: silence against a customer's own rhythm, and when to act on it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from retainkit._core.arrays import check_shapes
from retainkit._core.config import FrozenModel
from retainkit.errors import ConvergenceError, NotComputableError, SchemaError
from retainkit.lifetime import PurchaseHistory
from retainkit.typing import ArrayLike1D, FloatArray, PositiveFloat, PositiveInt, TimeUnit


class RhythmModel(FrozenModel):
    """How long the gaps between purchases are, from customer to customer.

    Parameters
    ----------
    r, alpha : float
        Shape, and scale [unit], of the gamma distribution of purchase rates.
    unit : {"day", "week", "month"}
        Scale of time.
    n : int
        Customers with a repeat purchase it was learnt from.

    Examples
    --------
    >>> from retainkit.churn import RhythmModel
    >>> RhythmModel(r=1.0, alpha=5.0, unit="week", n=100).r
    1.0
    """

    r: PositiveFloat
    alpha: PositiveFloat
    unit: TimeUnit
    n: PositiveInt

    def silence(self, history: PurchaseHistory) -> FloatArray:
        """Return how unusual each customer's present silence is.

        The share of the customer's gaps expected to be shorter than its silence so far; NaN for
        customers without a purchase. It is no probability of having left: a hold-out period tells
        what it means (`fit_calibration`). With x gaps over a time t and a silence of s it is 1 -
        ((alpha + t) / (alpha + t + s))**(r + x): the customer's own gaps count in full, the base's
        speak for customers with few. SchemaError if the history is in another unit.
        """
        if history.unit != self.unit:
            raise SchemaError(
                f"the history is in {history.unit}s, the rhythm in {self.unit}s",
                rule="both share one unit",
                where="history",
            )
        x = np.asarray(history.frequency, dtype=np.float64)
        t = np.asarray(history.recency, dtype=np.float64)
        silent = np.asarray(history.age, dtype=np.float64) - t
        base = np.log1p(silent / (self.alpha + t))
        return -np.expm1(-(self.r + x) * base)


def fit_rhythm(history: PurchaseHistory) -> RhythmModel:
    """Learn the rhythm of buying of a base from the gaps its customers have shown.

    Parameters
    ----------
    history : PurchaseHistory
        frequency, recency and age, such as a `CustomerSummary`.

    Returns
    -------
    RhythmModel
        The learnt rhythm.

    Raises
    ------
    NotComputableError
        If fewer than ten customers have purchased again.
    ConvergenceError
        If the optimum was not found.

    Notes
    -----
    Gaps are exponential with a rate per customer, rates gamma distributed; maximum likelihood on
    the completed gaps. The present silence is left out: it may be an absence for good.

    Examples
    --------
    >>> from retainkit.churn import fit_rhythm
    >>> from retainkit.simulate import make_purchase_histories
    >>> history = make_purchase_histories(2000, seed=1)
    >>> level = fit_rhythm(history).silence(history)
    >>> bool((level >= 0).all() and (level < 1).all())
    True
    """
    from scipy import optimize

    x = np.asarray(history.frequency, dtype=np.float64)
    t = np.asarray(history.recency, dtype=np.float64)
    again = (x >= 1.0) & (t > 0.0)
    if int(again.sum()) < 10:
        raise NotComputableError(
            f"{int(again.sum())} customers have purchased again",
            rule="a rhythm is learnt from the gaps of ten customers or more",
            where="history",
        )
    x, t = x[again], t[again]
    order = np.lexsort((t, x))  # sums do not depend on the order of rows
    x, t = x[order], t[order]

    def loss(logs: FloatArray) -> float:
        """Return minus the log-likelihood."""
        r, alpha = np.exp(logs)
        gain = special.gammaln(r + x) - special.gammaln(r)
        gain += r * np.log(alpha) - (r + x) * np.log(alpha + t)
        return -float(gain.mean())

    start = np.log([1.0, float(t.sum() / x.sum())])
    found = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6})
    if not found.success:
        raise ConvergenceError(f"rhythm: {found.message}", rule="the likelihood has an optimum")
    r, alpha = np.exp(found.x).tolist()
    return RhythmModel(r=r, alpha=alpha, unit=history.unit, n=int(again.sum()))


class ThresholdChoice(NamedTuple):
    """From which probability on it pays to treat a customer as gone.

    Attributes
    ----------
    threshold : float
        The cheapest threshold on the hold-out; above 1 where acting never pays.
    cost : float
        Mean cost per customer at it [money].
    calibrated_threshold : float
        cost_false_alarm / (cost_false_alarm + cost_missed): the cheapest one if the probabilities
        mean what they say. Far from `threshold`, they do not.
    table : pandas.DataFrame
        threshold, alarms, false_alarms, missed, cost (mean per customer [money]); one row per
        distinct probability and one for "nobody".

    Examples
    --------
    >>> from retainkit.churn import choose_threshold
    >>> choice = choose_threshold([0.1, 0.4, 0.8], outcome=[False, True, True],
    ...                           cost_missed=10.0, cost_false_alarm=5.0)
    >>> choice.threshold, choice.cost, round(choice.calibrated_threshold, 3)
    (0.4, 0.0, 0.333)
    """

    threshold: float
    cost: float
    calibrated_threshold: float
    table: pd.DataFrame


def choose_threshold(
    p_churned: ArrayLike1D,
    *,
    outcome: ArrayLike1D,
    cost_missed: float,
    cost_false_alarm: float,
) -> ThresholdChoice:
    """Choose the threshold of `detect_churn` by what errors cost on a hold-out period.

    Parameters
    ----------
    p_churned : array_like, shape (n,)
        Probabilities of having left, judged before the hold-out; NaN is left out.
    outcome : array_like of bool, shape (n,)
        Who did not come back in the hold-out.
    cost_missed : float
        Cost of taking a lost customer for a present one [money].
    cost_false_alarm : float
        Cost of taking a present customer for a lost one [money].

    Returns
    -------
    ThresholdChoice
        The cheapest threshold, ties to the higher one, with the table of all.

    Raises
    ------
    AlignmentError
        If lengths differ.
    SchemaError
        If a cost is negative or both are 0.
    NotComputableError
        If no probability is known.

    Examples
    --------
    >>> from retainkit.churn import DetectionConfig, choose_threshold
    >>> choice = choose_threshold([0.2, 0.6], outcome=[False, True], cost_missed=1.0,
    ...                           cost_false_alarm=1.0)
    >>> DetectionConfig(threshold=choice.threshold).threshold
    0.6
    """
    p, gone = np.asarray(p_churned, dtype=np.float64), np.asarray(outcome, dtype=np.bool_)
    check_shapes(p.size, p_churned=p, outcome=gone)
    if cost_missed < 0.0 or cost_false_alarm < 0.0 or cost_missed + cost_false_alarm <= 0.0:
        raise SchemaError(
            f"costs are {cost_missed} and {cost_false_alarm}",
            rule="costs are not negative and not both 0",
            where="cost_missed, cost_false_alarm",
        )
    known = ~np.isnan(p)
    if not known.any():
        raise NotComputableError("no probability is known", rule="costs are counted on customers")
    levels, place = np.unique(p[known], return_inverse=True)
    lost = np.bincount(place, weights=gone[known], minlength=len(levels))
    size = np.bincount(place, minlength=len(levels))
    alarms = np.append(np.cumsum(size[::-1])[::-1], 0)
    caught = np.append(np.cumsum(lost[::-1])[::-1], 0.0)
    false, missed = alarms - caught, lost.sum() - caught
    cost = (cost_missed * missed + cost_false_alarm * false) / int(known.sum())
    table = pd.DataFrame(
        {
            "threshold": np.append(levels, np.inf),
            "alarms": alarms,
            "false_alarms": false.astype(np.int64),
            "missed": missed.astype(np.int64),
            "cost": cost,
        }
    )
    best = len(cost) - 1 - int(np.argmin(cost[::-1]))
    return ThresholdChoice(
        threshold=float(table["threshold"].iloc[best]),
        cost=float(cost[best]),
        calibrated_threshold=cost_false_alarm / (cost_false_alarm + cost_missed),
        table=table,
    )
