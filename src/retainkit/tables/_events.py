"""Sift the events table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retainkit._core.frames import build_frame
from retainkit.tables._amounts import as_column, read_numbers
from retainkit.tables._columns import EventColumns
from retainkit.tables._dates import read_times
from retainkit.tables._ids import read_ids
from retainkit.tables._labels import read_labels, read_texts
from retainkit.tables._ledger import Ledger
from retainkit.tables._rules import EventRules
from retainkit.tables._sieve import Sieve
from retainkit.tables._source import Source, apply_duplicates, open_table, raise_if_rejected
from retainkit.tables._timeline import after_day, exclude_after
from retainkit.typing import AsOf, IntoFrame

_TABLE = "events"


def split_valid_events(
    frame: IntoFrame,
    *,
    columns: EventColumns | None = None,
    rules: EventRules | None = None,
    as_of: AsOf | None = None,
) -> tuple[pd.DataFrame, Ledger]:
    """Split events into usable ones and a ledger of all others.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per event.
    columns : EventColumns, optional
        Which column plays which role.
    rules : EventRules, optional
        What happens to each kind of doubtful row.
    as_of : str, date or datetime, optional
        Last observed calendar day, inclusive; later events are excluded. None keeps all.

    Returns
    -------
    valid : pandas.DataFrame
        Accepted rows in input order: `customer_id`, `timestamp` (naive), `kind` (categorical);
        where mapped `code` and `source` (categorical), `text`, `amount` float64 [money] (NaN
        where blank) and `resolved_at` (NaT while open; one after `as_of` was not yet known and
        becomes NaT, which is noted).
    ledger : Ledger
        Rows and amounts by reason; reconciles exactly with the input.

    Raises
    ------
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import EventRules, split_valid_events
    >>> frame = pd.DataFrame({"customer_id": [1, 1], "timestamp": ["2025-01-31", "2025-02-01"],
    ...                       "kind": ["complaint", "birthday"]})
    >>> rules = EventRules(kinds=("complaint", "cancellation"))
    >>> split_valid_events(frame, rules=rules)[1].counts()
    {'unknown_kind': 1}
    """
    columns = columns or EventColumns()
    rules = rules or EventRules()
    source = open_table(frame, columns, rules)
    raw = source.roles
    sieve = Sieve(_TABLE, source.n)
    ids = read_ids(raw["customer_id"], rules, role="customer_id", table=_TABLE)
    sieve.reject_unreadable("customer_id", ids, values=raw["customer_id"])
    valid: dict[str, Any] = {"customer_id": ids.values}
    times = read_times(raw["timestamp"], rules, role="timestamp", table=_TABLE)
    sieve.reject_unreadable("timestamp", times, values=raw["timestamp"])
    known = {name.lower(): name for name in rules.kinds} or None
    kinds = read_labels(raw["kind"], rules, role="kind", table=_TABLE, known=known)
    sieve.reject_unreadable("kind", kinds, values=raw["kind"])
    valid |= {"timestamp": times.values, "kind": kinds.values}
    _read_optional(sieve, source, rules, valid)
    day = exclude_after(sieve, times.values, as_of)
    apply_duplicates(sieve, source, rules)
    late = after_day(valid["resolved_at"], day) if day and "resolved_at" in valid else None
    if late is not None:
        policy = "not yet known on the last observed day"
        sieve.note("resolved_after_as_of", late, policy=policy, values=raw["resolved_at"])
        valid["resolved_at"] = valid["resolved_at"].mask(late)
    amounts = np.asarray(valid["amount"]) if "amount" in valid else None
    ledger = sieve.ledger(ids.values, amounts=amounts, policy="read by the rules")
    return build_frame(valid, sieve.keep), ledger


def validate_events(
    frame: IntoFrame,
    *,
    columns: EventColumns | None = None,
    rules: EventRules | None = None,
    as_of: AsOf | None = None,
) -> pd.DataFrame:
    """Return events in canonical form, or raise one error with every problem.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per event.
    columns : EventColumns, optional
        Which column plays which role.
    rules : EventRules, optional
        What happens to each kind of doubtful row. Rows left out by a policy are no error.
    as_of : str, date or datetime, optional
        Last observed calendar day, inclusive; later events are left out.

    Returns
    -------
    pandas.DataFrame
        The valid frame of `split_valid_events`.

    Raises
    ------
    InvalidTableError
        If any row is rejected; `.ledger` has the account.
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import validate_events
    >>> frame = pd.DataFrame({"customer_id": [1], "timestamp": ["2025-01-31"],
    ...                       "kind": [" complaint "]})
    >>> validate_events(frame)["kind"].tolist()
    ['complaint']
    """
    valid, ledger = split_valid_events(frame, columns=columns, rules=rules, as_of=as_of)
    raise_if_rejected(_TABLE, ledger, "EventColumns")
    return valid


def _read_optional(sieve: Sieve, source: Source, rules: EventRules, valid: dict[str, Any]) -> None:
    raw = source.roles
    for role in ("code", "source"):
        if role in raw:
            valid[role] = read_labels(raw[role], rules, role=role, table=_TABLE).values
    if "text" in raw:
        valid["text"] = read_texts(raw["text"], rules).values
    if "amount" in raw:
        amount = read_numbers(raw["amount"], rules, role="amount", table=_TABLE)
        sieve.reject_unreadable("amount", amount, values=raw["amount"], optional=True)
        valid["amount"] = as_column(amount, raw["amount"])
    if "resolved_at" in raw:
        values = raw["resolved_at"]
        resolved = read_times(values, rules, role="resolved_at", table=_TABLE)
        sieve.reject_unreadable("resolved_at", resolved, values=values, optional=True)
        early = (resolved.values < valid["timestamp"]).to_numpy()
        reason = "resolved_before_timestamp"
        sieve.take("rejected", reason, early, policy="timestamp <= resolved_at", values=values)
        valid["resolved_at"] = resolved.values
