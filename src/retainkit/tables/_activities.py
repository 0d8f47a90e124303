"""Sift the activities table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retainkit._core.frames import build_frame
from retainkit.tables._amounts import as_column, read_numbers
from retainkit.tables._columns import ActivityColumns
from retainkit.tables._dates import read_times
from retainkit.tables._ids import read_ids
from retainkit.tables._labels import read_labels
from retainkit.tables._ledger import Ledger
from retainkit.tables._read import none_if_clean
from retainkit.tables._rules import ActivityRules
from retainkit.tables._sieve import Sieve
from retainkit.tables._source import apply_duplicates, open_table, raise_if_rejected
from retainkit.tables._timeline import exclude_after
from retainkit.typing import AsOf, IntoFrame

_TABLE = "activities"


def split_valid_activities(
    frame: IntoFrame,
    *,
    columns: ActivityColumns | None = None,
    rules: ActivityRules | None = None,
    as_of: AsOf | None = None,
) -> tuple[pd.DataFrame, Ledger]:
    """Split activity records into usable ones and a ledger of all others.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per activity.
    columns : ActivityColumns, optional
        Which column plays which role.
    rules : ActivityRules, optional
        What happens to each kind of doubtful row.
    as_of : str, date or datetime, optional
        Last observed calendar day, inclusive; later records are excluded. None keeps all.

    Returns
    -------
    valid : pandas.DataFrame
        Accepted rows in input order: `customer_id`, `activity` (categorical), `quantity`
        float64; where mapped `timestamp` (naive) and `channel` (categorical, NA where blank).
    ledger : Ledger
        Rows by reason; reconciles exactly with the input.

    Raises
    ------
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import split_valid_activities
    >>> frame = pd.DataFrame({"customer_id": [1, 2], "activity": ["visit", "call"],
    ...                       "quantity": [2, -1]})
    >>> split_valid_activities(frame)[1].counts()
    {'negative_quantity': 1}
    """
    columns = columns or ActivityColumns()
    rules = rules or ActivityRules()
    source = open_table(frame, columns, rules)
    raw = source.roles
    sieve = Sieve(_TABLE, source.n)
    ids = read_ids(raw["customer_id"], rules, role="customer_id", table=_TABLE)
    sieve.reject_unreadable("customer_id", ids, values=raw["customer_id"])
    valid: dict[str, Any] = {"customer_id": ids.values}
    names = read_labels(raw["activity"], rules, role="activity", table=_TABLE)
    sieve.reject_unreadable("activity", names, values=raw["activity"])
    quantity = read_numbers(raw["quantity"], rules, role="quantity", table=_TABLE)
    sieve.reject_unreadable("quantity", quantity, values=raw["quantity"])
    valid |= {"activity": names.values, "quantity": as_column(quantity, raw["quantity"])}
    if "timestamp" in raw:
        times = read_times(raw["timestamp"], rules, role="timestamp", table=_TABLE)
        sieve.reject_unreadable("timestamp", times, values=raw["timestamp"])
        valid["timestamp"] = times.values
        exclude_after(sieve, times.values, as_of)
    if "channel" in raw:
        valid["channel"] = read_labels(raw["channel"], rules, role="channel", table=_TABLE).values
    apply_duplicates(sieve, source, rules)
    negative = none_if_clean(quantity.values < 0)
    policy, values = rules.negative_quantities, raw["quantity"]
    sieve.apply(policy, "negative_quantity", negative, rule="negative_quantities", values=values)
    ledger = sieve.ledger(ids.values, policy=f"negative_quantities={policy}")
    return build_frame(valid, sieve.keep), ledger


def validate_activities(
    frame: IntoFrame,
    *,
    columns: ActivityColumns | None = None,
    rules: ActivityRules | None = None,
    as_of: AsOf | None = None,
) -> pd.DataFrame:
    """Return activity records in canonical form, or raise one error with every problem.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per activity.
    columns : ActivityColumns, optional
        Which column plays which role.
    rules : ActivityRules, optional
        What happens to each kind of doubtful row. Rows left out by a policy are no error.
    as_of : str, date or datetime, optional
        Last observed calendar day, inclusive; later records are left out.

    Returns
    -------
    pandas.DataFrame
        The valid frame of `split_valid_activities`.

    Raises
    ------
    InvalidTableError
        If any row is rejected; `.ledger` has the account.
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import validate_activities
    >>> frame = pd.DataFrame({"customer_id": [1], "activity": ["visit"], "quantity": ["1.5"]})
    >>> validate_activities(frame)["quantity"].tolist()
    [1.5]
    """
    valid, ledger = split_valid_activities(frame, columns=columns, rules=rules, as_of=as_of)
    raise_if_rejected(_TABLE, ledger, "ActivityColumns")
    return valid
