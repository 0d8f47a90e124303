"""Predictions with covariates are those of the plain model of each profile; models travel."""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import AlignmentError, NotComputableError, SchemaError, UnitError
from retainkit.lifetime import (
    BgNbdModel,
    CovariateConfig,
    CovariateEffect,
    CovariateModel,
    Covariates,
    MbgNbdModel,
    ParetoNbdModel,
    PurchaseHistories,
    delta_interval,
    fit_with_covariates,
)
from retainkit.typing import FloatArray
from tests.lifetime import covariate_oracle, oracle

N = 40
BASES = (
    MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week"),
    BgNbdModel(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week"),
    ParetoNbdModel(r=0.553, alpha=10.578, s=0.606, beta=11.669, unit="week"),
)
PREDICTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("p_alive", {}),
    ("p_alive", {"ahead": 20.0}),
    ("expected_purchases", {"horizon": 39.0}),
    ("expected_purchases", {"horizon": 0.0}),
    ("discounted_purchases", {"annual_discount_rate": 0.15}),
    ("discounted_purchases", {"annual_discount_rate": 0.1, "horizon": 52.0}),
    ("purchase_probabilities", {"horizon": 39.0, "max_count": 4}),
)


def effect(on: Any, covariate: str, value: float) -> CovariateEffect:
    return CovariateEffect(on=on, covariate=covariate, value=value)


def model_of(base: Any) -> CovariateModel:
    last: tuple[CovariateEffect, ...]
    if base.kind == "pareto_nbd":
        last = (effect("dropout", "web", -0.6), effect("dropout", "age", 0.05))
    else:
        last = (effect("a", "age", 0.04), effect("b", "web", 0.8), effect("dropout", "web", 0.5))
    return CovariateModel(base=base, effects=(effect("rate", "web", 0.4), *last))


@cache
def customers() -> tuple[PurchaseHistories, pd.DataFrame]:
    rng = np.random.default_rng(4)
    age, x = rng.uniform(5, 60, N), rng.poisson(2.0, N).astype(np.float64)
    x[:3] = [0, 300, 1]
    recency = np.where(x > 0, age * rng.uniform(0.2, 1.0, N), 0.0)
    traits = pd.DataFrame({"web": rng.random(N) < 0.5, "age": rng.normal(40, 12, N)})
    return PurchaseHistories(frequency=x, recency=recency, age=age, unit="week"), traits


def profile(i: int) -> dict[str, float]:
    return {str(name): float(column[i]) for name, column in customers()[1].items()}


def one(history: PurchaseHistories, i: int) -> PurchaseHistories:
    return PurchaseHistories(
        frequency=history.frequency[i : i + 1],
        recency=history.recency[i : i + 1],
        age=history.age[i : i + 1],
        unit="week",
    )


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.kind)
@pytest.mark.parametrize(("name", "how"), PREDICTIONS)
def test_each_customer_is_predicted_by_the_model_of_its_profile(
    base: Any, name: str, how: dict[str, Any]
) -> None:
    history, traits = customers()
    model = model_of(base)
    together = getattr(model.bind(traits), name)(history, **how)
    assert np.isfinite(together).all()
    apart = [getattr(model.at(profile(i)), name)(one(history, i), **how)[0] for i in range(N)]
    np.testing.assert_allclose(together, np.array(apart), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.kind)
def test_new_customers_too(base: Any) -> None:
    _, traits = customers()
    model = model_of(base)
    apart = [model.at(profile(i)).expected_purchases_new(52.0) for i in range(N)]
    found = model.expected_purchases_new(traits, horizon=52.0)
    np.testing.assert_allclose(found, apart, rtol=1e-9)


def test_the_textbook_formulas_at_the_parameters_of_the_note() -> None:
    """alpha_i = alpha exp(-g z), a_i = a exp(g z), b_i = b exp(g z); mpmath's 2F1."""
    model = CovariateModel(
        base=BASES[0],
        effects=(effect("rate", "z", 0.4), effect("a", "z", -0.3), effect("b", "z", 0.2)),
    )
    z, x, t, T = mp.mpf("1.5"), 3, mp.mpf(20), mp.mpf(39)
    r, alpha = mp.mpf("0.525"), mp.mpf("6.183") * mp.exp(-mp.mpf("0.4") * z)
    a = mp.mpf("0.891") * mp.exp(-mp.mpf("0.3") * z)
    b = mp.mpf("1.614") * mp.exp(mp.mpf("0.2") * z)
    history = PurchaseHistories(frequency=[x], recency=[20.0], age=[39.0], unit="week")
    table = pd.DataFrame({"z": [1.5]})
    alive = oracle.mbg_p_alive(r, alpha, a, b, x, t, T)
    assert model.bind(table).p_alive(history)[0] == pytest.approx(float(alive), rel=1e-12)
    expected = oracle.mbg_expected_purchases(r, alpha, a, b, x, t, T, 26)
    found = model.bind(table).expected_purchases(history, horizon=26.0)[0]
    assert found == pytest.approx(float(expected), rel=1e-9)


