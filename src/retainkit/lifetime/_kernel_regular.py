"""MBG/CNBD-k arithmetic on arrays: purchases more regular than chance, and silent dropout.

Symbols as in Reutterer, Platzer & Schroeder (2021): a purchase takes k stages, each an exponential
wait at the customer's own rate, Gamma(r, alpha) between customers; gaps are then Erlang-k. After
every purchase, the first included, a customer may drop out, with probability Beta(a, b). k = 1 is
MBG/NBD.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from retainkit.lifetime._kernel_nbd import count_at_least
from retainkit.lifetime._kernel_newton import Evaluation, inner
from retainkit.lifetime._kernel_regular_ahead import Alive

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BLOCK = 8192
"""Rows worked on at once: their intermediate arrays stay in the processor's cache."""


class RegularData(NamedTuple):
    """Distinct histories with weights, in blocks, and counts of customers by frequency."""

    blocks: tuple[tuple[Floats, Floats, Floats, Floats], ...]
    at_least: Floats
    stages: int


def prepare(x: Floats, t: Floats, T: Floats, w: Floats, *, stages: int) -> RegularData:
    """Cut the histories into blocks; terms in x alone become sums over j."""
    cuts = [slice(i, i + _BLOCK) for i in range(0, len(x), _BLOCK)]
    blocks = tuple((x[c], t[c], T[c], w[c]) for c in cuts)
    return RegularData(blocks, count_at_least(x, w), stages)


def evaluate(theta: Floats, data: RegularData) -> Evaluation:
    """Return the total log-likelihood and its derivatives in theta = log(r, alpha, a, b).

    Without the gaps' own factor, which the parameters do not change:
    L = B(a, b+x+1) / B(a, b) [sum_j A_j(T) + a / (b+x) A_0(t_x)], j = 0 .. k-1 stages passed, and
    A_j(u) = Gamma(r+kx+j) / (Gamma(r) j!) alpha^r (T-t_x)^j (alpha+u)^-(r+kx+j).
    """
    r, alpha, a, b = np.exp(theta).tolist()
    value, gradient, hessian = _survival(a, b, data.at_least[:-1])
    most = data.stages * (len(data.at_least) - 1)
    counts = _Counts.of(r, most)
    for x, t, T, w in data.blocks:
        part = _mixture(counts, (r, alpha, a, b), (x, t, T, w), data.stages)
        value += part.value
        gradient += part.gradient
        hessian += part.hessian
    return Evaluation(value, gradient, hessian)


class _Counts(NamedTuple):
    """log[Gamma(r+n) / Gamma(r)] for n = 0, 1, ..., and its derivatives in log r."""

    value: Floats
    slope: Floats
    bend: Floats

    @classmethod
    def of(cls, r: float, most: int) -> _Counts:
        m = np.arange(float(most))
        steps = (np.log(r + m), r / (r + m), r * m / (r + m) ** 2)
        return cls(*(np.concatenate([[0.0], np.cumsum(step)]) for step in steps))


def _survival(a: float, b: float, n: Floats) -> Evaluation:
    """Sum log[B(a, b+x+1) / B(a, b)] = - sum_{i <= x} log(1 + a / (b+i))."""
    i: Floats = np.arange(float(len(n)))
    lost, bi = a / (a + b + i), b + i
    kept, turn = bi / (a + bi), b / bi
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    gradient[2:] = -inner(n, lost), inner(n, lost * turn)
    cross = inner(n, lost * kept * turn)
    bend = inner(n, lost * turn * (1.0 - turn - b / (a + bi)))
    hessian[2:, 2:] = ((-inner(n, lost * kept), cross), (cross, bend))
    return Evaluation(-inner(n, np.log1p(a / bi)), gradient, hessian)


