"""Mix the chance of a sum of n purchases over n, for customers who share what it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, logit

from retainkit.lifetime import _kernel_future_value as kernel
from retainkit.lifetime._compress import CompressedHistories
from retainkit.lifetime._gamma_gamma import GammaGammaModel
from retainkit.lifetime._kernel_law import Known, take_rows
from retainkit.lifetime._predictions import PurchasePredictions
from retainkit.typing import FloatArray, IntArray

_TAIL = 1e-9
"""Probability of counts that are not looked at any more: they count as the last one that is."""
_INTERPOLATION = 1e-8
_CERTAIN = 1e-9
"""Chance below which a sum is taken as never, and above 1 less which as always, above the cut."""
_SIZES = np.unique(np.round(12.0 * 1.2 ** np.arange(41))).astype(np.int64)
_ROWS = 4096
_ELEMENTS = 1 << 20
_FEW = 48
"""Cuts up to which nodes of a grid would not save anything."""


class Asked(NamedTuple):
    """Customers: row of their history, purchases of their mean amount, log(scale / value)."""

    row: IntArray
    x: FloatArray
    z: FloatArray
    """Shape (n, k)."""


class _Grid(NamedTuple):
    """P(S_n > c) by n (rows), at all z asked for (columns) or at nodes with two derivatives."""

    tables: tuple[FloatArray, ...]
    place: IntArray | None
    """Column of each customer's z, where `tables` is exact."""
    low: float = 0.0
    step: float = 0.0


def mix_over_counts(
    model: PurchasePredictions,
    rows: CompressedHistories,
    asked: Asked,
    spend: GammaGammaModel,
    horizon: float,
) -> FloatArray:
    """Return sum_n P(N = n) P(S_n > c), shape (n, k), for customers of one x at a time."""
    found = np.empty(asked.z.shape)
    if not len(found):
        return found
    with np.errstate(all="ignore"):
        known = model._know(rows.frequency, rows.recency, rows.age)
        sizes = _sizes(known.s, known.s / known.c * horizon)
        # equal histories, and histories with about as many purchases to come, are neighbours
        order = np.lexsort((asked.row, sizes[asked.row], asked.x))
        edges = np.flatnonzero(np.diff(asked.x[order])) + 1
        for level in np.split(order, edges):
            shape = spend.q + spend.p * float(asked.x[level[0]])
            largest = int(sizes[asked.row[level[-1]]])
            z = _clipped(asked.z[level], shape, spend.p, largest)
            grid = _grid(z, shape, spend.p * np.arange(1.0, largest + 1.0))
            for part, row in _parts(asked.row[level], sizes):
                law = _count_law(known, row, horizon, int(sizes[row[-1]]))
                found[level[part]] = _chances(law, grid, asked.row[level[part]], z, part)
    return found


def _sizes(s: FloatArray, mean: FloatArray) -> IntArray:
    """Return counts enough for each history: P(N > size) <= `_TAIL` by Chernoff's bound.

    For a negative binomial N of shape s, log P(N >= n) <= -n log(n / mean) + (n + s) log((n + s) /
    (mean + s)) beyond the mean; dropout only makes large counts less likely.
    """
    size = np.full(len(s), len(_SIZES) - 1, dtype=np.int64)
    for i in range(len(_SIZES) - 2, -1, -1):
        n = float(_SIZES[i])
        bound = (n + s) * np.log((n + s) / (mean + s)) - n * np.log(n / mean)
        size[(n > mean) & ((bound <= np.log(_TAIL)) | (mean == 0.0))] = i
    return np.asarray(_SIZES[size])


def _clipped(z: FloatArray, shape: float, p: float, largest: int) -> FloatArray:
    """Return z no further out than where every sum, or none, exceeds the cut."""
    low = float(betaincinv(shape, p * largest, _CERTAIN))
    high = float(betaincinv(p, shape, _CERTAIN))
    return np.clip(z, logit(max(low, 1e-300)), -logit(max(high, 1e-300)))


def _grid(z: FloatArray, shape: float, b: FloatArray) -> _Grid:
    """Return the chances at each distinct z, or at nodes where those are fewer."""
    if z.size > _FEW and not np.isnan(z).all():
        low, high = float(np.nanmin(z)), float(np.nanmax(z))
        step = kernel.spacing(shape, float(b[-1]), _INTERPOLATION)
        nodes = low + step * np.arange(int((high - low) / step) + 2.0)
        if len(nodes) < z.size:
            tables = (kernel.above(shape, b, nodes), *kernel.slopes(shape, b, nodes))
            return _Grid(tables, None, low, step)
    values, place = np.unique(z, return_inverse=True)
    return _Grid((kernel.above(shape, b, values),), place.reshape(z.shape))


def _parts(row: IntArray, sizes: IntArray) -> Iterator[tuple[slice, IntArray]]:
    """Cut customers, in order of their history, where a table of distinct histories is full."""
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    step = int(min(_ROWS, max(1, _ELEMENTS // int(sizes[row[-1]]))))
    for i in range(0, len(starts), step):
        end = int(starts[i + step]) if i + step < len(starts) else len(row)
        yield slice(int(starts[i]), end), row[starts[i : i + step]]


def _count_law(known: Known, row: IntArray, horizon: float, size: int) -> FloatArray:
    """Return P(N = 1), ..., P(N = size), shape (m, size); the rest counts as the last one."""
    law = take_rows(known, row).count_probabilities(horizon, size + 1)
    left = 1.0 - np.cumsum(law, axis=1)
    used = int(np.count_nonzero((left > _TAIL).any(axis=0))) + 1
    law = law[:, : max(used, 2)]
    law[:, -1] += np.maximum(1.0 - law.sum(axis=1), 0.0)
    return np.ascontiguousarray(law[:, 1:])


def _chances(law: FloatArray, grid: _Grid, row: IntArray, z: FloatArray, part: slice) -> FloatArray:
    """Mix the tables by each history's law, and read each customer's z off them."""
    mixed = [law @ table[: law.shape[1]] for table in grid.tables]
    here = np.cumsum(np.diff(row, prepend=row[0]) != 0)
    if grid.place is not None:
        chance = mixed[0][here[:, None], grid.place[part]]
    else:
        several = np.repeat(here, z.shape[1])
        flat = kernel.read(
            (mixed[0], mixed[1], mixed[2]), grid.low, grid.step, several, z[part].ravel()
        )
        chance = flat.reshape(-1, z.shape[1])
    clipped: FloatArray = np.clip(chance, 0.0, 1.0)
    return clipped
