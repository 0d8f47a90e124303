"""Probability that an uncertain value reaches an amount, on arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Float = npt.NDArray[np.float64]


def normal_exceeds(mean: Float, sd: Float, amount: float) -> Float:
    """Return P(V >= amount) of normal values; with sd 0 the value is certain."""
    certain = np.where(np.isnan(mean), np.nan, (mean >= amount).astype(np.float64))
    z = np.divide(mean - amount, sd, out=np.zeros_like(mean), where=sd > 0)
    return np.where(sd > 0, special.ndtr(z), np.where(sd == 0, certain, np.nan))


def gamma_exceeds(mean: Float, sd: Float, amount: float) -> Float:
    """Return P(V >= amount) of gamma values of that mean and sd; negative values do not occur."""
    if amount <= 0:
        return np.where(np.isnan(mean) | np.isnan(sd), np.nan, 1.0)
    certain = np.where(np.isnan(mean), np.nan, (mean >= amount).astype(np.float64))
    spread = (sd > 0) & (mean > 0)
    safe_sd, safe_mean = np.where(spread, sd, 1.0), np.where(spread, mean, 1.0)
    shape = (safe_mean / safe_sd) ** 2
    tail = special.gammaincc(shape, shape * amount / safe_mean)
    return np.where(spread, tail, np.where(np.isnan(sd), np.nan, certain))


def quantile_exceeds(levels: Float, quantiles: Float, amount: float) -> Float:
    """Return P(V >= amount) by linear interpolation between quantiles.

    The mass beyond the outermost quantiles lies at them: nothing is known about the tails.
    """
    n, k = quantiles.shape
    below = (quantiles < amount).sum(axis=1)
    right = np.clip(below, 1, k - 1)
    rows = np.arange(n)
    low, high = quantiles[rows, right - 1], quantiles[rows, right]
    share = np.divide(amount - low, high - low, out=np.zeros(n), where=high > low)
    between = levels[right - 1] + np.clip(share, 0.0, 1.0) * (levels[right] - levels[right - 1])
    reached = np.where(below == 0, 1.0, np.where(below == k, 0.0, 1.0 - between))
    return np.where(np.isnan(quantiles).any(axis=1), np.nan, reached)


def tier_probabilities(reaching: list[Float], n: int) -> Float:
    """Return P(tier) per customer and tier from P(V >= bound) per bound, best first."""
    steps = np.column_stack([np.zeros(n), *reaching, np.ones(n)])
    probability = np.diff(steps, axis=1)
    probability[np.isnan(steps).any(axis=1)] = np.nan
    return np.clip(probability, 0.0, 1.0)
