"""leaky_bucket: what flows in and out of the base per period and cause; what refilling costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.result import ResultTable
from retainkit._core.time import day_number, from_day_numbers, parse_as_of
from retainkit.churn._cause_table import CauseTable
from retainkit.churn._causes import CAUSES, UNKNOWN_CODE
from retainkit.churn._spell_causes import label_spells
from retainkit.churn._spells import SpellTable
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.typing import ArrayLike1D, AsOf, FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FlowTable(ResultTable):
    """One row per period: opening base, inflow, outflow by cause, closing base.

    Opening + new + returned - lost - paused = closing, in heads and in value.

    Parameters
    ----------
    start_day, end_day : numpy.ndarray of int32
        Periods [start, end) [days since 1970-01-01].
    heads : numpy.ndarray of float64, shape (periods, 5)
        opening, new, returned, paused, closing.
    lost : numpy.ndarray of float64, shape (periods, 8)
        Spells lost, by cause.
    value, value_lost : numpy.ndarray of float64 or None
        The same weighed with each customer's value [money]; None without values.
    acquisition_cost : float or None
        Cost of winning one new customer [money].

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import leaky_bucket, list_contract_spells
    >>> contracts = pd.DataFrame({"customer_id": ["a", "b"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-02-10"]),
    ...     "end": pd.to_datetime(["2026-02-05", None])})
    >>> spells = list_contract_spells(contracts, as_of="2026-02-28")
    >>> flows = leaky_bucket(spells, periods=["2026-02-01", "2026-03-01"], acquisition_cost=50.0)
    >>> flows
    <FlowTable: 1 periods; next: .to_frame()>
    >>> flows.to_frame()[["opening", "new", "lost", "closing", "refill_cost"]]
       opening  new  lost  closing  refill_cost
    0        1    1     1        1         50.0
    """

    start_day: npt.NDArray[np.int32]
    end_day: npt.NDArray[np.int32]
    heads: FloatArray
    lost: FloatArray
    value: FloatArray | None
    value_lost: FloatArray | None
    acquisition_cost: float | None

    _what: ClassVar[str] = "periods"

    def __len__(self) -> int:
        return len(self.start_day)

    @property
    def reconciles(self) -> bool:
        """Whether every period closes: exactly in heads, to rounding in value."""
        closes = bool((_gap(self.heads, self.lost) == 0.0).all())
        if self.value is not None and self.value_lost is not None:
            scale = max(float(np.abs(self.value).max(initial=0.0)), 1.0)
            gap = np.abs(_gap(self.value, self.value_lost)).max(initial=0.0)
            closes = closes and bool(gap <= 1e-9 * scale)
        return closes

    def to_frame(self) -> pd.DataFrame:
        """Return the flows.

        Returns
        -------
        pandas.DataFrame
            start, end (the first day after), opening, new, returned, lost, lost(<cause>) for causes
            that occur, paused, closing; with values value_opening ... value_closing; with a cost
            refill_cost, the price of winning as many new customers as were lost.
        """
        columns: dict[str, Any] = {
            "start": from_day_numbers(self.start_day),
            "end": from_day_numbers(self.end_day),
        }
        columns |= _columns("", self.heads.astype(np.int64), self.lost.astype(np.int64))
        if self.value is not None and self.value_lost is not None:
            columns |= _columns("value_", self.value, self.value_lost)
        if self.acquisition_cost is not None:
            columns["refill_cost"] = self.lost.sum(axis=1) * self.acquisition_cost
        return pd.DataFrame(columns)

    def summary(self) -> pd.DataFrame:
        """Return the flows over all periods together.

        Returns
        -------
        pandas.DataFrame
            One row: opening (of the first), new, returned, lost, paused, closing (of the last), and
            refill_cost when a cost was given.
        """
        moved = self.heads.sum(axis=0).astype(np.int64)
        row: dict[str, Any] = {
            "opening": [int(self.heads[0, 0])],
            "new": [int(moved[1])],
            "returned": [int(moved[2])],
            "lost": [int(self.lost.sum())],
            "paused": [int(moved[3])],
            "closing": [int(self.heads[-1, 4])],
        }
        if self.acquisition_cost is not None:
            row["refill_cost"] = [float(self.lost.sum() * self.acquisition_cost)]
        return pd.DataFrame(row)


def _gap(flows: Any, lost: Any) -> FloatArray:
    """Return what the flows of each period leave unexplained."""
    gap: FloatArray = flows[:, :3].sum(axis=1) - lost.sum(axis=1) - flows[:, 3] - flows[:, 4]
    return gap


def _columns(prefix: str, flows: Any, lost: Any) -> dict[str, Any]:
    """Return the flows as named columns; causes that nobody left for are left out."""
    opening, new, returned, paused, closing = flows.T
    out = {"opening": opening, "new": new, "returned": returned, "lost": lost.sum(axis=1)}
    out |= {f"lost({c})": lost[:, i] for i, c in enumerate(CAUSES) if lost[:, i].any()}
    out |= {"paused": paused, "closing": closing}
    return {f"{prefix}{name}": values for name, values in out.items()}


def leaky_bucket(
    spells: SpellTable,
    *,
    periods: Sequence[AsOf],
    causes: CauseTable | None = None,
    value: ArrayLike1D | None = None,
    acquisition_cost: float | None = None,
) -> FlowTable:
    """Count what flows into the base and out of it, period by period and cause by cause.

    Sales may look flat while the bucket leaks and is refilled at a cost; the flows show both.

    Parameters
    ----------
    spells : SpellTable
        From `list_contract_spells`.
    periods : sequence of str, date or datetime
        Bounds of the periods, rising; n + 1 bounds make n periods [bound, next bound). None may
        reach beyond the day after the last observed one.
    causes : CauseTable, optional
        Why customers left; of a customer who left more than once it is the cause of the last loss,
        and the earlier ones are `unknown`. Without it all are `unknown`.
    value : array_like, optional
        Value of each customer in the order of `spells.customer_id`, for example per month [money].
    acquisition_cost : float, optional
        Cost of winning one new customer [money].

    Returns
    -------
    FlowTable
        One row per period. A spell that begins on the first day of a period is inflow of it, one
        whose end is recognised on that day outflow of it.

    Raises
    ------
    SchemaError
        If the bounds do not rise, or there are fewer than two.
    NotComputableError
        If a period reaches beyond what was observed.
    AlignmentError
        If `value` has another length, or a value is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import leaky_bucket, list_contract_spells
    >>> contracts = pd.DataFrame({"customer_id": ["a", "a"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-02-20"]),
    ...     "end": pd.to_datetime(["2026-02-05", None])})
    >>> spells = list_contract_spells(contracts, as_of="2026-02-28")
    >>> leaky_bucket(spells, periods=["2026-02-01", "2026-03-01"], value=[30.0]).to_frame()[
    ...     ["opening", "returned", "lost", "closing", "value_closing"]]
       opening  returned  lost  closing  value_closing
    0        1         1     1        1           30.0
    """
    bounds = np.array([day_number(parse_as_of(bound)) for bound in periods], dtype=np.int64)
    if len(bounds) < 2 or (np.diff(bounds) <= 0).any():
        raise SchemaError(
            f"{len(bounds)} bounds", rule="two bounds or more, each after the one before"
        )
    if bounds[-1] > spells.as_of_day + 1:
        raise NotComputableError(
            "the last period reaches beyond the last observed day",
            rule="a flow is counted in a period seen to its end",
            where="periods",
            fix="end with the day after as_of, or earlier",
        )
    leaf = np.asarray(label_spells(spells, causes=causes).codes).astype(np.int64)
    leaf[leaf < 0] = UNKNOWN_CODE
    flows, lost = _count(spells, bounds, leaf, np.ones(len(spells)))
    money: FloatArray | None = None
    money_lost: FloatArray | None = None
    if value is not None:
        worth = np.asarray(value, dtype=np.float64)
        if worth.shape != (len(spells.customer_id),) or np.isnan(worth).any():
            raise AlignmentError(
                f"values of shape {worth.shape} for {len(spells.customer_id)} customers",
                rule="one known value per customer, in the order of spells.customer_id",
                where="value",
            )
        money, money_lost = _count(spells, bounds, leaf, worth[spells.customer])
    return FlowTable(
        start_day=bounds[:-1].astype(np.int32),
        end_day=bounds[1:].astype(np.int32),
        heads=flows,
        lost=lost,
        value=money,
        value_lost=money_lost,
        acquisition_cost=acquisition_cost,
    )


def _count(
    spells: SpellTable,
    bounds: npt.NDArray[np.int64],
    leaf: npt.NDArray[np.int64],
    weight: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return opening, new, returned, paused, closing and losses by cause, of each period."""
    begins = np.searchsorted(bounds, spells.start_day.astype(np.int64), side="right") - 1
    running = np.iinfo(np.int64).max
    end = np.where(spells.has_end, spells.end_day.astype(np.int64), running)
    ends = np.searchsorted(bounds, end, side="right") - 1
    n = len(bounds) - 1
    first = spells.number == 1

    def add(place: npt.NDArray[np.intp], chosen: Any) -> FloatArray:
        """Return the sum of weights per period among the chosen."""
        inside = chosen & (place >= 0) & (place < n)
        total = np.bincount(place[inside], weights=weight[inside], minlength=n)
        return total.astype(np.float64)

    flows = np.zeros((n, 5))
    flows[:, 1], flows[:, 2] = add(begins, first), add(begins, ~first)
    flows[:, 3] = add(ends, spells.is_pause)
    lost = np.column_stack([add(ends, spells.ended & (leaf == c)) for c in range(len(CAUSES))])
    for column, edges in ((0, bounds[:-1]), (4, bounds[1:])):
        flows[:, column] = [
            weight[(spells.start_day < edge) & (end >= edge)].sum() for edge in edges
        ]
    return flows, lost
