"""Monotone splines, and the likelihood of a free logit; arrays in, arrays out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retainkit._core.kernels.glm import fit_logistic

Float = npt.NDArray[np.float64]


def monotone_basis(x: Float, knots: Float) -> Float:
    """Return quadratic I-splines, shape (n, knots): each rises from 0 to 1 around its knot.

    The function of knot j is the integral of the hat that is 1 at knot j and 0 at its neighbours,
    divided by its area (Ramsay 1988, order 2). Sums with coefficients >= 0 never fall. Beyond the
    outer knots they are constant.
    """
    left = np.append(knots[0], knots[:-1])
    right = np.append(knots[1:], knots[-1])
    at = np.clip(x, knots[0], knots[-1])[:, None]
    rise, fall = knots - left, right - knots
    up = np.clip(at - left, 0.0, rise)
    down = np.clip(at - knots, 0.0, fall)
    area_up = up**2 / np.where(rise > 0.0, 2.0 * rise, 1.0)
    area_down = down - down**2 / np.where(fall > 0.0, 2.0 * fall, 1.0)
    total: Float = (area_up + area_down) / ((rise + fall) / 2.0)
    return total


def fit_free_logit(x: Float, hits: npt.NDArray[np.bool_]) -> tuple[float, int]:
    """Return the greatest log-likelihood of a logit on the span of `x`, and the span's rank.

    On orthogonal columns; where a cell has one outcome only it is approached from below.
    """
    u, size, _ = np.linalg.svd(x, full_matrices=False)
    rank = int((size > size.max(initial=0.0) * 1e-9).sum())
    base = u[:, :rank] * np.sqrt(len(x))
    found = fit_logistic(base, hits.astype(np.float64), penalty=np.zeros(rank))
    return found.log_likelihood, rank
