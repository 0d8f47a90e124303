"""FittedPipeline: the small learnt model of a whole run, applied row by row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

import numpy as np

from retainkit._internal.config import FrozenModel
from retainkit._pipeline._config import PipelineConfig, PurchaseModelName, TierBasis
from retainkit._pipeline._facts import CustomerFacts
from retainkit._pipeline._scores import CustomerScores
from retainkit.churn import detect_churn
from retainkit.errors import ConvergenceError, NotComputableError
from retainkit.lifetime import (
    GammaGammaModel,
    PurchaseModelUnion,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
)
from retainkit.policy import assess_potential, decide_actions
from retainkit.tiers import (
    LifecycleScheme,
    TierScheme,
    TierState,
    TierTable,
    assign_tiers,
    fit_lifecycle_scheme,
    fit_tier_scheme,
    lifecycle_stage,
)
from retainkit.typing import FloatArray
from retainkit.value import (
    CustomerSummary,
    FutureValueConfig,
    FutureValueModel,
    MarginModel,
    RfmScheme,
    ValueScheme,
    ValueTable,
    fit_margin,
    fit_rfm_scheme,
    fit_value_scheme,
    margin_rates,
    predict_future_value,
    score_rfm,
    score_value,
)

_LIFETIME_ALONE = FutureValueModel(
    config=FutureValueConfig(), chosen="lifetime", reason="only_candidate", window_days=1.0
)


_FITS: dict[PurchaseModelName, Callable[..., PurchaseModelUnion]] = {
    "mbg_nbd": fit_mbg_nbd,
    "bg_nbd": fit_bg_nbd,
    "pareto_nbd": fit_pareto_nbd,
    "nbd": fit_nbd,
}


class _Models(NamedTuple):
    purchase: PurchaseModelUnion | None
    spend: GammaGammaModel | None
    margin: MarginModel
    future: FutureValueModel | None
    notes: tuple[str, ...] = ()


class _Predictions(NamedTuple):
    p_alive: FloatArray
    future_value: FloatArray | None


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
    purchase_model : MbgNbdModel, BgNbdModel, ParetoNbdModel, NbdModel or None
        Model of buying and dropout; None where the base could not support one.
    spend_model : GammaGammaModel or None
        Model of spend per purchase; None where the base could not support one.
    margin : MarginModel
        Profit per unit of purchases.
    future_model : FutureValueModel or None
        Which estimate of future value the base supports best, with the evidence; None where only
        a summary was learnt from: then the lifetime model alone.
    value_scheme : ValueScheme
        Thresholds of the four criteria.
    rfm_scheme : RfmScheme
        Edges of the recency, frequency and money scores.
    lifecycle_scheme : LifecycleScheme
        Usual rhythm of the base.
    tier_scheme : TierScheme
        Cuts between the tiers.
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
        tier   stance
    0    key  protect
    """

    config: PipelineConfig
    as_of: date
    tier_basis: TierBasis
    purchase_model: PurchaseModelUnion | None
    spend_model: GammaGammaModel | None
    margin: MarginModel
    future_model: FutureValueModel | None
    value_scheme: ValueScheme
    rfm_scheme: RfmScheme
    lifecycle_scheme: LifecycleScheme
    tier_scheme: TierScheme
    notes: tuple[str, ...] = ()

    def score(
        self,
        summary: CustomerSummary,
        *,
        facts: CustomerFacts | None = None,
        previous: TierTable | TierState | None = None,
    ) -> CustomerScores:
        """Score customers: value, tier, stage, churn risk and stance, each row on its own.

        Parameters
        ----------
        summary : CustomerSummary
            Customers, from `summarize_customers`, or one from `summarize_customer`.
        facts : CustomerFacts, optional
            Kind, background and standing of the same customers in the same order.
        previous : TierTable or TierState, optional
            The last assessment: a tier then changes only on evidence (`PipelineConfig.stability`).

        Returns
        -------
        CustomerScores
            In the order of `summary`. The result for a customer does not depend on the others.

        Raises
        ------
        SchemaError
            If the summary counts revenue and the model was learnt on profit, or the reverse.
        """
        models = _Models(self.purchase_model, self.spend_model, self.margin, self.future_model)
        predictions = _predict(summary, models, self.config)
        return apply_schemes(self, summary, predictions, facts, previous)


def fit_pipeline(
    summary: CustomerSummary,
    *,
    facts: CustomerFacts | None = None,
    future_model: FutureValueModel | None = None,
    config: PipelineConfig | None = None,
) -> FittedPipeline:
    """Learn everything a run needs from the summary of a base.

    Parameters
    ----------
    summary : CustomerSummary
        The base.
    facts : CustomerFacts, optional
        Kind, background and standing of the same customers in the same order.
    future_model : FutureValueModel, optional
        From `fit_future_value` on the same transactions; None uses the lifetime model alone.
    config : PipelineConfig, optional
        What to learn; default `PipelineConfig()`.

    Returns
    -------
    FittedPipeline
        The learnt model. Where a lifetime model cannot be fitted (for example nobody bought
        twice) it is None, grading falls back to yearly contribution, and `notes` says so.

    Examples
    --------
    >>> import retainkit as rk
    >>> summary = rk.summarize_customers(rk.load_cdnow_sample(), as_of="1997-09-30")
    >>> rk.fit_pipeline(summary).tier_scheme.names
    ('key', 'ordinary', 'small')
    """
    return learn(
        summary, facts=facts, future_model=future_model, config=config or PipelineConfig()
    )[0]


