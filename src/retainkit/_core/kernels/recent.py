"""Purchases and money in the days before a customer's last purchase: arrays in, arrays out.

Counted back from the *own last purchase*, these curves do not depend on the day one looks: what
falls into the last L days before any later day is read off at L minus the silence.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.sums import SumGrid, exact_sums

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int16]
Money = npt.NDArray[np.float32]

GRID = (0, 7, 15, 30, 61, 122, 243, 487)
"""Days before the last purchase at which the curves are known, that day included [day]."""

_NODES = np.array(GRID, dtype=np.float64)
_INNER = _NODES[1:-1]
_STEPS = np.diff(_NODES)
_FEW = 1 << 17
"""Customers up to which all places of their curves are summed at once: memory for time."""


def recent_counts(codes: IntArray, ages: IntArray, n: int) -> Counts:
    """Return how many purchase days each customer has within `GRID` days before the last one.

    `codes` and `ages` are one per distinct purchase day; an age is its distance from the last
    one [day].
    """
    counts = np.zeros((n, len(GRID)), dtype=np.int16)
    near = ages <= GRID[-1]
    slots = np.searchsorted(_NODES, ages[near])
    slots += codes[near].astype(np.intp) * len(GRID)
    np.add.at(counts.reshape(-1), slots, np.int16(1))
    np.cumsum(counts, axis=1, out=counts)
    return counts


def recent_money(codes: IntArray, ages: IntArray, amounts: FloatArray, n: int) -> Money:
    """Return each customer's money within `GRID` days before the last purchase, returns netted.

    One entry per row. A return after the last purchase (a negative age) counts on that day. Sums
    do not depend on the order of rows.
    """
    slot = np.searchsorted(_NODES, np.maximum(ages, 0)).astype(np.int8)
    grid = SumGrid.covering(codes, amounts, n, None)
    if n <= _FEW:
        cells = codes.astype(np.intp) * len(GRID) + slot
        near = slot < len(GRID)
        parts = exact_sums(cells, amounts, n * len(GRID), keep=near, grid=grid)
        return np.cumsum(parts.reshape(n, len(GRID)), axis=1).astype(np.float32)
    money = np.empty((n, len(GRID)), dtype=np.float32)
    running = np.zeros(n)
    for place in range(len(GRID)):
        running += exact_sums(codes, amounts, n, keep=slot == place, grid=grid)
        money[:, place] = running
    return money


class Spot(NamedTuple):
    """Where curves are read: a node, the share of the way to the next, and who is out of reach."""

    left: IntArray
    """Position of the node in all curves laid end to end."""
    share: FloatArray
    before: BoolArray
    """Days below 0: nothing."""
    beyond: BoolArray | None
    """Days beyond the last node, towards the first purchase; None where nobody is."""


def find_spot(span: FloatArray, days: FloatArray) -> Spot:
    """Return where curves are read at `days` before the last purchase; `span` reaches the first.

    `days` of shape (k, n) reads k places of each curve.
    """
    left = np.searchsorted(_INNER, days, side="right")
    share = (days - _NODES.take(left)) / _STEPS.take(left)
    left += np.arange(days.shape[-1]) * len(GRID)
    beyond = days > GRID[-1]
    if not beyond.any():
        return Spot(left, share, days < 0.0, None)
    to_first = (days - GRID[-1]) / np.maximum(span - GRID[-1], 1.0)
    share = np.where(beyond, np.minimum(to_first, 1.0), share)
    return Spot(left, share, days < 0.0, beyond)


def nodes_around(days: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the days at or before and after each at which curves are known; infinite past all."""
    place = np.searchsorted(_NODES, days, side="right")
    nodes = np.append(_NODES, np.inf)
    return np.where(place > 0, nodes[place - 1], days), np.where(place > 0, nodes[place], days)


def read_curve(curve: npt.NDArray[Any], total: FloatArray, spot: Spot) -> FloatArray:
    """Read a curve, linearly between its nodes; beyond the last one it rises to `total`."""
    heights = curve.reshape(-1)
    y0 = heights.take(spot.left).astype(np.float64)
    y1 = heights.take(spot.left + 1).astype(np.float64)
    if spot.beyond is not None:
        y0, y1 = np.where(spot.beyond, y1, y0), np.where(spot.beyond, total, y1)
    y0 += spot.share * (y1 - y0)
    y0[spot.before] = 0.0
    return y0
