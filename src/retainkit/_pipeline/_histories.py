"""Histories with contracts, and which history the tables of a run hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from retainkit._core.codes import number_ids
from retainkit._core.time import day_number
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._contract_models import fit_contract_terms
from retainkit._pipeline._history import (
    ContractRecord,
    History,
    Indexed,
    PurchaseHistory,
    Rows,
)
from retainkit._pipeline._models import (
    Models,
    fit_contract_models,
)
from retainkit._pipeline._remember import RememberedFits
from retainkit._pipeline._tables import ValidTables
from retainkit.churn import detect_contract_churn, list_contract_spells
from retainkit.contracts import Contracts, ContractState, list_charges, read_contract_state
from retainkit.errors import NotComputableError, SchemaError
from retainkit.forecast import (
    RenewalModel,
    ValueEstimator,
    fit_renewal_model,
)
from retainkit.lifetime import Covariates
from retainkit.metrics import index_contracts, index_purchases
from retainkit.tables import align_customer_ids
from retainkit.value import (
    CustomerSummary,
    summarize_customers,
)

_SAME_CHARGES = 0.5
"""Share of charges found among the transactions from which on they are taken to be the same."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FullHistory(PurchaseHistory):
    """Purchases and contracts: renewals decide for those under contract, purchases for the rest.

    Customers with a contract alone come last, with no purchase.
    """

    contracts: ContractRecord
    buyers: int

    def summarize(self) -> CustomerSummary:
        summary = summarize_customers(
            self.rows, as_of=self.as_of, unit=self.config.unit, collapse=self.config.collapse
        )
        named = replace(summary, customer_id=self.customer_id[: self.buyers])
        return named.with_others(self.customer_id[self.buyers :])

    def read_state(self) -> ContractState | None:
        return read_contract_state(
            self.contracts.table, as_of=self.as_of, convention=self.config.contracts
        )

    def learn(
        self,
        summary: CustomerSummary,
        announce: Callable[[str], None],
        estimator: ValueEstimator | None = None,
        covariates: Covariates | None = None,
        fits: RememberedFits | None = None,
    ) -> Models:
        models = PurchaseHistory.learn(self, summary, announce, estimator, covariates, fits)
        announce("forecasting renewals, and judging earlier forecasts")
        return models._replace(
            renewal=_learn_renewals(self.contracts, self.as_of, self.config),
            charges_apart=self._charges_are_apart(),
        )

    def _charges_are_apart(self) -> bool:
        """Return whether the charges of contracts are missing from the transactions.

        Charges are among them where at least half find a row of the same customer, month and
        amount.
        """
        charges = list_charges(self.contracts.table, as_of=self.as_of)
        if not len(charges):
            return True
        place = align_customer_ids(charges["customer_id"], self.customer_id)
        month = charges["timestamp"].to_numpy().astype("datetime64[M]").astype(np.int64)
        cents = np.rint(charges["amount"].to_numpy() * 100.0)
        due = pd.MultiIndex.from_arrays([place, month, cents])
        when = self.rows["timestamp"].to_numpy().astype("datetime64[M]").astype(np.int64)
        paid = np.rint(self.rows["amount"].to_numpy() * 100.0)
        rows = pd.MultiIndex.from_arrays([self.rows["customer_id"].to_numpy(), when, paid])
        return float(due.isin(rows).mean()) < _SAME_CHARGES

    def index(self) -> tuple[Indexed, ...]:
        buyers = self.customer_id[: self.buyers]
        bought = Indexed(index_purchases(self.rows, as_of=self.as_of), buyers)
        return bought, _index(self.contracts, self.as_of)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ContractHistory(Rows):
    """Contracts alone: their monthly charges are the rows, and who has left is seen."""

    contracts: ContractRecord

    contracts_alone: ClassVar[bool] = True
    _no_profit: ClassVar = "profit_of_contracts"
    _no_lines: ClassVar = "breadth_of_plans"

    def read_state(self) -> ContractState | None:
        state = read_contract_state(
            self.contracts.table, as_of=self.as_of, convention=self.config.contracts
        )
        return state.of(self.customer_id)

    def learn(
        self,
        summary: CustomerSummary,
        announce: Callable[[str], None],
        estimator: ValueEstimator | None = None,
        covariates: Covariates | None = None,
        fits: RememberedFits | None = None,  # noqa: ARG002 - contracts are fitted once
    ) -> Models:
        announce("learning how long contracts last")
        terms, notes = fit_contract_terms(
            self.contracts.table,
            self.contracts.spells,
            choice=self.config.contract_model,
            config=self.config.lifetime,
        )
        if estimator is not None:
            notes += ("your estimator is not used: contracts are forecast by how long they last",)
        if covariates is not None:
            notes += ("your covariates are not used: contracts are forecast by how long they last",)
        announce("forecasting renewals, and judging earlier forecasts")
        renewal = _learn_renewals(self.contracts, self.as_of, self.config)
        return fit_contract_models(summary, terms, self.config, renewal=renewal, notes=notes)

    def index(self) -> tuple[Indexed, ...]:
        return (_index(self.contracts, self.as_of),)


