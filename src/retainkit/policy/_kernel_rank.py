"""Arrays in, arrays out: rank by a log-linear response, then a rising curve over the ranking."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.glm import fit_poisson, poisson_mean, ridge_penalty, solve_ridge
from retainkit.policy._kernel_learn import Floats, Ints

GRID: Final = 200
"""Steps of the curve over the ranking."""
_LONGEST: Final = 30.0


class LogLinear(NamedTuple):
    """Coefficients of log E[y | x], and what a step without some rows needs."""

    beta: Floats
    penalty: Floats


def log_linear(x: Floats, y: Floats, prior_scale: float) -> LogLinear:
    """Return a quasi-Poisson regression of y >= 0 with a normal prior on all but the constant.

    The prior has standard deviation `prior_scale` per standardised feature; its weight is the
    dispersion, var(y) / mean(y)^2 per row, over its square.
    """
    level = float(y.mean()) if y.size else 0.0
    if not level > 0.0:
        return LogLinear(np.append(-_LONGEST, np.zeros(x.shape[1] - 1)), np.zeros(x.shape[1]))
    share = y / level
    penalty = ridge_penalty(x.shape[1], float(share.var()) / prior_scale**2)
    beta = fit_poisson(x, share, penalty=penalty).coefficients
    beta[0] += np.log(level)
    return LogLinear(beta, penalty * level)


def without_fold(x: Floats, y: Floats, model: LogLinear, fold: Ints, n_folds: int) -> list[Floats]:
    """Return the coefficients without each fold: one Newton step from those of all rows."""
    mean = poisson_mean(x @ model.beta)
    slopes, curves = [], []
    for k in range(n_folds):
        rows = fold == k
        part, m = x[rows], mean[rows]
        slopes.append(part.T @ (y[rows] - m))
        curves.append((part * m[:, None]).T @ part)
    slope, curve = sum(slopes), sum(curves)
    pull = model.penalty * model.beta
    tiny = 1e-12 * (1.0 + float(np.trace(np.atleast_2d(curve))))
    return [
        model.beta + solve_ridge(curve - own_curve, slope - own_slope - pull, model.penalty + tiny)
        for own_slope, own_curve in zip(slopes, curves, strict=True)
    ]


def rank_within(score: Floats, fold: Ints, n_folds: int) -> Floats:
    """Return each row's rank in its fold, in (0, 1); ties share their mean rank."""
    rank = np.empty(score.size)
    for k in range(n_folds):
        rows = np.flatnonzero(fold == k)
        ordered = np.sort(score[rows])
        low = np.searchsorted(ordered, score[rows], side="left")
        high = np.searchsorted(ordered, score[rows], side="right")
        rank[rows] = (low + high) / (2.0 * max(rows.size, 1))
    return rank


def rising_curve(rank: Floats, worth: Floats, degree: int) -> Floats:
    """Return a polynomial of worth over rank, made to rise, at the middles of GRID steps."""
    from scipy.optimize import isotonic_regression

    center = float(rank.mean())
    powers = np.column_stack([(rank - center) ** j for j in range(degree + 1)])
    beta = np.linalg.lstsq(powers.T @ powers, powers.T @ worth, rcond=None)[0]
    middle = (np.arange(GRID) + 0.5) / GRID - center
    curve = np.column_stack([middle**j for j in range(degree + 1)]) @ beta
    return np.asarray(isotonic_regression(curve).x)


def quantiles(score: Floats) -> Floats:
    """Return the bounds between GRID equal groups of the scores."""
    return np.quantile(score, np.arange(1, GRID) / GRID)


def at_rank(score: Floats, bounds: Floats, curve: Floats) -> Floats:
    """Return the curve at the group each score falls into; at the middle one of several."""
    low, high = (np.searchsorted(bounds, score, side=side) for side in ("left", "right"))
    group: npt.NDArray[np.int64] = (low + high) // 2
    return curve[group]