def test_the_textbook_formula_of_pareto_nbd() -> None:
    model = CovariateModel(
        base=BASES[2], effects=(effect("rate", "z", 0.4), effect("dropout", "z", -0.3))
    )
    alpha, beta = mp.mpf("10.578") * mp.exp(-0.4), mp.mpf("11.669") * mp.exp(0.3)
    alive = oracle.pareto_p_alive(
        mp.mpf("0.553"), alpha, mp.mpf("0.606"), beta, 3, mp.mpf(20), mp.mpf(39)
    )
    history = PurchaseHistories(frequency=[3], recency=[20.0], age=[39.0], unit="week")
    found = model.bind(pd.DataFrame({"z": [1]})).p_alive(history)[0]
    assert found == pytest.approx(float(alive), rel=1e-10)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(
    value=st.floats(-1.0, 1.0),
    z=st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=5),
    base=st.sampled_from(BASES),
)
def test_a_higher_rate_means_more_purchases_of_new_customers(
    value: float, z: list[float], base: Any
) -> None:
    """Expected purchases of new customers rise with effect times covariate, and only with it."""
    model = CovariateModel(base=base, effects=(effect("rate", "z", value),))
    found = model.expected_purchases_new(pd.DataFrame({"z": z}), horizon=52.0)
    order = np.argsort(np.array(z) * value, kind="stable")
    assert (np.diff(found[order]) >= -1e-9 * found.max()).all()


def test_many_customers_are_predicted_like_few(monkeypatch: pytest.MonkeyPatch) -> None:
    history, traits = customers()
    model = model_of(BASES[0])
    missing = traits.astype("float64")
    missing.loc[5, "age"] = np.nan
    few = model.bind(missing).expected_purchases(history, horizon=20.0)
    monkeypatch.setattr("retainkit.lifetime._process._COMPRESS_FROM", 1)
    monkeypatch.setattr("retainkit.lifetime._process._CHUNK", 7)
    many = model.bind(missing).expected_purchases(history, horizon=20.0)
    np.testing.assert_allclose(many, few, rtol=1e-12)
    assert np.isnan(many[5])


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.kind)
def test_what_is_not_known_is_not_predicted(base: Any) -> None:
    """A missing covariate or age gives NaN for that customer alone."""
    model = model_of(base)
    history = PurchaseHistories(
        frequency=[2, 2, 0], recency=[5, 5, np.nan], age=[9, 9, np.nan], unit="week"
    )
    traits = pd.DataFrame({"web": [1.0, np.nan, 1.0], "age": 40.0, "note": "x"})
    for name, how in PREDICTIONS:
        found = getattr(model.bind(traits.drop(columns="note")), name)(history, **how)
        missing = np.isnan(found).reshape(3, -1).all(axis=1).tolist()
        assert missing == [False, True, True], name
    assert np.isnan(model.expected_purchases_new(traits[["web", "age"]], horizon=9.0)[1])


def test_predictions_say_what_they_need() -> None:
    history, traits = customers()
    model = model_of(BASES[0])
    with pytest.raises(SchemaError, match="no covariate 'web'"):
        model.bind(traits[["age"]]).p_alive(history)
    with pytest.raises(AlignmentError, match="39 customers for 40"):
        model.bind(traits.iloc[1:]).p_alive(history)
    with pytest.raises(NotComputableError, match="horizon"):
        model.bind(traits).expected_purchases(history, horizon=-1.0)
    with pytest.raises(NotComputableError, match="neither"):
        model.bind(traits).discounted_purchases(history, annual_discount_rate=0.0)
    with pytest.raises(NotComputableError, match="max_count"):
        model.bind(traits).purchase_probabilities(history, horizon=1.0, max_count=-1)
    days = PurchaseHistories(frequency=[1], recency=[5], age=[9], unit="day")
    with pytest.raises(UnitError):
        model.bind(traits.iloc[:1]).p_alive(days)
    with pytest.raises(NotComputableError, match="level"):
        model.effect_table(level=1.0)


