"""The leaky bucket: what flows in, what flows out and why, and what refilling costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from retainkit._core.result import ResultTable
from retainkit.metrics._contracts import ContractIndex
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._groups import read_groups
from retainkit.metrics._kernel_movements import CHURN
from retainkit.metrics._movement_table import MovementTable
from retainkit.metrics._movements import revenue_movements
from retainkit.metrics._period import Period
from retainkit.metrics._purchases import PurchaseIndex


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LeakyBucket(ResultTable):
    """Flows in and out per period, in customers and in money; both close.

    Attributes
    ----------
    movements : MovementTable
        The flows.
    causes : tuple of str
        Causes of loss, in order; empty without causes.
    lost_by_cause, value_lost_by_cause : ndarray, shape (periods, causes)
        Customers and money lost.
    cost_to_win : float or None
        Cost of winning one customer [money].
    """

    movements: MovementTable
    causes: tuple[str, ...]
    lost_by_cause: np.ndarray[Any, Any]
    value_lost_by_cause: np.ndarray[Any, Any]
    cost_to_win: float | None

    _what: ClassVar[str] = "periods"
    _next_step: ClassVar[str] = ".summary() or .to_frame()"

    def __len__(self) -> int:
        return len(self.movements.periods)

    def to_frame(self) -> pd.DataFrame:
        """Return flows by period, measure and line, in tidy form.

        Returns
        -------
        pandas.DataFrame
            `period`, `measure` ("customers" or "value"), `line` (opening, new, reactivation, lost
            or "lost: cause", expansion, contraction, closing), `amount`; losses positive.
        """
        parts = []
        for measure, frame, by_cause in (
            ("customers", self.movements.heads(), self.lost_by_cause),
            ("value", self.movements.summary(), self.value_lost_by_cause),
        ):
            lines = frame.drop(columns="complete").rename(columns={"churn": "lost"})
            if measure == "customers":
                lines = lines[["opening", "new", "reactivation", "lost", "closing"]]
            for at, cause in enumerate(self.causes):
                lines.insert(lines.columns.get_loc("closing"), f"lost: {cause}", by_cause[:, at])  # type: ignore[arg-type]
            long = lines.reset_index().melt("period", var_name="line", value_name="amount")
            parts.append(long.assign(measure=measure))
        return pd.concat(parts, ignore_index=True)[["period", "measure", "line", "amount"]]

    def summary(self) -> pd.DataFrame:
        """Return the bucket in customers, and what refilling it costs.

        Returns
        -------
        pandas.DataFrame
            One row per period: `opening`, `new`, `reactivation`, `lost`, one column per cause,
            `closing`, `value_lost` [money], `refill_cost` [money] = lost x cost to win; NaN when
            that cost is not known, `complete`.
        """
        heads = self.movements.heads()
        frame = heads[["opening", "new", "reactivation", "churn"]].rename(columns={"churn": "lost"})
        for at, cause in enumerate(self.causes):
            frame[f"lost: {cause}"] = self.lost_by_cause[:, at]
        frame["closing"] = heads["closing"]
        frame["value_lost"] = self.movements.summary()["churn"]
        cost = np.nan if self.cost_to_win is None else self.cost_to_win
        frame["refill_cost"] = frame["lost"] * cost
        frame["complete"] = heads["complete"]
        return frame


def leaky_bucket(
    base: PurchaseIndex | ContractIndex,
    *,
    periods: Sequence[Period] | Period,
    causes: pd.Series[Any] | None = None,
    cost_to_win: float | None = None,
    convention: MetricConvention = DEFAULT_CONVENTION,
) -> LeakyBucket:
    """Show what flows into the customer base and what leaks out, per period.

    Sales may look flat while losses are refilled by costly acquisition.

    Parameters
    ----------
    base : PurchaseIndex or ContractIndex
        From `index_purchases` or `index_contracts`.
    periods : Period or sequence of Period
        Consecutive periods.
    causes : pandas.Series, optional
        Cause of loss per customer, indexed by `customer_id`; lost customers without one are
        "unlabelled".
    cost_to_win : float, optional
        Cost of winning one customer [money], for example from `estimate_economics`.
    convention : MetricConvention, optional
        What the words mean.

    Returns
    -------
    LeakyBucket
        Opening + new + reactivation - lost = closing, in customers; with expansion and
        contraction also in money.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import Period, index_purchases, leaky_bucket
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> bucket = leaky_bucket(base, periods=Period.quarter(1998, 1), cost_to_win=20.0)
    >>> bucket.summary()[["opening", "new", "reactivation", "lost", "closing", "refill_cost"]]
             opening  new  reactivation  lost  closing  refill_cost
    period
    1998-Q1      402    0           188   205      385       4100.0
    """
    movements = revenue_movements(base, periods=periods, convention=convention)
    groups, names = read_groups(causes, base.customer_id)
    moves = movements.moves
    lost = moves.kind == CHURN
    size = (len(movements.periods), len(names))
    cell = moves.period[lost].astype(np.int64) * size[1] + groups.codes[moves.customer[lost]]
    heads = np.bincount(cell, minlength=size[0] * size[1]) if names else np.zeros(0)
    amount = -moves.amount[lost] / movements.units_per_money
    value = np.bincount(cell, amount, minlength=size[0] * size[1]) if names else np.zeros(0)
    return LeakyBucket(
        movements=movements,
        causes=names,
        lost_by_cause=heads.reshape(size),
        value_lost_by_cause=value.reshape(size),
        cost_to_win=cost_to_win,
    )
