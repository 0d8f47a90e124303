"""The six tables of a run: raw in, valid out, one ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from retainkit._pipeline._config import TableRules
from retainkit.contracts import Contracts, read_contracts
from retainkit.errors import SchemaError
from retainkit.tables import (
    ActivityColumns,
    ContractColumns,
    CustomerColumns,
    EventColumns,
    Ledger,
    SurveyColumns,
    TransactionColumns,
    align_customer_ids,
    split_valid_activities,
    split_valid_contracts,
    split_valid_customers,
    split_valid_events,
    split_valid_surveys,
    split_valid_transactions,
)
from retainkit.typing import IntoFrame


class ValidTables(NamedTuple):
    """Accepted rows of each table; None where none was given."""

    transactions: pd.DataFrame | None
    customers: pd.DataFrame | None
    contracts: Contracts | None
    """The contracts, read once for the whole run."""
    events: pd.DataFrame | None
    surveys: pd.DataFrame | None
    activities: pd.DataFrame | None
    ledger: Ledger
    from_contracts: bool = False
    """Whether the transactions are the charges of contracts, as there are no purchases."""


class TableColumns(NamedTuple):
    """Column names of each table; None is the default names."""

    transactions: TransactionColumns | None = None
    customers: CustomerColumns | None = None
    contracts: ContractColumns | None = None
    events: EventColumns | None = None
    surveys: SurveyColumns | None = None
    activities: ActivityColumns | None = None


_VERBS: dict[str, tuple[Callable[..., tuple[pd.DataFrame, Ledger]], bool]] = {
    "transactions": (split_valid_transactions, True),
    "customers": (split_valid_customers, False),
    "contracts": (split_valid_contracts, True),
    "events": (split_valid_events, True),
    "surveys": (split_valid_surveys, True),
    "activities": (split_valid_activities, True),
}


def sift_tables(
    frames: dict[str, IntoFrame | None],
    columns: TableColumns,
    rules: TableRules,
    as_of: date,
    announce: Callable[[str], None],
) -> ValidTables:
    """Sift every table that was given; the ledgers become one."""
    valid: dict[str, pd.DataFrame | None] = {}
    ledgers: list[Ledger] = []
    for name, (split, is_dated) in _VERBS.items():
        frame = frames.get(name)
        valid[name] = None
        if frame is None:
            continue
        announce(f"checking {name}")
        dated = {"as_of": as_of} if is_dated else {}
        valid[name], ledger = split(
            frame, columns=getattr(columns, name), rules=getattr(rules, name), **dated
        )
        ledgers.append(ledger)
    ledger = Ledger.combine(*ledgers)
    contracts = valid.pop("contracts")
    read = None if contracts is None else read_contracts(contracts)
    return ValidTables(**valid, contracts=read, ledger=ledger)  # type: ignore[arg-type]


def base_rows(tables: ValidTables) -> pd.DataFrame | Contracts:
    """Return the table a run starts from; without one accepted row say where they all went."""
    base = tables.contracts if tables.transactions is None else tables.transactions
    if base is None:
        raise SchemaError(
            "neither transactions nor contracts were given",
            rule="a run starts from purchases or, for a contract business, from contracts",
            where="run",
            fix="pass transactions=, or contracts=",
        )
    if len(base):
        return base
    what = "contract" if tables.transactions is None else "transaction"
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in tables.ledger.counts().items())
    raise SchemaError(
        f"no {what} was accepted ({reasons})",
        rule="a run needs at least one usable row up to as_of",
        where=f"{what}s",
        fix="check as_of, the column names and the rules (date_formats, decimal_mark)",
    )


def has_wallet(customers: pd.DataFrame | None, customer_id: pd.Index[Any]) -> bool:
    """Return whether the spending of any of these customers in the whole category is known."""
    if customers is None or "category_spending" not in customers.columns:
        return False
    known = customers[customers["category_spending"].notna()]
    return bool((align_customer_ids(known["customer_id"], customer_id) >= 0).any())
