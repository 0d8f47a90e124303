"""Array kernels of discounting: when to evaluate expected purchases, and with what weight."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, exp, log1p
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer[Any]]

_YEAR = 365.25


@lru_cache(maxsize=64)
def discount_nodes(
    horizon_days: float, annual_discount_rate: float
) -> tuple[tuple[float, float], ...]:
    """Return (day, weight) pairs so that sum of weight * E(day) discounts purchases when they come.

    With E(t) purchases expected within t and force of interest g = ln(1 + rate) / year, by parts:
    int exp(-g t) dE(t) = exp(-g H) E(H) + g int_0^H exp(-g t) E(t) dt. The integrand is smooth and
    its weight small, so a few Gauss-Legendre nodes do what hundreds of monthly steps would.
    """
    force = log1p(annual_discount_rate) / _YEAR
    end = (horizon_days, exp(-force * horizon_days))
    if force == 0.0:
        return (end,)
    nodes, weights = np.polynomial.legendre.leggauss(min(2 + ceil(horizon_days / _YEAR), 16))
    days = (nodes + 1.0) / 2.0 * horizon_days
    shares = weights / 2.0 * horizon_days * force * np.exp(-force * days)
    return (*((float(day), float(share)) for day, share in zip(days, shares, strict=True)), end)


def distinct_histories(
    occasions: IntArray, first: IntArray, last: IntArray
) -> tuple[IntArray, IntArray]:
    """Return one position per distinct (occasions, first, last), and where each row is there."""
    key = np.zeros(occasions.size, dtype=np.int64)
    bits = 0
    for column in (last, first, occasions):
        low = int(column.min())
        width = (int(column.max()) - low).bit_length()
        bits += width
        if bits > 62:  # does not fit into one integer: every row is its own
            rows = np.arange(occasions.size)
            return rows, rows
        key <<= width
        key |= column.astype(np.int64) - low
    _, positions, places = np.unique(key, return_index=True, return_inverse=True)
    return positions, places
