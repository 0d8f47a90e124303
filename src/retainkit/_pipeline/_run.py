"""RetentionPipeline: raw records in, governed decisions out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd

from retainkit._internal.codes import number_ids
from retainkit._internal.time import parse_as_of
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._facts import CustomerFacts, read_customer_facts
from retainkit._pipeline._fitted import apply_schemes, learn
from retainkit._pipeline._gaps import find_gaps
from retainkit._pipeline._measures import fill_scorecard
from retainkit._pipeline._result import CustomerView, RetentionResult
from retainkit._pipeline._scores import CustomerScores
from retainkit._pipeline._tables import TableColumns, ValidTables, require_rows, sift_tables
from retainkit.churn import (
    CauseTable,
    ChurnTable,
    attribute_causes,
    code_texts,
    detect_contract_churn,
    gather_evidence,
    summarize_causes,
)
from retainkit.metrics import (
    CohortTable,
    MetricTable,
    follow_cohorts,
    index_contracts,
    index_purchases,
    tabulate_metrics,
)
from retainkit.tables import (
    ActivityColumns,
    ContractColumns,
    CustomerColumns,
    EventColumns,
    SurveyColumns,
    TransactionColumns,
    align_customer_ids,
)
from retainkit.tiers import (
    TierMovement,
    TierState,
    TierTable,
    compare_tiers,
    tier_pyramid,
    whale_curve,
)
from retainkit.typing import AsOf, IntoFrame
from retainkit.value import (
    CustomerSummary,
    FutureValueModel,
    allocate_costs,
    fit_future_value,
    summarize_customers,
)
from retainkit.value._future_window import sample_rows


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
        transactions: IntoFrame,
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
        previous: RetentionResult | TierTable | TierState | None = None,
        progress: Callable[[str], None] = _silent,
    ) -> RetentionResult:
        """Run everything that the tables given allow.

        Parameters
        ----------
        transactions : pandas, Polars, PyArrow or DuckDB table
            Purchases and returns.
        as_of : str, date, datetime or numpy.datetime64
            Last observed day, inclusive. Later rows are left out and counted in the ledger.
        columns : TransactionColumns, optional
            Which column of `transactions` plays which role.
        customers, contracts, events, surveys, activities : table, optional
            Further tables; each switches on more.
        customer_columns, contract_columns, event_columns, survey_columns, activity_columns
            Their column names, where they differ from the default.
        previous : RetentionResult, TierTable or TierState, optional
            The last run, or its tiers: tiers then change only on evidence
            (`PipelineConfig.stability`) and, with more than a `TierState`, `.movement` shows who
            rose, fell, came and went.
        progress : callable, optional
            Called with the name of each stage when it begins.

        Returns
        -------
        RetentionResult
            One row per customer that appears in a usable transaction, in order of appearance.

        Raises
        ------
        AsOfError
            If `as_of` is not a calendar day.
        SchemaError
            If a table lacks a column or rows, or no transaction is usable.
        """
        day = parse_as_of(as_of)
        tables = sift_tables(
            {
                "transactions": transactions,
                "customers": customers,
                "contracts": contracts,
                "events": events,
                "surveys": surveys,
                "activities": activities,
            },
            TableColumns(
                columns,
                customer_columns,
                contract_columns,
                event_columns,
                survey_columns,
                activity_columns,
            ),
            self.config.rules,
            day,
            progress,
        )
        require_rows(tables.transactions, tables.ledger)
        flags = customer_columns.strategic_flags if customer_columns else ()
        return _compose(tables, flags, day, self.config, progress, previous)


def _compose(
    tables: ValidTables,
    strategic_flags: tuple[str, ...],
    day: date,
    config: PipelineConfig,
    progress: Callable[[str], None],
    previous: RetentionResult | TierTable | TierState | None,
) -> RetentionResult:
    """Call the public functions one after the other on valid tables."""
    progress("summarising customers")
    tables, customer_id = _number_customers(tables)
    history = replace(_summarize(tables.transactions, day, config), customer_id=customer_id)
    history = _net_of_service(history, tables.activities, day, config)
    facts = _read_facts(tables, strategic_flags, history, config)
    progress("choosing the estimate of future value")
    future_model = _fit_future(tables.transactions, customer_id, day, config)
    progress("fitting models of buying and spend")
    model, predictions = learn(history, facts=facts, future_model=future_model, config=config)
    progress("scoring, grading, deciding")
    before = previous.tiers if isinstance(previous, RetentionResult) else previous
    scores = apply_schemes(model, history, predictions, facts, before)
    del predictions
    progress("finding causes of leaving")
    contract_churn = _contract_churn(tables, day, config)
    causes = _attribute(tables, contract_churn or scores.churn, day, config)
    progress("measuring retention")
    metrics, cohorts = _measure(tables.transactions, scores, day, config)
    whale = whale_curve(history.contribution)
    pyramid = tier_pyramid(scores.tiers, value=history.contribution)
    return RetentionResult(
        as_of=day,
        model=model,
        scores=scores,
        customers=CustomerView(
            scores=scores,
            contract_churn=contract_churn,
            causes=causes,
            answers=_latest_answers(tables.surveys),
        ),
        pyramid=pyramid,
        value_pyramid=tier_pyramid(scores.tiers),
        whale=whale,
        movement=_movement(previous, scores),
        contract_churn=contract_churn,
        causes=causes,
        cause_breakdown=_break_down(causes, scores),
        metrics=metrics,
        contract_metrics=_measure_contracts(tables, day, config),
        cohorts=cohorts,
        scorecard=fill_scorecard(scores, metrics, pyramid, whale, tables),
        ledger=tables.ledger,
        gaps=find_gaps(tables, history, model.notes, config),
    )


def _movement(
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


def _number_customers(tables: ValidTables) -> tuple[ValidTables, pd.Index[Any]]:
    """Put 0, 1, ... for the customers of the transactions: looked up once, not in each room."""
    codes, customer_id = number_ids(tables.transactions["customer_id"])
    numbered = tables.transactions.assign(customer_id=codes)
    return tables._replace(transactions=numbered), customer_id


def _summarize(transactions: pd.DataFrame, as_of: date, config: PipelineConfig) -> CustomerSummary:
    return summarize_customers(
        transactions, as_of=as_of, unit=config.unit, collapse=config.collapse
    )


def _net_of_service(
    history: CustomerSummary,
    activities: pd.DataFrame | None,
    as_of: date,
    config: PipelineConfig,
) -> CustomerSummary:
    if activities is None or not config.activity_rates or history.profit is None:
        return history
    rates = {entry.activity: entry.rate for entry in config.activity_rates}
    return history.with_costs(allocate_costs(activities, rates=rates, as_of=as_of))


def _fit_future(
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


def _read_facts(
    tables: ValidTables,
    strategic_flags: tuple[str, ...],
    history: CustomerSummary,
    config: PipelineConfig,
) -> CustomerFacts | None:
    if tables.customers is None:
        return None
    return read_customer_facts(
        tables.customers,
        customer_id=history.customer_id,
        strategic_flags=strategic_flags,
        config=config.standing,
    )


def _contract_churn(tables: ValidTables, as_of: date, config: PipelineConfig) -> ChurnTable | None:
    if tables.contracts is None or not len(tables.contracts):
        return None
    return detect_contract_churn(tables.contracts, as_of=as_of, config=config.contract_churn)


def _attribute(
    tables: ValidTables, churn: ChurnTable, as_of: date, config: PipelineConfig
) -> CauseTable | None:
    """Weigh the events, what their texts say, and what the other tables know of the leavers."""
    if tables.events is None:
        return None
    events = code_texts(tables.events) if "text" in tables.events else tables.events
    evidence = gather_evidence(
        events,
        churn=churn,
        as_of=as_of,
        contracts=tables.contracts,
        customers=tables.customers,
        surveys=tables.surveys,
    )
    return attribute_causes(evidence, churn=churn, config=config.attribution)


def _break_down(causes: CauseTable | None, scores: CustomerScores) -> Any:
    """Count losses per cause, valued at the contribution each lost customer had made."""
    if causes is None:
        return None
    places = align_customer_ids(causes.customer_id, scores.customer_id)
    contribution = pd.Series(scores.history.contribution)
    return summarize_causes(causes, value=contribution.reindex(places))


def _measure(
    transactions: pd.DataFrame, scores: CustomerScores, as_of: date, config: PipelineConfig
) -> tuple[MetricTable, CohortTable]:
    base = index_purchases(transactions, as_of=as_of)
    tiers = pd.Series(
        pd.Categorical.from_codes(
            scores.tiers.tier, categories=pd.Index(scores.tiers.categories), ordered=True
        ),
        index=base.customer_id,
    )
    table = tabulate_metrics(base, by=tiers, convention=config.convention)
    return table, follow_cohorts(base, convention=config.convention)


def _measure_contracts(
    tables: ValidTables, as_of: date, config: PipelineConfig
) -> MetricTable | None:
    if tables.contracts is None or not len(tables.contracts):
        return None
    base = index_contracts(tables.contracts, as_of=as_of)
    return tabulate_metrics(base, convention=config.convention)


def _latest_answers(surveys: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return each customer's latest answer; ties of time are broken by the answers themselves."""
    if surveys is None or not len(surveys):
        return None
    scores = [name for name in surveys.columns if name not in ("customer_id", "timestamp")]
    ordered = surveys.sort_values(["timestamp", *scores], kind="stable")
    latest = ordered.drop_duplicates("customer_id", keep="last")
    return latest[["customer_id", *scores]].reset_index(drop=True)
