"""MBG/CNBD-k: likelihood, what is known of a history, and predictions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from retainkit.lifetime._kernel_newton import Evaluation, inner
from retainkit.lifetime._kernel_shared import unit_nodes
from retainkit.lifetime.models._kernel_dropout import expected_until_dropout
from retainkit.lifetime.models._kernel_nbd import count_at_least

Floats = npt.NDArray[np.float64]

_CELLS = 1 << 15
"""Rows times stages worked on at once."""
_SMALLEST = 16
_TAIL = 32.0
"""Stages beyond which e^-32 of a customer's future lies."""
_LONG = 512
"""Stages from which probabilities may fall below the smallest number: then by logarithms."""
_FADED = 45.0
_NODES = 32


class Alive(NamedTuple):
    """What is known of customers: P(alive), and rate, dropout and stages passed of those alive.

    The rate of purchases is about Gamma(s, c) [per unit]: its mean is s / c. The rate of stages is
    Gamma(shape + j, c / k) where j stages have passed since the last purchase, probability
    `passed[:, j]`. The dropout probability is Beta(a, b).
    """

    p: Floats
    s: Floats
    c: Floats
    a: float
    b: Floats
    shape: Floats
    passed: Floats

    def expected_purchases(self, horizon: float | Floats) -> Floats:
        """Return P(alive) sum_n P(N = n) sum_{i < n} E[(1-p)^i]."""
        return self.p * self._mean(horizon, lambda kept: np.cumsum(kept, axis=1) - kept)

    def approximate_purchases(self, horizon: float) -> Floats:
        """Return what MBG/NBD expects at the same mean rate: within about 2 % at a small cost."""
        return self.p * expected_until_dropout(self.s, horizon / self.c, self.a, self.b)

    def p_alive_later(self, ahead: float) -> Floats:
        """Return P(alive) sum_n P(N = n) E[(1-p)^n]."""
        return self.p * self._mean(ahead, lambda kept: kept)

    def count_probability(self, horizon: float, count: int) -> Floats:
        """Return the probability of exactly `count` purchases within the horizon."""
        return self.count_probabilities(horizon, count + 1)[:, count]

    def count_probabilities(self, horizon: float, size: int) -> Floats:
        """Return `count_probability` for 0, ..., size - 1, shape (n, size)."""
        k, n = self.passed.shape[1], len(self.s)
        table = np.empty((n, size))
        width = k * size
        step = max(1, _CELLS // width)
        for start in range(0, n, step):
            cut = slice(start, start + step)
            purchases = np.zeros((len(self.s[cut]), size))
            for j in range(k):
                stages = _stage_counts(self, cut, j, horizon, width)[:, : width - j]
                padded = np.pad(stages, ((0, 0), (j, 0)))
                folded = padded.reshape(len(stages), size, k).sum(axis=2)
                purchases += self.passed[cut, j][:, None] * folded
            kept = self._kept(cut, size)
            reach = np.maximum(1.0 - np.cumsum(purchases, axis=1)[:, :-1], 0.0)
            law = purchases * kept
            law[:, 1:] += (kept[:, :-1] - kept[:, 1:]) * reach
            alive = self.p[cut][:, None]
            table[cut] = alive * law
            table[cut, 0] += 1.0 - self.p[cut]
        return table

    def discounted_purchases(self, force: float, horizon: float) -> Floats:
        """Return P(alive) int_0^h exp(-force t) dE(t), by parts as in MBG/NBD."""
        if force == 0.0:
            if np.isfinite(horizon):
                return self.expected_purchases(horizon)
            endless: Floats = self.p * np.where(
                self.a > 1.0, (self.a + self.b - 1.0) / (self.a - 1.0), np.inf
            )
            return endless
        end = min(horizon, _FADED / force)
        scale = self.c / np.maximum(self.s, 1.0)
        top = np.log1p(end / scale)
        nodes, weights = unit_nodes(_NODES)
        total: Floats = np.exp(-force * end) * self.expected_purchases(end)
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
            y = node * top
            t = scale * np.expm1(y)
            faded = force * weight * top * (scale + t) * np.exp(-force * t)
            total += faded * self.expected_purchases(t)
        return total

    def _kept(self, rows: Any, size: int) -> Floats:
        """Return E[(1-p)^n] = prod_{i < n} (b+i) / (a+b+i) for n = 0, ..., size - 1."""
        kept = np.ones((len(self.b[rows]), size))
        bi = self.b[rows][:, None] + np.arange(size - 1.0)
        np.cumprod(bi / (self.a + bi), axis=1, out=kept[:, 1:])
        return kept

    def _mean(self, horizon: float | Floats, value: Any) -> Floats:
        """Return the mean of a function of the number of purchases if nobody dropped out.

        Customers with as many stages ahead are taken together, so that the number of terms
        depends on nothing but the customer.
        """
        k, n = self.passed.shape[1], len(self.s)
        ahead = np.broadcast_to(np.asarray(horizon, dtype=np.float64), (n,))
        u = ahead * k / self.c
        stages = (self.shape + k) * u
        needed = stages + 8.0 * np.sqrt(stages * (1.0 + u)) + _TAIL * u + 2.0 * k
        size = np.exp2(np.ceil(np.log2(np.maximum(np.nan_to_num(needed), _SMALLEST))))
        result = np.empty(n)
        for width in np.unique(size).astype(np.int64).tolist():
            rows = np.flatnonzero(size == width)
            step = max(1, _CELLS // width)
            for start in range(0, len(rows), step):
                cut = rows[start : start + step]
                worth = value(self._kept(cut, width // k + 2))
                total = np.zeros(len(cut))
                for j in range(k):
                    counts = _stage_counts(self, cut, j, ahead[cut], width)
                    for m in range(k):  # m, m + k, m + 2k, ... stages
                        every = counts[:, m::k]
                        first = (m + j) // k
                        part = worth[:, first : first + every.shape[1]]
                        total += self.passed[cut, j] * np.einsum("ij,ij->i", every, part)
                result[cut] = total
        return result


def _stage_counts(known: Alive, rows: Any, j: int, ahead: float | Floats, width: int) -> Floats:
    """Return P(M = 0), ..., P(M = width - 1) of the stages ahead where j have passed."""
    k = known.passed.shape[1]
    s, u = known.shape[rows] + j, ahead * k / known.c[rows]
    m = np.arange(1.0, float(width))
    table = np.empty((len(s), width))
    few = s * np.log1p(u)
    share = (u / (1.0 + u))[:, None]
    if width < _LONG:
        table[:, 0] = np.exp(-few)
        np.multiply(s[:, None], 1.0 / m, out=table[:, 1:])
        table[:, 1:] += (m - 1.0) / m
        table[:, 1:] *= share
        return np.cumprod(table, axis=1, out=table)
    with np.errstate(divide="ignore"):
        table[:, 0] = -few
        table[:, 1:] = np.log((s[:, None] + (m - 1.0)) / m * share)
    return np.exp(np.cumsum(table, axis=1, out=table), out=table)


Ints = npt.NDArray[np.int64]

_BLOCK = 8192
"""Rows worked on at once: their intermediate arrays stay in the processor's cache."""


class RegularData(NamedTuple):
    """Distinct histories with weights, in blocks, and counts of customers by frequency."""

    blocks: tuple[tuple[Floats, Floats, Floats, Floats], ...]
    at_least: Floats
    stages: int


def prepare(x: Floats, t: Floats, T: Floats, w: Floats, *, stages: int) -> RegularData:
    """Cut the histories into blocks; terms in x alone become sums over j."""
    cuts = [slice(i, i + _BLOCK) for i in range(0, len(x), _BLOCK)]
    blocks = tuple((x[c], t[c], T[c], w[c]) for c in cuts)
    return RegularData(blocks, count_at_least(x, w), stages)


def evaluate(theta: Floats, data: RegularData) -> Evaluation:
    """Return the total log-likelihood and its derivatives in theta = log(r, alpha, a, b).

    Without the gaps' own factor, which the parameters do not change:
    L = B(a, b+x+1) / B(a, b) [sum_j A_j(T) + a / (b+x) A_0(t_x)], j = 0 .. k-1 stages passed, and
    A_j(u) = Gamma(r+kx+j) / (Gamma(r) j!) alpha^r (T-t_x)^j (alpha+u)^-(r+kx+j).
    """
    r, alpha, a, b = np.exp(theta).tolist()
    value, gradient, hessian = _survival(a, b, data.at_least[:-1])
    most = data.stages * (len(data.at_least) - 1)
    counts = _Counts.of(r, most)
    for x, t, T, w in data.blocks:
        part = _mixture(counts, (r, alpha, a, b), (x, t, T, w), data.stages)
        value += part.value
        gradient += part.gradient
        hessian += part.hessian
    return Evaluation(value, gradient, hessian)


class _Counts(NamedTuple):
    """log[Gamma(r+n) / Gamma(r)] for n = 0, 1, ..., and its derivatives in log r."""

    value: Floats
    slope: Floats
    bend: Floats

    @classmethod
    def of(cls, r: float, most: int) -> _Counts:
        m = np.arange(float(most))
        steps = (np.log(r + m), r / (r + m), r * m / (r + m) ** 2)
        return cls(*(np.concatenate([[0.0], np.cumsum(step)]) for step in steps))


def _survival(a: float, b: float, n: Floats) -> Evaluation:
    """Sum log[B(a, b+x+1) / B(a, b)] = - sum_{i <= x} log(1 + a / (b+i))."""
    i: Floats = np.arange(float(len(n)))
    lost, bi = a / (a + b + i), b + i
    kept, turn = bi / (a + bi), b / bi
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    gradient[2:] = -inner(n, lost), inner(n, lost * turn)
    cross = inner(n, lost * kept * turn)
    bend = inner(n, lost * turn * (1.0 - turn - b / (a + bi)))
    hessian[2:, 2:] = ((-inner(n, lost * kept), cross), (cross, bend))
    return Evaluation(-inner(n, np.log1p(a / bi)), gradient, hessian)


def _mixture(
    counts: _Counts,
    parameters: tuple[float, float, float, float],
    rows: tuple[Floats, Floats, Floats, Floats],
    stages: int,
) -> Evaluation:
    """Sum the log of the sum over the stages passed, and over having dropped out."""
    r, alpha, _, b = parameters
    x, t, T, w = rows
    logs = _log_terms(parameters, (x, t, T), counts.value, stages)
    top = logs.max(axis=0)
    shares = np.exp(logs - top)
    total = shares.sum(axis=0)
    shares /= total
    start = stages * x.astype(np.int64)
    share_b = b / (b + x)
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    mean = np.zeros((4, len(x)))
    for place, share in enumerate(shares):
        dead = place == stages
        until, n = (t, start) if dead else (T, start + place)
        part = until / (alpha + until)
        slopes = [counts.slope[n] - r * np.log1p(until / alpha), r * part - n * (1.0 - part)]
        bends = {
            (0, 0): counts.bend[n] - r * np.log1p(until / alpha),
            (0, 1): r * part,
            (1, 1): -(r + n) * part * (1.0 - part),
        }
        if dead:
            slopes += [np.ones_like(x), -share_b]
            bends[3, 3] = -share_b * (1.0 - share_b)
        ws = w * share
        for i, slope in enumerate(slopes):
            mean[i] += share * slope
            for j in range(i + 1):
                bend = bends.get((j, i), 0.0)
                hessian[i, j] += inner(ws, bend + slope * slopes[j])
    for i in range(4):
        gradient[i] = inner(w, mean[i])
        for j in range(i + 1):
            hessian[i, j] -= inner(w, mean[i] * mean[j])
            hessian[j, i] = hessian[i, j]
    return Evaluation(inner(w, top + np.log(total)), gradient, hessian)


def _log_terms(
    parameters: tuple[float | Floats, float | Floats, float | Floats, float | Floats],
    history: tuple[Floats, Floats, Floats],
    counts: Floats,
    stages: int,
) -> Floats:
    """Return the log of each A_j(T), j < k, and of a / (b+x) A_0(t_x), one row each."""
    r, alpha, a, b = parameters
    x, t, T = history
    n = stages * x.astype(np.int64)
    with np.errstate(divide="ignore"):
        silent = np.log(T - t)
    terms = np.empty((stages + 1, len(x)))
    exposed = np.log(alpha + T)
    for j in range(stages):
        terms[j] = counts[n + j] - r * np.log1p(T / alpha) - (n + j) * exposed
        if j:
            terms[j] += j * silent - float(gammaln(j + 1.0))
    terms[stages] = counts[n] - r * np.log1p(t / alpha) - n * np.log(alpha + t)
    terms[stages] += np.log(a / (b + x))
    return terms


def know(
    parameters: tuple[float, float, float, float],
    x: Floats,
    t: Floats,
    T: Floats,
    *,
    stages: int,
) -> Alive:
    """Return what histories (x, t_x, T) say under the parameters (r, alpha, a, b)."""
    r, alpha, a, b = parameters
    unknown = np.isnan(x + t + T)
    x, t, T = (np.where(unknown, 0.0, column) for column in (x, t, T))
    passed = np.arange(float(stages))[:, None]
    ratio, silent = np.log1p((T - t) / (alpha + t)), (T - t) / (alpha + T)
    shape = r + stages * x
    # A_j(T) / A_0(t_x): Gamma(s+j) / (Gamma(s) j!) silent^j ((alpha+t) / (alpha+T))^s
    grown = np.ones((stages, len(x)))
    for j in range(1, stages):
        grown[j] = grown[j - 1] * (shape + j - 1.0) / j * silent
    sums = grown.sum(axis=0)
    log_odds = np.log((b + x) / a) - shape * ratio + np.log(sums)
    alive = np.where(unknown, np.nan, 1.0 / (1.0 + np.exp(-log_odds)))
    share = grown / sums
    mean = shape + (share * passed).sum(axis=0)
    return Alive(alive, mean, stages * (alpha + T), a, b + x + 1.0, shape, share.T)
