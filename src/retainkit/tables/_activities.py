"""The activities table: what was done for whom, how often."""

from __future__ import annotations

import pandas as pd

from retainkit.tables._columns import ActivityColumns
from retainkit.tables._ledger import Ledger
from retainkit.tables._rules import ActivityRules
from retainkit.tables._spec import Observed, Role, TableSpec, not_negative, repeats
from retainkit.typing import AsOf, IntoFrame


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
    return ACTIVITIES.split(frame, columns, rules, as_of)


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
    frame, columns, rules, as_of
        As in `split_valid_activities`; rows left out by a policy are no error.

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
    return ACTIVITIES.validate(frame, columns, rules, as_of)


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
