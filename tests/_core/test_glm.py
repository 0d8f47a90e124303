"""The one regression kernel against independent optimisers and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import Bounds, minimize
from scipy.special import expit

from retainkit._core.kernels.glm import (
    center_and_scale,
    fit_logistic,
    fit_poisson,
    fit_softmax,
    fit_two_part,
    gram,
    ridge_penalty,
    softmax,
    solve_ridge,
    standardize,
)
from retainkit.typing import FloatArray


def _design(seed: int, n: int = 400) -> tuple[FloatArray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return np.column_stack([np.ones(n), rng.normal(size=(n, 3))]), rng


def test_counts_of_successes_equal_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    x, rng = _design(0)
    size = rng.integers(1, 6, 400).astype(np.float64)
    hits = rng.binomial(size.astype(int), expit(x @ [-1.0, 0.5, 0.0, 1.0])).astype(np.float64)
    fit = fit_logistic(x, hits, size, penalty=np.zeros(4))
    oracle = sm.GLM(np.column_stack([hits, size - hits]), x, family=sm.families.Binomial()).fit()
    np.testing.assert_allclose(fit.coefficients, oracle.params, atol=1e-7)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), oracle.bse, atol=1e-6)
    assert fit.converged


def test_poisson_equals_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    x, rng = _design(1)
    y = rng.poisson(np.exp(x @ [0.2, 0.4, -0.3, 0.0])).astype(np.float64)
    fit = fit_poisson(x, y, penalty=np.zeros(4))
    oracle = sm.GLM(y, x, family=sm.families.Poisson()).fit()
    np.testing.assert_allclose(fit.coefficients, oracle.params, atol=1e-7)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), oracle.bse, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_bounded_coefficients_equal_a_quasi_newton_search(seed: int) -> None:
    x, rng = _design(seed)
    y = (rng.random(400) < expit(x @ rng.normal(size=4))).astype(np.float64)
    bounded = np.array([False, True, True, True])
    penalty = ridge_penalty(4, 0.5)

    def loss(b: FloatArray) -> float:
        eta = x @ b
        return float((np.logaddexp(0.0, eta) - y * eta).sum() + 0.25 * (b[1:] ** 2).sum())

    bounds = Bounds([-np.inf, 0.0, 0.0, 0.0], np.inf)
    oracle = minimize(loss, np.zeros(4), bounds=bounds, method="L-BFGS-B", tol=1e-14)
    fit = fit_logistic(x, y, penalty=penalty, nonnegative=bounded)
    assert fit.converged
    assert (fit.coefficients[1:] >= 0.0).all()
    assert loss(fit.coefficients) <= oracle.fun + 1e-9
    np.testing.assert_allclose(fit.coefficients, oracle.x, atol=1e-3)


def test_two_outcomes_of_a_softmax_are_a_logistic_regression() -> None:
    x, rng = _design(2)
    y = (rng.random(400) < expit(x[:, 1])).astype(np.float64)
    penalty = ridge_penalty(4, 2.0)
    one = fit_logistic(x, y, penalty=penalty)
    two = fit_softmax(x, np.column_stack([1.0 - y, y]), penalty=penalty)
    np.testing.assert_allclose(two.coefficients[:, 0], one.coefficients, atol=1e-8)
    assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-12)
    chances = softmax(x, two.coefficients)
    np.testing.assert_allclose(chances[:, 1], expit(x @ one.coefficients), atol=1e-8)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)


def test_a_huge_score_leaves_a_small_but_positive_chance_of_the_first_outcome() -> None:
    chances = softmax(np.array([[1.0]]), np.array([[500.0, -500.0]]))
    np.testing.assert_allclose(chances[0, 0], np.exp(-500.0), rtol=1e-10)


def test_two_parts_are_two_regressions() -> None:
    x, rng = _design(3)
    y = np.where(rng.random(400) < 0.4, np.exp(x[:, 1] + 0.1 * rng.normal(size=400)), 0.0)
    penalty = ridge_penalty(4, 1.0)
    buys, amount = fit_two_part(x, y, penalty=penalty)
    some = y > 0.0
    np.testing.assert_array_equal(
        buys, fit_logistic(x, some.astype(float), penalty=penalty).coefficients
    )
    stacked = np.vstack([x[some], np.eye(4)[1:]])
    goal = np.concatenate([np.log(y[some]), np.zeros(3)])
    np.testing.assert_allclose(amount, np.linalg.lstsq(stacked, goal, rcond=None)[0])


def test_a_column_twice_shares_its_coefficient() -> None:
    x = np.column_stack([np.ones(50), np.linspace(-1, 1, 50), np.linspace(-1, 1, 50)])
    y = (np.arange(50) % 3 == 0).astype(np.float64)
    fit = fit_logistic(x, y, penalty=np.zeros(3))
    assert fit.converged
    assert fit.coefficients[1] == pytest.approx(fit.coefficients[2], abs=1e-3)


def test_ridge_and_standard_columns_by_hand() -> None:
    gram, moment = np.diag([2.0, 2.0]), np.array([4.0, 6.0])
    assert solve_ridge(gram, moment, ridge_penalty(2, 1.0)).tolist() == [2.0, 2.0]
    center, scale = center_and_scale(np.array([[1.0, 5.0], [3.0, 5.0]]))
    assert center.tolist() == [2.0, 5.0]
    assert scale.tolist() == [1.0, 1.0]
    z = standardize(np.array([[9.0, 5.0]]), center, scale, farthest=6.0)
    assert z.tolist() == [[1.0, 6.0, 0.0]]


def test_softmax_equals_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    x, rng = _design(3)
    label = np.argmax(x @ rng.normal(size=(4, 3)) + rng.gumbel(size=(400, 3)), axis=1)
    fit = fit_softmax(x, np.eye(3)[label], penalty=np.zeros(4))
    oracle = sm.MNLogit(label, x).fit(disp=False)
    np.testing.assert_allclose(fit.coefficients, oracle.params, atol=1e-5)
    errors = np.sqrt(np.diag(fit.covariance)).reshape(oracle.bse.T.shape).T
    np.testing.assert_allclose(errors, oracle.bse, atol=1e-5)


def test_softmax_with_counts_equals_rows_written_out() -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(40), rng.normal(size=40)])
    counts = rng.integers(0, 4, (40, 3)).astype(np.float64)
    many = np.repeat(np.repeat(x, 3, axis=0), counts.ravel().astype(int), axis=0)
    label = np.repeat(np.tile(np.arange(3), 40), counts.ravel().astype(int))
    penalty = np.full(2, 0.1)
    one = fit_softmax(x, counts, penalty=penalty)
    two = fit_softmax(many, np.eye(3)[label], penalty=penalty)
    np.testing.assert_allclose(one.coefficients, two.coefficients, atol=1e-8)
    np.testing.assert_allclose(one.covariance, two.covariance, atol=1e-8)


def test_a_gram_in_blocks_is_that_of_the_whole() -> None:
    """x' diag(w) x over more rows than one block, for both orders in memory."""
    rng = np.random.default_rng(3)
    x, weight = rng.normal(size=(5000, 4)), rng.random(5000)
    whole = np.einsum("ni,n,nj->ij", x, weight, x)
    np.testing.assert_allclose(gram(x, weight), whole, rtol=1e-12)
    np.testing.assert_allclose(gram(np.asfortranarray(x), weight), whole, rtol=1e-12)
