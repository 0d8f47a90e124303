"""Simulated trials whose effects are known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from retainkit.typing import FloatArray, IntArray


class Trial(NamedTuple):
    features: FloatArray
    action: IntArray
    outcome: FloatArray
    effect: FloatArray
    """True effect of each action on the outcome [money], n x actions."""
    cost: FloatArray


class SparseBase(NamedTuple):
    """A base on which few buy, and a contact brings some of them to buy."""

    most: float
    """Largest effect of a contact on the chance of a purchase."""
    middle: float
    """Where on the index (mean 0, deviation 1) half of it is reached."""
    margin: float
    cost: float


PUBLISHED = SparseBase(most=0.0275, middle=0.461, margin=10.0, cost=0.15)
"""As a published trial of 84,534 customers ("Starbucks portfolio exercise"): 0.76 % bought
without and 1.70 % with the promotion, which cost 0.15 for a margin of 10, so that sending it to
everybody lost 2,334.60; the best published rule earned 475.60 on 41,650 other customers, half of
whom had got it: 0.0229 per customer. `most` and `middle` solve for the mean effect (0.95 points)
and for 0.0229 as what is attainable."""

WEAK = SparseBase(most=0.02, middle=0.6, margin=60.0, cost=0.5)
"""Less to gain for the noise there is: 0.0021 margins per customer, the mean effect 0.6 points."""


def sparse_trial(seed: int, n: int = 80_000, base: SparseBase = PUBLISHED) -> Trial:
    """0.75 % buy without contact; about a third buy enough more for a contact to pay."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    before = 0.0075 * np.exp(0.3 * x[:, 2] - 0.045)
    index = (x[:, 0] + 0.75 * x[:, 1]) / 1.25
    more = base.most * expit(3.0 * (index - base.middle))
    action = rng.integers(0, 2, n)
    buys = rng.random(n) < before + action * more
    effect = np.column_stack([np.zeros(n), base.margin * more])
    outcome = np.where(buys, base.margin, 0.0)
    return Trial(x, action, outcome, effect, np.array([0.0, base.cost]))


def effect_of_the_true_form(trial: Trial) -> FloatArray:
    """Return effects by maximum likelihood of the very form `sparse_trial` draws from.

    What no learner that has to find the form can be asked to beat: 15 numbers, no misfit.
    """
    from scipy.optimize import minimize

    x = np.column_stack([np.ones(trial.action.size), trial.features])
    margin = float(trial.outcome.max())
    buys = (trial.outcome > 0).astype(np.float64)

    def loss(t: FloatArray) -> tuple[float, FloatArray]:
        before, share, most = np.exp(x @ t[:7]), expit(x @ t[8:]), np.exp(t[7])
        p = np.clip(before + trial.action * most * share, 1e-9, 1 - 1e-9)
        slope = (1 - buys) / (1 - p) - buys / p
        added = slope * trial.action * most * share
        value = -float((buys * np.log(p) + (1 - buys) * np.log1p(-p)).sum())
        return value, np.r_[x.T @ (slope * before), added.sum(), x.T @ (added * (1 - share))]

    start = np.r_[np.log(0.0075), np.zeros(6), np.log(0.02), -1.0, np.zeros(6)]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    effect: FloatArray = margin * np.exp(best[7]) * expit(x @ best[8:])
    return effect


class ChurnTrial(NamedTuple):
    trial: Trial
    p_churn: FloatArray


def churn_trial(seed: int, n: int = 30_000) -> ChurnTrial:
    """Three measures against churn; the likeliest churners are past persuading or provoked."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    p_churn = expit(-1.2 + 1.3 * x[:, 0])
    value = 100.0 + 25.0 * x[:, 1]
    saved = np.column_stack(
        [
            np.zeros(n),
            0.06 + 0.04 * x[:, 2] - 0.05 * x[:, 0],
            0.10 + 0.05 * x[:, 3] - 0.07 * x[:, 0],
            0.12 - 0.06 * x[:, 0] + 0.03 * x[:, 1],
        ]
    )
    cost = np.array([0.0, 2.0, 5.0, 9.0])
    action = rng.integers(0, 4, n)
    effect = saved * value[:, None]
    noise = rng.normal(0.0, 40.0, n)
    outcome = (1.0 - p_churn) * value + effect[np.arange(n), action] + noise
    return ChurnTrial(Trial(x, action, outcome, effect, cost), p_churn)
