"""Penalised regressions on standardised columns: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Family = Literal["logistic", "poisson", "normal"]

_FARTHEST = 6.0
"""Standard deviations from the mean beyond which a column counts no further."""
_LARGEST = 30.0
_STEPS = 60


class Fit(NamedTuple):
    """Means, deviations and coefficients; the constant is the first coefficient."""

    center: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]


class Design(NamedTuple):
    """Columns standardised once for several regressions, with a leading column of ones."""

    center: FloatArray
    scale: FloatArray
    z: FloatArray
    weights: FloatArray


def standardise(x: FloatArray, weights: FloatArray) -> Design:
    """Return the design; a column whose spread is below its own rounding has infinite scale."""
    share = weights / weights.sum()
    center = share @ x
    z = np.empty((len(x), x.shape[1] + 1))
    z[:, 0] = 1.0
    np.subtract(x, center, out=z[:, 1:])
    spread = np.sqrt(share @ np.square(z[:, 1:]))
    scale = np.where(spread > 1e-9 * np.maximum(np.abs(center), 1.0), spread, np.inf)
    z[:, 1:] /= scale
    return Design(center, scale, z, weights)


def fit_ridge(design: Design, y: FloatArray, penalty: float, family: Family) -> Fit:
    """Return the penalised maximum-likelihood fit of y; the constant is not penalised."""
    z, weights = design.z, design.weights
    ridge = np.full(z.shape[1], penalty)
    ridge[0] = 0.0
    mean = float(weights @ y / weights.sum())
    beta: FloatArray = np.zeros(z.shape[1])
    if family == "normal":
        normal = (z * weights[:, None]).T @ z + np.diag(ridge)
        beta = np.asarray(np.linalg.solve(normal, z.T @ (weights * y)))
    else:
        level = min(max(mean, 1e-9), 1.0 - 1e-9) if family == "logistic" else max(mean, 1e-9)
        beta[0] = np.log(level / (1.0 - level)) if family == "logistic" else np.log(level)
        beta = _newton(z, y, weights, ridge, beta, family)
    return Fit(tuple(design.center.tolist()), tuple(design.scale.tolist()), tuple(beta.tolist()))


def _newton(
    z: FloatArray,
    y: FloatArray,
    weights: FloatArray,
    ridge: FloatArray,
    beta: FloatArray,
    family: Family,
) -> FloatArray:
    """Minimise the penalised negative log-likelihood by damped Newton steps."""

    def loss(b: FloatArray) -> float:
        eta = z @ b
        each = (
            np.log1p(np.exp(-np.abs(eta))) + np.maximum(eta, 0.0)
            if family == "logistic"
            else np.exp(np.minimum(eta, _LARGEST))
        )
        return float(weights @ (each - y * eta) + 0.5 * (ridge * b) @ b)

    here = loss(beta)
    for _ in range(_STEPS):
        eta = z @ beta
        mean = expit(eta) if family == "logistic" else np.exp(np.minimum(eta, _LARGEST))
        curve = mean * (1.0 - mean) if family == "logistic" else mean
        gradient = z.T @ (weights * (mean - y)) + ridge * beta
        # the floor keeps the matrix regular where every probability is at 0 or 1
        hessian = (z * (weights * np.maximum(curve, 1e-9))[:, None]).T @ z
        hessian[np.diag_indices_from(hessian)] += ridge + 1e-9
        step = np.linalg.solve(hessian, gradient)
        while (there := loss(beta - step)) > here and np.abs(step).max() > 1e-12:
            step = step / 2.0
        beta, here = beta - step, there
        if float(gradient @ step) < 1e-9 * float(weights.sum()):
            break
    return beta


def predict_linear(fit: Any, columns: Sequence[FloatArray]) -> FloatArray:
    """Return the linear predictor, each row the same to the last bit whatever the others are."""
    total = np.full(len(columns[0]), fit.coefficients[0])
    for column, center, scale, slope in zip(
        columns, fit.center, fit.scale, fit.coefficients[1:], strict=True
    ):
        total += np.clip((column - center) / scale, -_FARTHEST, _FARTHEST) * slope
    return total


def expit(x: FloatArray) -> FloatArray:
    """Return 1 / (1 + exp(-x))."""
    from scipy.special import expit as scipy_expit

    return np.asarray(scipy_expit(x))


def logit(p: FloatArray) -> FloatArray:
    """Return log(p / (1 - p)) of probabilities kept a ten-thousandth away from 0 and 1."""
    kept = np.clip(p, 1e-4, 1.0 - 1e-4)
    return np.asarray(np.log(kept / (1.0 - kept)))
