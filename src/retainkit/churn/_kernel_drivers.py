"""Monotone splines and bounded logistic regression; arrays in, arrays out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]


def monotone_basis(x: Float, knots: Float) -> Float:
    """Return quadratic I-splines, shape (n, knots): each rises from 0 to 1 around its knot.

    The function of knot j is the integral of the hat that is 1 at knot j and 0 at its neighbours,
    divided by its area (Ramsay 1988, order 2). Sums with coefficients >= 0 never fall. Beyond the
    outer knots they are constant.
    """
    left = np.append(knots[0], knots[:-1])
    right = np.append(knots[1:], knots[-1])
    at = np.clip(x, knots[0], knots[-1])[:, None]
    rise, fall = knots - left, right - knots
    up = np.clip(at - left, 0.0, rise)
    down = np.clip(at - knots, 0.0, fall)
    area_up = up**2 / np.where(rise > 0.0, 2.0 * rise, 1.0)
    area_down = down - down**2 / np.where(fall > 0.0, 2.0 * fall, 1.0)
    total: Float = (area_up + area_down) / ((rise + fall) / 2.0)
    return total


def fit_bounded_logit(
    x: Float,
    hits: Float,
    size: Float,
    *,
    bounded: npt.NDArray[np.bool_],
    penalty: Float,
    start: Float,
) -> tuple[Float, float, bool]:
    """Maximise the log-likelihood of `hits` of `size` with coefficients >= 0 where `bounded`.

    Returns the coefficients, the log-likelihood and whether the optimum was reached.
    """
    from scipy import optimize

    scale = max(float(size.sum()), 1.0)

    def loss(beta: Float) -> tuple[float, Float]:
        """Return the penalised loss and its slope."""
        eta = x @ beta
        value = (size * np.logaddexp(0.0, eta) - hits * eta).sum()
        value += 0.5 * (penalty * beta**2).sum()
        slope = x.T @ (size * expit(eta) - hits) + penalty * beta
        return float(value) / scale, slope / scale

    bounds = [(0.0, None) if low else (None, None) for low in bounded.tolist()]
    found = optimize.minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 2000, "ftol": 1e-13, "gtol": 1e-8},
    )
    beta = np.asarray(found.x, dtype=np.float64)
    eta = x @ beta
    likelihood = float((hits * eta - size * np.logaddexp(0.0, eta)).sum())
    return beta, likelihood, bool(found.success)


def fit_free_logit(x: Float, hits: npt.NDArray[np.bool_]) -> tuple[float, int]:
    """Return the greatest log-likelihood of a logit on the span of `x`, and the span's rank.

    Newton's method on orthonormal columns; where a cell has one outcome only the likelihood is
    approached from below, the steps end when it no longer rises.
    """
    u, size, _ = np.linalg.svd(x, full_matrices=False)
    rank = int((size > size.max(initial=0.0) * 1e-9).sum())
    base, y = u[:, :rank], hits.astype(np.float64)
    beta, value = np.zeros(rank), -np.inf
    for _ in range(100):
        eta = base @ beta
        now = float((y * eta - np.logaddexp(0.0, eta)).sum())
        if now <= value + 1e-10 * max(abs(value), 1.0):
            return max(now, value), rank
        value, p = now, expit(eta)
        inner = (base * (p * (1.0 - p))[:, None]).T @ base + 1e-10 * np.eye(rank)
        beta = beta + np.linalg.solve(inner, base.T @ (y - p))
    return value, rank


def expit(eta: Float) -> Float:
    """Return 1 / (1 + exp(-eta)) without overflow."""
    half: Float = 0.5 * (1.0 + np.tanh(0.5 * eta))
    return half
