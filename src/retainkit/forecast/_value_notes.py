"""Why an expected value departs from what the customer brought in its past year.

What is said holds of the value in the same row: of money after discount and margin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.recent import find_spot, nodes_around, read_curve
from retainkit.forecast._kernel_features import Scales, own_gap
from retainkit.forecast._kernel_log import Known
from retainkit.forecast._notes import (
    ANNUALISED,
    FEW,
    LARGE,
    LIKE_BRING_MORE,
    NO_INTERVAL,
    NO_NOTE,
    RETURNED,
    RISING,
    SILENT,
)
from retainkit.typing import FloatArray, IntArray

_YEAR = 365.0
_HIGHER, _LOWER = 1.25, 0.5
"""Times its past year beyond which an expected value is explained."""
_LEAST_YEAR = 90.0
"""Days a customer is known at the least before its months are annualised [day]."""
_MATTERS = 0.1
"""Baskets below which a difference is not worth a word."""


class PastYear(NamedTuple):
    """What each customer brought in the last 365 days, and what is said of a value far from it.

    Who joined within the year has its months annualised, a horizon that is not a year as well:
    `times` is what a value is multiplied by, and the notes then say so. Money of the last 365 days
    is read between days at which it is known: it lies between `least` and `most`, and a note is
    given only where it holds of both.
    """

    money: FloatArray
    least: FloatArray
    most: FloatArray
    matters: FloatArray
    above: npt.NDArray[np.int8]
    below: npt.NDArray[np.int8]
    otherwise: npt.NDArray[np.int8]
    times: float

    @classmethod
    def unknown(cls, n: int) -> PastYear:
        """Return that of customers of whom nothing is known."""
        money = [np.full(n, np.nan) for _ in range(4)]
        note = [np.zeros(n, dtype=np.int8) for _ in range(3)]
        return cls(money[0], money[1], money[2], money[3], note[0], note[1], note[2], 1.0)

    def filled(self, rows: IntArray, part: PastYear) -> PastYear:
        """Write what is known of the customers at `rows` into the arrays."""
        for name in self._fields[:-1]:
            getattr(self, name)[rows] = getattr(part, name)
        return self._replace(times=part.times)

    def worth(self, rate: FloatArray) -> PastYear:
        """Return the same in the unit of the values: money times a rate per customer."""
        low, high = np.sort(np.stack([self.least * rate, self.most * rate]), axis=0)
        return self._replace(
            money=self.money * rate, least=low, most=high, matters=self.matters * np.abs(rate)
        )

    def explain(self, value: FloatArray) -> npt.NDArray[np.int8]:
        """Return the note on each expected value, as a position in the list of notes."""
        ahead = value * self.times
        with np.errstate(invalid="ignore"):
            matters = np.abs(ahead - self.money) > self.matters
            above = (ahead > _HIGHER * self.money) & (ahead > self.most)
            below = ahead < _LOWER * self.least
        note = np.where(matters & above, self.above, self.otherwise)
        note = np.where(matters & below, self.below, note)
        return np.where(self.otherwise == RETURNED, RETURNED, note).astype(np.int8)


def look_back(known: Known, *, horizon_days: int, scales: Scales, has_interval: bool) -> PastYear:
    """Return what customers brought in the last 365 days [money], and the reasons at hand."""
    silent, age = known.day - known.last, known.day - known.first
    span, purchases = known.last - known.first, known.purchases
    back = _YEAR - silent - 1e-9
    whole = span <= back
    read, before, after = (
        np.where(whole, known.money, one)
        for one in (
            read_curve(known.recent_money, known.money, find_spot(span, days))
            for days in (back, *nodes_around(back))
        )
    )
    year = np.maximum(read, 0.0)
    least = np.maximum(np.minimum(before, after), 0.0)
    most = np.maximum(np.maximum(before, after), 0.0)
    young = np.minimum(np.maximum(age + 1.0, _LEAST_YEAR), _YEAR)
    pace = _YEAR / young
    quarter_ago = find_spot(span, _YEAR / 4 - silent - 1e-9)
    quarter = read_curve(known.recent_days, purchases, quarter_ago)
    lately = (quarter * 4.0 > purchases * pace) & (purchases > 1.0)
    above = np.where(lately, RISING, FEW)
    above = np.where(purchases * pace >= 6.0, LIKE_BRING_MORE, above)
    below = np.where(silent > own_gap(known, scales.gap), SILENT, LARGE)
    shift = np.where((young < _YEAR) | (horizon_days != _YEAR), ANNUALISED, 0)
    otherwise = np.full(len(age), NO_NOTE if has_interval else NO_INTERVAL)
    otherwise = np.where(known.money <= 0.0, RETURNED, otherwise)
    return PastYear(
        money=year * pace,
        least=least * pace,
        most=most * pace,
        matters=np.full(len(age), _MATTERS * scales.basket),
        above=(above + shift).astype(np.int8),
        below=(below + shift).astype(np.int8),
        otherwise=otherwise.astype(np.int8),
        times=_YEAR / horizon_days,
    )
