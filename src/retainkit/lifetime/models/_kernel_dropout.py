"""Expected purchases of an active customer under geometric dropout with Beta heterogeneity.

For a customer whose rate is Gamma(s, c) and whose dropout probability is Beta(a, b), the expected
number of purchases in a time u c is

    E(s, u, a, b) = E_{p ~ Beta(a, b)}[ (1 - (1 + p u)^-s) / p ].

The textbooks write it with 2F1 over a - 1, which cancels near a = 1 and overflows for heavy
buyers. Here the Euler form is expanded with a - 1 divided out term by term; rows whose own error
estimate is poor go to an integral of positive terms that has no special case.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Series = Callable[[Floats, Floats, "Shape", Floats, int], Floats]
Value = Callable[[Floats, Floats, Floats], Floats]
Shape = float | Floats
"""One number for all rows, or one per row: customers with covariates have their own."""

_TERM_COUNTS = (24, 48, 96, 192, 384, 768, 1536)
_BLOCK = 1 << 14
"""Elements worked on at once: small enough for the processor's cache."""
_ROWS = 4096
_FEW_ROWS = 16
_CANCELLATION = 1e3
"""Largest ratio of what is subtracted to what is left: three of sixteen digits."""
_TAIL = 45.0
"""Log of the smallest share of an integral that is still summed: e^-45 = 3e-20."""


def expected_until_dropout(s: Floats, u: Floats, a: Shape, b: Floats) -> Floats:
    """Return E(s, u, a, b) for arrays s > 0, u >= 0, b > 0 of shape (n,); NaN where u is NaN."""
    return _by_series(s, u, a, b, _euler_series, _mean_purchases, at_zero=0.0)


def survival_until(s: Floats, u: Floats, a: Shape, b: Floats) -> Floats:
    """Return E_{p ~ Beta(a, b)}[(1 + p u)^-s]: the chance that no purchase was the last one."""
    return _by_series(s, u, a, b, _survival_series, _mean_survival, at_zero=1.0)


def _by_series(
    s: Floats, u: Floats, a: Shape, b: Floats, series: Series, value: Value, *, at_zero: float
) -> Floats:
    """Sum the series where it is safe, and integrate the positive `value` where it is not."""
    result = np.full(len(s), np.nan)
    with np.errstate(all="ignore"):
        log_z = -np.log1p(1.0 / u)
        wanted = 8.0 - 42.0 / log_z
        todo = ~np.isnan(u)
        result[u == 0.0] = at_zero
        todo &= u > 0.0
        bins = np.where(todo, np.searchsorted(_TERM_COUNTS, wanted), len(_TERM_COUNTS))
        for i, count in enumerate(np.bincount(bins).tolist()[: len(_TERM_COUNTS)]):
            for part in _blocks(np.flatnonzero(bins == i)) if count else ():
                result[part] = series(s[part], u[part], _at(a, part), b[part], _TERM_COUNTS[i])
        poor = np.flatnonzero(todo & np.isnan(result))
        if len(poor):
            result[poor] = _integral(s[poor], u[poor], _at(a, poor), b[poor], value)
    return result


def _at(a: Shape, rows: npt.NDArray[np.intp]) -> Shape:
    """Return the shape of the rows."""
    return a[rows] if isinstance(a, np.ndarray) else a


def _beside(a: Shape) -> Shape:
    """Return the shape as a column, to stand beside terms or nodes in rows."""
    return a[:, None] if isinstance(a, np.ndarray) else a


