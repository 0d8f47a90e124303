"""ResultDocument: the typed summary of a run, as JSON."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from retainkit._core.config import FrozenModel
from retainkit._pipeline._fitted import FittedPipeline
from retainkit._pipeline._measure import MonthlyFlows

Record: TypeAlias = dict[str, bool | int | float | str | None]
"""One row of a table: column name to plain value; None is undefined."""


class ResultDocument(FrozenModel):
    """What a run found, without customer rows: typed, plain, JSON in and out.

    Parameters
    ----------
    as_of : datetime.date
        Last observed day.
    customers : int
        Customers in the base.
    value_basis : str
        "profit" or "revenue": what contributions are counted in.
    tiers : tuple of records
        Heads beside contribution so far, per tier.
    value_tiers : tuple of records
        Heads beside what customers were graded by, per tier.
    concentration : tuple of records
        Facts of the whale curve.
    movement : tuple of records
        Customers by tier before and after; empty without a previous run.
    forecast_by_month : tuple of records
        What came and what is expected of existing customers, by month.
    review, review_states : tuple of records
        How the forecasts of the previous run did, and what became of its states; empty without one.
        Customers by tier before and after; empty where nothing is known of an earlier day.
    bridge : tuple of records
        What the value of the base before became the value after through; empty likewise.
    tier_retention : tuple of records
        Retention by tier at the start of the period, beside that by tier of today.
    potential : record
        How calls of potential held on earlier days.
    stances : tuple of records
        Customers and value per stance and tier.
    stages : tuple of records
        Customers per lifecycle stage.
    metrics : tuple of records
        Every metric with numerator, denominator and interval, overall and by tier.
    contract_metrics : tuple of records
        The same for contracts; empty without contracts.
    months, contract_months : tuple of records
        The main metrics of each complete month; empty without one.
    flows, contract_flows : tuple of records
        Leaky bucket per month; empty where it was not asked for.
    causes : tuple of records
        Losses per cause; empty without events.
    causes_by_tier : tuple of records
        The same within each tier before leaving.
    contradictions : tuple of records
        Where sources contradict each other: id, customers, of and the sentence; empty where not.
    plan, funnel, trials : tuple of records
        The plan per action, whom each step removed, and what its trials can show.
    proof : tuple of records
        What the actions of the previous plan brought; empty without one.
    budget, frontier, sensitivity : tuple of records
        Customers, cost and gain per measure, what other budgets would gain, and how far the plan
        hangs on what was assumed; empty without budget and prices.
    annual_plan : tuple of records
        Targets of the year; empty without goals.
    audit : tuple of records
        Worst treated group per stance and protected attribute; empty without any.
    owners : tuple of records
        Appraisal of account owners; empty without owners or a previous run.
    scorecard : tuple of records
        Measures with value and status.
    ledger : tuple of records
        Where every input row went.
    gaps : tuple of records
        What was not computed, and what would enable it.
    model : FittedPipeline
        What was learnt, with the configuration.

    Examples
    --------
    >>> import retainkit as rk
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> text = result.to_document().to_json()
    >>> rk.ResultDocument.from_json(text).to_json() == text
    True
    """

    as_of: date
    customers: int
    value_basis: str
    tiers: tuple[Record, ...]
    value_tiers: tuple[Record, ...]
    concentration: tuple[Record, ...]
    movement: tuple[Record, ...]
    forecast_by_month: tuple[Record, ...]
    review: tuple[Record, ...]
    review_states: tuple[Record, ...]
    bridge: tuple[Record, ...]
    tier_retention: tuple[Record, ...]
    potential: Record
    stances: tuple[Record, ...]
    stages: tuple[Record, ...]
    metrics: tuple[Record, ...]
    contract_metrics: tuple[Record, ...]
    months: tuple[Record, ...]
    contract_months: tuple[Record, ...]
    flows: tuple[Record, ...]
    contract_flows: tuple[Record, ...]
    causes: tuple[Record, ...]
    causes_by_tier: tuple[Record, ...]
    contradictions: tuple[Record, ...] = ()
    plan: tuple[Record, ...]
    funnel: tuple[Record, ...]
    trials: tuple[Record, ...]
    proof: tuple[Record, ...]
    budget: tuple[Record, ...]
    frontier: tuple[Record, ...]
    sensitivity: tuple[Record, ...]
    annual_plan: tuple[Record, ...]
    audit: tuple[Record, ...]
    owners: tuple[Record, ...]
    scorecard: tuple[Record, ...]
    ledger: tuple[Record, ...]
    gaps: tuple[Record, ...]
    model: FittedPipeline


def describe(result: Any) -> ResultDocument:
    """Return the typed summary of a result."""
    contract_metrics, breakdown = result.contract_metrics, result.cause_breakdown
    departures, plan, budget = result.departures, result.plan, result.budget
    months = result.forecast_by_month
    return ResultDocument(
        as_of=result.as_of,
        customers=len(result),
        value_basis=result.history.basis,
        tiers=records(result.pyramid.to_frame()),
        value_tiers=records(result.value_pyramid.to_frame()),
        concentration=records(result.whale.summary().reset_index()),
        movement=records(result.movement.to_frame()) if result.movement else (),
        forecast_by_month=records(months.to_frame()) if months else (),
        review=records(result.review.summary().reset_index()) if result.review else (),
        review_states=records(result.review.states) if result.review else (),
        bridge=records(result.movement.bridge().reset_index()) if result.movement else (),
        tier_retention=records(result.tier_retention.to_frame()),
        potential=result.model.rise_check.model_dump(),
        stances=records(result.policy.summary()),
        stages=records(result.scores.lifecycle.summary()),
        metrics=records(result.metrics.to_frame()),
        contract_metrics=records(contract_metrics.to_frame()) if contract_metrics else (),
        months=_months(result.flows),
        contract_months=_months(result.contract_flows),
        flows=_flows(result.flows),
        contract_flows=_flows(result.contract_flows),
        causes=records(breakdown.to_frame()) if breakdown else (),
        causes_by_tier=records(departures.by_tier) if departures else (),
        contradictions=tuple(
            {"id": one.id, "customers": one.customers, "of": one.of, "says": one.words()}
            for one in result.contradictions
        ),
        plan=records(plan.summary()),
        funnel=records(plan.funnel()),
        trials=records(plan.trials()),
        proof=records(result.proof.to_frame()) if result.proof else (),
        budget=records(budget.allocation.summary()) if budget else (),
        frontier=records(budget.frontier) if budget else (),
        sensitivity=records(budget.sensitivity) if budget else (),
        annual_plan=records(result.annual_plan.to_frame()) if result.annual_plan else (),
        audit=records(result.audit.summary()) if result.audit else (),
        owners=records(result.owners.summary()) if result.owners else (),
        scorecard=records(result.scorecard.to_frame()),
        ledger=records(result.ledger.to_frame()),
        gaps=tuple(dict(gap._asdict()) for gap in result.gaps),
        model=result.model,
    )


def _months(flows: MonthlyFlows | None) -> tuple[Record, ...]:
    return () if flows is None else records(flows.trend.to_frame())


def _flows(flows: MonthlyFlows | None) -> tuple[Record, ...]:
    if flows is None or flows.bucket is None:
        return ()
    return records(flows.bucket.summary().reset_index())


def records(frame: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    """Return rows as plain JSON values: numbers, texts, days as ISO text, undefined as None."""
    plain = frame.astype(object).where(frame.notna(), None)
    return tuple(
        {str(name): _plain(value) for name, value in row.items()}
        for row in plain.to_dict(orient="records")
    )


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
