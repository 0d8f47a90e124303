"""Arithmetic of a customer's rhythm and of ordered rules, on arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.sums import exact_sum

Float = npt.NDArray[np.float64]


def usual_gap(occasions: Float, recency: Float) -> tuple[float, int]:
    """Return the mean over repeat customers of the own mean gap, and how many they are."""
    repeats = (occasions > 1) & (recency > 0)
    n = int(repeats.sum())
    if not n:
        return np.nan, 0
    return exact_sum(recency[repeats] / (occasions[repeats] - 1.0)) / n, n


def mixed_gap(gaps: Float, length: Float, usual: float, prior_gaps: float) -> Float:
    """Return the mean of `gaps` own gaps that take `length` and `prior_gaps` usual ones.

    No own gap and no prior gap leave the usual one; NaN where nothing is known.
    """
    weight = prior_gaps if usual == usual else 0.0
    known = weight * usual if weight else 0.0
    weights = np.maximum(gaps, 0.0)
    weights += weight
    mixed = np.full(gaps.size, usual)
    np.divide(length + known, weights, out=mixed, where=weights > 0)
    return mixed


def first_rule(rules: Sequence[npt.NDArray[np.bool_] | None], n: int) -> npt.NDArray[np.int8]:
    """Return the position of the first rule that holds, or behind the last; None holds nowhere."""
    codes = np.full(n, len(rules), dtype=np.int8)
    for code in range(len(rules) - 1, -1, -1):
        rule = rules[code]
        if rule is not None:
            codes[rule] = code
    return codes
