"""Open a table: resolve its columns, read only those, find repeats and what is too late."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from retainkit._core.frames import column_names, read_columns
from retainkit._core.time import parse_as_of
from retainkit.errors import InvalidTableError, InvalidTransactionsError, SchemaError
from retainkit.tables._columns import TableColumns
from retainkit.tables._ledger import Ledger
from retainkit.tables._rules import RowRules, TableRules
from retainkit.tables._sieve import Sieve
from retainkit.typing import AsOf, BoolArray, IntoFrame


class Source(NamedTuple):
    """The columns of one table by role, as they came."""

    table: str
    roles: dict[str, pd.Series[Any]]
    groups: dict[str, dict[str, pd.Series[Any]]]
    repeated: BoolArray | None
    """Rows equal to an earlier row; None = not searched for."""

    @property
    def n(self) -> int:
        """Number of input rows."""
        return len(self.roles["customer_id"])


def open_table(
    frame: IntoFrame, columns: TableColumns, rules: TableRules, *, groups: tuple[str, ...] = ()
) -> Source:
    """Read the mapped columns of `frame` (a lazy one is collected once, nothing else is read)."""
    available = column_names(frame, table=columns.table)
    roles = columns.resolve(available)
    grouped = {group: columns.resolve_group(group, available) for group in groups}
    compared = _compared(rules, available, columns)
    wanted = [*roles.values(), *(name for names in grouped.values() for name in names), *compared]
    read = read_columns(frame, list(dict.fromkeys(wanted)), table=columns.table)
    source = Source(
        table=columns.table,
        roles={role: read[name] for role, name in roles.items()},
        groups={group: {name: read[name] for name in names} for group, names in grouped.items()},
        repeated=_repeated([read[name] for name in compared], columns.table) if compared else None,
    )
    if source.n == 0:
        raise SchemaError(
            f"{columns.table} has no rows",
            rule="a table has at least one row",
            where=columns.table,
            fix="check the file or the query that made it; its columns are "
            + ", ".join(map(repr, available[:8])),
        )
    return source


def _compared(
    rules: TableRules, available: tuple[str, ...], columns: TableColumns
) -> tuple[str, ...]:
    if not isinstance(rules, RowRules) or not rules.looks_for_duplicates:
        return ()
    if rules.duplicate_columns is None:
        return available
    for name in rules.duplicate_columns:
        if name not in available:
            raise SchemaError(
                f"no column {name!r} in {columns.table}",
                rule="duplicate_columns are columns of the table",
                where=f"{type(rules).__name__}.duplicate_columns",
                fix="use some of " + ", ".join(map(repr, available[:8])),
            )
    return rules.duplicate_columns


def _repeated(columns: list[pd.Series[Any]], table: str) -> BoolArray:
    frame = pd.DataFrame(dict(enumerate(columns)), copy=False)
    try:
        return frame.duplicated(keep="first").to_numpy()
    except TypeError as problem:
        raise SchemaError(
            f"rows of {table} cannot be compared: {problem}",
            rule="a cell is one text, number or date",
            where=table,
            fix="name the columns to compare in duplicate_columns",
        ) from None


def apply_duplicates(sieve: Sieve, source: Source, rules: RowRules) -> None:
    """Treat repeated rows by the declared policy."""
    values = source.roles["customer_id"]
    sieve.apply(rules.duplicates, "duplicate", source.repeated, rule="duplicates", values=values)


def raise_if_rejected(table: str, ledger: Ledger, columns: str) -> None:
    """Raise the collected problems once; rows left out by policy are no problem."""
    broken = [entry for entry in ledger.entries if entry.kind == "rejected" and entry.rows]
    if not broken:
        return
    total = sum(entry.rows for entry in broken)
    n = next(entry.rows for entry in ledger.entries if entry.kind == "input")
    listed = "; ".join(f"{e.reason}: {e.rows:,} ({', '.join(e.examples)})" for e in broken)
    kind = InvalidTransactionsError if table == "transactions" else InvalidTableError
    error = kind(
        f"{total:,} of {n:,} rows of {table} break a rule: {listed}",
        rule="every row is readable, or a declared policy says what happens to it",
        where=f"{table}; every row is in .ledger.rows()",
        fix=f"split_valid_table returns the good rows with the ledger; or declare a policy in "
        f"{columns.replace('Columns', 'Rules')}",
    )
    error.ledger = ledger
    raise error


def after_day(times: pd.Series[Any], day: date) -> BoolArray | None:
    """Return which times lie after the end of `day`; None when none does."""
    values = times.to_numpy()
    if values.dtype.kind != "M" or not len(values):
        return None
    if values.dtype == "datetime64[ns]" and day >= pd.Timestamp.max.date():
        return None  # no nanosecond timestamp can be later
    midnight = np.datetime64(day, "D") + np.timedelta64(1, "D")
    late: BoolArray = values >= midnight.astype(values.dtype)
    return late if late.any() else None


def exclude_after(
    sieve: Sieve, times: pd.Series[Any], as_of: AsOf | None, *, reason: str = "after_as_of"
) -> date | None:
    """Leave out what lies after `as_of`; without `as_of` nothing is."""
    if as_of is None:
        return None
    day = parse_as_of(as_of)
    late = after_day(times, day)
    sieve.take("excluded", reason, late, policy=f"as_of={day.isoformat()}", values=times)
    return day
