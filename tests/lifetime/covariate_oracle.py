"""Customers with covariates: likelihoods as note 019 prints them, and a base drawn one by one.

Nothing here is shared with the package: gamma functions, a quadrature and scipy's optimiser.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import quad
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
    found = np.empty(len(x))
    for i in range(len(x)):
        R, al, be, last = r + x[i], alpha[i], beta[i], t[i]

        def relative(y: float, v: tuple[float, ...] = (R, al, last)) -> Any:
            """(alpha + y)^-R over its value at the last purchase: no underflow."""
            return np.exp(-v[0] * np.log((v[1] + y) / (v[1] + v[2])))

        def density(y: float, be: float = be, relative: Any = relative) -> Any:
            return s * relative(y) * (be + y) ** -(s + 1)

        # a panel for each halving of the time to the last purchase, where heavy buyers' mass is
        cuts = [last + (T[i] - last) * 2.0**-k for k in range(12, -1, -1)]
        panels = zip([last, *cuts[:-1]], cuts, strict=True)
        dead = sum(quad(density, *ends, epsabs=0.0, epsrel=1e-11)[0] for ends in panels)
        alive = relative(T[i]) * (be + T[i]) ** -s
        found[i] = np.log(alive + dead) - R * np.log(al + last)
    total: FloatArray = common + found
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
