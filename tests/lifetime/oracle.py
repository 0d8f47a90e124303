"""The MBG/NBD and Gamma-Gamma formulas as the papers print them, in many digits."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np


def mbg_log_likelihood(theta: Any, x: float, t: float, T: float) -> Any:
    """Batislam et al. (2007), equation (4), through beta functions; theta = log(r, alpha, a, b)."""
    r, alpha, a, b = (mp.exp(v) for v in theta)
    x, t, T = (mp.mpf(v) for v in (x, t, T))
    alive = mp.beta(a, b + x + 1) * (alpha + T) ** -(r + x)
    dead = mp.beta(a + 1, b + x) * (alpha + t) ** -(r + x)
    common = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) - mp.log(mp.beta(a, b))
    return common + mp.log(alive + dead)


def gamma_gamma_log_likelihood(theta: Any, x: float, m: float) -> Any:
    """Note 025, equation (1a); theta = log(p, q, gamma)."""
    p, q, gamma = (mp.exp(v) for v in theta)
    x, m = mp.mpf(x), mp.mpf(m)
    return (
        mp.loggamma(p * x + q)
        - mp.loggamma(p * x)
        - mp.loggamma(q)
        + q * mp.log(gamma)
        + (p * x - 1) * mp.log(m)
        + p * x * mp.log(x)
        - (p * x + q) * mp.log(gamma + m * x)
    )


def mbg_p_alive(r: Any, alpha: Any, a: Any, b: Any, x: Any, t: Any, T: Any) -> Any:
    """Batislam et al. (2007), appendix A, equation (5)."""
    return 1 / (1 + a / (b + x) * ((alpha + T) / (alpha + t)) ** (r + x))


def mbg_expected_purchases(
    r: Any, alpha: Any, a: Any, b: Any, x: Any, t: Any, T: Any, horizon: Any
) -> Any:
    """The textbook form with 2F1 over a - 1, with digits to spare; a = 1 is approached."""
    if a == 1:
        a = a + mp.mpf(10) ** -30
    z = horizon / (alpha + T + horizon)
    hyp = mp.hyp2f1(r + x, b + x + 1, a + b + x, z, maxterms=10**6)
    more = (a + b + x) / (a - 1) * (1 - (1 - z) ** (r + x) * hyp)
    return more * mbg_p_alive(r, alpha, a, b, x, t, T)


# Two-letter names below are the papers': dropout after a purchase has Beta(a, b), or a rate
# Gamma(s, beta); u is a horizon over (alpha + T).


def bg_log_likelihood(r: Any, alpha: Any, a: Any, b: Any, x: Any, t: Any, T: Any) -> Any:
    """Fader, Hardie & Lee (2005), equation (6)."""
    alive = mp.beta(a, b + x) * (alpha + T) ** -(r + x)
    dead = mp.beta(a + 1, b + x - 1) * (alpha + t) ** -(r + x) if x else mp.mpf(0)
    common = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) - mp.log(mp.beta(a, b))
    return common + mp.log(alive + dead)


def bg_p_alive(r: Any, alpha: Any, a: Any, b: Any, x: Any, t: Any, T: Any) -> Any:
    """Fader, Hardie & Lee (2008), note 021."""
    if not x:
        return mp.mpf(1)
    return 1 / (1 + a / (b + x - 1) * ((alpha + T) / (alpha + t)) ** (r + x))


def expected_while_alive(s: Any, c: Any, a: Any, b: Any, horizon: Any) -> Any:
    """Fader, Hardie & Lee (2005), equation (9), of a new BG/NBD customer with these parameters."""
    if a == 1:
        a = a + mp.mpf(10) ** -30
    z = horizon / (c + horizon)
    hyp = mp.hyp2f1(s, b, a + b - 1, z, maxterms=10**6)
    return (a + b - 1) / (a - 1) * (1 - (1 - z) ** s * hyp)


def survival_while_alive(s: Any, c: Any, a: Any, b: Any, horizon: Any) -> Any:
    """The mean of (1 + p u)^-s over p ~ Beta(a, b), as Gauss's function."""
    return mp.hyp2f1(s, a, a + b, -horizon / c, maxterms=10**6)


def bg_count_probability(s: Any, c: Any, a: Any, b: Any, horizon: Any, n: int) -> Any:
    """Fader, Hardie & Lee (2005), equation (8), the sum written as a beta integral."""
    z = horizon / (c + horizon)
    alive = mp.exp(
        mp.loggamma(s + n) - mp.loggamma(s) - mp.loggamma(n + 1)
        + s * mp.log(1 - z) + n * mp.log(z)
    )  # fmt: skip
    total = mp.beta(a, b + n) / mp.beta(a, b) * alive
    if n:
        tail = mp.betainc(n, s, 0, z, regularized=True)
        total += mp.beta(a + 1, b + n - 1) / mp.beta(a, b) * tail
    return total


