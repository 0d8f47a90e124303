"""What lies ahead of customers whose purchases take k stages each: arrays in, arrays out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.lifetime._kernel_dropout import expected_until_dropout
from retainkit.lifetime._kernel_quadrature import unit_nodes

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
