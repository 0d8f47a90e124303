"""Arrays in, arrays out: whether those said to rise rise more often than their like."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class RiskRatio(NamedTuple):
    """A pooled ratio of two shares and its bounds; NaN where it is not defined."""

    ratio: float
    lower: float
    upper: float


def quantile_cells(value: Floats, group: Ints, cells: int) -> Ints:
    """Return which of `cells` equal parts of its group each value lies in; ties stay together."""
    part = np.zeros(value.size, dtype=np.int64)
    for one in np.unique(group):
        inside = np.flatnonzero(group == one)
        ordered = np.sort(value[inside])
        below = np.searchsorted(ordered, value[inside], side="left")
        part[inside] = below * cells // inside.size
    return group * cells + part


def pooled_risk_ratio(cell: Ints, said: Bools, hit: Bools, z: float) -> RiskRatio:
    """Return the Mantel-Haenszel ratio of the shares hit among said and not said, over cells.

    With the variance of Greenland and Robins (1985) on the log scale; cells where all are said, or
    none, tell nothing.
    """
    size = int(cell.max(initial=-1)) + 1
    n1 = np.bincount(cell, weights=said, minlength=size)
    n0 = np.bincount(cell, weights=~said, minlength=size)
    a = np.bincount(cell, weights=said & hit, minlength=size)
    c = np.bincount(cell, weights=~said & hit, minlength=size)
    n = np.maximum(n1 + n0, 1.0)
    top, bottom = float((a * n0 / n).sum()), float((c * n1 / n).sum())
    if top <= 0.0 or bottom <= 0.0:
        return RiskRatio(np.nan, np.nan, np.nan)
    spread = float((((a + c) * n1 * n0 - a * c * n) / (n * n)).sum())
    error = np.sqrt(max(spread, 0.0) / (top * bottom))
    ratio = top / bottom
    return RiskRatio(ratio, ratio * float(np.exp(-z * error)), ratio * float(np.exp(z * error)))
