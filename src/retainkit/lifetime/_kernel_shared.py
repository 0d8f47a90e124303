"""Laws, quadrature, Stirling differences, mixtures of spend: kernels that several models use."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln, digamma, expit, gammaln, loggamma, polygamma

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]


class Known(Protocol):
    """What histories say of n customers: P(alive), and parameters of those who are alive.

    A customer who is alive buys as a new one would with the updated parameters; so every
    prediction is P(alive) times a function of them. The purchase rate is Gamma(s, c). Each law has
    one such record, a named tuple of arrays of shape (n,) and of numbers shared by all.
    """

    @property
    def p(self) -> Floats:
        """P(alive) now."""

    @property
    def s(self) -> Floats:
        """Shape of the purchase rate."""

    @property
    def c(self) -> Floats:
        """Scale of the purchase rate [unit of time]."""

    def expected_purchases(self, horizon: float | Floats) -> Floats:
        """Return expected purchases within the horizon, one for all or one each."""

    def p_alive_later(self, ahead: float) -> Floats:
        """Return P(alive) after some time more, from what is known now."""

    def discounted_purchases(self, force: float, horizon: float) -> Floats:
        """Return purchases within the horizon, which may be infinite, discounted at `force`."""

    def count_probability(self, horizon: float, count: int) -> Floats:
        """Return the probability of exactly `count` purchases within the horizon."""

    def count_probabilities(self, horizon: float, size: int) -> Floats:
        """Return the probabilities of 0, 1, ..., size - 1 purchases, shape (n, size)."""


K = TypeVar("K", bound=Known)


def take_rows(known: K, rows: Ints) -> K:
    """Return what is known of some of the customers; rows may repeat."""
    record: Any = known
    part: K = type(record)(*(v[rows] if np.ndim(v) else v for v in record))
    return part


def expected_at(known: Known, horizons: Floats) -> Floats:
    """Return expected purchases within each of k horizons, shape (n, k), in one go."""
    n, k = len(known.s), len(horizons)
    many = take_rows(known, np.repeat(np.arange(n), k))
    return many.expected_purchases(np.tile(horizons, n)).reshape(n, k)


_PANELS = 16
_NODES = 20


@lru_cache(maxsize=16)
def unit_nodes(count: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights for the interval from 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, weights / 2.0


@lru_cache(maxsize=4)
def panel_nodes(panels: int, count: int) -> tuple[Floats, Floats]:
    """Return the nodes and weights of `panels` equal parts of the interval from 0 to 1."""
    nodes, weights = unit_nodes(count)
    starts = np.arange(float(panels))
    return ((starts[:, None] + nodes) / panels).ravel(), np.tile(weights / panels, panels)


def decayed_time(s: Floats, z: Floats, end: Floats) -> Floats:
    """Return int_0^end exp(-z v) (1 + v)^-s dv, shape (n,); end may be infinite where z > 0.

    With end infinite it is exp(z) E_s(z), Kummer's U(1, 2 - s, z) = z^(s-1) U(s, s, z). In
    v = e^y - 1 the integrand is positive and analytic within a strip, for any s and z.
    """
    with np.errstate(divide="ignore", over="ignore"):
        enough = np.minimum(45.0 / z, np.expm1(np.minimum(45.0 / np.maximum(s - 1.0, 1e-3), 690.0)))
        top = np.log1p(np.minimum(end, enough))
    nodes, weights = panel_nodes(_PANELS, _NODES)
    y = top[:, None] * nodes
    values = np.exp(-z[:, None] * np.expm1(y) + (1.0 - s[:, None]) * y)
    total: Floats = top * (values @ weights)
    return total


_ASYMPTOTIC = 20.0
"""Argument from which the series is exact to rounding."""
_HALF_LOG_TWO_PI = 0.5 * float(np.log(2.0 * np.pi))
_LOG = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
"""Coefficients of 1/z, 1/z^3, ... in log Gamma(z) after Stirling's formula."""


def stirling_rest(z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return log Gamma(z) - (z-1/2) log z + z - log(2 pi)/2, digamma(z) - log z, trigamma(z) - 1/z.

    By the series, which does not cancel, where it is exact; by definition for small z.
    """
    large = np.maximum(z, _ASYMPTOTIC)
    rest, slope, bend = (np.zeros_like(z) for _ in range(3))
    square = 1.0 / (large * large)
    for k, c in reversed(list(enumerate(_LOG))):
        order = 2 * k + 1
        rest = rest * square + c
        slope = slope * square + c * order
        bend = bend * square + c * order * (order + 1)
    rest, slope = rest / large, -slope * square - 0.5 / large
    bend = bend * square / large + 0.5 * square
    few = z < _ASYMPTOTIC
    small = z[few]
    log_small = np.log(small)
    rest[few] = gammaln(small) - (small - 0.5) * log_small + small - _HALF_LOG_TWO_PI
    slope[few] = digamma(small) - log_small
    bend[few] = polygamma(1, small) - 1.0 / small
    return rest, slope, bend


def expected_since(new: Known, time: Floats) -> Floats:
    """Return expected repeat purchases of new customers who have been there for each time."""
    after = np.maximum(time, 0.0)
    many = take_rows(new, np.zeros(len(time), dtype=np.int64))
    with np.errstate(all="ignore"):
        expected: Floats = many.expected_purchases(after)
    return np.where(after > 0.0, expected, 0.0)


def relative(difference: float, base: float) -> float:
    """Return the difference over the base; NaN without one."""
    return float(difference / base) if base else float("nan")


def mean_error(guess: Floats, actual: Floats) -> float:
    """Return the mean absolute error relative to the mean of what happened."""
    if not len(actual):
        return float("nan")
    return relative(float(np.abs(guess - actual).mean()), float(actual.mean()))


def customer_errors(guess: Floats, actual: Floats) -> tuple[float, float, float, float, float]:
    """Return mean absolute error, root mean square error, correlation, gini and lift."""
    error = guess - actual
    flat = guess.std() == 0.0 or actual.std() == 0.0
    correlation = float("nan") if flat else float(np.corrcoef(guess, actual)[0, 1])
    perfect = _concentration(actual, actual)
    gini = relative(_concentration(guess, actual), perfect)
    return (
        float(np.abs(error).mean()),
        float(np.sqrt(np.mean(error**2))),
        correlation,
        gini,
        lift(guess, actual, 0.2),
    )


def _concentration(order: Floats, actual: Floats) -> float:
    """Return the area between the gains curve in this order and the diagonal; ties share."""
    levels, place = np.unique(-order, return_inverse=True)
    heads = np.bincount(place, minlength=len(levels)).astype(np.float64)
    sums = np.bincount(place, weights=actual, minlength=len(levels))
    total = float(sums.sum())
    if total == 0.0:
        return float("nan")
    x = np.concatenate([[0.0], np.cumsum(heads)]) / heads.sum()
    y = np.concatenate([[0.0], np.cumsum(sums)]) / total
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2.0)) - 0.5


def lift(order: Floats, actual: Floats, share: float) -> float:
    """Return what the first share of customers bought over that share of all purchases."""
    levels, place = np.unique(-order, return_inverse=True)
    heads = np.bincount(place, minlength=len(levels)).astype(np.float64)
    sums = np.bincount(place, weights=actual, minlength=len(levels))
    x, y = (np.concatenate([[0.0], np.cumsum(v)]) for v in (heads, sums))
    captured = float(np.interp(share * x[-1], x, y))
    return relative(captured, share * float(y[-1]))


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
