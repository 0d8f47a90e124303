"""Arithmetic of contract models: shifted-beta-geometric and beta-discrete-Weibull.

A customer who has renewed t times survives with S(t) = B(gamma, delta + t^c) / B(gamma, delta);
c = 1 is the shifted beta-geometric of Fader & Hardie (2007), c free the beta-discrete-Weibull of
Fader, Hardie, Liu, Davin & Steenburgh (2018).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, polygamma

from retainkit.lifetime._kernel_newton import Evaluation, inner
from retainkit.lifetime._kernel_shared import stirling_rest

Floats = npt.NDArray[np.float64]


class ContractData(NamedTuple):
    """Distinct tenures: customers who left in period t, and customers still there after t."""

    t: Floats
    left: Floats
    """Weight of those who left in period t."""
    stayed: Floats
    """Weight of those who are known only to have survived period t."""


class _Smooth(NamedTuple):
    """A function of theta = log(gamma, delta, c) on m points, with both derivatives."""

    value: Floats
    gradient: list[Floats]
    hessian: list[list[Floats]]


def log_survival(gamma: float, delta: float, c: float, t: Floats) -> Floats:
    """Return log S(t) = log B(gamma, delta + q) - log B(gamma, delta), q = t^c.

    By Stirling's formula: (delta - 1/2) log(1 + q gamma / (delta (gamma + delta + q)))
    - q log(1 + gamma / (delta + q)) - gamma log(1 + q / (gamma + delta)) and what it leaves,
    so that customers who are alike, or hardly ever leave, cost no digits.
    """
    q = t**c
    both = np.array([delta, gamma + delta])
    start, end = stirling_rest(both)[0], stirling_rest((both[:, None] + q).ravel())[0]
    end = end.reshape(2, -1)
    ratio = np.log1p(q * gamma / (delta * (gamma + delta + q)))
    main = (delta - 0.5) * ratio - q * np.log1p(gamma / (delta + q))
    main -= gamma * np.log1p(q / (gamma + delta))
    survival: Floats = main + (end[0] - start[0]) - (end[1] - start[1])
    return survival


def _log_survival(gamma: float, delta: float, c: float, t: Floats) -> _Smooth:
    q = t**c
    log_t = np.log(np.maximum(t, 1.0))
    turn = q * c * log_t
    bend = turn * (1.0 + c * log_t)
    lost = digamma(gamma + delta) - digamma(gamma + delta + q)
    kept = digamma(delta + q) - digamma(delta)
    lost2 = polygamma(1, gamma + delta) - polygamma(1, gamma + delta + q)
    kept2 = polygamma(1, delta + q) - polygamma(1, delta)
    in_q = digamma(delta + q) - digamma(gamma + delta + q)
    in_qq = polygamma(1, delta + q) - polygamma(1, gamma + delta + q)
    gradient = [gamma * lost, delta * (kept + lost), in_q * turn]
    cross_gc = -gamma * polygamma(1, gamma + delta + q) * turn
    cross_dc = delta * in_qq * turn
    cross_gd = gamma * delta * lost2
    hessian = [
        [gradient[0] + gamma**2 * lost2, cross_gd, cross_gc],
        [cross_gd, gradient[1] + delta**2 * (kept2 + lost2), cross_dc],
        [cross_gc, cross_dc, in_qq * turn**2 + in_q * bend],
    ]
    return _Smooth(log_survival(gamma, delta, c, t), gradient, hessian)


def evaluate(theta: Floats, data: ContractData) -> Evaluation:
    """Return the total log-likelihood and derivatives; theta has two or three entries."""
    k = len(theta)
    gamma, delta = np.exp(theta[:2]).tolist()
    c = float(np.exp(theta[2])) if k == 3 else 1.0
    now, before = (_log_survival(gamma, delta, c, t) for t in (data.t, data.t - 1.0))
    step = np.minimum(now.value - before.value, -1e-300)
    # P(left in t) = S(t-1) (1 - S(t) / S(t-1))
    value = inner(data.stayed, now.value)
    value += inner(data.left, before.value + np.log(-np.expm1(step)))
    odds = 1.0 / np.expm1(-step)
    gradient, hessian = np.zeros(k), np.zeros((k, k))
    change = [n - b for n, b in zip(now.gradient, before.gradient, strict=True)]
    for i in range(k):
        gradient[i] = inner(data.stayed, now.gradient[i])
        gradient[i] += inner(data.left, before.gradient[i] - odds * change[i])
        for j in range(k):
            bend = before.hessian[i][j] - odds * (now.hessian[i][j] - before.hessian[i][j])
            bend = bend - odds * (1.0 + odds) * change[i] * change[j]
            hessian[i, j] = inner(data.stayed, now.hessian[i][j]) + inner(data.left, bend)
    return Evaluation(value, gradient, hessian)


def discounted_residual(
    gamma: float, delta: float, c: float, active_for: Floats, rate: float
) -> Floats:
    """Return sum_{t >= n} S(t) / S(n-1) (1 + rate)^-(t-n) for n periods of activity.

    Summed in full until the discount alone leaves nothing, in blocks.
    """
    force = float(np.log1p(rate))
    terms = int(np.ceil(42.0 / force))
    result = np.empty(len(active_for))
    for i, n in enumerate(active_for.tolist()):
        base = float(log_survival(gamma, delta, c, np.array([n - 1.0]))[0])
        total = 0.0
        for start in range(0, terms, 1 << 16):
            k = np.arange(float(start), float(min(start + (1 << 16), terms)))
            total += float(np.exp(log_survival(gamma, delta, c, n + k) - base - force * k).sum())
        result[i] = total
    return result
