"""ValueEstimator: an estimator of the user's own, and whether earlier days speak for it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from retainkit._core.config import FrozenConfig
from retainkit.errors import SchemaError
from retainkit.typing import FloatArray, IntArray

_LEAST = 1e-6
"""Baskets below which expected values are not told apart."""


@runtime_checkable
class ValueEstimator(Protocol):
    """What learns expected money from what is known of customers: one more way to rank them.

    Regressors of scikit-learn whose `fit` takes sample weights as the third argument fit as they
    are. `copy.deepcopy` must give an estimator that can be fitted anew.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.forecast import ValueEstimator
    >>> class Mean:
    ...     def fit(self, features, money, weights):
    ...         self.mean = np.average(money, weights=weights)
    ...     def predict(self, features):
    ...         return np.full(len(features), self.mean)
    >>> isinstance(Mean(), ValueEstimator)
    True
    """

    def fit(self, features: FloatArray, money: FloatArray, weights: FloatArray, /) -> Any:
        """Learn from customers of earlier days.

        Parameters
        ----------
        features : numpy.ndarray of float64, shape (n, k)
            What was known of each: age, silence, counts and money in all and recent windows, times
            in windows and money in mean baskets, most of them as logarithms.
        money : numpy.ndarray of float64, shape (n,)
            What each brought in the window ahead, not below 0 [mean baskets].
        weights : numpy.ndarray of float64, shape (n,)
            Weight of each row.
        """

    def predict(self, features: FloatArray, /) -> FloatArray:
        """Return the money expected of each customer [mean baskets], row by row."""


class EstimatorTrial(FrozenConfig):
    """How an estimator of the user's own did against the built-in ranking on earlier days.

    Parameters
    ----------
    chosen : bool
        Whether it ranks the customers: it was ahead by more than one standard error.
    ahead, error : float or None
        Mean of found and captured, its own less the built-in one's, and the standard error of the
        difference over customers; None where it could be judged nowhere.
    origins : int
        Earlier days it was judged on [count].
    """

    chosen: bool
    ahead: float | None
    error: float | None
    origins: int


class Contest(NamedTuple):
    """The two rankings of one earlier day: who was marked by each, and what marking was worth."""

    who: IntArray
    own: FloatArray
    built_in: FloatArray
    money: FloatArray


class EstimatorFailure(Exception):  # noqa: N818 - never leaves the room
    """The user's estimator raised, or returned what is no forecast."""


def fit_estimator(
    estimator: ValueEstimator, features: FloatArray, money: FloatArray, weights: FloatArray
) -> ValueEstimator:
    """Fit it and return it; EstimatorFailure with the reason where it raises."""
    try:
        estimator.fit(features, money, weights)
    except Exception as error:  # the user's code may raise anything
        raise EstimatorFailure(f"{type(error).__name__}: {error}") from error
    return estimator


def fit_copy(
    estimator: ValueEstimator, features: FloatArray, money: FloatArray, weights: FloatArray
) -> ValueEstimator:
    """Fit a copy, so that the user's object stays as it was."""
    try:
        copy = deepcopy(estimator)
    except Exception as error:
        raise EstimatorFailure(f"{type(error).__name__}: {error}") from error
    return fit_estimator(copy, features, money, weights)


def estimated_sizes(estimator: ValueEstimator, columns: Sequence[FloatArray]) -> FloatArray:
    """Return the money it expects of each customer [mean baskets], above 0."""
    try:
        sizes = np.asarray(estimator.predict(np.column_stack(columns)), dtype=np.float64)
    except Exception as error:
        raise EstimatorFailure(f"{type(error).__name__}: {error}") from error
    if sizes.shape != (len(columns[0]),) or not np.isfinite(sizes).all():
        raise EstimatorFailure(
            f"predict returned shape {sizes.shape} for {len(columns[0]):,} customers"
            if sizes.shape != (len(columns[0]),)
            else "predict returned values that are not finite"
        )
    return np.maximum(sizes, _LEAST)


def judge_contests(contests: Sequence[Contest], share: float) -> EstimatorTrial:
    """Choose by the mean of found and captured over earlier days, within one standard error.

    A customer's deviations at several days are added before they are squared: three looks at one
    customer are not three customers.
    """
    if not contests:
        return EstimatorTrial(chosen=False, ahead=None, error=None, origins=0)
    most = 1 + max(int(contest.who.max()) for contest in contests)
    deviation = np.zeros(most)
    for contest in contests:
        deviation[contest.who] += _gains(contest, share) / len(contests)
    ahead, error = float(deviation.sum()), float(np.sqrt(deviation @ deviation))
    return EstimatorTrial(chosen=ahead > error, ahead=ahead, error=error, origins=len(contests))


def _gains(contest: Contest, share: float) -> FloatArray:
    """Return what each adds to (found + captured) / 2: own ranking less built-in."""
    money = contest.money
    most = max(1, min(int(share * len(money)), int((money > 0.0).sum())))
    best = _marked(money, most)
    worth = 0.5 * (money / float(money.sum()) + best / most)
    return (_marked(contest.own, most) - _marked(contest.built_in, most)) * worth


def _marked(score: FloatArray, most: int) -> FloatArray:
    marked = np.zeros(len(score))
    marked[np.argsort(-score, kind="stable")[:most]] = 1.0
    return marked


def require_estimator(estimator: ValueEstimator | None) -> ValueEstimator:
    """Return the estimator a model was learnt with; SchemaError without one."""
    if estimator is None:
        raise SchemaError(
            "the model ranks customers by an estimator of your own, and none is given",
            rule="a learnt object of yours is not part of the model's JSON",
            where="estimator",
            fix="pass estimator= again: the object that fit_forecast or run has fitted",
        )
    return estimator


def refused(failure: EstimatorFailure) -> SchemaError:
    """Return the error for a user whose estimator fails when customers are scored."""
    return SchemaError(
        f"your estimator could not predict: {failure}",
        rule="predict returns one finite number per customer, from the features it was fitted on",
        where="estimator",
        fix="pass the object that fit_forecast or run has fitted",
    )
