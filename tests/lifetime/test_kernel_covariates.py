"""Derivatives with covariates: the plain kernels where nothing acts, differences elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from retainkit.lifetime import _kernel_beta_geometric as plain_bg
from retainkit.lifetime._kernel_newton import Evaluation
from retainkit.lifetime.covariates import _kernel_covariates_bg as bg
from retainkit.lifetime.covariates import _kernel_covariates_pareto as pareto
from retainkit.lifetime.covariates._kernel_covariates import Design
from retainkit.lifetime.models import _kernel_pareto_nbd as plain_pareto
from retainkit.typing import FloatArray

RNG = np.random.default_rng(7)
M, K = 400, 9
X = RNG.integers(0, 6, M).astype(np.float64)
X[:4] = [0.0, 250.0, 40.0, 1.0]
AGE = RNG.uniform(5.0, 60.0, M)
RECENCY = np.where(X > 0, AGE * RNG.uniform(0.1, 1.0, M), 0.0)
WEIGHT = RNG.uniform(0.2, 3.0, M)
PROFILE = np.sort(RNG.integers(0, K, M))
Z = RNG.normal(size=(K, 2))
COLUMN = np.array([0, 1, 0, 0, 1])
ON_SHAPES = np.array(
    [[0, -1, 0, 0], [0, -1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0.5, -0.5]], dtype=np.float64
)
ON_SCALES = np.array(
    [[0, -1, 0, 0], [0, -1, 0, 0], [0, 0, 0, -1], [0, 0, 0, -1], [0, 0, 0, -1]], dtype=np.float64
)
LOGS = {"bg": np.log([0.6, 8.0, 0.7, 2.0]), "pareto": np.log([0.6, 8.0, 0.7, 11.0])}


class Case(NamedTuple):
    name: str
    logs: FloatArray
    at: Callable[[FloatArray], Evaluation]
    plain: Callable[[FloatArray], Evaluation]


def beta_geometric(first: float, profile: Any, z: FloatArray) -> Case:
    design = Design(z, COLUMN, ON_SHAPES)
    data = bg.prepare(X, RECENCY, AGE, WEIGHT, profile, design, first=first)
    plain = plain_bg.prepare(X, RECENCY, AGE, WEIGHT, first=first)
    return Case(
        f"bg {first}",
        LOGS["bg"],
        lambda theta: bg.evaluate(theta, data),
        lambda theta: plain_bg.evaluate(theta, plain),
    )


def pareto_nbd(profile: Any, z: FloatArray) -> Case:
    columns = [0, 1, 0, 1]
    design = Design(z, np.array(columns), ON_SCALES[[0, 1, 2, 4]])
    data = pareto.prepare(X, RECENCY, AGE, WEIGHT, profile, design)
    plain = plain_pareto.prepare(X, RECENCY, AGE, WEIGHT)
    return Case(
        "pareto",
        LOGS["pareto"],
        lambda theta: pareto.evaluate(theta, data),
        lambda theta: plain_pareto.evaluate(theta, plain),
    )


OWN = np.arange(M)
CASES = [
    *(beta_geometric(first, PROFILE, Z) for first in (0.0, 1.0)),
    pareto_nbd(PROFILE, Z),
    beta_geometric(1.0, OWN, RNG.normal(size=(M, 2))),
    pareto_nbd(OWN, RNG.normal(size=(M, 2))),
]
NAMES = [case.name for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_without_effects_it_is_the_plain_kernel(case: Case) -> None:
    """Up to the order of sums."""
    none = np.zeros(4 + ("bg" in case.name))
    at, plain = case.at(np.concatenate([case.logs, none])), case.plain(case.logs)
    assert at.value == pytest.approx(plain.value, rel=1e-13)
    np.testing.assert_allclose(at.gradient[:4], plain.gradient, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(at.hessian[:4, :4], plain.hessian, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_derivatives_are_those_of_the_value(case: Case) -> None:
    """Against central differences at random effects."""
    size = 4 + ("bg" in case.name)
    theta = np.concatenate([case.logs, np.random.default_rng(1).normal(size=size) * 0.4])
    at, step = case.at(theta), 1e-5
    moves = step * np.eye(len(theta))
    gradient = np.array(
        [(case.at(theta + d).value - case.at(theta - d).value) / (2 * step) for d in moves]
    )
    hessian = np.array(
        [(case.at(theta + d).gradient - case.at(theta - d).gradient) / (2 * step) for d in moves]
    )
    scale = np.abs(at.hessian).max()
    np.testing.assert_allclose(at.gradient, gradient, atol=1e-8 * scale)
    np.testing.assert_allclose(at.hessian, hessian, atol=1e-8 * scale)
    np.testing.assert_array_equal(at.hessian, at.hessian.T)


@pytest.mark.parametrize("first", [0.0, 1.0])
def test_a_covariate_constant_within_groups_is_two_bases(first: float) -> None:
    """Two profiles: the value is the sum of the plain values at each profile's parameters."""
    profile, z = np.repeat([0, 1], M // 2), np.array([[0.0, 0.0], [1.0, -2.0]])
    design = Design(z, COLUMN, ON_SHAPES)
    effects = np.array([0.3, 0.1, -0.4, 0.2, 0.5])
    data = bg.prepare(X, RECENCY, AGE, WEIGHT, profile, design, first=first)
    together = bg.evaluate(np.concatenate([LOGS["bg"], effects]), data).value
    apart = 0.0
    for group in (0, 1):
        rows = profile == group
        logs = LOGS["bg"] + sum(
            e * z[group, c] * load for e, c, load in zip(effects, COLUMN, ON_SHAPES, strict=True)
        )
        part = plain_bg.prepare(X[rows], RECENCY[rows], AGE[rows], WEIGHT[rows], first=first)
        apart += plain_bg.evaluate(logs, part).value
    assert together == pytest.approx(apart, rel=1e-13)


def test_fractions_of_customers_are_counted_to_the_last_digits() -> None:
    """A tiny weight beside a huge one keeps its share of chances to drop out."""
    x, w = np.array([3.0, 5.0]), np.array([1e12 + 1 / 3, 1e-3])
    chances = bg._count_chances(x, w, np.array([0, 1]))
    np.testing.assert_array_equal(chances.j, [2.0, 1.0, 0.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    np.testing.assert_array_equal(chances.profile, [0] * 3 + [1] * 5)
    np.testing.assert_allclose(chances.w[:3], w[0], rtol=1e-15)
    if np.finfo(np.longdouble).eps < 1e-18:
        np.testing.assert_allclose(chances.w[3:], w[1], rtol=1e-3)
