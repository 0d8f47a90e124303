"""FittedPipeline: the small learnt model of a whole run, applied row by row."""

from __future__ import annotations

from datetime import date
from typing import TypedDict

import numpy as np

from retainkit._core.config import FrozenModel
from retainkit._pipeline._attempts import Attempts, attempts_before, count_attempts
from retainkit._pipeline._circumstances import tell_circumstances
from retainkit._pipeline._config import PipelineConfig, TierBasis
from retainkit._pipeline._contract_models import ContractTerm
from retainkit._pipeline._covariates import CovariateMeans, bind, fill_covariates
from retainkit._pipeline._customers import CustomerScores
from retainkit._pipeline._distribution import distribution_of
from retainkit._pipeline._facts import CustomerFacts
from retainkit._pipeline._grade import graded_value, score_criteria
from retainkit._pipeline._models import Models, Predictions, predict
from retainkit._pipeline._outlook import look_out
from retainkit._pipeline._previous import PreviousRun
from retainkit._pipeline._rises import chance_to_rise
from retainkit._pipeline._small_check import SmallCheck
from retainkit._pipeline._states import (
    former_tiers,
    least_last_gap,
    read_activity,
    tell_situation,
    tell_states,
    were_gone,
)
from retainkit._pipeline._value_by_state import ValueByState, adjust_values
from retainkit.churn import StateScheme, StateTable
from retainkit.forecast import ForecastModel, RenewalModel, ValueEstimator
from retainkit.lifetime import CovariateModel, GammaGammaModel, PurchaseModelUnion
from retainkit.policy import (
    Outlook,
    PolicyConfig,
    PotentialTable,
    RiseCheck,
    RiseModel,
    Situation,
    assess_potential,
    decide_actions,
)
from retainkit.tiers import (
    LifecycleScheme,
    LifecycleTable,
    TierScheme,
    TierState,
    TierTable,
    assign_tiers,
    lifecycle_stage,
)
from retainkit.typing import FloatArray
from retainkit.value import (
    CustomerSummary,
    MarginModel,
    RfmScheme,
    ValueScheme,
    ValueTable,
    score_rfm,
)


