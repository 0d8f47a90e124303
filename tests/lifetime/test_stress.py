"""Every prediction on grids of 1,000 points and more, against 40-digit arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from retainkit.lifetime import _kernel_beta_geometric as beta_geometric
from retainkit.lifetime.models import _kernel_pareto_nbd as pareto
from retainkit.typing import FloatArray
from tests.lifetime import oracle

POINTS = 1_000
TINY = mp.mpf(10) ** -290
LIMIT = 1e-7
"""Largest relative error; the promise is 1e-6."""

FORCE = 0.0027
"""Discount rate [per unit]; about 15 % a year in weeks."""


def ends(point: tuple[float, ...]) -> float:
    """Return a finite horizon for every other point, and none for the others."""
    return point[7] if point[7] < 10 else float("inf")


pytestmark = pytest.mark.slow


def grid(seed: int) -> list[tuple[float, ...]]:
    """Two rates' parameters over magnitudes, 1 and its neighbours among them; heavy buyers with
    up to 3,000 purchases; t_x = T; ages and horizons from tiny to huge."""
    rng = np.random.default_rng(seed)
    near_one = [1.0, 1 + 1e-9, 1 - 1e-7, 1.001, 0.999, 1e-6, 1e-3, 2.0]
    points: list[tuple[float, ...]] = []
    for k in range(POINTS):
        one, scale, other = (10 ** rng.uniform(*span) for span in ((-3, 2), (-3, 3), (-3, 3)))
        shape = near_one[k % 8] if k % 2 else float(10 ** rng.uniform(-4, 1.5))
        if k % 16 == 3:
            other = 1.0
        x = float(rng.choice([0, 0, 1, 2, 10, 100, 1000, 3000]))
        T = float(10 ** rng.uniform(-3, 4))
        t = T * float(rng.choice([1.0, 0.999, rng.random()])) if x else 0.0
        points.append((one, scale, shape, other, x, t, T, float(10 ** rng.uniform(-3, 4))))
    return points


def worst(found: FloatArray, truth: list[Any], points: list[tuple[float, ...]]) -> float:
    """Return the largest relative error; what no double can hold must come out as about zero."""
    errors = []
    for value, exact, point in zip(found.tolist(), truth, points, strict=True):
        assert np.isfinite(value), point
        if abs(exact) < TINY:
            assert abs(value) < 1e-280, point
            continue
        errors.append((float(abs(mp.mpf(value) - exact) / abs(exact)), point))
    error, point = max(errors)
    assert error < LIMIT, (error, point)
    return error


def log_likelihoods(evaluate: Callable[[FloatArray, Any], Any], prepare: Any, points: Any) -> Any:
    values = []
    for point in points:
        rows = [np.array([v]) for v in point[4:7]]
        values.append(evaluate(np.log(point[:4]), prepare(*rows, np.ones(1))).value)
    return np.array(values)


def exact(point: tuple[float, ...]) -> list[Any]:
    return [mp.mpf(v) for v in point]


@pytest.mark.parametrize("first", [0.0, 1.0], ids=["bg_nbd", "mbg_nbd"])
def test_beta_geometric_models(first: float, record_property: Any) -> None:
    points = grid(31 + int(first))
    likelihood = log_likelihoods(
        beta_geometric.evaluate,
        lambda *rows: beta_geometric.prepare(*rows, first=first),
        points,
    )
    known = [
        beta_geometric.know(p[:4], *(np.array([v]) for v in p[4:7]), first=first)  # type: ignore[arg-type]
        for p in points
    ]
    counts = [int(np.random.default_rng(k).choice([0, 1, 2, 5, 20, 200])) for k in range(POINTS)]
    with np.errstate(all="ignore"):
        found = {
            "log_likelihood": likelihood,
            "p_alive": np.array([k.p[0] for k in known]),
            "later": np.array(
                [k.p_alive_later(p[7])[0] for k, p in zip(known, points, strict=True)]
            ),
            "expected": np.array(
                [k.expected_purchases(p[7])[0] for k, p in zip(known, points, strict=True)]
            ),
            "counts": np.array(
                [
                    k._replace(p=np.ones(1)).count_probability(p[7], n)[0]
                    for k, p, n in zip(known, points, counts, strict=True)
                ]
            ),
        }
    found["discounted"] = np.array(
        [
            k._replace(p=np.ones(1)).discounted_purchases(FORCE, ends(p))[0]
            for k, p in zip(known, points, strict=True)
        ]
    )
    with mp.workdps(40):
        truth: dict[str, list[Any]] = {name: [] for name in found}
        for point, n in zip(points, counts, strict=True):
            r, alpha, a, b, x, t, T, h = exact(point)
            mbg = oracle.mbg_log_likelihood([mp.log(v) for v in (r, alpha, a, b)], x, t, T)
            bg = oracle.bg_log_likelihood(r, alpha, a, b, x, t, T)
            truth["log_likelihood"].append(mbg if first else bg)
            alive = (oracle.mbg_p_alive if first else oracle.bg_p_alive)(r, alpha, a, b, x, t, T)
            state = (r + x, alpha + T, a, b + x + first)
            truth["p_alive"].append(alive)
            truth["later"].append(alive * oracle.survival_while_alive(*state, h))
            truth["expected"].append(alive * oracle.expected_while_alive(*state, h))
            truth["counts"].append(oracle.bg_count_probability(*state, h, n))
            value = oracle.bg_discounted(
                float(r + x), float(alpha + T), float(a), float(b + x) + first, FORCE, ends(point)
            )
            truth["discounted"].append(mp.mpf(value))
    for name in found:
        record_property(name, worst(found[name], truth[name], points))


def test_pareto_nbd(record_property: Any) -> None:
    points = grid(33)
    known = [
        pareto.know(p[:4], *(np.array([v]) for v in p[4:7]))  # type: ignore[arg-type]
        for p in points
    ]
    counts = [int(np.random.default_rng(k).choice([0, 1, 2, 5, 20, 200])) for k in range(POINTS)]
    with np.errstate(all="ignore"):
        found = {
            "log_likelihood": log_likelihoods(pareto.evaluate, pareto.prepare, points),
            "p_alive": np.array([k.p[0] for k in known]),
            "later": np.array(
                [k.p_alive_later(p[7])[0] for k, p in zip(known, points, strict=True)]
            ),
            "expected": np.array(
                [k.expected_purchases(p[7])[0] for k, p in zip(known, points, strict=True)]
            ),
            "counts": np.array(
                [
                    k._replace(p=np.ones(1)).count_probability(p[7], n)[0]
                    for k, p, n in zip(known, points, counts, strict=True)
                ]
            ),
            "discounted": np.array([k.discounted_purchases(FORCE, np.inf)[0] for k in known]),
        }
    truth: dict[str, list[Any]] = {name: [] for name in found}
    with mp.workdps(60):
        for point, n in zip(points, counts, strict=True):
            r, alpha, s, beta, x, t, T, h = exact(point)
            with mp.workdps(200):
                terms = oracle.pareto_terms(r, alpha, s, beta, x, t, T)
            alive = terms[0] / (terms[0] + terms[1])
            gammas = mp.loggamma(r + x) - mp.loggamma(r)
            likelihood = gammas + r * mp.log(alpha) + s * mp.log(beta) + mp.log(sum(terms))
            state = (r + x, alpha + T, s, beta + T)
            truth["log_likelihood"].append(likelihood)
            truth["p_alive"].append(alive)
            truth["later"].append(alive * (state[3] / (state[3] + h)) ** s)
            truth["expected"].append(alive * oracle.pareto_expected(*state, h))
            with mp.workdps(30):
                truth["counts"].append(oracle.pareto_count_probability(*state, h, n))
            truth["discounted"].append(alive * oracle.pareto_discounted(*state, mp.mpf(FORCE)))
    for name in found:
        record_property(name, worst(found[name], truth[name], points))
