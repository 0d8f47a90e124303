"""Isotonic regression by pooling adjacent violators; arrays in, arrays out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]


def pool_adjacent(x: Float, y: Float) -> tuple[Float, Float]:
    """Return the corners of the rising map closest to y in least squares: x and fitted value.

    Equal x share one value. A block of equal values is given by its first and last x.
    """
    points, place = np.unique(x, return_inverse=True)
    weight = np.bincount(place).astype(np.float64)
    mean = np.bincount(place, weights=y) / weight
    level, mass, first = _pool(mean, weight)
    del mass
    last = np.append(first[1:], len(points)) - 1
    corner_x = np.column_stack([points[first], points[last]]).ravel()
    corner_y = np.repeat(level, 2)
    keep = np.append(True, (np.diff(corner_x) > 0.0) | (np.diff(corner_y) > 0.0))
    return corner_x[keep], corner_y[keep]


def _pool(mean: Float, weight: Float) -> tuple[Float, Float, npt.NDArray[np.int64]]:
    """Return level, weight and first place of each block: one pass with a stack."""
    level: list[float] = []
    mass: list[float] = []
    first: list[int] = []
    for position, (value, own) in enumerate(zip(mean.tolist(), weight.tolist(), strict=True)):
        level.append(value)
        mass.append(own)
        first.append(position)
        while len(level) > 1 and level[-2] >= level[-1]:
            top, heavy = level.pop(), mass.pop()
            first.pop()
            both = mass[-1] + heavy
            level[-1] = (level[-1] * mass[-1] + top * heavy) / both
            mass[-1] = both
    return np.array(level), np.array(mass), np.array(first, dtype=np.int64)