class FittedPipeline(FrozenModel):
    """Everything a run has learnt: small, frozen, readable as JSON, applied row by row.

    Parameters
    ----------
    config : PipelineConfig
        What the user chose.
    as_of : datetime.date
        Last observed day of the base it was learnt on.
    tier_basis : str
        What customers are graded by (the configured basis, or its fallback; see `notes`).
    purchase_model : MbgNbdModel, BgNbdModel, ParetoNbdModel, NbdModel, CovariateModel or None
        Model of buying and dropout; None where the base could not support one.
    purchase_model_reason : str
        Why this model of buying, where a hold-out decided; else empty.
    spend_model : GammaGammaModel or None
        Model of spend per purchase; None where the base could not support one.
    margin : MarginModel
        Profit per unit of purchases.
    forecast : ForecastModel or None
        Who will be there and what they will bring, with the evidence; None for contracts.
    contract_terms : tuple of ContractTerm
        How long contracts last, for a firm with contracts and no purchases; else empty.
    renewal : RenewalModel or None
        Who stays under contract, with the evidence; None without contracts.
    charges_apart : bool
        Whether charges of contracts come on top of the transactions; False where among them.
    covariate_means : tuple of (str, float)
        Covariates that were learnt with, and the mean that stands where one is unknown; `score`
        takes them from `facts.covariates`.
    value_scheme : ValueScheme
        Thresholds of the four criteria.
    rfm_scheme : RfmScheme
        Edges of the recency, frequency and money scores.
    lifecycle_scheme : LifecycleScheme
        Usual rhythm of the base.
    tier_scheme : TierScheme
        Cuts between the tiers, learnt from the customers who are there, or held from the last run.
    own_scheme : TierScheme
        The cuts that this base alone would give: those of `tier_scheme` unless cuts were held.
    state_scheme : StateScheme
        Where the states of a relation begin, and which claims held at earlier origins.
    small_check : SmallCheck
        What those of the last tier brought on earlier days: whether it was little.
    former_scheme : TierScheme
        Cuts of the contribution of current customers within 365 days: what tier the gone had.
    one_time : bool
        Whether customers of this base buy once: nine in ten are gone, or never came back. Nobody
        is then won back.
    value_by_state : ValueByState
        What expected values are multiplied with by state, from what came on earlier days.
    rise_model : RiseModel or None
        Probability of reaching a higher tier, from who rose on earlier days; None where too few
        did.
    rise_check : RiseCheck
        How calls of potential held on earlier days; where they did not, potential is not known.
    notes : tuple of str
        What could not be learnt, and what was used instead.

    Examples
    --------
    >>> import retainkit as rk
    >>> summary = rk.summarize_customers(rk.load_cdnow_sample(), as_of="1997-09-30")
    >>> model = rk.fit_pipeline(summary)
    >>> rk.FittedPipeline.from_json(model.to_json()) == model
    True
    >>> one = rk.summarize_customer(
    ...     ["1997-06-01", "1997-08-15"], [20.0, 35.0], as_of="1997-09-30", customer_id="new")
    >>> model.score(one).to_frame()[["tier", "stance"]]
           tier    stance
    0  ordinary  maintain
    """

    config: PipelineConfig
    as_of: date
    tier_basis: TierBasis
    purchase_model: PurchaseModelUnion | CovariateModel | None
    purchase_model_reason: str = ""
    spend_model: GammaGammaModel | None
    margin: MarginModel
    forecast: ForecastModel | None
    contract_terms: tuple[ContractTerm, ...] = ()
    renewal: RenewalModel | None = None
    charges_apart: bool = True
    covariate_means: CovariateMeans = ()
    value_scheme: ValueScheme
    rfm_scheme: RfmScheme
    lifecycle_scheme: LifecycleScheme
    tier_scheme: TierScheme
    own_scheme: TierScheme
    state_scheme: StateScheme
    small_check: SmallCheck = SmallCheck()
    former_scheme: TierScheme
    one_time: bool = False
    value_by_state: ValueByState = ValueByState()
    rise_model: RiseModel | None = None
    rise_check: RiseCheck = RiseCheck(finding="no_past")
    notes: tuple[str, ...] = ()

    def score(
        self,
        summary: CustomerSummary,
        *,
        facts: CustomerFacts | None = None,
        previous: TierTable | TierState | None = None,
        estimator: ValueEstimator | None = None,
    ) -> CustomerScores:
        """Score customers: value, tier, stage, churn risk and stance, each row on its own.

        Parameters
        ----------
        summary : CustomerSummary
            Customers, from `summarize_customers`, or one from `summarize_customer`.
        facts : CustomerFacts, optional
            Kind, background, standing and covariates of the same customers in the same order.
        previous : TierTable or TierState, optional
            The last assessment: a tier then changes only on evidence (`PipelineConfig.stability`).
        estimator : ValueEstimator, optional
            The fitted object of your own, where the run was given one: it is not in the JSON.

        Returns
        -------
        CustomerScores
            In the order of `summary`. The result for a customer does not depend on the others.

        Raises
        ------
        SchemaError
            If the summary counts revenue and the model was learnt on profit, or the reverse; if the
            model was learnt from contracts and `facts` holds none; if it ranks customers by an
            estimator of your own and `estimator` is not given; if it was learnt with covariates and
            `facts` holds none.
        """
        models = _models_of(self, facts)._replace(estimator=estimator)
        predictions = predict(summary, models, self.config, facts)
        predictions = adjust_values(
            predictions, self.value_by_state, self.state_scheme, facts, self.config
        )
        return apply_schemes(self, summary, predictions, facts, previous)


def apply_schemes(
    fitted: FittedPipeline,
    summary: CustomerSummary,
    predictions: Predictions,
    facts: CustomerFacts | None,
    previous: TierTable | TierState | None = None,
    before: CustomerScores | PreviousRun | None = None,
) -> CustomerScores:
    """Apply the learnt schemes to predicted customers."""
    config = fitted.config
    earlier = None if before is None else before.states
    states, value, tiers = tell_tiers(fitted, summary, predictions, facts, previous, earlier)
    behavior = facts.behavior if facts else None
    trend = behavior.trend_beyond_base if behavior else None
    lifecycle = lifecycle_stage(
        summary,
        fitted.lifecycle_scheme,
        p_alive=predictions.p_alive,
        last_gap=behavior.last_gap if behavior else least_last_gap(summary),
        spending_trend=trend,
        state=states.state,
        was_gone=were_gone(earlier, states),
        customer_id=summary.customer_id,
    )
    potential = _potential(fitted, summary, tiers, value, trend, facts)
    attempts = attempts_before(before, states)
    policy = decide_actions(
        tiers,
        potential=potential,
        churn=predictions.churn,
        value=value,
        **_surroundings(fitted, summary, predictions, states, lifecycle, facts, attempts),
        catalog=config.measures,
    )
    return CustomerScores(
        facts=facts,
        forecast=predictions.forecast,
        p_alive=predictions.p_alive,
        models=_models_of(fitted, facts),
        config=config,
        future=predictions.potential,
        history=summary,
        value=value,
        rfm=score_rfm(summary, fitted.rfm_scheme),
        lifecycle=lifecycle,
        tiers=tiers,
        states=states,
        churn=predictions.churn,
        potential=potential,
        policy=policy,
        attempts=count_attempts(attempts, states, policy),
    )


