"""What Stirling's formula leaves of the logarithm of the gamma function, and its derivatives.

Differences of gamma functions of huge arguments lose all their digits; the formula's own terms can
be subtracted by hand, and what it leaves is small and smooth.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln, polygamma

Floats = npt.NDArray[np.float64]

_ASYMPTOTIC = 20.0
"""Argument from which the series is exact to rounding."""
_HALF_LOG_TWO_PI = 0.5 * float(np.log(2.0 * np.pi))
_LOG = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
"""Coefficients of 1/z, 1/z^3, ... in log Gamma(z) after Stirling's formula."""


def stirling_rest(z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return log Gamma(z) - (z-1/2) log z + z - log(2 pi)/2, digamma(z) - log z, trigamma(z) - 1/z.

    By the series, which does not cancel, where it is exact; by definition for small z.
    """
    large = np.maximum(z, _ASYMPTOTIC)
    rest, slope, bend = (np.zeros_like(z) for _ in range(3))
    square = 1.0 / (large * large)
    for k, c in reversed(list(enumerate(_LOG))):
        order = 2 * k + 1
        rest = rest * square + c
        slope = slope * square + c * order
        bend = bend * square + c * order * (order + 1)
    rest, slope = rest / large, -slope * square - 0.5 / large
    bend = bend * square / large + 0.5 * square
    few = z < _ASYMPTOTIC
    small = z[few]
    log_small = np.log(small)
    rest[few] = gammaln(small) - (small - 0.5) * log_small + small - _HALF_LOG_TWO_PI
    slope[few] = digamma(small) - log_small
    bend[few] = polygamma(1, small) - 1.0 / small
    return rest, slope, bend
