"""Penalised regression with a canonical link, by Newton's method: arrays in, arrays out.

One search serves logistic, multinomial (softmax) and Poisson regression: the log-likelihood of all
of them is sum(total * eta - size * cumulant(eta)) with eta = x b, concave in b.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_LONGEST: Final = 30.0
"""Largest log of a Poisson mean, and smallest: beyond it exp would overflow."""
_NEAR: Final = 1e-6
"""Gradient per case below which a fit has converged."""
_DAMPING: Final = 1e-12
"""Per case, added to the curvature of each step; it keeps steps finite, the optimum is the same."""
_ROUNDING: Final = 1e-14
_HALVINGS: Final = 30
_BLOCK: Final = 2048
"""Rows weighted at once: their copy stays in the processor's cache."""


class Family(NamedTuple):
    """What a canonical family says of eta (n, k): each term of its log-likelihood and slopes."""

    cumulant: Callable[[Floats], Floats]
    """(n, k) -> (n,)."""
    mean: Callable[[Floats, Floats], Floats]
    """(n, k) and its cumulant (n,) -> (n, k): the gradient."""
    variance: Callable[[Floats, int, int], Floats]
    """Means (n, k) and two columns -> (n,): its second derivative."""


class GlmFit(NamedTuple):
    """What a regression found, and how well.

    `coefficients` has shape (p,), for `fit_softmax` (p, k - 1); `information` works out the
    negative Hessian of the penalised log-likelihood, outcomes outermost; the log-likelihood is
    without the penalty; `gradient` is its largest entry per case at the end, 0 at an active bound.
    """

    coefficients: Floats
    information: Callable[[], Floats]
    log_likelihood: float
    gradient: float
    iterations: int

    @property
    def covariance(self) -> Floats:
        """The inverse of the information; few ask for it."""
        return np.asarray(np.linalg.pinv(self.information(), hermitian=True), dtype=np.float64)

    @property
    def converged(self) -> bool:
        """Whether the gradient is near 0."""
        return self.gradient <= _NEAR


def fit_logistic(
    x: Floats,
    hits: Floats,
    size: Floats | None = None,
    *,
    penalty: Floats,
    nonnegative: Bools | None = None,
    start: Floats | None = None,
    tolerance: float = 1e-11,
) -> GlmFit:
    """Maximise the log-likelihood of `hits` of `size` cases per row, less the ridge penalty.

    `penalty` (p,) is per column: sum(penalty * b**2) / 2 is taken off. Coefficients are at least 0
    where `nonnegative`.
    """
    found = _maximise(
        x,
        hits[:, None],
        np.ones(len(x)) if size is None else size,
        _LOGISTIC,
        penalty=penalty,
        start=None if start is None else start[:, None],
        nonnegative=nonnegative,
        tolerance=tolerance,
    )
    return found._replace(coefficients=found.coefficients[:, 0])


def fit_poisson(
    x: Floats,
    y: Floats,
    size: Floats | None = None,
    *,
    penalty: Floats,
    start: Floats | None = None,
    tolerance: float = 1e-11,
) -> GlmFit:
    """Maximise the (quasi-)Poisson log-likelihood of y >= 0, mean size exp(x b), less the ridge."""
    found = _maximise(
        x,
        y[:, None],
        np.ones(len(x)) if size is None else size,
        _POISSON,
        penalty=penalty,
        start=None if start is None else start[:, None],
        tolerance=tolerance,
    )
    return found._replace(coefficients=found.coefficients[:, 0])


def fit_softmax(x: Floats, counts: Floats, *, penalty: Floats, max_iterations: int = 60) -> GlmFit:
    """Maximise sum(counts * log p) - sum(penalty * b**2) / 2, the first outcome having b = 0.

    `counts` (n, k) holds how often each outcome occurred at each row, in parts where the outcome
    is known in probability only. `penalty` is per column of `x`.
    """
    size: Floats = counts.sum(axis=1)
    return _maximise(
        x, counts[:, 1:], size, _SOFTMAX, penalty=penalty, max_iterations=max_iterations
    )


