"""The product-limit estimator on arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.intervals import normal_quantile
from retainkit.typing import BoolArray, FloatArray


class ProductLimit(NamedTuple):
    """The curve at the distinct times of an event or a censoring, ascending."""

    time: FloatArray
    at_risk: npt.NDArray[np.int64]
    events: npt.NDArray[np.int64]
    survival: FloatArray
    variance_sum: FloatArray
    """Greenwood's sum of d / (n (n - d)) up to each time."""


def product_limit(duration: FloatArray, ended: BoolArray) -> ProductLimit:
    """Return the Kaplan-Meier curve; who is censored at a time is still at risk there."""
    time, place = np.unique(duration, return_inverse=True)
    leaving = np.bincount(place, minlength=len(time))
    events = np.bincount(place[ended], minlength=len(time))
    at_risk = len(duration) - np.concatenate([[0], np.cumsum(leaving)[:-1]]).astype(np.int64)
    at_risk = at_risk[: len(time)]
    survival: FloatArray = np.cumprod(1.0 - events / np.maximum(at_risk, 1)).astype(np.float64)
    left = at_risk - events
    term = np.divide(
        events, at_risk * left.astype(np.float64), out=np.zeros(len(time)), where=left > 0
    )
    return ProductLimit(time, at_risk, events.astype(np.int64), survival, np.cumsum(term))


def log_log_bounds(curve: ProductLimit, level: float) -> tuple[FloatArray, FloatArray]:
    """Return the log-log bounds of the curve; NaN where it is 1 or 0 and they say nothing."""
    z = normal_quantile(level)
    inside = (curve.survival > 0.0) & (curve.survival < 1.0)
    s = np.where(inside, curve.survival, np.nan)
    spread = z * np.sqrt(curve.variance_sum) / np.abs(np.log(s))
    return s ** np.exp(spread), s ** np.exp(-spread)


def restricted_mean(curve: ProductLimit, horizon: float) -> tuple[float, float]:
    """Return the area under the curve up to the horizon, and its variance (Greenwood form)."""
    before = curve.time < horizon
    knots = np.concatenate([[0.0], curve.time[before], [horizon]])
    heights = np.concatenate([[1.0], curve.survival[before]])
    areas = np.diff(knots) * heights
    after = np.cumsum(areas[::-1])[::-1][1:]
    d = curve.events[before].astype(np.float64)
    left = (curve.at_risk[before] - curve.events[before]).astype(np.float64)
    weight = np.divide(d, curve.at_risk[before] * left, out=np.zeros(len(d)), where=left > 0)
    return float(areas.sum()), float(np.sum(after**2 * weight))
