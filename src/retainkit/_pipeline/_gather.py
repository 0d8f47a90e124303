"""gather_facts: what is known of customers beside the summary of their history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from retainkit._pipeline._circumstances import (
    days_to_renewal,
    read_contact,
    read_open_complaints,
)
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._covariates import read_covariates
from retainkit._pipeline._facts import CustomerFacts, read_customer_facts, read_records
from retainkit._pipeline._history import History
from retainkit.churn import CodeBook, StateFacts
from retainkit.contracts import ContractState
from retainkit.contracts._spells import NO_DAY
from retainkit.tables import align_customer_ids
from retainkit.tiers import PaymentTable
from retainkit.typing import FloatArray
from retainkit.value import CustomerSummary, measure_wallet


def gather_facts(
    history: History,
    summary: CustomerSummary,
    customers: pd.DataFrame | None,
    *,
    payments: PaymentTable | None,
    strategic_flags: tuple[str, ...],
    config: PipelineConfig,
    events: pd.DataFrame | None = None,
) -> CustomerFacts:
    """Put together what is known of the customers beside the summary.

    Behaviour is described where it is asked for, or needed for the share of wallet.
    """
    facts = CustomerFacts(customer_id=summary.customer_id)
    if customers is not None or payments is not None:
        facts = read_customer_facts(
            customers,
            customer_id=summary.customer_id,
            strategic_flags=strategic_flags,
            payments=payments,
            config=config.standing,
        )
    wallets = _with_wallet(customers, summary.customer_id)
    behavior = wallet = None
    if config.behavior is not None or wallets is not None:
        behavior = history.describe_behavior()
    if behavior is not None and wallets is not None:
        wallet = measure_wallet(behavior, wallets, age_days=summary.with_unit("day").age)
    state = history.read_state()
    alone = state is not None and history.contracts_alone
    return replace(
        facts,
        behavior=behavior,
        wallet=wallet,
        loss_reason=history.explain_losses(summary),
        contracts=state if alone else None,
        contracts_beside=None if alone else state,
        on_record=_gather_records(history, summary, events, state, config.code_books),
        covariates=read_covariates(customers, summary.customer_id),
        contact=read_contact(customers, events, summary.customer_id),
        complaint_since=None
        if events is None
        else read_open_complaints(events, summary.customer_id),
        channel=history.read_channel(),
        days_to_renewal=None if state is None else _renewals(state, summary.customer_id),
    )


def _renewals(state: ContractState, customer_id: pd.Index[Any]) -> FloatArray:
    """Return the days to the renewal of each customer's contract; NaN without one."""
    place = np.asarray(align_customer_ids(customer_id, state.customer_id))
    return np.append(days_to_renewal(state), np.nan)[place]


def _gather_records(
    history: History,
    summary: CustomerSummary,
    events: pd.DataFrame | None,
    state: ContractState | None,
    code_books: tuple[CodeBook, ...],
) -> StateFacts | None:
    """Return what events and, beside purchases, contracts say of each customer's state."""
    recorded = None if events is None else read_records(events, summary, code_books)
    if state is None or history.contracts_alone:
        return recorded
    place = np.asarray(align_customer_ids(summary.customer_id, state.customer_id))
    return (recorded or StateFacts())._replace(
        contract_status=np.append(state.status, np.int8(-1))[place],
        contract_ended_on=np.append(state.ended_on, np.int32(NO_DAY))[place],
        contract_paid_through=np.append(state.paid_through, np.int32(NO_DAY))[place],
    )


def _with_wallet(customers: pd.DataFrame | None, customer_id: pd.Index[Any]) -> pd.DataFrame | None:
    """Return the table if it knows what any of these customers spend in the whole category."""
    if customers is None or "category_spending" not in customers.columns:
        return None
    known = customers[customers["category_spending"].notna()]
    meet = (align_customer_ids(known["customer_id"], customer_id) >= 0).any()
    return customers if meet else None
