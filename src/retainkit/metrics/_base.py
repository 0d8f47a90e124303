"""The bases: purchases and contracts, each indexed in one pass, and what a metric asks of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.frame_columns import amounts_of, days_of, number_customers, require_columns
from retainkit._core.result import ResultTable
from retainkit._core.time import day_number, from_day_numbers, parse_as_of
from retainkit.contracts import ContractDetails, Contracts, read_contracts
from retainkit.contracts._read import NO_DETAILS, require_amounts
from retainkit.errors import AsOfError
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._kernel import NEVER, first_days, order_free_sums, sorted_unique_pairs
from retainkit.typing import AsOf, BoolArray, FloatArray, IntArray

_Int32 = npt.NDArray[np.int32]


class CustomerBase(Protocol):
    """What a metric needs to know about customers: who was active when."""

    @property
    def customer_id(self) -> pd.Index[Any]:
        """Customers in order of first appearance."""
        ...

    @property
    def as_of(self) -> date:
        """Last observed day, inclusive."""
        ...

    @property
    def observed_from(self) -> date | None:
        """First observed day; None for a base without rows."""
        ...

    @property
    def first_day(self) -> _Int32:
        """Day each customer joined [days since 1970-01-01]."""
        ...

    def active_before(self, day: int, *, convention: MetricConvention) -> BoolArray:
        """Return who was active when the day before `day` ended."""
        ...

    def history_days(self, convention: MetricConvention) -> int:
        """Return how many days before a day must be observed to know who was active."""
        ...


def first_observed(days: IntArray, given: date | None, as_of: date) -> date | None:
    """Return the first observed day: as given, or the first day in the data."""
    if given is not None:
        if given > as_of:
            raise AsOfError(
                f"observed_from {given} is later than as_of {as_of}",
                rule="observation starts before it ends",
                fix="pass the first observed day, or leave observed_from out",
            )
        return given
    if len(days) == 0:
        return None
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(days.min()))


def observed_rows(frame: pd.DataFrame, days: IntArray, as_of: date, *, column: str) -> np.ndarray:
    """Return which rows begin on or before `as_of`; refuse when none of some rows do."""
    seen = np.asarray(days <= day_number(as_of))
    if len(frame) and not seen.any():
        raise AsOfError(
            f"all {len(frame):,} rows are later than as_of {as_of}",
            rule="as_of is the last observed day",
            where=column,
            fix="pass the last day the data cover",
        )
    return seen


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PurchaseIndex(ResultTable):
    """Purchases, numbered and sorted once, so that each metric is a few array operations.

    Attributes
    ----------
    customer_id : pandas.Index
        Customers in order of first appearance, also those with returns only.
    as_of, observed_from : datetime.date
        Last and first observed day, both inclusive; `observed_from` is None without rows.
    customer, day : ndarray of int32
        Purchase occasions (distinct customer and day), by customer and then by day.
    first_day : ndarray of int32
        Day of the first purchase, days since 1970-01-01; the largest int32 for none.
    row_customer, row_day : ndarray of int32
        Customer and day of each observed row, returns included.
    row_amount : ndarray of float
        Amount of each observed row [money]; negative for a return.
    rows_after_as_of : int
        Rows left out because they lie after `as_of`.
    """

    customer_id: pd.Index[Any]
    as_of: date
    observed_from: date | None
    customer: _Int32
    day: _Int32
    first_day: _Int32
    row_customer: _Int32
    row_day: _Int32
    row_amount: FloatArray
    rows_after_as_of: int

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "retention_rate(base, period=...)"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("first_purchase", "_first_purchase"),
        Column("occasions", lambda t: np.bincount(t.customer, minlength=len(t))),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    def active_before(self, day: int, *, convention: MetricConvention) -> BoolArray:
        """Return who bought in ``[day - window_days, day)`` [days since 1970-01-01].

        The window is the convention's.
        """
        return self.occasions_between(day - convention.window_days, day) > 0

    def history_days(self, convention: MetricConvention) -> int:
        """Return the convention's window [day]: that much before a day must be observed."""
        return convention.window_days

    def occasions_between(self, start: int, end: int) -> npt.NDArray[np.int64]:
        """Count each customer's purchase occasions on the days [start, end) since 1970-01-01."""
        inside = (self.day >= start) & (self.day < end)
        return np.bincount(self.customer[inside], minlength=len(self))

    def revenue_between(self, start: int, end: int, *, with_returns: bool) -> FloatArray:
        """Sum each customer's amounts on the days [start, end) since 1970-01-01.

        `with_returns` adds negative amounts too. Row order cannot change a bit.
        """
        inside = self.row_day >= start
        inside &= self.row_day < end
        if not with_returns:
            inside &= self.row_amount >= 0.0
        return order_free_sums(self.row_amount, self.row_customer, len(self), keep=inside)

    @property
    def _first_purchase(self) -> npt.NDArray[np.datetime64]:
        """Day of the first purchase; NaT for none."""
        never = self.first_day == NEVER
        first = from_day_numbers(np.where(never, 0, self.first_day))
        first[never] = np.datetime64("NaT", "s")
        return first

    def summary(self) -> pd.DataFrame:
        """Return what was indexed.

        One row: customers, buyers, occasions, rows, rows_after_as_of, observed_from, as_of.
        """
        return pd.DataFrame(
            {
                "customers": [len(self)],
                "buyers": [int(np.count_nonzero(self.first_day != NEVER))],
                "occasions": [len(self.day)],
                "rows": [len(self.row_day)],
                "rows_after_as_of": [self.rows_after_as_of],
                "observed_from": [str(self.observed_from)],
                "as_of": [str(self.as_of)],
            }
        )


