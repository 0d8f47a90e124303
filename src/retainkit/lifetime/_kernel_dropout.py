"""Expected purchases of an active customer under geometric dropout with Beta heterogeneity.

For a customer whose rate is Gamma(s, c) and whose dropout probability is Beta(a, b), the expected
number of purchases in a time u c is

    E(s, u, a, b) = E_{p ~ Beta(a, b)}[ (1 - (1 + p u)^-s) / p ].

The textbooks write it with 2F1 over a - 1, which cancels near a = 1 and overflows for heavy
buyers. Here the Euler form is expanded with a - 1 divided out term by term; rows whose own error
estimate is poor go to an integral of positive terms that has no special case.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_TERM_COUNTS = (24, 48, 96, 192, 384, 768, 1536)
_BLOCK = 1 << 14
"""Elements worked on at once: small enough for the processor's cache."""
_ROWS = 4096
_FEW_ROWS = 16
_CANCELLATION = 1e3
"""Largest ratio of what is subtracted to what is left: three of sixteen digits."""
_TAIL = 45.0
"""Log of the smallest share of an integral that is still summed: e^-45 = 3e-20."""


def expected_until_dropout(s: Floats, u: Floats, a: float, b: Floats) -> Floats:
    """Return E(s, u, a, b) for arrays s > 0, u >= 0, b > 0 of shape (n,); NaN where u is NaN."""
    result = np.full(len(s), np.nan)
    with np.errstate(all="ignore"):
        log_z = -np.log1p(1.0 / u)
        wanted = 8.0 - 42.0 / log_z
        todo = ~np.isnan(u)
        result[u == 0.0] = 0.0
        todo &= u > 0.0
        bins = np.where(todo, np.searchsorted(_TERM_COUNTS, wanted), len(_TERM_COUNTS))
        for i, count in enumerate(np.bincount(bins).tolist()[: len(_TERM_COUNTS)]):
            for part in _blocks(np.flatnonzero(bins == i)) if count else ():
                result[part] = _euler_series(s[part], u[part], a, b[part], _TERM_COUNTS[i])
        poor = np.flatnonzero(todo & np.isnan(result))
        if len(poor):
            result[poor] = _integral(s[poor], u[poor], a, b[poor])
    return result


