"""summarize_customer: one customer's purchases, without a frame."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from retainkit._core.time import day_number, parse_as_of, to_day_numbers
from retainkit.errors import AlignmentError, AsOfError, SchemaError
from retainkit.typing import ArrayLike1D, AsOf, CollapseUnit, FloatArray, TimeUnit
from retainkit.value._kernel_summary import collapse_days, summarize_rows
from retainkit.value._summary import CustomerSummary


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
        raise _undefined("timestamps")
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
        raise _undefined(name)
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


def _undefined(name: str) -> SchemaError:
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
