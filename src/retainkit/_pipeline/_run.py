"""RetentionPipeline: raw records in, governed decisions out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from retainkit._core.time import parse_as_of
from retainkit._pipeline._action_plan import Planned, known_prices, make_plan, read_back
from retainkit._pipeline._carry_over import (
    Previous,
    carried,
    compare,
    held_scheme,
    look_back,
)
from retainkit._pipeline._circumstances import read_cause, read_recoverable
from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._contradictions import find_contradictions, find_doubts
from retainkit._pipeline._customers import CustomerScores, CustomerView
from retainkit._pipeline._find_gaps import find_gaps
from retainkit._pipeline._fitted import FittedPipeline, apply_schemes
from retainkit._pipeline._gaps import Gap
from retainkit._pipeline._gather import gather_facts
from retainkit._pipeline._histories import open_history
from retainkit._pipeline._history import ContractRecord, Indexed
from retainkit._pipeline._learn import learn_schemes
from retainkit._pipeline._measure import (
    Causes,
    break_down,
    examine_departures,
    fill_scorecard,
    find_causes,
    measure,
)
from retainkit._pipeline._months import ForecastByMonth, follow_months
from retainkit._pipeline._moves import TierMoves
from retainkit._pipeline._plan import appraise, audit_groups, plan_goals
from retainkit._pipeline._previous import PreviousRun
from retainkit._pipeline._remember import RememberedFits
from retainkit._pipeline._result import RetentionResult
from retainkit._pipeline._review import ForecastReview, review_forecast
from retainkit._pipeline._start import PeriodStart
from retainkit._pipeline._tables import TableColumns, ValidTables, sift_tables
from retainkit.forecast import ValueEstimator
from retainkit.tables import (
    ActivityColumns,
    ContractColumns,
    CustomerColumns,
    EventColumns,
    SurveyColumns,
    TransactionColumns,
    latest_answers,
)
from retainkit.tiers import (
    PaymentTable,
    TierState,
    TierTable,
    tier_pyramid,
    whale_curve,
)
from retainkit.typing import AsOf, IntoFrame
from retainkit.value import CostTable, TracedCosts, allocate_costs, segment_bases, trace_costs


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
    0       key         96
    1  ordinary        569
    2     small        173
    3       bad          0
    4      lost       1519
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
        previous: RetentionResult | PreviousRun | TierTable | TierState | None = None,
        estimator: ValueEstimator | None = None,
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
        previous : RetentionResult, PreviousRun, TierTable or TierState, optional
            The last run, its files, or its tiers: tiers then change only on evidence
            (`PipelineConfig.stability`) and, with more than a `TierState`, `.movement` shows who
            rose, fell, came and went. With a whole result, `.review` holds its forecasts against
            what came since. With the plan of the last run its list lives on and its trial, when
            over, is read (`.proof`).
        estimator : ValueEstimator, optional
            An estimator of your own for expected value (a scikit-learn regressor will do): it ranks
            the customers where earlier days speak for it. It is fitted by the run and not part of
            the result: pass it to `FittedPipeline.score` again.
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
        day = parse_as_of(as_of)
        return _tell(  # no name here keeps the valid rows once they are no longer needed
            sift_tables(frames, names, self.config.rules, day, progress),
            day,
            self.config,
            payments=payments,
            strategic_flags=customer_columns.strategic_flags if customer_columns else (),
            previous=previous,
            estimator=estimator,
            announce=progress,
        )


def _tell(
    tables: ValidTables,
    day: date,
    config: PipelineConfig,
    *,
    payments: PaymentTable | None,
    strategic_flags: tuple[str, ...],
    previous: Previous,
    announce: Callable[[str], None],
    estimator: ValueEstimator | None = None,
) -> RetentionResult:
    """Summarise, learn, score and decide; then measure and report."""
    fits = RememberedFits()
    last = carried(previous)
    start = look_back(tables, day, config, last, announce, fits)
    announce("summarising customers")
    history, tables = open_history(tables, day, config)
    costs = _trace_service(tables, day, config)
    summary = history.summarize()
    if costs is not None and summary.profit is not None:
        summary = summary.with_costs(costs.costs if isinstance(costs, TracedCosts) else costs)
    facts = gather_facts(
        history,
        summary,
        tables.customers,
        payments=payments,
        strategic_flags=strategic_flags,
        config=config,
        events=tables.events,
    )
    before = last.aligned(history.customer_id)
    proof = read_back(before, history, config)
    models = history.learn(summary, announce, estimator, facts.covariates, fits)
    del fits
    held = held_scheme(last, config)
    model, predictions = learn_schemes(summary, models, facts=facts, config=config, held=held)
    announce("finding causes of leaving")
    causes = find_causes(
        tables, predictions.churn, history.contracts, as_of=summary.as_of, config=config
    )
    facts = replace(
        facts,
        cause=read_cause(causes.table, summary.customer_id),
        recoverable=read_recoverable(causes.table, summary.customer_id),
    )
    announce("scoring, grading, deciding")
    scores = apply_schemes(model, summary, predictions, facts, before.tiers, before)
    review, unscored = review_forecast(previous, history)
    months = follow_months(history, model, scores)
    gaps = (*history.find_gaps(summary), *unscored)
    contracts, indexed = history.contracts, history.index()
    del history, predictions
    prices = proof.prices if proof else known_prices(before.prices, config.prices)
    announce("planning")
    planned = make_plan(scores, prices, config, before, tables.customers)
    seen = _Seen(tables, indexed, contracts, costs, causes, gaps, review, months, start)
    told = _report(seen, model, planned, previous, announce)
    return replace(told, proof=proof, prices=prices)


class _Seen(NamedTuple):
    """What the tables show beside what is learnt from them."""

    tables: ValidTables
    indexed: tuple[Indexed, ...]
    contracts: ContractRecord | None
    costs: TracedCosts | CostTable | None
    causes: Causes
    gaps: tuple[Gap, ...]
    review: ForecastReview | None
    months: ForecastByMonth | None
    start: PeriodStart | str


def _report(
    seen: _Seen,
    model: FittedPipeline,
    planned: Planned,
    previous: Previous,
    announce: Callable[[str], None],
) -> RetentionResult:
    """Find causes, measure, and put everything into one result."""
    tables, contracts = seen.tables, seen.contracts
    scores, budget = planned.scores, planned.budget
    summary, config, customers = scores.history, model.config, tables.customers
    before = previous.scores if isinstance(previous, RetentionResult) else None
    causes = seen.causes
    alone = scores.facts is not None and scores.facts.contracts is not None
    announce("measuring retention")
    doubts = find_contradictions(
        tables.events, tables.contracts, None if alone else summary, causes.table
    )
    stood = seen.start if isinstance(seen.start, PeriodStart) else None
    measured = measure(seen.indexed, scores, causes.table, config, stood)
    moves = compare(carried(previous), stood, scores, model)
    whale = whale_curve(summary.contribution)
    pyramid = tier_pyramid(scores.tiers, value=summary.contribution)
    return RetentionResult(
        as_of=summary.as_of,
        model=model,
        scores=scores,
        customers=_view(seen, scores, config),
        pyramid=pyramid,
        value_pyramid=tier_pyramid(scores.tiers),
        whale=whale,
        movement=moves.published if isinstance(moves, TierMoves) else moves,
        moves=moves if isinstance(moves, TierMoves) else None,
        forecast_by_month=seen.months,
        review=seen.review,
        costs=seen.costs,
        contract_churn=contracts.churn if contracts else None,
        causes=causes.table,
        evidence_model=causes.model,
        cause_breakdown=break_down(causes.table, scores),
        contradictions=doubts,
        departures=examine_departures(causes.table, scores, contracts),
        **measured._asdict(),
        scorecard=fill_scorecard(scores, measured.metrics, pyramid, whale, tables),
        plan=planned.plan,
        budget=budget,
        annual_plan=plan_goals(scores, budget, config.goals),
        audit=audit_groups(scores, customers, config.audit),
        owners=appraise(before, scores, customers, config.owner_column),
        ledger=tables.ledger,
        gaps=(*_gaps(seen, model, scores), *find_doubts(doubts)),
    )


def _view(seen: _Seen, scores: CustomerScores, config: PipelineConfig) -> CustomerView:
    """Show each customer with all that is known of it."""
    surveys = seen.tables.surveys
    return CustomerView(
        scores=scores,
        bases=segment_bases(
            scores.history,
            p_alive=scores.churn.p_active,
            share_of_wallet=scores.share_of_wallet,
            surveys=surveys,
            config=config.bases,
        ),
        contract_churn=seen.contracts.churn if seen.contracts else None,
        causes=seen.causes.table,
        answers=None if surveys is None else latest_answers(surveys),
    )


def _gaps(seen: _Seen, model: FittedPipeline, scores: CustomerScores) -> tuple[Gap, ...]:
    """Say what could not be told, and what would tell it."""
    return find_gaps(
        seen.tables,
        scores,
        seen.gaps,
        model.notes,
        model.config,
        doubts=seen.causes.doubts,
        no_start=seen.start if isinstance(seen.start, str) else "",
        one_time=model.one_time,
    )


def _trace_service(
    tables: ValidTables, day: date, config: PipelineConfig
) -> TracedCosts | CostTable | None:
    """Charge activities to customers: from cost pools where there are any, else at given rates."""
    if tables.activities is None:
        return None
    if config.cost_pools:
        return trace_costs(tables.activities, pools=config.cost_pools, as_of=day)
    if config.activity_rates:
        rates = {entry.activity: entry.rate for entry in config.activity_rates}
        return allocate_costs(tables.activities, rates=rates, as_of=day)
    return None