def index_purchases(
    transactions: pd.DataFrame, *, as_of: AsOf, observed_from: AsOf | None = None
) -> PurchaseIndex:
    """Index the purchases once, for any number of metrics and periods.

    Rows with an amount of at least 0 are purchases, negative ones are returns: they lower
    revenue but make nobody active.

    Parameters
    ----------
    transactions : pandas.DataFrame
        Valid transactions (see `retainkit.tables.validate_transactions`): `customer_id`,
        `timestamp`, `amount` [money].
    as_of : str, date, datetime or numpy.datetime64
        Last observed day, inclusive; later rows are left out and counted.
    observed_from : str, date, datetime or numpy.datetime64, optional
        First observed day; by default the first day with a row. It decides whether a window
        before a period is known.

    Returns
    -------
    PurchaseIndex
        Customers in order of first appearance.

    Raises
    ------
    SchemaError
        If the frame is not a valid transactions table.
    AsOfError
        If `as_of` is not a day or lies before every row.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import index_purchases
    >>> index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    <PurchaseIndex: 2,357 customers; next: retention_rate(base, period=...)>
    """
    table = "transactions"
    last = parse_as_of(as_of)
    require_columns(transactions, ("customer_id", "timestamp", "amount"), table=table)
    days = days_of(transactions, "timestamp", table=table)
    amounts = amounts_of(transactions, "amount", table=table)
    seen = observed_rows(transactions, days, last, column="timestamp")
    ids = transactions["customer_id"]
    left_out = len(seen) - int(np.count_nonzero(seen))
    if left_out:
        days, amounts, ids = days[seen], amounts[seen], ids[seen]
    codes, customers = number_customers(ids, table=table)
    bought = amounts >= 0.0
    customer, day = (
        sorted_unique_pairs(codes, days)
        if bought.all()
        else sorted_unique_pairs(codes[bought], days[bought])
    )
    return PurchaseIndex(
        customer_id=customers,
        as_of=last,
        observed_from=first_observed(
            days, None if observed_from is None else parse_as_of(observed_from), last
        ),
        customer=customer,
        day=day,
        first_day=first_days(customer, day, len(customers)),
        row_customer=codes.astype(np.int32, copy=False),
        row_day=days.astype(np.int32, copy=False),
        row_amount=amounts,
        rows_after_as_of=left_out,
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ContractIndex(ResultTable):
    """Contracts, numbered once; a customer is active while any of their contracts runs.

    Attributes
    ----------
    customer_id : pandas.Index
        Customers in order of first appearance.
    as_of, observed_from : datetime.date
        Last and first observed day, both inclusive; `observed_from` is None without rows.
    first_day : ndarray of int32
        Start of the first contract, days since 1970-01-01.
    row_customer, row_start, row_end : ndarray of int32
        Customer, first day and first day no longer covered; the largest int32 while running.
    row_amount : ndarray of float
        Amount per billing period [money].
    rows_after_as_of : int
        Contracts left out because they start after `as_of`.
    details : ContractDetails
        Optional columns, by row.
    notes : tuple of str
        What a convention changed in the rows.
    """

    customer_id: pd.Index[Any]
    as_of: date
    observed_from: date | None
    first_day: _Int32
    row_customer: _Int32
    row_start: _Int32
    row_end: _Int32
    row_amount: FloatArray
    rows_after_as_of: int
    details: ContractDetails = NO_DETAILS
    notes: tuple[str, ...] = ()

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = "retention_rate(base, period=...)"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("customer_id"),
        Column("first_start", lambda t: from_day_numbers(t.first_day)),
        Column("contracts", lambda t: np.bincount(t.row_customer, minlength=len(t))),
    )

    def __len__(self) -> int:
        return len(self.customer_id)

    def active_before(self, day: int, *, convention: MetricConvention) -> BoolArray:  # noqa: ARG002
        """Return whose contracts covered the day before `day` [days since 1970-01-01].

        `convention` is not used: rows were read under a convention before.
        """
        running = self._running(day)
        if self.details.makes_active is not None:
            running &= self.details.makes_active
        active = np.zeros(len(self), dtype=np.bool_)
        active[self.row_customer[running]] = True
        return active

    def history_days(self, convention: MetricConvention) -> int:  # noqa: ARG002
        """Return 0 [day], whatever the convention: a contract itself says that it ran."""
        return 0

    def amount_before(self, day: int) -> FloatArray:
        """Sum the amounts of each customer's contracts that covered the day before `day`.

        Money per billing period and customer; several plans are added up.
        """
        running = self._running(day)
        return order_free_sums(self.row_amount, self.row_customer, len(self), keep=running)

    def _running(self, day: int) -> BoolArray:
        """Return which rows cover the day before `day`."""
        return (self.row_start < day) & (self.row_end >= day)

    def summary(self) -> pd.DataFrame:
        """Return what was indexed.

        One row: customers, contracts, rows_after_as_of, observed_from, as_of.
        """
        return pd.DataFrame(
            {
                "customers": [len(self)],
                "contracts": [len(self.row_start)],
                "rows_after_as_of": [self.rows_after_as_of],
                "observed_from": [str(self.observed_from)],
                "as_of": [str(self.as_of)],
            }
        )


