"""find_leaks: columns that give the outcome away, so that a model learnt on them is worthless."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenConfig
from retainkit._core.result import ResultTable
from retainkit.errors import AlignmentError
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray, Rate


class LeakConfig(FrozenConfig):
    """Say when a column counts as giving the outcome away.

    Parameters
    ----------
    min_share : float, default 0.05
        Share of the customers whose outcome the column's value settles for certain.
    chance : float, default 1e-6
        A value settles the outcome only if so pure a group would arise by chance no more often.
    """

    min_share: Rate = 0.05
    chance: Rate = 1e-6


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LeakTable(ResultTable):
    """One row per column: how much of the outcome its values settle for certain.

    Parameters
    ----------
    columns : tuple of str
        Columns examined.
    settled_gone, settled_staying : numpy.ndarray of int64
        Customers whose value occurs only among those who left, or only among those who stayed.
    customers : int
        All customers.
    auc : numpy.ndarray of float64
        How well the column orders leavers before stayers, 0.5 = not at all, 1 = perfectly; NaN
        where it has no order.
    detail : tuple of str
        Which values settle it.
    config : LeakConfig
        The settings used.
    """

    columns: tuple[str, ...]
    settled_gone: npt.NDArray[np.int64]
    settled_staying: npt.NDArray[np.int64]
    customers: int
    auc: FloatArray
    detail: tuple[str, ...]
    config: LeakConfig

    _what: ClassVar[str] = "columns"
    _next_step: ClassVar[str] = ".leaking"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("column", "columns"),
        Column("leaks", "_leaks"),
        *plain("settled_share", "settled_gone", "settled_staying", "auc", "detail"),
    )

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def settled_share(self) -> FloatArray:
        """Share of the customers whose outcome the column settles; NaN without customers."""
        settled = (self.settled_gone + self.settled_staying).astype(np.float64)
        return settled / self.customers if self.customers else np.full(len(self), np.nan)

    @property
    def leaking(self) -> tuple[str, ...]:
        """Names of the columns that give the outcome away."""
        return tuple(name for name, leaks in zip(self.columns, self._leaks, strict=True) if leaks)

    @property
    def _leaks(self) -> BoolArray:
        leaks: BoolArray = self.settled_share >= self.config.min_share
        return leaks

    def to_frame(self) -> pd.DataFrame:
        """Return every column, the worst first."""
        order = np.lexsort((np.arange(len(self)), -np.nan_to_num(self.settled_share)))
        return self._frame("en").iloc[order].reset_index(drop=True)

    def summary(self) -> pd.DataFrame:
        """Return the columns that leak.

        Rows of `to_frame` with `leaks`.
        """
        frame = self.to_frame()
        return frame[frame["leaks"]].reset_index(drop=True)


def find_leaks(
    features: pd.DataFrame,
    *,
    churned: ArrayLike1D,
    config: LeakConfig = LeakConfig(),  # noqa: B008 - frozen
) -> LeakTable:
    """Name the columns whose values give away who left.

    A column recorded after the fact (a churn score, a reason, a closing survey) predicts perfectly
    and teaches nothing. It shows in groups that are pure: values, or one end of a numeric column,
    at which everybody left or nobody did, too many for chance.

    Parameters
    ----------
    features : pandas.DataFrame
        Columns a model might learn from, one row per customer. Texts and truth values are examined
        value by value, numbers also from both ends; a missing value is a value.
    churned : array_like of bool, shape (n,)
        Who left.
    config : LeakConfig, optional
        Thresholds.

    Returns
    -------
    LeakTable
        One row per column.

    Raises
    ------
    AlignmentError
        If lengths differ.

    Notes
    -----
    A group of m customers is pure beyond chance when base rate ** m is at most `config.chance`,
    with the base rate of what they all share. A column of identifiers has groups of one and never
    leaks by them.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from retainkit.churn import find_leaks
    >>> gone = np.arange(300) % 3 == 0
    >>> find_leaks(pd.DataFrame({"reason": np.where(gone, "price", None)}), churned=gone).leaking
    ('reason',)
    """
    gone = np.asarray(churned, dtype=np.bool_)
    if gone.shape != (len(features),):
        raise AlignmentError(
            f"{len(features)} rows of features, churned of shape {gone.shape}",
            rule="one row per customer, in the same order",
            where="find_leaks",
        )
    rows = [_examine(features[name], gone, config) for name in features.columns]
    return LeakTable(
        columns=tuple(str(name) for name in features.columns),
        settled_gone=np.array([row[0] for row in rows], dtype=np.int64),
        settled_staying=np.array([row[1] for row in rows], dtype=np.int64),
        customers=len(gone),
        auc=np.array([row[2] for row in rows], dtype=np.float64),
        detail=tuple(row[3] for row in rows),
        config=config,
    )


def _examine(
    column: pd.Series[Any], gone: BoolArray, config: LeakConfig
) -> tuple[int, int, float, str]:
    """Return customers settled as gone and as staying, the AUC, and the values in words."""
    numeric = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(
        column.dtype
    )
    codes, values = pd.factorize(column, sort=numeric, use_na_sentinel=True)
    codes = np.where(codes < 0, len(values), codes)
    names = [*(f"{value:g}" if numeric else str(value) for value in values), "missing"]
    size = len(names)
    total = np.bincount(codes, minlength=size)
    lost = np.bincount(codes[gone], minlength=size)
    base = float(gone.mean()) if len(gone) else 0.0
    needed = _needed(base, config.chance), _needed(1.0 - base, config.chance)
    pure_gone = (lost == total) & (total >= needed[0])
    pure_staying = (lost == 0) & (total >= needed[1])
    if numeric and size > 1:
        pure_gone |= _pure_ends(lost == total, total, needed[0])
        pure_staying |= _pure_ends(lost == 0, total, needed[1])
    details = [
        f"{words} at {_list(names, where)}"
        for words, where in (("all left", pure_gone), ("none left", pure_staying))
        if where.any()
    ]
    auc = _auc(codes, gone, size) if numeric and size > 1 else np.nan
    return int(total[pure_gone].sum()), int(total[pure_staying].sum()), auc, "; ".join(details)


def _needed(base: float, chance: float) -> float:
    """Return how many customers of one kind in a row are beyond chance."""
    if base >= 1.0 or chance <= 0.0:
        return np.inf
    return 2.0 if base <= 0.0 else max(np.log(chance) / np.log(base), 2.0)


def _pure_ends(pure: BoolArray, total: npt.NDArray[np.int64], needed: float) -> BoolArray:
    """Return the values in a pure run at either end of the order, if long enough together."""
    found = np.zeros(len(pure), dtype=np.bool_)
    body, heads = pure[:-1], total[:-1]  # the last place is "missing" and has no order
    low = np.logical_and.accumulate(body)
    high = np.logical_and.accumulate(body[::-1])[::-1]
    for end in (low, high):
        if heads[end].sum() >= needed:
            found[:-1] |= end
    return found


def _list(names: list[str], where: BoolArray) -> str:
    """Return the names where true as a text; the middle of many is left out."""
    chosen = [name for name, is_in in zip(names, where, strict=True) if is_in]
    if len(chosen) <= 5:
        return ", ".join(chosen)
    return f"{', '.join(chosen[:2])}, ... {', '.join(chosen[-2:])} ({len(chosen)} values)"


def _auc(codes: npt.NDArray[np.int64], gone: BoolArray, size: int) -> float:
    """Return the area under the curve from ranks, ties in the middle; missing left out."""
    known = codes < size - 1
    lost = np.bincount(codes[known & gone], minlength=size - 1).astype(np.float64)
    kept = np.bincount(codes[known & ~gone], minlength=size - 1).astype(np.float64)
    if not (lost.sum() and kept.sum()):
        return np.nan
    below = np.cumsum(kept) - kept
    area = float((lost * (below + kept / 2.0)).sum() / (lost.sum() * kept.sum()))
    return max(area, 1.0 - area)
