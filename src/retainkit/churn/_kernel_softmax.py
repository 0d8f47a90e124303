"""Multinomial logistic regression by Newton's method; arrays in, arrays out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]


class SoftmaxFit(NamedTuple):
    """Coefficients (p, k - 1) against the first outcome, with their covariance."""

    coefficients: Float
    covariance: Float
    """Shape (p (k - 1), p (k - 1)), outcomes outermost."""
    log_likelihood: float
    gradient: float
    """Largest absolute entry of the gradient at the end."""
    iterations: int


def softmax(x: Float, coefficients: Float) -> Float:
    """Return the probabilities (n, k); the first outcome has coefficients 0."""
    scores = np.empty((len(x), coefficients.shape[1] + 1))
    scores[:, 0] = 0.0
    np.matmul(x, coefficients, out=scores[:, 1:])
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def fit_softmax(
    x: Float, counts: Float, *, penalty: Float, max_iterations: int = 60, tolerance: float = 1e-8
) -> SoftmaxFit:
    """Maximise sum(counts * log p) - sum(penalty * coefficient**2) / 2.

    `counts` (n, k) holds how often each outcome occurred at each row, in parts where the outcome
    is known in probability only. `penalty` is per column of `x`.
    """
    p, k = x.shape[1], counts.shape[1] - 1
    coefficients = np.zeros((p, k))
    size = counts.sum(axis=1)
    value, slope, hessian = _derivatives(x, counts, size, coefficients, penalty)
    steps = 0
    scale = max(float(size.sum()), 1.0)
    while steps < max_iterations and np.abs(slope).max(initial=0.0) > tolerance * scale:
        steps += 1
        step = np.linalg.solve(hessian, slope.T.ravel()).reshape(k, p).T
        shrink = 1.0
        while True:
            trial = coefficients + shrink * step
            reached = _value(x, counts, trial, penalty)
            if reached >= value or shrink < 1e-8:
                break
            shrink /= 2.0
        coefficients = trial
        value, slope, hessian = _derivatives(x, counts, size, coefficients, penalty)
    likelihood = value + 0.5 * float((penalty[:, None] * coefficients**2).sum())
    covariance: Float = np.linalg.inv(hessian).astype(np.float64)
    worst = float(np.abs(slope).max(initial=0.0)) / scale
    return SoftmaxFit(coefficients, covariance, likelihood, worst, steps)


def _value(x: Float, counts: Float, coefficients: Float, penalty: Float) -> float:
    """Return the penalised log-likelihood."""
    shares = np.maximum(softmax(x, coefficients), 1e-300)
    return float((counts * np.log(shares)).sum()) - 0.5 * float(
        (penalty[:, None] * coefficients**2).sum()
    )


def _derivatives(
    x: Float, counts: Float, size: Float, coefficients: Float, penalty: Float
) -> tuple[float, Float, Float]:
    """Return value, gradient (p, k) and the negative Hessian (pk, pk), outcomes outermost."""
    p, k = coefficients.shape
    shares = softmax(x, coefficients)
    value = float((counts * np.log(np.maximum(shares, 1e-300))).sum())
    value -= 0.5 * float((penalty[:, None] * coefficients**2).sum())
    slope = x.T @ (counts - size[:, None] * shares)[:, 1:] - penalty[:, None] * coefficients
    hessian = np.empty((k * p, k * p))
    for a in range(k):
        for b in range(a, k):
            own = float(a == b)
            weight = size * shares[:, a + 1] * (own - shares[:, b + 1])
            block = x.T @ (weight[:, None] * x)
            if a == b:
                block[np.diag_indices(p)] += penalty
            hessian[a * p : (a + 1) * p, b * p : (b + 1) * p] = block
            hessian[b * p : (b + 1) * p, a * p : (a + 1) * p] = block.T
    return value, slope, hessian
