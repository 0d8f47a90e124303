"""Gamma-Gamma arithmetic on arrays: log-likelihood with both derivatives, and expected spend.

Symbols as in Fader & Hardie, note 025: amounts are Gamma(p, nu) within a customer, and nu is
Gamma(q, gamma) between customers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln, polygamma

from retainkit.lifetime._kernel_newton import Evaluation, inner

Floats = npt.NDArray[np.float64]


class GammaGammaData(NamedTuple):
    """Distinct (frequency, mean amount) pairs (m,), their weights, and counts by frequency."""

    x: Floats
    total: Floats
    """x times the mean amount."""
    w: Floats
    levels: Floats
    """Distinct frequencies."""
    level_weight: Floats
    constant: float
    """Sum of w log(m), with a minus sign: what no parameter touches."""
    log_total: float
    """Sum of w x log(x m)."""


def prepare(x: Floats, m: Floats, w: Floats) -> GammaGammaData:
    """Group the terms that depend on frequency alone."""
    levels, place = np.unique(x, return_inverse=True)
    return GammaGammaData(
        x=x,
        total=x * m,
        w=w,
        levels=levels,
        level_weight=np.bincount(place, weights=w).astype(np.float64),
        constant=-inner(w, np.log(m)),
        log_total=inner(w * x, np.log(x * m)),
    )


def evaluate(theta: Floats, data: GammaGammaData) -> Evaluation:
    """Return the total log-likelihood and its derivatives in theta = log(p, q, gamma).

    Note 025, equation (1a): Gamma(px+q) / (Gamma(px) Gamma(q)) gamma^q m^(px-1) x^(px)
    (gamma + m x)^-(px+q) per customer with x > 0 repeat purchases of mean amount m.
    """
    p, q, gamma = np.exp(theta)
    levels = _level_part(p, q, data)
    rows = _row_part(p, q, gamma, data)
    gradient = rows.gradient
    gradient[:2] += levels.gradient
    hessian = rows.hessian
    hessian[:2, :2] += levels.hessian
    return Evaluation(levels.value + rows.value, gradient, hessian)


def _level_part(p: float, q: float, data: GammaGammaData) -> Evaluation:
    """Sum log Gamma(px+q) - log Gamma(px) - log Gamma(q): a function of x alone."""
    x, n = data.levels, data.level_weight
    px = p * x
    value = inner(n, gammaln(px + q) - gammaln(px) - gammaln(q))
    psi = digamma(px + q)
    g_p = inner(n, px * (psi - digamma(px)))
    g_q = q * inner(n, psi - digamma(q))
    psi1 = polygamma(1, px + q)
    h_pp = g_p + inner(n, px * px * (psi1 - polygamma(1, px)))
    h_pq = q * inner(n, px * psi1)
    h_qq = g_q + q * q * inner(n, psi1 - polygamma(1, q))
    return Evaluation(value, np.array([g_p, g_q]), np.array([[h_pp, h_pq], [h_pq, h_qq]]))


def _row_part(p: float, q: float, gamma: float, data: GammaGammaData) -> Evaluation:
    """Sum q log(gamma / (gamma + mx)) + px log(mx / (gamma + mx)) - log(m)."""
    x, w = data.x, data.w
    wx = w * x
    held = gamma / (gamma + data.total)
    log_held = -np.log1p(data.total / gamma)
    w_held, wx_held = inner(w, held), inner(wx, held)
    log_gamma = float(np.log(gamma))
    against_q = inner(w, log_held)
    against_p = data.log_total + inner(wx, log_held) - log_gamma * float(wx.sum())
    value = q * against_q + p * against_p + data.constant
    g_p, g_q = p * against_p, q * against_q
    g_gamma = q * (float(w.sum()) - w_held) - p * wx_held
    h_pg = -p * wx_held
    h_qg = q * (float(w.sum()) - w_held)
    h_gg = -inner(q * w + p * wx, held * (1.0 - held))
    hessian = np.array([[g_p, 0.0, h_pg], [0.0, g_q, h_qg], [h_pg, h_qg, h_gg]])
    return Evaluation(value, np.array([g_p, g_q, g_gamma]), hessian)


def expected_spend(p: float, q: float, gamma: float, x: Floats, total: Floats) -> Floats:
    """Return p (gamma + mx) / (px + q - 1), note 025 equation (5); NaN where px + q <= 1."""
    left = p * x + q - 1.0
    return p * (gamma + total) / np.where(left > 0.0, left, np.nan)
