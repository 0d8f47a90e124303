"""Indirect standardisation on arrays: what a mix made likely, and how sure that is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from retainkit._core.kernels.intervals import normal_bounds
from retainkit.typing import FloatArray

_Codes = npt.NDArray[Any]
_Three = tuple[FloatArray, FloatArray, FloatArray]


def stratum_means(strata: _Codes, values: FloatArray) -> FloatArray:
    """Return, for each row, the mean of its stratum over everybody."""
    if len(values) == 0:
        return np.zeros(0)
    size = int(strata.max()) + 1
    count = np.bincount(strata, minlength=size)
    total = np.bincount(strata, values, minlength=size)
    return np.asarray((total / np.maximum(count, 1))[strata])


def expected_by_mix(owners: _Codes, strata: _Codes, kept: FloatArray, size: int) -> FloatArray:
    """Return the customers each owner would have kept at the rates of the whole base."""
    return np.bincount(owners, stratum_means(strata, kept), minlength=size).astype(np.float64)


def adjusted_bounds(
    kept: FloatArray, expected: FloatArray, customers: FloatArray, overall: float, level: float
) -> _Three:
    """Return retention at the average mix with exact bounds on the standardised loss ratio.

    The rarer side is standardised: losses, which are what an owner answers for.
    """
    lost = customers - kept
    likely = customers - expected
    tail = (1.0 - level) / 2.0
    base = np.where(likely > 0, likely, np.nan)
    low = np.where(lost > 0, gammaincinv(np.maximum(lost, 1e-9), tail), 0.0) / base
    high = gammaincinv(lost + 1.0, 1.0 - tail) / base
    churn = 1.0 - overall

    def retention(ratio: FloatArray) -> FloatArray:
        """Return the retention that a ratio of losses means."""
        return np.clip(1.0 - churn * ratio, 0.0, 1.0)

    return retention(lost / base), retention(high), retention(low)


def mean_bounds(
    owners: _Codes, strata: _Codes, values: FloatArray, size: int, level: float
) -> _Three:
    """Return mean value beyond the mean of the own strata, with normal bounds; NaN below two."""
    gap = values - stratum_means(strata, values)
    count = np.bincount(owners, minlength=size).astype(np.float64)
    some = np.where(count > 0, count, np.nan)
    mean = np.bincount(owners, gap, minlength=size) / some
    square = np.bincount(owners, (gap - mean[owners]) ** 2, minlength=size)
    spread = np.sqrt(square / np.where(count > 1, count - 1, np.nan) / some)
    return mean, *normal_bounds(mean, spread, level)
