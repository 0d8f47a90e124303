"""The events table: complaints, payment failures, cancellations."""

from __future__ import annotations

import pandas as pd

from retainkit.tables._columns import EventColumns
from retainkit.tables._ledger import Ledger
from retainkit.tables._rules import EventRules
from retainkit.tables._spec import Check, Observed, Pass, Role, TableSpec, repeats
from retainkit.tables._timeline import after_day
from retainkit.typing import AsOf, IntoFrame


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
    return EVENTS.split(frame, columns, rules, as_of)


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
    frame, columns, rules, as_of
        As in `split_valid_events`; rows left out by a policy are no error.

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
    return EVENTS.validate(frame, columns, rules, as_of)


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
