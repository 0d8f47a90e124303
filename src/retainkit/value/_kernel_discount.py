"""Array kernels of discounting: when to evaluate expected purchases, and with what weight."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, exp, log1p, log2
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer[Any]]

_YEAR = 365.25
_ONE_PANEL = 10.0
"""Horizon up to which one panel of nodes does [year]."""
_FIRST_PANEL = 60.0
"""Length of the first of several panels, at most [day]."""
_PANEL_NODES = 10
_FADED = 45.0
"""Discount exponent beyond which the future is worth nothing: e^-45 = 3e-20."""


@lru_cache(maxsize=64)
def discount_nodes(
    horizon_days: float, annual_discount_rate: float
) -> tuple[tuple[float, float], ...]:
    """Return (day, weight) pairs so that sum of weight * E(day) discounts purchases when they come.

    With E(t) purchases expected within t and force of interest g = ln(1 + rate) / year, by parts:
    int exp(-g t) dE(t) = exp(-g H) E(H) + g int_0^H exp(-g t) E(t) dt. The integrand is smooth and
    its weight small, so within ten years a few Gauss-Legendre nodes do what hundreds of monthly
    steps would. Beyond, panels that double in length take `_PANEL_NODES` each, up to where the
    discount has left nothing.
    """
    force = log1p(annual_discount_rate) / _YEAR
    if force == 0.0:
        return ((horizon_days, 1.0),)
    end = min(horizon_days, _FADED / force)
    if end <= _ONE_PANEL * _YEAR:
        edges, count = np.array([0.0, end]), 2 + ceil(end / _YEAR)
    else:
        doublings = ceil(log2(end / _FIRST_PANEL))
        edges = np.concatenate([[0.0], end * 2.0 ** -np.arange(float(doublings), -1.0, -1.0)])
        count = _PANEL_NODES
    nodes, weights = np.polynomial.legendre.leggauss(count)
    widths = np.diff(edges)[:, None]
    days = (edges[:-1, None] + (nodes + 1.0) / 2.0 * widths).ravel()
    shares = (weights / 2.0 * widths).ravel() * force * np.exp(-force * days)
    pairs = zip(days.tolist(), shares.tolist(), strict=True)
    return (*pairs, (end, exp(-force * end)))


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
