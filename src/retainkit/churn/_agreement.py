"""Agreement: how far two readings of the same losses agree, beyond chance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.kernels.intervals import normal_bounds
from retainkit.churn._causes import CAUSES, UNKNOWN_CODE
from retainkit.errors import AlignmentError, SchemaError
from retainkit.typing import FloatArray

Codes = npt.NDArray[np.int8]


class Agreement(NamedTuple):
    """Agreement of two readings of the causes, beyond what chance gives.

    Attributes
    ----------
    customers : int
        Customers both readings judge.
    agreed : float
        Share with the same cause; NaN without customers.
    kappa : float
        Cohen's kappa: (agreed - by chance) / (1 - by chance); NaN where chance alone agrees fully.
    standard_error : float
        Large-sample standard error of kappa (Fleiss, Cohen & Everitt 1969); NaN with kappa.
    low, high : float
        95 % bounds of kappa.
    confusion : pandas.DataFrame
        Counts: rows the first reading, columns the second, all eight leaves.

    Examples
    --------
    >>> from retainkit.churn import measure_agreement
    >>> found = measure_agreement(["active.fault", "unknown"], ["active.fault", "active.natural"])
    >>> found.agreed, found.kappa
    (0.5, 0.3333333333333333)
    """

    customers: int
    agreed: float
    kappa: float
    standard_error: float
    low: float
    high: float
    confusion: pd.DataFrame


def measure_agreement(
    one: object, other: object, *, known_only: bool = False, level: float = 0.95
) -> Agreement:
    """Measure how far two readings of the same losses agree: model and human, human and human.

    Parameters
    ----------
    one, other : array_like of cause names, shape (n,)
        Leaves ("active.fault"), such as `CauseTable.cause`, in the same order of customers;
        missing where a reading does not judge: such customers are left out.
    known_only : bool, default False
        Leave out customers whom either reading leaves `unknown`.
    level : float, default 0.95
        Level of the bounds.

    Returns
    -------
    Agreement
        Shares, kappa with bounds, and the table of counts.

    Raises
    ------
    AlignmentError
        If lengths differ.
    SchemaError
        If a name is no leaf.

    References
    ----------
    Fleiss, J. L., Cohen, J. & Everitt, B. S. (1969). Large sample standard errors of kappa and
    weighted kappa. Psychological Bulletin 72, eq. (13).

    Examples
    --------
    >>> from retainkit.churn import measure_agreement
    >>> model = ["active.fault"] * 3 + ["active.natural"] * 3
    >>> human = ["active.fault"] * 2 + ["active.natural"] * 4
    >>> round(measure_agreement(model, human).kappa, 3)
    0.667
    """
    first, second = cause_codes(one, where="one"), cause_codes(other, where="other")
    if first.shape != second.shape:
        raise AlignmentError(
            f"{len(first)} causes and {len(second)} causes",
            rule="both readings judge the same customers, in the same order",
            where="measure_agreement",
        )
    both = (first >= 0) & (second >= 0)
    if known_only:
        both &= (first != UNKNOWN_CODE) & (second != UNKNOWN_CODE)
    size = len(CAUSES)
    flat = first[both].astype(np.int64) * size + second[both]
    counts = np.bincount(flat, minlength=size**2).reshape(size, size)
    names = pd.Index([str(cause) for cause in CAUSES])
    confusion = pd.DataFrame(counts, index=names.rename("one"), columns=names.rename("other"))
    n = int(counts.sum())
    if n == 0:
        return Agreement(0, np.nan, np.nan, np.nan, np.nan, np.nan, confusion)
    agreed, kappa, error = _kappa(counts / n, n)
    low, high = normal_bounds(kappa, error, level)
    return Agreement(n, agreed, kappa, error, low, high, confusion)


def _kappa(p: FloatArray, n: int) -> tuple[float, float, float]:
    """Return agreement, kappa and its standard error from a table of shares."""
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    agreed, chance = float(np.trace(p)), float(rows @ columns)
    if chance >= 1.0:
        return agreed, np.nan, np.nan
    kappa = (agreed - chance) / (1.0 - chance)
    lean = columns[:, None] + rows[None, :]  # p.i + pj. for the pair (i, j)
    on = np.diagonal(p) @ (1.0 - (rows + columns) * (1.0 - kappa)) ** 2
    off_pairs = p * lean**2
    off = (1.0 - kappa) ** 2 * (off_pairs.sum() - np.trace(off_pairs))
    rest = (kappa - chance * (1.0 - kappa)) ** 2
    variance = max(float(on + off - rest), 0.0) / (n * (1.0 - chance) ** 2)
    return agreed, float(kappa), variance**0.5


def cause_codes(causes: object, *, where: str) -> Codes:
    """Return leaf names as codes, -1 where missing; refuse other names."""
    given: Any = causes
    values: pd.Series[Any] = pd.Series(given, dtype="object")
    missing = values.isna().to_numpy(dtype=np.bool_)
    texts = values.astype("str")
    codes = pd.Index([str(cause) for cause in CAUSES]).get_indexer(pd.Index(texts))
    wrong = (codes < 0) & ~missing
    if wrong.any():
        raise SchemaError(
            f"{int(wrong.sum())} causes are no leaves, for example {sorted(set(texts[wrong]))[:3]}",
            rule=f"a cause is one of {', '.join(CAUSES)}",
            where=where,
            fix="map other names with a CodeBook",
        )
    return np.where(missing, -1, codes).astype(np.int8)
