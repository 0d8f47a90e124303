"""Sift the contracts table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retainkit._core.frames import build_frame
from retainkit.tables._amounts import as_column, read_numbers
from retainkit.tables._columns import ContractColumns
from retainkit.tables._dates import read_times
from retainkit.tables._ids import read_ids
from retainkit.tables._labels import read_flags, read_labels
from retainkit.tables._ledger import Ledger
from retainkit.tables._read import none_if_clean
from retainkit.tables._rules import ContractRules
from retainkit.tables._sieve import Sieve
from retainkit.tables._source import Source, apply_duplicates, open_table, raise_if_rejected
from retainkit.tables._timeline import after_day, exclude_after
from retainkit.typing import AsOf, IntoFrame

_TABLE = "contracts"
_LABELS = ("plan", "end_reason", "currency")
_DAYS = ("cancel_requested", "billing_end", "past_due_since")
_NUMBERS = ("discount", "usage_amount", "term_months")
_FLAGS = ("paid", "paused", "discount_permanent")


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
    columns = columns or ContractColumns()
    rules = rules or ContractRules()
    source = open_table(frame, columns, rules)
    raw = source.roles
    sieve = Sieve(_TABLE, source.n)
    ids = read_ids(raw["customer_id"], rules, role="customer_id", table=_TABLE)
    sieve.reject_unreadable("customer_id", ids, values=raw["customer_id"])
    valid: dict[str, Any] = {"customer_id": ids.values}
    _read_span(sieve, source, rules, valid)
    amount = read_numbers(raw["amount"], rules, role="amount", table=_TABLE)
    sieve.reject_unreadable("amount", amount, values=raw["amount"])
    valid["amount"] = as_column(amount, raw["amount"])
    _read_optional(sieve, source, rules, valid)
    day = exclude_after(sieve, valid["start"], as_of, reason="starts_after_as_of")
    apply_duplicates(sieve, source, rules)
    negative = none_if_clean(amount.values < 0)
    policy = rules.negative_amounts
    sieve.apply(policy, "negative_amount", negative, rule="negative_amounts", values=raw["amount"])
    if day is not None:
        late = after_day(valid["end"], day)
        sieve.note("ends_after_as_of", late, policy="a known end stays", values=raw["end"])
    ledger = sieve.ledger(ids.values, amounts=amount.values, policy=f"negative_amounts={policy}")
    return build_frame(valid, sieve.keep), ledger


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
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per contract.
    columns : ContractColumns, optional
        Which column plays which role.
    rules : ContractRules, optional
        What happens to each kind of doubtful row. Rows left out by a policy are no error.
    as_of : str, date or datetime, optional
        Last observed calendar day, inclusive; contracts that start later are left out.

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
    valid, ledger = split_valid_contracts(frame, columns=columns, rules=rules, as_of=as_of)
    raise_if_rejected(_TABLE, ledger, "ContractColumns")
    return valid


def _read_span(sieve: Sieve, source: Source, rules: ContractRules, valid: dict[str, Any]) -> None:
    raw = source.roles
    for role in ("start", "end"):
        times = read_times(raw[role], rules, role=role, table=_TABLE)
        sieve.reject_unreadable(role, times, values=raw[role], optional=role == "end")
        valid[role] = times.values
    backwards = (valid["end"] < valid["start"]).to_numpy()
    sieve.take("rejected", "end_before_start", backwards, policy="start <= end", values=raw["end"])


def _read_optional(
    sieve: Sieve, source: Source, rules: ContractRules, valid: dict[str, Any]
) -> None:
    raw = source.roles
    for role in _LABELS:
        if role in raw:
            valid[role] = read_labels(raw[role], rules, role=role, table=_TABLE).values
    for role in filter(raw.__contains__, _DAYS):
        times = read_times(raw[role], rules, role=role, table=_TABLE)
        sieve.reject_unreadable(role, times, values=raw[role], optional=True)
        valid[role] = times.values
    for role in filter(raw.__contains__, _NUMBERS):
        numbers = read_numbers(raw[role], rules, role=role, table=_TABLE)
        sieve.reject_unreadable(role, numbers, values=raw[role], optional=True)
        valid[role] = as_column(numbers, raw[role])
    for role in filter(raw.__contains__, _FLAGS):
        _read_flag(role, sieve, raw[role], rules, valid)


def _read_flag(
    role: str, sieve: Sieve, raw: pd.Series[Any], rules: ContractRules, valid: dict[str, Any]
) -> None:
    yes, no = rules.yes_values, rules.no_values
    flags = read_flags(raw, rules, role=role, table=_TABLE, yes=yes, no=no)
    sieve.reject_unreadable(role, flags, values=raw, optional=True)
    missing = flags.problems.get("missing")
    values = pd.Series(flags.values, copy=False).astype("boolean")
    valid[role] = values if missing is None else values.mask(missing)