def test_columns_may_come_in_any_order_and_number() -> None:
    history, traits = customers()
    model = model_of(BASES[1])
    expected = model.bind(traits).p_alive(history)
    more = traits.assign(zip=12345)[["zip", "age", "web"]]
    np.testing.assert_array_equal(model.bind(more).p_alive(history), expected)
    table = Covariates(more.to_numpy(dtype=np.float64), names=more.columns)
    np.testing.assert_array_equal(model.bind(table).p_alive(history), expected)


@cache
def fitted() -> tuple[CovariateModel, PurchaseHistories, FloatArray]:
    rate, odds = np.array([0.5, -0.3]), np.array([-0.25, 0.2])
    history, z = covariate_oracle.draw_beta_geometric(
        1500, rate=rate, a=odds, b=-odds, first=True, seed=1
    )
    table = Covariates(z, names=("group", "score"))
    config = CovariateConfig(dropout_effects="odds")
    return fit_with_covariates(history, table, config=config), history, z


def test_a_model_goes_through_json_and_pickle_bit_for_bit() -> None:
    model, history, z = fitted()
    table = Covariates(z, names=("group", "score"))
    again = CovariateModel.from_json(model.to_json())
    assert again == model
    assert hash(again) == hash(model)
    assert pickle.loads(pickle.dumps(model)) == model
    np.testing.assert_array_equal(
        again.bind(table).p_alive(history), model.bind(table).p_alive(history)
    )
    np.testing.assert_array_equal(again.covariance, model.covariance)


def test_criteria_count_the_effects() -> None:
    model, _, _ = fitted()
    assert model.log_likelihood is not None
    assert model.aic == pytest.approx(2 * 8 - 2 * model.log_likelihood)
    assert model.bic == pytest.approx(8 * np.log(1500) - 2 * model.log_likelihood)
    ratio = model.likelihood_ratio
    assert ratio is not None
    assert model.plain_log_likelihood is not None
    assert ratio.statistic == 2 * (model.log_likelihood - model.plain_log_likelihood)
    from scipy.stats import chi2

    assert ratio.p_value == pytest.approx(chi2.sf(ratio.statistic, 4), rel=1e-10)


def test_tables_agree_with_each_other() -> None:
    model, _, _ = fitted()
    summary, effects = model.summary(), model.effect_table()
    assert list(summary.index[:4]) == ["r", "alpha", "a", "b"]
    names = effects["on"] + ":" + effects["covariate"]
    assert list(summary.index[4:]) == names.tolist()
    np.testing.assert_array_equal(summary["estimate"].iloc[4:], effects["effect"])
    np.testing.assert_allclose(summary["standard_error"].iloc[4:], effects["standard_error"])
    from scipy.stats import norm

    z = (effects["effect"] / effects["standard_error"]).abs()
    np.testing.assert_allclose(effects["p_value"], 2 * norm.sf(z), rtol=1e-9)
    half = norm.ppf(0.975) * effects["standard_error"]
    np.testing.assert_allclose(effects["high"] - effects["effect"], half, rtol=1e-12)


def test_the_delta_method_moves_effects_as_it_moves_parameters() -> None:
    """The log of alpha_i is linear in theta, so its standard error is known exactly."""
    model, _, z = fitted()
    table = Covariates(z[:5], names=("group", "score"))
    found = delta_interval(model, lambda m: m.parameter_table(table)["alpha"].to_numpy())
    assert model.log_covariance is not None
    of_logs = np.array(model.log_covariance, dtype=np.float64)
    slope = np.zeros((5, 8))
    slope[:, 1], slope[:, 4:6] = 1.0, -z[:5]
    exact = np.sqrt(np.einsum("ij,jk,ik->i", slope, of_logs, slope)) * found.estimate
    np.testing.assert_allclose(found.standard_error, exact, rtol=1e-4)


def test_models_by_hand_are_checked() -> None:
    with pytest.raises(ValueError, match="repeated"):
        CovariateModel(base=BASES[0], effects=(effect("rate", "z", 1.0),) * 2)
    with pytest.raises(ValueError, match="no shapes"):
        CovariateModel(base=BASES[2], effects=(effect("a", "z", 1.0),))
    model = model_of(BASES[0])
    assert model.likelihood_ratio is None
    assert np.isnan(model.covariance).all()
    assert np.isnan(model.effect_table()["p_value"]).all()


@pytest.mark.parametrize("limit", [1, 10**6])
def test_without_effects_the_model_is_its_base(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    history, traits = customers()
    model = CovariateModel(base=BASES[0], effects=())
    monkeypatch.setattr("retainkit.lifetime._process._COMPRESS_FROM", limit)
    found = model.bind(traits).expected_purchases(history, horizon=20.0)
    expected = BASES[0].expected_purchases(history, horizon=20.0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
