"""The contracts table: who pays how much from when to when."""

from __future__ import annotations

import pandas as pd

from retainkit.tables._columns import ContractColumns
from retainkit.tables._ledger import Ledger
from retainkit.tables._rules import ContractRules
from retainkit.tables._spec import Check, Observed, Pass, Role, TableSpec, not_negative, repeats
from retainkit.tables._timeline import after_day
from retainkit.typing import AsOf, IntoFrame


def split_valid_contracts(
    frame: IntoFrame,
    *,
    columns: ContractColumns | None = None,
    rules: ContractRules | None = None,
    as_of: AsOf | None = None,
) -> tuple[pd.DataFrame, Ledger]:
    """Split contracts into usable ones and a ledger of all others.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per contract.
    columns : ContractColumns, optional
        Which column plays which role.
    rules : ContractRules, optional
        What happens to each kind of doubtful row.
    as_of : str, date or datetime, optional
        Last observed calendar day, inclusive; contracts that start later are excluded.
        None keeps all.

    Returns
    -------
    valid : pandas.DataFrame
        Accepted rows in input order: `customer_id`, `start` and `end` (naive datetimes; end NaT
        while the contract runs; a known end after `as_of` stays and is noted), `amount` float64
        [money per period]; where mapped the other columns of `ContractColumns`: texts as
        categories, days as naive datetimes, numbers as float64, truth values as nullable booleans;
        blank cells stay undefined.
    ledger : Ledger
        Rows and prices by reason; reconciles exactly with the input.

    Raises
    ------
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import split_valid_contracts
    >>> frame = pd.DataFrame({"customer_id": [1, 2], "start": ["2025-01-01", "2025-03-01"],
    ...                       "end": ["", "2025-02-01"], "amount": [39, 39]})
    >>> valid, ledger = split_valid_contracts(frame, as_of="2025-06-30")
    >>> valid
       customer_id      start end  amount
    0            1 2025-01-01 NaT    39.0
    >>> ledger.counts()
    {'end_before_start': 1}
    """
    return CONTRACTS.split(frame, columns, rules, as_of)


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
        As in `split_valid_contracts`; rows left out by a policy are no error.

    Returns
    -------
    pandas.DataFrame
        The valid frame of `split_valid_contracts`.

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
