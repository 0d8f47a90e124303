"""Identical rows are one row with a weight: fits and predictions run on the distinct ones."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd

from retainkit._core.arrays import as_column
from retainkit._core.time import DAYS_PER_UNIT
from retainkit.errors import AlignmentError, InvalidTableError
from retainkit.lifetime._histories import PurchaseHistory, history_columns
from retainkit.typing import ArrayLike1D, FloatArray, IntArray, TimeUnit

_KEY_LIMIT = 2**62
_MOST_DAYS = 2**40
_PROBE = 64


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class CompressedHistories:
    """The distinct purchase histories of a base, how often each occurs, and the way back.

    Parameters
    ----------
    frequency, recency, age : ndarray of shape (m,)
        Distinct histories in ascending order of (frequency, recency, age).
    unit : {"day", "week", "month"}
        Unit of recency and age.
    weights : ndarray of shape (m,)
        Customers (or total weight) with that history.
    inverse : ndarray of shape (n,)
        Row of each customer among the distinct histories; -1 where age is NaN.

    Examples
    --------
    >>> from retainkit.lifetime import PurchaseHistories, compress_histories
    >>> history = PurchaseHistories(
    ...     frequency=[2, 0, 2], recency=[3, 0, 3], age=[9, 9, 9], unit="week")
    >>> compressed = compress_histories(history)
    >>> compressed.frequency, compressed.weights
    (array([0., 2.]), array([1., 2.]))
    """

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    unit: TimeUnit
    weights: FloatArray
    inverse: IntArray

    @property
    def n_excluded(self) -> int:
        """Customers without an age, who have no history."""
        return int(np.count_nonzero(self.inverse < 0))

    def expand(self, values: FloatArray) -> FloatArray:
        """Give every customer, in order, its distinct history's value; NaN where age was NaN."""
        return np.append(values, np.nan)[self.inverse]

    def __len__(self) -> int:
        return len(self.frequency)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {len(self):,} distinct of {len(self.inverse):,} customers, "
            f"unit {self.unit}; next: .expand(values)>"
        )


def compress_histories(
    history: PurchaseHistory, *, weights: ArrayLike1D | None = None
) -> CompressedHistories:
    """Merge identical purchase histories into one row with a weight.

    Parameters
    ----------
    history : PurchaseHistory of n customers
        For example a `CustomerSummary` or `PurchaseHistories`.
    weights : array-like of shape (n,), optional
        Customers each row stands for; default 1.

    Returns
    -------
    CompressedHistories
        m distinct histories in ascending order, whatever the order of the rows. It satisfies
        `PurchaseHistory`, so that predictions can run on it and be expanded.

    Raises
    ------
    InvalidTableError
        If a history is impossible or a weight is negative or not finite.

    Examples
    --------
    >>> from retainkit.lifetime import PurchaseHistories, compress_histories
    >>> history = PurchaseHistories(
    ...     frequency=[2, 0, 2], recency=[3, 0, 3], age=[9, 9, 9], unit="week")
    >>> compress_histories(history)
    <CompressedHistories: 2 distinct of 3 customers, unit week; next: .expand(values)>
    """
    x, t, T = history_columns(history)
    (x, t, T), totals, inverse = compress_rows(
        (x, t, T), weights=check_weights(weights, len(x)), keep=~np.isnan(T)
    )
    return CompressedHistories(
        frequency=x, recency=t, age=T, unit=history.unit, weights=totals, inverse=inverse
    )


def compress_rows(
    columns: tuple[FloatArray, ...], *, weights: FloatArray | None, keep: np.ndarray
) -> tuple[tuple[FloatArray, ...], FloatArray, IntArray]:
    """Return the distinct kept rows in ascending order, their weights, and each row's place."""
    if not keep.all():
        rows = np.flatnonzero(keep)
        kept = None if weights is None else weights[rows]
        distinct, totals, place = compress_rows(
            tuple(c[rows] for c in columns), weights=kept, keep=keep[rows]
        )
        inverse = np.full(len(keep), -1, dtype=np.int64)
        inverse[rows] = place
        return distinct, totals, inverse
    place, first = _distinct_rows(columns)
    totals = _sum_weights(place, weights, size=len(first))
    return tuple(c[first] for c in columns), totals, place


def _distinct_rows(columns: tuple[FloatArray, ...]) -> tuple[IntArray, IntArray]:
    """Code each row by its rank among the distinct rows; also one position of each rank."""
    key = _pack_whole_days(columns)
    if key is None:
        key = _pack_levels(columns)
    codes, distinct = pd.factorize(key)
    order = np.argsort(distinct)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    place = rank[codes]
    first = np.empty(len(distinct), dtype=np.int64)
    first[place] = np.arange(len(place))
    return place, first


def _pack_levels(columns: tuple[FloatArray, ...]) -> IntArray:
    """Pack the numbers of each column's distinct values into one integer."""
    key, size = np.zeros(len(columns[0]), dtype=np.int64), 1
    for column in columns:
        codes, levels = pd.factorize(column, sort=True)
        if size * len(levels) > _KEY_LIMIT:
            key, packed = pd.factorize(key, sort=True)
            size = len(packed)
        key = key * len(levels) + codes
        size *= max(len(levels), 1)
    return key


def _pack_whole_days(columns: tuple[FloatArray, ...]) -> IntArray | None:
    """Pack counts and whole days, in whatever unit, without looking for their distinct values."""
    key, size = np.zeros(len(columns[0]), dtype=np.int64), 1
    for column in columns:
        whole = _whole_numbers(column)
        if whole is None or not len(whole):
            return None
        width = int(whole.max()) + 1
        size *= width
        if size > _KEY_LIMIT or int(whole.min()) < 0:
            return None
        key *= width
        key += whole
    return key


def _whole_numbers(column: FloatArray) -> IntArray | None:
    """Return the column as whole numbers of the unit or of days, if that keeps every bit."""
    for scale in (1.0, *DAYS_PER_UNIT.values()):
        for part in (column[:_PROBE], column):
            whole = np.rint(part * scale)
            if not (whole / scale == part).all() or not (np.abs(whole) < _MOST_DAYS).all():
                break
        else:
            return whole.astype(np.int64)
    return None


def _sum_weights(place: IntArray, weights: FloatArray | None, *, size: int) -> FloatArray:
    if weights is None:
        return np.bincount(place, minlength=size).astype(np.float64)
    if not np.array_equal(weights, np.rint(weights)):
        # Sums of fractions depend on their order: fix it, so that the order of rows does not matter
        order = np.lexsort((weights, place))
        place, weights = place[order], weights[order]
    return np.bincount(place, weights=weights, minlength=size).astype(np.float64)


def check_weights(weights: ArrayLike1D | None, n: int) -> FloatArray | None:
    """Return weights as float64; refuse what cannot count customers."""
    if weights is None:
        return None
    column = as_column(weights, "weights")
    if len(column) != n:
        raise AlignmentError(f"{len(column)} weights for {n} rows", rule="one weight per row")
    bad = ~(np.isfinite(column) & (column >= 0))
    if bad.any():
        raise InvalidTableError(
            f"{np.count_nonzero(bad):,} unusable weights, first {column[bad][0]!r}",
            rule="a weight is the number of customers a row stands for, finite and not negative",
            where="weights",
        )
    return column


def fingerprint_of(columns: tuple[FloatArray, ...], label: str) -> str:
    """Return 32 hexadecimal digits that identify compressed data, on any machine."""
    digest = blake2b(label.encode(), digest_size=16)
    for column in columns:
        digest.update(np.ascontiguousarray(column + 0.0, dtype="<f8").tobytes())
    return digest.hexdigest()
