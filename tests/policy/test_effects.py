"""Learners of effects: recover known effects, shrink to one for all, plug in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from retainkit._core.kernels.glm import fit_logistic, ridge_penalty
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.policy import DRLearner, EffectModel, LinearEffects, TLearner
from retainkit.policy import _kernel_learn as kernel
from retainkit.typing import FloatArray, IntArray

HALF = np.full((6000, 2), 0.5)


def _base(seed: int = 0) -> tuple[FloatArray, IntArray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(6000, 2)), rng.integers(0, 2, 6000), rng


def test_both_learners_recover_linear_effects() -> None:
    x, a, rng = _base()
    truth = 1.0 + x @ [2.0, -1.0]
    y = x @ [1.0, 1.0] + a * truth + rng.normal(size=6000)
    for learner in (TLearner(), DRLearner()):
        effects = learner.fit_effects(x, a, y, HALF).effects(x)
        assert (effects[:, 0] == 0.0).all()
        assert np.corrcoef(effects[:, 1], truth)[0, 1] > 0.995
        assert effects[:, 1].mean() == pytest.approx(truth.mean(), abs=0.1)


def test_logistic_regression_solves_its_equations() -> None:
    """At the optimum the score is 0: X'(y - p) = penalty."""
    x, _, rng = _base(1)
    wide = np.column_stack([np.ones(6000), x])
    y = (rng.random(6000) < expit(-2.0 + x @ [1.0, 0.5])).astype(float)
    beta = fit_logistic(wide, y, penalty=ridge_penalty(3, 6.0)).coefficients
    slope = wide.T @ (y - expit(wide @ beta))
    np.testing.assert_allclose(slope[1:], 6.0 * beta[1:], atol=1e-6)
    np.testing.assert_allclose(slope[0], 0.0, atol=1e-6)
    np.testing.assert_allclose(
        fit_logistic(wide, y, penalty=np.zeros(3)).coefficients, [-2.0, 1.0, 0.5], atol=0.15
    )


def test_logistic_survives_perfect_separation() -> None:
    x = np.column_stack([np.ones(40), np.linspace(-1, 1, 40)])
    assert np.isfinite(
        fit_logistic(x, (x[:, 1] > 0).astype(float), penalty=np.zeros(2)).coefficients
    ).all()


def test_ridge_is_the_closed_form_and_its_limit_the_mean() -> None:
    x, _, rng = _base(2)
    wide = np.column_stack([np.ones(6000), x])
    y = rng.normal(size=6000) + x[:, 0]
    stacked = np.vstack([wide, np.sqrt(6000 * 0.5) * np.eye(3)[1:]])
    oracle = np.linalg.lstsq(stacked, np.concatenate([y, [0.0, 0.0]]), rcond=None)[0]
    np.testing.assert_allclose(kernel.ridge(wide.T @ wide, wide.T @ y, 6000, 0.5), oracle)
    flat = kernel.ridge(wide.T @ wide, wide.T @ y, 6000, np.inf)
    np.testing.assert_allclose(flat, [y.mean(), 0.0, 0.0])


def test_out_of_fold_means_never_see_their_own_fold() -> None:
    x, a, rng = _base(3)
    wide = np.column_stack([np.ones(6000), x])
    y, fold = rng.normal(size=6000), np.arange(6000) % 4
    means = kernel.out_of_fold_means(wide, a, y, fold, n_actions=2, penalty=0.0)
    train = (fold != 2) & (a == 1)
    oracle = np.linalg.lstsq(wide[train], y[train], rcond=None)[0]
    np.testing.assert_allclose(means[fold == 2, 1], wide[fold == 2] @ oracle)


def test_without_differences_the_effect_shrinks_to_one_for_all() -> None:
    shrunk = 0
    for seed in range(10):
        x, a, rng = _base(seed)
        y = 2.0 * a + rng.normal(0.0, 4.0, 6000)
        effects = DRLearner().fit_effects(x, a, y, HALF).effects(x)[:, 1]
        assert effects.mean() == pytest.approx(2.0, abs=0.4)
        shrunk += effects.std() < 0.1
    assert shrunk >= 8


def test_a_model_goes_through_json_and_is_one_of_the_protocol() -> None:
    x, a, rng = _base(5)
    y = (rng.random(6000) < expit(-1.0 + a * x[:, 0])).astype(float)
    model = TLearner(outcome="binary").fit_effects(x, a, y, HALF)
    again: EffectModel = LinearEffects.from_json(model.to_json())
    np.testing.assert_array_equal(model.effects(x), again.effects(x))
    truth = expit(-1.0 + x[:, 0]) - expit(-1.0)
    assert np.corrcoef(model.effects(x)[:, 1], truth)[0, 1] > 0.98


def test_what_cannot_be_learnt_is_refused() -> None:
    x, a, _ = _base(6)
    for learner in (TLearner(), DRLearner()):
        with pytest.raises(NotComputableError, match="tried on 0"):
            learner.fit_effects(x, np.zeros(6000, dtype=int), np.ones(6000), HALF)
    model = TLearner().fit_effects(x, a, np.ones(6000), HALF)
    with pytest.raises(AlignmentError, match="features"):
        model.effects(x[:, :1])
    with pytest.raises(SchemaError):
        model.effects([["a", "b"]])
