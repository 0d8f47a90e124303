"""Aalen-Johansen curves, their variances and their bands."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
_Int = npt.NDArray[np.integer[Any]]


class Counts(NamedTuple):
    """What happened at each distinct time: `m` times, `k` causes."""

    time: Float
    at_risk: Float
    censored: Float
    events: Float
    """Shape (m, k): losses per cause, in parts where the cause is shared."""
    squares: Float
    """Shape (m, k): sums of the squared shares; equal to `events` where causes are whole."""


def count_events(
    time: Float,
    place: _Int,
    entry_time: Float | None,
    cause: _Int,
    shares: Float | None,
    *,
    causes: int,
) -> Counts:
    """Count customers at risk and losses per time of a grid; `place` is each exit's place on it.

    `cause` is -1 where the customer was still there. An entry at 0 is an entry from the origin:
    the customer is at risk at time 0 too; a later entry puts it at risk after that time only.
    """
    m = len(time)
    leaves = np.bincount(place, minlength=m)
    at_risk = np.cumsum(leaves[::-1])[::-1].astype(np.float64)
    if entry_time is not None:
        late = np.sort(entry_time[entry_time > 0.0])
        at_risk -= len(late) - np.searchsorted(late, time, side="left")
    gone = np.flatnonzero(cause >= 0)
    at = place[gone]
    if shares is None:
        flat = np.bincount(at * causes + cause[gone], minlength=m * causes)
        events = flat.reshape(m, causes).astype(np.float64)
        squares = events
    else:
        own = shares[gone]
        events = np.column_stack([np.bincount(at, own[:, j], m) for j in range(causes)])
        squares = np.column_stack([np.bincount(at, own[:, j] ** 2, m) for j in range(causes)])
    lost = np.bincount(at, minlength=m)
    return Counts(time, at_risk, (leaves - lost).astype(np.float64), events, squares)


def distinct_times(time: Float) -> tuple[Float, npt.NDArray[np.int64]]:
    """Return the distinct times in order and the place of each; whole numbers without a sort."""
    if len(time):
        top = float(time.max())
        if top < 4.0 * len(time) + 1024.0:
            whole = time.astype(np.int64)
            if np.array_equal(whole, time):
                seen = np.bincount(whole) > 0
                return np.flatnonzero(seen).astype(np.float64), (np.cumsum(seen) - 1)[whole]
    order = np.argsort(time)
    ordered = time[order]
    fresh = np.append(True, ordered[1:] != ordered[:-1])[: len(time)]
    place = np.empty(len(time), dtype=np.int64)
    place[order] = np.cumsum(fresh) - 1
    return ordered[fresh].astype(np.float64), place


class Hazards(NamedTuple):
    """Hazards per time, and what their variances need."""

    at_risk: Float
    before: Float
    """Survival just before each time, S(u-)."""
    survival: Float
    total: Float
    by_cause: Float
    """Shape (m, k)."""
    squares: Float
    """Shape (m, k): sums of squared shares."""

    @property
    def variance(self) -> Float:
        """Shape (m, k): Var(h_k) = (q_k / Y - h_k**2) / Y."""
        n = np.maximum(self.at_risk, 1e-300)[:, None]
        return np.maximum(self.squares / n - self.by_cause**2, 0.0) / n


def hazards(counts: Counts) -> Hazards:
    """Return h_k = d_k / Y and S = prod(1 - h)."""
    n = np.maximum(counts.at_risk, 1e-300)[:, None]
    by_cause = counts.events / n
    total = np.minimum(by_cause.sum(axis=1), 1.0)
    survival = np.cumprod(1.0 - total)
    before = np.append(1.0, survival)[:-1]
    return Hazards(counts.at_risk, before, survival, total, by_cause, counts.squares)


def incidences(h: Hazards) -> Float:
    """Return F_k(u) = sum of S(u-) h_k(u), shape (m, k)."""
    return np.cumsum(h.before[:, None] * h.by_cause, axis=0)


def _ratio(h: Hazards) -> Float:
    """Return h / (Y (1 - h)): the Greenwood term; 0 where nobody stayed, as nothing follows."""
    stays = 1.0 - h.total
    safe = np.where(stays > 0.0, h.at_risk * stays, 1.0)
    return np.where(stays > 0.0, h.total / safe, 0.0)


def incidence_variances(h: Hazards, incidence: Float) -> Float:
    """Return the delta-method variance of each F_k(t), shape (m, k), in linear time.

    The double sum over (F(t) - F(u)) is expanded into cumulative sums. With whole causes it is
    the estimator of Gaynor et al. (1993) and Marubini & Valsecchi (1995).
    """
    greenwood = _ratio(h)[:, None]
    f = incidence
    v = f**2 * np.cumsum(greenwood, axis=0)
    v -= 2.0 * f * np.cumsum(f * greenwood, axis=0)
    v += np.cumsum(f**2 * greenwood, axis=0)
    v += np.cumsum(h.before[:, None] ** 2 * h.variance, axis=0)
    shared = h.before[:, None] * h.by_cause / np.maximum(h.at_risk, 1e-300)[:, None]
    v -= 2.0 * f * np.cumsum(shared, axis=0)
    v += 2.0 * np.cumsum(f * shared, axis=0)
    return np.maximum(v, 0.0)


class Functional(NamedTuple):
    """Derivatives of a number with respect to one cause's hazard and to the total hazard."""

    by_cause: Float
    total: Float


