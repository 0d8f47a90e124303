"""What a run measures: metrics and flows of the base, why customers left, the scorecard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._customers import CustomerScores
from retainkit._pipeline._history import ContractRecord, Indexed
from retainkit._pipeline._start import PeriodStart
from retainkit._pipeline._tables import ValidTables
from retainkit._pipeline._tier_retention import TierRetention, retention_by_tier
from retainkit.churn import (
    CauseBreakdown,
    CauseTable,
    ChurnTable,
    EvidenceModel,
    IncidenceTable,
    attribute_causes,
    break_down_by_month,
    code_texts,
    cross_causes,
    cumulative_incidence,
    find_cause_alerts,
    fit_evidence_model,
    gather_evidence,
    label_spells,
    summarize_causes,
)
from retainkit.errors import ConvergenceError, NotComputableError
from retainkit.metrics import (
    CohortTable,
    ContractIndex,
    LeakyBucket,
    MetricTable,
    Period,
    build_cohorts,
    compute_metrics,
    leaky_bucket,
)
from retainkit.scorecard import (
    Scorecard,
    TwoFronts,
    build_scorecard,
    compare_fronts,
    measure_customers,
    measure_tables,
)
from retainkit.tables import align_customer_ids, align_values
from retainkit.tiers import TierPyramid, WhaleCurve

_TELLING = {"end_reason", "paid", "past_due_since"}
"""Columns of contracts that say something about why one ended."""

_NO_EVENTS = pd.DataFrame(
    {
        "customer_id": pd.Series(dtype="int64"),
        "timestamp": pd.Series(dtype="datetime64[s]"),
        "kind": pd.Series(dtype="str"),
    }
)

_OTHER = "unlabelled"

_OF_PURCHASES = (
    *("active_customers", "new_customers", "retention_rate", "churn_rate", "reactivation_rate"),
    *("average_revenue_per_customer", "average_order_value"),
)
_OF_CONTRACTS = (
    *("new_customers", "retention_rate", "churn_rate", "reactivation_rate"),
    *("gross_revenue_retention", "net_revenue_retention", "recurring_revenue"),
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MonthlyFlows:
    """What happened month by month up to the last observed day.

    Parameters
    ----------
    trend : MetricTable
        The main metrics of each complete month.
    bucket : LeakyBucket or None
        Who came and went, and the revenue movements behind it; None where not asked for.
    fronts : TwoFronts or None
        Winning customers beside keeping them, per complete calendar year; None where the bucket
        is, or no year is complete.

    Examples
    --------
    >>> import retainkit as rk
    >>> config = rk.PipelineConfig(flows="all", trend_months=3)
    >>> result = rk.RetentionPipeline(config).run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> result.flows.bucket.summary()[["opening", "new", "reactivation", "lost", "closing"]]
             opening  new  reactivation  lost  closing
    period
    1998-04      385    0            51    58      378
    1998-05      378    0            48    78      348
    1998-06      348    0            53   101      300
    """

    trend: MetricTable
    bucket: LeakyBucket | None = None
    fronts: TwoFronts | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Departures:
    """The losses seen from four sides.

    Parameters
    ----------
    by_tier : pandas.DataFrame
        Losses per cause within each tier (`cross_causes`).
    by_month : Mapping of str to CauseBreakdown
        Losses per cause by the month they were recognised in; empty where leaving is not seen.
    alerts : pandas.DataFrame or None
        Causes whose share in the last complete month with a loss moved beyond chance; None with
        fewer than two months.
    incidence : IncidenceTable or None
        Probability of having left for each cause by the time since joining; None without
        contracts.

    Examples
    --------
    >>> import pandas as pd
    >>> import retainkit as rk
    >>> contracts = pd.DataFrame({
    ...     "customer_id": [1, 2, 3, 4, 5], "amount": 9.0, "start": "2025-01-01",
    ...     "end": ["2025-03-01", "2025-04-01", "2025-04-01", "", ""]})
    >>> events = pd.DataFrame({"customer_id": [1, 2], "kind": ["complaint", "relocation"],
    ...                        "timestamp": ["2025-02-20", "2025-03-20"]})
    >>> result = rk.RetentionPipeline().run(contracts=contracts, events=events, as_of="2025-12-31")
    >>> result.departures.incidence.at([60, 180])[["survival", "incidence(active.fault)"]]
       survival  incidence(active.fault)
    0       0.8                      0.2
    1       0.4                      0.2
    """

    by_tier: pd.DataFrame
    by_month: Mapping[str, CauseBreakdown]
    alerts: pd.DataFrame | None
    incidence: IncidenceTable | None


class Causes(NamedTuple):
    """Why customers left, what evidence of it is worth, and why that was not learnt."""

    table: CauseTable | None
    model: EvidenceModel | None = None
    doubts: tuple[str, ...] = ()


class Measured(NamedTuple):
    """What the base is measured by, as fields of the result."""

    metrics: MetricTable
    tier_retention: TierRetention
    contract_metrics: MetricTable | None
    cohorts: CohortTable
    flows: MonthlyFlows | None
    contract_flows: MonthlyFlows | None


def find_causes(
    tables: ValidTables,
    judged: ChurnTable,
    contracts: ContractRecord | None,
    *,
    as_of: date,
    config: PipelineConfig,
) -> Causes:
    """Weigh the events, what their texts say, and what the other tables know of the leavers.

    Where enough losses have something on record, what each statement is worth is learnt from where
    sources agree; else the rules stand, and a note says so.
    """
    events = tables.events
    if events is None:
        if tables.contracts is None or not _TELLING & set(tables.contracts.frame.columns):
            return Causes(None)
        events = _NO_EVENTS
    churn = contracts.churn if contracts else judged
    evidence = gather_evidence(
        code_texts(events, code_books=config.code_books) if "text" in events else events,
        churn=churn,
        as_of=as_of,
        contracts=tables.contracts,
        customers=tables.customers,
        surveys=tables.surveys,
    )
    causes = attribute_causes(
        evidence, churn=churn, code_books=config.code_books, config=config.attribution
    )
    if config.evidence is None:
        return Causes(causes)
    try:
        model = fit_evidence_model(causes, config=config.evidence)
    except (NotComputableError, ConvergenceError) as error:
        return Causes(causes, None, (error.wrong,))
    return Causes(model.apply(causes), model)


def examine_departures(
    causes: CauseTable | None, scores: CustomerScores, contracts: ContractRecord | None
) -> Departures | None:
    """Look at the losses by tier, month and time since joining; None without any."""
    if causes is None or not len(causes):
        return None
    by_month = break_down_by_month(causes, contracts.churn if contracts else scores.churn)
    latest = Period.last_complete("month", as_of=scores.history.as_of).label
    complete = {month: found for month, found in by_month.items() if month <= latest}
    alerts = incidence = None
    if len(complete) > 1:
        alerts = find_cause_alerts(list(complete.values()), names=list(complete))
    if contracts:
        spells = contracts.spells
        incidence = cumulative_incidence(spells.duration, cause=label_spells(spells, causes=causes))
    return Departures(
        by_tier=cross_causes(causes, by=_tiers(causes, scores), value=_worth(causes, scores)),
        by_month=by_month,
        alerts=alerts,
        incidence=incidence,
    )


def break_down(causes: CauseTable | None, scores: CustomerScores) -> CauseBreakdown | None:
    """Count losses per cause, valued at the contribution each lost customer had made."""
    return None if causes is None else summarize_causes(causes, value=_worth(causes, scores))


def measure(
    indexed: tuple[Indexed, ...],
    scores: CustomerScores,
    causes: CauseTable | None,
    config: PipelineConfig,
    start: PeriodStart | None = None,
) -> Measured:
    """Compute every metric, overall and by tier at the start; follow cohorts and flows."""
    convention = config.convention
    metrics = [
        compute_metrics(one.base, by=_tier_labels(scores, one, start), convention=convention)
        for one in indexed
    ]
    flows = [_follow_flows(one, _cause_labels(causes, one), config) for one in indexed]
    has_contracts = isinstance(indexed[-1].base, ContractIndex)
    return Measured(
        metrics=metrics[0],
        tier_retention=retention_by_tier(indexed[0], scores, start, metrics[0].period, convention),
        contract_metrics=metrics[-1] if has_contracts else None,
        cohorts=build_cohorts(indexed[0].base, convention=convention),
        flows=flows[0],
        contract_flows=flows[-1] if has_contracts else None,
    )


def fill_scorecard(
    scores: CustomerScores,
    metrics: MetricTable,
    pyramid: TierPyramid,
    whale: WhaleCurve,
    tables: ValidTables,
) -> Scorecard:
    """Fill the strategy map with what was computed; the rest stays missing, with its source."""
    held = measure_tables(
        period=metrics.period,
        customers=tables.customers,
        events=tables.events,
        surveys=tables.surveys,
    )
    found = measure_customers(
        scores.history,
        lifetime_value=None,  # ten years ahead: only on request
        metrics=metrics,
        pyramid=pyramid,
        whale=whale,
    )
    return build_scorecard({**held, **found}, as_of=scores.history.as_of)


def _follow_flows(
    indexed: Indexed, causes: pd.Series[Any] | None, config: PipelineConfig
) -> MonthlyFlows | None:
    """Follow the base through the complete months that end by the last observed day."""
    base, convention = indexed.base, config.convention
    if base.observed_from is None:
        return None
    first, last = base.observed_from, base.as_of
    months = Period.complete("month", since=first, as_of=last, most=config.trend_months)
    if not months:
        return None
    is_contract = isinstance(base, ContractIndex)
    names = _OF_CONTRACTS if is_contract else _OF_PURCHASES
    trend = compute_metrics(base, metrics=names, periods=months, convention=convention)
    if not (config.flows == "all" or (is_contract and config.flows == "contracts")):
        return MonthlyFlows(trend=trend)
    bucket = leaky_bucket(
        base,
        periods=months,
        causes=causes,
        cost_to_win=config.cost_to_win,
        convention=convention,
    )
    years = Period.complete("year", since=first, as_of=last)
    fronts = compare_fronts(base, periods=years, convention=convention) if years else None
    return MonthlyFlows(trend=trend, bucket=bucket, fronts=fronts)


def _worth(causes: CauseTable, scores: CustomerScores) -> Any:
    """Return what each customer who left had brought [money]; NaN where not known."""
    return align_values(scores.history.contribution, scores.customer_id, to=causes.customer_id)


def _tiers(causes: CauseTable, scores: CustomerScores) -> pd.Categorical[Any]:
    """Return the value tier of each customer who left; "unlabelled" for who was never graded."""
    tiers, names = scores.tiers, scores.tiers.scheme.names
    other = len(names)
    code = align_values(tiers.value_tier, scores.customer_id, to=causes.customer_id, missing=other)
    used = [*names, _OTHER] if (code == other).any() else names
    return pd.Categorical.from_codes(code, categories=pd.Index(used), ordered=True)


def _tier_labels(
    scores: CustomerScores, indexed: Indexed, start: PeriodStart | None
) -> pd.Series[Any] | None:
    """Return the tier of each customer of an indexed base when the period began.

    Without a look back the tier of now; None where they share nobody.
    """
    if start is not None:
        codes, names = start.codes(indexed.customer_id), pd.Index(start.groups)
        labels = pd.Categorical.from_codes(codes, categories=names, ordered=True)
        return pd.Series(labels, index=indexed.base.customer_id)
    tiers = scores.tiers
    codes = align_values(tiers.tier, scores.customer_id, to=indexed.customer_id, missing=-1)
    if (codes < 0).all():
        return None
    labels = pd.Categorical.from_codes(codes, categories=pd.Index(tiers.categories), ordered=True)
    return pd.Series(labels, index=indexed.base.customer_id)


def _cause_labels(causes: CauseTable | None, indexed: Indexed) -> pd.Series[Any] | None:
    """Return the cause of each lost customer of an indexed base; None without any."""
    if causes is None or not len(causes):
        return None
    places = align_customer_ids(causes.customer_id, indexed.customer_id)
    known = places >= 0
    labels = causes.to_frame()["cause"].astype(str).to_numpy()[known]
    return pd.Series(labels, index=indexed.base.customer_id[places[known]]) if len(labels) else None
