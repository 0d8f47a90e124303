"""BG/NBD and MBG/NBD arithmetic on arrays: log-likelihood with both derivatives, and predictions.

Symbols as in Fader, Hardie & Lee (2005): purchase rates are Gamma(r, alpha), dropout probabilities
Beta(a, b), and a customer may drop out after every purchase: every repeat purchase in BG/NBD
(`first` = 0), the first purchase included in MBG/NBD (`first` = 1; Batislam et al., 2007).
A customer with x repeat purchases has had x + `first` chances to drop out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, gammaln

from retainkit.lifetime._kernel_newton import Evaluation, inner
from retainkit.lifetime._kernel_shared import unit_nodes
from retainkit.lifetime.models._kernel_dropout import Shape, expected_until_dropout, survival_until
from retainkit.lifetime.models._kernel_nbd import (
    count_at_least,
    count_part,
    count_table,
    exposure_part,
    log_count_probability,
    more_than,
)

Floats = npt.NDArray[np.float64]


_BLOCK = 8192
"""Rows worked on at once: their intermediate arrays stay in the processor's cache."""


_FADED = 45.0
"""Discount exponent beyond which the future is worth nothing: e^-45 = 3e-20."""

Block = tuple[Floats, Floats, Floats, Floats]


class BetaGeometricData(NamedTuple):
    """Distinct histories with weights, in blocks, and counts of customers by frequency."""

    blocks: tuple[Block, ...]
    """(x, t_x, T, weight) of up to `_BLOCK` histories each, those in `silent` left out."""
    risky: tuple[Block, ...]
    """Those who bought again: they have had a chance to drop out."""
    silent: tuple[Block, ...]
    """Those who did not, where they may have dropped out all the same."""
    at_least: Floats
    """Total weight with frequency >= j, for j = 0 .. max(x) + 1, of those in `risky`."""
    first: float
    """Chances to drop out before any repeat purchase: 0 in BG/NBD, 1 in MBG/NBD."""


def prepare(x: Floats, t: Floats, T: Floats, w: Floats, *, first: float) -> BetaGeometricData:
    """Count customers by frequency: terms in x alone become sums over j."""
    again = x > 0.0
    risky = _cut(*(c[again] for c in (x, t, T, w)))
    silent = _cut(*(c[~again] for c in (x, t, T, w))) if first else ()
    blocks = risky if first else _cut(x, t, T, w)
    return BetaGeometricData(blocks, risky, silent, count_at_least(x[again], w[again]), first)


def _cut(x: Floats, t: Floats, T: Floats, w: Floats) -> tuple[Block, ...]:
    cuts = [slice(i, i + _BLOCK) for i in range(0, len(x), _BLOCK)]
    return tuple((x[c], t[c], T[c], w[c]) for c in cuts)


def evaluate(theta: Floats, data: BetaGeometricData) -> Evaluation:
    """Return the total log-likelihood and its derivatives in theta = log(r, alpha, a, b).

    Per customer with k = x + first and, for k > 0,
    d = log(a / (b + k - 1)) + (r + x) log((alpha + T) / (alpha + t_x)):
    L = Gamma(r+x) / Gamma(r) alpha^r (alpha+T)^-(r+x) B(a, b+k) / B(a, b) (1 + e^d).
    Ratios of gamma functions are products over j, so that no cancellation occurs for any size.
    """
    r, alpha, a, b = np.exp(theta).tolist()
    parts = [(_RATE, count_part(r, data.at_least)), (_DROPOUT, _survival_part(a, b, data))]
    for x, _, T, w in data.blocks:
        parts.append((_RATES, exposure_part(r, alpha, x, T, w)))
    for x, t, T, w in data.risky:
        parts.append((_ALL, _dead_part(r, alpha, a, b, x, t, T, w, data.first)))
    for _, _, T, w in data.silent:
        parts.append((_ALL, _silent_part(r, alpha, a, b, T, w)))
    value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
    for where, part in parts:
        value += part.value
        gradient[where] += part.gradient
        hessian[where, where] += part.hessian
    return Evaluation(value, gradient, hessian)


_RATE, _RATES, _DROPOUT, _ALL = slice(0, 1), slice(0, 2), slice(2, 4), slice(0, 4)
"""Parameters that the parts of `evaluate` depend on."""


