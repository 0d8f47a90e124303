"""The learner for sparse outcomes: hand calculations, an independent oracle, laws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from scipy.optimize import minimize

from retainkit._core.kernels.glm import poisson_mean
from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError
from retainkit.policy import DRLearner, RankedEffects, ResponseLearner, _kernel_rank
from retainkit.typing import FloatArray, IntArray

SMALL = settings(deadline=None, derandomize=True, max_examples=60)


def _sample(seed: int, n: int) -> tuple[FloatArray, IntArray, FloatArray]:
    rng = np.random.default_rng(seed)
    x, action = rng.normal(size=(n, 2)), rng.integers(0, 2, n)
    mean = 0.05 * np.exp(0.4 * x[:, 0]) + action * 0.1 * (x[:, 1] > 0)
    return x, action, np.where(rng.random(n) < mean, 2.0, 0.0)


def test_log_linear_regression_is_the_minimum_of_the_penalised_likelihood() -> None:
    x, _, y = _sample(0, 500)
    wide = np.column_stack([np.ones(500), x])
    share = y / y.mean()
    weight = share.var() / 0.3**2

    def loss(beta: FloatArray) -> float:
        mean = np.exp(wide @ beta)
        return float((mean - share * (wide @ beta)).sum() + weight * (beta[1:] ** 2).sum() / 2)

    best = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-9}).x
    best[0] += np.log(y.mean())
    np.testing.assert_allclose(_kernel_rank.log_linear(wide, y, 0.3).beta, best, atol=1e-5)


def test_one_step_without_a_fold_is_close_to_a_fit_without_it() -> None:
    x, _, y = _sample(1, 4_000)
    wide = np.column_stack([np.ones(4_000), x])
    fold = np.arange(4_000) % 5
    model = _kernel_rank.log_linear(wide, y, 0.3)
    stepped = _kernel_rank.without_fold(wide, y, model, fold, 5)
    for k in range(5):
        rest = fold != k

        def loss(beta: FloatArray, rest: FloatArray = rest) -> float:
            score = wide[rest] @ beta
            own = float((np.exp(score) - y[rest] * score).sum())
            return own + float((model.penalty * beta**2).sum() / 2)

        full = minimize(loss, model.beta, method="BFGS", options={"gtol": 1e-8}).x
        moved = np.abs(full - model.beta).max()
        assert np.abs(stepped[k] - full).max() < 0.15 * moved + 1e-6


def test_nothing_bought_is_a_mean_of_zero() -> None:
    wide = np.ones((20, 1))
    model = _kernel_rank.log_linear(wide, np.zeros(20), 0.3)
    assert poisson_mean(wide @ model.beta).max() < 1e-12
    for beta in _kernel_rank.without_fold(wide, np.zeros(20), model, np.arange(20) % 5, 5):
        assert poisson_mean(wide @ beta).max() < 1e-12


def test_ranks_by_hand() -> None:
    score = np.array([3.0, 1.0, 1.0, 2.0, 9.0])
    fold = np.array([0, 0, 0, 0, 1])
    assert _kernel_rank.rank_within(score, fold, 2).tolist() == [0.875, 0.25, 0.25, 0.625, 0.5]


def test_a_rising_line_is_found_and_a_falling_one_is_its_mean() -> None:
    rank = (np.arange(1000) + 0.5) / 1000
    up = _kernel_rank.rising_curve(rank, 2.0 * rank - 0.5, 2)
    middle = (np.arange(_kernel_rank.GRID) + 0.5) / _kernel_rank.GRID
    np.testing.assert_allclose(up, 2.0 * middle - 0.5, atol=1e-9)
    np.testing.assert_allclose(_kernel_rank.rising_curve(rank, 1.0 - rank, 2), 0.5, atol=1e-6)


def test_effects_rise_over_the_ranking_and_mean_to_the_average_effect() -> None:
    x, action, y = _sample(2, 20_000)
    model = ResponseLearner().fit_effects(x, action, y, np.full((20_000, 2), 0.5))
    effect = model.effects(x)
    assert effect[:, 0].tolist() == [0.0] * 20_000
    assert effect[:, 1].mean() == pytest.approx(
        y[action == 1].mean() - y[action == 0].mean(), abs=0.01
    )
    right, left = effect[x[:, 1] > 0.5, 1].mean(), effect[x[:, 1] < -0.5, 1].mean()
    assert right - left == pytest.approx(0.2, abs=0.06)  # 0.1 more of 2.0 each
    assert RankedEffects.from_json(model.to_json()) == model


def test_the_currency_does_not_matter() -> None:
    x, action, y = _sample(3, 4_000)
    chance = np.full((4_000, 2), 0.5)
    one = ResponseLearner().fit_effects(x, action, y, chance).effects(x)
    hundred = ResponseLearner().fit_effects(x, action, 100.0 * y, chance).effects(x)
    np.testing.assert_allclose(hundred, 100.0 * one, rtol=1e-6, atol=1e-9)


def test_what_cannot_be_learnt_is_refused() -> None:
    x, action, y = _sample(4, 200)
    chance = np.full((200, 2), 0.5)
    with pytest.raises(InvalidTableError, match="negative"):
        ResponseLearner().fit_effects(x, action, y - 1.0, chance)
    with pytest.raises(NotComputableError, match="tried"):
        ResponseLearner().fit_effects(x, np.zeros(200, dtype=np.int64), y, chance)
    with pytest.raises(AlignmentError, match="features"):
        ResponseLearner().fit_effects(x, action, y, chance).effects(x[:, :1])


def test_two_measures_at_once() -> None:
    rng = np.random.default_rng(5)
    x, action = rng.normal(size=(30_000, 1)), rng.integers(0, 3, 30_000)
    mean = 0.02 + 0.05 * (action == 1) + 0.1 * (action == 2) * (x[:, 0] > 0)
    y = (rng.random(30_000) < mean).astype(float)
    chance = np.full((30_000, 3), 1 / 3)
    effect = ResponseLearner().fit_effects(x, action, y, chance).effects([[-1.5], [1.5]])
    assert effect[:, 1] == pytest.approx([0.05, 0.05], abs=0.02)
    assert effect[1, 2] > effect[1, 1]
    assert effect[0, 2] < effect[0, 1]
    linear = DRLearner().fit_effects(x, action, y, chance).effects([[-1.5], [1.5]])
    assert pd.Series(effect[:, 2]).is_monotonic_increasing
    assert linear.shape == effect.shape
