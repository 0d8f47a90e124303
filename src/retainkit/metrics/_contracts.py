"""Contracts, indexed in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.frame_columns import number_customers
from retainkit._core.result import ResultTable
from retainkit._core.time import from_day_numbers, parse_as_of
from retainkit.contracts import ContractDetails, Contracts, read_contracts
from retainkit.contracts._read import NO_DETAILS, require_amounts
from retainkit.metrics._bases import first_observed, observed_rows
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._kernel import first_days, order_free_sums, sorted_unique_pairs
from retainkit.typing import AsOf, BoolArray, FloatArray

_Int32 = npt.NDArray[np.int32]


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

        Returns
        -------
        pandas.DataFrame
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
