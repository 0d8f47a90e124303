"""BG/NBD and MBG/NBD with covariates: log-likelihood of rows with parameters of their own.

The formulas are those of `_kernel_beta_geometric`; there the parameters are common to all rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from retainkit.lifetime._kernel_newton import Evaluation, inner
from retainkit.lifetime.covariates._kernel_covariates import (
    PAIRS,
    Design,
    Floats,
    Ints,
    Sums,
    Terms,
    add_terms,
    chain,
    cut,
    empty_sums,
    scales_of,
)
from retainkit.lifetime.models._kernel_nbd import count_at_least, count_part

_BLOCK = 8192
_AA, _AB, _BB = PAIRS.index((2, 2)), PAIRS.index((2, 3)), PAIRS.index((3, 3))


class Chances(NamedTuple):
    """Chances to drop out that customers of each profile survived, profiles ascending."""

    j: Floats
    """Chances survived before."""
    w: Floats
    """Total weight of those who had more than j."""
    profile: Ints


class BetaGeometricRows(NamedTuple):
    """Distinct rows in ascending order of profile, and chances to drop out by profile."""

    x: Floats
    t: Floats
    T: Floats
    w: Floats
    profile: Ints
    design: Design
    first: float
    """Chances to drop out before any repeat purchase: 0 in BG/NBD, 1 in MBG/NBD."""
    at_least: Floats
    """Total weight with frequency >= j."""
    chances: Chances


def prepare(
    x: Floats, t: Floats, T: Floats, w: Floats, profile: Ints, design: Design, *, first: float
) -> BetaGeometricRows:
    """Count customers by frequency, and by profile and chances to drop out."""
    chances = _count_chances(x + first, w, profile)
    return BetaGeometricRows(x, t, T, w, profile, design, first, count_at_least(x, w), chances)


def _count_chances(chances: Floats, w: Floats, profile: Ints) -> Chances:
    """Count those with more than j chances, for every j below the most of their profile."""
    starts = np.flatnonzero(np.diff(profile, prepend=-1))
    most = np.maximum.reduceat(chances, starts).astype(np.int64)
    # one slot for each number of chances of each profile, the highest first
    ends = np.cumsum(most + 1)
    group = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(profile)))
    counts = np.bincount(ends[group] - 1 - chances.astype(np.int64), weights=w, minlength=ends[-1])
    if not np.array_equal(w, np.rint(w)):
        # fractions: differences of running totals lose digits
        counts = counts.astype(np.longdouble)
    running = np.cumsum(counts)
    before = np.concatenate([[0.0], running[ends[:-1] - 1]])
    owner = np.repeat(np.arange(len(starts)), most + 1)
    beyond = (running - before[owner]).astype(np.float64)
    chance = (ends[owner] - 1 - np.arange(len(owner))).astype(np.float64)
    keep = chance > 0.0
    return Chances(chance[keep] - 1.0, beyond[keep], profile[starts][owner[keep]])


def evaluate(theta: Floats, data: BetaGeometricRows) -> Evaluation:
    """Return the total log-likelihood and its derivatives in (log(r, alpha, a, b), effects)."""
    scales, sums = scales_of(theta, data.design), empty_sums(data.design)
    r = float(np.exp(theta[0]))
    count = count_part(r, data.at_least)
    value = count.value
    for rows in cut(len(data.x), _BLOCK):
        own = scales[1:, data.profile[rows]]
        x, t, T, w = (column[rows] for column in (data.x, data.t, data.T, data.w))
        terms = _row_terms(r, own, x, t, T, w, data.first)
        value += terms.value
        add_terms(sums, terms, data.profile[rows])
    for rows in cut(len(data.chances.j), _BLOCK):
        j, w, own_profile = data.chances
        value += _add_survival(sums, scales, Chances(j[rows], w[rows], own_profile[rows]))
    at = chain(value, sums, data.design)
    at.gradient[0] += count.gradient[0]
    at.hessian[0, 0] += count.hessian[0, 0]
    return at


def _add_survival(sums: Sums, scales: Floats, chances: Chances) -> float:
    """Add - log(1 + a / (b+j)) for each chance survived; return its sum."""
    j, w, profile = chances
    a, b = scales[2, profile], scales[3, profile]
    bj = b + j
    lost, kept, turn = a / (a + bj), bj / (a + bj), b / bj
    starts = np.flatnonzero(np.diff(profile, prepend=-1))
    at = profile[starts]
    lost *= w
    by_b = lost * turn
    sums.gradient[2, at] -= np.add.reduceat(lost, starts)
    sums.gradient[3, at] += np.add.reduceat(by_b, starts)
    sums.hessian[_AA, at] -= np.add.reduceat(lost * kept, starts)
    sums.hessian[_AB, at] += np.add.reduceat(by_b * kept, starts)
    sums.hessian[_BB, at] += np.add.reduceat(by_b * (1.0 - turn - b / (a + bj)), starts)
    return -inner(w, np.log1p(a / bj))


def _row_terms(
    r: float, own: Floats, x: Floats, t: Floats, T: Floats, w: Floats, first: float
) -> Terms:
    """Return - x log(alpha+T) - r log(1+T/alpha) + log(1 + e^d), as in `_kernel_beta_geometric`."""
    alpha, a, b = own
    R = r + x
    share, quiet = T / (alpha + T), np.log1p(T / alpha)
    # the chance of having dropped out right after the last purchase
    risky = x + first > 0.0
    kept = np.where(risky, b + (x + (first - 1.0)), 1.0)
    ratio = np.log1p((T - t) / (alpha + t))
    d = np.where(risky, np.log(a) - np.log(kept) + R * ratio, -np.inf)
    dead = expit(d)
    spread = dead * (1.0 - dead)
    slope_ratio = -alpha * (T - t) / ((alpha + T) * (alpha + t))
    share_b = np.where(risky, b / kept, 0.0)
    slopes = (r * ratio, R * slope_ratio, np.ones_like(x), -share_b)
    gradient = np.stack([dead * slope for slope in slopes])
    hessian = np.stack([spread * slopes[i] * slopes[j] for i, j in PAIRS])
    gradient[0] -= r * quiet
    gradient[1] += r * share - x * (1.0 - share)
    bend_ratio = slope_ratio * (1.0 - alpha / (alpha + T) - alpha / (alpha + t))
    hessian[PAIRS.index((0, 0))] += dead * slopes[0] - r * quiet
    hessian[PAIRS.index((0, 1))] += dead * r * slope_ratio + r * share
    hessian[PAIRS.index((1, 1))] += dead * R * bend_ratio - R * share * (1.0 - share)
    hessian[_BB] -= dead * share_b * (1.0 - share_b)
    value = -inner(w * x, np.log(alpha + T)) - r * inner(w, quiet)
    value += inner(w, np.logaddexp(0.0, d))
    return Terms(value, gradient * w, hessian * w)
