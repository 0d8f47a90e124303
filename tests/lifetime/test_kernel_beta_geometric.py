from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from retainkit.lifetime import _kernel_beta_geometric as kernel
from retainkit.typing import FloatArray
from tests.lifetime import oracle

HISTORIES = np.array(
    [(0, 0, 40), (0, 0, 0), (1, 3, 40), (2, 30.43, 38.86), (200, 38, 40), (7, 5, 5)], dtype=float
)
WEIGHTS = np.array([5.0, 1.0, 2.0, 1.0, 0.5, 3.0])
THETAS = np.log([[0.25, 4, 0.8, 2.5], [3, 0.1, 1e-9, 7], [1e5, 4e5, 30, 1e7], [0.01, 900, 5, 0.02]])


def data_of(rows: FloatArray, weights: FloatArray) -> kernel.BetaGeometricData:
    x, t, T = rows.T
    return kernel.prepare(x, t, T, weights, first=1.0)


def test_log_likelihood_points() -> None:
    """MBG/NBD at r .25, alpha 4, a .8, b 2.5: pymc-marketing's test values, recomputed."""
    theta = np.log([0.25, 4, 0.8, 2.5])
    for row, published in (((0, 0, 40), -0.417928262045), ((200, 38, 40), 100.786909761)):
        found = kernel.evaluate(theta, data_of(np.array([row], dtype=float), np.ones(1))).value
        assert found == pytest.approx(published, rel=1e-11)


@pytest.mark.parametrize("theta", THETAS, ids=str)
def test_value_gradient_and_hessian_against_forty_digits(theta: FloatArray) -> None:
    """Derivatives are differences of the printed formula, taken with 40 digits."""
    with mp.workdps(40):

        def total(*point: mp.mpf) -> mp.mpf:
            terms = (
                mp.mpf(w) * oracle.mbg_log_likelihood(point, *row)
                for row, w in zip(HISTORIES.tolist(), WEIGHTS.tolist(), strict=True)
            )
            return mp.fsum(terms)

        at = kernel.evaluate(theta, data_of(HISTORIES, WEIGHTS))
        point = [mp.mpf(float(v)) for v in theta]
        assert at.value == pytest.approx(float(total(*point)), rel=1e-12)
        for i in range(4):
            order = [int(k == i) for k in range(4)]
            slope = float(mp.diff(total, point, tuple(order)))
            assert at.gradient[i] == pytest.approx(slope, rel=1e-8, abs=1e-9)
            for j in range(i + 1):
                both = tuple(o + int(k == j) for k, o in enumerate(order))
                bend = float(mp.diff(total, point, both))
                assert at.hessian[i, j] == pytest.approx(bend, rel=1e-6, abs=1e-7)


def test_blocks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = kernel.evaluate(THETAS[0], data_of(HISTORIES, WEIGHTS))
    monkeypatch.setattr(kernel, "_BLOCK", 2)
    parts = kernel.evaluate(THETAS[0], data_of(HISTORIES, WEIGHTS))
    assert parts.value == pytest.approx(whole.value, rel=1e-13)
    np.testing.assert_allclose(parts.gradient, whole.gradient, rtol=1e-12)
    np.testing.assert_allclose(parts.hessian, whole.hessian, rtol=1e-12)


def stress_points() -> list[tuple[float, ...]]:
    """160 points over many magnitudes: a at and near 1, heavy buyers, t_x = T, tiny and huge."""
    rng = np.random.default_rng(20)
    near_one = [1.0, 1 + 1e-9, 1 - 1e-7, 1.001, 0.01, 2.0, 5.0, 400.0]
    points: list[tuple[float, ...]] = []
    for k in range(160):
        r, alpha, b = (10 ** rng.uniform(*span) for span in ((-3, 2), (-3, 3), (-3, 3)))
        a = near_one[k % 8] if k % 2 else float(10 ** rng.uniform(-4, 2))
        x = float(rng.choice([0, 1, 2, 10, 100, 1000, 3000]))
        T = float(10 ** rng.uniform(-2, 3))
        t = T * float(rng.choice([1.0, 0.99, rng.random()])) if x else 0.0
        points.append((r, alpha, a, b, x, t, T, float(10 ** rng.uniform(-3, 4))))
    return points


def test_predictions_on_the_stress_grid() -> None:
    """Within 1e-11 of 60-digit arithmetic, wherever the truth is a double at all."""
    checked = 0
    with mp.workdps(60):
        for point in stress_points():
            r, alpha, a, b, x, t, T, horizon = point
            exact = [mp.mpf(v) for v in point]
            one = (np.array([x]), np.array([t]), np.array([T]))
            alive = oracle.mbg_p_alive(*exact[:7])
            known = kernel.know((r, alpha, a, b), *one, first=1.0)
            found = known.p[0]
            if alive < mp.mpf(10) ** -290:
                assert found < 1e-280, point
                continue
            expected = oracle.mbg_expected_purchases(*exact)
            more = known.expected_purchases(horizon)[0]
            assert abs(found / alive - 1) < 1e-11, point
            assert abs(more / expected - 1) < 1e-11, point
            checked += 1
    assert checked > 120
