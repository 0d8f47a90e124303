"""Sums that no order of rows can change, and counts: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Int32Array = npt.NDArray[np.int32]

_LARGEST_EXACT = 2.0**900
"""Above this the grids of exact sums would overflow; no currency reaches it."""

_BLOCK = 1 << 16
"""Rows summed at a time."""


def exact_sums(
    codes: IntArray,
    amounts: FloatArray,
    n: int,
    *,
    keep: BoolArray | None = None,
    grid: SumGrid | None = None,
) -> FloatArray:
    """Return each customer's sum, the same to the last bit whatever the order of rows.

    Where the rows are a part of a base, `grid` is that of the whole: the sums then do not depend
    on how it was cut either.
    """
    grid = grid or SumGrid.covering(codes, amounts, n, keep)
    high, low = np.zeros(n), np.zeros(n)
    for rows in row_blocks(codes.size, keep):
        grid.add(codes[rows].astype(np.intp), amounts[rows], high, low)
    high += low
    return high


def exact_sum(values: FloatArray) -> float:
    """Return the sum of all values, the same to the last bit whatever their order."""
    return float(exact_sums(np.zeros(values.size, np.int8), values, 1)[0])


def row_counts(codes: IntArray, n: int, *, keep: BoolArray | None = None) -> Int32Array:
    """Return how many (kept) rows each customer has."""
    counts = np.zeros(n, dtype=np.int32)
    if n == 1:
        counts[0] = codes.size if keep is None else np.count_nonzero(keep)
        return counts
    for rows in row_blocks(codes.size, keep):
        np.add.at(counts, codes[rows].astype(np.intp), np.int32(1))
    return counts


class SumGrid(NamedTuple):
    """Two grids on which all sums are exact, so that the order of rows cannot matter.

    Plain floating-point sums change in the last bit when rows are shuffled, so that customers with
    the same purchases would not tie. Each amount is rounded to a grid coarse enough that every
    sum on it is exact, and its rest to a second, finer grid (pre-rounding). What then is dropped
    is below rows**3 * 2**-100 of the largest amount, `rows` being the most rows of one customer.

    References
    ----------
    Demmel, J. & Nguyen, H. D. (2013). Fast reproducible floating-point summation. ARITH 21.
    """

    coarse: float
    fine: float

    @classmethod
    def covering(
        cls, codes: IntArray, amounts: FloatArray, n: int, keep: BoolArray | None
    ) -> SumGrid:
        """Return the grids for these amounts; adding 1.5 * 2**52 * step rounds to a step."""
        peak = 0.0
        for rows in row_blocks(codes.size, keep):
            peak = max(peak, float(np.abs(amounts[rows]).max(initial=0.0)))
        peak = min(peak, _LARGEST_EXACT)
        bits = (2 * int(row_counts(codes, n, keep=keep).max(initial=0))).bit_length()
        step = 2.0 ** (np.frexp(peak)[1] + bits - 52)
        return cls(1.5 * 2.0**52 * step, 1.5 * 2.0**bits * step)

    def add(self, slots: IntArray, amounts: FloatArray, high: FloatArray, low: FloatArray) -> None:
        """Add the two roundings of each amount to its slot of `high` and `low`."""
        rounded = amounts + self.coarse
        rounded -= self.coarse
        _add(high, slots, rounded)
        rest = amounts - rounded
        rest += self.fine
        rest -= self.fine
        _add(low, slots, rest)


def _add(totals: FloatArray, slots: IntArray, amounts: FloatArray) -> None:
    """Add amounts on a grid to their slots: every way of adding them is exact."""
    if totals.size == 1:
        totals[0] += amounts.sum()
    else:
        np.add.at(totals, slots, amounts)


def row_blocks(size: int, keep: BoolArray | None) -> Iterator[slice | IntArray]:
    """Yield the (kept) rows, few enough at a time for temporaries to stay in cache."""
    for start in range(0, size, _BLOCK):
        rows = slice(start, start + _BLOCK)
        yield rows if keep is None else np.flatnonzero(keep[rows]) + start
