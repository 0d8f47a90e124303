"""detect_contract_churn and list_contract_spells: leaving that is seen in contracts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.result import ResultTable
from retainkit._core.time import day_number, from_day_numbers, parse_as_of
from retainkit.churn._detect import REASON_CODE, ChurnReason, ChurnTable, Int32Array
from retainkit.contracts import (
    ContractConvention,
    Contracts,
    ContractState,
    read_contract_state,
    read_contracts,
)
from retainkit.contracts._read import DEFAULT_CONTRACTS
from retainkit.contracts._spells import NO_DAY
from retainkit.contracts._state import STATUSES, date_and_join
from retainkit.typing import AsOf, BoolArray, FloatArray


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


_REASON_OF = {
    "not_started": ChurnReason.NOT_STARTED,
    "running": ChurnReason.CONTRACT_RUNNING,
    "paused": ChurnReason.PAUSED,
    "in_grace": ChurnReason.IN_GRACE,
    "ended": ChurnReason.CONTRACT_ENDED,
}
_REASON_OF_STATUS = np.array([REASON_CODE[_REASON_OF[name]] for name in STATUSES], dtype=np.int8)


def detect_contract_churn(
    contracts: pd.DataFrame | Contracts,
    *,
    as_of: AsOf,
    config: ContractConvention = DEFAULT_CONTRACTS,
) -> ChurnTable:
    """Judge who has left from the contracts each customer had.

    A contract covers [start, end): `end` is the first day without service, empty while it runs.
    Several contracts of a customer may overlap or follow each other; it has left when none covers
    `as_of` and the gap is no shorter than the grace. By default a contract that ends after `as_of`
    still runs, even if notice has been given: the loss is recognised at the end of service.

    Parameters
    ----------
    contracts : pandas.DataFrame or Contracts
        Valid contracts: customer_id, start, end (naive datetimes), and where known what the
        convention asks for.
    as_of : str, date or datetime
        Last observed day, inclusive.
    config : ContractConvention, optional
        The conventions.

    Returns
    -------
    ChurnTable
        Customers in order of first appearance. `p_churned` is 1 or 0; NaN while in grace (reason
        `in_grace`) and for customers with no contract begun by `as_of` (`not_started`).
        `effective_day` is the day the loss is recognised. `spells` counts how often a customer
        joined; a gap shorter than the grace does not part two spells.

    Raises
    ------
    SchemaError
        If a column is missing, a start is empty or an end lies before its start.

    See Also
    --------
    list_contract_spells : The spells themselves, for incidence and reactivation.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import detect_contract_churn
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b", "b", "c"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-01", "2026-01-01"]),
    ...     "end": pd.to_datetime([None, "2026-02-01", None, "2026-03-20"])})
    >>> detect_contract_churn(contracts, as_of="2026-03-31").to_frame()
      customer_id  p_churned  churned            reason effective_at  spells
    0           a        0.0    False  contract_running          NaT       1
    1           b        0.0    False  contract_running          NaT       2
    2           c        1.0     True    contract_ended   2026-03-20       1
    """
    return churn_of_contracts(read_contract_state(contracts, as_of=as_of, convention=config))


def churn_of_contracts(state: ContractState) -> ChurnTable:
    """Return who has left by the state of the contracts, in its order."""
    gone = state.is_in("ended")
    stays = state.is_in("running") | state.is_in("paused")
    return ChurnTable(
        customer_id=state.customer_id,
        p_churned=np.where(gone, 1.0, np.where(stays, 0.0, np.nan)),
        churned=gone,
        reason_code=_REASON_OF_STATUS[state.status],
        effective_day=state.ended_on,
        spells=state.spells,
        config=state.convention,
    )


def list_contract_spells(
    contracts: pd.DataFrame | Contracts,
    *,
    as_of: AsOf,
    config: ContractConvention = DEFAULT_CONTRACTS,
) -> SpellTable:
    """List every spell of every customer: from joining, or returning, to leaving.

    Parameters
    ----------
    contracts : pandas.DataFrame or Contracts
        As in `detect_contract_churn`.
    as_of : str, date or datetime
        Last observed day, inclusive; spells that still run then are censored on it.
    config : ContractConvention, optional
        The conventions; `spell="contract"` makes each contract a spell of its own, so that who
        cancels and subscribes again on the same day comes back.

    Returns
    -------
    SpellTable
        Customers in order of first appearance, spells in order of time.

    Raises
    ------
    SchemaError
        As `detect_contract_churn`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import list_contract_spells
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b", "b"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-01"]),
    ...     "end": pd.to_datetime([None, "2026-02-01", None])})
    >>> spells = list_contract_spells(contracts, as_of="2026-03-31")
    >>> spells.to_frame()[["customer_id", "spell", "duration_days", "ended", "absent_days"]]
      customer_id  spell  duration_days  ended  absent_days
    0           a      1             90  False          NaN
    1           b      1             31   True         28.0
    2           b      2             31  False          NaN
    """
    today = day_number(parse_as_of(as_of))
    rows = read_contracts(contracts)
    _, spells = date_and_join(rows, today=today, convention=config)
    return SpellTable(
        customer_id=rows.customer_id,
        customer=spells.customer,
        number=spells.number,
        start_day=spells.start,
        end_day=np.where(spells.ended, spells.end, NO_DAY).astype(np.int32),
        contracts=spells.contracts,
        last_contract=spells.last_contract,
        is_pause=spells.pause,
        as_of_day=today,
        config=config,
    )
