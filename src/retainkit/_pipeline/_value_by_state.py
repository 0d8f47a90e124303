"""Expected value of the gone: what earlier forecasts promised of them, and what came.

A regression over the whole base draws everybody towards the middle: of who is gone too much is
expected, of who is there too little. Factors learnt on earlier days and drawn towards 1 set that
right; the total stays as it was told.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retainkit._core.config import FrozenModel
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._facts import CustomerFacts
from retainkit._pipeline._models import Predictions
from retainkit.churn import StateScheme
from retainkit.churn._kernel import GONE
from retainkit.churn._state_scheme import HasActivity, judge
from retainkit.forecast._past_values import PastValue
from retainkit.typing import FloatArray

_PRIOR = 10.0
"""Buyers that a factor of 1 (of the halves: that of all who are gone) counts as [count]."""


class ValueByState(FrozenModel):
    """Factors of the expected value of who is gone, and what they rest on.

    Parameters
    ----------
    split : float
        Expected value that parts who is gone into those of whom less and more is expected [money].
    less, more, rest : float
        Factor for the gone of whom less is expected, of whom more is, and for everybody else; the
        total of the base is kept.
    gone, buyers : int
        Customers gone on earlier days, pooled, and how many of them brought anything [count].
    ratio : float or None
        Money that came from them over money expected, totals set equal; None where nobody was gone.
    """

    split: float = 0.0
    less: float = 1.0
    more: float = 1.0
    rest: float = 1.0
    gone: int = 0
    buyers: int = 0
    ratio: float | None = None


def fit_value_by_state(
    past: Sequence[PastValue], scheme: StateScheme, predictions: Predictions
) -> ValueByState:
    """Learn the factors on earlier days; those of today keep today's total."""
    expected, came = _gone_before(past, scheme)
    forecast, activity = predictions.forecast, predictions.activity
    if not len(came) or forecast is None or activity is None or not expected.sum() > 0.0:
        return ValueByState()
    split = _half(expected)
    ratio = _shrunk(expected, came, 1.0)
    less = _shrunk(expected[expected <= split], came[expected <= split], ratio)
    more = _shrunk(expected[expected > split], came[expected > split], ratio)
    value = forecast.expected_value
    known = np.isfinite(value)
    mean = _total(value[known]) / int(known.sum()) if known.any() else 0.0
    gone = _is_gone(activity, scheme, scheme.base_gap) & known
    small = gone & (value <= split * mean)
    taken = _total(value[small]) * (less - 1.0) + _total(value[gone & ~small]) * (more - 1.0)
    others = _total(value[known & ~gone])
    rest = 1.0 - taken / others if others > max(taken, 0.0) else 1.0
    return ValueByState(
        split=split * mean,
        less=less,
        more=more,
        rest=rest,
        gone=len(came),
        buyers=int((came > 0.0).sum()),
        ratio=_total(came) / _total(expected),
    )


def _gone_before(past: Sequence[PastValue], scheme: StateScheme) -> tuple[FloatArray, FloatArray]:
    """Return what was expected of those gone on earlier days and what came, in means of the base.

    Totals are set equal first: how far the level was off is judged elsewhere.
    """
    parts = [(np.zeros(0), np.zeros(0))]
    for one in past:
        if one.activity is not None and one.came.sum() > 0.0:
            gone = _is_gone(one.activity, scheme, one.base_gap)
            expected = one.expected[gone] * (len(one.expected) / _total(one.expected))
            parts.append((expected, one.came[gone] * (len(one.came) / _total(one.came))))
    expected, came = (np.concatenate(column) for column in zip(*parts, strict=True))
    return expected, came


def _total(money: FloatArray) -> float:
    """Return the sum, the same whatever the order of the rows."""
    return float(np.sort(money).sum())


def _half(expected: FloatArray) -> float:
    """Return the value above which half of the expected money lies."""
    ordered = np.sort(expected)
    return float(ordered[np.searchsorted(np.cumsum(ordered), 0.5 * ordered.sum())])


def _shrunk(expected: FloatArray, came: FloatArray, towards: float) -> float:
    """Return money that came over money expected, drawn towards a factor by some buyers' money."""
    bought = came > 0.0
    if not bought.any() or not expected.sum() > 0.0:
        return towards
    prior = _PRIOR * _total(came[bought]) / int(bought.sum())
    paid = max(_total(came), 0.0)
    return (paid + prior * towards) / (_total(expected) + prior)


def adjust_values(
    predictions: Predictions,
    learnt: ValueByState,
    scheme: StateScheme,
    facts: CustomerFacts | None,
    config: PipelineConfig,
) -> Predictions:
    """Return the predictions with expected values set right by state, each row on its own."""
    forecast, activity = predictions.forecast, predictions.activity
    if not learnt.gone or forecast is None or activity is None:
        return predictions
    if facts is not None and facts.contracts_beside is not None:
        return predictions  # money of contracts is not judged by silence
    told = forecast.expected_value
    of_gone = np.where(told <= learnt.split, learnt.less, learnt.more)
    gone = _is_gone(activity, scheme, scheme.base_gap)
    value = told * np.where(gone, of_gone, learnt.rest)
    forecast = forecast.with_values(
        value,
        np.minimum(forecast.expected_value_low, value),
        np.maximum(forecast.expected_value_high, value),
    )
    changed = predictions._replace(forecast=forecast)
    if predictions.future_value is None:
        return changed
    return changed.worth(value, facts, config)


def _is_gone(activity: HasActivity, scheme: StateScheme, base_gap: float) -> npt.NDArray[np.bool_]:
    """Return who is gone by activity, where that claim is used."""
    judged, _ = judge(activity, scheme.limits()._replace(base_gap=base_gap))
    return np.asarray((judged == GONE) & scheme.uses("gone"))
