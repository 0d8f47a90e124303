"""The transactions table: who bought what for how much, when."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retainkit.errors import AsOfError
from retainkit.tables._amounts import as_column, main_currency, read_numbers
from retainkit.tables._columns import TransactionColumns
from retainkit.tables._ledger import Ledger
from retainkit.tables._rules import TransactionRules
from retainkit.tables._spec import Check, Observed, Pass, Role, TableSpec, repeats
from retainkit.typing import AsOf, IntoFrame


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
    return TRANSACTIONS.split(frame, columns, rules, as_of)


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
    frame, columns, rules, as_of
        As in `split_valid_transactions`; rows left out by a policy are no error.

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
    return TRANSACTIONS.validate(frame, columns, rules, as_of)


def _read_profit(work: Pass) -> None:
    """Read profit, or amount - cost; a profit in another currency than the amounts is refused."""
    raw, rules, table = work.raw, work.rules, work.table
    role = "profit" if "profit" in raw else "cost"
    if role not in raw:
        return
    currency = main_currency(raw["amount"], rules, role="amount", table=table)
    profit = read_numbers(raw[role], rules, role=role, table=table, currency=currency)
    if role == "cost":
        profit = profit._replace(values=work.numbers("amount") - profit.values)
    kept = rules.missing_profit == "keep"
    work.sieve.reject_unreadable("profit", profit, values=raw[role], optional=kept)
    if kept:
        missing, policy = profit.problems.get("missing"), "missing_profit=keep"
        work.sieve.note("missing_profit", missing, policy=policy, values=raw[role])
    work.valid["profit"] = as_column(profit, raw[role]) if role == "profit" else profit.values


def _refuse_early_as_of(work: Pass) -> None:
    times, day = work.valid["timestamp"], work.day
    first: Any = None if day is None else times.min()
    if day is not None and pd.notna(first) and first.date() > day:
        raise AsOfError(
            f"as_of is {day}, the first transaction is of {first.date()}",
            rule="as_of is the last observed day",
            where=work.table,
            fix='pass the last day the data cover, for example as_of="'
            f'{pd.Timestamp(times.max()).date()}"',
        )


def _policy(rules: TransactionRules) -> str:
    counted = "" if rules.looks_for_duplicates else " (not counted)"
    return (
        f"returns={rules.returns}, zero_amounts={rules.zero_amounts}, "
        f"duplicates={rules.duplicates}{counted}, time_zone={rules.time_zone}"
    )


TRANSACTIONS = TableSpec(
    columns=TransactionColumns,
    rules=TransactionRules,
    policy=_policy,
    amounts="amount",
    steps=(
        Role("customer_id", "id", filled=True),
        Role("timestamp", "time", filled=True),
        Role("amount", "number", filled=True, unit="money"),
        _read_profit,
        Role("order_id", "reference"),
        Role("business_line", "label"),
        Role("channel", "label"),
        Role("quantity", "number", unit="units"),
        Observed("timestamp"),
        _refuse_early_as_of,
        repeats,
        Check(
            reason="return",
            of="amount",
            broken=lambda work: work.numbers("amount") < 0,
            rule="returns",
        ),
        Check(
            reason="zero_amount",
            of="amount",
            broken=lambda work: work.numbers("amount") == 0,
            rule="zero_amounts",
        ),
    ),
)