def _rows(tables: ValidTables) -> pd.DataFrame | Contracts:
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
    told = (e.says.en for e in tables.ledger.entries if e.says and e.table == f"{what}s")
    raise SchemaError(
        f"no {what} was accepted ({reasons})",
        rule="a run needs at least one usable row up to as_of",
        where=f"{what}s",
        fix="; ".join(told)
        or "check as_of, the column names and the rules (date_formats, decimal_mark)",
    )


def _read_contracts(
    table: Contracts | None, as_of: date, config: PipelineConfig
) -> ContractRecord | None:
    """Read who came and left from the contracts; None without any."""
    if table is None or not len(table):
        return None
    return ContractRecord(
        table,
        detect_contract_churn(table, as_of=as_of, config=config.contracts),
        list_contract_spells(table, as_of=as_of, config=config.contracts),
    )


def _learn_renewals(
    contracts: ContractRecord, as_of: date, config: PipelineConfig
) -> RenewalModel | None:
    """Learn who stays under contract; None where no contract has begun."""
    spells, recorded = contracts.spells, config.forecast.recorded_from
    end = np.where(spells.ended, spells.end_day, np.nan)
    try:
        return fit_renewal_model(
            spells.start_day,
            end,
            as_of_day=day_number(as_of),
            horizon_days=config.horizon_days,
            term_months=contracts.table.term_months[spells.last_contract],
            customer=spells.customer,
            recorded_from_day=None if recorded is None else day_number(recorded),
        )
    except NotComputableError:
        return None


def _index(contracts: ContractRecord, as_of: date) -> Indexed:
    base = index_contracts(contracts.table, as_of=as_of)
    return Indexed(base, base.customer_id)


def open_history(
    tables: ValidTables, as_of: date, config: PipelineConfig
) -> tuple[History, ValidTables]:
    """Return the history that the tables hold, and the tables without the rows it now keeps."""
    rows = _rows(tables)
    contracts = _read_contracts(tables.contracts, as_of, config)
    without_purchases = isinstance(rows, Contracts)
    if isinstance(rows, Contracts):
        rows = list_charges(rows, as_of=as_of)
    codes, customer_id = number_ids(rows["customer_id"])
    rows = rows.assign(customer_id=codes)
    tables = tables._replace(transactions=None)
    if contracts is None:
        purchases = PurchaseHistory(rows=rows, customer_id=customer_id, as_of=as_of, config=config)
        return purchases, tables
    shared: dict[str, Any] = {
        "rows": rows,
        "as_of": as_of,
        "config": config,
        "contracts": contracts,
    }
    if without_purchases:
        return ContractHistory(customer_id=customer_id, **shared), tables
    others = _others(contracts, customer_id, tables, config)
    everybody = customer_id.append(others).rename(customer_id.name)
    return FullHistory(customer_id=everybody, buyers=len(customer_id), **shared), tables


def _others(
    contracts: ContractRecord, buyers: pd.Index[Any], tables: ValidTables, config: PipelineConfig
) -> pd.Index[Any]:
    """Return who has a contract and never bought, where no behaviour is described beside it."""
    wallet = tables.customers is not None and "category_spending" in tables.customers.columns
    if wallet or config.behavior is not None:
        return buyers[:0]
    ids = contracts.table.customer_id
    return ids[align_customer_ids(ids, buyers) < 0]
