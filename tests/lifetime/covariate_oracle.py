"""Customers with covariates: likelihoods as note 019 prints them, and a base drawn one by one.

Nothing here is shared with the package: gamma functions, a quadrature and scipy's optimiser.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

from retainkit.lifetime import PurchaseHistories
from retainkit.typing import FloatArray

Law = Callable[..., FloatArray]


def beta_geometric(first: int) -> Law:
    """Return the log-likelihoods of BG/NBD (0) or MBG/NBD (1) with alpha, a, b per customer."""

    def log_likelihood(r: Any, alpha: Any, a: Any, b: Any, x: Any, t: Any, T: Any) -> FloatArray:
        k = x + first
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
        alive = betaln(a, b + k) - (r + x) * np.log(alpha + T)
        last = np.where(k > 0, b + k - 1, 1.0)
        dead = betaln(a + 1, last) - (r + x) * np.log(alpha + t)
        total: FloatArray = common + np.logaddexp(alive, np.where(k > 0, dead, -np.inf))
        return total

    return log_likelihood


def pareto(r: Any, alpha: Any, s: Any, beta: Any, x: Any, t: Any, T: Any) -> FloatArray:
    """Return the log-likelihoods of Pareto/NBD with alpha, beta per customer, by quadrature."""
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    # a panel for each halving of the time since the last purchase, where heavy buyers' mass is
    nodes, weights = np.polynomial.legendre.leggauss(24)
    ends = np.concatenate([[0.0], 2.0 ** np.arange(-12.0, 1.0)])
    middle, half = (ends[1:] + ends[:-1]) / 2, np.diff(ends) / 2
    share = (middle[:, None] + half[:, None] * nodes).ravel()
    size = (half[:, None] * weights).ravel()
    R, silent = r + x, T - t
    ahead = silent[:, None] * share
    rate = -R[:, None] * np.log1p(ahead / (alpha + t)[:, None])  # relative to the last purchase
    density = s * np.exp(rate) * (beta[:, None] + t[:, None] + ahead) ** -(s + 1)
    dead = silent * (density @ size)
    alive = np.exp(-R * np.log1p(silent / (alpha + t))) * (beta + T) ** -s
    total: FloatArray = common + np.log(alive + dead) - R * np.log(alpha + t)
    return total


def maximum(
    law: Law,
    link: Callable[[FloatArray], tuple[Any, ...]],
    history: PurchaseHistories,
    start: FloatArray,
) -> tuple[FloatArray, float]:
    """Return optimum and log-likelihood by scipy, from function values alone."""

    def loss(theta: FloatArray) -> float:
        values = law(*link(theta), history.frequency, history.recency, history.age)
        return -float(values.sum())

    best = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 400})
    for _ in range(3):
        best = minimize(loss, best.x, method="BFGS", options={"gtol": 1e-6})
    return best.x, -float(best.fun)


class Base(NamedTuple):
    """Histories and covariates of simulated customers."""

    history: PurchaseHistories
    z: FloatArray


def draw_covariates(n: int, rng: np.random.Generator) -> FloatArray:
    """Return a truth value and a number per customer, correlated."""
    group = (rng.random(n) < 0.4).astype(np.float64)
    return np.column_stack([group, rng.normal(0.5 * group, 1.0)])


def draw_beta_geometric(
    n: int, *, rate: FloatArray, a: FloatArray, b: FloatArray, first: bool, seed: int
) -> Base:
    """Draw purchase by purchase; effects (of each covariate) on the rate, a and b."""
    rng = np.random.default_rng(seed)
    z = draw_covariates(n, rng)
    speed = rng.gamma(0.8, 1.0, n) / (6.0 * np.exp(-z @ rate))
    p = rng.beta(0.9 * np.exp(z @ a), 2.0 * np.exp(z @ b))
    age = rng.uniform(30.0, 80.0, n)
    frequency, recency, clock = np.zeros(n), np.zeros(n), np.zeros(n)
    active = np.flatnonzero(rng.random(n) > p) if first else np.arange(n)
    while len(active):
        clock[active] += rng.exponential(1.0, len(active)) / speed[active]
        active = active[clock[active] <= age[active]]
        frequency[active] += 1
        recency[active] = clock[active]
        active = active[rng.random(len(active)) > p[active]]
    return Base(PurchaseHistories(frequency=frequency, recency=recency, age=age, unit="week"), z)


def draw_pareto(n: int, *, rate: FloatArray, dropout: FloatArray, seed: int) -> Base:
    """Draw purchase by purchase until a drawn moment of dropout."""
    rng = np.random.default_rng(seed)
    z = draw_covariates(n, rng)
    speed = rng.gamma(0.8, 1.0, n) / (6.0 * np.exp(-z @ rate))
    stop = rng.exponential(1.0, n) / (rng.gamma(0.9, 1.0, n) / (15.0 * np.exp(-z @ dropout)))
    age = rng.uniform(30.0, 80.0, n)
    end = np.minimum(stop, age)
    frequency, recency, clock = np.zeros(n), np.zeros(n), np.zeros(n)
    active = np.arange(n)
    while len(active):
        clock[active] += rng.exponential(1.0, len(active)) / speed[active]
        active = active[clock[active] <= end[active]]
        frequency[active] += 1
        recency[active] = clock[active]
    return Base(PurchaseHistories(frequency=frequency, recency=recency, age=age, unit="week"), z)
