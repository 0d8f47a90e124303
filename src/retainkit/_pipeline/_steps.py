"""The steps of a run: each puts a few public functions together."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.codes import number_ids
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._contract_models import ContractTerm, fit_contract_terms
from retainkit._pipeline._departures import worth_of_lost
from retainkit._pipeline._facts import CustomerFacts, read_customer_facts
from retainkit._pipeline._result import RetentionResult
from retainkit._pipeline._scores import CustomerScores
from retainkit._pipeline._tables import ValidTables, base_rows, has_wallet
from retainkit.churn import (
    CauseTable,
    ChurnTable,
    EvidenceModel,
    SpellTable,
    attribute_causes,
    code_texts,
    detect_contract_churn,
    fit_evidence_model,
    gather_evidence,
    list_contract_spells,
    summarize_causes,
)
from retainkit.contracts import Contracts, list_charges, read_contract_state
from retainkit.errors import ConvergenceError, NotComputableError
from retainkit.metrics import (
    CohortTable,
    ContractIndex,
    MetricTable,
    PurchaseIndex,
    follow_cohorts,
    index_contracts,
    index_purchases,
    tabulate_metrics,
)
from retainkit.tables import align_customer_ids
from retainkit.tiers import PaymentTable, TierMovement, TierState, TierTable, compare_tiers
from retainkit.value import (
    PROFIT_CAUSES,
    BehaviorTable,
    CostTable,
    CustomerSummary,
    FutureValueModel,
    TracedCosts,
    allocate_costs,
    decompose_profit,
    fit_future_value,
    measure_wallet,
    summarize_behavior,
    summarize_customers,
    trace_costs,
)
from retainkit.value._future_window import sample_rows

_TELLING = {"end_reason", "paid", "past_due_since"}
"""Columns of contracts that say something about why one ended."""

_NO_EVENTS = pd.DataFrame(
    {
        "customer_id": pd.Series(dtype="int64"),
        "timestamp": pd.Series(dtype="datetime64[s]"),
        "kind": pd.Series(dtype="str"),
    }
)


def compare_runs(
    before: RetentionResult | TierTable | TierState | None, after: CustomerScores
) -> TierMovement | None:
    """Compare with the last run; who has probably gone counts as lapsed where both runs know it."""
    if isinstance(before, RetentionResult):
        return compare_tiers(
            before.tiers,
            after.tiers,
            lapsed_before=before.churn.churned,
            lapsed_after=after.churn.churned,
        )
    return compare_tiers(before, after.tiers) if isinstance(before, TierTable) else None


def number_customers(
    tables: ValidTables, as_of: date
) -> tuple[ValidTables, pd.DataFrame, pd.Index[Any]]:
    """Put 0, 1, ... for the customers of the transactions: looked up once, not in each room.

    A firm with contracts alone gets their monthly charges as transactions.
    """
    from_contracts = tables.transactions is None
    base = base_rows(tables)
    rows = list_charges(base, as_of=as_of) if isinstance(base, Contracts) else base
    codes, customer_id = number_ids(rows["customer_id"])
    rows = rows.assign(customer_id=codes)
    tables = tables._replace(transactions=rows, from_contracts=from_contracts)
    return tables, rows, customer_id


def summarize_rows(
    transactions: pd.DataFrame, as_of: date, config: PipelineConfig
) -> CustomerSummary:
    """Summarise the customers in the configured unit."""
    return summarize_customers(
        transactions, as_of=as_of, unit=config.unit, collapse=config.collapse
    )


def net_of_service(history: CustomerSummary, costs: CostTable | None) -> CustomerSummary:
    """Take the cost of serving each customer from its profit, where both are known."""
    return history if costs is None or history.profit is None else history.with_costs(costs)


def trace_service(
    activities: pd.DataFrame | None, as_of: date, config: PipelineConfig
) -> TracedCosts | CostTable | None:
    """Charge activities to customers: from cost pools where there are any, else at given rates."""
    if activities is None:
        return None
    if config.cost_pools:
        return trace_costs(activities, pools=config.cost_pools, as_of=as_of)
    if config.activity_rates:
        rates = {entry.activity: entry.rate for entry in config.activity_rates}
        return allocate_costs(activities, rates=rates, as_of=as_of)
    return None


def describe_behavior(
    rows: pd.DataFrame,
    customer_id: pd.Index[Any],
    customers: pd.DataFrame | None,
    as_of: date,
    config: PipelineConfig,
) -> BehaviorTable | None:
    """Describe rhythm, preference and trend, where asked for or needed for the share of wallet."""
    wanted = config.behavior is not None or has_wallet(customers, customer_id)
    if not wanted:
        return None
    table = summarize_behavior(
        rows, as_of=as_of, unit=config.unit, collapse=config.collapse, config=config.behavior
    )
    return replace(table, customer_id=customer_id)


def choose_future(
    numbered: pd.DataFrame, customer_id: pd.Index[Any], as_of: date, config: PipelineConfig
) -> FutureValueModel:
    """Choose the estimate; who is learnt from is drawn by id, whatever number it bears here."""
    codes = numbered["customer_id"].to_numpy()
    chosen = sample_rows(codes, customer_id, config.future.max_customers)
    return fit_future_value(
        numbered if chosen is None else numbered[chosen],
        as_of=as_of,
        unit=config.unit,
        collapse=config.collapse,
        horizon_days=config.value.horizon_days,
        config=config.future,
    )


def observe_ends(tables: ValidTables, as_of: date, config: PipelineConfig) -> ChurnTable | None:
    """Read from the contracts who has left; None without contracts."""
    if tables.contracts is None or not len(tables.contracts):
        return None
    return detect_contract_churn(tables.contracts, as_of=as_of, config=config.contracts)


def list_spells(tables: ValidTables, as_of: date, config: PipelineConfig) -> SpellTable | None:
    """List the stretches of being a customer that contracts show; None without contracts."""
    if tables.contracts is None or not len(tables.contracts):
        return None
    return list_contract_spells(tables.contracts, as_of=as_of, config=config.contracts)


def find_causes(
    tables: ValidTables, churn: ChurnTable, as_of: date, config: PipelineConfig
) -> tuple[CauseTable | None, EvidenceModel | None, tuple[str, ...]]:
    """Weigh the events, what their texts say, and what the other tables know of the leavers.

    Where enough losses have something on record, what each statement is worth is learnt from where
    sources agree; else the rules stand, and a note says so.
    """
    events = tables.events
    if events is None:
        if tables.contracts is None or not _TELLING & set(tables.contracts.frame.columns):
            return None, None, ()
        events = _NO_EVENTS
    evidence = gather_evidence(
        code_texts(events) if "text" in events else events,
        churn=churn,
        as_of=as_of,
        contracts=tables.contracts,
        customers=tables.customers,
        surveys=tables.surveys,
    )
    causes = attribute_causes(evidence, churn=churn, config=config.attribution)
    if config.evidence is None:
        return causes, None, ()
    try:
        model = fit_evidence_model(causes, config=config.evidence)
    except (NotComputableError, ConvergenceError) as error:
        return causes, None, (error.wrong,)
    return model.apply(causes), model, ()


def break_down(causes: CauseTable | None, scores: CustomerScores) -> Any:
    """Count losses per cause, valued at the contribution each lost customer had made."""
    if causes is None:
        return None
    return summarize_causes(causes, value=worth_of_lost(causes, scores))


def measure(
    base: PurchaseIndex | ContractIndex, tiers: pd.Series[Any] | None, config: PipelineConfig
) -> tuple[MetricTable, CohortTable]:
    """Compute every metric, overall and by tier, and follow the cohorts."""
    table = tabulate_metrics(base, by=tiers, convention=config.convention)
    return table, follow_cohorts(base, convention=config.convention)


def index_tables(
    tables: ValidTables, as_of: date
) -> tuple[PurchaseIndex | None, ContractIndex | None]:
    """Index purchases and contracts for the metrics, as far as each is there."""
    purchases = contracts = None
    if tables.transactions is not None and not tables.from_contracts:
        purchases = index_purchases(tables.transactions, as_of=as_of)
    if tables.contracts is not None and len(tables.contracts):
        contracts = index_contracts(tables.contracts, as_of=as_of)
    return purchases, contracts


def explain_losses(rows: pd.DataFrame, history: CustomerSummary) -> npt.NDArray[np.int8] | None:
    """Return what costs each unprofitable customer most; None where no profit is known."""
    if history.profit is None or "profit" not in rows or not (rows["amount"] > 0.0).any():
        return None
    gaps = decompose_profit(rows, replace(history, customer_id=pd.RangeIndex(len(history))))
    place = {"price": 0, "product_cost": 0, "mix": 1, "returns": 2, "service": 3}
    of_cause = np.array([*(place[cause] for cause in PROFIT_CAUSES), -1], dtype=np.int8)
    return np.where(gaps.is_unprofitable, of_cause[gaps.main_cause], np.int8(-1))


def gather_facts(
    tables: ValidTables,
    history: CustomerSummary,
    *,
    behavior: BehaviorTable | None,
    loss_reason: npt.NDArray[np.int8] | None,
    payments: PaymentTable | None,
    strategic_flags: tuple[str, ...],
    config: PipelineConfig,
) -> CustomerFacts:
    """Put together what is known of the customers beside the summary of their purchases."""
    as_of, customers = history.as_of, tables.customers
    facts = CustomerFacts(customer_id=history.customer_id)
    if customers is not None or payments is not None:
        facts = read_customer_facts(
            customers,
            customer_id=history.customer_id,
            strategic_flags=strategic_flags,
            payments=payments,
            config=config.standing,
        )
    contracts = None
    if tables.from_contracts and tables.contracts is not None:
        state = read_contract_state(tables.contracts, as_of=as_of, convention=config.contracts)
        contracts = state.of(history.customer_id)
    wallet = None
    if (
        behavior is not None
        and customers is not None
        and has_wallet(customers, history.customer_id)
    ):
        wallet = measure_wallet(behavior, customers, age_days=history.with_unit("day").age)
    return replace(
        facts, behavior=behavior, wallet=wallet, loss_reason=loss_reason, contracts=contracts
    )


def learn_terms(
    tables: ValidTables, as_of: date, config: PipelineConfig
) -> tuple[tuple[ContractTerm, ...], tuple[str, ...]]:
    """Learn how long contracts last, where a firm has contracts and no purchases."""
    if not tables.from_contracts or tables.contracts is None:
        return (), ()
    spells = list_contract_spells(tables.contracts, as_of=as_of, config=config.contracts)
    return fit_contract_terms(
        tables.contracts, spells, choice=config.contract_model, config=config.lifetime
    )


def tier_labels(
    scores: CustomerScores, base: PurchaseIndex | ContractIndex
) -> pd.Series[Any] | None:
    """Return the tier of each customer of an index of metrics; None where they share nobody."""
    tiers = scores.tiers
    categories = pd.Index(tiers.categories)
    if isinstance(base, PurchaseIndex):  # the same customers in the same order, numbered
        codes = tiers.tier
    else:
        places = align_customer_ids(base.customer_id, scores.customer_id)
        if (places < 0).all():
            return None
        codes = np.where(places < 0, -1, tiers.tier[places])
    labels = pd.Categorical.from_codes(codes, categories=categories, ordered=True)
    return pd.Series(labels, index=base.customer_id)


def cause_labels(
    causes: CauseTable | None, scores: CustomerScores, base: PurchaseIndex | ContractIndex
) -> pd.Series[Any] | None:
    """Return the cause of each lost customer of an index of metrics; None without causes."""
    if causes is None or not len(causes):
        return None
    ids = scores.customer_id if isinstance(base, PurchaseIndex) else base.customer_id
    places = align_customer_ids(causes.customer_id, ids)
    known = places >= 0
    labels = causes.to_frame()["cause"].astype(str).to_numpy()[known]
    index = base.customer_id[places[known]]
    return pd.Series(labels, index=index) if known.any() else None


def latest_answers(surveys: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return each customer's latest answer; ties of time are broken by the answers themselves."""
    if surveys is None or not len(surveys):
        return None
    scores = [name for name in surveys.columns if name not in ("customer_id", "timestamp")]
    ordered = surveys.sort_values(["timestamp", *scores], kind="stable")
    latest = ordered.drop_duplicates("customer_id", keep="last")
    return latest[["customer_id", *scores]].reset_index(drop=True)
