"""Pareto/NBD arithmetic on arrays: log-likelihood with both derivatives, and predictions.

Symbols as in Schmittlein, Morrison & Colombo (1987): purchase rates are Gamma(r, alpha), dropout
rates Gamma(s, beta). The likelihood is the positive sum of being alive at T and of having dropped
out at y between t_x and T,

    (alpha+T)^-(r+x) (beta+T)^-s + int_{t_x}^{T} (alpha+y)^-(r+x) s (beta+y)^-(s+1) dy,

which the papers write as a difference of two 2F1. Here the integral itself is taken: nothing
cancels, nothing overflows, and its derivatives are means of the same positive weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from retainkit.lifetime._kernel_newton import Evaluation, inner
from retainkit.lifetime._kernel_shared import decayed_time, unit_nodes
from retainkit.lifetime.models._kernel_nbd import count_at_least, count_part, log_count_probability

Floats = npt.NDArray[np.float64]

Scale = float | Floats
"""One number for all rows, or one per row: customers with covariates have their own."""

_ELEMENTS = 1 << 14
"""Rows times nodes worked on at once: their arrays stay in the processor's cache."""
_RESOLVED = 256.0
"""Purchases known and to come up to which 64 nodes resolve the law of counts."""
_NODE_COUNTS = (8, 12, 16, 24, 32, 48, 64, 96, 128)
_DROP = 42.0
"""Fall of the log-integrand beyond which nothing is summed: e^-42 = 6e-19."""


class ParetoNbdData(NamedTuple):
    """Distinct histories (m,) with weights, and counts of customers by frequency."""

    x: Floats
    t: Floats
    T: Floats
    w: Floats
    at_least: Floats


def prepare(x: Floats, t: Floats, T: Floats, w: Floats) -> ParetoNbdData:
    """Count customers by frequency: terms in x alone become sums over j."""
    return ParetoNbdData(x, t, T, w, count_at_least(x, w))


class _Nodes(NamedTuple):
    """Integrand over the dropout time y at the nodes, relative to its factor at t_x."""

    since: Floats
    """y - t_x, shape (m, nodes)."""
    log_rate: Floats
    """log((alpha + y) / (alpha + t_x))."""
    log_drop: Floats
    """log((beta + y) / (beta + t_x))."""
    weight: Floats
    """(alpha+y)^-(r+x) (beta+y)^-(s+1) dy s over (alpha+t_x)^-(r+x) (beta+t_x)^-s."""


def nodes_of(R: Floats, alpha: Scale, s: float, beta: Scale, t: Floats, T: Floats) -> _Nodes:
    """Place nodes in v = log((m + y) / (m + t_x)), m the smaller of alpha and beta.

    In v, one factor is exponential and the other has its singularities at distance pi from the
    real line; where the integrand has fallen by e^-42 the interval ends.
    """
    low, high = np.minimum(alpha, beta), np.maximum(alpha, beta)
    with np.errstate(over="ignore"):
        fallen = np.minimum(
            (alpha + t) * np.expm1(np.minimum(_DROP / R, 690.0)),
            (beta + t) * np.expm1(min(_DROP / (s + 1.0), 690.0)),
        )
    length = np.minimum(T - t, fallen)
    top = np.log1p(length / (low + t))
    count = _node_count(R, s, low, high, t, length, top)
    nodes, weights = unit_nodes(count)
    v = top[:, None] * nodes
    since = (low + t)[:, None] * np.expm1(v)
    other = np.log1p(since / (high + t)[:, None])
    if isinstance(low, np.ndarray):
        first = np.less_equal(alpha, beta)[:, None]
        log_rate, log_drop = np.where(first, v, other), np.where(first, other, v)
    else:
        log_rate, log_drop = (v, other) if alpha <= beta else (other, v)
    size = np.exp(v - R[:, None] * log_rate - (s + 1.0) * log_drop)
    share = (s * (low + t) / (beta + t) * top)[:, None] * weights
    return _Nodes(since, log_rate, log_drop, size * share)


