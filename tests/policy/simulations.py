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


def sparse_trial(seed: int, n: int = 80_000) -> Trial:
    """0.75 % buy without contact; contact adds up to three points, for about a third of them.

    A purchase brings 60, a contact costs 0.75: contacting everybody loses.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    before = 0.0075 * np.exp(0.3 * x[:, 2] - 0.045)
    more = 0.03 * expit(3.0 * ((x[:, 0] + 0.75 * x[:, 1]) / 1.25 - 0.6))
    action = rng.integers(0, 2, n)
    buys = rng.random(n) < before + action * more
    effect = np.column_stack([np.zeros(n), 60.0 * more])
    return Trial(x, action, np.where(buys, 60.0, 0.0), effect, np.array([0.0, 0.75]))


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