def softmax(x: Floats, coefficients: Floats) -> Floats:
    """Return the probabilities (n, k); the first outcome has coefficients 0."""
    eta = x @ coefficients
    whole = _softmax_cumulant(eta)[:, None]
    return np.exp(np.column_stack([-whole, eta - whole]))


def poisson_mean(eta: Floats) -> Floats:
    """Return exp(eta) without overflow."""
    mean: Floats = np.exp(np.clip(eta, -_LONGEST, _LONGEST))
    return mean


def solve_ridge(gram: Floats, moment: Floats, penalty: Floats) -> Floats:
    """Return the b that minimises b' gram b / 2 - moment b + sum(penalty * b**2) / 2."""
    return np.asarray(np.linalg.solve(gram + np.diag(penalty), moment))


def fit_two_part(x: Floats, y: Floats, *, penalty: Floats) -> tuple[Floats, Floats]:
    """Return coefficients of P(y > 0) = expit(x b) and of E[log y | y > 0] = x c."""
    some = y > 0.0
    part = x[some]
    buys = fit_logistic(x, some.astype(np.float64), penalty=penalty)
    return buys.coefficients, solve_ridge(part.T @ part, part.T @ np.log(y[some]), penalty)


def ridge_penalty(columns: int, penalty: float) -> Floats:
    """Return the penalty of each column; the first one, of ones, has none."""
    weight = np.full(columns, penalty)
    weight[0] = 0.0
    return weight


