"""Arrays in, arrays out: cross-fitted ridge regression and doubly robust scores."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.glm import ridge_penalty, solve_ridge

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]

PENALTIES: Final = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, np.inf)
"""Candidates for the penalty per row, from hardly any to a constant."""


def ridge(gram: Floats, moment: Floats, n: float, penalty: float) -> Floats:
    """Return the coefficients of a ridge regression; the first one is not penalised."""
    if not n > 0.0:
        return np.zeros(moment.size)
    if np.isinf(penalty):
        constant = np.zeros(moment.size)
        constant[0] = moment[0] / n
        return constant
    return solve_ridge(gram, moment, ridge_penalty(moment.size, n * penalty))


def out_of_fold_means(
    x: Floats, action: Ints, outcome: Floats, fold: Ints, *, n_actions: int, penalty: float
) -> Floats:
    """Return the expected outcome per row and action, learnt on the other folds only."""
    n_folds = int(fold.max(initial=0)) + 1
    means = np.zeros((x.shape[0], n_actions))
    for a in range(n_actions):
        parts = []
        for k in range(n_folds):
            rows = (action == a) & (fold == k)
            part = x[rows]
            parts.append((part.T @ part, part.T @ outcome[rows], float(rows.sum())))
        gram, moment, n = (sum(values) for values in zip(*parts, strict=True))
        for k, (own_gram, own_moment, own_n) in enumerate(parts):
            beta = ridge(gram - own_gram, moment - own_moment, n - own_n, penalty)
            rows = fold == k
            means[rows, a] = x[rows] @ beta
    return means


def robust_scores(means: Floats, action: Ints, outcome: Floats, propensity: Floats) -> Floats:
    """Return the doubly robust score of each action per row: mean + 1[A = a] / e (Y - mean)."""
    scores = means.copy()
    rows = np.arange(action.size)
    logged = propensity[rows, action]
    scores[rows, action] += (outcome - means[rows, action]) / logged
    return scores


def ridge_cross_validated(x: Floats, y: Floats, fold: Ints) -> tuple[Floats, float]:
    """Return ridge coefficients with the penalty that predicts the other folds best.

    Ties and gains below rounding go to the stronger penalty; the strongest is a constant.
    """
    n_folds = int(fold.max(initial=0)) + 1
    parts = []
    for k in range(n_folds):
        part, own = x[fold == k], y[fold == k]
        parts.append((part.T @ part, part.T @ own, float(own.size)))
    gram, moment, n = (sum(values) for values in zip(*parts, strict=True))
    best, lowest = np.inf, np.inf
    for penalty in reversed(PENALTIES):
        error = 0.0
        for own_gram, own_moment, own_n in parts:
            beta = ridge(gram - own_gram, moment - own_moment, n - own_n, penalty)
            error += float(beta @ own_gram @ beta - 2.0 * beta @ own_moment)
        if error < lowest - 1e-12 * abs(lowest if np.isfinite(lowest) else 1.0):
            best, lowest = penalty, error
    return ridge(gram, moment, n, best), best
