"""Purchases and money in the days before a customer's last purchase: arrays in, arrays out.

Counted back from the *own last purchase*, these curves do not depend on the day one looks: what
falls into the last L days before any later day is read off at L minus the silence.
"""

from __future__ import annotations

from typing import Any

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
    money = np.empty((n, len(GRID)), dtype=np.float32)
    running = np.zeros(n)
    for place in range(len(GRID)):
        running += exact_sums(codes, amounts, n, keep=slot == place, grid=grid)
        money[:, place] = running
    return money


def within(curve: npt.NDArray[Any], total: FloatArray, span: FloatArray, days: FloatArray) -> Any:
    """Read a curve at `days` before the last purchase, linearly between its nodes; 0 below 0.

    Beyond the last node it rises to `total`, which is reached at `span`, the first purchase.
    """
    right = np.clip(np.searchsorted(_NODES, days, side="right"), 1, len(GRID) - 1)
    rows = np.arange(len(days))
    x0, x1 = _NODES[right - 1], _NODES[right]
    y0, y1 = curve[rows, right - 1].astype(np.float64), curve[rows, right].astype(np.float64)
    far = days > GRID[-1]
    if far.any():
        x0, y0 = np.where(far, _NODES[-1], x0), np.where(far, y1, y0)
        x1, y1 = np.where(far, np.maximum(span, _NODES[-1] + 1.0), x1), np.where(far, total, y1)
    share = np.clip((days - x0) / (x1 - x0), 0.0, 1.0)
    return np.where(days < 0.0, 0.0, y0 + share * (y1 - y0))