def _potential(
    fitted: FittedPipeline,
    summary: CustomerSummary,
    tiers: TierTable,
    value: ValueTable,
    trend: FloatArray | None,
    facts: CustomerFacts | None,
) -> PotentialTable:
    """Say who can rise: by the chance learnt on earlier days, and by facts."""
    rises, check = fitted.rise_model, fitted.rise_check
    chance, usual = None, None
    if rises is not None and fitted.forecast is not None:
        chance, usual = chance_to_rise(
            fitted.forecast,
            rises,
            summary,
            tiers,
            fitted.tier_basis,
            check.window_days,
            fill_covariates(fitted.covariate_means, facts.covariates if facts else None),
        )
    return assess_potential(
        tiers.value,
        fitted.tier_scheme,
        customer_id=summary.customer_id,
        tier=tiers.value_tier,
        share_of_wallet=facts.wallet.share if facts and facts.wallet else None,
        trend=trend,
        probability=chance,
        usual=usual,
        share_rose=None if rises is None else rises.whole.share_rose,
        strategic=None if value.is_business is None else value.background > 0,
        check=check,
        config=fitted.config.potential,
    )


def tell_tiers(
    fitted: FittedPipeline,
    summary: CustomerSummary,
    predictions: Predictions,
    facts: CustomerFacts | None,
    previous: TierTable | TierState | None = None,
    earlier: StateTable | None = None,
) -> tuple[StateTable, ValueTable, TierTable]:
    """Return states, criteria and tiers of predicted customers."""
    activity = predictions.activity or read_activity(summary, None)
    states = tell_states(summary, activity, fitted.state_scheme, facts, earlier)
    value = score_criteria(summary, fitted.value_scheme, predictions, facts)
    return states, value, _grade(fitted, summary, value, states, facts, previous)


class _Surroundings(TypedDict):
    situation: Situation
    outlook: Outlook | None
    config: PolicyConfig


def _surroundings(
    fitted: FittedPipeline,
    summary: CustomerSummary,
    predictions: Predictions,
    states: StateTable,
    lifecycle: LifecycleTable,
    facts: CustomerFacts | None,
    attempts: Attempts | None,
) -> _Surroundings:
    """Return what a stance and an action depend on beside tier, standing and potential.

    A business of one-time buyers has nobody to win back.
    """
    ranks = "not known" if predictions.forecast is None else predictions.forecast.ranks
    circumstances = tell_circumstances(summary, states, lifecycle, facts)
    evidence = fitted.small_check.evidence(ranks)
    days, margin = fitted.config.horizon_days, fitted.margin
    situation = tell_situation(states, facts, circumstances, attempts, evidence)
    if fitted.one_time:
        situation = situation._replace(recoverable=np.zeros(len(states), dtype=np.bool_))
    return {
        "config": fitted.config.policy,
        "situation": situation,
        "outlook": look_out(summary, predictions, states, facts, margin=margin, horizon_days=days),
    }


def _grade(
    fitted: FittedPipeline,
    summary: CustomerSummary,
    value: ValueTable,
    states: StateTable,
    facts: CustomerFacts | None,
    previous: TierTable | TierState | None,
) -> TierTable:
    """Grade who is there by value; who is lost keeps the tier of its last year beside it."""
    tiers = assign_tiers(
        graded_value(value, fitted.tier_basis),
        fitted.tier_scheme,
        customer_id=summary.customer_id,
        standing=facts.standing if facts else None,
        previous=previous,
        stability=fitted.config.stability,
        distribution=distribution_of(
            _models_of(fitted, facts), summary, value, fitted.tier_basis, fitted.config
        ),
        overrides=fitted.config.tier_overrides,
        as_of=summary.as_of,
    )
    former = former_tiers(summary, fitted.margin, fitted.former_scheme, previous)
    return tiers.with_lost(states.is_lost, former)


def _models_of(fitted: FittedPipeline, facts: CustomerFacts | None) -> Models:
    known = fill_covariates(fitted.covariate_means, facts.covariates if facts else None)
    return Models(
        bind(fitted.purchase_model, known),
        fitted.spend_model,
        fitted.margin,
        fitted.forecast,
        fitted.contract_terms,
        fitted.renewal,
        fitted.charges_apart,
        covariate_means=fitted.covariate_means,
        covariates=known,
    )
