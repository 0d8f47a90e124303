"""Whole cents shared out in proportion: arrays in, arrays out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def apportion(
    cents: int, weights: FloatArray, order: npt.NDArray[np.integer[Any]]
) -> npt.NDArray[np.int64]:
    """Return whole parts of `cents` in proportion to `weights` that add up to it exactly.

    Largest remainders: each part is rounded down and the cents left go one each to the largest
    fractions, equal ones in `order`. No part is a cent or more off its exact value.
    """
    total = float(weights.sum())
    if cents == 0 or not total > 0.0:
        return np.zeros(weights.size, dtype=np.int64)
    exact = weights * (cents / total)
    parts = np.floor(exact).astype(np.int64)
    left = cents - int(parts.sum())
    # Rounding in `exact` may leave more or fewer cents than parts: hand out, or take back.
    step = 1 if left > 0 else -1
    rank = np.lexsort((order, -step * (exact - parts)))
    takers = rank[weights[rank] > 0]
    parts[takers[: abs(left)]] += step
    return parts
