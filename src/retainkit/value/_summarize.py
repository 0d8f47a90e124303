"""summarize_customers for a base, summarize_customer for one customer."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.codes import number_ids
from retainkit._core.time import day_number, parse_as_of, to_day_numbers
from retainkit.errors import AlignmentError, AsOfError, SchemaError
from retainkit.typing import ArrayLike1D, AsOf, BoolArray, CollapseUnit, FloatArray, TimeUnit
from retainkit.value._kernel import Int32Array, collapse_days, summarize_rows
from retainkit.value._summary import CustomerSummary

_REQUIRED = ("customer_id", "timestamp", "amount")
_FIX = "pass the frame that tables.validate_transactions returns"


def summarize_customers(
    transactions: pd.DataFrame,
    *,
    as_of: AsOf,
    unit: TimeUnit = "week",
    collapse: CollapseUnit = "day",
) -> CustomerSummary:
    """Count each customer's purchase occasions, their days and their money up to `as_of`.

    Purchases (amount >= 0, so a free item counts) within one calendar unit are one occasion.
    Returns (amount < 0) are never an occasion, but net into the totals; a customer with nothing
    but returns is kept, with 0 occasions and undefined times. Rows after `as_of` are unobserved:
    left out and counted in `rows_after_as_of`, and so are customers who have no other row.

    Parameters
    ----------
    transactions : pandas.DataFrame
        Valid transactions (see `tables.validate_transactions`): `customer_id`, `timestamp`
        (naive datetime), `amount` [money], optionally `profit` [money] and `business_line`.
    as_of : str, date or datetime
        Last observed day, inclusive.
    unit : {"day", "week", "month"}, default "week"
        Scale of time in the result: 1, 7 or 30.4375 days. It does not change what is counted.
    collapse : {"day", "week", "month"}, default "day"
        Calendar unit within which purchases count once. With "week" (from Monday) or "month" an
        occasion, and `as_of` too, stands at the first day of its calendar unit, so times are
        distances between calendar units; with "day" all days are exact.

    Returns
    -------
    CustomerSummary
        One row per customer in order of first appearance. Times are float64 [unit], NaN for who
        never purchased; `monetary_value` is NaN where there is no repeat occasion.

    Raises
    ------
    SchemaError
        If a column is missing, is not of the valid type, or holds an undefined value.
    AsOfError
        If `as_of` is no calendar day, or all rows lie after it.

    Notes
    -----
    For customer i with distinct occasion days d_1 < ... < d_k: frequency = k - 1,
    recency = d_k - d_1, age = as_of - d_1, inactive_for = as_of - d_k (all in `unit`) and
    monetary_value = (money of purchases on d_2 ... d_k) / (k - 1). Sums do not depend on the order
    of rows, to the last bit.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves for
    customer base analysis. Journal of Marketing Research 42(4), 415-430: (x, t_x, T) and the
    average value of repeat transactions.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.value import summarize_customers
    >>> rows = pd.DataFrame({
    ...     "customer_id": ["ann", "ann", "bob", "ann", "bob"],
    ...     "timestamp": pd.to_datetime(["2024-01-01", "2024-01-15", "2024-01-20",
    ...                                  "2024-01-15", "2024-01-25"]),
    ...     "amount": [10.0, 20.0, 5.0, 12.0, -5.0]})
    >>> summary = summarize_customers(rows, as_of="2024-01-29")
    >>> summary.to_frame()[["customer_id", "frequency", "recency", "age", "monetary_value"]]
      customer_id  frequency  recency       age  monetary_value
    0         ann          1      2.0  4.000000            32.0
    1         bob          0      0.0  1.285714             NaN
    >>> summary.total_amount.tolist()
    [42.0, 0.0]
    """
    last = parse_as_of(as_of)
    days, seen = observed_days(transactions, last)
    codes, customer_id = customer_codes(pick_column(transactions, "customer_id", seen))
    facts = summarize_rows(
        codes,
        collapse_days(days if seen is None else days[seen], collapse),
        money_column(transactions, "amount", seen),
        n=len(customer_id),
        profit=money_column(transactions, "profit", seen) if "profit" in transactions else None,
        lines=line_codes(transactions, seen) if "business_line" in transactions else None,
    )
    return CustomerSummary(
        customer_id=customer_id,
        unit=unit,
        as_of=last,
        collapse=collapse,
        rows_after_as_of=0 if seen is None else int(np.count_nonzero(~seen)),
        **facts._asdict(),
    )


def observed_days(transactions: pd.DataFrame, last: date) -> tuple[Int32Array, BoolArray | None]:
    """Return the day of each row and which rows are observed by `last` (None when all are)."""
    _require_columns(transactions)
    days = _days(transactions["timestamp"])
    return days, _observed(days, last)


def _require_columns(transactions: Any) -> None:
    """Raise SchemaError unless `transactions` is a frame with the required columns."""
    if not isinstance(transactions, pd.DataFrame):
        raise SchemaError(
            f"transactions is a {type(transactions).__name__}",
            rule="transactions is a valid pandas frame",
            where="transactions",
            fix=_FIX,
        )
    missing = [name for name in _REQUIRED if name not in transactions]
    if missing:
        raise SchemaError(
            f"no column {missing[0]!r} among {list(transactions.columns)[:12]}",
            rule=f"valid transactions have {', '.join(_REQUIRED)}",
            where="transactions",
            fix=_FIX,
        )


def _undefined(column: str, count: int) -> SchemaError:
    """Return the error that rows of a column have no defined value."""
    return SchemaError(
        f"{count:,} rows have no defined {column}",
        rule=f"{column} is defined and finite in every valid row",
        where=f"transactions[{column!r}]",
        fix=_FIX,
    )


def pick_column(transactions: pd.DataFrame, name: str, seen: BoolArray | None) -> pd.Series[Any]:
    """Return the observed rows of a column."""
    column = transactions[name]
    return column if seen is None else column[seen]


def _days(timestamps: pd.Series[Any]) -> Int32Array:
    """Return days since 1970-01-01; SchemaError where a timestamp is undefined."""
    values = timestamps.to_numpy()
    if values.dtype.kind != "M":
        raise SchemaError(
            f"timestamp has type {timestamps.dtype}",
            rule="timestamps are datetimes without time zone",
            where="transactions['timestamp']",
            fix=_FIX,
        )
    if np.isnat(values).any():
        raise _undefined("timestamp", int(np.count_nonzero(np.isnat(values))))
    return to_day_numbers(values)


def _observed(days: Int32Array, last: date) -> BoolArray | None:
    """Return which rows are observed by `last`; None when all are."""
    seen = days <= day_number(last)
    if seen.all():
        return None
    if not seen.any():
        first = date.fromordinal(int(days.min()) + date(1970, 1, 1).toordinal())
        raise AsOfError(
            f"as_of is {last}, the first transaction is on {first}",
            rule="as_of is the last observed day: at least one row is not after it",
            where="as_of",
            fix="pass the last day the data cover",
        )
    return seen


def customer_codes(customer_id: pd.Series[Any]) -> tuple[Int32Array, pd.Index[Any]]:
    """Return a code per row and the customers in order of first appearance."""
    codes, customers = number_ids(customer_id)
    if codes.size and codes.min() < 0:
        raise _undefined("customer_id", int(np.count_nonzero(codes < 0)))
    return codes, customers


def money_column(transactions: pd.DataFrame, name: str, seen: BoolArray | None) -> FloatArray:
    """Return the observed rows of a column of money; SchemaError where one is not finite."""
    column = pick_column(transactions, name, seen)
    if column.dtype.kind not in "iuf":
        raise SchemaError(
            f"{name} has type {column.dtype}",
            rule="money is a column of numbers",
            where=f"transactions[{name!r}]",
            fix=_FIX,
        )
    values: FloatArray = column.to_numpy(dtype=np.float64)
    # The extremes are undefined or infinite exactly if some value is: no mask of all rows needed.
    if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        raise _undefined(name, int(np.count_nonzero(~np.isfinite(values))))
    return values


def line_codes(transactions: pd.DataFrame, seen: BoolArray | None) -> npt.NDArray[Any]:
    """Return a code per observed row for its business line; -1 where none is known."""
    lines = pick_column(transactions, "business_line", seen)
    if isinstance(lines.dtype, pd.CategoricalDtype):
        return lines.cat.codes.to_numpy()
    return pd.factorize(lines)[0]


def summarize_customer(
    timestamps: ArrayLike1D,
    amounts: ArrayLike1D,
    *,
    as_of: AsOf,
    customer_id: int | str = "",
    profits: ArrayLike1D | None = None,
    business_lines: ArrayLike1D | None = None,
    unit: TimeUnit = "week",
    collapse: CollapseUnit = "day",
) -> CustomerSummary:
    """Summarise the purchases and returns of one customer, as a web request would.

    The rules are those of `summarize_customers`, to which the result is equal; no frame is built,
    so it takes microseconds.

    Parameters
    ----------
    timestamps : array-like of shape (m,)
        When: ISO texts, dates, naive datetimes or numpy datetimes.
    amounts : array-like of shape (m,)
        How much [money]; below 0 is a return.
    as_of : str, date or datetime
        Last observed day, inclusive; later rows are left out and counted.
    customer_id : int or str, default ""
        Who.
    profits : array-like of shape (m,), optional
        Profit of each row [money].
    business_lines : array-like of shape (m,), optional
        Business line of each row; None or NaN where not known.
    unit : {"day", "week", "month"}, default "week"
        Scale of time in the result.
    collapse : {"day", "week", "month"}, default "day"
        Calendar unit within which purchases count once.

    Returns
    -------
    CustomerSummary
        One row.

    Raises
    ------
    SchemaError
        If a timestamp, amount or profit is undefined.
    AlignmentError
        If the columns differ in length.
    AsOfError
        If `as_of` is no calendar day, or no row is observed by it.

    Examples
    --------
    >>> from retainkit.value import summarize_customer
    >>> one = summarize_customer(["2024-01-01", "2024-01-15"], [10, 32], as_of="2024-01-29")
    >>> one.frequency.tolist(), one.recency.tolist(), one.age.tolist(), one.monetary_value.tolist()
    ([1], [2.0], [4.0], [32.0])
    """
    last = parse_as_of(as_of)
    moments = np.asarray(timestamps, dtype="datetime64[us]")
    money = _numbers(amounts, moments.shape, "amounts")
    profit = None if profits is None else _numbers(profits, moments.shape, "profits")
    if np.isnat(moments).any():
        raise _undefined_value("timestamps")
    lines = None
    if business_lines is not None:
        lines = pd.factorize(pd.Series(business_lines, dtype="object"))[0]
        _require_shape(lines.shape, moments.shape, "business_lines")
    days = to_day_numbers(moments)
    seen = days <= day_number(last)
    if not seen.any():
        raise _nothing_observed(last)
    facts = summarize_rows(
        np.zeros(int(np.count_nonzero(seen)), dtype=np.int32),
        collapse_days(days[seen], collapse),
        money[seen],
        n=1,
        profit=None if profit is None else profit[seen],
        lines=None if lines is None else lines[seen],
    )
    return CustomerSummary(
        customer_id=pd.Index([customer_id], name="customer_id"),
        unit=unit,
        as_of=last,
        collapse=collapse,
        rows_after_as_of=int(np.count_nonzero(~seen)),
        **facts._asdict(),
    )


def _numbers(values: ArrayLike1D, shape: tuple[int, ...], name: str) -> FloatArray:
    """Return finite numbers of the given shape."""
    numbers = np.asarray(values, dtype=np.float64)
    _require_shape(numbers.shape, shape, name)
    if not np.isfinite(numbers).all():
        raise _undefined_value(name)
    return numbers


def _require_shape(shape: tuple[int, ...], wanted: tuple[int, ...], name: str) -> None:
    """Raise AlignmentError unless the shapes are equal."""
    if shape != wanted:
        raise AlignmentError(
            f"{name} has shape {shape}, timestamps {wanted}",
            rule="one value per row",
            where=name,
            fix="pass columns of one table",
        )


def _undefined_value(name: str) -> SchemaError:
    """Return the error that a value is undefined."""
    return SchemaError(
        f"{name} has an undefined value",
        rule="every row has a day and finite money",
        where=name,
        fix="clean the rows with tables.split_valid_transactions",
    )


def _nothing_observed(last: date) -> AsOfError:
    """Return the error that no row is observed."""
    return AsOfError(
        f"no row up to as_of {last}",
        rule="as_of is the last observed day: at least one row is not after it",
        where="as_of",
        fix="pass the last day the data cover",
    )
