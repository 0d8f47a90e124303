"""Evidence inside the observed time: which estimates find the best customers, origin by origin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.typing import FloatArray
from retainkit.value._future_config import EstimatorEvidence, FutureEstimator
from retainkit.value._future_learn import learn_window
from retainkit.value._future_model import FutureRegressor, predict_future_value
from retainkit.value._future_window import Observed, Unsupported, Window, observe
from retainkit.value._kernel_hurdle import (
    clustered_error,
    difference_of_shares,
    level_correction,
    top_of,
)


class _Trial(NamedTuple):
    """What each estimate said at one origin, and what came."""

    origin: date
    customer_id: pd.Index[int | str]
    money: FloatArray
    truth: FloatArray
    """How far each customer turned out to be among the best, in [0, 1]."""
    marked: dict[FutureEstimator, FloatArray]
    """How far each customer is among the best that the estimate expects, in [0, 1]."""
    level: dict[FutureEstimator, float]

    def found(self, name: FutureEstimator) -> float:
        """Return the share of the best that the estimate marked."""
        return float((self.truth * self.marked[name]).sum() / self.truth.sum())

    def captured(self, name: FutureEstimator) -> float:
        """Return the share of all money that the marked brought."""
        return float((self.money * self.marked[name]).sum() / self.money.sum())

    def compare(self, name: FutureEstimator, best: FutureEstimator) -> tuple[float, FloatArray]:
        """Return how much less `name` found and captured than `best`, with the residuals."""
        here, there = self.marked[name], self.marked[best]
        found, of_heads = difference_of_shares(self.truth, here, there)
        captured, of_money = difference_of_shares(self.money, here, there)
        return (found + captured) / 2.0, (of_heads + of_money) / 2.0


def compare_estimates(
    base: Observed, horizon_days: float, regressor: FutureRegressor | None
) -> tuple[tuple[EstimatorEvidence, ...], tuple[date, ...]]:
    """Judge every candidate at up to `config.origins` origins, learnt from what lay before each.

    The judged windows are a third of the observed time long, at most the horizon, and end half a
    window apart, the last one at `as_of`. Who is learnt from is limited so that all origins
    together see at most `config.max_customers` customers.
    """
    config = base.config
    days = int(min(horizon_days, base.days_until(base.last) / 3))
    most = max(config.max_customers // config.origins, config.min_customers)
    trials: list[_Trial] = []
    for step in range(config.origins):
        origin = base.last - timedelta(days=days + round(step * days / 2))
        try:
            trials.append(_try_candidates(base, origin, days, most, regressor))
        except Unsupported:
            # Earlier origins know even less.
            if not trials:
                raise
            break
    return _pool(trials), tuple(trial.origin for trial in trials)


def _try_candidates(
    base: Observed, origin: date, days: int, most: int, regressor: FutureRegressor | None
) -> _Trial:
    """Judge every candidate on the window after `origin`, learnt only from what lay before it."""
    judged = observe(base, origin, days, most=most)
    before = int(min(days, base.days_until(origin) / 2))
    earlier = observe(base, origin - timedelta(days=before), before, most=most)
    learnt = learn_window(earlier, base.config, regressor)
    names: list[FutureEstimator] = [*base.config.candidates]
    if regressor is not None:
        names.append("regressor")
    estimates = {
        name: predict_future_value(
            judged.summary,
            learnt.replace(chosen=name),
            purchase_model=judged.purchase_model,
            spend_model=judged.spend_model,
            horizon_days=float(judged.days),
            annual_discount_rate=0.0,
            regressor=regressor,
        )
        for name in names
    }
    return _mark(estimates, judged, base.config.top_share)


def _mark(estimates: dict[FutureEstimator, FloatArray], judged: Window, share: float) -> _Trial:
    """Mark the customers each estimate expects most of."""
    total = float(judged.actual.sum())
    return _Trial(
        origin=judged.summary.as_of,
        customer_id=judged.summary.customer_id,
        money=judged.actual,
        truth=top_of(judged.actual, share),
        marked={name: top_of(values, share) for name, values in estimates.items()},
        level={name: float(values.sum()) / total for name, values in estimates.items()},
    )


def _pool(trials: Sequence[_Trial]) -> tuple[EstimatorEvidence, ...]:
    """Average the trials; each origin counts the same."""
    names = list(trials[0].marked)
    found = {name: float(np.mean([trial.found(name) for trial in trials])) for name in names}
    captured = {name: float(np.mean([trial.captured(name) for trial in trials])) for name in names}
    best = max(names, key=lambda name: found[name] + captured[name])
    who, n = _number_customers(trials)
    evidence = []
    for name in names:
        behind, residuals = zip(*(trial.compare(name, best) for trial in trials), strict=True)
        levels = tuple(trial.level[name] for trial in trials)
        evidence.append(
            EstimatorEvidence(
                estimator=name,
                found=found[name],
                captured=captured[name],
                behind=float(np.mean(behind)),
                standard_error=clustered_error(who, residuals, n),
                level=float(np.exp(np.mean(np.log(levels)))) if min(levels) > 0.0 else 0.0,
                levels=levels,
                correction=level_correction(np.array(levels)),
            )
        )
    return tuple(evidence)


def _number_customers(trials: Sequence[_Trial]) -> tuple[list[npt.NDArray[np.intp]], int]:
    """Return one number per customer of each trial, the same in all, and how many there are."""
    everybody = trials[0].customer_id
    for trial in trials[1:]:
        everybody = everybody.append(trial.customer_id)
    codes, different = pd.factorize(everybody)
    ends = np.cumsum([len(trial.customer_id) for trial in trials])[:-1]
    return np.split(codes, ends), len(different)
