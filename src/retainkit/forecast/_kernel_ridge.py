"""Penalised regressions on standardised columns: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.glm import fit_logistic, fit_poisson, gram, ridge_penalty, solve_ridge

FloatArray = npt.NDArray[np.float64]
Family = Literal["logistic", "poisson", "normal"]

_FARTHEST = 6.0
"""Standard deviations from the mean beyond which a column counts no further."""
_NEAR = 1e-9
_FEW = 64
"""Rows up to which all columns are taken at once."""


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
    """Return the design; the scale of a column without spread beyond rounding is infinite."""
    z = np.empty((len(x), x.shape[1] + 1), order="F")
    z[:, 0], z[:, 1:] = 1.0, x
    return standardise_within(z, weights)


def standardise_within(z: FloatArray, weights: FloatArray) -> Design:
    """Standardise the columns of `z` in place, the first one, of ones, left out.

    Quickest where columns lie one after the other in memory (`order="F"`).
    """
    share = weights / weights.sum()
    x = z[:, 1:]
    center = share @ x
    x -= center
    spread: FloatArray = np.sqrt([share @ np.square(column) for column in x.T])
    scale = np.where(spread > 1e-9 * np.maximum(np.abs(center), 1.0), spread, np.inf)
    x /= scale
    return Design(center, scale, z, weights)


def fit_ridge(design: Design, y: FloatArray, penalty: float, family: Family) -> Fit:
    """Return the penalised maximum-likelihood fit of y; the constant is not penalised."""
    z, weights = design.z, design.weights
    ridge = ridge_penalty(z.shape[1], penalty)
    if family == "normal":
        beta = solve_ridge(gram(z, weights), z.T @ (weights * y), ridge)
    else:
        start = np.zeros(z.shape[1])
        mean = max(float(weights @ y / weights.sum()), 1e-9)
        start[0] = np.log(mean / (1.0 - mean)) if family == "logistic" else np.log(mean)
        search = fit_logistic if family == "logistic" else fit_poisson
        found = search(z, weights * y, weights, penalty=ridge, start=start, tolerance=_NEAR)
        beta = found.coefficients
    return Fit(tuple(design.center.tolist()), tuple(design.scale.tolist()), tuple(beta.tolist()))


def predict_linear(fit: Any, columns: Sequence[FloatArray]) -> FloatArray:
    """Return the linear predictor, each row the same to the last bit whatever the others are.

    Terms are added one column after the other: at once for a few rows, where calls cost most.
    """
    if len(columns[0]) <= _FEW:
        z = (np.array(columns).T - fit.center) / fit.scale
        terms = np.minimum(np.maximum(z, -_FARTHEST), _FARTHEST) * fit.coefficients[1:]
        terms[:, 0] += fit.coefficients[0]
        return np.asarray(np.cumsum(terms, axis=1)[:, -1])
    total = np.full(len(columns[0]), fit.coefficients[0])
    for column, center, scale, slope in zip(
        columns, fit.center, fit.scale, fit.coefficients[1:], strict=True
    ):
        total += np.clip((column - center) / scale, -_FARTHEST, _FARTHEST) * slope
    return total


def predict_learnt(fit: Fit, design: Design) -> FloatArray:
    """Return the linear predictor of the rows that were learnt from."""
    total = np.full(len(design.z), fit.coefficients[0])
    for column, slope in zip(design.z.T[1:], fit.coefficients[1:], strict=True):
        total += np.clip(column, -_FARTHEST, _FARTHEST) * slope
    return total


def logit(p: FloatArray) -> FloatArray:
    """Return log(p / (1 - p)) of probabilities kept a ten-thousandth away from 0 and 1."""
    kept = np.clip(p, 1e-4, 1.0 - 1e-4)
    return np.asarray(np.log(kept / (1.0 - kept)))
