"""Sift the customers table: one row per customer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retainkit._core.frames import build_frame
from retainkit.errors import SchemaError
from retainkit.tables._amounts import as_column, read_numbers
from retainkit.tables._columns import CustomerColumns
from retainkit.tables._ids import align_values, read_ids
from retainkit.tables._labels import read_flags, read_labels
from retainkit.tables._ledger import Ledger
from retainkit.tables._read import none_if_clean
from retainkit.tables._rules import CustomerRules
from retainkit.tables._sieve import Sieve
from retainkit.tables._source import Source, open_table, raise_if_rejected
from retainkit.typing import BoolArray, IntoFrame

_TABLE = "customers"
_GROUPS = ("strategic_flags", "traits", "protected_attributes")
_STANDINGS = ("good", "watch", "overdue", "default", "fraud")
_NUMBERS = ("overdue_amount", "days_overdue", "category_spending")
PROTECTED_PREFIX = "protected_"


def split_valid_customers(
    frame: IntoFrame,
    *,
    columns: CustomerColumns | None = None,
    rules: CustomerRules | None = None,
) -> tuple[pd.DataFrame, Ledger]:
    """Split customer records into usable ones, one per customer, and a ledger of all others.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per customer.
    columns : CustomerColumns, optional
        Which column plays which role.
    rules : CustomerRules, optional
        What happens to each kind of doubtful row.

    Returns
    -------
    valid : pandas.DataFrame
        Accepted rows in input order, ids unique: `customer_id` and, where mapped, `kind`
        (categorical: person, business, or NA), `credit_standing` (ordered categorical from good
        to fraud, or NA), `overdue_amount` [money], `days_overdue` [day], `category_spending`
        [money] (float64, NaN where blank), strategic flags under their own names (bool; blank
        counts as False and is noted), traits under their own names (categorical), and protected
        attributes as `protected_<name>` (categorical), which no decision may read.
    ledger : Ledger
        Rows by reason; reconciles with the input. It carries no amounts.

    Raises
    ------
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import CustomerColumns, split_valid_customers
    >>> frame = pd.DataFrame({"customer_id": [1, 2, 2], "kind": ["Company", "person", "person"],
    ...                       "public_sector": ["yes", None, None]})
    >>> valid, ledger = split_valid_customers(
    ...     frame, columns=CustomerColumns(strategic_flags=("public_sector",)))
    >>> valid
       customer_id      kind  public_sector
    0            1  business           True
    1            2    person          False
    >>> ledger.counts()
    {'duplicate': 1}
    """
    columns = columns or CustomerColumns()
    rules = rules or CustomerRules()
    source = open_table(frame, columns, rules, groups=_GROUPS)
    sieve = Sieve(_TABLE, source.n)
    raw = source.roles["customer_id"]
    ids = read_ids(raw, rules, role="customer_id", table=_TABLE)
    sieve.reject_unreadable("customer_id", ids, values=raw)
    valid: dict[str, Any] = {"customer_id": ids.values}
    _read_facts(sieve, source, rules, valid)
    _read_groups(sieve, source, rules, valid)
    _apply_repeats(sieve, valid, rules)
    ledger = sieve.ledger(ids.values, policy=f"repeated_customers={rules.repeated_customers}")
    return build_frame(valid, sieve.keep), ledger


def validate_customers(
    frame: IntoFrame,
    *,
    columns: CustomerColumns | None = None,
    rules: CustomerRules | None = None,
) -> pd.DataFrame:
    """Return the customer records in canonical form, or raise one error with every problem.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table
        One row per customer.
    columns : CustomerColumns, optional
        Which column plays which role.
    rules : CustomerRules, optional
        What happens to each kind of doubtful row.

    Returns
    -------
    pandas.DataFrame
        The valid frame of `split_valid_customers`.

    Raises
    ------
    InvalidTableError
        If any row is rejected; `.ledger` has the account.
    SchemaError
        If a column is missing, a column has an unreadable type, or there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import validate_customers
    >>> validate_customers(pd.DataFrame({"customer_id": ["17850.0", "0017850"]}))
      customer_id
    0       17850
    1     0017850
    """
    valid, ledger = split_valid_customers(frame, columns=columns, rules=rules)
    raise_if_rejected(_TABLE, ledger, "CustomerColumns")
    return valid


def protected_attributes(customers: pd.DataFrame, *, to: pd.Index[Any]) -> dict[str, Any]:
    """Return the protected attributes of customers: for audits alone, never for a score.

    Parameters
    ----------
    customers : pandas.DataFrame
        Valid customers (`split_valid_customers`).
    to : pandas.Index of shape (n,)
        Customers asked for.

    Returns
    -------
    dict of str to pandas.Series
        One series of n values per attribute, in the order of `to`; None where not known.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import CustomerColumns, protected_attributes, validate_customers
    >>> given = pd.DataFrame({"customer_id": [1, 2], "age_band": ["18-30", "60+"]})
    >>> customers = validate_customers(
    ...     given, columns=CustomerColumns(protected_attributes=("age_band",)))
    >>> protected_attributes(customers, to=pd.Index([2, 3]))["age_band"].tolist()
    ['60+', None]
    """
    names = [name for name in map(str, customers.columns) if name.startswith(PROTECTED_PREFIX)]
    known = pd.Index(customers["customer_id"])
    return {
        name.removeprefix(PROTECTED_PREFIX): pd.Series(
            align_values(customers[name].astype(object), known, to=to, missing=None)
        )
        for name in names
    }


def _read_facts(sieve: Sieve, source: Source, rules: CustomerRules, valid: dict[str, Any]) -> None:
    kinds = dict.fromkeys(rules.person_values, "person")
    kinds |= dict.fromkeys(rules.business_values, "business")
    known = {"kind": kinds, "credit_standing": {name: name for name in _STANDINGS}}
    order = {"kind": ("person", "business"), "credit_standing": _STANDINGS}
    for role, raw in source.roles.items():
        if role in known:
            labels = read_labels(raw, rules, role=role, table=_TABLE, known=known[role])
            unknown = labels.problems["unknown"]
            sieve.apply(
                rules.unknown_values, f"unknown_{role}", unknown, rule="unknown_values", values=raw
            )
            ordered = pd.CategoricalDtype(list(order[role]), ordered=role == "credit_standing")
            valid[role] = labels.values.astype(ordered)
        elif role in _NUMBERS:
            numbers = read_numbers(raw, rules, role=role, table=_TABLE)
            sieve.reject_unreadable(role, numbers, values=raw, optional=True)
            negative = none_if_clean(numbers.values < 0)
            sieve.take("rejected", f"negative_{role}", negative, policy=f"{role} >= 0", values=raw)
            valid[role] = as_column(numbers, raw)


def _read_groups(sieve: Sieve, source: Source, rules: CustomerRules, valid: dict[str, Any]) -> None:
    yes, no = rules.yes_values, rules.no_values
    for name, raw in source.groups["strategic_flags"].items():
        flags = read_flags(raw, rules, role=name, table=_TABLE, yes=yes, no=no)
        sieve.reject_unreadable(name, flags, values=raw, optional=True)
        missing = flags.problems.get("missing")
        sieve.note(f"missing_{name}", missing, policy="a blank flag counts as no", values=raw)
        _add(valid, name, flags.values)
    for name, raw in source.groups["traits"].items():
        _add(valid, name, read_labels(raw, rules, role=name, table=_TABLE).values)
    for name, raw in source.groups["protected_attributes"].items():
        kept_apart = PROTECTED_PREFIX + name.removeprefix(PROTECTED_PREFIX)
        _add(valid, kept_apart, read_labels(raw, rules, role=name, table=_TABLE).values)


def _add(valid: dict[str, Any], name: str, values: Any) -> None:
    if name in valid:
        raise SchemaError(
            f"two columns of the valid frame would be named {name!r}",
            rule="each column plays one role",
            where=f"{_TABLE}, CustomerColumns",
            fix="rename the flag, trait or protected attribute in the table",
        )
    valid[name] = values


def _apply_repeats(sieve: Sieve, valid: dict[str, Any], rules: CustomerRules) -> None:
    """Leave out exact repetitions, then treat customers described in two ways."""
    raw = pd.DataFrame({name: pd.Series(v, copy=False) for name, v in valid.items()}, copy=False)
    open_rows = np.arange(len(raw)) if sieve.keep is None else np.flatnonzero(sieve.keep)
    ids = raw["customer_id"].iloc[open_rows]
    if not ids.duplicated().any():
        return
    repeated = _mask(len(raw), open_rows[raw.iloc[open_rows].duplicated().to_numpy()])
    values = valid["customer_id"]
    sieve.take("excluded", "duplicate", repeated, policy="one row per customer", values=values)
    open_rows = open_rows[~repeated[open_rows]]
    first = rules.repeated_customers
    keep: Any = False if first == "reject" else first
    clash = raw["customer_id"].iloc[open_rows].duplicated(keep=keep).to_numpy()
    kind: Any = "rejected" if first == "reject" else "excluded"
    sieve.take(
        kind,
        "conflicting_customer",
        _mask(len(raw), open_rows[clash]),
        policy=f"repeated_customers={first}",
        values=values,
    )


def _mask(n: int, rows: Any) -> BoolArray:
    mask = np.zeros(n, dtype=bool)
    mask[rows] = True
    return mask
