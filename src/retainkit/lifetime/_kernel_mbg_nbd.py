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
from retainkit.lifetime._kernel_newton import Evaluation, inner

Floats = npt.NDArray[np.float64]


_BLOCK = 8192
"""Rows worked on at once: their intermediate arrays stay in the processor's cache."""


class MbgNbdData(NamedTuple):
    """Distinct histories with weights, in blocks, and counts of customers by frequency."""

    blocks: tuple[tuple[Floats, Floats, Floats, Floats], ...]
    """(x, t_x, T, weight) of up to `_BLOCK` histories each."""
    at_least: Floats
    """Total weight with frequency >= j, for j = 0 .. max(x) + 1."""


def prepare(x: Floats, t: Floats, T: Floats, w: Floats) -> MbgNbdData:
    """Count customers by frequency: terms in x alone become sums over j."""
    counts = np.bincount(x.astype(np.int64), weights=w)
    at_least = np.append(counts[::-1].cumsum()[::-1], 0.0)
    cuts = [slice(i, i + _BLOCK) for i in range(0, len(x), _BLOCK)]
    return MbgNbdData(tuple((x[c], t[c], T[c], w[c]) for c in cuts), at_least)


def evaluate(theta: Floats, data: MbgNbdData) -> Evaluation:
    """Return the total log-likelihood and its derivatives in theta = log(r, alpha, a, b).

    Per customer, with d = log(a / (b + x)) + (r + x) log((alpha + T) / (alpha + t_x)):
    L = Gamma(r+x) / Gamma(r) alpha^r (alpha+T)^-(r+x) B(a, b+x+1) / B(a, b) (1 + e^d).
    Ratios of gamma functions are products over j, so that no cancellation occurs for any size.
    """
    r, alpha, a, b = np.exp(theta).tolist()
    parts = [_count_part(r, data.at_least), _survival_part(a, b, data.at_least)]
    for x, t, T, w in data.blocks:
        parts.append(_exposure_part(r, alpha, x, T, w))
        parts.append(_dead_part(r, alpha, a, b, x, t, T, w))
    value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
    for part, where in zip(parts, _PLACES[:2] + _PLACES[2:] * len(data.blocks), strict=True):
        value += part.value
        gradient[where] += part.gradient
        hessian[where, where] += part.hessian
    return Evaluation(value, gradient, hessian)


_PLACES = (slice(0, 1), slice(2, 4), slice(0, 2), slice(0, 4))
"""Parameters that the parts of `evaluate` depend on, in the order they are computed."""


def _count_part(r: float, at_least: Floats) -> Evaluation:
    """Sum log[Gamma(r+x) / Gamma(r)] = sum_{j < x} log(r + j)."""
    n = at_least[1:-1]
    rj: Floats = r + np.arange(float(len(n)))
    slope = r * inner(n, 1.0 / rj)
    bend = slope - r * r * inner(n, rj**-2.0)
    return Evaluation(inner(n, np.log(rj)), np.array([slope]), np.array([[bend]]))


def _exposure_part(r: float, alpha: float, x: Floats, T: Floats, w: Floats) -> Evaluation:
    """Sum - x log(alpha+T) - r log(1+T/alpha)."""
    wx, share = w * x, T / (alpha + T)
    exposure = r * inner(w, np.log1p(T / alpha))
    h_ra = r * inner(w, share)
    g_alpha = h_ra - inner(wx, 1.0 - share)
    # alpha d/d(alpha) of share is -share (1 - share)
    h_aa = -inner(r * w + wx, share * (1.0 - share))
    value = -inner(wx, np.log(alpha + T)) - exposure
    hessian = np.array([[-exposure, h_ra], [h_ra, h_aa]])
    return Evaluation(value, np.array([-exposure, g_alpha]), hessian)


def _survival_part(a: float, b: float, at_least: Floats) -> Evaluation:
    """Sum log[B(a, b+x+1) / B(a, b)] = - sum_{j=0..x} log(1 + a / (b+j))."""
    n = at_least[:-1]
    bj: Floats = b + np.arange(float(len(n)))
    lost = a / (a + bj)
    kept, turn = bj / (a + bj), b / bj
    value = -inner(n, np.log1p(a / bj))
    g_a, g_b = -inner(n, lost), inner(n, lost * turn)
    h_aa = -inner(n, lost * kept)
    h_ab = inner(n, lost * kept * turn)
    # b d/db of a b / (bj (a + bj)) = lost turn (1 - turn - b / (a + bj))
    h_bb = inner(n, lost * turn * (1.0 - turn - b / (a + bj)))
    return Evaluation(value, np.array([g_a, g_b]), np.array([[h_aa, h_ab], [h_ab, h_bb]]))


def _dead_part(
    r: float, alpha: float, a: float, b: float, x: Floats, t: Floats, T: Floats, w: Floats
) -> Evaluation:
    """Sum log(1 + e^d): the chance of having dropped out right after the last purchase."""
    s = r + x
    ratio = np.log1p((T - t) / (alpha + t))
    d = np.log(a) - np.log(b + x) + s * ratio
    dead = expit(d)
    value = inner(w, np.logaddexp(0.0, d))
    slope_ratio = -alpha * (T - t) / ((alpha + T) * (alpha + t))
    share_b = b / (b + x)
    slopes = (r * ratio, s * slope_ratio, np.ones_like(x), -share_b)
    wd = w * dead
    hessian = _gram(slopes, wd * (1.0 - dead))
    # second derivatives of d itself
    bend_ratio = slope_ratio * (1.0 - alpha / (alpha + T) - alpha / (alpha + t))
    hessian[0, 0] += inner(wd, slopes[0])
    cross = r * inner(wd, slope_ratio)
    hessian[0, 1] += cross
    hessian[1, 0] += cross
    hessian[1, 1] += inner(wd, s * bend_ratio)
    hessian[3, 3] -= inner(wd, share_b * (1.0 - share_b))
    return Evaluation(value, np.array([inner(wd, slope) for slope in slopes]), hessian)


def _gram(slopes: tuple[Floats, ...], weight: Floats) -> Floats:
    """Sum weight times the outer product of the slopes."""
    k = len(slopes)
    gram = np.empty((k, k))
    for i in range(k):
        weighted = weight * slopes[i]
        for j in range(i + 1):
            gram[i, j] = gram[j, i] = inner(weighted, slopes[j])
    return gram


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