def center_and_scale(x: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each column; 0 and 1 without rows.

    A constant column has scale 1: rounding leaves it a deviation of about 1e-16, by which nothing
    may be divided.
    """
    if not len(x):
        return np.zeros(x.shape[1]), np.ones(x.shape[1])
    center, scale = x.mean(axis=0), x.std(axis=0)
    return center, np.where(scale > 1e-9 * np.maximum(np.abs(center), 1.0), scale, 1.0)


def standardize(x: Floats, center: Floats, scale: Floats, *, farthest: float = np.inf) -> Floats:
    """Return a first column of ones, then the standardised columns, at most `farthest` from 0."""
    z = np.clip((x - center) / scale, -farthest, farthest)
    return np.column_stack([np.ones(len(x)), z])


def _maximise(
    x: Floats,
    totals: Floats,
    size: Floats,
    family: Family,
    *,
    penalty: Floats,
    start: Floats | None = None,
    nonnegative: Bools | None = None,
    tolerance: float = 1e-11,
    max_iterations: int = 60,
) -> GlmFit:
    """Climb by Newton's steps, halved until the penalised log-likelihood does not fall."""
    bounded = np.zeros(x.shape[1], np.bool_) if nonnegative is None else nonnegative
    scale = max(float(size.sum()), 1.0)

    def look(b: Floats) -> _Spot:
        """Return the penalised log-likelihood, and what its slopes are worked out from."""
        eta = x @ b
        cumulant = family.cumulant(eta)
        gain = (totals * eta).sum() - (size * cumulant).sum()
        return _Spot(float(gain - 0.5 * (penalty[:, None] * b**2).sum()), eta, cumulant)

    b = np.zeros((x.shape[1], totals.shape[1])) if start is None else start
    here = look(b)
    for steps in range(max_iterations + 1):
        mean = family.mean(here.eta, here.cumulant)
        slope = x.T @ (totals - size[:, None] * mean) - penalty[:, None] * b
        slack = np.where(bounded[:, None] & (b <= 0.0) & (slope < 0.0), 0.0, slope)
        gradient = float(np.abs(slack).max(initial=0.0)) / scale
        if gradient <= tolerance or steps == max_iterations:
            break
        hessian = _information(x, size, mean, family, penalty)
        hessian[np.diag_indices(len(hessian))] += _DAMPING * scale
        step = _step(hessian, slope.T.ravel(), b.T.ravel(), np.tile(bounded, b.shape[1]))
        move = step.reshape(b.shape[::-1]).T
        for _ in range(_HALVINGS):
            trial = np.where(bounded[:, None], np.maximum(b + move, 0.0), b + move)
            there = look(trial)
            if there.value >= here.value - _ROUNDING * abs(here.value):
                break
            move = move / 2.0
        else:
            break
        b, here = trial, there
    likelihood = here.value + 0.5 * float((penalty[:, None] * b**2).sum())
    information = partial(_information, x, size, mean, family, penalty)
    return GlmFit(b, information, likelihood, gradient, steps)


class _Spot(NamedTuple):
    """The penalised log-likelihood of some coefficients, x b and its cumulant."""

    value: float
    eta: Floats
    cumulant: Floats


def gram(x: Floats, weight: Floats) -> Floats:
    """Return x' diag(weight) x of weights not below 0, block by block."""
    p, root = x.shape[1], np.sqrt(weight)[:, None]
    total, part = np.zeros((p, p)), np.empty_like(x[:_BLOCK])
    for start in range(0, len(x), _BLOCK):
        rows = x[start : start + _BLOCK]
        scaled = np.multiply(rows, root[start : start + _BLOCK], out=part[: len(rows)])
        total += scaled.T @ scaled  # a symmetric product: half the work
    return total


def _information(x: Floats, size: Floats, mean: Floats, family: Family, penalty: Floats) -> Floats:
    """Return the negative Hessian (pk, pk), outcomes outermost."""
    p, k = x.shape[1], mean.shape[1]
    hessian = np.empty((k * p, k * p))
    for a in range(k):
        for b in range(a, k):
            weight = size * family.variance(mean, a, b)
            if a != b:
                block = (x * weight[:, None]).T @ x
            else:
                block = gram(x, np.maximum(weight, 0.0))
                block[np.diag_indices(p)] += penalty
            hessian[a * p : (a + 1) * p, b * p : (b + 1) * p] = block
            hessian[b * p : (b + 1) * p, a * p : (a + 1) * p] = block.T
    return hessian


def _step(hessian: Floats, slope: Floats, at: Floats, bounded: Bools) -> Floats:
    """Return Newton's step, the best one that keeps the bounded coefficients at 0 or above."""
    if not bounded.any():
        return np.asarray(np.linalg.solve(hessian, slope))
    from scipy.linalg import solve_triangular
    from scipy.optimize import nnls

    order = np.argsort(bounded, kind="stable")
    free = int((~bounded).sum())
    root = np.linalg.cholesky(hessian[np.ix_(order, order)]).T
    goal = solve_triangular(root, slope[order], trans="T")
    low, start = root[free:, free:], at[order][free:]
    moved = nnls(low, goal[free:] + low @ start)[0] - start
    goal[:free] -= root[:free, free:] @ moved
    step = np.empty(len(slope))
    step[order] = np.append(solve_triangular(root[:free, :free], goal[:free]), moved)
    return step


def _log1p_exp(eta: Floats) -> Floats:
    """Return log(1 + exp(eta)), three times faster than logaddexp(0, eta)."""
    score: Floats = eta[:, 0]
    return np.log1p(np.exp(-np.abs(score))) + np.maximum(score, 0.0)


def _softmax_cumulant(eta: Floats) -> Floats:
    """Return log(1 + sum(exp(eta)))."""
    highest = np.maximum(eta.max(axis=1, initial=0.0), 0.0)
    total = np.exp(-highest) + np.exp(eta - highest[:, None]).sum(axis=1)
    return np.asarray(highest + np.log(total))


_LOGISTIC: Final = Family(
    _log1p_exp,
    lambda eta, _cumulant: np.asarray(expit(eta)),
    lambda m, _a, _b: m[:, 0] * (1.0 - m[:, 0]),
)
_POISSON: Final = Family(
    lambda eta: poisson_mean(eta[:, 0]),
    lambda _eta, cumulant: cumulant[:, None],
    lambda m, _a, _b: m[:, 0],
)
_SOFTMAX: Final = Family(
    _softmax_cumulant,
    lambda eta, cumulant: np.exp(eta - cumulant[:, None]),
    lambda m, a, b: m[:, a] * (float(a == b) - m[:, b]),
)
