"""How value builds up and is lost again from the best customer to the worst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_floats
from retainkit._core.columns import Column
from retainkit._core.result import ResultTable
from retainkit.tiers import _kernel
from retainkit.typing import ArrayLike1D, FloatArray

__all__ = ["WhaleCurve", "whale_curve"]

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

    Examples
    --------
    >>> from retainkit.tiers import whale_curve
    >>> whale_curve([60.0, 50.0, 10.0, 0.0, -20.0]).cumulative
    array([  0.,  60., 110., 120., 120., 100.])
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

        Returns
        -------
        pandas.DataFrame
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