def _survival_part(a: float, b: float, data: BetaGeometricData) -> Evaluation:
    """Sum log[B(a, b+k) / B(a, b)] = - sum_{j < k} log(1 + a / (b+j)), those silent left out."""
    n = data.at_least[:-1] if data.first else data.at_least[1:-1]
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
    r: float,
    alpha: float,
    a: float,
    b: float,
    x: Floats,
    t: Floats,
    T: Floats,
    w: Floats,
    first: float,
) -> Evaluation:
    """Sum log(1 + e^d): the chance of having dropped out right after the last purchase."""
    kept = b + (x + (first - 1.0))
    s = r + x
    ratio = np.log1p((T - t) / (alpha + t))
    d = np.log(a) - np.log(kept) + s * ratio
    dead = expit(d)
    value = inner(w, np.logaddexp(0.0, d))
    slope_ratio = -alpha * (T - t) / ((alpha + T) * (alpha + t))
    share_b = b / kept
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


def _silent_part(r: float, alpha: float, a: float, b: float, T: Floats, w: Floats) -> Evaluation:
    """Sum log[b/(a+b) e^-E + a/(a+b)], E = r log(1 + T/alpha), for k = 1 and x = 0.

    As log(1 + b/(a+b) (e^-E - 1)) where that is small, so that a sum near 0 keeps its digits: by
    parts, log(a + b) would come in and go out again.
    """
    odds, kept = float(np.log(a / b)), b / (a + b)
    exposure, slope = r * np.log1p(T / alpha), -r * (T / (alpha + T))
    gone = -kept * np.expm1(-exposure)
    log_sum = np.logaddexp(-exposure - np.log1p(a / b), -np.log1p(b / a))
    value = inner(w, np.where(gone < 0.5, np.log1p(-np.minimum(gone, 0.5)), log_sum))
    dead = expit(odds + exposure)
    more = dead * gone  # the chance of having dropped out less its prior a / (a + b)
    alive_w, both_w, more_w = w * (1.0 - dead), w * dead * (1.0 - dead), w * more
    g_a = float(np.sum(more_w))
    h_aa = inner(more_w, kept - dead)
    hessian = np.empty((4, 4))
    hessian[0, 0] = inner(both_w, exposure * exposure) - inner(alive_w, exposure)
    hessian[0, 1] = inner(both_w, exposure * slope) - inner(alive_w, slope)
    hessian[1, 1] = inner(both_w, slope * slope) + inner(alive_w, slope * alpha / (alpha + T))
    hessian[0, 2], hessian[1, 2] = inner(both_w, exposure), inner(both_w, slope)
    hessian[:2, 3] = -hessian[:2, 2]
    hessian[2:, 2:] = ((h_aa, -h_aa), (-h_aa, h_aa))
    hessian[1, 0] = hessian[0, 1]
    hessian[2:, :2] = hessian[:2, 2:].T
    gradient = (-inner(alive_w, exposure), -inner(alive_w, slope), g_a, -g_a)
    return Evaluation(value, np.array(gradient), hessian)


def _gram(slopes: tuple[Floats, ...], weight: Floats) -> Floats:
    """Sum weight times the outer product of the slopes."""
    k, rows = len(slopes), np.array(slopes)
    gram = np.empty((k, k))
    for i in range(k):
        gram[i, : i + 1] = gram[: i + 1, i] = np.add.reduce(
            weight * rows[i] * rows[: i + 1], axis=1
        )
    return gram


