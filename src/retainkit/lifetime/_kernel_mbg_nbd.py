"""MBG/NBD arithmetic on arrays: log-likelihood with both derivatives, and predictions.

Symbols as in Batislam, Denizel & Filiztekin (2007): purchase rates are Gamma(r, alpha), dropout
probabilities Beta(a, b), and a customer may drop out after every purchase, the first included.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from retainkit.lifetime._kernel_dropout import expected_until_dropout
from retainkit.lifetime._kernel_newton import Evaluation

Floats = npt.NDArray[np.float64]


class MbgNbdData(NamedTuple):
    """Distinct histories (m,), their weights (m,), and counts of customers by frequency."""

    x: Floats
    t: Floats
    T: Floats
    w: Floats
    at_least: Floats
    """Total weight with frequency >= j, for j = 0 .. max(x) + 1."""


def prepare(x: Floats, t: Floats, T: Floats, w: Floats) -> MbgNbdData:
    """Count customers by frequency: terms in x alone become sums over j."""
    counts = np.bincount(x.astype(np.int64), weights=w)
    at_least = np.append(counts[::-1].cumsum()[::-1], 0.0)
    return MbgNbdData(x, t, T, w, at_least)


def evaluate(theta: Floats, data: MbgNbdData) -> Evaluation:
    """Return the total log-likelihood and its derivatives in theta = log(r, alpha, a, b).

    Per customer, with d = log(a / (b + x)) + (r + x) log((alpha + T) / (alpha + t_x)):
    L = Gamma(r+x) / Gamma(r) alpha^r (alpha+T)^-(r+x) B(a, b+x+1) / B(a, b) (1 + e^d).
    Ratios of gamma functions are products over j, so that no cancellation occurs for any size.
    """
    r, alpha, a, b = np.exp(theta)
    purchase = _purchase_part(r, alpha, data)
    survival = _survival_part(a, b, data)
    dead = _dead_part(r, alpha, a, b, data)
    hessian = dead.hessian
    hessian[:2, :2] += purchase.hessian
    hessian[2:, 2:] += survival.hessian
    gradient = dead.gradient + np.concatenate([purchase.gradient, survival.gradient])
    return Evaluation(purchase.value + survival.value + dead.value, gradient, hessian)


def _purchase_part(r: float, alpha: float, data: MbgNbdData) -> Evaluation:
    """Sum log[Gamma(r+x)/Gamma(r)] - x log(alpha+T) - r log(1+T/alpha)."""
    x, _, T, w, at_least = data
    rj = r + np.arange(len(at_least) - 2)
    n = at_least[1:-1]
    wx, share = w * x, T / (alpha + T)
    exposure = float(w @ np.log1p(T / alpha))
    value = float(n @ np.log(rj) - wx @ np.log(alpha + T)) - r * exposure
    g_r = r * (float(n @ (1.0 / rj)) - exposure)
    g_alpha = float(r * (w @ share) - wx @ (1.0 - share))
    h_rr = g_r - r * r * float(n @ rj**-2.0)
    h_ra = r * float(w @ share)
    # alpha d/d(alpha) of share is -share (1 - share)
    h_aa = -float((r * w + wx) @ (share * (1.0 - share)))
    return Evaluation(value, np.array([g_r, g_alpha]), np.array([[h_rr, h_ra], [h_ra, h_aa]]))


def _survival_part(a: float, b: float, data: MbgNbdData) -> Evaluation:
    """Sum log[B(a, b+x+1) / B(a, b)] = - sum_{j=0..x} log(1 + a / (b+j))."""
    n = data.at_least[:-1]
    bj = b + np.arange(len(n))
    lost = a / (a + bj)
    kept, turn = bj / (a + bj), b / bj
    value = -float(n @ np.log1p(a / bj))
    g_a, g_b = -float(n @ lost), float(n @ (lost * turn))
    h_aa = -float(n @ (lost * kept))
    h_ab = float(n @ (lost * kept * turn))
    # b d/db of a b / (bj (a + bj)) = lost turn (1 - turn - b / (a + bj))
    h_bb = float(n @ (lost * turn * (1.0 - turn - b / (a + bj))))
    return Evaluation(value, np.array([g_a, g_b]), np.array([[h_aa, h_ab], [h_ab, h_bb]]))


def _dead_part(r: float, alpha: float, a: float, b: float, data: MbgNbdData) -> Evaluation:
    """Sum log(1 + e^d): the chance of having dropped out right after the last purchase."""
    x, t, T, w, _ = data
    s = r + x
    ratio = np.log1p((T - t) / (alpha + t))
    d = np.log(a) - np.log(b + x) + s * ratio
    dead = expit(d)
    value = float(w @ np.logaddexp(0.0, d))
    slope_ratio = -alpha * (T - t) / ((alpha + T) * (alpha + t))
    share_b = b / (b + x)
    slopes = np.stack([r * ratio, s * slope_ratio, np.ones_like(x), -share_b])
    wd = w * dead
    hessian = (slopes * (wd * (1.0 - dead))) @ slopes.T
    # second derivatives of d itself
    bend_ratio = slope_ratio * (1.0 - alpha / (alpha + T) - alpha / (alpha + t))
    hessian[0, 0] += wd @ slopes[0]
    cross = r * float(wd @ slope_ratio)
    hessian[0, 1] += cross
    hessian[1, 0] += cross
    hessian[1, 1] += wd @ (s * bend_ratio)
    hessian[3, 3] -= wd @ (share_b * (1.0 - share_b))
    return Evaluation(value, slopes @ wd, hessian)


def p_alive(r: float, alpha: float, a: float, b: float, x: Floats, t: Floats, T: Floats) -> Floats:
    """Return the probability of not having dropped out, through its log-odds."""
    log_odds = np.log(b + x) - np.log(a) - (r + x) * np.log1p((T - t) / (alpha + t))
    alive: Floats = expit(log_odds)
    return alive


def expected_purchases(
    r: float,
    alpha: float,
    a: float,
    b: float,
    x: Floats,
    t: Floats,
    T: Floats,
    horizon: float,
) -> Floats:
    """Return P(alive) times the purchases an active customer is expected to make."""
    active = expected_until_dropout(r + x, horizon / (alpha + T), a, b + x + 1.0)
    return p_alive(r, alpha, a, b, x, t, T) * active
