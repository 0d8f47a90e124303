"""Arithmetic of crossed dimensions: cells and the association of two of them, on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int16]


class Association(NamedTuple):
    """How two dimensions go together; NaN where one of them does not vary."""

    n: int
    chi_square: float
    degrees_of_freedom: int
    p_value: float
    cramers_v: float
    mutual_information: float
    normalised_information: float
    small_expected: float


def cell_numbers(codes: Sequence[Codes], sizes: Sequence[int]) -> Int:
    """Return the number of each customer's cell; codes of -1 take the last place of their axis."""
    places = [np.where(code < 0, size - 1, code) for code, size in zip(codes, sizes, strict=True)]
    return np.ravel_multi_index(tuple(places), tuple(sizes)).astype(np.int64)


def associate(table: Int) -> Association:
    """Return chi-square, Cramer's V and mutual information [bit] of a table of counts."""
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n, (rows, columns) = int(table.sum()), table.shape
    if n == 0 or rows < 2 or columns < 2:
        nan = float("nan")
        return Association(n, nan, 0, nan, nan, nan, nan, nan)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    chi_square = float(((table - expected) ** 2 / expected).sum())
    freedom = (rows - 1) * (columns - 1)
    shares = table / n
    information = float((special.xlogy(shares, table / expected)).sum() / np.log(2.0))
    least = min(_entropy(shares.sum(axis=1)), _entropy(shares.sum(axis=0)))
    return Association(
        n=n,
        chi_square=chi_square,
        degrees_of_freedom=freedom,
        p_value=float(special.chdtrc(freedom, chi_square)),
        cramers_v=float(np.sqrt(chi_square / (n * (min(rows, columns) - 1)))),
        mutual_information=max(information, 0.0),
        normalised_information=max(information, 0.0) / least,
        small_expected=float((expected < 5).mean()),
    )


def _entropy(shares: Float) -> float:
    """Return the entropy of shares [bit]."""
    return float(special.entr(shares).sum() / np.log(2.0))
