"""Arithmetic of tiers and whale curves on arrays; knows no table, no config, no name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]

SLACK = 1e-12
"""Relative slack when a running sum is compared with a share of its total: 0.1 + 0.2 is 0.3."""


class Ranked(NamedTuple):
    """Computable values, best first, and what every verb asks of them."""

    values: Float
    """Finite values, descending [money]."""
    running: Float
    """Running sum of `values` [money]."""
    n_missing: int
    """How many values were NaN."""
    n_positive: int
    """How many values are greater than zero."""
    n_negative: int
    """How many values are less than zero."""
    total: float
    """Sum of all values [money]."""
    positive_total: float
    """Sum of the positive values [money]."""


def rank(values: Float) -> Ranked:
    """Sort once, best first; NaN is left out and counted."""
    ascending = np.sort(values)  # NaN goes last
    n = int(np.searchsorted(ascending, np.nan))
    n_not_positive = int(np.searchsorted(ascending[:n], 0.0, side="right"))
    best_first = ascending[:n][::-1]
    n_positive = n - n_not_positive
    return Ranked(
        values=best_first,
        running=np.cumsum(best_first),
        n_missing=values.size - n,
        n_positive=n_positive,
        n_negative=int(np.searchsorted(ascending[:n], 0.0, side="left")),
        total=float(best_first.sum()),
        positive_total=float(best_first[:n_positive].sum()),
    )


def count_behind(running: Float, share: float) -> int:
    """Return the smallest count whose running sum reaches `share` of the last running sum.

    `running` ascends and its last entry is positive.
    """
    target = share * running[-1] - SLACK * running[-1]
    return int(np.searchsorted(running, target, side="left")) + 1


def count_behind_net(ranked: Ranked, share: float) -> int:
    """Return the smallest count of best customers that reaches `share` of the net total (> 0)."""
    rising = ranked.running[: ranked.n_positive]
    net = ranked.running[-1]
    found = int(np.searchsorted(rising, share * net - SLACK * net, side="left"))
    return min(found, rising.size - 1) + 1


def bound_of_few(ranked: Ranked, most_heads: float | None, least_of_mean: float | None) -> float:
    """Return the least value of a group of few: so many heads at most, so many times the mean.

    Values that do not all fit are left out together; the bound lies just above the best value
    where not even they fit.
    """
    bound, n = -np.inf, ranked.values.size
    if least_of_mean is not None and n:
        bound = least_of_mean * ranked.total / n
    if most_heads is not None and n:
        room = int(np.floor(most_heads * n + SLACK * n))
        if room < n:
            above = ranked.values[ranked.values > ranked.values[room]]
            fits = above[-1] if above.size else np.nextafter(ranked.values[0], np.inf)
            bound = max(bound, float(fits))
    return bound


def count_of_heads(n: int, share: float) -> int:
    """Return the smallest count that is at least `share` of `n` heads (at least 1)."""
    return max(1, int(np.ceil(share * n - SLACK * n)))


def tier_codes(values: Float, lower_bounds: Float) -> Codes:
    """Count the bounds each value misses: 0 is the best tier; NaN misses every bound.

    A bound that is NaN is reached by nobody.
    """
    codes = np.zeros(values.size, dtype=np.int8)
    for bound in lower_bounds:
        codes += ~(values >= bound)
    return codes


def tier_bounds(ranked: Ranked, lower_bounds: Float) -> npt.NDArray[np.int64]:
    """Return how many of the ranked customers are in the tiers down to each, best first."""
    ascending = ranked.values[::-1]
    n = ascending.size
    reached = [
        n - int(np.searchsorted(ascending, bound, side="left")) if bound == bound else 0
        for bound in lower_bounds
    ]
    return np.array([0, *reached, n], dtype=np.int64)


def group_sums(
    codes: Codes, values: Float, n_groups: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Float]:
    """Return heads, heads with a computable value, and value sum per group."""
    heads = np.bincount(codes, minlength=n_groups).astype(np.int64)
    missing = np.isnan(values)
    if missing.any():
        codes, values = codes[~missing], values[~missing]
    valued = np.bincount(codes, minlength=n_groups).astype(np.int64)
    sums = np.bincount(codes, weights=values, minlength=n_groups).astype(np.float64)
    return heads, valued, sums


def thin(n: int, keep: Sequence[int], most: int) -> npt.NDArray[np.int64]:
    """Return at most `most` positions of 0..n, ascending, that hold both ends and `keep`."""
    wanted = np.array([0, n, *keep], dtype=np.int64)
    if n + 1 <= most:
        return np.arange(n + 1, dtype=np.int64)
    spread = np.linspace(0, n, most - len(keep)).round().astype(np.int64)
    return np.unique(np.concatenate([wanted, spread]))
