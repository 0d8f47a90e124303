"""tier_pyramid and whale_curve: what the tiers are worth, and how value is concentrated."""

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
from retainkit.tiers.grading import _kernel
from retainkit.tiers.grading._assign import TierTable
from retainkit.typing import ArrayLike1D, FloatArray


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


_MOST_POINTS = 1_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WhaleCurve(ResultTable):
    """Hold the exact facts of a whale curve and at most 1,000 points to draw it.

    Parameters
    ----------
    n : int
        Customers with a computable value.
    n_missing : int
        Customers without one; they are not on the curve.
    n_unprofitable : int
        Customers with a value below zero.
    total : float
        Sum of all values, where the curve ends [money].
    peak : float
        Highest point of the curve: the sum of the positive values [money].
    peak_customers : int
        Customers up to the peak: those with a positive value.
    top_20 : float
        Sum of the best 20 % of customers (the smallest number that is at least 20 %) [money].
    customers : ndarray of int
        Points: how many best customers, from 0 to `n`.
    cumulative : ndarray of float
        Points: the sum of their values [money].
    """

    _what: ClassVar[str] = "points"
    _next_step: ClassVar[str] = ".summary() or .to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customers"),
        Column("customer_share", lambda t: t.customers / t.n if t.n else np.full(len(t), np.nan)),
        Column("cumulative_value", "cumulative"),
        Column(
            "cumulative_share",
            lambda t: t.cumulative / t.total if t.total > 0 else np.full(len(t), np.nan),
        ),
    )

    n: int
    n_missing: int
    n_unprofitable: int
    total: float
    peak: float
    peak_customers: int
    top_20: float
    customers: npt.NDArray[np.int64]
    cumulative: FloatArray

    def __len__(self) -> int:
        return self.customers.size

    @property
    def peak_share(self) -> float:
        """Peak as a share of the total; NaN where the total is not positive."""
        return self._share(self.peak)

    @property
    def peak_at(self) -> float:
        """Share of the customers at the peak; NaN where there are none."""
        return self.peak_customers / self.n if self.n else np.nan

    @property
    def top_20_share(self) -> float:
        """Share of the total that the best 20 % make; NaN where the total is not positive."""
        return self._share(self.top_20)

    @property
    def lost(self) -> float:
        """What the customers with a negative value take away again [money]."""
        return self.peak - self.total

    def _share(self, amount: float) -> float:
        """Return an amount as a share of the total; NaN where that is not positive."""
        return amount / self.total if self.total > 0 else np.nan

    def summary(self) -> pd.DataFrame:
        """Return the facts of the curve, one row.

        Counts, amounts and shares; shares of a total that is not positive are NaN.
        """
        return pd.DataFrame(
            {
                "customers": [self.n],
                "unprofitable": [self.n_unprofitable],
                "not_computable": [self.n_missing],
                "total": [self.total],
                "peak": [self.peak],
                "lost": [self.lost],
                "peak_share": [self.peak_share],
                "peak_at": [self.peak_at],
                "top_20_share": [self.top_20_share],
            }
        )


def whale_curve(value: ArrayLike1D) -> WhaleCurve:
    """Add up the value of customers from the best to the worst.

    The curve rises as long as customers are profitable and falls from there: what lies above
    100 % is earned and lost again.

    Parameters
    ----------
    value : array_like of float, shape (n_customers,)
        What each customer is worth [money], usually profit; NaN: left out and counted.

    Returns
    -------
    WhaleCurve
        Exact facts and at most 1,000 points.

    Raises
    ------
    SchemaError
        If `value` is not one-dimensional, not numeric or holds an infinity.

    Notes
    -----
    The peak is the first point at which the curve is highest, so customers worth exactly 0 lie
    behind it. Where the total is not positive a share of it would mislead (a loss divided by a
    loss is positive), so shares are NaN and the amounts stand.

    References
    ----------
    Kaplan, R. S. & Narayanan, V. G. (2001). Measuring and managing customer profitability.
    Journal of Cost Management 15(5), 5-15.

    Examples
    --------
    >>> from retainkit.tiers import whale_curve
    >>> curve = whale_curve([60.0, 50.0, 10.0, 0.0, -20.0])
    >>> curve.peak_share, curve.peak_at, curve.n_unprofitable
    (1.2, 0.6, 1)
    """
    ranked = _kernel.rank(as_floats(value, "value"))
    n = ranked.values.size
    top = _kernel.count_of_heads(n, 0.2) if n else 0
    running = np.append(0.0, ranked.running)
    points = _kernel.thin(n, (top, ranked.n_positive), _MOST_POINTS)
    return WhaleCurve(
        n=n,
        n_missing=ranked.n_missing,
        n_unprofitable=ranked.n_negative,
        total=ranked.total,
        peak=ranked.positive_total,
        peak_customers=ranked.n_positive,
        top_20=float(ranked.values[:top].sum()),
        customers=points,
        cumulative=running[points],
    )
