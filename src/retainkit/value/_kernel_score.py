"""Array kernels of scores and margins: one customer or a million, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

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


class Credibility(NamedTuple):
    """Pooled rate, and the amount of purchases at which a customer's own rate weighs one half."""

    rate: float
    amount: float | None


def fit_credibility(earned: FloatArray, bought: FloatArray) -> Credibility:
    """Return the pooled rate and credibility by moments of Var(rate_i) = a + s2 / bought_i.

    E[w (x - m)^2] = a w + s2, summed once plainly and once weighted by w, gives two equations.
    `amount` = s2 / a; None (pool fully) where the data cannot tell customers apart.
    """
    w = float(bought.sum())
    rate = float(earned.sum()) / w
    deviation = earned / bought - rate
    deviation *= deviation
    deviation *= bought
    n, ww = bought.size, float(bought @ bought)
    first, second = float(deviation.sum()), float(deviation @ bought)
    determinant = n * ww - w * w
    if determinant <= 1e-9 * n * ww:
        return Credibility(rate, None)
    between = (n * second - w * first) / determinant
    within = (ww * first - w * second) / determinant
    if between <= 0.0:
        return Credibility(rate, None)
    return Credibility(rate, max(within, 0.0) / between)


def shrunk_rates(
    earned: FloatArray, bought: FloatArray, rate: float, amount: float | None
) -> FloatArray:
    """Return (earned + amount * rate) / (bought + amount); the pooled rate without purchases."""
    rates = np.full(bought.size, rate)
    if amount is None:
        return rates
    np.divide(earned + amount * rate, bought + amount, out=rates, where=bought > 0)
    return rates
