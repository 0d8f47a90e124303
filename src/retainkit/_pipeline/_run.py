"""RetentionPipeline: raw records in, governed decisions out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

import pandas as pd

from retainkit._core.time import parse_as_of
from retainkit._pipeline import _steps as steps
from retainkit._pipeline._budget import BudgetPlan, audit, plan_budget, plan_goals
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._departures import examine_departures
from retainkit._pipeline._fitted import FittedPipeline, apply_schemes, learn
from retainkit._pipeline._flows import MonthlyFlows, follow_flows
from retainkit._pipeline._gaps import find_gaps
from retainkit._pipeline._measures import fill_scorecard
from retainkit._pipeline._models import ModelChoice, choose_model
from retainkit._pipeline._owners import appraise
from retainkit._pipeline._result import CustomerView, RetentionResult
from retainkit._pipeline._rise import learn_rises
from retainkit._pipeline._scores import CustomerScores
from retainkit._pipeline._tables import TableColumns, ValidTables, sift_tables
from retainkit.churn import CauseTable
from retainkit.metrics import CohortTable, ContractIndex, MetricTable, PurchaseIndex
from retainkit.policy import AnnualPlan, AuditTable
from retainkit.scorecard import OwnerAppraisal
from retainkit.tables import (
    ActivityColumns,
    ContractColumns,
    CustomerColumns,
    EventColumns,
    SurveyColumns,
    TransactionColumns,
)
from retainkit.tiers import PaymentTable, TierState, TierTable, tier_pyramid, whale_curve
from retainkit.typing import AsOf, IntoFrame
from retainkit.value import CostTable, TracedCosts, segment_bases


def _silent(stage: str) -> None:
    """Announce nothing."""


@dataclass(frozen=True, slots=True)
class RetentionPipeline:
    """Turn a firm's customer records into value, tiers, stances, churn, metrics and a ledger.

    The pipeline holds its configuration and nothing else: no state survives a run, and the same
    input with the same configuration gives the same output.

    Parameters
    ----------
    config : PipelineConfig, optional
        Everything that can be chosen; the default needs transactions only.

    Examples
    --------
    >>> import retainkit as rk
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> result.pyramid.to_frame()[["tier", "customers"]]
           tier  customers
    0       key        401
    1  ordinary        684
    2     small       1272
    3       bad          0
    """

    config: PipelineConfig = field(default_factory=PipelineConfig)

    def run(
        self,
        transactions: IntoFrame | None = None,
        *,
        as_of: AsOf,
        columns: TransactionColumns | None = None,
        customers: IntoFrame | None = None,
        customer_columns: CustomerColumns | None = None,
        contracts: IntoFrame | None = None,
        contract_columns: ContractColumns | None = None,
        events: IntoFrame | None = None,
        event_columns: EventColumns | None = None,
        surveys: IntoFrame | None = None,
        survey_columns: SurveyColumns | None = None,
        activities: IntoFrame | None = None,
        activity_columns: ActivityColumns | None = None,
        payments: PaymentTable | None = None,
        previous: RetentionResult | TierTable | TierState | None = None,
        progress: Callable[[str], None] = _silent,
    ) -> RetentionResult:
        """Run everything that the tables given allow.

        Parameters
        ----------
        transactions : pandas, Polars, PyArrow or DuckDB table, optional
            Purchases and returns. None for a business with contracts alone: its monthly charges
            are then the history, and leaving is seen instead of judged.
        as_of : str, date, datetime or numpy.datetime64
            Last observed day, inclusive. Later rows are left out and counted in the ledger.
        columns : TransactionColumns, optional
            Which column of `transactions` plays which role.
        customers, contracts, events, surveys, activities : table, optional
            Further tables; each switches on more.
        customer_columns, contract_columns, event_columns, survey_columns, activity_columns
            Their column names, where they differ from the default.
        payments : PaymentTable, optional
            How customers pay, from `summarize_invoices`: part of their standing.
        previous : RetentionResult, TierTable or TierState, optional
            The last run, or its tiers: tiers then change only on evidence
            (`PipelineConfig.stability`) and, with more than a `TierState`, `.movement` shows who
            rose, fell, came and went.
        progress : callable, optional
            Called with the name of each stage when it begins.

        Returns
        -------
        RetentionResult
            One row per customer that appears in a usable transaction (or, without transactions,
            a usable contract), in order of appearance.

        Raises
        ------
        AsOfError
            If `as_of` is not a calendar day.
        SchemaError
            If a table lacks a column or rows, no row is usable, or neither transactions nor
            contracts are given.
        """
        day = parse_as_of(as_of)
        flags = customer_columns.strategic_flags if customer_columns else ()
        frames = {
            "transactions": transactions,
            "customers": customers,
            "contracts": contracts,
            "events": events,
            "surveys": surveys,
            "activities": activities,
        }
        names = TableColumns(
            columns,
            customer_columns,
            contract_columns,
            event_columns,
            survey_columns,
            activity_columns,
        )
        return _compose(  # no name here keeps the valid rows once they are no longer needed
            sift_tables(frames, names, self.config.rules, day, progress),
            flags,
            day,
            self.config,
            progress,
            previous,
            payments,
        )


def _compose(
    tables: ValidTables,
    strategic_flags: tuple[str, ...],
    day: date,
    config: PipelineConfig,
    progress: Callable[[str], None],
    previous: RetentionResult | TierTable | TierState | None,
    payments: PaymentTable | None,
) -> RetentionResult:
    """Call the public functions one after the other on valid tables."""
    progress("summarising customers")
    tables, rows, customer_id = steps.number_customers(tables, day)
    costs = steps.trace_service(tables.activities, day, config)
    history = replace(steps.summarize_rows(rows, day, config), customer_id=customer_id)
    history = steps.net_of_service(
        history, costs.costs if isinstance(costs, TracedCosts) else costs
    )
    behavior = steps.describe_behavior(rows, customer_id, tables.customers, day, config)
    facts = steps.gather_facts(
        tables,
        history,
        behavior=behavior,
        loss_reason=steps.explain_losses(rows, history),
        payments=payments,
        strategic_flags=strategic_flags,
        config=config,
    )
    progress("choosing the estimate of future value")
    terms, notes = steps.learn_terms(tables, day, config)
    future = None if facts.contracts else steps.choose_future(rows, customer_id, day, config)
    progress("fitting models of buying and spend")
    choice = ModelChoice() if facts.contracts else choose_model(rows, day, config)
    model, predictions = learn(
        history,
        facts=facts,
        future_model=future,
        contract_terms=terms,
        choice=choice,
        notes=notes,
        config=config,
    )
    if config.upgrade_horizon_days is not None and not facts.contracts:
        progress("learning who rises")
        upgrade, doubts = learn_rises(rows, history, day, config)
        model = model.replace(upgrade_model=upgrade, notes=model.notes + doubts)
    progress("scoring, grading, deciding")
    before = previous.tiers if isinstance(previous, RetentionResult) else previous
    scores = apply_schemes(model, history, predictions, facts, before)
    del predictions, rows
    indexed = steps.index_tables(tables, day)
    tables = tables._replace(transactions=None)
    return _report(tables, indexed, costs, model, scores, previous, progress)


def _report(
    tables: ValidTables,
    indexed: tuple[PurchaseIndex | None, ContractIndex | None],
    costs: TracedCosts | CostTable | None,
    model: FittedPipeline,
    scores: CustomerScores,
    previous: RetentionResult | TierTable | TierState | None,
    progress: Callable[[str], None],
) -> RetentionResult:
    """Find causes, measure, and put everything into one result."""
    history, config, day = scores.history, model.config, scores.history.as_of
    wallet = scores.facts.wallet if scores.facts else None
    progress("finding causes of leaving")
    contract_churn = steps.observe_ends(tables, day, config)
    found = steps.find_causes(tables, contract_churn or scores.churn, day, config)
    causes, evidence_model, doubts = found
    progress("measuring retention")
    measured = _measure(indexed, scores, causes, config)
    whale = whale_curve(history.contribution)
    pyramid = tier_pyramid(scores.tiers, value=history.contribution)
    bases = segment_bases(
        history,
        p_alive=1.0 - scores.churn.p_churned,
        share_of_wallet=wallet.share if wallet else None,
        surveys=tables.surveys,
        config=config.bases,
    )
    return RetentionResult(
        as_of=day,
        model=model,
        scores=scores,
        customers=CustomerView(
            scores=scores,
            bases=bases,
            contract_churn=contract_churn,
            causes=causes,
            answers=steps.latest_answers(tables.surveys),
        ),
        pyramid=pyramid,
        value_pyramid=tier_pyramid(scores.tiers),
        whale=whale,
        movement=steps.compare_runs(previous, scores),
        costs=costs,
        contract_churn=contract_churn,
        causes=causes,
        evidence_model=evidence_model,
        cause_breakdown=steps.break_down(causes, scores),
        departures=examine_departures(
            causes, scores, contract_churn, steps.list_spells(tables, day, config)
        ),
        **measured._asdict(),
        scorecard=fill_scorecard(scores, measured.metrics, pyramid, whale, tables),
        **_plan(scores, tables.customers, previous, config)._asdict(),
        ledger=tables.ledger,
        gaps=find_gaps(tables, history, model.notes, config, doubts=doubts),
    )


class _Measured(NamedTuple):
    metrics: MetricTable
    contract_metrics: MetricTable | None
    cohorts: CohortTable
    flows: MonthlyFlows | None
    contract_flows: MonthlyFlows | None


def _measure(
    indexed: tuple[PurchaseIndex | None, ContractIndex | None],
    scores: CustomerScores,
    causes: CauseTable | None,
    config: PipelineConfig,
) -> _Measured:
    """Measure purchases and contracts; with contracts alone these are the base."""
    bases = [base for base in indexed if base is not None]
    tables = [steps.measure(base, steps.tier_labels(scores, base), config) for base in bases]
    flows = [
        follow_flows(base, config, causes=steps.cause_labels(causes, scores, base))
        for base in bases
    ]
    has_contracts = indexed[1] is not None
    return _Measured(
        metrics=tables[0][0],
        contract_metrics=tables[-1][0] if has_contracts else None,
        cohorts=tables[0][1],
        flows=flows[0],
        contract_flows=flows[-1] if has_contracts else None,
    )


class _Planned(NamedTuple):
    plan: BudgetPlan | None
    annual_plan: AnnualPlan | None
    audit: AuditTable | None
    owners: OwnerAppraisal | None


def _plan(
    scores: CustomerScores,
    customers: pd.DataFrame | None,
    previous: RetentionResult | TierTable | TierState | None,
    config: PipelineConfig,
) -> _Planned:
    """Spend the budget, write the year's plan, audit the decisions, appraise the owners."""
    plan = plan_budget(scores, config.budget)
    before = previous if isinstance(previous, RetentionResult) else None
    return _Planned(
        plan=plan,
        annual_plan=plan_goals(scores, plan, config.goals),
        audit=audit(scores, customers, config.audit),
        owners=appraise(before, scores, customers, config.owner_column),
    )
