"""Shares of several forecasts in one, from where the money went before: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_STEPS = 60


class Past(NamedTuple):
    """What each of k forecasts expected of the n who then brought money, and what they brought.

    `ways` has shape (k, n), each row in units of that forecast's mean over all customers; `mass` is
    what the occasion counts.
    """

    ways: FloatArray
    money: FloatArray
    mass: float


def learn_mix(past: Sequence[Past], prior: FloatArray, strength: float) -> FloatArray:
    """Return the weights under which the money that came is likeliest, each unit a draw.

    A customer's expected share of the money is the weighted mean of the shares that the forecasts
    expect; the weights maximise sum money log(share), by the EM algorithm for mixtures, with a
    Dirichlet prior worth `strength` buyers.
    """
    weights: FloatArray = prior / prior.sum()
    start = strength * weights
    drawn = [(one.ways, one.mass / float(one.money.sum()) * one.money) for one in past]
    for _ in range(_STEPS if drawn else 0):
        counts = start.copy()
        for ways, money in drawn:
            counts += weights * (ways @ (money / (weights @ ways)))
        weights = counts / counts.sum()
    return weights
