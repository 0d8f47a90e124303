"""Each customer's state under contract on a day."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.frame_columns import NEVER
from retainkit._core.time import day_number, parse_as_of
from retainkit.contracts._dates import DatedContracts, date_contracts, paid_until
from retainkit.contracts._kernel import charge_day, charges_due
from retainkit.contracts._read import (
    DEFAULT_CONTRACTS,
    ContractConvention,
    Contracts,
    read_contracts,
)
from retainkit.contracts._spells import NO_DAY, Spells, find_spells, last_spell
from retainkit.errors import AlignmentError
from retainkit.typing import AsOf, BoolArray, FloatArray

_Int32 = npt.NDArray[np.int32]


def last_paid_day(rows: Contracts, dated: _Int32, convention: ContractConvention) -> _Int32:
    """Return the last day that charges of each contract can fall on, if it ended on day `dated`.

    The day of the loss, or what is on record and later: the end of service, the end of the billing
    period. Where a notice leaves the end open, the term that runs on that day is paid for, up to
    the day before the next one would be charged. What is known to be unpaid is paid no further.
    """
    details, known = rows.details, rows.end != NEVER
    through = np.where(known, rows.end, dated).astype(np.int64)
    if details.cancel_requested is not None:
        noticed = ~known & (details.cancel_requested != NEVER)
        day = np.where(noticed, np.maximum(details.cancel_requested, rows.start), rows.start)
        months = np.maximum(rows.term_months, convention.billing_months or 1)
        renewal = paid_until(rows.start, day.astype(np.int64) + 1, months)
        through = np.where(noticed, renewal - 1, through)
    if details.billing_end is not None:
        billed = np.where(details.billing_end == NEVER, dated, details.billing_end)
        through = np.maximum(through, billed)
    if details.unpaid is not None:
        through = np.where(details.unpaid, dated, through)
    return np.maximum(through, dated).astype(np.int32)


ContractStatus = Literal["not_started", "running", "paused", "in_grace", "ended"]
"""Where a customer stands with its contracts."""

STATUSES: tuple[ContractStatus, ...] = get_args(ContractStatus)
_NOT_STARTED, _RUNNING, _PAUSED, _IN_GRACE, _ENDED = range(len(STATUSES))

_Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ContractState:
    """State of each customer's contracts on the last observed day, one entry per customer.

    Attributes
    ----------
    customer_id : pandas.Index
        Customers, in the order asked for.
    status : numpy.ndarray of int8
        Position in (not_started, running, paused, in_grace, ended).
    started_on : numpy.ndarray of int32
        First day of the last spell, days since 1970-01-01; int32 minimum before the first.
    ended_on : numpy.ndarray of int32
        Day the loss is dated, days since 1970-01-01; int32 minimum unless ended.
    paid_through : numpy.ndarray of int32
        Last day that is paid for: a purchase later than this day is a return, a charge up to it is
        not. Days since 1970-01-01, never before `ended_on`; int32 minimum unless ended.
    spells : numpy.ndarray of int32
        Times the customer joined; 2 or more = it came back.
    charged : numpy.ndarray of int64
        Tenure: monthly charges since the customer joined, or came back [count]; 0 where no
        contract runs.
    price : numpy.ndarray of float64
        What the running contracts bring [money/month]; NaN without amounts.
    unpaid_price : numpy.ndarray of float64
        What running contracts that are known to be unpaid would bring [money/month]; 0 without one.
    unpaid_since : numpy.ndarray of int32
        First day of the earliest of them, days since 1970-01-01; int32 minimum without one.
    term_months : numpy.ndarray of int64
        Months between two chances to leave: the shortest term that runs [month].
    days_to_next : numpy.ndarray of float64
        Days until the next charge [day].
    charges_left : numpy.ndarray of float64
        Charges until the last known end [count]; infinite without one.
    convention : ContractConvention
        When a contract counts as ended.
    """

    customer_id: pd.Index[Any]
    status: npt.NDArray[np.int8]
    started_on: _Int32
    ended_on: _Int32
    paid_through: _Int32
    spells: _Int32
    charged: _Int64
    price: FloatArray
    unpaid_price: FloatArray
    unpaid_since: _Int32
    term_months: _Int64
    days_to_next: FloatArray
    charges_left: FloatArray
    convention: ContractConvention

    def __len__(self) -> int:
        return len(self.customer_id)

    def is_in(self, status: ContractStatus) -> BoolArray:
        """Return which customers are in a status, one bool per customer."""
        there: BoolArray = self.status == STATUSES.index(status)
        return there

    def of(self, customer_id: pd.Index[Any]) -> ContractState:
        """Return the state of these customers, in this order; AlignmentError if one has none."""
        place = self.customer_id.get_indexer(customer_id)
        if (place < 0).any():
            lost = [str(name) for name in customer_id[place < 0][:3]]
            raise AlignmentError(
                f"{int((place < 0).sum()):,} customers have no contract, first {lost}",
                rule="the state of contracts is read for customers who have a contract",
                where="customer_id",
                fix="pass the customers of summarize_customers(list_charges(contracts))",
            )
        columns = (name.name for name in fields(self) if name.name != "convention")
        return replace(self, **{name: getattr(self, name)[place] for name in columns})


def read_contract_state(
    contracts: pd.DataFrame | Contracts,
    *,
    as_of: AsOf,
    convention: ContractConvention = DEFAULT_CONTRACTS,
) -> ContractState:
    """Read the state of each customer's contracts: running or ended, tenure, price, what is ahead.

    Parameters
    ----------
    contracts : pandas.DataFrame or Contracts
        Valid contracts: customer_id, start, end; `amount` [money per month], `paid`,
        `term_months` and what the convention asks for, where known.
    as_of : str, date, datetime or numpy.datetime64
        Last observed day, inclusive.
    convention : ContractConvention, optional
        When a contract counts as ended.

    Returns
    -------
    ContractState
        Customers in order of first appearance; `.of(customer_id)` has those asked for.

    Raises
    ------
    SchemaError
        As `read_contracts`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.contracts import read_contract_state
    >>> contracts = pd.DataFrame({"customer_id": [1, 1], "amount": [30.0, 5.0],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-02-01"]),
    ...     "end": pd.to_datetime([None, "2026-06-01"])})
    >>> state = read_contract_state(contracts, as_of="2026-03-31")
    >>> state.price.tolist(), state.charges_left.tolist()
    ([35.0], [inf])
    """
    rows = read_contracts(contracts)
    today = day_number(parse_as_of(as_of))
    dated, spells = date_and_join(rows, today=today, convention=convention)
    size = len(rows.customer_id)
    chosen = last_spell(spells, size)
    begun = chosen >= 0
    status = np.full(size, _NOT_STARTED, dtype=np.int8)
    reach, since = np.full(size, NO_DAY), np.zeros(size, dtype=np.int64)
    if len(spells.end):
        reach[begun], since[begun] = spells.end[chosen[begun]], spells.start[chosen[begun]]
        away = today + 1 - reach.astype(np.int64)
        status[begun] = np.where(away[begun] >= max(convention.grace_days, 1), _ENDED, _IN_GRACE)
        status[begun & (reach > today)] = _RUNNING
        status[begun & spells.pause[chosen]] = _PAUSED
    running, gone = status == _RUNNING, status == _ENDED
    live = dated.counts & (dated.end > today) & running[rows.customer]
    owed = np.zeros_like(live)
    if rows.details.unpaid is not None:
        owed = live & rows.details.unpaid
        live &= ~owed
    paid = np.full(size, NO_DAY)
    through = last_paid_day(rows, dated.end, convention)
    np.maximum.at(paid, rows.customer[dated.counts], through[dated.counts])
    charged, days, left = _count(since, running, _latest_end(rows, dated, live, size), today)
    return ContractState(
        customer_id=rows.customer_id,
        status=status,
        started_on=np.where(begun, since, NO_DAY).astype(np.int32),
        ended_on=np.where(gone, reach, NO_DAY).astype(np.int32),
        paid_through=np.where(gone, paid, NO_DAY).astype(np.int32),
        spells=np.bincount(spells.customer, minlength=size).astype(np.int32),
        charged=charged,
        price=_price(rows, live, size),
        unpaid_price=_price(rows, owed, size),
        unpaid_since=_earliest_start(rows, owed, size),
        term_months=_shortest_term(rows, live, size),
        days_to_next=days,
        charges_left=left,
        convention=convention,
    )


def date_and_join(
    rows: Contracts, *, today: int, convention: ContractConvention
) -> tuple[DatedContracts, Spells]:
    """Return the contracts as the convention dates them, and the spells they make."""
    dated = date_contracts(
        rows.start, rows.end, rows.amount, rows.details, today=today, convention=convention
    )
    spells = find_spells(
        rows.customer,
        rows.start,
        dated.end,
        counts=dated.counts,
        paused=dated.paused,
        today=today,
        convention=convention,
    )
    return dated, spells


def _price(rows: Contracts, live: BoolArray, size: int) -> FloatArray:
    """Return what the contracts that run bring."""
    if rows.amount is None:
        return np.full(size, np.nan)
    brought = np.bincount(rows.customer[live], rows.amount[live], minlength=size)
    return brought.astype(np.float64)


def _earliest_start(rows: Contracts, live: BoolArray, size: int) -> _Int32:
    """Return the first day of these contracts; `NO_DAY` where there is none."""
    first = np.full(size, NEVER, dtype=np.int64)
    np.minimum.at(first, rows.customer[live], rows.start[live].astype(np.int64))
    return np.where(first == NEVER, NO_DAY, first).astype(np.int32)


def _shortest_term(rows: Contracts, live: BoolArray, size: int) -> _Int64:
    """Return the shortest term that runs; one month where none does."""
    term = np.full(size, NEVER, dtype=np.int64)
    np.minimum.at(term, rows.customer[live], rows.term_months[live])
    term[term == NEVER] = 1
    return term


def _latest_end(rows: Contracts, dated: DatedContracts, live: BoolArray, size: int) -> _Int64:
    """Return the last end of the contracts that run; 0 where none does."""
    last = np.zeros(size, dtype=np.int64)
    np.maximum.at(last, rows.customer[live], dated.end[live].astype(np.int64))
    return last


def _count(
    start: _Int64, running: BoolArray, last: _Int64, today: int
) -> tuple[_Int64, FloatArray, FloatArray]:
    """Return charges so far, days to the next one, and charges left before a known end."""
    charged = np.zeros(len(start), dtype=np.int64)
    days, left = np.zeros(len(start)), np.full(len(start), np.inf)
    charged[running] = charges_due(start[running], np.full(int(running.sum()), today + 1))
    days[running] = charge_day(start[running], charged[running]) - today
    bound = running & (last > today) & (last < NEVER)
    left[bound] = charges_due(start[bound], last[bound]) - charged[bound]
    left[running & (last <= today)] = 0.0
    return charged, days, left
