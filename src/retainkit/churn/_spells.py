"""SpellTable: each stretch of being a customer, and the absence after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit._core.time import from_day_numbers
from retainkit.churn._churn_table import Int32Array
from retainkit.contracts import ContractConvention
from retainkit.contracts._spells import NO_DAY
from retainkit.typing import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SpellTable(ResultTable):
    """One row per spell: from joining or returning to leaving, or to the last observed day.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers in order of first appearance.
    customer : numpy.ndarray of int32
        Position of each spell's customer.
    number : numpy.ndarray of int32
        1 = joined; 2 or more = came back.
    start_day : numpy.ndarray of int32
        First day [days since 1970-01-01].
    end_day : numpy.ndarray of int32
        Day the end is recognised; int32 minimum while it runs.
    contracts, last_contract : numpy.ndarray of int32
        Contracts in the spell, and the row of the one that ends it.
    is_pause : numpy.ndarray of bool
        Whether the spell ended in a pause, which is no loss.
    as_of_day : int
        Last observed day.
    config : ContractConvention
        The conventions used.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import list_contract_spells
    >>> contracts = pd.DataFrame({"customer_id": ["a", "a"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-02-01"]),
    ...     "end": pd.to_datetime(["2026-01-11", None])})
    >>> spells = list_contract_spells(contracts, as_of="2026-03-31")
    >>> spells
    <SpellTable: 2 spells; next: cumulative_incidence(spells.duration, cause=...)>
    >>> spells.duration.tolist(), spells.ended.tolist(), spells.summary()["spells"].tolist()
    ([10.0, 59.0], [True, False], [2])
    """

    customer_id: pd.Index
    customer: Int32Array
    number: Int32Array
    start_day: Int32Array
    end_day: Int32Array
    contracts: Int32Array
    last_contract: Int32Array
    is_pause: BoolArray
    as_of_day: int
    config: ContractConvention

    _what: ClassVar[str] = "spells"
    _next_step: ClassVar[str] = "cumulative_incidence(spells.duration, cause=...)"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id", lambda t: t.customer_id[t.customer]),
        Column("spell", "number"),
        Column("start", lambda t: from_day_numbers(t.start_day)),
        Column("end", "_end"),
        Column("duration_days", lambda t: t.duration.astype(np.int64)),
        *plain("ended", "contracts", "returned"),
        Column("absent_days", "absence"),
    )

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def has_end(self) -> BoolArray:
        """Whether the spell has ended, by a loss or a pause."""
        ended: BoolArray = self.end_day != NO_DAY
        return ended

    @property
    def ended(self) -> BoolArray:
        """Whether the spell ended in a loss; the others are censored."""
        return self.has_end & ~self.is_pause

    @property
    def duration(self) -> FloatArray:
        """Length of each spell, up to its end or through the last observed day [day]."""
        last = np.where(self.has_end, self.end_day, self.as_of_day + 1)
        return (last - self.start_day).astype(np.float64)

    @property
    def returned(self) -> BoolArray:
        """Whether the customer came back after this spell."""
        back = np.zeros(len(self), dtype=np.bool_)
        back[:-1] = self.customer[1:] == self.customer[:-1]
        return back

    @property
    def absence(self) -> FloatArray:
        """Days from the end to the return, or through the last observed day; NaN while it runs.

        With `spell="contract"` contracts may overlap: a return before the end is an absence of 0.
        """
        back = np.append(self.start_day[1:], 0)[: len(self)].astype(np.int64)
        until = np.where(self.returned, back, self.as_of_day + 1)
        away = np.maximum(until - self.end_day.astype(np.int64), 0)
        return np.where(self.has_end, away, np.nan)

    @property
    def _end(self) -> npt.NDArray[np.datetime64]:
        days = from_day_numbers(np.where(self.has_end, self.end_day, 0))
        return np.where(self.has_end, days, np.datetime64("NaT", "s"))

    def summary(self) -> pd.DataFrame:
        """Return what the table holds in one row.

        Returns
        -------
        pandas.DataFrame
            customers, spells, returning_customers (with two spells or more), most_spells, losses,
            running, same_day (spells of no day).
        """
        per_customer = np.bincount(self.customer, minlength=len(self.customer_id))
        return pd.DataFrame(
            {
                "customers": [int((per_customer > 0).sum())],
                "spells": [len(self)],
                "returning_customers": [int((per_customer > 1).sum())],
                "most_spells": [int(per_customer.max(initial=0))],
                "losses": [int(self.ended.sum())],
                "running": [int((~self.has_end).sum())],
                "same_day": [int((self.has_end & (self.end_day == self.start_day)).sum())],
            }
        )
