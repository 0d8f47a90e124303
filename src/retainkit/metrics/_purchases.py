"""Purchases, indexed in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column
from retainkit._core.frame_columns import amounts_of, days_of, number_customers, require_columns
from retainkit._core.result import ResultTable
from retainkit._core.time import from_day_numbers, parse_as_of
from retainkit.metrics._bases import first_observed, observed_rows
from retainkit.metrics._convention import MetricConvention
from retainkit.metrics._kernel import NEVER, first_days, order_free_sums, sorted_unique_pairs
from retainkit.typing import AsOf, BoolArray, FloatArray

_Int32 = npt.NDArray[np.int32]


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

        Returns
        -------
        pandas.DataFrame
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
