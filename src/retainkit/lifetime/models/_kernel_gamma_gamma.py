"""Gamma-Gamma arithmetic on arrays: log-likelihood with both derivatives, and expected spend.

Symbols as in Fader & Hardie, note 025: amounts are Gamma(p, nu) within a customer, and nu is
Gamma(q, gamma) between customers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.lifetime._kernel_newton import Evaluation, inner
from retainkit.lifetime._kernel_shared import stirling_rest

Floats = npt.NDArray[np.float64]


_BLOCK = 8192
"""Rows worked on at once: their intermediate arrays stay in the processor's cache."""
_NEAR = 0.25


class GammaGammaData(NamedTuple):
    """Distinct (frequency, mean amount) pairs (m,), their weights, and counts by frequency."""

    x: Floats
    m: Floats
    w: Floats
    levels: Floats
    """Distinct frequencies."""
    level_weight: Floats
    constant: float
    """Sum of w log(m), with a minus sign: what no parameter touches."""


def prepare(x: Floats, m: Floats, w: Floats) -> GammaGammaData:
    """Group the terms that depend on frequency alone."""
    levels, place = np.unique(x, return_inverse=True)
    return GammaGammaData(
        x=x,
        m=m,
        w=w,
        levels=levels,
        level_weight=np.bincount(place, weights=w).astype(np.float64),
        constant=-inner(w, np.log(m)),
    )


_JACOBIAN = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, -1.0, 1.0]])
"""Of log(p, q, mu) with mu = p gamma / q, by log(p, q, gamma)."""


def evaluate(theta: Floats, data: GammaGammaData) -> Evaluation:
    """Return the total log-likelihood and its derivatives in theta = log(p, q, gamma).

    Note 025, equation (1a): Gamma(px+q) / (Gamma(px) Gamma(q)) gamma^q m^(px-1) x^(px)
    (gamma + m x)^-(px+q) per customer with x > 0 repeat purchases of mean amount m.
    """
    at = evaluate_centred(_JACOBIAN @ theta, data)
    return Evaluation(at.value, _JACOBIAN.T @ at.gradient, _JACOBIAN.T @ at.hessian @ _JACOBIAN)


def evaluate_centred(theta: Floats, data: GammaGammaData) -> Evaluation:
    """Return the same by theta = log(p, q, mu), mu = p gamma / q: no digit is lost at a limit.

    With A = px, B = q, v = m / mu, a customer contributes -log B(A, B) + A log h + B log(1 - h)
    - log m, h = Av / (B + Av). By Stirling's formula that is
    log(AB / (2 pi (A+B))) / 2 + r(A+B) - r(A) - r(B) - A g(t) - B g(u) - log m, where r is what
    the formula leaves, g(t) = t - log(1+t) >= 0, t = B (v-1) / (B + Av), u = -A (v-1) / (B + Av):
    nothing of the size of A or B is subtracted.
    """
    p, q, mu = np.exp(theta).tolist()
    gradient, hessian = np.zeros(3), np.zeros((3, 3))
    value = data.constant + _level_part(p, q, data, gradient, hessian)
    for start in range(0, len(data.x), _BLOCK):
        cut = slice(start, start + _BLOCK)
        rows = (p * data.x[cut], data.m[cut], data.w[cut])
        value += _row_part(rows, q, mu, gradient, hessian)
    upper = np.triu_indices(3, 1)
    hessian.T[upper] = hessian[upper]
    return Evaluation(value, gradient, hessian)


def _level_part(
    p: float, q: float, data: GammaGammaData, gradient: Floats, hessian: Floats
) -> float:
    """Add what depends on x alone: Stirling's formula and what it leaves."""
    n, A, B = data.level_weight, p * data.levels, np.array([q])
    (r, s, d), (ra, sa, da), (rb, sb, db) = (stirling_rest(z) for z in (A + B, A, B))
    g_p, g_q = inner(n, A * (s - sa)), q * inner(n, s - sb)
    gradient[:2] += (g_p, g_q)
    hessian[0, 0] += g_p + inner(n, A * A * (d - da))
    hessian[0, 1] += q * inner(n, A * d)
    hessian[1, 1] += g_q + q * q * inner(n, d - db)
    log_size = np.log(A) + np.log(q) - np.log(A + q) - np.log(2.0 * np.pi)
    return inner(n, log_size / 2.0 + r - ra - rb)


def _row_part(
    rows: tuple[Floats, Floats, Floats], q: float, mu: float, gradient: Floats, hessian: Floats
) -> float:
    """Add - A g(t) - B g(u): how far the customer's mean is from mu."""
    A, m, w = rows
    v, away = m / mu, (m - mu) / mu
    below = q + A * v
    t, u = q * away / below, -A * away / below
    wa, wag = w * A, w * A * _excess(t, v * ((A + q) / below))
    wbg = w * q * _excess(u, (A + q) / below)
    wat, share = wa * t, A * v / below
    bend = inner(wat * t, A / (A + q))
    pulls = (inner(wat, 1.0 - share), inner(wat, share))
    lost_p, lost_q = float(np.sum(wag)), float(np.sum(wbg))
    gradient += (-lost_p, -lost_q, float(np.sum(wat)))
    hessian[0] += (bend - lost_p, -bend, pulls[0])
    hessian[1, 1:] += (bend - lost_q, pulls[1])
    hessian[2, 2] -= inner(wa * (1.0 + t), q / below)
    return -lost_p - lost_q


def _excess(t: Floats, whole: Floats) -> Floats:
    """Return t - log(1 + t), whose 1 + t is also given as `whole`, to full relative accuracy."""
    s = t / (2.0 + t)
    square = s * s
    series = np.zeros_like(t)
    for k in range(19, 1, -2):
        series = series * square + 1.0 / k
    near: Floats = s * t - 2.0 * s * square * series
    return np.where(np.abs(t) < _NEAR, near, t - np.log(whole))


def expected_spend(p: float, q: float, gamma: float, x: Floats, total: Floats) -> Floats:
    """Return p (gamma + mx) / (px + q - 1), note 025 equation (5); NaN where px + q <= 1."""
    left = p * x + q - 1.0
    return p * (gamma + total) / np.where(left > 0.0, left, np.nan)
