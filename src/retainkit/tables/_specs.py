"""The input tables but customers, declared as steps, and the verbs that read any of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import AsOfError, SchemaError
from retainkit.tables._amounts import as_column, main_currency, read_numbers
from retainkit.tables._columns import (
    ActivityColumns,
    ContractColumns,
    EventColumns,
    SurveyColumns,
    TableColumns,
    TransactionColumns,
)
from retainkit.tables._customers import CUSTOMERS
from retainkit.tables._ledger import Ledger
from retainkit.tables._questions import ask_about_prices, note_late_as_of
from retainkit.tables._rules import (
    ActivityRules,
    ContractRules,
    EventRules,
    SurveyRules,
    TableRules,
    TransactionRules,
)
from retainkit.tables._source import after_day
from retainkit.tables._spec import Check, Observed, Pass, Role, TableSpec, not_negative, repeats
from retainkit.typing import AsOf, IntoFrame


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


def _describe_policy(rules: TransactionRules) -> str:
    counted = "" if rules.looks_for_duplicates else " (not counted)"
    return (
        f"returns={rules.returns}, zero_amounts={rules.zero_amounts}, "
        f"duplicates={rules.duplicates}{counted}, time_zone={rules.time_zone}"
    )


TRANSACTIONS = TableSpec(
    columns=TransactionColumns,
    rules=TransactionRules,
    policy=_describe_policy,
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
        ask_about_prices,
        note_late_as_of,
    ),
)


def _note_known_ends(work: Pass) -> None:
    late = None if work.day is None else after_day(work.valid["end"], work.day)
    policy = "a known end stays"
    work.sieve.note("ends_after_as_of", late, policy=policy, values=work.raw["end"])


CONTRACTS = TableSpec(
    columns=ContractColumns,
    rules=ContractRules,
    policy=lambda rules: f"negative_amounts={rules.negative_amounts}",
    amounts="amount",
    steps=(
        Role("customer_id", "id", filled=True),
        Role("start", "time", filled=True),
        Role("end", "time"),
        Check(
            reason="end_before_start",
            of="end",
            broken=lambda work: (work.valid["end"] < work.valid["start"]).to_numpy(),
            rule="start <= end",
        ),
        Role("amount", "number", filled=True, unit="money per period"),
        Role("plan", "label"),
        Role("end_reason", "label"),
        Role("currency", "label"),
        Role("cancel_requested", "time"),
        Role("billing_end", "time"),
        Role("past_due_since", "time"),
        Role("discount", "number", unit="money per period"),
        Role("usage_amount", "number", unit="money per period"),
        Role("term_months", "number", unit="month"),
        Role("paid", "flag"),
        Role("paused", "flag"),
        Role("discount_permanent", "flag"),
        Observed("start", reason="starts_after_as_of"),
        repeats,
        not_negative("amount", rule="negative_amounts"),
        _note_known_ends,
    ),
)


def _forget_later_resolutions(work: Pass) -> None:
    """Count as open what was settled after the last observed day."""
    if work.day is None or "resolved_at" not in work.valid:
        return
    late = after_day(work.valid["resolved_at"], work.day)
    if late is not None:
        policy, values = "not yet known on the last observed day", work.raw["resolved_at"]
        work.sieve.note("resolved_after_as_of", late, policy=policy, values=values)
        work.valid["resolved_at"] = work.valid["resolved_at"].mask(late)


EVENTS = TableSpec(
    columns=EventColumns,
    rules=EventRules,
    policy=lambda _: "read by the rules",
    amounts="amount",
    steps=(
        Role("customer_id", "id", filled=True),
        Role("timestamp", "time", filled=True),
        Role(
            "kind",
            "label",
            filled=True,
            known=lambda rules: {name.lower(): name for name in rules.kinds} or None,
        ),
        Role("code", "label"),
        Role("source", "label"),
        Role("text", "text"),
        Role("amount", "number", unit="money"),
        Role("resolved_at", "time"),
        Check(
            reason="resolved_before_timestamp",
            of="resolved_at",
            broken=lambda work: (work.valid["resolved_at"] < work.valid["timestamp"]).to_numpy(),
            rule="timestamp <= resolved_at",
        ),
        Observed("timestamp"),
        repeats,
        _forget_later_resolutions,
    ),
)


def _read_scores(work: Pass) -> None:
    raw, scales = work.raw, work.rules.scales()
    scored = [role for role in scales if role in raw]
    if not scored:
        raise SchemaError(
            "surveys has no score column",
            rule="at least one of " + ", ".join(scales),
            where=work.table,
            fix='SurveyColumns(satisfaction="...")',
        )
    answered = np.zeros(work.source.n, dtype=bool)
    for role in scored:
        Role(role, "number", unit="score")(work)
        (low, high), scores = scales[role], work.numbers(role)
        outside = (scores < low) | (scores > high)
        policy = f"{low:g} <= {role} <= {high:g}"
        work.sieve.take(
            "rejected", f"out_of_range_{role}", outside, policy=policy, values=raw[role]
        )
        answered |= ~np.isnan(scores)
    policy = "a survey answers something"
    work.sieve.take("rejected", "no_score", ~answered, policy=policy, values=raw[scored[0]])


SURVEYS = TableSpec(
    columns=SurveyColumns,
    rules=SurveyRules,
    policy=lambda _: "scores within their declared scales",
    steps=(
        Role("customer_id", "id", filled=True),
        Role("timestamp", "time", filled=True),
        _read_scores,
        Observed("timestamp"),
        repeats,
    ),
)


ACTIVITIES = TableSpec(
    columns=ActivityColumns,
    rules=ActivityRules,
    policy=lambda rules: f"negative_quantities={rules.negative_quantities}",
    steps=(
        Role("customer_id", "id", filled=True),
        Role("activity", "label", filled=True),
        Role("quantity", "number", filled=True),
        Role("timestamp", "time", filled=True),
        Observed("timestamp"),
        Role("channel", "label"),
        repeats,
        not_negative("quantity", rule="negative_quantities"),
    ),
)


SPECS: dict[type[TableColumns], TableSpec[Any, Any]] = {
    spec.columns: spec for spec in (TRANSACTIONS, CUSTOMERS, CONTRACTS, EVENTS, SURVEYS, ACTIVITIES)
}
"""What a valid table is, by its column map."""


def split_valid_table(
    frame: IntoFrame,
    columns: TableColumns,
    *,
    rules: TableRules | None = None,
    as_of: AsOf | None = None,
) -> tuple[pd.DataFrame, Ledger]:
    """Split the rows of a table into usable ones and a ledger of all others.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per purchase, customer, contract, event, answered survey or activity. Of a lazy
        table only the mapped columns are read, in one pass.
    columns : TransactionColumns, CustomerColumns, ContractColumns, EventColumns, SurveyColumns or \