def _blocks(rows: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    return [rows[i : i + _ROWS] for i in range(0, len(rows), _ROWS)]


def _euler_series(s: Floats, u: Floats, a: Shape, b: Floats, terms: int) -> Floats:
    """Sum c { [1-(1-z)^e]/e - (1-z)^e sum_k (e+1)_{k-1} (c-s)_k / ((c)_k k!) z^k }.

    e = a - 1, c = a + b - 1, z = u / (1 + u). NaN where digits were lost or the sum is unfinished.
    """
    e, c = a - 1.0, a + b - 1.0
    log_u = np.log1p(u)
    z = u / (1.0 + u)
    if isinstance(e, np.ndarray):
        first = np.where(e == 0.0, log_u, -np.expm1(-e * log_u) / e)
    else:
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


def _survival_series(s: Floats, u: Floats, a: Shape, b: Floats, terms: int) -> Floats:
    """Sum (1-z)^a [1 + a sum_k (a+1)_{k-1} (c-s)_k / ((c)_k k!) z^k] with c = a + b, z = u/(1+u).

    Euler's form of 2F1(s, a; a + b; -u). NaN where digits were lost or the sum is unfinished.
    """
    c = a + b
    sum_terms = _terms_as_matrix if len(s) <= _FEW_ROWS else _terms_in_turn
    total, size, last, ratio = sum_terms(c - s, c, u / (1.0 + u), a, terms)
    left = 1.0 + a * total
    good = 1.0 + a * size <= _CANCELLATION * left
    shrinks = 1.0 - ratio
    good &= (shrinks > 0.0) & (a * np.abs(last) <= 1e-16 * shrinks * left)
    return np.where(good, np.exp(-a * np.log1p(u)) * left, np.nan)


def _terms_as_matrix(
    cs: Floats, c: Floats, z: Floats, e: Shape, terms: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the sum of the terms, of their sizes, the last term and the last ratio."""
    k = np.arange(1.0, terms)
    ratios = np.empty((len(cs), terms))
    ratios[:, 0] = cs / c * z
    growth = (_beside(e) + k) / (k + 1.0)
    ratios[:, 1:] = (cs[:, None] + k) / (c[:, None] + k) * z[:, None] * growth
    series = np.multiply.accumulate(ratios, axis=1)
    total = np.add.accumulate(series, axis=1)[:, -1]
    return total, np.add.accumulate(np.abs(series), axis=1)[:, -1], series[:, -1], ratios[:, -1]


def _terms_in_turn(
    cs: Floats, c: Floats, z: Floats, e: Shape, terms: int
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


def _mean_purchases(s: Floats, p: Floats, log_1pu: Floats) -> Floats:
    """Return (1 - (1 + p u)^-s) / p."""
    value: Floats = -np.expm1(-s * log_1pu) / p
    return value


def _mean_survival(s: Floats, p: Floats, log_1pu: Floats) -> Floats:  # noqa: ARG001
    """Return (1 + p u)^-s."""
    value: Floats = np.exp(-s * log_1pu)
    return value


def _integral(s: Floats, u: Floats, a: Shape, b: Floats, value: Value) -> Floats:
    """Integrate over y = logit(p) by the trapezoidal rule, exact to rounding for such functions.

    The number of nodes is rounded up to steps of 64, so that a row's result does not depend on
    the rows beside it.
    """
    weighty = value is _mean_survival  # falls so fast that the mass may lie far below the mode
    low, high, step = _grid(s, u, a, b, weighty=weighty)
    nodes = np.ceil((high - low) / (64.0 * step)).astype(np.int64) * 64 + 64
    result = np.empty(len(s))
    for width in np.unique(nodes).tolist():
        rows = np.flatnonzero(nodes == width)
        size = max(1, _BLOCK // width)
        for part in (rows[i : i + size] for i in range(0, len(rows), size)):
            result[part] = _trapezoid(
                (s[part], u[part], b[part]), _at(a, part), (low[part], step[part], width), value
            )
    return result


def _grid(
    s: Floats, u: Floats, a: Shape, b: Floats, *, weighty: bool
) -> tuple[Floats, Floats, Floats]:
    """Return lowest and highest node and the step for each row.

    The step follows the decay of the kernel's Fourier transform, |Gamma(a + i w)| falling as
    e^(-pi w / 2) for small a and as a normal curve of precision a b / (a + b) for large a.
    """
    precision = a * b / (a + b)
    sharpest = a * (b + s) / (a + b + s) if weighty else precision
    step = 2.0 * np.pi / (26.0 + 1.3 * np.sqrt(70.0 * sharpest))
    mode = np.log(a) - np.log(b)
    # below `low` the integrand is an exact exponential, summed in closed form
    low = -np.log(np.maximum(np.maximum(s * u, u), np.maximum(a + b, 1.0))) - 38.0
    reach = _TAIL / precision + np.sqrt(2.0 * _TAIL / precision)
    if not weighty:
        low = np.where(a > 20.0, np.maximum(low, mode - 2.0 * reach), low)
    high = np.where(a <= 1.0, np.log(np.expm1(np.minimum(_TAIL / b, 700.0))), mode + reach)
    # and above, where p = 1 to the last bit, the kernel is an exact exponential too
    high = np.minimum(high, 38.0 + np.log(np.maximum(s, np.maximum(a, 1.0))))
    return low, np.maximum(high, low + 1.0), step


def _trapezoid(
    rows: tuple[Floats, Floats, Floats],
    a: Shape,
    grid: tuple[Floats, Floats, int],
    value: Value,
) -> Floats:
    """Return the mean of `value` under the kernel p^a (1-p)^b dy."""
    s, u, b = rows
    low, step, nodes = grid
    y = low[:, None] + step[:, None] * np.arange(nodes)
    log_1p = -np.logaddexp(0.0, y)
    kernel = _beside(a) * (y + log_1p) + b[:, None] * log_1p
    kernel = np.exp(kernel - kernel.max(axis=1, keepdims=True))
    log_p = y + log_1p
    p = np.exp(log_p)
    at = value(s[:, None], p, np.log1p(p * u[:, None]))
    below = kernel[:, 0] / np.expm1(a * step)
    above = kernel[:, -1] / np.expm1(b * step)
    weight = kernel.sum(axis=1) + below + above
    mean: Floats = (kernel * at).sum(axis=1) + below * at[:, 0] + above * at[:, -1]
    mean /= weight
    return mean
