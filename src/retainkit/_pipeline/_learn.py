"""fit_pipeline: learn the small model of a whole run."""

from __future__ import annotations

from typing import NamedTuple

from retainkit._pipeline._business import is_one_time
from retainkit._pipeline._config import PipelineConfig, TierBasis
from retainkit._pipeline._contract_models import ContractTerm
from retainkit._pipeline._covariates import unbind
from retainkit._pipeline._facts import CustomerFacts
from retainkit._pipeline._fitted import FittedPipeline
from retainkit._pipeline._grade import breadth_of, graded_value, score_criteria, settle_basis
from retainkit._pipeline._models import (
    ModelChoice,
    Models,
    Predictions,
    fit_contract_models,
    fit_purchase_models,
    predict,
)
from retainkit._pipeline._rises import learn_rises_of
from retainkit._pipeline._small_check import SmallCheck
from retainkit._pipeline._states import (
    last_year,
    read_activity,
    states_without_past,
    tell_states,
)
from retainkit._pipeline._value_by_state import adjust_values, fit_value_by_state
from retainkit.churn import StateScheme
from retainkit.forecast import ForecastModel, RenewalModel
from retainkit.tiers import (
    TierScheme,
    fit_lifecycle_scheme,
    fit_tier_scheme,
)
from retainkit.value import (
    CustomerSummary,
    fit_rfm_scheme,
    fit_value_scheme,
)


def fit_pipeline(
    summary: CustomerSummary,
    *,
    facts: CustomerFacts | None = None,
    forecast: ForecastModel | None = None,
    contract_terms: tuple[ContractTerm, ...] = (),
    renewal: RenewalModel | None = None,
    charges_apart: bool = True,
    states: StateScheme | None = None,
    small: SmallCheck | None = None,
    config: PipelineConfig | None = None,
) -> FittedPipeline:
    """Learn everything a run needs from the summary of a base.

    Parameters
    ----------
    summary : CustomerSummary
        The base.
    facts : CustomerFacts, optional
        Kind, background and standing of the same customers in the same order.
    forecast : ForecastModel, optional
        From `fit_forecast` on the same transactions; None uses the lifetime model alone.
        Models of buying are compared in a run only: `purchase_model="best"` is MBG/NBD here.
    contract_terms : tuple of ContractTerm, default ()
        How long contracts last, where `facts` holds contracts.
    renewal : RenewalModel, optional
        From `fit_renewal_model` on the contracts that `facts` holds, alone or beside purchases.
    charges_apart : bool, default True
        Whether the charges of contracts beside purchases come on top of the transactions.
    states : StateScheme, optional
        From `churn.fit_state_scheme`; by default nobody is called gone or quiet by judgement.
    small : SmallCheck, optional
        What those of the last tier brought on earlier days; by default nothing is taken away.
    config : PipelineConfig, optional
        What to learn; default `PipelineConfig()`.

    Returns
    -------
    FittedPipeline
        The learnt model. Where a lifetime model cannot be fitted (for example nobody bought
        twice) it is None, grading falls back to yearly contribution, and `notes` says so. What
        earlier days say of values by state and of potential is learnt in a run only.

    Examples
    --------
    >>> import retainkit as rk
    >>> summary = rk.summarize_customers(rk.load_cdnow_sample(), as_of="1997-09-30")
    >>> rk.fit_pipeline(summary).tier_scheme.names
    ('key', 'ordinary', 'small')
    """
    config = config or PipelineConfig()
    if facts is not None and facts.contracts is not None:
        models = fit_contract_models(summary, contract_terms, config, renewal=renewal)
    else:
        named = config.purchase_model
        choice = ModelChoice("mbg_nbd" if named == "best" else named)
        known = facts.covariates if facts else None
        models = fit_purchase_models(summary, choice, forecast, config, known)
        models = models._replace(renewal=renewal, charges_apart=charges_apart)
    models = models._replace(states=states, small=small or SmallCheck())
    return learn_schemes(summary, models, facts=facts, config=config)[0]


class HeldScheme(NamedTuple):
    """Cuts of an earlier run, and what they cut."""

    scheme: TierScheme
    basis: TierBasis


def learn_schemes(
    summary: CustomerSummary,
    models: Models,
    *,
    facts: CustomerFacts | None,
    config: PipelineConfig,
    held: HeldScheme | None = None,
    brief: bool = False,
) -> tuple[FittedPipeline, Predictions]:
    """Predict once, and learn the schemes from the predictions.

    `brief`: only what tiers and states rest on; no outlook and no chance to rise.
    """
    predictions = predict(summary, models, config, facts, brief=brief)
    known = models.states or states_without_past(summary, models.forecast, config)
    by_state = fit_value_by_state(models.past_values, known, predictions)
    predictions = adjust_values(predictions, by_state, known, facts, config)
    background = facts.background if facts else None
    scheme = fit_value_scheme(
        summary,
        future_value=predictions.future_value,
        background=background,
        business_breadth=breadth_of(facts),
        config=config.value,
    )
    value = score_criteria(summary, scheme, predictions, facts)
    basis, fallback = settle_basis(config.tier_basis, predictions)
    activity = predictions.activity or read_activity(summary, None)
    predictions = predictions._replace(activity=activity)
    states = tell_states(summary, activity, known, facts)
    there = states.is_current
    past = () if brief else models.past_values
    rises, check = learn_rises_of(past, basis, known, config)
    own = fit_tier_scheme(graded_value(value, basis)[there], config=config.tiers)
    fitted = FittedPipeline(
        config=config,
        as_of=summary.as_of,
        tier_basis=basis,
        purchase_model=unbind(models.purchase),
        purchase_model_reason=models.reason,
        spend_model=models.spend,
        margin=models.margin,
        forecast=models.forecast,
        contract_terms=models.contracts,
        renewal=models.renewal,
        charges_apart=models.charges_apart,
        covariate_means=models.covariate_means,
        value_scheme=scheme,
        rfm_scheme=fit_rfm_scheme(summary, config=config.rfm),
        lifecycle_scheme=fit_lifecycle_scheme(summary, config=config.lifecycle),
        tier_scheme=held.scheme if held is not None and held.basis == basis else own,
        own_scheme=own,
        state_scheme=known,
        small_check=models.small,
        former_scheme=fit_tier_scheme(
            last_year(summary, models.margin)[there], config=config.tiers
        ),
        one_time=(facts is None or facts.contracts is None) and is_one_time(summary, states),
        value_by_state=by_state,
        rise_model=rises,
        rise_check=check,
        notes=models.notes + fallback,
    )
    return fitted, predictions
