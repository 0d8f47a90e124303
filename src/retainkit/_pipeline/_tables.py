"""The six tables of a run: raw in, valid out, one ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

import pandas as pd

from retainkit._pipeline._config import TableRules
from retainkit.contracts import Contracts, read_contracts
from retainkit.tables import (
    ActivityColumns,
    ContractColumns,
    CustomerColumns,
    EventColumns,
    Ledger,
    SurveyColumns,
    TransactionColumns,
    split_valid_table,
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


class TableColumns(NamedTuple):
    """Column names of each table; None is the default names."""

    transactions: TransactionColumns | None = None
    customers: CustomerColumns | None = None
    contracts: ContractColumns | None = None
    events: EventColumns | None = None
    surveys: SurveyColumns | None = None
    activities: ActivityColumns | None = None


_COLUMNS = {
    "transactions": TransactionColumns,
    "customers": CustomerColumns,
    "contracts": ContractColumns,
    "events": EventColumns,
    "surveys": SurveyColumns,
    "activities": ActivityColumns,
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
    for name, default in _COLUMNS.items():
        frame = frames.get(name)
        valid[name] = None
        if frame is None:
            continue
        announce(f"checking {name}")
        named = getattr(columns, name) or default()
        valid[name], ledger = split_valid_table(
            frame, named, rules=getattr(rules, name), as_of=as_of
        )
        ledgers.append(ledger)
    ledger = Ledger.combine(*ledgers)
    contracts = valid.pop("contracts")
    read = None if contracts is None else read_contracts(contracts)
    return ValidTables(**valid, contracts=read, ledger=ledger)
