"""One metric in several cells, and the exact sums that fill them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.metrics._kernel import order_free_sums
from retainkit.metrics._value import REASONS
from retainkit.typing import FloatArray, IntArray

NO_REASON = -1


class Cells(NamedTuple):
    """One metric in several cells: the whole base first, then each group."""

    value: FloatArray
    numerator: FloatArray
    denominator: FloatArray
    n: npt.NDArray[np.int64]
    lower: FloatArray
    upper: FloatArray
    reason: npt.NDArray[np.int8]


class Groups(NamedTuple):
    """A group per customer and how many groups there are."""

    codes: IntArray
    size: int


def sums(terms: npt.NDArray[Any], groups: Groups) -> FloatArray:
    """Return the sum of per-customer terms over everybody, then over each group."""
    if terms.dtype.kind == "f":
        counts = terms != 0.0
        everybody = np.zeros(len(terms), dtype=np.int8)
        overall = order_free_sums(terms, everybody, 1, keep=counts)
        if groups.size == 0:
            return overall
        grouped = order_free_sums(terms, groups.codes, groups.size, keep=counts)
        return np.concatenate([overall, grouped])
    overall = np.array([terms.sum()], dtype=np.float64)
    if groups.size == 0:
        return overall
    if terms.dtype.kind == "b":
        by_group = np.bincount(groups.codes[terms], minlength=groups.size)
        return np.concatenate([overall, by_group])
    return np.concatenate([overall, np.bincount(groups.codes, terms, minlength=groups.size)])


def undefined_where(
    numerator: FloatArray, denominator: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.int8]]:
    """Return numerator / denominator, NaN with a reason where the denominator is 0."""
    reason = np.full(len(denominator), NO_REASON, dtype=np.int8)
    reason[denominator == 0] = REASONS.index("zero_denominator")
    value = np.full(len(denominator), np.nan)
    return np.divide(numerator, denominator, out=value, where=denominator != 0), reason