def bg_discounted(s: float, c: float, a: float, b: float, force: float, horizon: float) -> float:
    """int exp(-force t) E[s/c (1 + p t/c)^-(s+1)] dt, p ~ Beta(a, b), as a plain double sum.

    mpmath's 2F1 is wrong at times for s in the thousands: 64-bit mantissas and both dimensions
    summed, trapezoidal over logit(p), Gauss-Legendre over log(1 + s t / c).
    """
    wide = np.longdouble
    end = min(horizon, 60.0 / force)
    step = 0.08 / np.sqrt(1.0 + a * (b + s) / (a + b + s) / 10.0)
    low = -np.log(s * (1.0 + end / c) + a + b) - 45.0
    high = 45.0 + np.log(max(s, a, 1.0))
    y = np.arange(low, high, step).astype(wide)
    q = np.logaddexp(wide(0), -y)
    kernel = np.exp(-a * q - b * (q + y) - np.max(-a * q - b * (q + y)))
    kernel[0] += kernel[0] / np.expm1(wide(a * step))
    kernel[-1] += kernel[-1] / np.expm1(wide(b * step))
    kernel /= kernel.sum()
    p = np.exp(-q)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    scale = c / max(s, 1.0)
    top = float(np.log1p(end / scale))
    total = wide(0)
    panels = int(top / 0.5) + 1
    width = 1.0 / panels
    for left in np.arange(panels) / panels:
        z = top * (left + width * (nodes + 1.0) / 2.0)
        t = scale * np.expm1(z)
        rate = np.exp(-(s + 1.0) * np.log1p(np.outer(t / c, p))) @ kernel
        total += np.sum(weights * width * top / 2.0 * np.exp(-force * t) * rate * (scale + t))
    return float(s / c * total)


def pareto_terms(r: Any, alpha: Any, s: Any, beta: Any, x: Any, t: Any, T: Any) -> tuple[Any, Any]:
    """Being alive at T, and having dropped out between t and T: note 009, equations (15)-(17)."""
    R = r + x
    alive = (alpha + T) ** -R * (beta + T) ** -s

    def after(y: Any) -> Any:
        if alpha >= beta:
            z = (alpha - beta) / (alpha + y)
            hyp = mp.hyp2f1(R + s, s + 1, R + s + 1, z, maxterms=10**6)
            return s / (R + s) * hyp / (alpha + y) ** (R + s)
        z = (beta - alpha) / (beta + y)
        hyp = mp.hyp2f1(R + s, R, R + s + 1, z, maxterms=10**6)
        return s / (R + s) * hyp / (beta + y) ** (R + s)

    return alive, after(t) - after(T)


def pareto_log_likelihood(r: Any, alpha: Any, s: Any, beta: Any, x: Any, t: Any, T: Any) -> Any:
    """Note 009, equation (18)."""
    alive, dead = pareto_terms(r, alpha, s, beta, x, t, T)
    gammas = mp.loggamma(r + x) - mp.loggamma(r)
    return gammas + r * mp.log(alpha) + s * mp.log(beta) + mp.log(alive + dead)


def pareto_p_alive(r: Any, alpha: Any, s: Any, beta: Any, x: Any, t: Any, T: Any) -> Any:
    """The alive part of the likelihood."""
    alive, dead = pareto_terms(r, alpha, s, beta, x, t, T)
    return alive / (alive + dead)


def pareto_expected(s: Any, c: Any, d: Any, e: Any, horizon: Any) -> Any:
    """Note 009, equation (27), of a new customer with these parameters."""
    if d == 1:
        d = d + mp.mpf(10) ** -30
    return s * e / (c * (d - 1)) * (1 - (e / (e + horizon)) ** (d - 1))


def pareto_discounted(s: Any, c: Any, d: Any, e: Any, force: Any) -> Any:
    """Fader, Hardie & Lee (2005, RFM and CLV), equation (2): Kummer's U."""
    return s / c * e**d * force ** (d - 1) * mp.hyperu(d, d, force * e)


def pareto_count_probability(s: Any, c: Any, d: Any, e: Any, horizon: Any, n: int) -> Any:
    """Alive at the end, or dropped out at y: P(N(y) = n) under the density d e^d (e+y)^-(d+1)."""

    def count(y: Any) -> Any:
        choose = mp.exp(mp.loggamma(s + n) - mp.loggamma(s) - mp.loggamma(n + 1))
        return choose * (c / (c + y)) ** s * (y / (c + y)) ** n

    def dropped(v: Any) -> Any:
        y = mp.exp(v)
        return count(y) * d * (e / (e + y)) ** d * y / (e + y)

    top = mp.log(horizon)
    peak = min(top, mp.log(c * (n + 1) / (s + d)))
    steps = [mp.mpf(v) for v in (90, 40, 15, 6, 2.5, 1, 0.4, 0.15, 0.05)]
    cuts: Any = {*(peak - v for v in steps), peak, *(peak + v for v in steps), top}
    if n > 100:  # a narrow peak
        cuts |= {peak - v / 20 for v in steps} | {peak + v / 20 for v in steps}
    cuts = sorted(v for v in cuts if v <= top)
    return count(horizon) * (e / (e + horizon)) ** d + mp.quad(dropped, cuts)
