"""BG/BB arithmetic on arrays: log-likelihood with both derivatives, and predictions.

Symbols as in Fader, Hardie & Shang (2010): at each opportunity a customer who is alive buys with
probability p ~ Beta(alpha, beta), and before each opportunity drops out with probability
theta ~ Beta(gamma, delta). Ratios of gamma functions are sums over integers: nothing cancels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.lifetime._kernel_newton import Evaluation, inner

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]

_ELEMENTS = 1 << 18


class BgBbData(NamedTuple):
    """Distinct (x, t_x, n) with weights: purchases, last purchase, opportunities."""

    x: Ints
    t: Ints
    n: Ints
    w: Floats


class _Table(NamedTuple):
    """log[Gamma(z + k) / Gamma(z)] and its derivatives in z, for k = 0 .. size."""

    log: Floats
    first: Floats
    second: Floats


def _table(z: float, size: int) -> _Table:
    zj = z + np.arange(float(size))
    parts = (np.log(zj), 1.0 / zj, -(zj**-2.0))
    return _Table(*(np.concatenate([[0.0], np.cumsum(part)]) for part in parts))


def evaluate(theta: Floats, data: BgBbData) -> Evaluation:
    """Return the total log-likelihood and derivatives in theta = log(alpha, beta, gamma, delta).

    Equation (5): one term for being alive at n, one for each opportunity i from t_x to n - 1
    that may have been the last one alive.
    """
    parameters = tuple(np.exp(theta).tolist())
    size = int(data.n.max()) + 1
    tables = _tables(parameters, size)
    value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
    step = max(1, _ELEMENTS // size)
    for start in range(0, len(data.x), step):
        cut = slice(start, start + step)
        rows = BgBbData(data.x[cut], data.t[cut], data.n[cut], data.w[cut])
        part = _mixture(parameters, tables, rows)
        value += part.value
        gradient += part.gradient
        hessian += part.hessian
    return Evaluation(value, gradient, hessian)


def _tables(parameters: tuple[float, ...], size: int) -> tuple[_Table, ...]:
    alpha, beta, gamma, delta = parameters
    sums = (alpha, beta, alpha + beta, delta, gamma + delta)
    return tuple(_table(z, size) for z in sums)


def _log_terms(
    parameters: tuple[float, ...], tables: tuple[_Table, ...], rows: BgBbData
) -> tuple[Floats, Ints, Ints]:
    """Return the log of each term (rows, m), m the last opportunity alive, and its indices."""
    m = np.arange(int(rows.n.max()) + 1)[None, :]
    inside = (m >= rows.t[:, None]) & (m <= rows.n[:, None])
    at_end = m == rows.n[:, None]
    flips = np.where(at_end, m, m + 1)
    missed = np.where(inside, m - rows.x[:, None], 0)
    a, b, ab, d, gd = (table.log for table in tables)
    log = a[rows.x][:, None] + b[missed] - ab[m] + d[m] - gd[np.minimum(flips, len(gd) - 1)]
    log = log + np.where(at_end, 0.0, np.log(parameters[2]))
    return np.where(inside, log, -np.inf), missed, flips


def _mixture(
    parameters: tuple[float, ...], tables: tuple[_Table, ...], rows: BgBbData
) -> Evaluation:
    alpha, beta, gamma, delta = parameters
    log, missed, flips = _log_terms(parameters, tables, rows)
    top = log.max(axis=1, keepdims=True)
    pi = np.exp(log - top)
    total = pi.sum(axis=1, keepdims=True)
    pi /= total
    value = inner(rows.w, _log_sum((top + np.log(total))[:, 0], tables, rows))
    m = np.arange(log.shape[1])[None, :]
    flips = np.minimum(flips, len(tables[0].log) - 1)
    a, b, ab, d, gd = tables
    died = (flips > m).astype(np.float64)
    slopes = (
        alpha * (a.first[rows.x][:, None] - ab.first[m]),
        beta * (b.first[missed] - ab.first[m]),
        died - gamma * gd.first[flips],
        delta * (d.first[m] - gd.first[flips]),
    )
    bends = {
        (0, 0): slopes[0] + alpha**2 * (a.second[rows.x][:, None] - ab.second[m]),
        (1, 0): -alpha * beta * ab.second[m] + 0.0 * pi,
        (1, 1): slopes[1] + beta**2 * (b.second[missed] - ab.second[m]),
        (2, 2): -gamma * gd.first[flips] - gamma**2 * gd.second[flips],
        (3, 2): -gamma * delta * gd.second[flips],
        (3, 3): slopes[3] + delta**2 * (d.second[m] - gd.second[flips]),
    }
    weight = rows.w[:, None] * pi
    means = [np.sum(pi * slope, axis=1) for slope in slopes]
    hessian = np.empty((4, 4))
    for i in range(4):
        for j in range(i + 1):
            spread = inner(weight * slopes[i], slopes[j]) - inner(rows.w * means[i], means[j])
            own = inner(weight, bends[i, j]) if (i, j) in bends else 0.0
            hessian[i, j] = hessian[j, i] = spread + own
    return Evaluation(value, np.array([inner(rows.w, mean) for mean in means]), hessian)


def _log_sum(log_sum: Floats, tables: tuple[_Table, ...], rows: BgBbData) -> Floats:
    """Return the log-likelihoods, those of nobody's purchases as log(1 - P(a first purchase)).

    A sum of terms near 1 has lost the digits of its logarithm; the chance that the first purchase
    is at k <= n, sum_k B(alpha+1, beta+k-1) / B(alpha, beta) B(gamma, delta+k) / B(gamma, delta),
    has not.
    """
    k = np.arange(1, len(tables[0].log))
    a, b, ab, d, gd = (table.log for table in tables)
    at = np.exp(a[1] + b[k - 1] - ab[k] + d[k] - gd[k])
    bought = np.concatenate([[0.0], np.cumsum(at)])[rows.n]
    small = (rows.x == 0) & (bought < 0.5)
    return np.where(small, np.log1p(-np.minimum(bought, 0.5)), log_sum)


class Alive(NamedTuple):
    """What is known of customers: P(alive at n), and the laws of those who are.

    A known customer who is alive behaves like a new one with Beta(alpha, beta) for buying and
    Beta(gamma, delta) for dropping out.
    """

    p: Floats
    alpha: Floats
    beta: Floats
    gamma: float
    delta: Floats


def know(parameters: tuple[float, float, float, float], x: Ints, t: Ints, n: Ints) -> Alive:
    """Return what histories (x, t_x, n) say under (alpha, beta, gamma, delta)."""
    alpha, beta, gamma, delta = parameters
    p = np.empty(len(x))
    size = int(n.max(initial=0)) + 1
    tables = _tables(parameters, size)
    step = max(1, _ELEMENTS // size)
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        rows = BgBbData(x[part], t[part], n[part], np.ones(len(x[part])))
        log, _, _ = _log_terms(parameters, tables, rows)
        at_end = log[np.arange(len(log)), rows.n]
        p[part] = np.exp(at_end - np.logaddexp.reduce(log, axis=1))
    bought, missed, turns = (column.astype(np.float64) for column in (x, n - x, n))
    return Alive(p, alpha + bought, beta + missed, gamma, delta + turns)


def p_alive_later(known: Alive, ahead: int) -> Floats:
    """Return P(alive at n + ahead): equation (11)."""
    later = known.p.copy()
    for j in range(ahead):
        later *= (known.delta + j) / (known.gamma + known.delta + j)
    return later


def expected_purchases(known: Alive, horizon: int) -> Floats:
    """Return the purchases expected at the next opportunities: equation (13), term by term."""
    alive, total = known.p.copy(), np.zeros_like(known.p)
    for j in range(horizon):
        alive *= (known.delta + j) / (known.gamma + known.delta + j)
        total += alive
    expected: Floats = total * known.alpha / (known.alpha + known.beta)
    return expected


def count_probability(known: Alive, horizon: int, count: int) -> Floats:
    """Return the probability of exactly `count` purchases: equation (8), one customer each."""
    p, alpha, beta, gamma, delta = known
    total = (1.0 - p) * float(count == 0)
    alive = np.ones_like(p)
    ways = np.ones_like(p) if count == 0 else np.zeros_like(p)
    for m in range(horizon + 1):
        if m == count and count:
            j = np.arange(float(count))
            ways = np.exp(np.log((alpha[:, None] + j) / ((alpha + beta)[:, None] + j)).sum(axis=1))
        elif m > count:
            # C(m, x) B(alpha + x, beta + m - x) from m - 1 to m
            ways = ways * (m / (m - count)) * (beta + (m - 1 - count)) / (alpha + beta + (m - 1))
        if m >= count:
            last = 1.0 if m == horizon else gamma / (gamma + delta + m)
            total = total + p * alive * last * ways
        alive = alive * (delta + m) / (gamma + delta + m)
    return total


def discounted_purchases(known: Alive, rate: float) -> Floats:
    """Return sum_{j >= 1} P(purchase at n + j) (1 + rate)^-j: equation (14), Gauss's function."""
    z = 1.0 / (1.0 + rate)
    first = known.delta / (known.gamma + known.delta) * z
    rest = gauss_fraction(known.delta + 1.0, known.gamma + known.delta + 1.0, z)
    total: Floats = known.p * known.alpha / (known.alpha + known.beta) * first * rest
    return total


def gauss_fraction(b: Floats, c: Floats, z: float) -> Floats:
    """Return 2F1(1, b; c; z) for 0 < b < c and 0 <= z < 1 by Gauss's continued fraction.

    DLMF 15.7.1 with a = 1; all partial numerators lie between 0 and 1, so that it converges.
    """
    tiny = 1e-300
    f = np.full(np.broadcast(b, c).shape, 1.0)
    upper, lower = f.copy(), np.zeros_like(f)
    for step in range(1_000_000):
        k = step // 2
        if step % 2 == 0:
            e = (b + k) * (c - 1.0 + k) / ((c + 2 * k - 1.0) * (c + 2 * k))
        else:
            e = (k + 1.0) * (c - b + k) / ((c + 2 * k) * (c + 2 * k + 1.0))
        lower = 1.0 / np.maximum(1.0 - e * z * lower, tiny)
        upper = np.maximum(1.0 - e * z / upper, tiny)
        change = upper * lower
        f *= change
        if np.abs(change - 1.0).max(initial=0.0) < 1e-15:
            break
    return 1.0 / f
