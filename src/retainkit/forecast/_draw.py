"""Which customers are learnt from, and in what order: row order and names teach nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.kernels.sums import exact_sums
from retainkit.forecast._kernel_log import PurchaseLog, make_log

_WHOLE = r"0|[1-9][0-9]{0,17}"
"""A whole number as text, small enough for 64 bits."""


def sample_log(
    codes: npt.NDArray[np.int32],
    days: npt.NDArray[Any],
    amounts: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
) -> PurchaseLog:
    """Return the log of the customers in `order`, numbered in that order."""
    number = np.full(int(codes.max()) + 1, -1, dtype=np.int64)
    number[order] = np.arange(len(order))
    place = number[codes]
    kept = place >= 0
    return make_log(place[kept], days[kept], amounts[kept])


def by_content(log: PurchaseLog, judged: int) -> PurchaseLog:
    """Return the log with customers numbered by what they bought, so that names teach nothing.

    The first `judged` stay first, as they were drawn; names tell apart only who is drawn.
    """
    code, n, rel = log.code, log.n, (log.day - log.first_day).astype(np.float64)
    count = np.bincount(code, minlength=n)
    ends = np.cumsum(count) - 1
    keys = (
        exact_sums(code, rel * log.money, n),
        np.bincount(code, weights=rel * rel, minlength=n),
        exact_sums(code, log.money, n),
        count,
        log.day[ends],
        log.day[ends - count + 1],
        np.arange(n) >= judged,
    )
    number = np.empty(n, dtype=np.int64)
    number[np.lexsort(keys)] = np.arange(n)
    rows = np.argsort(number[code], kind="stable")
    known = None
    if log.covariates is not None:
        known = np.empty_like(log.covariates)
        known[number] = log.covariates
    return PurchaseLog(
        number[code][rows], log.day[rows], log.money[rows], log.bought[rows], n, known
    )


def hashed_order(ids: pd.Index[Any], most: int) -> npt.NDArray[np.int64]:
    """Return at most `most` customers, drawn and ordered by a hash of their ids."""
    return np.argsort(hash_ids(ids), kind="stable")[:most]


def hash_ids(ids: pd.Index[Any]) -> npt.NDArray[np.uint64]:
    """Return a number per customer that depends on nothing but its id.

    Texts that are whole numbers count as these: a file and a frame give the same forecast.
    """
    if not pd.api.types.is_integer_dtype(ids.dtype):
        texts = ids.astype(str)
        if not texts.str.fullmatch(_WHOLE).all():
            return np.asarray(pd.util.hash_array(texts.to_numpy(dtype=object), categorize=False))
        ids = texts
    return np.asarray(pd.util.hash_array(ids.to_numpy().astype(np.int64)))
