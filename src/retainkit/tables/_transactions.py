"""Sift the transactions table."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from retainkit._core.frames import build_frame
from retainkit.errors import AsOfError
from retainkit.tables._amounts import as_column, main_currency, read_numbers
from retainkit.tables._columns import TransactionColumns
from retainkit.tables._dates import read_times
from retainkit.tables._ids import read_ids
from retainkit.tables._labels import read_labels
from retainkit.tables._ledger import Ledger
from retainkit.tables._read import Reading, none_if_clean
from retainkit.tables._rules import TransactionRules
from retainkit.tables._sieve import Sieve
from retainkit.tables._source import Source, apply_duplicates, open_table, raise_if_rejected
from retainkit.tables._timeline import exclude_after
from retainkit.typing import AsOf, FloatArray, IntoFrame

_TABLE = "transactions"


def split_valid_transactions(
    frame: IntoFrame,
    *,
    columns: TransactionColumns | None = None,
    rules: TransactionRules | None = None,
    as_of: AsOf | None = None,
) -> tuple[pd.DataFrame, Ledger]:
    """Split purchase rows into usable ones and a ledger of all others.

    Every row is either in the valid frame or in the ledger with the first rule it broke. Rules
    are tried in this order: customer id, timestamp, amount, profit and quantity readable; not
    after `as_of`; duplicates; returns; zero amounts.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per purchase line. Of a lazy table only the mapped columns are read (all of them
        when duplicates are searched over all columns), in one pass.
    columns : TransactionColumns, optional
        Which column plays which role.
    rules : TransactionRules, optional
        What happens to each kind of doubtful row.
    as_of : str, date or datetime, optional
        Last observed calendar day, inclusive; later rows are excluded. None keeps all.

    Returns
    -------
    valid : pandas.DataFrame
        Accepted rows in input order over a RangeIndex: `customer_id` (int64 when the ids are
        whole numbers, else text), `timestamp` (naive, in `rules.time_zone`), `amount` float64
        [money]; `profit` float64 [money] when profit or cost is given; `order_id`,
        `business_line` and `channel` (categorical) and `quantity` float64 where mapped, with NA
        where blank. Clean columns share memory with the input.
    ledger : Ledger
        Rows and amounts by reason; reconciles exactly with the input.

    Raises
    ------
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.
    AsOfError
        If `as_of` is not a calendar day or lies before every readable timestamp.

    Notes
    -----
    "After `as_of`" is decided on calendar days: 23:59 on `as_of` itself is observed.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import split_valid_transactions
    >>> frame = pd.DataFrame({
    ...     "customer_id": ["17850", 17850.0, "", "0017850"],
    ...     "timestamp": ["2025-01-31", "2025-02-01T09:30:00+01:00", "2025-02-01", "1/2/2025"],
    ...     "amount": ["$1,234.50", "(12.50)", "3", "4"],
    ... })
    >>> valid, ledger = split_valid_transactions(frame)
    >>> valid
      customer_id           timestamp  amount
    0       17850 2025-01-31 00:00:00  1234.5
    1       17850 2025-02-01 08:30:00   -12.5
    >>> ledger.counts()
    {'missing_customer_id': 1, 'unparsable_timestamp': 1}
    """
    columns = columns or TransactionColumns()
    rules = rules or TransactionRules()
    source = open_table(frame, columns, rules)
    sieve = Sieve(_TABLE, source.n)
    valid = _read_required(sieve, source, rules)
    amounts = np.asarray(valid["amount"])
    _read_optional(sieve, source, rules, valid)
    day = exclude_after(sieve, valid["timestamp"], as_of)
    _refuse_early_as_of(valid["timestamp"], day)
    apply_duplicates(sieve, source, rules)
    _apply_signs(sieve, source, rules, amounts)
    ledger = sieve.ledger(valid["customer_id"], amounts=amounts, policy=_policy(rules))
    return build_frame(valid, sieve.keep), ledger


def validate_transactions(
    frame: IntoFrame,
    *,
    columns: TransactionColumns | None = None,
    rules: TransactionRules | None = None,
    as_of: AsOf | None = None,
) -> pd.DataFrame:
    """Return the purchase rows in canonical form, or raise one error that lists every problem.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per purchase line.
    columns : TransactionColumns, optional
        Which column plays which role.
    rules : TransactionRules, optional
        What happens to each kind of doubtful row. Rows left out by a policy are no error.
    as_of : str, date or datetime, optional
        Last observed calendar day, inclusive; later rows are left out.

    Returns
    -------
    pandas.DataFrame
        The valid frame of `split_valid_transactions`.

    Raises
    ------
    InvalidTransactionsError
        If any row is rejected; `.ledger` has the account.
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.tables import validate_transactions
    >>> validate_transactions(load_cdnow_sample(), as_of="1997-09-30").shape
    (4960, 4)
    """
    valid, ledger = split_valid_transactions(frame, columns=columns, rules=rules, as_of=as_of)
    raise_if_rejected(_TABLE, ledger, "TransactionColumns")
    return valid


def _read_required(sieve: Sieve, source: Source, rules: TransactionRules) -> dict[str, Any]:
    raw = source.roles
    readings = {
        "customer_id": read_ids(raw["customer_id"], rules, role="customer_id", table=_TABLE),
        "timestamp": read_times(raw["timestamp"], rules, role="timestamp", table=_TABLE),
        "amount": read_numbers(raw["amount"], rules, role="amount", table=_TABLE),
    }
    for role, reading in readings.items():
        sieve.reject_unreadable(role, reading, values=raw[role])
    values = {role: reading.values for role, reading in readings.items()}
    return values | {"amount": as_column(readings["amount"], raw["amount"])}


def _read_optional(
    sieve: Sieve, source: Source, rules: TransactionRules, valid: dict[str, Any]
) -> None:
    raw = source.roles
    profit = _read_profit(source, rules, np.asarray(valid["amount"]))
    if profit is not None:
        values = raw["profit"] if "profit" in raw else raw["cost"]
        kept = rules.missing_profit == "keep"
        sieve.reject_unreadable("profit", profit, values=values, optional=kept)
        if kept:
            missing = profit.problems.get("missing")
            sieve.note("missing_profit", missing, policy="missing_profit=keep", values=values)
        valid["profit"] = as_column(profit, raw["profit"]) if "profit" in raw else profit.values
    if "order_id" in raw:
        valid["order_id"] = _read_order_ids(raw["order_id"], rules)
    for role in ("business_line", "channel"):
        if role in raw:
            valid[role] = read_labels(raw[role], rules, role=role, table=_TABLE).values
    if "quantity" in raw:
        quantity = read_numbers(raw["quantity"], rules, role="quantity", table=_TABLE)
        sieve.reject_unreadable("quantity", quantity, values=raw["quantity"], optional=True)
        valid["quantity"] = as_column(quantity, raw["quantity"])


def _read_profit(source: Source, rules: TransactionRules, amounts: FloatArray) -> Reading | None:
    """Read profit, or amount - cost; a profit in another currency than the amounts is refused."""
    raw = source.roles
    role = "profit" if "profit" in raw else "cost"
    if role not in raw:
        return None
    currency = main_currency(raw["amount"], rules, role="amount", table=_TABLE)
    reading = read_numbers(raw[role], rules, role=role, table=_TABLE, currency=currency)
    return reading if role == "profit" else reading._replace(values=amounts - reading.values)


def _read_order_ids(raw: pd.Series[Any], rules: TransactionRules) -> pd.Series[Any]:
    reading = read_ids(raw, rules, role="order_id", table=_TABLE)
    missing = reading.problems.get("missing")
    if missing is None:
        return reading.values  # type: ignore[no-any-return]
    values = reading.values.astype("Int64") if reading.values.dtype.kind == "i" else reading.values
    return values.mask(missing)  # type: ignore[no-any-return]


def _apply_signs(
    sieve: Sieve, source: Source, rules: TransactionRules, amounts: FloatArray
) -> None:
    values = source.roles["amount"]
    negative, zero = none_if_clean(amounts < 0), none_if_clean(amounts == 0)
    sieve.apply(rules.returns, "return", negative, rule="returns", values=values)
    sieve.apply(rules.zero_amounts, "zero_amount", zero, rule="zero_amounts", values=values)


def _refuse_early_as_of(times: pd.Series[Any], day: date | None) -> None:
    first: Any = None if day is None else times.min()
    if day is not None and pd.notna(first) and first.date() > day:
        raise AsOfError(
            f"as_of is {day}, the first transaction is of {first.date()}",
            rule="as_of is the last observed day",
            where=_TABLE,
            fix='pass the last day the data cover, for example as_of="'
            f'{pd.Timestamp(times.max()).date()}"',
        )


def _policy(rules: TransactionRules) -> str:
    counted = "" if rules.looks_for_duplicates else " (not counted)"
    return (
        f"returns={rules.returns}, zero_amounts={rules.zero_amounts}, "
        f"duplicates={rules.duplicates}{counted}, time_zone={rules.time_zone}"
    )