def covariance(h: Hazards, k: int, one: Functional, two: Functional) -> float:
    """Return the delta-method covariance of two functionals of the same hazards."""
    n = np.maximum(h.at_risk, 1e-300)
    whole = h.total * (1.0 - h.total) / n
    mixed = h.by_cause[:, k] * (1.0 - h.total) / n
    terms = one.by_cause * two.by_cause * h.variance[:, k] + one.total * two.total * whole
    terms += (one.by_cause * two.total + one.total * two.by_cause) * mixed
    return float(terms.sum())


def _through_survival(h: Hazards, pieces: Float) -> Float:
    """Return the derivative of sum(pieces) with respect to h(u): all that follows u shrinks."""
    after = np.cumsum(pieces[::-1])[::-1] - pieces
    stays = 1.0 - h.total
    return np.where(stays > 0.0, -after / np.where(stays > 0.0, stays, 1.0), 0.0)


def time_lost(time: Float, h: Hazards, k: int, horizon: float) -> tuple[float, Functional]:
    """Return the area under F_k up to the horizon, and its derivatives."""
    left = np.maximum(horizon - time, 0.0)
    pieces = left * h.before * h.by_cause[:, k]
    return float(pieces.sum()), Functional(left * h.before, _through_survival(h, pieces))


def subdistribution_score(h: Hazards, k: int, weight: Float) -> tuple[float, Functional]:
    """Return the sum of weight(u) dF_k(u) / (1 - F_k(u-)), and its derivatives."""
    jumps = h.before * h.by_cause[:, k]
    reached = np.cumsum(jumps)
    not_yet = 1.0 - np.append(0.0, reached)[:-1]
    safe = np.where(not_yet > 0.0, not_yet, 1.0)
    gain = np.where(not_yet > 0.0, weight / safe, 0.0)
    steep = gain * jumps / safe
    follows = np.cumsum(steep[::-1])[::-1] - steep
    rise = steep * (reached - jumps)
    behind = np.cumsum(rise[::-1])[::-1] - rise
    stays = 1.0 - h.total
    safe_stays = np.where(stays > 0.0, stays, 1.0)
    back = np.where(stays > 0.0, -(behind - reached * follows) / safe_stays, 0.0)
    total = _through_survival(h, gain * jumps) + back
    return float((gain * jumps).sum()), Functional(h.before * (gain + follows), total)


def gray_risk(h: Hazards, k: int) -> Float:
    """Return Gray's risk set R(u) = Y(u) (1 - F_k(u-)) / S(u-)."""
    reached = np.append(0.0, np.cumsum(h.before * h.by_cause[:, k]))[:-1]
    safe = np.where(h.before > 0.0, h.before, 1.0)
    return np.where(h.before > 0.0, h.at_risk * (1.0 - reached) / safe, 0.0)


_CELLS = 2_000_000
"""Normal numbers drawn at a time."""


def greatest_ratios(
    h: Hazards,
    incidence: Float,
    k: int,
    *,
    deviation: Float,
    inside: npt.NDArray[np.bool_],
    draws: int,
    rng: np.random.Generator,
) -> Float:
    """Return, per draw, the greatest of |W(t)| / deviation(t) over the times `inside`.

    W is the limit of F_k - its truth: at each time u the hazard of the cause and the total hazard
    err by normal numbers of their own variances and covariance, independent between times, and
    F_k(t) errs by S(u-) times the first less (F_k(t) - F_k(u)) / (1 - h(u)) times the second.
    """
    rows = np.flatnonzero(h.total > 0.0)
    f, stays, n = incidence[rows, k], 1.0 - h.total[rows], h.at_risk[rows]
    own = h.variance[rows, k]
    mixed = h.by_cause[rows, k] * stays / n
    slope = np.divide(mixed, own, out=np.zeros_like(own), where=own > 0.0)
    rest = np.sqrt(np.maximum(h.total[rows] * stays / n - slope * mixed, 0.0))
    through = np.divide(1.0, stays, out=np.zeros_like(stays), where=stays > 0.0)
    kept = np.flatnonzero(inside[rows])
    scale = 1.0 / deviation[rows[kept]]
    block = max(1, min(draws, _CELLS // max(len(rows), 1)))
    out = np.empty(draws)
    for first in range(0, draws, block):
        size = min(block, draws - first)
        cause = rng.standard_normal((size, len(rows))) * np.sqrt(own)
        whole = (slope * cause + rest * rng.standard_normal((size, len(rows)))) * through
        stray = np.cumsum(h.before[rows] * cause + f * whole, axis=1)
        stray -= f * np.cumsum(whole, axis=1)
        out[first : first + size] = np.abs(stray[:, kept] * scale).max(axis=1, initial=0.0)
    return out
