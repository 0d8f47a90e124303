"""Why an expected value departs from what the customer brought in its past year."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.recent import find_spot, read_curve
from retainkit.forecast._kernel_features import Scales, own_gap
from retainkit.forecast._kernel_log import Known
from retainkit.forecast._table import (
    BASE_RISES,
    FEW,
    LARGE,
    NO_INTERVAL,
    NO_NOTE,
    RETURNED,
    RISING,
    SILENT,
)
from retainkit.typing import FloatArray

_YEAR = 365.0
_HIGHER, _LOWER = 1.25, 0.5
"""Times its past year beyond which an expected value is explained."""
_LEAST_YEAR = 90.0
"""Days a customer is known at the least before its months are annualised [day]."""
_MATTERS = 0.1
"""Baskets below which a difference is not worth a word."""


def explain_values(
    known: Known, value: FloatArray, *, horizon_days: int, scales: Scales, has_interval: bool
) -> npt.NDArray[np.int8]:
    """Return the note on each expected value [money], as a position in the list of notes."""
    silent, age = known.day - known.last, known.day - known.first
    span, purchases = known.last - known.first, known.purchases
    year_ago = find_spot(span, _YEAR - silent - 1e-9)
    year = read_curve(known.recent_money, known.money, year_ago)
    young = np.minimum(np.maximum(age + 1.0, _LEAST_YEAR), _YEAR)
    past = np.maximum(year, 0.0) * _YEAR / young
    ahead = value * _YEAR / horizon_days
    matters = np.abs(ahead - past) > _MATTERS * scales.basket
    quarter_ago = find_spot(span, _YEAR / 4 - silent - 1e-9)
    quarter = read_curve(known.recent_days, purchases, quarter_ago)
    lately = (quarter * 4.0 > purchases * _YEAR / young) & (purchases > 1.0)
    why_higher = np.where(lately, RISING, FEW)
    why_higher = np.where(purchases * _YEAR / young >= 6.0, BASE_RISES, why_higher)
    late = silent > own_gap(known, scales.gap)
    note = np.where(matters & (ahead > _HIGHER * past), why_higher, NO_NOTE)
    note = np.where(matters & (ahead < _LOWER * past), np.where(late, SILENT, LARGE), note)
    note = np.where(known.money <= 0.0, RETURNED, note)
    if not has_interval:
        note = np.where(note == NO_NOTE, NO_INTERVAL, note)
    return np.asarray(note.astype(np.int8))