ActivityColumns
        Which table it is, and which column plays which role; `EventColumns()` for the default
        names.
    rules : TransactionRules, CustomerRules, ContractRules, EventRules, SurveyRules or \
ActivityRules, optional
        What happens to each kind of doubtful row.
    as_of : str, date or datetime, optional
        Last observed calendar day, inclusive; rows dated later are excluded (contracts: by their
        start; customers have no date). None keeps all.

    Returns
    -------
    valid : pandas.DataFrame
        Accepted rows in input order, in columns named like the roles: ids as int64 or text, times
        as naive datetimes, numbers as float64 (NaN where blank), kinds as categories (NA where
        blank), truth values as nullable booleans. Customers are unique; their `kind`,
        `credit_standing` and `contact` have all categories, strategic flags are bool (blank counts
        as no and is noted), protected attributes leave as `protected_<name>`, which no decision may
        read, and covariates as `covariate_<name>`. A contract's `end` is NaT while it runs, and a
        known end after `as_of` stays and is noted; an event resolved after `as_of` counts as open.
    ledger : Ledger
        Rows and amounts by reason; reconciles exactly with the input.

    Raises
    ------
    SchemaError
        If a column is missing, a column has an unreadable type, there are no rows, or columns or
        rules are of no such table.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import ContractColumns, split_valid_table
    >>> frame = pd.DataFrame({"customer_id": [1, 2], "start": ["2025-01-01", "2025-03-01"],
    ...                       "end": ["", "2025-02-01"], "amount": [39, 39]})
    >>> valid, ledger = split_valid_table(frame, ContractColumns(), as_of="2025-06-30")
    >>> valid
       customer_id      start end  amount
    0            1 2025-01-01 NaT    39.0
    >>> ledger.counts()
    {'end_before_start': 1}
    """
    return _spec_of(columns, rules).split(frame, columns, rules, as_of)


def validate_table(
    frame: IntoFrame,
    columns: TableColumns,
    *,
    rules: TableRules | None = None,
    as_of: AsOf | None = None,
) -> pd.DataFrame:
    """Return a table in canonical form, or raise one error with every problem.

    Parameters
    ----------
    frame, columns, rules, as_of
        As in `split_valid_table`; rows left out by a policy are no error.

    Returns
    -------
    pandas.DataFrame
        The valid frame of `split_valid_table`.

    Raises
    ------
    InvalidTableError
        If any row is rejected; `.ledger` has the account.
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import CustomerColumns, validate_table
    >>> validate_table(pd.DataFrame({"customer_id": ["17850.0", "0017850"]}), CustomerColumns())
      customer_id
    0       17850
    1     0017850
    """
    return _spec_of(columns, rules).validate(frame, columns, rules, as_of)


def _spec_of(columns: TableColumns, rules: TableRules | None) -> TableSpec[Any, Any]:
    """Return what a valid table of these columns is; refuse rules of another table."""
    spec = SPECS.get(type(columns))
    if spec is None or not isinstance(rules, spec.rules | None):
        given = "no rules" if rules is None else type(rules).__name__
        raise SchemaError(
            f"{type(columns).__name__} with {given} is no table",
            rule="columns and rules of one table go together",
            where="columns, rules",
            fix="for example EventColumns() with EventRules()",
        )
    return spec


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


def validate_contracts(
    frame: IntoFrame,
    *,
    columns: ContractColumns | None = None,
    rules: ContractRules | None = None,
    as_of: AsOf | None = None,
) -> pd.DataFrame:
    """Return contracts in canonical form, or raise one error with every problem.

    Parameters
    ----------
    frame, columns, rules, as_of
        As in `split_valid_table`; rows left out by a policy are no error.

    Returns
    -------
    pandas.DataFrame
        The valid frame of `split_valid_table`.

    Raises
    ------
    InvalidTableError
        If any row is rejected; `.ledger` has the account.
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import ContractColumns, validate_contracts
    >>> frame = pd.DataFrame({"customer_id": [1], "created": ["2025-01-01"],
    ...                       "end": ["2025-02-01"], "amount": ["$39"]})
    >>> validate_contracts(frame, columns=ContractColumns(start="created"))["amount"].tolist()
    [39.0]
    """
    return CONTRACTS.validate(frame, columns, rules, as_of)


def latest_answers(surveys: pd.DataFrame) -> pd.DataFrame:
    """Return what each customer answered last.

    Parameters
    ----------
    surveys : pandas.DataFrame
        Valid surveys (`split_valid_table`).

    Returns
    -------
    pandas.DataFrame
        customer_id and the scores of the latest survey, one row per customer in order of that
        survey's time; NaN where its question was left open. Of several at one time the one with
        the highest scores counts, so that the order of rows does not matter.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import latest_answers
    >>> surveys = pd.DataFrame({"customer_id": [1, 2, 1], "satisfaction": [2.0, 4.0, 5.0],
    ...     "timestamp": pd.to_datetime(["2026-01-05", "2026-02-01", "2026-03-09"])})
    >>> latest_answers(surveys)
       customer_id  satisfaction
    0            2           4.0
    1            1           5.0
    """
    scores = [name for name in surveys.columns if name not in ("customer_id", "timestamp")]
    ordered = surveys.sort_values(["timestamp", *scores], kind="stable")
    latest = ordered.drop_duplicates("customer_id", keep="last")
    return latest[["customer_id", *scores]].reset_index(drop=True)
