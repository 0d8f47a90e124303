"""Customers as small whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def number_ids(ids: pd.Series[Any]) -> tuple[npt.NDArray[np.int32], pd.Index[Any]]:
    """Return a code per row (-1 = missing) and the different ids in order of first appearance.

    Ids that already are such codes come back as they are: a table numbered once is free to number
    again.
    """
    values = ids.to_numpy() if ids.dtype.kind in "iu" and isinstance(ids.dtype, np.dtype) else None
    if values is not None and _are_codes(values):
        labels = np.arange(int(values.max()) + 1, dtype=values.dtype)
        return values.astype(np.int32, copy=False), pd.Index(labels, name=ids.name)
    codes, different = pd.factorize(ids)
    return codes.astype(np.int32), pd.Index(different, name=ids.name)


def _are_codes(values: npt.NDArray[Any]) -> bool:
    """Return whether each value was seen before, or is the next number after all before it."""
    if not values.size or values[0] != 0 or values.min() < 0:
        return False
    highest = np.maximum.accumulate(values)
    return bool(highest[-1] < values.size and (highest[1:] - highest[:-1] <= 1).all())
