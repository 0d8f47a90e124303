"""The chance that a sum of purchases exceeds a value, mixed over the number of purchases.

Given n purchases the chance is I(a, p n; 1 / (1 + e^-z)), the regularised incomplete beta function,
z = log(scale / value). For customers of one shape a it is a smooth function of z for each n: its
values and two derivatives at the nodes of a grid are mixed once per history, and read off by
quintic Hermite interpolation, whose error has a bound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln, expit, loggamma

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

_HERMITE = 46_080.0
"""6! 2^6: the error of the quintic is below h^6 / 46080 times the largest sixth derivative."""
_FREQUENCIES = np.linspace(0.0, 1.0, 801)


def spacing(a: float, b: float, tolerance: float) -> float:
    """Return the distance of nodes that keeps the interpolation within `tolerance`, if p n <= b.

    The derivative of I in z is the density of a logistic beta variable, with the characteristic
    function Gamma(a + iw) Gamma(b - iw) / (Gamma(a) Gamma(b)). Its modulus grows with a and b, so
    that int |w|^5 |.| dw / (2 pi) at the largest b bounds the sixth derivative for every n.
    """
    spread = 1.0 / a + 1.0 / b
    w = 30.0 * (1.0 / np.sqrt(spread) + 1.0) * _FREQUENCIES
    modulus = np.exp((loggamma(a + 1j * w) + loggamma(b + 1j * w)).real - loggamma(a) - loggamma(b))
    sixth = float(np.sum(w**5 * modulus)) * float(w[1]) / np.pi
    return float((_HERMITE * tolerance / sixth) ** (1.0 / 6.0))


def above(a: float, b: Floats, z: Floats) -> Floats:
    """Return I(a, b; 1 / (1 + e^-z)), shape (len(b), len(z)): the chance to exceed given b / p."""
    chance: Floats = np.asarray(betainc(a, b[:, None], expit(z)[None, :]), dtype=np.float64)
    return chance


def slopes(a: float, b: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Return the first and second derivative of `above` in z."""
    share = expit(z)
    log_density = -a * np.logaddexp(0.0, -z) - b[:, None] * np.logaddexp(0.0, z)
    first: Floats = np.exp(log_density - betaln(a, b)[:, None])
    second: Floats = first * (a - (a + b)[:, None] * share)
    return first, second


def read(
    tables: tuple[Floats, Floats, Floats], low: float, step: float, row: Ints, z: Floats
) -> Floats:
    """Return the quintic through value, slope and bend at the two nodes around each z of a row."""
    place = np.clip(((z - low) / step).astype(np.intp), 0, tables[0].shape[1] - 2)
    t = (z - low) / step - place
    s = 1.0 - t
    value, slope, bend = ([table[row, place], table[row, place + 1]] for table in tables)
    left = value[0] * (1.0 + 3.0 * t + 6.0 * t * t) + step * slope[0] * t * (1.0 + 3.0 * t)
    right = value[1] * (1.0 + 3.0 * s + 6.0 * s * s) - step * slope[1] * s * (1.0 + 3.0 * s)
    left += bend[0] * (step * t) ** 2 / 2.0
    right += bend[1] * (step * s) ** 2 / 2.0
    mixed: Floats = s**3 * left + t**3 * right
    return mixed