class Alive(NamedTuple):
    """What is known of customers: P(alive), and rate and dropout of those who are alive.

    The rate is Gamma(s, c) [per unit], the dropout probability Beta(a, b): a known customer who
    is alive buys as a new one would with these parameters.
    """

    p: Floats
    s: Floats
    c: Floats
    a: Shape
    b: Floats

    def expected_purchases(self, horizon: float | Floats) -> Floats:
        """Return P(alive) times the purchases an active customer is expected to make."""
        return self.p * expected_until_dropout(self.s, horizon / self.c, self.a, self.b)

    def p_alive_later(self, ahead: float) -> Floats:
        """Return P(alive) times E[(1 + p u)^-s]: no purchase in the time ahead was the last one."""
        return self.p * survival_until(self.s, ahead / self.c, self.a, self.b)

    def count_probability(self, horizon: float, count: int) -> Floats:
        """Return the probability of exactly `count` purchases within the horizon.

        Fader, Hardie & Lee (2005), equation (8), with the customer's own parameters:
        B(a, b+n) / B(a, b) P(N = n) + B(a+1, b+n-1) / B(a, b) P(N >= n), N negative binomial.
        """
        p, s, c, a, b = self
        u = horizon / c
        log_kept = _log_survival(a, b, count)
        alive = np.exp(log_kept + log_count_probability(s, u, float(count)))
        if count == 0:
            return 1.0 - p + p * alive if horizon > 0.0 else np.where(np.isnan(p), np.nan, 1.0)
        # B(a+1, b+n-1) / B(a, b) = B(a, b+n) / B(a, b) a / (b+n-1)
        dead = np.exp(log_kept) * (a / (b + (count - 1.0))) * more_than(s, u, float(count))
        return p * (alive + dead)

    def count_probabilities(self, horizon: float, size: int) -> Floats:
        """Return `count_probability` for 0, ..., size - 1, shape (n, size), to 1e-15 absolute."""
        p, s, c, a, b = self
        alive = count_table(s, horizon / c, size)
        bj = b[:, None] + np.arange(size - 1.0)
        lost = np.reshape(a, (-1, 1)) / bj
        kept = np.exp(-np.cumsum(np.log1p(lost), axis=1))
        at_least = np.maximum(1.0 - np.cumsum(alive, axis=1)[:, :-1], 0.0)
        table = np.empty_like(alive)
        table[:, 0] = 1.0 - p + p * alive[:, 0]
        table[:, 1:] = p[:, None] * kept * (alive[:, 1:] + lost * at_least)
        return table

    def discounted_purchases(self, force: float, horizon: float) -> Floats:
        """Return P(alive) int_0^h exp(-force t) dE(t), E(t) as in `expected_until_dropout`.

        By parts, exp(-force h) E(h) + force int_0^h exp(-force t) E(t) dt: positive terms; E is
        evaluated where log(1 + t s / c) takes Gauss-Legendre nodes.
        """
        p, s, c, a, b = self
        if force == 0.0:
            if np.isfinite(horizon):
                return self.expected_purchases(horizon)
            endless = np.where(a > 1.0, (a + b - 1.0) / (a - 1.0), np.inf)
            total: Floats = p * endless
            return total
        end = min(horizon, _FADED / force)
        scale = c / np.maximum(s, 1.0)
        top = np.log1p(end / scale)
        nodes, weights = unit_nodes(
            _node_count(float(np.fmax.reduce(top, initial=0.0)), force * end)
        )
        total = np.exp(-force * end) * expected_until_dropout(s, end / c, a, b)
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
            y = node * top
            t = scale * np.expm1(y)
            faded = force * weight * top * (scale + t) * np.exp(-force * t)
            total += faded * expected_until_dropout(s, t / c, a, b)
        return p * total


def know(
    parameters: tuple[Shape, Shape, Shape, Shape],
    x: Floats,
    t: Floats,
    T: Floats,
    *,
    first: float,
) -> Alive:
    """Return what histories (x, t_x, T) say under the parameters (r, alpha, a, b).

    Each is one for all rows, or one per row.
    """
    r, alpha, a, b = parameters
    s = r + x
    kept = b + np.maximum(x + (first - 1.0), 0.0)
    log_odds = np.log(kept) - np.log(a) - s * np.log1p((T - t) / (alpha + t))
    alive: Floats = expit(log_odds)
    if not first:
        alive = np.where(x > 0.0, alive, np.where(np.isnan(T), np.nan, 1.0))
    return Alive(alive, s, alpha + T, a, b + x + first)


def _log_survival(a: Shape, b: Floats, count: int) -> Floats:
    """Return log[B(a, b+n) / B(a, b)]."""
    if count > 64:
        low, high = gammaln(a + b) - gammaln(b), gammaln(a + b + count) - gammaln(b + count)
        difference: Floats = low - high
        return difference
    total = np.zeros_like(b)
    for j in range(count):
        total -= np.log1p(a / (b + j))
    return total


def _node_count(top: float, exponent: float) -> int:
    """Return nodes enough for 1e-10: E is analytic to within pi of the real line of width `top`."""
    if exponent > 3.0:
        return 128
    needed = 12.0 / float(np.arcsinh(2.0 * np.pi / max(top, 1e-3))) + 1.0
    return int(np.ceil(needed / 4.0) * 4.0)