def index_contracts(
    contracts: pd.DataFrame | Contracts, *, as_of: AsOf, observed_from: AsOf | None = None
) -> ContractIndex:
    """Index the contracts once, for any number of metrics and periods.

    A contract covers the days [start, end). A snapshot at the start of a day asks who was
    covered on the day before, so a contract that ends on the first day of a month was lost in
    that month and one that starts on it was won in that month.

    Parameters
    ----------
    contracts : pandas.DataFrame or Contracts
        Valid contracts (see `retainkit.tables.validate_contracts`): `customer_id`, `start`,
        `end` (missing = running), `amount` [money per billing period], and the optional columns
        that conventions read (`retainkit.contracts.ContractDetails`).
    as_of : str, date, datetime or numpy.datetime64
        Last observed day, inclusive; contracts that start later are left out and counted.
    observed_from : str, date, datetime or numpy.datetime64, optional
        First observed day; by default the first start.

    Returns
    -------
    ContractIndex
        Customers in order of first appearance.

    Raises
    ------
    SchemaError
        If the frame is not a valid contracts table.
    AsOfError
        If `as_of` is not a day or lies before every start.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.metrics import Period, index_contracts, retention_rate
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b", "c"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-09"]),
    ...     "end": pd.to_datetime([None, "2026-03-20", None]),
    ...     "amount": [100.0, 80.0, 50.0],
    ... })
    >>> base = index_contracts(contracts, as_of="2026-03-31")
    >>> retention_rate(base, period=Period.month(2026, 3)).value
    0.5
    """
    last = parse_as_of(as_of)
    rows = read_contracts(contracts)
    amounts = require_amounts(rows)
    seen = observed_rows(rows.frame, rows.start, last, column="start")
    start, end, codes, details = rows.start, rows.end, rows.customer, rows.details
    customers = rows.customer_id
    if not seen.all():
        codes, customers = number_customers(rows.frame["customer_id"][seen], table="contracts")
        start, end, amounts, details = start[seen], end[seen], amounts[seen], details.take(seen)
    customer, day = sorted_unique_pairs(codes, start)
    return ContractIndex(
        customer_id=customers,
        as_of=last,
        observed_from=first_observed(
            start, None if observed_from is None else parse_as_of(observed_from), last
        ),
        first_day=first_days(customer, day, len(customers)),
        row_customer=codes,
        row_start=start,
        row_end=end,
        row_amount=amounts,
        details=details,
        rows_after_as_of=len(seen) - int(np.count_nonzero(seen)),
    )


def as_contracts(base: PurchaseIndex, *, convention: MetricConvention) -> ContractIndex:
    """Return purchases as contracts over [day, day + window).

    Then a customer is active exactly while the window holds a purchase, and the recurring amount
    is the revenue of the last `window_days`: movements, departures and stays get one definition
    for both kinds of business.

    Parameters
    ----------
    base : PurchaseIndex
        From `index_purchases`.
    convention : MetricConvention
        `window_days`; `refunds` says whether returns lower the amount. Returns make nobody
        active.

    Returns
    -------
    ContractIndex
        One row per purchase row.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.metrics import MetricConvention, index_purchases
    >>> from retainkit.metrics._base import as_contracts
    >>> base = index_purchases(load_cdnow_sample(), as_of="1998-06-30")
    >>> seen = as_contracts(base, convention=MetricConvention())
    >>> bool((seen.active_before(10_000, convention=MetricConvention())
    ...       == base.active_before(10_000, convention=MetricConvention())).all())
    True
    """
    customer, day, amount = base.row_customer, base.row_day, base.row_amount
    details = NO_DETAILS
    returned = amount < 0.0
    if returned.any():
        if convention.refunds == "ignore":
            kept = ~returned
            customer, day, amount = customer[kept], day[kept], amount[kept]
        else:
            details = details._replace(makes_active=~returned)
    return ContractIndex(
        customer_id=base.customer_id,
        as_of=base.as_of,
        observed_from=base.observed_from,
        first_day=base.first_day,
        row_customer=customer,
        row_start=day,
        row_end=(day + convention.window_days).astype(np.int32),
        row_amount=amount,
        rows_after_as_of=base.rows_after_as_of,
        details=details,
    )
