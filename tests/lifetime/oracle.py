"""The MBG/NBD and Gamma-Gamma formulas as the papers print them, in many digits."""

from __future__ import annotations

from typing import Any

import mpmath as mp


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
