"""Customers as small whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

_MOST_ROWS = 2**31
"""Rows have a position of 32 bits below this."""

_WIDEST = 4
"""Ids per row that a range may hold for a table to pay."""


def number_ids(ids: pd.Series[Any]) -> tuple[npt.NDArray[np.int32], pd.Index[Any]]:
    """Return a code per row (-1 = missing) and the different ids in order of first appearance.

    Ids that already are such codes come back as they are: a table numbered once is free to number
    again.
    """
    values = ids.to_numpy() if ids.dtype.kind in "iu" and isinstance(ids.dtype, np.dtype) else None
    if values is not None and _are_codes(values):
        labels = np.arange(int(values.max()) + 1, dtype=values.dtype)
        return values.astype(np.int32, copy=False), pd.Index(labels, name=ids.name)
    if values is not None and _is_dense(values):
        numbers, labels = _number_dense(values)
        return numbers, pd.Index(labels, name=ids.name)
    codes, different = pd.factorize(ids)
    return codes.astype(np.int32), pd.Index(different, name=ids.name)


def _are_codes(values: npt.NDArray[Any]) -> bool:
    """Return whether each value was seen before, or is the next number after all before it."""
    if not values.size or values[0] != 0 or values.min() < 0:
        return False
    highest = np.maximum.accumulate(values)
    return bool(highest[-1] < values.size and (highest[1:] - highest[:-1] <= 1).all())


def _is_dense(values: npt.NDArray[Any]) -> bool:
    """Return whether a table over the range of the ids takes no more room than their rows."""
    if not 0 < values.size < _MOST_ROWS:
        return False
    return int(values.max()) - int(values.min()) < _WIDEST * values.size


def _number_dense(values: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
    """Return codes and labels through a table of the range: no hashing, three times as fast."""
    low, size = int(values.min()), values.size
    wide = values if values.dtype.itemsize == 8 else values.astype(np.int64)
    at = (wide if low == 0 else wide - wide.dtype.type(low)).astype(np.intp, copy=False)
    first = np.full(int(values.max()) - low + 1, -1, dtype=np.int32)
    # of several assignments to one place the last one stays: from the end, that is the first row
    first[at[::-1]] = np.arange(size - 1, -1, -1, dtype=np.int32)
    present = np.flatnonzero(first >= 0)
    is_first = np.zeros(size, dtype=np.bool_)
    is_first[first[present]] = True
    rank = np.cumsum(is_first, dtype=np.int32)
    first[present] = rank[first[present]] - 1
    return first[at], values[is_first]