def _mixture(
    counts: _Counts,
    parameters: tuple[float, float, float, float],
    rows: tuple[Floats, Floats, Floats, Floats],
    stages: int,
) -> Evaluation:
    """Sum the log of the sum over the stages passed, and over having dropped out."""
    r, alpha, _, b = parameters
    x, t, T, w = rows
    logs = _log_terms(parameters, (x, t, T), counts.value, stages)
    top = logs.max(axis=0)
    shares = np.exp(logs - top)
    total = shares.sum(axis=0)
    shares /= total
    start = stages * x.astype(np.int64)
    share_b = b / (b + x)
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    mean = np.zeros((4, len(x)))
    for place, share in enumerate(shares):
        dead = place == stages
        until, n = (t, start) if dead else (T, start + place)
        part = until / (alpha + until)
        slopes = [counts.slope[n] - r * np.log1p(until / alpha), r * part - n * (1.0 - part)]
        bends = {
            (0, 0): counts.bend[n] - r * np.log1p(until / alpha),
            (0, 1): r * part,
            (1, 1): -(r + n) * part * (1.0 - part),
        }
        if dead:
            slopes += [np.ones_like(x), -share_b]
            bends[3, 3] = -share_b * (1.0 - share_b)
        ws = w * share
        for i, slope in enumerate(slopes):
            mean[i] += share * slope
            for j in range(i + 1):
                bend = bends.get((j, i), 0.0)
                hessian[i, j] += inner(ws, bend + slope * slopes[j])
    for i in range(4):
        gradient[i] = inner(w, mean[i])
        for j in range(i + 1):
            hessian[i, j] -= inner(w, mean[i] * mean[j])
            hessian[j, i] = hessian[i, j]
    return Evaluation(inner(w, top + np.log(total)), gradient, hessian)


def _log_terms(
    parameters: tuple[float | Floats, float | Floats, float | Floats, float | Floats],
    history: tuple[Floats, Floats, Floats],
    counts: Floats,
    stages: int,
) -> Floats:
    """Return the log of each A_j(T), j < k, and of a / (b+x) A_0(t_x), one row each."""
    r, alpha, a, b = parameters
    x, t, T = history
    n = stages * x.astype(np.int64)
    with np.errstate(divide="ignore"):
        silent = np.log(T - t)
    terms = np.empty((stages + 1, len(x)))
    exposed = np.log(alpha + T)
    for j in range(stages):
        terms[j] = counts[n + j] - r * np.log1p(T / alpha) - (n + j) * exposed
        if j:
            terms[j] += j * silent - float(gammaln(j + 1.0))
    terms[stages] = counts[n] - r * np.log1p(t / alpha) - n * np.log(alpha + t)
    terms[stages] += np.log(a / (b + x))
    return terms


def know(
    parameters: tuple[float, float, float, float],
    x: Floats,
    t: Floats,
    T: Floats,
    *,
    stages: int,
) -> Alive:
    """Return what histories (x, t_x, T) say under the parameters (r, alpha, a, b)."""
    r, alpha, a, b = parameters
    unknown = np.isnan(x + t + T)
    x, t, T = (np.where(unknown, 0.0, column) for column in (x, t, T))
    passed = np.arange(float(stages))[:, None]
    ratio, silent = np.log1p((T - t) / (alpha + t)), (T - t) / (alpha + T)
    shape = r + stages * x
    # A_j(T) / A_0(t_x): Gamma(s+j) / (Gamma(s) j!) silent^j ((alpha+t) / (alpha+T))^s
    grown = np.ones((stages, len(x)))
    for j in range(1, stages):
        grown[j] = grown[j - 1] * (shape + j - 1.0) / j * silent
    sums = grown.sum(axis=0)
    log_odds = np.log((b + x) / a) - shape * ratio + np.log(sums)
    alive = np.where(unknown, np.nan, 1.0 / (1.0 + np.exp(-log_odds)))
    share = grown / sums
    mean = shape + (share * passed).sum(axis=0)
    return Alive(alive, mean, stages * (alpha + T), a, b + x + 1.0, shape, share.T)
