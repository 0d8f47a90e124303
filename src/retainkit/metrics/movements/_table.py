"""The table of revenue movements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from retainkit._core.columns import Column
from retainkit._core.intervals import Interval
from retainkit._core.kernels.intervals import normal_bounds
from retainkit._core.result import ResultTable
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._period import Period
from retainkit.metrics._value import MetricValue
from retainkit.metrics.movements._kernel import (
    CHURN,
    CONTRACTION,
    EXPANSION,
    KINDS,
    NEW,
    REACTIVATION,
    Moves,
    gain_loss_variance,
    sum_moves,
)
from retainkit.typing import BoolArray, FloatArray

MOVEMENTS = (
    "new",
    "reactivation",
    "expansion",
    "contraction",
    "churn",
    "term_change",
    "currency",
)
_LOSSES = (CONTRACTION, CHURN)
_FEWEST = 10


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MovementTable(ResultTable):
    """Movements of recurring revenue: a row per customer, period and kind that moved.

    Attributes
    ----------
    customer_id : pandas.Index
        Customers, in the order of the base.
    periods : tuple of Period
        Consecutive periods.
    moves : tuple of ndarray
        `customer` (position), `period` (position), `kind` (position in the list of movements) and
        signed `amount` in units, by customer and period.
    opening : float
        Recurring revenue at the first boundary, in units.
    opening_heads : int
        Customers at the first boundary.
    units_per_money : float
        Units that make 1 of money: 100 where all amounts are whole cents.
    complete : ndarray of bool
        Whether `as_of` covers each period to its end.
    convention : MetricConvention
        What the words mean.
    notes : tuple of str
        Remarks on the data.
    """

    customer_id: pd.Index[Any]
    periods: tuple[Period, ...]
    moves: Moves
    opening: float
    opening_heads: int
    units_per_money: float
    complete: BoolArray
    convention: MetricConvention
    notes: tuple[str, ...]

    _what: ClassVar[str] = "movements"
    _next_step: ClassVar[str] = ".summary() for the periods, .to_frame() for the customers"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id", lambda t: t.customer_id.take(t.moves.customer)),
        Column("period", "moves.period", "_period_names", ordered=True),
        Column("movement", "moves.kind", MOVEMENTS, ordered=True),
        Column("amount", lambda t: t.moves.amount / t.units_per_money),
    )

    def __len__(self) -> int:
        return len(self.moves.customer)

    @property
    def _period_names(self) -> list[str]:
        return [str(period) for period in self.periods]

    def summary(self) -> pd.DataFrame:
        """Return the bridge of each period, in money.

        One row per period: `opening`, the movements (losses positive), `closing`, and
        `complete`. Opening + new + reactivation + expansion - contraction - churn +
        term_change + currency = closing.
        """
        amount, _ = sum_moves(self.moves, len(self.periods))
        closing = self.opening + np.cumsum(amount.sum(axis=1))
        opening = np.concatenate([[self.opening], closing[:-1]])
        return self._bridge(opening, amount, closing, self.units_per_money)

    def heads(self) -> pd.DataFrame:
        """Return the bridge of each period, in customers.

        One row per period: `opening`, customers by movement, `closing`, `complete`. Opening +
        new + reactivation - churn = closing; the other movements change no heads.
        """
        _, heads = sum_moves(self.moves, len(self.periods))
        delta = heads[:, NEW] + heads[:, REACTIVATION] - heads[:, CHURN]
        closing = self.opening_heads + np.cumsum(delta)
        opening = np.concatenate([[self.opening_heads], closing[:-1]])
        counts = heads.copy()
        counts[:, list(_LOSSES)] *= -1
        return self._bridge(opening, counts, closing, 1)

    def _bridge(self, opening: Any, parts: Any, closing: Any, scale: float) -> pd.DataFrame:
        """Return one row per period: opening, movements, closing."""
        columns: dict[str, Any] = {"opening": opening / scale if scale != 1 else opening}
        for kind in range(KINDS):
            part = -parts[:, kind] if kind in _LOSSES else parts[:, kind]
            columns[MOVEMENTS[kind]] = part / scale + 0.0 if scale != 1 else part
        columns["closing"] = closing / scale if scale != 1 else closing
        columns["complete"] = self.complete
        index = pd.Index([str(period) for period in self.periods], name="period")
        return pd.DataFrame(columns, index=index)

    def quick_ratio(self, *, reactivation: bool = True) -> tuple[MetricValue, ...]:
        """Measure gains over losses, per period.

        Parameters
        ----------
        reactivation : bool, default True
            Whether returned revenue is a gain.

        Returns
        -------
        tuple of MetricValue
            (new + expansion + reactivation) / (churn + contraction), with a linearised interval
            where at least ten customers moved. None with reason `no_losses` where nothing was
            lost, and `incomplete_period` where the convention drops it.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.metrics import Period, index_contracts, revenue_movements
        >>> base = index_contracts(pd.DataFrame({
        ...     "customer_id": ["a", "b"], "amount": [100.0, 80.0],
        ...     "start": pd.to_datetime(["2026-03-09", "2026-01-01"]),
        ...     "end": pd.to_datetime([None, "2026-03-20"]),
        ... }), as_of="2026-03-31")
        >>> revenue_movements(base, periods=Period.month(2026, 3)).quick_ratio()[0].value
        1.25
        """
        amount, heads = sum_moves(self.moves, len(self.periods))
        kinds = [NEW, EXPANSION, *([REACTIVATION] if reactivation else [])]
        gains = amount[:, kinds].sum(axis=1)
        losses = -amount[:, list(_LOSSES)].sum(axis=1)
        return tuple(
            self._ratio(at, float(gains[at]), float(losses[at]), int(heads[at, :5].sum()), kinds)
            for at in range(len(self.periods))
        )

    def _spread(self, at: int, ratio: float, kinds: list[int]) -> Interval[float] | None:
        """Return the interval of gains / losses; None for few customers or none wanted."""
        level = self.convention.interval_level
        variance, n = gain_loss_variance(self.moves, at, gains=kinds, losses=_LOSSES)
        if n < _FEWEST or np.isnan(variance) or self.convention.interval_method == "none":
            return None
        low, high = normal_bounds(ratio, variance**0.5, level)
        return Interval(max(low, 0.0), high, "linearised", level)

    def _ratio(self, at: int, gains: float, losses: float, n: int, kinds: list[int]) -> MetricValue:
        """Return one quick ratio with what it was made of."""
        dropped = not self.complete[at] and self.convention.incomplete_period == "drop"
        stopped = dropped or losses == 0.0
        return MetricValue(
            name="quick_ratio",
            value=None if stopped else gains / losses,
            numerator=gains / self.units_per_money,
            denominator=losses / self.units_per_money,
            n=n,
            reason="incomplete_period" if dropped else "no_losses" if stopped else None,
            interval=None if stopped else self._spread(at, gains / losses, kinds),
            convention=self.convention,
            period=self.periods[at],
            notes=self.notes,
        )

    @property
    def unexplained(self) -> FloatArray:
        """Closing minus opening minus the movements of each period [money]: zeros."""
        frame = self.summary()
        moved = frame["new"] + frame["reactivation"] + frame["expansion"] + frame["term_change"]
        moved += frame["currency"] - frame["contraction"] - frame["churn"]
        return np.round((frame["closing"] - frame["opening"] - moved).to_numpy(), 6)
