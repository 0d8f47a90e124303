"""estimate_regularity: whether customers buy in a rhythm, from pairs of gaps in a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.codes import number_ids
from retainkit._core.time import to_day_numbers
from retainkit.errors import AlignmentError

_SHORTEST = 28
"""Days of two gaps together from which whole days are fine enough to compare them [day]."""
_FEWEST = 100
"""Pairs of gaps below which nothing is told."""


def estimate_regularity(customer_id: pd.Series, timestamp: pd.Series) -> float:
    """Estimate how regular the gaps between purchases are, whatever each customer's rate.

    1 is chance alone (Poisson), more is a rhythm; rounded to a whole number it is the `regularity`
    of `fit_mbg_cnbd`.

    Parameters
    ----------
    customer_id : pandas.Series of shape (n,)
        Customer of each purchase; several on one day count once.
    timestamp : pandas.Series of datetime64, shape (n,)
        When.

    Returns
    -------
    float
        Stages of a purchase [count], not below 0; NaN with fewer than 100 pairs of gaps.

    Raises
    ------
    AlignmentError
        If there are not as many customers as timestamps.

    Notes
    -----
    Where gaps are Erlang-k, the first of two in a row is a Beta(k, k) share of both; its variance
    V gives k = (1 - 4 V) / (8 V). The share does not depend on the length of both together, so
    pairs of less than 28 days, for which whole days are too coarse, are left out.

    References
    ----------
    Wheat, R. D. & Morrison, D. G. (1990). Estimating purchase regularity with two interpurchase
    times. Journal of Marketing Research 27(1), 87-93.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.lifetime import estimate_regularity
    >>> rows = rk.load_cdnow_sample()
    >>> round(estimate_regularity(rows["customer_id"], rows["timestamp"]), 1)
    1.0
    """
    if len(customer_id) != len(timestamp):
        raise AlignmentError(
            f"{len(customer_id):,} customers, {len(timestamp):,} timestamps",
            rule="one of each per purchase",
            where="timestamp",
        )
    code, _ = number_ids(customer_id)
    pairs = np.unique(np.column_stack([code, to_day_numbers(timestamp.to_numpy())]), axis=0)
    return regularity_of(pairs[:, 0], pairs[:, 1])


def regularity_of(code: npt.NDArray[Any], day: npt.NDArray[Any]) -> float:
    """Return the estimate from distinct purchase days, ordered by customer and day."""
    gap, same = np.diff(day), code[1:] == code[:-1]
    two = same[1:] & same[:-1]
    first, both = gap[:-1][two], gap[:-1][two] + gap[1:][two]
    kept = both >= _SHORTEST
    if int(kept.sum()) < _FEWEST:
        return float("nan")
    share = first[kept] / both[kept]
    spread = float(np.mean((share - 0.5) ** 2))
    return max((1.0 - 4.0 * spread) / (8.0 * spread), 0.0) if spread > 0.0 else float("inf")