def _node_count(
    R: Floats, s: float, low: Scale, high: Scale, t: Floats, length: Floats, top: Floats
) -> int:
    """Return a sufficient number of nodes for every row: poles at distance pi, decay exp(-fall)."""
    if not len(R):
        return _NODE_COUNTS[0]
    fall = R * top + (s + 1.0) * np.log1p(length / (low + t))
    fall = np.minimum(fall, 2.0 * _DROP)
    needed = 4.0 + 0.35 * fall
    if np.any(high > low):
        near = np.pi / np.maximum(top / 2.0, 1e-8)
        needed += 18.0 / np.arcsinh(near)
    else:
        needed += 6.0
    wanted = int(np.searchsorted(_NODE_COUNTS, float(needed.max())))
    return _NODE_COUNTS[min(wanted, len(_NODE_COUNTS) - 1)]


def log_alive(R: Floats, alpha: Scale, s: float, beta: Scale, t: Floats, T: Floats) -> Floats:
    """Return the log of the alive term relative to its factor at t_x."""
    alive: Floats = -R * np.log1p((T - t) / (alpha + t)) - s * np.log1p((T - t) / (beta + t))
    return alive


def _log(values: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(values)


def row_blocks(x: Floats) -> list[slice]:
    """Return slices of rows, few enough at a time to bound the temporaries."""
    size = _ELEMENTS // 16
    return [slice(i, i + size) for i in range(0, len(x), size)]


def evaluate(theta: Floats, data: ParetoNbdData) -> Evaluation:
    """Return the total log-likelihood and its derivatives in theta = log(r, alpha, s, beta)."""
    r, alpha, s, beta = np.exp(theta).tolist()
    count = count_part(r, data.at_least)
    value, gradient, hessian = count.value, np.zeros(4), np.zeros((4, 4))
    gradient[0], hessian[0, 0] = count.gradient[0], count.hessian[0, 0]
    for block in row_blocks(data.x):
        part = _mixture_part(
            (r, alpha, s, beta), data.x[block], data.t[block], data.T[block], data.w[block]
        )
        value += part.value
        gradient += part.gradient
        hessian += part.hessian
    return Evaluation(value, gradient, hessian)


def _mixture_part(
    parameters: tuple[float, float, float, float], x: Floats, t: Floats, T: Floats, w: Floats
) -> Evaluation:
    """Sum r log(alpha) + s log(beta) + log(alive + dead): a mixture over the time of dropout."""
    r, alpha, s, beta = parameters
    R = r + x
    at = nodes_of(R, alpha, s, beta, t, T)
    dead = at.weight.sum(axis=1)
    alive = log_alive(R, alpha, s, beta, t, T)
    odds = _log(dead) - alive
    value = -inner(w * r, np.log1p(t / alpha)) - inner(w * x, np.log(alpha + t))
    value -= s * inner(w, np.log1p(t / beta))
    value += inner(w, np.logaddexp(0.0, odds) + alive)
    with np.errstate(invalid="ignore"):
        share = np.where(dead > 0.0, expit(odds) / dead, 0.0)
    # one more column: alive at T
    y = np.concatenate([t[:, None] + at.since, T[:, None]], axis=1)
    pi = np.concatenate([at.weight * share[:, None], expit(-odds)[:, None]], axis=1)
    died = np.ones(y.shape[1])
    died[-1] = 0.0
    near_rate, near_drop = alpha / (alpha + y), beta / (beta + y)
    slopes = (
        -r * np.log1p(y / alpha),
        r - R[:, None] * near_rate,
        died - s * np.log1p(y / beta),
        s - (s + died) * near_drop,
    )
    return _total(value, slopes, pi, w, r, s, near_rate, near_drop)


def _total(
    value: float,
    slopes: tuple[Floats, ...],
    pi: Floats,
    w: Floats,
    r: float,
    s: float,
    near_rate: Floats,
    near_drop: Floats,
) -> Evaluation:
    """Sum means and covariances of the slopes under the weights pi, and their own derivatives."""
    weight = w[:, None] * pi
    means = [np.sum(pi * slope, axis=1) for slope in slopes]
    gradient = np.array([inner(w, mean) for mean in means])
    hessian = np.empty((4, 4))
    for i in range(4):
        weighted = weight * slopes[i]
        for j in range(i + 1):
            spread = inner(weighted, slopes[j]) - inner(w * means[i], means[j])
            hessian[i, j] = hessian[j, i] = spread
    hessian[0, 0] += gradient[0]
    bend = inner(weight, (slopes[1] - r) * (1.0 - near_rate))
    hessian[1, 1] += bend
    cross = r * inner(weight, 1.0 - near_rate)
    hessian[0, 1] += cross
    hessian[1, 0] += cross
    # the third slope is died - s log(1 + y / beta): only its last part moves with s
    hessian[2, 2] += gradient[2] - inner(weight[:, :-1], np.ones_like(weight[:, :-1]))
    cross = s * inner(weight, 1.0 - near_drop)
    hessian[2, 3] += cross
    hessian[3, 2] += cross
    hessian[3, 3] += inner(weight, (slopes[3] - s) * (1.0 - near_drop))
    return Evaluation(value, gradient, hessian)


class Alive(NamedTuple):
    """What is known of customers: P(alive), and rates of those who are alive.

    The purchase rate is Gamma(s, c), the dropout rate Gamma(d, e) [per unit]: a known customer
    who is alive buys as a new one would with these parameters.
    """

    p: Floats
    s: Floats
    c: Floats
    d: float
    e: Floats

    def expected_purchases(self, horizon: float | Floats) -> Floats:
        """Return P(alive) s/c int_0^h (e / (e + t))^d dt, without a special case at d = 1."""
        p, s, c, d, e = self
        log_later = np.log1p(horizon / e)
        lasting = e * (log_later if d == 1.0 else -np.expm1(-(d - 1.0) * log_later) / (d - 1.0))
        expected: Floats = p * s / c * lasting
        return expected

    def p_alive_later(self, ahead: float) -> Floats:
        """Return P(alive) (e / (e + t))^d."""
        later: Floats = self.p * np.exp(-self.d * np.log1p(ahead / self.e))
        return later

    def discounted_purchases(self, force: float, horizon: float) -> Floats:
        """Return P(alive) s/c int_0^h exp(-force t) (e / (e + t))^d dt; h may be infinite.

        Fader, Hardie & Lee (2005, RFM and CLV), equation (2): with h infinite the integral is
        e^d force^(d-1) U(d, d, force e), Kummer's function of the second kind.
        """
        result = np.full(len(self.p), np.nan)
        rows = np.flatnonzero(~np.isnan(self.e))
        levels, place = np.unique(self.e[rows], return_inverse=True)
        with np.errstate(over="ignore"):
            lasting = levels * decayed_time(
                np.full(len(levels), self.d), force * levels, horizon / levels
            )
        result[rows] = (self.p * self.s / self.c)[rows] * lasting[place]
        return result

    def count_probability(self, horizon: float, count: int) -> Floats:
        """Return the probability of exactly `count` purchases within the horizon.

        Alive at the end with n purchases, or dropped out at y after n purchases by then:
        a positive integral over log(y), between the points where its integrand is negligible.
        """
        p, s, c, d, e = self
        result = np.full(len(p), np.nan)
        rows = np.flatnonzero(~np.isnan(p))
        size = max(1, _ELEMENTS // _NODE_COUNTS[-1])
        for part in (rows[i : i + size] for i in range(0, len(rows), size)):
            if horizon <= 0.0:
                happens = np.full(len(part), float(count == 0))
            else:
                happens = _count_probability(s[part], c[part], d, e[part], horizon, count)
            result[part] = p[part] * happens + (1.0 - p[part]) * float(count == 0)
        return result

    def count_probabilities(self, horizon: float, size: int) -> Floats:
        """Return `count_probability` for 0, 1, ..., size - 1, shape (n, size), to 1e-11 absolute.

        The share z = y / (c + y) takes the same Gauss-Legendre nodes for every count: polynomials
        of degree n under a smooth density. Where 64 nodes do not give the density's known mass, or
        do not resolve the counts, one count is done at a time.
        """
        p, s, c, d, e = self
        nodes, weights = unit_nodes(64)
        end = horizon / (c + horizon)
        z = end[:, None] * nodes
        y = c[:, None] * z / (1.0 - z)
        near = np.log1p(y / e[:, None])
        density = np.exp(-(d + 1.0) * near) / (1.0 - z) ** 2 * weights
        density *= (d * c * end / e)[:, None]
        log_end = np.log1p(horizon / e)
        good = np.abs(density.sum(axis=1) + np.expm1(-d * log_end)) < 1e-11
        good &= (s + size <= _RESOLVED) & (s * np.log1p(horizon / c) < 600.0)
        at = density * np.exp(s[:, None] * np.log1p(-z))
        staying = np.exp(-s * np.log1p(horizon / c) - d * log_end)
        table = np.empty((len(s), size))
        for count in range(size):
            table[:, count] = p * (at.sum(axis=1) + staying)
            grown = (s + count) / (count + 1.0)
            at *= z * grown[:, None]
            staying = staying * grown * end
        table[:, 0] += 1.0 - p
        poor = np.flatnonzero(~good)
        if len(poor):
            rest = Alive(p[poor], s[poor], c[poor], d, e[poor])
            for count in range(size):
                table[poor, count] = rest.count_probability(horizon, count)
        return table


def know(parameters: tuple[Scale, Scale, Scale, Scale], x: Floats, t: Floats, T: Floats) -> Alive:
    """Return what histories (x, t_x, T) say under the parameters (r, alpha, s, beta).

    alpha and beta may differ between rows; r and s are one number each.
    """
    r, alpha, beta = parameters[0], parameters[1], parameters[3]
    s = float(parameters[2])
    R = r + x
    p = np.full(len(x), np.nan)
    for block in row_blocks(x):
        rows = np.flatnonzero(~np.isnan(T[block])) + block.start
        known = R[rows], _at(alpha, rows), s, _at(beta, rows), t[rows], T[rows]
        dead = nodes_of(*known).weight.sum(axis=1)
        p[rows] = expit(log_alive(*known) - _log(dead))
    return Alive(p, R, alpha + T, s, beta + T)


def _at(scale: Scale, rows: npt.NDArray[np.intp]) -> Scale:
    """Return the scale of the rows."""
    return scale[rows] if isinstance(scale, np.ndarray) else scale


def _count_probability(
    s: Floats, c: Floats, d: float, e: Floats, horizon: float, count: int
) -> Floats:
    end = float(np.log(horizon))
    alive = log_count_probability(s, horizon / c, float(count)) - d * np.log1p(horizon / e)

    def log_density(v: Floats) -> Floats:
        """Return the density of dropping out at y = e^v after `count` purchases, times y."""
        at: Floats = (count + 1.0) * v
        at = at - (s + count)[:, None] * np.logaddexp(np.log(c)[:, None], v)
        at -= (d + 1.0) * np.logaddexp(np.log(e)[:, None], v)
        return at

    low, high = _reach(s + count, np.log(c), d + 1.0, np.log(e), count + 1.0, end)
    nodes, weights = unit_nodes(_NODE_COUNTS[-1])
    v = low[:, None] + (high - low)[:, None] * nodes
    log_f = log_density(v)
    top = log_f.max(axis=1)
    total = (high - low) * (np.exp(log_f - top[:, None]) @ weights)
    # P(N = n) of the negative binomial at y, its powers of y and c + y left to `log_density`
    factor = log_count_probability(s, np.ones_like(s), float(count)) + (s + count) * np.log(2.0)
    dead = np.log(total) + top + factor + s * np.log(c) + np.log(d) + d * np.log(e)
    happens: Floats = np.exp(alive) + np.exp(dead)
    return happens


def _reach(
    n: Floats, log_c: Floats, m: float, log_e: Floats, power: float, end: float
) -> tuple[Floats, Floats]:
    """Return where the log-concave power v - n log(c + e^v) - m log(e + e^v) has fallen by 42.

    Bisection for the mode, then for both ends; the upper end is at most `end`.
    """

    def f(v: Floats) -> Floats:
        at: Floats = power * v - n * np.logaddexp(log_c, v) - m * np.logaddexp(log_e, v)
        return at

    def slope(v: Floats) -> Floats:
        rise: Floats = power - n * expit(v - log_c) - m * expit(v - log_e)
        return rise

    down, up = np.minimum(log_c, log_e) - 750.0, np.full(len(n), end)
    down = np.minimum(down, end - 750.0)
    mode = _bisect(slope, down, up)
    top = f(mode) - _DROP
    low = _bisect(lambda v: top - f(v), down, mode)
    high = _bisect(lambda v: f(v) - top, mode, up)
    return low, high


def _bisect(positive_below: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Return the point between low and high where the function stops being positive."""
    for _ in range(60):
        middle = (low + high) / 2.0
        below = positive_below(middle) > 0.0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return high