def _blocks(rows: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    return [rows[i : i + _ROWS] for i in range(0, len(rows), _ROWS)]


def _euler_series(s: Floats, u: Floats, a: float, b: Floats, terms: int) -> Floats:
    """Sum c { [1-(1-z)^e]/e - (1-z)^e sum_k (e+1)_{k-1} (c-s)_k / ((c)_k k!) z^k }.

    e = a - 1, c = a + b - 1, z = u / (1 + u). NaN where digits were lost or the sum is unfinished.
    """
    e, c = a - 1.0, a + b - 1.0
    log_u = np.log1p(u)
    z = u / (1.0 + u)
    first = log_u if e == 0.0 else -np.expm1(-e * log_u) / e
    sum_terms = _terms_as_matrix if len(s) <= _FEW_ROWS else _terms_in_turn
    total, size, last, ratio = sum_terms(c - s, c, z, e, terms)
    power = np.exp(-e * log_u)
    left = first - power * total
    good = (np.abs(first) + power * size <= _CANCELLATION * left) & (c > 0.0)
    # the rest of the series is below a geometric one: terms must be shrinking, and small
    shrinks = 1.0 - ratio
    good &= (shrinks > 0.0) & (np.abs(last) * power <= 1e-16 * shrinks * left)
    return np.where(good, c * left, np.nan)


def _terms_as_matrix(
    cs: Floats, c: Floats, z: Floats, e: float, terms: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the sum of the terms, of their sizes, the last term and the last ratio."""
    k = np.arange(1.0, terms)
    ratios = np.empty((len(cs), terms))
    ratios[:, 0] = cs / c * z
    ratios[:, 1:] = (cs[:, None] + k) / (c[:, None] + k) * z[:, None] * ((e + k) / (k + 1.0))
    series = np.multiply.accumulate(ratios, axis=1)
    total = np.add.accumulate(series, axis=1)[:, -1]
    return total, np.add.accumulate(np.abs(series), axis=1)[:, -1], series[:, -1], ratios[:, -1]


def _terms_in_turn(
    cs: Floats, c: Floats, z: Floats, e: float, terms: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Do the same, to the bit, one term at a time and in place: faster for many rows."""
    term = cs / c * z
    total, size = term.copy(), np.abs(term)
    ratio, below = np.empty_like(term), np.empty_like(term)
    for k in range(1, terms):
        np.add(cs, k, out=ratio)
        np.add(c, k, out=below)
        np.divide(ratio, below, out=ratio)
        np.multiply(ratio, z, out=ratio)
        ratio *= (e + k) / (k + 1.0)
        term *= ratio
        total += term
        size += np.abs(term, out=below)
        # stop when no further term could change a bit of any sum
        if k % 16 == 0 and ratio.max() < 1.0 and (below <= 1e-22 * np.abs(total)).all():
            break
    return total, size, term, ratio


def _integral(s: Floats, u: Floats, a: float, b: Floats) -> Floats:
    """Integrate over y = logit(p) by the trapezoidal rule, exact to rounding for such functions.

    The number of nodes is rounded up to steps of 64, so that a row's result does not depend on
    the rows beside it.
    """
    low, high, step = _grid(s, u, a, b)
    nodes = np.ceil((high - low) / (64.0 * step)).astype(np.int64) * 64 + 64
    result = np.empty(len(s))
    for width in np.unique(nodes).tolist():
        rows = np.flatnonzero(nodes == width)
        size = max(1, _BLOCK // width)
        for part in (rows[i : i + size] for i in range(0, len(rows), size)):
            result[part] = _trapezoid(s[part], u[part], a, b[part], low[part], step[part], width)
    return result


def _grid(s: Floats, u: Floats, a: float, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Return lowest and highest node and the step for each row.

    The step follows the decay of the kernel's Fourier transform, |Gamma(a + i w)| falling as
    e^(-pi w / 2) for small a and as a normal curve of precision a b / (a + b) for large a.
    """
    precision = a * b / (a + b)
    step = 2.0 * np.pi / (26.0 + 1.3 * np.sqrt(70.0 * precision))
    mode = np.log(a) - np.log(b)
    # below `low` the integrand is an exact exponential, summed in closed form
    low = -np.log(np.maximum(np.maximum(s * u, u), np.maximum(a + b, 1.0))) - 38.0
    reach = _TAIL / precision + np.sqrt(2.0 * _TAIL / precision)
    if a > 20.0:
        low = np.maximum(low, mode - 2.0 * reach)
    high = np.log(np.expm1(np.minimum(_TAIL / b, 700.0))) if a <= 1.0 else mode + reach
    return low, np.maximum(high, low + 1.0), step


def _trapezoid(
    s: Floats, u: Floats, a: float, b: Floats, low: Floats, step: Floats, nodes: int
) -> Floats:
    """Return the mean of (1 - (1+pu)^-s) / p under the kernel p^a (1-p)^b dy."""
    y = low[:, None] + step[:, None] * np.arange(nodes)
    log_1p = -np.logaddexp(0.0, y)
    kernel = a * (y + log_1p) + b[:, None] * log_1p
    kernel = np.exp(kernel - kernel.max(axis=1, keepdims=True))
    log_p = y + log_1p
    p = np.exp(log_p)
    value = -np.expm1(-s[:, None] * np.log1p(p * u[:, None])) / p
    below = kernel[:, 0] / np.expm1(a * step)
    weight = kernel.sum(axis=1) + below
    mean: Floats = ((kernel * value).sum(axis=1) + below * value[:, 0]) / weight
    return mean
