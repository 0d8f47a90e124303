from __future__ import annotations

import numpy as np
import pytest

from retainkit.lifetime._kernel_newton import Evaluation, inner, log_covariance, maximise
from retainkit.typing import FloatArray


def banana(theta: FloatArray) -> Evaluation:
    """Minus Rosenbrock's function: maximum 0 at (1, 1), indefinite on the way."""
    x, y = theta.tolist()
    value = -((1 - x) ** 2 + 100 * (y - x * x) ** 2)
    gradient = np.array([2 * (1 - x) + 400 * x * (y - x * x), -200 * (y - x * x)])
    hessian = np.array([[-2 + 400 * y - 1200 * x * x, 400 * x], [400 * x, -200.0]])
    return Evaluation(value, gradient, hessian)


def runaway(theta: FloatArray) -> Evaluation:
    """A value that rises for ever towards 0, at most at infinity."""
    fall = float(np.exp(-theta[0]))
    return Evaluation(-fall, np.array([fall]), np.array([[-fall]]))


@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.0, 3.0), (2.0, -2.0)])
def test_a_curved_valley_is_followed_to_its_top(start: tuple[float, float]) -> None:
    optimum = maximise(banana, np.array(start), tolerance=1e-10, max_iterations=100)
    assert optimum.converged
    np.testing.assert_allclose(optimum.theta, [1.0, 1.0], rtol=1e-9)


def test_giving_up_is_told() -> None:
    optimum = maximise(banana, np.array([-1.2, 1.0]), tolerance=1e-10, max_iterations=3)
    assert not optimum.converged
    assert optimum.iterations == 3


def test_a_runaway_ends_near_the_supremum() -> None:
    optimum = maximise(runaway, np.array([0.0]), tolerance=1e-10, max_iterations=100)
    assert optimum.converged
    assert -1e-3 < optimum.at.value < 0


def test_covariance_is_nan_only_where_the_information_is_flat() -> None:
    turn = np.array([[1, 1, 0], [1, -1, 0], [0, 0, np.sqrt(2)]]) / np.sqrt(2)
    information = turn @ np.diag([4.0, 0.0, 25.0]) @ turn.T
    covariance = log_covariance(information)
    np.testing.assert_allclose(covariance[2, 2], 1 / 25)
    assert np.isnan(covariance[:2, :]).all()
    definite = turn @ np.diag([4.0, 2.0, 25.0]) @ turn.T
    np.testing.assert_allclose(log_covariance(definite), np.linalg.inv(definite), atol=1e-15)


def test_inner_sums_by_pairs() -> None:
    u = np.full(10**6, 0.1)
    assert inner(u, np.ones(10**6)) == pytest.approx(1e5, rel=1e-14)


def test_a_search_that_gains_nothing_is_given_up_early() -> None:
    """A kink that Newton's steps cannot climb: each is halved until nothing is left of it."""

    def kink(theta: FloatArray) -> Evaluation:
        distance = float(theta[0]) - np.pi
        return Evaluation(-1e3 - abs(distance), np.array([-np.sign(distance)]), -np.eye(1))

    optimum = maximise(kink, np.array([0.0]), tolerance=1e-10, max_iterations=2_000)
    assert not optimum.converged
    assert optimum.iterations < 100
    assert optimum.theta[0] == pytest.approx(np.pi, abs=1e-3)
