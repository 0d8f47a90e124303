"""Arrays in, arrays out: profit of a retention campaign along the ROC curve."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

Floats = npt.NDArray[np.float64]


class Hull(NamedTuple):
    """Corners of the upper convex hull of the ROC curve, from (0, 0) to (1, 1)."""

    churners: Floats
    """Share of churners targeted, F0."""
    others: Floats
    """Share of non-churners targeted, F1."""


def roc_hull(churned: npt.NDArray[np.bool_], score: Floats) -> Hull:
    """Return the hull; customers of equal score are targeted together."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), score.size - 1)
    hits = np.cumsum(churned[order])[last]
    heads = last + 1
    x = np.concatenate([[0.0], (heads - hits) / max(int((~churned).sum()), 1)])
    y = np.concatenate([[0.0], hits / max(int(churned.sum()), 1)])
    corners: list[int] = []
    for point in range(x.size):
        while len(corners) >= 2:
            a, b = corners[-2], corners[-1]
            turn = (x[b] - x[a]) * (y[point] - y[a]) - (y[b] - y[a]) * (x[point] - x[a])
            if turn < 0.0:
                break
            corners.pop()
        corners.append(point)
    return Hull(y[corners], x[corners])


def profit(hull: Hull, base: float, accept: float, offer: float, contact: float) -> Floats:
    """Return profit per customer at each corner, in units of the lifetime value.

    accept (1 - offer) - contact per churner targeted, -(offer + contact) per other one.
    """
    gain = (accept * (1.0 - offer) - contact) * base * hull.churners
    loss: Floats = gain - (offer + contact) * (1.0 - base) * hull.others
    return loss


class Shape(NamedTuple):
    """Beta distribution of the share of targeted churners who stay."""

    alpha: float
    beta: float


def expected_profit(
    hull: Hull, base: float, shape: Shape, offer: float, contact: float
) -> tuple[float, float]:
    """Return the expected maximum profit and the expected share targeted.

    Between the shares of acceptance at which two neighbouring corners earn the same, one corner
    is best; profit is linear in the share, so each piece is an incomplete beta function.
    """
    d0, d1 = np.diff(hull.churners), np.diff(hull.others)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = (1.0 - base) / base * d1 / d0
        switch = ((offer + contact) * odds + contact) / (1.0 - offer)
    switch = np.where(d0 > 0.0, switch, np.inf)
    edges = np.concatenate([[0.0], np.clip(switch, 0.0, 1.0), [1.0]])
    mass = np.diff(betainc(shape.alpha, shape.beta, edges))
    mean = shape.alpha / (shape.alpha + shape.beta)
    moment = mean * np.diff(betainc(shape.alpha + 1.0, shape.beta, edges))
    churners = base * hull.churners
    others = (1.0 - base) * hull.others
    pieces = (1.0 - offer) * churners * moment
    pieces = pieces - (contact * churners + (offer + contact) * others) * mass
    return float(pieces.sum()), float(((churners + others) * mass).sum())
