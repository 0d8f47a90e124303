"""Array kernels of scores and margins: one customer or a million, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.sums import exact_sum

FloatArray = npt.NDArray[np.float64]
Int8Array = npt.NDArray[np.int8]


def saturate(values: FloatArray, threshold: float) -> FloatArray:
    """Return x / (x + threshold) for x > 0, else 0: in [0, 1], rising, 0.5 at the threshold."""
    gain = np.maximum(values, 0.0)
    whole = gain + threshold
    # Where x and threshold are both 0 the quotient is undefined: nothing above 0, so 0.
    np.divide(gain, whole, out=gain, where=whole > 0)
    return gain


def score_parts(
    values: Sequence[FloatArray | None],
    thresholds: Sequence[float | None],
    weights: Sequence[float],
) -> list[FloatArray | None]:
    """Return what each criterion adds to the score; NaN (or None for all) where it does not apply.

    The weights of the criteria that apply to a customer are rescaled to sum to one.
    """
    parts = [
        None if value is None or threshold is None or not weight else saturate(value, threshold)
        for value, threshold, weight in zip(values, thresholds, weights, strict=True)
    ]
    total: Any = 0.0
    for part, weight in zip(parts, weights, strict=True):
        if part is not None:
            total = total + weight * ~np.isnan(part)
    for part, weight in zip(parts, weights, strict=True):
        if part is not None:
            with np.errstate(divide="ignore"):
                part *= weight / total
    return parts


def add_parts(parts: Sequence[FloatArray | None], n: int) -> FloatArray:
    """Return the parts' sum from first to last; NaN where no criterion applies."""
    score = np.zeros(n)
    scored = np.zeros(n, dtype=np.bool_)
    for part in parts:
        if part is not None:
            known = ~np.isnan(part)
            np.add(score, part, out=score, where=known)
            scored |= known
    score[~scored] = np.nan
    return score


def yearly_contribution(
    contribution: FloatArray, age_years: FloatArray, min_years: float
) -> FloatArray:
    """Return contribution per year of relation, a relation counting at least `min_years`."""
    return contribution / np.fmax(age_years, min_years)


def bin_scores(values: FloatArray, edges: FloatArray) -> Int8Array:
    """Return 1 + the number of ascending edges a value beats; on an edge's ties, the middle.

    A value equal to several edges is a tie that spans several bins: all its holders share the
    middle one (the lower of two), so a constant column scores the neutral middle.
    """
    beaten = np.searchsorted(edges, values, side="left")
    beaten += np.searchsorted(edges, values, side="right")
    beaten //= 2
    beaten += 1
    return beaten.astype(np.int8)


def fit_credibility(own: FloatArray, occasions: FloatArray, rate: float) -> float | None:
    """Return k, the occasions at which a customer's own rate weighs one half; None pools fully.

    Moments of Var(own_i) = a + s2 / n_i: E[n (own - rate)^2] = a n + s2, summed once plainly and
    once weighted by n, are two linear equations in a and s2; k = s2 / a. Where the n are all equal
    or a is not above 0, the data cannot tell customers' rates from noise.
    """
    squares = own - rate
    squares *= squares
    squares *= occasions
    count, n, nn = own.size, exact_sum(occasions), exact_sum(occasions * occasions)
    first, second = exact_sum(squares), exact_sum(squares * occasions)
    determinant = count * nn - n * n
    if determinant <= 1e-9 * count * nn:
        return None
    between = (count * second - n * first) / determinant
    within = (nn * first - n * second) / determinant
    return None if between <= 0.0 else max(within, 0.0) / between


def own_rates(earned: FloatArray, bought: FloatArray, low: float, high: float) -> FloatArray:
    """Return earned / bought within [low, high]; NaN where nothing was bought."""
    own = np.full(bought.size, np.nan)
    np.divide(earned, bought, out=own, where=bought > 0)
    np.clip(own, low, high, out=own)
    return own


def shrunk_rates(
    own: FloatArray, occasions: FloatArray, rate: float, k: float | None
) -> FloatArray:
    """Return (n * own + k * rate) / (n + k); the base's rate where own is NaN or k is None."""
    rates = np.full(own.size, rate)
    if k is not None:
        known = ~np.isnan(own)
        np.divide(occasions * own + k * rate, occasions + k, out=rates, where=known)
    return rates
