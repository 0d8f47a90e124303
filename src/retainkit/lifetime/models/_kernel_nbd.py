"""NBD arithmetic on arrays: the parts of the likelihood that purchase rates alone contribute.

Purchase rates are Gamma(r, alpha) between customers and purchases are Poisson within, as in
Ehrenberg (1959). The models with dropout are built from the same two parts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammaln

from retainkit.lifetime._kernel_newton import Evaluation, inner

Floats = npt.NDArray[np.float64]


class NbdData(NamedTuple):
    """Distinct (frequency, age) with weights, and counts of customers by frequency."""

    x: Floats
    T: Floats
    w: Floats
    at_least: Floats


def count_at_least(x: Floats, w: Floats) -> Floats:
    """Return the total weight with frequency >= j, for j = 0 .. max(x) + 1."""
    counts = np.bincount(x.astype(np.int64), weights=w)
    return np.append(counts[::-1].cumsum()[::-1], 0.0)


def evaluate(theta: Floats, data: NbdData) -> Evaluation:
    """Return the total log-likelihood and its derivatives in theta = log(r, alpha)."""
    r, alpha = np.exp(theta).tolist()
    count = count_part(r, data.at_least)
    exposure = exposure_part(r, alpha, data.x, data.T, data.w)
    gradient, hessian = exposure.gradient, exposure.hessian
    gradient[0] += count.gradient[0]
    hessian[0, 0] += count.hessian[0, 0]
    return Evaluation(exposure.value + count.value, gradient, hessian)


def count_part(r: float, at_least: Floats) -> Evaluation:
    """Sum log[Gamma(r+x) / Gamma(r)] = sum_{j < x} log(r + j): no cancellation for any size."""
    n = at_least[1:-1]
    rj: Floats = r + np.arange(float(len(n)))
    slope = r * inner(n, 1.0 / rj)
    bend = slope - r * r * inner(n, rj**-2.0)
    return Evaluation(inner(n, np.log(rj)), np.array([slope]), np.array([[bend]]))


def exposure_part(r: float, alpha: float, x: Floats, T: Floats, w: Floats) -> Evaluation:
    """Sum - x log(alpha+T) - r log(1+T/alpha), with derivatives in log(r, alpha)."""
    wx, share = w * x, T / (alpha + T)
    exposure = r * inner(w, np.log1p(T / alpha))
    h_ra = r * inner(w, share)
    g_alpha = h_ra - inner(wx, 1.0 - share)
    # alpha d/d(alpha) of share is -share (1 - share)
    h_aa = -inner(r * w + wx, share * (1.0 - share))
    value = -inner(wx, np.log(alpha + T)) - exposure
    hessian = np.array([[-exposure, h_ra], [h_ra, h_aa]])
    return Evaluation(value, np.array([-exposure, g_alpha]), hessian)


def log_count_probability(r: Floats, u: Floats, count: float) -> Floats:
    """Return log P(N = count) of a negative binomial N with mean r u, from products over j.

    Gamma(r + n) / (Gamma(r) n!) (1+u)^-r (u / (1+u))^n.
    """
    if count < 0.0:
        return np.full(np.broadcast(r, u).shape, -np.inf)
    small = r * np.log1p(u)
    if count == 0.0:
        return -small
    log_choose: Floats = gammaln(r + count) - gammaln(r) - gammaln(count + 1.0)
    if count <= 64.0:
        log_choose = sum_log_ratios(r, count)
    return log_choose - small + count * (np.log(u) - np.log1p(u))


def sum_log_ratios(r: Floats, count: float) -> Floats:
    """Return log[Gamma(r + n) / (Gamma(r) n!)] as a sum of n logarithms."""
    total: Floats = np.zeros_like(r)
    for j in range(int(count)):
        total += np.log((r + j) / (j + 1.0))
    return total


def count_table(r: Floats, u: Floats, size: int) -> Floats:
    """Return P(N = 0), ..., P(N = size - 1) of negative binomials with mean r u, one per row."""
    count = np.arange(1.0, float(size))
    log_choose = np.cumsum(np.log((r[:, None] + (count - 1.0)) / count), axis=1)
    few, fade = r * np.log1p(u), np.log(u) - np.log1p(u)
    table = np.empty((len(r), size))
    table[:, 0] = np.exp(-few)
    table[:, 1:] = np.exp(log_choose - few[:, None] + count * fade[:, None])
    return table


def more_than(r: Floats, u: Floats, count: float) -> Floats:
    """Return P(N >= count) of a negative binomial N with mean r u."""
    if count <= 0.0:
        return np.ones(np.broadcast(r, u).shape)
    return np.asarray(betainc(count, r, u / (1.0 + u)), dtype=np.float64)


class Alive(NamedTuple):
    """What is known of customers: everybody is alive, and the rate is Gamma(s, c) [per unit]."""

    p: Floats
    s: Floats
    c: Floats

    def expected_purchases(self, horizon: float | Floats) -> Floats:
        """Return the mean rate times the horizon."""
        expected: Floats = self.p * self.s / self.c * horizon
        return expected

    def p_alive_later(self, ahead: float) -> Floats:  # noqa: ARG002
        """Return 1: nobody drops out."""
        return self.p

    def discounted_purchases(self, force: float, horizon: float) -> Floats:
        """Return the mean rate times (1 - exp(-force h)) / force; infinite without a discount."""
        lasting = horizon if force == 0.0 else -float(np.expm1(-force * horizon)) / force
        return self.expected_purchases(lasting)

    def count_probability(self, horizon: float, count: int) -> Floats:
        """Return the negative binomial probability of exactly `count` purchases."""
        log_p = log_count_probability(self.s, horizon / self.c, float(count))
        probability: Floats = self.p * np.exp(log_p)
        return probability

    def count_probabilities(self, horizon: float, size: int) -> Floats:
        """Return `count_probability` for 0, 1, ..., size - 1, shape (n, size)."""
        return self.p[:, None] * count_table(self.s, horizon / self.c, size)


def know(parameters: tuple[float | Floats, float | Floats], x: Floats, T: Floats) -> Alive:
    """Return what histories (x, T) say under the parameters (r, alpha)."""
    r, alpha = parameters
    return Alive(np.where(np.isnan(T), np.nan, 1.0), r + x, alpha + T)