def learn(
    summary: CustomerSummary,
    *,
    facts: CustomerFacts | None,
    future_model: FutureValueModel | None,
    config: PipelineConfig,
) -> tuple[FittedPipeline, _Predictions]:
    """Learn the models, predict once, learn the schemes from the predictions."""
    models = _fit_models(summary, future_model, config)
    predictions = _predict(summary, models, config)
    background = facts.background if facts else None
    scheme = fit_value_scheme(
        summary,
        future_value=predictions.future_value,
        background=background,
        config=config.value,
    )
    value = _score_value(summary, scheme, predictions, facts)
    basis, notes = _settle_basis(config.tier_basis, predictions)
    fitted = FittedPipeline(
        config=config,
        as_of=summary.as_of,
        tier_basis=basis,
        purchase_model=models.purchase,
        spend_model=models.spend,
        margin=models.margin,
        future_model=models.future,
        value_scheme=scheme,
        rfm_scheme=fit_rfm_scheme(summary, config=config.rfm),
        lifecycle_scheme=fit_lifecycle_scheme(summary, config=config.lifecycle),
        tier_scheme=fit_tier_scheme(graded_value(value, basis), config=config.tiers),
        notes=models.notes + notes,
    )
    return fitted, predictions


def apply_schemes(
    fitted: FittedPipeline,
    summary: CustomerSummary,
    predictions: _Predictions,
    facts: CustomerFacts | None,
    previous: TierTable | TierState | None = None,
) -> CustomerScores:
    """Apply the learnt schemes to predicted customers."""
    config = fitted.config
    value = _score_value(summary, fitted.value_scheme, predictions, facts)
    tiers = assign_tiers(
        graded_value(value, fitted.tier_basis),
        fitted.tier_scheme,
        customer_id=summary.customer_id,
        standing=facts.standing if facts else None,
        previous=previous,
        stability=config.stability,
    )
    churn = detect_churn(
        predictions.p_alive,
        customer_id=summary.customer_id,
        never=summary.never_purchased,
        config=config.churn,
    )
    potential = assess_potential(
        tiers.value,
        fitted.tier_scheme,
        customer_id=summary.customer_id,
        tier=tiers.value_tier,
        strategic=None if value.is_business is None else value.background > 0,
        config=config.potential,
    )
    return CustomerScores(
        history=summary,
        value=value,
        rfm=score_rfm(summary, fitted.rfm_scheme),
        lifecycle=lifecycle_stage(
            summary,
            fitted.lifecycle_scheme,
            p_alive=predictions.p_alive,
            customer_id=summary.customer_id,
        ),
        tiers=tiers,
        churn=churn,
        potential=potential,
        policy=decide_actions(
            tiers,
            potential=potential,
            churn=churn,
            value=value,
            catalog=config.measures,
            config=config.policy,
        ),
    )


def graded_value(value: ValueTable, basis: TierBasis) -> FloatArray:
    """Return what customers are graded by [money]."""
    if basis == "lifetime_value":
        return value.future_potential
    return value.contribution if basis == "contribution" else value.historical_contribution


def _fit_models(
    summary: CustomerSummary, future: FutureValueModel | None, config: PipelineConfig
) -> _Models:
    purchase: PurchaseModelUnion | None = None
    spend: GammaGammaModel | None = None
    notes: list[str] = []
    try:
        purchase = _FITS[config.purchase_model](summary, config=config.lifetime)
    except (NotComputableError, ConvergenceError) as error:
        notes.append(f"no model of buying: {error.wrong}")
    try:
        spend = fit_gamma_gamma(summary.frequency, summary.monetary_value, config=config.lifetime)
    except (NotComputableError, ConvergenceError) as error:
        notes.append(f"no model of spend, each customer's own mean is used: {error.wrong}")
    if spend is not None and not np.isfinite(spend.population_mean):
        notes.append("no model of spend, each customer's own mean is used: its mean is infinite")
        spend = None
    margin = fit_margin(summary, assumed_rate=config.value.margin_rate)
    return _Models(purchase, spend, margin, future, tuple(notes))


def _predict(summary: CustomerSummary, models: _Models, config: PipelineConfig) -> _Predictions:
    if models.purchase is None:
        return _Predictions(np.full(len(summary), np.nan), None)
    history = summary.with_unit(models.purchase.unit)
    future_value = predict_future_value(
        summary,
        models.future or _LIFETIME_ALONE,
        purchase_model=models.purchase,
        spend_model=models.spend,
        horizon_days=config.value.horizon_days,
        annual_discount_rate=config.value.annual_discount_rate,
        margin_rate=margin_rates(summary, models.margin),
    )
    return _Predictions(models.purchase.p_alive(history), future_value)


def _score_value(
    summary: CustomerSummary,
    scheme: ValueScheme,
    predictions: _Predictions,
    facts: CustomerFacts | None,
) -> ValueTable:
    return score_value(
        summary,
        scheme,
        future_value=predictions.future_value,
        background=facts.background if facts else None,
        is_business=facts.is_business if facts else None,
    )


def _settle_basis(
    wanted: TierBasis, predictions: _Predictions
) -> tuple[TierBasis, tuple[str, ...]]:
    if wanted == "lifetime_value" and predictions.future_value is None:
        note = "customers are graded by yearly contribution: there is no lifetime value"
        return "historical_contribution", (note,)
    return wanted, ()
