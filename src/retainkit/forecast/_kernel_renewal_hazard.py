"""Hazard by tenure: beta-geometric tail, credibility, proportional effects; arrays in and out.

h(k) = a / (a + c + k) is the hazard of the shifted beta-geometric model (Fader & Hardie 2007,
equation 6, k counted from 0), here fitted to contracts at risk and ended per decision date, so
that late entry is allowed for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CERTAIN = 1.0 - 1e-9
"""The largest hazard: nobody is certain to leave."""

_STRENGTHS = np.array([3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 1e5])


class Tail(NamedTuple):
    """Parameters of the smooth hazard a / (a + c + k)."""

    a: float
    c: float


def tail_hazard(tail: Tail, k: Floats) -> Floats:
    """Return the smooth hazard on decision dates `k`."""
    return np.minimum(tail.a / (tail.a + tail.c + k), CERTAIN)


def fit_tail(risk: Floats, ended: Floats, first: int) -> Tail:
    """Fit the smooth hazard to the decision dates from `first` on by maximum likelihood.

    The likelihood is sum d log h + (n - d) log(1 - h). For each c the best a is found by
    Newton's method; c is searched on a logarithmic scale, twice. Half an end among the contracts
    at risk keeps it finite where nobody left; customers who are all alike have a large c.
    """
    k = np.flatnonzero(risk > 0.0).astype(np.float64)
    k = k[k >= first] if (k >= first).any() else k
    if not k.size:
        return Tail(0.5, 1e6)
    n, d = risk[k.astype(np.int64)], ended[k.astype(np.int64)]
    share = min((d.sum() + 0.5) / (n.sum() + 1.0), 0.95)
    d = d + 0.5 * n / n.sum()
    n = np.maximum(n + 0.5 * n / n.sum(), d)
    grid = np.geomspace(1e-2, 1e6, 33)
    best = Tail(share, 1.0)
    for _ in range(2):
        a = _best_level(grid, k, n, d, share)
        whole = a[:, None] + grid[:, None] + k
        score = d.sum() * np.log(a) + (np.log(grid[:, None] + k) * (n - d)).sum(axis=1)
        score -= (np.log(whole) * n).sum(axis=1)
        place = int(np.argmax(score))
        best = Tail(float(a[place]), float(grid[place]))
        low, high = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
        grid = np.geomspace(low, high, 33)
    return best


def _best_level(c: Floats, k: Floats, n: Floats, d: Floats, share: float) -> Floats:
    """Return the a that solves sum d = sum n a / (a + c + k), one per c."""
    log_a = np.log(share / (1.0 - share) * (c + float((n * k).sum() / n.sum())))
    for _ in range(30):
        a = np.exp(log_a)[:, None]
        h = a / (a + c[:, None] + k)
        miss = np.log(d.sum()) - np.log((n * h).sum(axis=1))
        slope = (n * h * (1.0 - h)).sum(axis=1) / (n * h).sum(axis=1)
        log_a = log_a + np.clip(miss / np.maximum(slope, 1e-3), -2.0, 2.0)
        if float(np.abs(miss).max()) < 1e-12:
            break
    return np.exp(log_a)


def credibility(risk: Floats, ended: Floats, prior: Floats) -> float:
    """Return how many contracts at risk the prior is worth: largest beta-binomial likelihood."""
    seen = risk > 0.0
    n, d, h = risk[seen], ended[seen], prior[seen]
    scores = [
        float((betaln(d + m * h, n - d + m * (1.0 - h)) - betaln(m * h, m * (1.0 - h))).sum())
        for m in _STRENGTHS.tolist()
    ]
    return float(_STRENGTHS[int(np.argmax(scores))])


def shrunk_hazard(risk: Floats, ended: Floats, first: int, tail: Tail) -> tuple[Floats, float]:
    """Return the hazard on each decision date, drawn towards the tail, and the tail's weight.

    Before `first`, where everybody passes and leaving has reasons of its own (trials, unpaid
    first bills), the tail weighs as one contract.
    """
    prior = tail_hazard(tail, np.arange(len(risk), dtype=np.float64))
    strength = credibility(risk[first:], ended[first:], prior[first:])
    weight = np.where(np.arange(len(risk)) < first, 1.0, strength)
    return np.minimum((ended + weight * prior) / (risk + weight), CERTAIN), strength


def cumulative(hazard: Floats, tail: Tail, size: int) -> Floats:
    """Return -log of the share that stays through each decision date; entry 0 is before any."""
    k = np.arange(size, dtype=np.float64)
    h = tail_hazard(tail, k)
    h[: min(size, len(hazard))] = hazard[:size]
    return np.concatenate([[0.0], np.cumsum(-np.log1p(-np.minimum(h, CERTAIN)))])


def shrunk_factors(observed: Floats, expected: Floats) -> Floats:
    """Return observed over expected ends per plan, drawn towards 1 (gamma-Poisson)."""
    if len(observed) < 2:
        return np.ones(len(observed))
    scores = [
        float((gammaln(observed + m) - gammaln(m) + m * np.log(m)).sum())
        - float(((observed + m) * np.log(expected + m)).sum())
        for m in _STRENGTHS.tolist()
    ]
    strength = float(_STRENGTHS[int(np.argmax(scores))])
    return (observed + strength) / (expected + strength)


def fit_proportional(
    x: Floats, left: Floats, exposure: Floats, ridge: float
) -> tuple[float, Floats]:
    """Fit 1 - exp(-exposure * exp(level + x b)) to who left (complementary log-log, offset).

    Newton's method with expected information and a ridge on `b`; rows are put in an order of
    their own first, so that the order they came in changes nothing.
    """
    order = np.lexsort((*x.T, exposure, left))
    x, left, exposure = x[order], left[order], np.maximum(exposure[order], 1e-12)
    design = np.column_stack([np.ones(len(x)), x])
    beta = np.zeros(design.shape[1])
    penalty = np.full(len(beta), ridge)
    penalty[0] = 1e-6
    for _ in range(50):
        eta = np.clip(np.sum(design * beta, axis=1), -20.0, 20.0)
        rate = exposure * np.exp(eta)
        p = np.clip(-np.expm1(-rate), 1e-12, 1.0 - 1e-12)
        slope = rate * (1.0 - p)
        gradient = design.T @ ((left - p) * slope / (p * (1.0 - p))) - penalty * beta
        information = (design * (slope**2 / (p * (1.0 - p)))[:, None]).T @ design
        move = np.linalg.solve(information + np.diag(penalty), gradient)
        beta = beta + np.clip(move, -1.0, 1.0)
        if float(np.abs(move).max()) < 1e-10:
            break
    return float(beta[0]), beta[1:]


def auc(p: Floats, n: Ints, stayed: Ints) -> float:
    """Return the chance that one who stayed had the larger `p` of a pair; ties count half."""
    levels, place = np.unique(p, return_inverse=True)
    yes = np.bincount(place, weights=stayed, minlength=len(levels))
    no = np.bincount(place, weights=n - stayed, minlength=len(levels))
    if not yes.sum() * no.sum():
        return float("nan")
    below = np.cumsum(no) - no
    return float((yes * (below + 0.5 * no)).sum() / (yes.sum() * no.sum()))


def calibration_error(p: Floats, n: Ints, stayed: Ints, bins: int = 10) -> float:
    """Return the mean |predicted - seen| over bins of equally many contracts."""
    order = np.argsort(p, kind="stable")
    p, n, stayed = p[order], n[order], stayed[order]
    middle = (np.cumsum(n) - 0.5 * n) / max(int(n.sum()), 1)
    place = np.minimum((middle * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=p * n) - np.bincount(place, weights=stayed)
    return float(np.abs(gap).sum() / max(int(n.sum()), 1))
