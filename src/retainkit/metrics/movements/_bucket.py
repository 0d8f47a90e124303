"""The leaky bucket: what flows in, what flows out and why, and what refilling costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit.errors import AlignmentError
from retainkit.metrics._base import ContractIndex, PurchaseIndex, as_contracts
from retainkit.metrics._convention import DEFAULT_CONVENTION, MetricConvention
from retainkit.metrics._period import Period
from retainkit.metrics._snapshot import apply_convention
from retainkit.metrics._table import UNLABELLED, read_groups
from retainkit.metrics.movements._kernel import CHURN, NEW, REACTIVATION
from retainkit.metrics.movements._movements import revenue_movements
from retainkit.metrics.movements._table import MovementTable
from retainkit.typing import ArrayLike1D, FloatArray


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
        Losses and money lost. A customer's cause is that of its last loss; earlier ones are
        "unlabelled".
    worth : DataFrame or None
        One row per period: opening, new, reactivation, lost and closing, each customer weighed
        with the value given; None without values.
    cost_to_win : float or None
        Cost of winning one customer [money].
    """

    movements: MovementTable
    causes: tuple[str, ...]
    lost_by_cause: np.ndarray[Any, Any]
    value_lost_by_cause: np.ndarray[Any, Any]
    cost_to_win: float | None
    worth: pd.DataFrame | None = None

    _what: ClassVar[str] = "periods"
    _next_step: ClassVar[str] = ".summary() or .to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = plain("period", "measure", "line", "amount")

    def __len__(self) -> int:
        return len(self.movements.periods)

    def to_frame(self) -> pd.DataFrame:
        """Return flows by period, measure and line, in tidy form.

        `period`, `measure` ("customers", "value", and "worth" where values were given), `line`
        (opening, new, reactivation, lost or "lost: cause", expansion, contraction, closing),
        `amount`; losses positive.
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
        if self.worth is not None:
            long = self.worth.reset_index().melt("period", var_name="line", value_name="amount")
            parts.append(long.assign(measure="worth"))
        return pd.concat(parts, ignore_index=True)[["period", "measure", "line", "amount"]]

    def summary(self) -> pd.DataFrame:
        """Return the bucket in customers, and what refilling it costs.

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
    value: ArrayLike1D | None = None,
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
        Cause of the last loss per customer, indexed by `customer_id`; losses without one, and
        earlier ones of the same customer, are "unlabelled".
    value : array-like of shape (customers,), optional
        Value of each customer in the order of `base.customer_id`, for example yearly profit
        [money]: the flows are then weighed with it too.
    cost_to_win : float, optional
        Cost of winning one customer [money], for example from `estimate_economics`.
    convention : MetricConvention, optional
        What the words mean.

    Returns
    -------
    LeakyBucket
        Opening + new + reactivation - lost = closing, in customers; with expansion and
        contraction also in money. Customers who come and go more than once within a period are
        counted each time with `counting="event"`.

    Raises
    ------
    AlignmentError
        If `value` has another length, or a value is missing.

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
    seen = as_contracts(base, convention=convention) if isinstance(base, PurchaseIndex) else base
    seen = apply_convention(seen, convention=convention)
    names, lost, value_lost = _by_cause(movements, causes, seen)
    return LeakyBucket(
        movements=movements,
        causes=names,
        lost_by_cause=lost,
        value_lost_by_cause=value_lost,
        cost_to_win=cost_to_win,
        worth=None if value is None else _weigh(movements, value, seen),
    )


def _by_cause(
    movements: MovementTable, causes: pd.Series[Any] | None, seen: ContractIndex
) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Return the causes, and losses and money lost by period and cause."""
    groups, names = read_groups(causes, seen.customer_id)
    size = len(movements.periods)
    if not names:
        return names, np.zeros((size, 0)), np.zeros((size, 0))
    moves = movements.moves.take(np.flatnonzero(movements.moves.kind == CHURN))
    ends = np.array([period.end_day for period in movements.periods])
    reach = np.zeros(len(seen), dtype=np.int64)
    np.maximum.at(reach, seen.row_customer, seen.row_end)
    is_last = np.searchsorted(ends, reach, side="right")[moves.customer] == moves.period
    earlier = moves.times - is_last
    if earlier.any() and UNLABELLED not in names:
        names = (*names, UNLABELLED)
    other = names.index(UNLABELLED) if UNLABELLED in names else 0
    own = moves.period.astype(np.int64) * len(names)
    cell = own + np.where(is_last, groups.codes[moves.customer], other)
    length = size * len(names)
    lost = np.bincount(cell, is_last, minlength=length).astype(np.float64)
    lost += np.bincount(own + other, earlier, minlength=length)
    money = np.bincount(cell, -moves.amount / movements.units_per_money, minlength=length)
    return names, lost.reshape(size, -1), money.astype(np.float64).reshape(size, -1)


def _weigh(movements: MovementTable, value: ArrayLike1D, seen: ContractIndex) -> pd.DataFrame:
    """Return opening, inflow, outflow and closing, each customer weighed with its value."""
    worth = np.asarray(value, dtype=np.float64)
    if worth.shape != (len(seen),) or np.isnan(worth).any():
        raise AlignmentError(
            f"values of shape {worth.shape} for {len(seen)} customers",
            rule="one known value per customer, in the order of base.customer_id",
            where="value",
        )
    moves, index = movements.moves, movements.heads().index
    weight = worth[moves.customer] * moves.times
    flows = {
        name: np.bincount(moves.period, weight * (moves.kind == kind), minlength=len(index))
        for name, kind in (("new", NEW), ("reactivation", REACTIVATION), ("lost", CHURN))
    }
    there = seen.active_before(movements.periods[0].start_day, convention=movements.convention)
    net = np.cumsum(flows["new"] + flows["reactivation"] - flows["lost"])
    opening = float(worth[there].sum()) + np.append(0.0, net[:-1])
    closing = float(worth[there].sum()) + net
    return pd.DataFrame({"opening": opening, **flows, "closing": closing}, index=index)
