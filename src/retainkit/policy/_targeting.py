"""How good is a ranking for deciding whom to treat: incremental outcome and profit by depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_bools, as_floats
from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit.errors import NotComputableError
from retainkit.typing import ArrayLike1D, FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TargetingCurve(ResultTable):
    """Hold what treating the best-ranked customers brings, for every depth.

    Attributes
    ----------
    customers : ndarray of int64
        Customers treated, best-ranked first; customers of equal score together; starts at 0.
    incremental : ndarray of float64
        Outcome they bring more than untreated [unit of the outcome].
    cost : float
        Cost per customer treated.

    Examples
    --------
    >>> from retainkit.policy import targeting_curve
    >>> curve = targeting_curve([2, 2, 1, 1], [1, 0, 1, 0], outcome=[9.0, 1.0, 2.0, 2.0])
    >>> curve
    <TargetingCurve: 3 depths; next: .to_frame(), .summary() or .qini>
    """

    _what: ClassVar[str] = "depths"
    _next_step: ClassVar[str] = ".to_frame(), .summary() or .qini"
    _schema: ClassVar[tuple[Column, ...]] = (*plain("share", "customers", "incremental", "profit"),)

    customers: npt.NDArray[np.int64]
    incremental: FloatArray
    cost: float

    def __len__(self) -> int:
        return self.customers.size

    @property
    def share(self) -> FloatArray:
        """Share of customers treated at each depth."""
        share: FloatArray = self.customers / self.customers[-1]
        return share

    @property
    def profit(self) -> FloatArray:
        """Incremental outcome less cost at each depth."""
        return self.incremental - self.cost * self.customers

    @property
    def qini(self) -> float:
        """Area between the curve and treating by lot, per customer; 0 = as good as lot."""
        lot = self.share * self.incremental[-1]
        over = self.incremental - lot
        width = np.diff(self.share)
        area = float((width * (over[1:] + over[:-1])).sum()) / 2.0
        return area / float(self.customers[-1])

    def profit_at(self, share: float) -> float:
        """Return the profit of treating this share of customers, best-ranked first.

        Between two depths in proportion.
        """
        return float(np.interp(share, self.share, self.profit))

    def summary(self) -> pd.DataFrame:
        """Return the best depth beside treating everybody: share, customers, incremental, profit.

        Rows "best" and "all". The best depth is the winner of many: judge it on other customers.
        """
        frame = self.to_frame()
        rows = frame.iloc[[int(self.profit.argmax()), len(frame) - 1]]
        return rows.set_axis(["best", "all"], axis=0)


def targeting_curve(
    score: ArrayLike1D,
    treated: ArrayLike1D,
    *,
    outcome: Any,
    propensity: Any = None,
    cost: float = 0.0,
) -> TargetingCurve:
    """Return what treating the best-ranked customers would have brought (uplift, Qini, profit).

    Parameters
    ----------
    score : array_like of float, shape (n_customers,)
        Ranking: higher is treated first.
    treated : array_like of bool, shape (n_customers,)
        Who was treated, by chance.
    outcome : array_like of float, shape (n_customers,)
        What came of it: money, or 0 and 1.
    propensity : float or array_like of float, optional
        Chance of treatment; default the share treated.
    cost : float
        Cost per customer treated.

    Returns
    -------
    TargetingCurve
        Equal scores stand together, so the order of rows changes nothing.

    Raises
    ------
    NotComputableError
        If nobody or everybody was treated, or a score is missing.

    Notes
    -----
    incremental(k) = sum over the first k of (T / e - (1 - T) / (1 - e)) Y: unbiased when chance
    e chose. With a binary outcome and equal groups this is Radcliffe's Qini curve.

    References
    ----------
    N. Radcliffe (2007), "Using control groups to target on predicted lift", Direct Marketing
    Analytics Journal.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import targeting_curve
    >>> rng = np.random.default_rng(0)
    >>> x, treated = rng.normal(size=5000), rng.integers(0, 2, 5000)
    >>> outcome = treated * x + rng.normal(size=5000)
    >>> targeting_curve(x, treated, outcome=outcome).qini > 0.2
    True
    >>> abs(targeting_curve(rng.normal(size=5000), treated, outcome=outcome).qini) < 0.03
    True
    """
    scores = as_floats(score, "score")
    hit = as_bools(treated, "treated", n=scores.size)
    result = as_floats(outcome, "outcome", n=scores.size)
    if np.isnan(scores).any() or np.isnan(result).any() or hit.all() or not hit.any():
        raise NotComputableError(
            "no curve: scores or outcomes missing, or nobody or everybody treated",
            rule="chance must have treated some customers and not others",
            where="score, treated, outcome",
        )
    chance = np.broadcast_to(
        np.asarray(hit.mean() if propensity is None else propensity, dtype=np.float64), hit.shape
    )
    weight = np.where(hit, 1.0 / chance, -1.0 / (1.0 - chance))
    _, group = np.unique(-scores, return_inverse=True)
    heads = np.bincount(group)
    sums = np.bincount(group, weights=weight * result)
    return TargetingCurve(
        customers=np.concatenate([[0], np.cumsum(heads)]),
        incremental=np.concatenate([[0.0], np.cumsum(sums)]),
        cost=float(cost),
    )
