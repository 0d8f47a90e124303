"""Integrals of positive smooth functions: Gauss-Legendre nodes and discounted survival."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_PANELS = 16
_NODES = 20


@lru_cache(maxsize=16)
def unit_nodes(count: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights for the interval from 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, weights / 2.0


@lru_cache(maxsize=4)
def panel_nodes(panels: int, count: int) -> tuple[Floats, Floats]:
    """Return the nodes and weights of `panels` equal parts of the interval from 0 to 1."""
    nodes, weights = unit_nodes(count)
    starts = np.arange(float(panels))
    return ((starts[:, None] + nodes) / panels).ravel(), np.tile(weights / panels, panels)


def decayed_time(s: Floats, z: Floats, end: Floats) -> Floats:
    """Return int_0^end exp(-z v) (1 + v)^-s dv, shape (n,); end may be infinite where z > 0.

    With end infinite it is exp(z) E_s(z), Kummer's U(1, 2 - s, z) = z^(s-1) U(s, s, z). In
    v = e^y - 1 the integrand is positive and analytic within a strip, for any s and z.
    """
    with np.errstate(divide="ignore", over="ignore"):
        enough = np.minimum(45.0 / z, np.expm1(np.minimum(45.0 / np.maximum(s - 1.0, 1e-3), 690.0)))
        top = np.log1p(np.minimum(end, enough))
    nodes, weights = panel_nodes(_PANELS, _NODES)
    y = top[:, None] * nodes
    values = np.exp(-z[:, None] * np.expm1(y) + (1.0 - s[:, None]) * y)
    total: Floats = top * (values @ weights)
    return total
