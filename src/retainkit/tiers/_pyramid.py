"""Headcount beside value: the two pyramids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_floats, check_length
from retainkit._core.columns import Column, plain
from retainkit._core.labels import Label
from retainkit._core.result import ResultTable
from retainkit.tiers import _kernel
from retainkit.tiers._tier_table import TierTable
from retainkit.typing import ArrayLike1D, FloatArray

__all__ = ["TierPyramid", "tier_pyramid"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TierPyramid(ResultTable):
    """Hold heads and value per tier shown, best first, "bad" last.

    Parameters
    ----------
    names : tuple of str
        The tiers.
    labels : tuple of Label
        Their display texts.
    customers : ndarray of int
        Heads.
    valued : ndarray of int
        Of these, with a computable value.
    value : ndarray of float
        Sum of the computable values [money].
    base_total : float
        The same sum over the whole base at once [money]: what `value` must add up to.

    Examples
    --------
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme, tier_pyramid
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> pyramid = tier_pyramid(assign_tiers(value, fit_tier_scheme(value)))
    >>> pyramid.customer_share, pyramid.value_share
    (array([0.4, 0.2, 0.4, 0. ]), array([0.85, 0.1 , 0.05, 0.  ]))
    """

    _what: ClassVar[str] = "tiers"
    _next_step: ClassVar[str] = ".to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("tier", lambda t: np.arange(len(t)), "names", ordered=True),
        Column("label_en", "labels.en"),
        Column("label_zh", "labels.zh"),
        *plain("customers", "customer_share", "valued", "value", "value_share", "average"),
    )

    names: tuple[str, ...]
    labels: tuple[Label, ...]
    customers: npt.NDArray[np.int64]
    valued: npt.NDArray[np.int64]
    value: FloatArray
    base_total: float

    def __len__(self) -> int:
        return len(self.names)

    @property
    def n(self) -> int:
        """Number of customers in all tiers together."""
        return int(self.customers.sum())

    @property
    def total(self) -> float:
        """Value of all tiers together [money]."""
        return float(self.value.sum())

    @property
    def reconciles(self) -> bool:
        """Whether the tiers add up to the base, to the rounding of the sums."""
        size = max(float(np.abs(self.value).sum()), abs(self.base_total))
        return abs(self.total - self.base_total) <= 1e-9 * size

    @property
    def customer_share(self) -> FloatArray:
        """Share of all heads; NaN in an empty base."""
        return _share(self.customers, float(self.n))

    @property
    def value_share(self) -> FloatArray:
        """Share of the total value; NaN where the total is not positive."""
        return _share(self.value, self.total)

    @property
    def average(self) -> FloatArray:
        """Value per customer with a computable value [money]; NaN where there is none."""
        average = np.full(len(self), np.nan)
        np.divide(self.value, self.valued, out=average, where=self.valued > 0)
        return average

    def summary(self) -> pd.DataFrame:
        """Return the tiers and a last row with the whole base.

        Returns
        -------
        pandas.DataFrame
            Tier, heads, value and their shares.
        """
        valued = int(self.valued.sum())
        total = {
            "tier": "total",
            "customers": self.n,
            "customer_share": 1.0 if self.n else np.nan,
            "value": self.total,
            "value_share": 1.0 if self.total > 0 else np.nan,
            "average": self.total / valued if valued else np.nan,
        }
        frame = self.to_frame()[list(total)].astype({"tier": object})
        return pd.concat([frame, pd.DataFrame([total])], ignore_index=True)


def tier_pyramid(tiers: TierTable, *, value: ArrayLike1D | None = None) -> TierPyramid:
    """Count the heads and add up the value of each tier.

    Parameters
    ----------
    tiers : TierTable
        From `assign_tiers`. Customers of bad standing form a row of their own.
    value : array_like of float, shape (n_customers,), optional
        What to add up [money], in the order of `tiers`: profit, for instance, where the tiers
        were made on lifetime value. By default what the tiers were made on. NaN: not
        computable; such customers count as heads and add nothing.

    Returns
    -------
    TierPyramid
        One row per tier, best first, "bad" last, tiers without customers included.

    Raises
    ------
    SchemaError
        If `value` is not one-dimensional, not numeric or holds an infinity.
    AlignmentError
        If `value` has another length than `tiers`.

    Examples
    --------
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme, tier_pyramid
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> pyramid = tier_pyramid(assign_tiers(value, fit_tier_scheme(value)))
    >>> print(pyramid.to_frame()[["tier", "customers", "value", "average"]].to_string())
           tier  customers  value  average
    0       key          2   85.0     42.5
    1  ordinary          1   10.0     10.0
    2     small          2    5.0      2.5
    3       bad          0    0.0      NaN
    """
    values = tiers.value if value is None else as_floats(value, "value")
    check_length(values.size, len(tiers), "value")
    names = tiers.categories
    customers, valued, sums = _kernel.group_sums(tiers.tier, values, len(names))
    return TierPyramid(
        names=names,
        labels=tiers.labels,
        customers=customers,
        valued=valued,
        value=sums,
        base_total=float(np.nansum(values)),
    )


def _share(part: npt.NDArray[np.int64] | FloatArray, whole: float) -> FloatArray:
    """Return parts of a whole; NaN where that is not positive."""
    return part / whole if whole > 0 else np.full(part.size, np.nan)
