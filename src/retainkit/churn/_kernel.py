"""Arrays in, arrays out: spells of contracts, and what holds per customer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

NEVER = np.iinfo(np.int64).max
"""Time of what did not happen."""

_Int = npt.NDArray[np.integer[Any]]
_Bool = npt.NDArray[np.bool_]


def first_time(group: _Int, time: _Int, where: _Bool, n: int) -> npt.NDArray[np.int64]:
    """Return the earliest time per group among the rows of `where`; NEVER where there is none."""
    out = np.full(n, NEVER, dtype=np.int64)
    np.minimum.at(out, group[where], time[where])
    return out


def last_time(group: _Int, time: _Int, where: _Bool, n: int) -> npt.NDArray[np.int64]:
    """Return the latest time per group among the rows of `where`; -NEVER where there is none."""
    out = np.full(n, -NEVER, dtype=np.int64)
    np.maximum.at(out, group[where], time[where])
    return out


def any_row(group: _Int, where: _Bool, n: int) -> _Bool:
    """Return whether each group has a row of `where`."""
    out = np.zeros(n, dtype=np.bool_)
    out[group[where]] = True
    return out


def first_in_group(order: _Int, *keys: _Int) -> _Bool:
    """Return, for rows taken in `order`, whether a row opens a new run of equal keys."""
    opens = np.zeros(len(order), dtype=np.bool_)
    opens[:1] = True
    for key in keys:
        opens[1:] |= key[order[1:]] != key[order[:-1]]
    return opens


def sum_by_leaf(
    group: _Int, leaf: _Int, weight: npt.NDArray[np.float64], *, n: int, leaves: int
) -> npt.NDArray[np.float64]:
    """Return the weights summed per group and leaf, in the order of the rows."""
    flat = np.bincount(group * leaves + leaf, weights=weight, minlength=n * leaves)
    return flat.reshape(n, leaves).astype(np.float64, copy=False)


def top_two(
    posterior: npt.NDArray[np.float64], without: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the first leaf and the shares of the first and second, leaving out one column.

    Ties go to the leaf that comes first.
    """
    shares = posterior.copy()
    shares[:, without] = -1.0
    best = np.argmax(shares, axis=1)
    rows = np.arange(len(shares))
    first = shares[rows, best]
    shares[rows, best] = -1.0
    return best, first, shares.max(axis=1, initial=-1.0)
