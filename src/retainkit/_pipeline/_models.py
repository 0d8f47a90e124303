"""The models that the future is learnt with, and what they predict of each customer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from retainkit._core.time import DAYS_PER_UNIT
from retainkit._pipeline._config import PipelineConfig, PurchaseModelName
from retainkit._pipeline._contract_models import ContractTerm, predict_contracts
from retainkit._pipeline._covariates import (
    AnyPurchaseModel,
    CovariateMeans,
    fit_covariates,
    learn_means,
)
from retainkit._pipeline._facts import CustomerFacts
from retainkit._pipeline._small_check import SmallCheck
from retainkit._pipeline._states import read_activity
from retainkit.churn import ChurnTable, StateScheme, detect_churn
from retainkit.churn._contracts import churn_of_contracts
from retainkit.contracts import ContractState
from retainkit.errors import (
    ConvergenceError,
    NotComputableError,
    RetainkitError,
    SchemaError,
)
from retainkit.forecast import (
    Activity,
    ForecastModel,
    ForecastTable,
    RenewalModel,
    ValueEstimator,
    forecast_by_lifetime,
    forecast_contracts,
    join_forecasts,
)
from retainkit.forecast._outlook import AtLast, forecast_at_last
from retainkit.forecast._past_values import PastValue
from retainkit.lifetime import (
    Covariates,
    GammaGammaModel,
    PurchaseModelUnion,
    compare_models,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
    split_histories,
)
from retainkit.tables import align_customer_ids
from retainkit.typing import FloatArray
from retainkit.value import (
    CustomerSummary,
    FuturePotential,
    MarginModel,
    compose_potential,
    expected_lifetime_value,
    fit_margin,
    margin_rates,
    net_margin_rates,
)

PURCHASE_FITS: dict[PurchaseModelName, Callable[..., PurchaseModelUnion]] = {
    "mbg_nbd": fit_mbg_nbd,
    "bg_nbd": fit_bg_nbd,
    "pareto_nbd": fit_pareto_nbd,
    "nbd": fit_nbd,
}


class ModelChoice(NamedTuple):
    """Which model of buying is fitted; where a hold-out decided, why."""

    name: PurchaseModelName = "mbg_nbd"
    reason: str = ""


class Models(NamedTuple):
    """What was learnt of buying, spend, margin, the time ahead, contracts and renewals.

    Covariates are those of the customers the models are asked about.
    """

    purchase: AnyPurchaseModel | None
    spend: GammaGammaModel | None
    margin: MarginModel
    forecast: ForecastModel | None
    contracts: tuple[ContractTerm, ...] = ()
    renewal: RenewalModel | None = None
    charges_apart: bool = True
    reason: str = ""
    notes: tuple[str, ...] = ()
    estimator: ValueEstimator | None = None
    states: StateScheme | None = None
    covariate_means: CovariateMeans = ()
    covariates: Covariates | None = None
    small: SmallCheck = SmallCheck()
    past_values: tuple[PastValue, ...] = ()


class Predictions(NamedTuple):
    """Of each customer: whether it is there or has left, the forecast, what money is made of."""

    p_alive: FloatArray
    churn: ChurnTable
    forecast: ForecastTable | None
    future_value: FloatArray | None
    potential: FuturePotential | None = None
    activity: Activity | None = None
    at_last: AtLast | None = None

    def worth(
        self, value: FloatArray, facts: CustomerFacts | None, config: PipelineConfig
    ) -> Predictions:
        """Return the same with this expected money, and with growth where behaviour is known."""
        if facts is None or facts.behavior is None:
            return self._replace(future_value=value)
        potential = compose_potential(
            value,
            facts.behavior,
            growth_weight=config.growth_weight,
            wallet=facts.wallet,
            attainable=config.attainable_wallet,
            horizon_days=float(config.horizon_days),
        )
        return self._replace(future_value=potential.total, potential=potential)


def choose_purchase_model(rows: pd.DataFrame, as_of: date, config: PipelineConfig) -> ModelChoice:
    """Return which model of buying to fit, and why; a hold-out decides where asked to."""
    if config.purchase_model != "best":
        return ModelChoice(config.purchase_model)
    bought = rows[rows["amount"] >= 0.0]
    try:
        split = split_histories(
            bought["customer_id"], bought["timestamp"], holdout_end=as_of, unit=config.unit
        )
        comparison = compare_models(split, fits=tuple(PURCHASE_FITS.values()))
    except RetainkitError as error:
        reason = error.args[0] if error.args else "the models could not be compared"
        return ModelChoice("mbg_nbd", f"the default, as nothing could be compared: {reason}")
    chosen: PurchaseModelName = next(name for name in PURCHASE_FITS if name == comparison.chosen)
    return ModelChoice(chosen, comparison.reason)


def fit_purchase_models(
    summary: CustomerSummary,
    choice: ModelChoice,
    forecast: ForecastModel | None,
    config: PipelineConfig,
    covariates: Covariates | None = None,
) -> Models:
    """Fit buying, spend and margin; note what the base could not support."""
    plain: PurchaseModelUnion | None = None
    spend: GammaGammaModel | None = None
    notes: list[str] = []
    try:
        plain = PURCHASE_FITS[choice.name](summary, config=config.lifetime)
    except (NotComputableError, ConvergenceError) as error:
        notes.append(f"no model of buying: {error.wrong}")
    means = learn_means(covariates)
    known, purchase, said = fit_covariates(plain, summary, covariates, means, config)
    notes += said
    if purchase is not None and not purchase.dropout_is_identified:
        notes.append(
            "no probability of being alive and no lifetime value: dropout cannot be told from "
            "silence on this base"
        )
    try:
        spend = fit_gamma_gamma(summary.frequency, summary.monetary_value, config=config.lifetime)
    except (NotComputableError, ConvergenceError) as error:
        notes.append(f"no model of spend, each customer's own mean is used: {error.wrong}")
    if spend is not None and not np.isfinite(spend.population_mean):
        notes.append("no model of spend, each customer's own mean is used: its mean is infinite")
        spend = None
    margin = fit_margin(summary, assumed_rate=config.value.margin_rate)
    if forecast is None:
        forecast = forecast_by_lifetime(
            plain, summary, horizon_days=config.horizon_days, config=config.forecast
        )
    return Models(
        purchase,
        spend,
        margin,
        forecast,
        reason=choice.reason,
        notes=tuple(notes),
        covariate_means=means,
        covariates=known,
    )


def fit_contract_models(
    summary: CustomerSummary,
    terms: tuple[ContractTerm, ...],
    config: PipelineConfig,
    *,
    renewal: RenewalModel | None = None,
    notes: tuple[str, ...] = (),
) -> Models:
    """Fit the margin; how long contracts last is known."""
    if not (summary.purchase_amount > 0).any():
        raise NotComputableError(
            f"no contract of {len(summary):,} customer(s) has been charged by {summary.as_of}",
            rule="the value of a contract is what its paid months have charged",
            where="contracts",
            fix="check amount, paid, start and as_of; with trials alone there is no value to grade",
        )
    margin = fit_margin(summary, assumed_rate=config.value.margin_rate)
    return Models(None, None, margin, None, terms, renewal, notes=notes)


def predict(
    summary: CustomerSummary,
    models: Models,
    config: PipelineConfig,
    facts: CustomerFacts | None,
    *,
    brief: bool = False,
) -> Predictions:
    """Predict every customer once: from the state of its contract where there is one.

    `brief` leaves out the forecast as of each customer's last purchase.
    """
    if facts is not None and facts.contracts is not None:
        return _predict_contracts(summary, models, config, facts.contracts)
    if models.contracts:
        raise _needs_contracts()
    p_alive = _p_alive(summary, models)
    churn = _judge(summary, p_alive, config)
    if models.forecast is None:
        return Predictions(p_alive, churn, None, None)
    margin = net_margin_rates(summary, models.margin)
    forecast = models.forecast.apply(
        summary,
        margin_rate=margin,
        annual_discount_rate=config.annual_discount_rate,
        estimator=models.estimator,
        covariates=models.covariates,
    )
    if facts is not None and facts.contracts_beside is not None and models.renewal is not None:
        forecast = _with_contracts(forecast, facts.contracts_beside, summary, models, config)
    activity = read_activity(summary, models.forecast, models.covariates)
    at_last = None
    if not brief:
        at_last = forecast_at_last(
            models.forecast,
            summary,
            margin_rate=margin,
            annual_discount_rate=config.annual_discount_rate,
            covariates=models.covariates,
        )
    value = forecast.expected_value if np.isfinite(forecast.expected_value).any() else None
    told = Predictions(p_alive, churn, forecast, value, activity=activity, at_last=at_last)
    return told if value is None else told.worth(value, facts, config)


def _with_contracts(
    purchases: ForecastTable,
    state: ContractState,
    summary: CustomerSummary,
    models: Models,
    config: PipelineConfig,
) -> ForecastTable:
    """Let renewals decide for those under contract, and add what contracts bring."""
    assert models.renewal is not None
    contracts = forecast_contracts(
        models.renewal,
        state,
        as_of=summary.as_of,
        horizon_days=config.horizon_days,
        margin_rate=models.margin.net_rate,
        annual_discount_rate=config.annual_discount_rate,
    )
    place = align_customer_ids(summary.customer_id, state.customer_id)
    has = place >= 0
    came_back = (summary.occasions > 0) & (summary.last_day > state.paid_through[place])
    return join_forecasts(
        purchases,
        contracts,
        place=place,
        running=has & state.is_in("running")[place],
        add_charges=models.charges_apart,
        left=has & state.is_in("ended")[place] & ~came_back,
    )


def _p_alive(summary: CustomerSummary, models: Models) -> FloatArray:
    """Return the probability of being alive.

    NaN where no model of dropout could be learnt, or dropout cannot be told from silence: the
    chance of being alive is then unknown, not 1.
    """
    if models.purchase is None or not models.purchase.dropout_is_identified:
        return np.full(len(summary), np.nan)
    return models.purchase.p_alive(summary.with_unit(models.purchase.unit))


def value_to_the_end(
    summary: CustomerSummary, models: Models, config: PipelineConfig, facts: CustomerFacts | None
) -> FloatArray:
    """Return the discounted money to the long end [money]; NaN where dropout is not known."""
    margin = margin_rates(summary, models.margin)
    if facts is not None and facts.contracts is not None:
        value = _charges(facts.contracts, models, config, margin, config.lifetime_days)
        if value is None:
            value = np.full(len(summary), np.nan)
        return np.where(facts.contracts.is_in("ended") & np.isnan(value), 0.0, value)
    if models.purchase is None or not models.purchase.dropout_is_identified:
        return np.full(len(summary), np.nan)
    return expected_lifetime_value(
        summary,
        models.purchase,
        spend_model=models.spend,
        horizon_days=config.lifetime_days,
        annual_discount_rate=config.annual_discount_rate,
        margin_rate=margin,
    )


def _charges(
    state: ContractState,
    models: Models,
    config: PipelineConfig,
    margin: FloatArray,
    days: float,
) -> FloatArray | None:
    return predict_contracts(
        state,
        models.contracts,
        margin_rate=margin,
        horizon_days=days,
        annual_discount_rate=config.annual_discount_rate,
    )


def _predict_contracts(
    summary: CustomerSummary, models: Models, config: PipelineConfig, state: ContractState
) -> Predictions:
    """Say who has left as it was seen, and forecast renewals and charges to come."""
    margin = margin_rates(summary, models.margin)
    churn = churn_of_contracts(state)
    if models.renewal is None:
        value = _charges(state, models, config, margin, float(config.horizon_days))
        return Predictions(churn.p_active, churn, None, value)
    forecast = forecast_contracts(
        models.renewal,
        state,
        as_of=summary.as_of,
        horizon_days=config.horizon_days,
        margin_rate=margin,
        annual_discount_rate=config.annual_discount_rate,
    )
    known = np.isfinite(forecast.expected_value).any()
    return Predictions(churn.p_active, churn, forecast, forecast.expected_value if known else None)


def _judge(summary: CustomerSummary, p_active: FloatArray, config: PipelineConfig) -> ChurnTable:
    """Judge from the probability who has left."""
    churn = detect_churn(
        p_active,
        customer_id=pd.RangeIndex(len(summary)),  # known to differ: not looked for among the ids
        never=summary.never_purchased,
        config=config.churn,
    )
    return replace(churn, customer_id=summary.customer_id)


def scatter_of(
    models: Models, summary: CustomerSummary, config: PipelineConfig
) -> dict[str, Any] | None:
    """Return what the scatter of future values rests on, for `LifetimeValues` and its kin.

    None where the models say nothing about it.
    """
    if models.purchase is None or models.spend is None:
        return None
    return {
        "monetary_value": summary.monetary_value,
        "purchase_model": models.purchase,
        "spend_model": models.spend,
        "horizon": config.horizon_days / DAYS_PER_UNIT[models.purchase.unit],
        "annual_discount_rate": config.annual_discount_rate,
        "margin_rate": margin_rates(summary, models.margin),
    }


def _needs_contracts() -> SchemaError:
    return SchemaError(
        "the model was learnt from contracts, and the facts hold none",
        rule="a contract customer is scored by the state of the contract",
        where="facts.contracts",
        fix="pass CustomerFacts(customer_id=..., contracts=read_contract_state(...).of(...))",
    )
