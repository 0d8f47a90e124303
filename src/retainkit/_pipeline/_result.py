"""RetentionResult: everything one run found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from retainkit._core.result import frame_html
from retainkit._pipeline._business import list_calls
from retainkit._pipeline._contradictions import Contradiction
from retainkit._pipeline._customers import CustomerScores, CustomerView
from retainkit._pipeline._fitted import FittedPipeline
from retainkit._pipeline._gaps import Gap
from retainkit._pipeline._measure import Departures, MonthlyFlows
from retainkit._pipeline._months import ForecastByMonth
from retainkit._pipeline._moves import TierMoves
from retainkit._pipeline._plan import BudgetPlan
from retainkit._pipeline._review import ForecastReview
from retainkit._pipeline._tier_retention import TierRetention
from retainkit.churn import CauseBreakdown, CauseTable, ChurnTable, EvidenceModel
from retainkit.forecast import ForecastTable, describe_trust
from retainkit.metrics import CohortTable, MetricTable
from retainkit.policy import (
    ActionPlan,
    ActionPrice,
    AnnualPlan,
    AuditTable,
    DecisionTable,
    PlanEvaluation,
)
from retainkit.scorecard import OwnerAppraisal, Scorecard
from retainkit.tables import Ledger
from retainkit.tiers import TierMovement, TierPyramid, TierTable, WhaleCurve
from retainkit.typing import Language
from retainkit.value import (
    CostTable,
    CustomerSummary,
    TracedCosts,
    ValueTable,
)

if TYPE_CHECKING:
    from retainkit._pipeline._config import PipelineConfig
    from retainkit._pipeline._document import ResultDocument


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RetentionResult:
    """Everything one run found: tables, models, metrics, ledger, and what it could not compute.

    Parameters
    ----------
    as_of : datetime.date
        Last observed day.
    model : FittedPipeline
        What was learnt; `model.score` applies it to new or single customers.
    scores : CustomerScores
        Every row-wise result (history, value, RFM, stage, tiers, churn, potential, policy).
    customers : CustomerView
        The single customer view.
    pyramid : TierPyramid
        Heads beside contribution so far, per tier.
    value_pyramid : TierPyramid
        Heads beside what customers were graded by, per tier.
    whale : WhaleCurve
        Cumulative contribution of the base.
    movement : TierMovement or None
        Who rose, fell, came and went since the previous run, or without one since the day before
        the period: its totals are the heads of the pyramid. None with neither.
    moves : TierMoves or None
        The same with cuts that stay and with cuts that move; None where `movement` is, or where
        `previous` was a bare `TierTable`.
    forecast_by_month : ForecastByMonth or None
        What came month by month, and what existing customers are expected to bring; None without
        a forecast of money.
    review : ForecastReview or None
        The forecasts of the previous run against what came since; None without one.
    costs : TracedCosts, CostTable or None
        What serving each customer cost; None without activities and their rates or pools.
    contract_churn : ChurnTable or None
        Observed ends of contracts.
    causes : CauseTable or None
        Why customers left.
    evidence_model : EvidenceModel or None
        What evidence of a cause is worth, learnt from this base; None where the rules stand.
    cause_breakdown : CauseBreakdown or None
        Losses per cause.
    contradictions : tuple of Contradiction
        Where contracts, events, purchases and stated reasons contradict each other; empty where
        they do not.
    departures : Departures or None
        Losses by tier, month, and time since joining; None where `causes` is.
    metrics : MetricTable
        Retention and other metrics, overall and by tier at the start of the period, beside who
        was gone or had ended then and who came later: of purchases, or, where there are only
        contracts, of these.
    tier_retention : TierRetention
        Retention by the tier at the start of the period, beside that by the tier of today.
    contract_metrics : MetricTable or None
        The same for contracts; None without any.
    flows : MonthlyFlows or None
        Metrics month by month, and what flowed in and out; None without a complete month.
    contract_flows : MonthlyFlows or None
        The same for contracts.
    cohorts : CohortTable
        Who came back, by month of first purchase.
    scorecard : Scorecard
        Strategy map filled as far as the data allow.
    plan : ActionPlan
        Who gets what, why and until when, who is held out; what each step of the funnel removed.
    budget : BudgetPlan or None
        What actions gain and what the budget buys; None without budget and prices.
    annual_plan : AnnualPlan or None
        Targets of the year per tier and account; None without goals.
    audit : AuditTable or None
        Adverse decisions by protected group; None where no protected attribute is known.
    owners : OwnerAppraisal or None
        Account owners compared on like customers; None without a previous run or owners.
    ledger : Ledger
        Where every input row went.
    gaps : tuple of Gap
        What was not computed, why, and what would enable it.
    proof : PlanEvaluation or None
        What the plan of the previous run brought; None without one.
    prices : tuple of ActionPrice
        Cost and effect of actions as known now: `PipelineConfig.prices` and what trials taught.

    Examples
    --------
    >>> import retainkit as rk
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> result
    <RetentionResult: 2,357 customers as of 1998-06-30; next: .customers.to_frame()>
    >>> result.ledger.reconciles
    True
    """

    as_of: date
    model: FittedPipeline
    scores: CustomerScores
    customers: CustomerView
    pyramid: TierPyramid
    value_pyramid: TierPyramid
    whale: WhaleCurve
    movement: TierMovement | None
    moves: TierMoves | None
    forecast_by_month: ForecastByMonth | None
    review: ForecastReview | None
    costs: TracedCosts | CostTable | None
    contract_churn: ChurnTable | None
    causes: CauseTable | None
    evidence_model: EvidenceModel | None
    cause_breakdown: CauseBreakdown | None
    contradictions: tuple[Contradiction, ...]
    departures: Departures | None
    metrics: MetricTable
    tier_retention: TierRetention
    contract_metrics: MetricTable | None
    flows: MonthlyFlows | None
    contract_flows: MonthlyFlows | None
    cohorts: CohortTable
    scorecard: Scorecard
    plan: ActionPlan
    budget: BudgetPlan | None
    annual_plan: AnnualPlan | None
    audit: AuditTable | None
    owners: OwnerAppraisal | None
    ledger: Ledger
    gaps: tuple[Gap, ...]
    proof: PlanEvaluation | None = None
    prices: tuple[ActionPrice, ...] = ()

    @property
    def config(self) -> PipelineConfig:
        """What the user chose."""
        return self.model.config

    @property
    def history(self) -> CustomerSummary:
        """What the transactions say about each customer."""
        return self.scores.history

    @property
    def value(self) -> ValueTable:
        """The four criteria of value."""
        return self.scores.value

    @property
    def forecast(self) -> ForecastTable | None:
        """Who will be there and what each brings; `ranks` and `notes` say how far to trust it."""
        return self.scores.forecast

    def call_list(self, language: Language = "en") -> pd.DataFrame | None:
        """Return whom to call, with the reasons, where accounts are too few for tiers by forecast.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language of the reasons.

        Returns
        -------
        pandas.DataFrame or None
            Fewer than 200 accounts: quiet ones first, then those gone, then the others, each by
            what they brought; columns customer_id, state, state_reason, tier, brought [money],
            silent_days [day], action. None from 200 accounts on.
        """
        return list_calls(self.scores, language)

    def trust(self, language: Language = "en") -> tuple[str, ...]:
        """Say how far the forecast can be trusted, in words and numbers.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language of the sentences.

        Returns
        -------
        tuple of str
            One sentence each; empty without a forecast.
        """
        if self.forecast is None:
            return ()
        rate, months = self.config.annual_discount_rate, self.forecast_by_month
        return describe_trust(
            self.forecast,
            self.model.forecast,
            annual_discount_rate=rate,
            horizon_days=self.config.horizon_days,
            last_span=None if months is None else months.last_span,
            language=language,
        )

    @property
    def tiers(self) -> TierTable:
        """Tier and standing of each customer."""
        return self.scores.tiers

    @property
    def churn(self) -> ChurnTable:
        """Probability of having left."""
        return self.scores.churn

    @property
    def policy(self) -> DecisionTable:
        """Stance and measures of each customer."""
        return self.scores.policy

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        return (
            f"<RetentionResult: {len(self):,} customers as of {self.as_of}; "
            "next: .customers.to_frame()>"
        )

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{len(self):,} customers as of {self.as_of}</b></p>"]
        for title, frame in self._headlines():
            parts.append(f"<p>{title}</p>{frame_html(frame)}")
        parts.append("<p>Next: <code>.customers.to_frame()</code>, <code>.metrics</code>, ")
        parts.append('<code>retainkit.report.write_report(result, "report.html")</code></p>')
        return "".join(parts)

    def _headlines(self) -> list[tuple[str, pd.DataFrame]]:
        return [
            ("Tiers: heads beside contribution so far", self.pyramid.summary()),
            ("Stances", self.policy.summary()),
            ("Metrics", self.metrics.summary()),
            ("Ledger", self.ledger.summary()),
            ("Not computed", pd.DataFrame(self.gaps, columns=pd.Index(Gap._fields))),
        ]

    def to_document(self) -> ResultDocument:
        """Return the typed summary that `result.json` holds: no customer rows.

        Returns
        -------
        ResultDocument
            Tiers, pyramids, metrics, causes, ledger, gaps, model with its configuration.

        Examples
        --------
        >>> import retainkit as rk
        >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
        >>> result.to_document().customers
        2357
        """
        from retainkit._pipeline._document import describe

        return describe(self)
