"""Draws from the MBG/NBD purchase process and small array helpers; arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_SMALLEST_PROBABILITY = 1e-12


class RepeatPurchases(NamedTuple):
    """Repeat purchases in customer order, then in time order; time zero is the first purchase."""

    owner: IntArray
    time: FloatArray
    dropout_time: FloatArray
    """Per customer; NaN if still alive at the end of the span."""


def draw_repeat_purchases(
    rng: np.random.Generator, *, rate: FloatArray, dropout: FloatArray, span: FloatArray
) -> RepeatPurchases:
    """Draw each customer's repeat purchases within `span` (MBG/NBD with given heterogeneity).

    "After every purchase, the first one included, the customer drops out with probability p"
    (Batislam, Denizel & Filiztekin 2007): so the repeat purchases ever made are geometric, and
    the times of a Poisson process, given their number, are sorted uniforms.
    """
    possible = rng.poisson(rate * span)
    lives = rng.geometric(np.clip(dropout, _SMALLEST_PROBABILITY, 1.0)) - 1
    owner = np.repeat(np.arange(len(rate)), possible)
    share = np.sort(owner + rng.random(len(owner)))
    share -= owner
    place = np.arange(len(owner)) - np.repeat(np.cumsum(possible) - possible, possible)
    kept = place < lives[owner]
    owner, time = owner[kept], (share * span[owner])[kept]
    made = np.minimum(possible, lives)
    return RepeatPurchases(owner, time, _dropout_times(time, made=made, lives=lives))


def _dropout_times(time: FloatArray, *, made: IntArray, lives: IntArray) -> FloatArray:
    """Dropout falls on the last purchase ever made, if that lies within the span."""
    padded = np.append(time, 0.0)
    last = np.where(made > 0, padded[np.cumsum(made) - 1], 0.0)
    return np.where(made == lives, last, np.nan)


def assign_in_order(values: FloatArray, *, score: FloatArray) -> FloatArray:
    """Return `values` dealt out so that the highest `score` gets the lowest value.

    The values stay what they were drawn to be: only who gets which depends on the score.
    """
    dealt = np.empty_like(values)
    dealt[np.argsort(-score, kind="stable")] = np.sort(values)
    return dealt


def draw_codes(rng: np.random.Generator, size: int, *, shares: Sequence[float]) -> IntArray:
    """Draw positions in `shares` with probabilities proportional to them."""
    edges = np.cumsum(np.asarray(shares, dtype=np.float64))
    codes = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
    inside: IntArray = np.minimum(codes, len(edges) - 1).astype(np.int64)
    return inside


def draw_days(
    rng: np.random.Generator,
    *,
    first: npt.NDArray[np.integer[Any]],
    last: npt.NDArray[np.integer[Any]],
) -> IntArray:
    """Draw a whole day evenly from `first` to `last`, both included, per row."""
    days: IntArray = rng.integers(first, np.maximum(first, last) + 1, dtype=np.int64)
    return days
