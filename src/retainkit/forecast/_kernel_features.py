"""What is known of a customer as columns of a regression, free of scale.

Times are counted in units of the window ahead, silence also in the customer's own rhythm, money in
mean baskets: what is learnt from one window then holds for another, and for another currency.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.recent import find_spot, read_curve
from retainkit.forecast._kernel_log import Known

FloatArray = npt.NDArray[np.float64]

RECENT = (1.0 / 12.0, 0.25, 0.5, 1.0)
"""Shares of the window ahead over which recent purchases and money are counted."""


class Scales(NamedTuple):
    """Mean days between purchases of one customer [day], and mean net money per purchase day."""

    gap: float
    basket: float


def measure_scales(known: Known) -> Scales:
    """Return the rhythm and the basket of a base."""
    gaps = float((known.purchases - 1.0).sum())
    spans = float((known.last - known.first).sum())
    gap = spans / gaps if gaps > 0.0 and spans > 0.0 else 90.0
    basket = float(np.maximum(known.money, 0.0).sum()) / max(float(known.purchases.sum()), 1.0)
    return Scales(max(gap, 1.0), basket if basket > 0.0 else 1.0)


def own_gap(known: Known, base_gap: float) -> FloatArray:
    """Return each customer's usual days between purchases, drawn towards the base's [day].

    (2 x base mean + span) / (2 + gaps): two gaps' worth of the base, so that who bought once has
    a rhythm too.
    """
    span = known.last - known.first
    rhythm: FloatArray = (2.0 * base_gap + span) / (known.purchases + 1.0)
    return rhythm


def due_within(silent: FloatArray, gap: FloatArray, window: float) -> FloatArray:
    """Return 1 where the usual gap ends in the middle of the window, .5 at its ends, 0 far away.

    A rhythm of a year is in no window of half a year; whether it ends within is.
    """
    due: FloatArray = 1.0 / (1.0 + (2.0 * (gap - silent) / window - 1.0) ** 4)
    return due


def describe(known: Known, window: float, scales: Scales) -> list[FloatArray]:
    """Return the columns of a forecast over `window` days, one array each."""
    silent, span = known.day - known.last, known.last - known.first
    age = known.day - known.first
    count = np.log(known.purchases)
    silence = np.log1p(12.0 * silent / window)
    gap = own_gap(known, scales.gap)
    rhythm = np.log1p(silent / gap)
    once = (known.purchases == 1.0).astype(np.float64)
    money = np.maximum(known.money, 0.0) / scales.basket
    columns = [
        np.log1p(12.0 * age / window),
        silence,
        silence * silence,
        count,
        np.log(known.purchases * window / (age + 0.2 * window)),
        rhythm,
        rhythm * rhythm,
        once,
        once * silence,
        count * silence,
        np.log1p(money),
        np.log1p(money / known.purchases),
    ]
    purchases = known.purchases.astype(np.float64)
    reach = (np.array(RECENT) * window)[:, None] - silent - 1e-9
    spot = find_spot(span, reach)
    days = np.log1p(read_curve(known.recent_days, purchases, spot))
    spent = np.maximum(read_curve(known.recent_money, known.money, spot), 0.0) / scales.basket
    for pair in zip(days, np.log1p(spent), strict=True):
        columns += pair
    columns.append(due_within(silent, gap, window))
    if known.covariates is not None:
        columns += list(known.covariates.T)
    return columns
