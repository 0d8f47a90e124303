"""Arrays in, arrays out: how far a whole incidence curve may stray, by simulation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retainkit.churn._kernel_incidence import Float, Hazards

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
