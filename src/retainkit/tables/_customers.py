"""The customers table, declared as steps: one row per customer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import SchemaError
from retainkit.tables._amounts import read_numbers
from retainkit.tables._columns import CustomerColumns
from retainkit.tables._ids import align_values
from retainkit.tables._read import Reading, read_flags, read_labels
from retainkit.tables._rules import CustomerRules
from retainkit.tables._spec import Pass, Role, Step, TableSpec, not_negative
from retainkit.typing import BoolArray

_CONTACTS = ("all", "service_only", "none")
_STANDINGS = ("good", "watch", "overdue", "default", "fraud")
PROTECTED_PREFIX = "protected_"
COVARIATE_PREFIX = "covariate_"


def protected_attributes(customers: pd.DataFrame, *, to: pd.Index[Any]) -> dict[str, Any]:
    """Return the protected attributes of customers: for audits alone, never for a score.

    Parameters
    ----------
    customers : pandas.DataFrame
        Valid customers (`split_valid_table`).
    to : pandas.Index of shape (n,)
        Customers asked for.

    Returns
    -------
    dict of str to pandas.Series
        One series of n values per attribute, in the order of `to`; missing where not known.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import CustomerColumns, protected_attributes, validate_table
    >>> given = pd.DataFrame({"customer_id": [1, 2], "age_band": ["18-30", "60+"]})
    >>> customers = validate_table(
    ...     given, CustomerColumns(protected_attributes=("age_band",)))
    >>> protected_attributes(customers, to=pd.Index([2, 3]))["age_band"].fillna("").tolist()
    ['60+', '']
    """
    names = [name for name in map(str, customers.columns) if name.startswith(PROTECTED_PREFIX)]
    known = pd.Index(customers["customer_id"])
    return {
        name.removeprefix(PROTECTED_PREFIX): pd.Series(
            align_values(customers[name].astype(object), known, to=to, missing=None)
        )
        for name in names
    }


def _choice(role: str, categories: tuple[str, ...], *, ordered: bool = False) -> Step:
    """Return the step that reads one of few declared values."""
    column = Role(role, "label", known=_known[role])

    def read(work: Pass) -> None:
        if role not in work.raw:
            return
        raw = work.raw[role]
        labels = column.read(raw, work)
        policy, unknown = work.rules.unknown_values, labels.problems["unknown"]
        work.sieve.apply(policy, f"unknown_{role}", unknown, rule="unknown_values", values=raw)
        dtype = pd.CategoricalDtype(list(categories), ordered=ordered)
        work.valid[role] = labels.values.astype(dtype)

    return read


def _kinds(rules: CustomerRules) -> dict[str, str]:
    people = dict.fromkeys(rules.person_values, "person")
    return people | dict.fromkeys(rules.business_values, "business")


def _standings(_: CustomerRules) -> dict[str, str]:
    return {name: name for name in _STANDINGS}


def _contacts(_: CustomerRules) -> dict[str, str]:
    return {name: name for name in _CONTACTS}


_known = {"kind": _kinds, "credit_standing": _standings, "contact": _contacts}


def _read_groups(work: Pass) -> None:
    rules, groups, table = work.rules, work.source.groups, work.table
    yes, no = rules.yes_values, rules.no_values
    for name, raw in groups["strategic_flags"].items():
        flags = read_flags(raw, rules, role=name, table=table, yes=yes, no=no)
        work.sieve.reject_unreadable(name, flags, values=raw, optional=True)
        missing, policy = flags.problems.get("missing"), "a blank flag counts as no"
        work.sieve.note(f"missing_{name}", missing, policy=policy, values=raw)
        _add(work.valid, name, flags.values)
    for name, raw in groups["traits"].items():
        _add(work.valid, name, read_labels(raw, rules, role=name, table=table).values)
    for name, raw in groups["protected_attributes"].items():
        kept_apart = PROTECTED_PREFIX + name.removeprefix(PROTECTED_PREFIX)
        _add(work.valid, kept_apart, read_labels(raw, rules, role=name, table=table).values)
    for name, raw in groups["covariates"].items():
        if name in groups["protected_attributes"]:
            raise SchemaError(
                f"{name!r} is named as a covariate and as a protected attribute",
                rule="no score and no decision may depend on a protected attribute",
                where="customers, CustomerColumns.covariates",
                fix="leave it out of one of them",
            )
        numbers = _read_covariate(raw, rules, name)
        work.sieve.reject_unreadable(name, numbers, values=raw, optional=True)
        _add(work.valid, COVARIATE_PREFIX + name, numbers.values)


def _read_covariate(raw: pd.Series[Any], rules: CustomerRules, name: str) -> Reading:
    """Return numbers; a column of yes and no alone as 1 and 0."""
    if raw.dtype.kind in "iuf":
        return read_numbers(raw, rules, role=name, table="customers")
    yes, no = rules.yes_values, rules.no_values
    flags = read_flags(raw, rules, role=name, table="customers", yes=yes, no=no)
    if raw.dtype != np.bool_ and flags.problems.get("unparsable") is not None:
        return read_numbers(raw, rules, role=name, table="customers")
    values, missing = np.asarray(flags.values, dtype=np.float64), flags.problems.get("missing")
    return Reading(values if missing is None else np.where(missing, np.nan, values), flags.problems)


def _add(valid: dict[str, Any], name: str, values: Any) -> None:
    if name in valid:
        raise SchemaError(
            f"two columns of the valid frame would be named {name!r}",
            rule="each column plays one role",
            where="customers, CustomerColumns",
            fix="rename the flag, trait or protected attribute in the table",
        )
    valid[name] = values


def _apply_repeats(work: Pass) -> None:
    """Leave out exact repetitions, then treat customers described in two ways."""
    sieve, valid, rules = work.sieve, work.valid, work.rules
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


CUSTOMERS = TableSpec(
    columns=CustomerColumns,
    rules=CustomerRules,
    policy=lambda rules: f"repeated_customers={rules.repeated_customers}",
    groups=("strategic_flags", "traits", "protected_attributes", "covariates"),
    steps=(
        Role("customer_id", "id", filled=True),
        _choice("kind", ("person", "business")),
        _choice("credit_standing", _STANDINGS, ordered=True),
        Role("overdue_amount", "number", unit="money"),
        not_negative("overdue_amount"),
        Role("days_overdue", "number", unit="day"),
        not_negative("days_overdue"),
        _choice("contact", _CONTACTS, ordered=True),
        Role("category_spending", "number", unit="money"),
        not_negative("category_spending"),
        _read_groups,
        _apply_repeats,
    ),
)
