"""Fits with covariates against scipy's optimiser, simulations with known effects, and laws."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import RetainkitWarning
from retainkit.lifetime import (
    CovariateConfig,
    CovariateModel,
    Covariates,
    PurchaseHistories,
    compress_histories,
    fit_bg_nbd,
    fit_mbg_nbd,
    fit_pareto_nbd,
    fit_with_covariates,
)
from retainkit.typing import FloatArray
from tests.lifetime import covariate_oracle as oracle

NAMES = ("group", "score")
RATE, A, B = np.array([0.5, -0.3]), np.array([-0.4, 0.3]), np.array([0.3, 0.1])
DROPOUT = np.array([-0.5, 0.4])
LAWS = ("mbg_nbd", "bg_nbd", "pareto_nbd")
PLAIN = {"mbg_nbd": fit_mbg_nbd, "bg_nbd": fit_bg_nbd, "pareto_nbd": fit_pareto_nbd}


@cache
def base(law: str, n: int = 1500, seed: int = 1) -> oracle.Base:
    if law == "pareto_nbd":
        return oracle.draw_pareto(n, rate=RATE, dropout=DROPOUT, seed=seed)
    return oracle.draw_beta_geometric(n, rate=RATE, a=A, b=B, first=law == "mbg_nbd", seed=seed)


def table_of(z: FloatArray) -> pd.DataFrame:
    return pd.DataFrame(z, columns=list(NAMES))


def config_of(law: str, **changes: Any) -> CovariateConfig:
    return CovariateConfig.model_validate({"law": law, **changes})


@cache
def fitted(law: str, **changes: Any) -> CovariateModel:
    history, z = base(law)
    return fit_with_covariates(history, table_of(z), config=config_of(law, **changes))


def take(history: PurchaseHistories, rows: Any) -> PurchaseHistories:
    return PurchaseHistories(
        frequency=history.frequency[rows],
        recency=history.recency[rows],
        age=history.age[rows],
        unit=history.unit,
    )


def vector(model: CovariateModel) -> FloatArray:
    """Return log-parameters of the base, and effects."""
    values = np.array(list(model.parameters.values()))
    return np.concatenate([np.log(values[:4]), values[4:]])


def errors(model: CovariateModel) -> FloatArray:
    """Return the standard errors of `vector`."""
    assert model.log_covariance is not None
    return np.sqrt(np.diag(np.array(model.log_covariance, dtype=np.float64)))


def link_of(law: str, z: FloatArray, *, odds: bool = False) -> Any:
    """Return the parameters of note 019 as a function of (log-parameters, effects)."""

    def link(theta: FloatArray) -> tuple[Any, ...]:
        p, q, alpha, c, d = np.exp(theta[0]), np.exp(theta[2]), *np.exp(theta[[1, 2, 3]])
        alpha = alpha * np.exp(-z @ theta[4:6])
        if law == "pareto_nbd":
            return p, alpha, q, d * np.exp(-z @ theta[6:8])
        if odds:
            half = z @ theta[6:8] / 2
            return p, alpha, c * np.exp(half), d * np.exp(-half)
        return p, alpha, c * np.exp(z @ theta[6:8]), d * np.exp(z @ theta[8:10])

    return link


def law_of(law: str) -> oracle.Law:
    return oracle.pareto if law == "pareto_nbd" else oracle.beta_geometric(int(law == "mbg_nbd"))


@pytest.mark.parametrize("law", LAWS)
def test_the_log_likelihood_is_that_of_the_note(law: str) -> None:
    model, (history, z) = fitted(law), base(law)
    columns = (history.frequency, history.recency, history.age)
    values = law_of(law)(*link_of(law, z)(vector(model)), *columns)
    assert model.log_likelihood == pytest.approx(values.sum(), rel=1e-10)


@pytest.mark.parametrize("law", ["mbg_nbd", "bg_nbd"])
@pytest.mark.parametrize("odds", [False, True])
def test_scipy_finds_the_same_optimum(law: str, odds: bool) -> None:
    model = fitted(law, dropout_effects="odds") if odds else fitted(law)
    history, z = base(law)
    start = np.concatenate([np.log([1.0, 8.0, 1.0, 2.0]), np.zeros(4 if odds else 6)])
    theta, value = oracle.maximum(law_of(law), link_of(law, z, odds=odds), history, start)
    assert model.log_likelihood == pytest.approx(value, rel=1e-9)
    np.testing.assert_allclose(vector(model), theta, atol=2e-3 * errors(model).max())


def test_scipy_finds_the_same_optimum_of_pareto_nbd() -> None:
    history, z = base("pareto_nbd", 300)
    model = fit_with_covariates(history, table_of(z), config=config_of("pareto_nbd"))
    start = np.concatenate([np.log([1.0, 8.0, 1.0, 10.0]), np.zeros(4)])
    theta, value = oracle.maximum(oracle.pareto, link_of("pareto_nbd", z), history, start)
    assert model.log_likelihood == pytest.approx(value, rel=1e-9)
    np.testing.assert_allclose(vector(model), theta, atol=2e-3 * errors(model).max())


@pytest.mark.parametrize(
    "law", ["mbg_nbd", "bg_nbd", pytest.param("pareto_nbd", marks=pytest.mark.slow)]
)
def test_the_covariance_is_the_inverse_of_the_oracles_curvature(law: str) -> None:
    model, (history, z) = fitted(law), base(law)
    columns, at, step = (history.frequency, history.recency, history.age), vector(model), 1e-4
    link, size = link_of(law, z), len(vector(model))

    def scores(theta: FloatArray) -> FloatArray:
        moves = step * np.eye(size)
        return np.array(
            [
                (law_of(law)(*link(theta + m), *columns) - law_of(law)(*link(theta - m), *columns))
                .sum() / (2 * step)
                for m in moves
            ]
        )  # fmt: skip

    curvature = np.array(
        [(scores(at + m) - scores(at - m)) / (2 * step) for m in step * np.eye(size)]
    )
    expected = np.sqrt(np.diag(np.linalg.inv(-curvature)))
    np.testing.assert_allclose(errors(model), expected, rtol=1e-3)


@pytest.mark.parametrize("law", LAWS)
def test_a_simulated_base_gives_its_effects_back(law: str) -> None:
    history, z = base(law, 12_000, 5)
    model = fit_with_covariates(history, table_of(z), config=config_of(law))
    dropout = DROPOUT if law == "pareto_nbd" else np.concatenate([A, B])
    truth = np.concatenate([RATE, dropout])
    found, error = vector(model)[4:], errors(model)[4:]
    assert (np.abs(found - truth) < 3 * error).all()
    assert (error[:2] < 0.05).all()
    shapes = [0.8, 6.0, 0.9, 15.0 if law == "pareto_nbd" else 2.0]
    assert (np.abs(vector(model)[:4] - np.log(shapes)) < 3 * errors(model)[:4]).all()
    assert model.likelihood_ratio is not None
    assert model.likelihood_ratio.p_value < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_intervals_cover_the_truth_as_often_as_they_say(law: str) -> None:
    """90 % Wald intervals of the effects over 200 bases; sampling error of a share is 2 %."""
    dropout = DROPOUT
    covered: list[Any] = []
    for seed in range(200):
        if law == "pareto_nbd":
            history, z = oracle.draw_pareto(3000, rate=RATE, dropout=dropout, seed=seed)
        else:
            history, z = oracle.draw_beta_geometric(
                3000, rate=RATE, a=dropout / 2, b=-dropout / 2, first=law == "mbg_nbd", seed=seed
            )
        model = fit_with_covariates(
            history, table_of(z), config=config_of(law, dropout_effects="odds")
        )
        effects = model.effect_table(level=0.9)
        truth = np.concatenate([RATE, dropout])
        covered.append(((effects["low"] < truth) & (truth < effects["high"])).to_numpy())
    share = np.mean(covered, axis=0)
    assert (share > 0.84).all()
    assert (share < 0.96).all()
    assert 0.87 < share.mean() < 0.93


@pytest.mark.parametrize("law", LAWS)
def test_a_covariate_without_effect_is_seldom_found_to_have_one(law: str) -> None:
    history, z = base(law)
    shuffled = np.random.default_rng(3).permutation(z)
    model = fit_with_covariates(history, table_of(shuffled), config=config_of(law))
    ratio = model.likelihood_ratio
    assert ratio is not None
    assert ratio.degrees_of_freedom == len(model.effects)
    assert ratio.p_value > 0.001
    plain = PLAIN[law](history)
    assert model.plain_log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    assert (np.abs(vector(model)[4:]) < 4 * errors(model)[4:]).all()


@pytest.mark.parametrize("law", LAWS)
def test_the_order_of_rows_does_not_matter(law: str) -> None:
    history, z = base(law)
    order = np.random.default_rng(0).permutation(len(z))
    again = fit_with_covariates(take(history, order), table_of(z[order]), config=config_of(law))
    assert again == fitted(law)


@pytest.mark.parametrize("law", LAWS)
def test_weights_are_repeated_rows(law: str) -> None:
    """Up to rounding, and the same fingerprint."""
    history, z = take(base(law)[0], slice(0, 600)), base(law)[1][:600].round(0)
    weights = np.random.default_rng(0).integers(0, 4, 600)
    rows = np.repeat(np.arange(600), weights)
    config = config_of(law, dropout_effects="odds")
    once = fit_with_covariates(history, table_of(z), weights=weights, config=config)
    many = fit_with_covariates(take(history, rows), table_of(z[rows]), config=config)
    assert once == many


@pytest.mark.parametrize("law", LAWS)
def test_the_unit_of_a_covariate_only_scales_its_effect(law: str) -> None:
    history, z = base(law)
    huge = z * [1.0, 1e9]
    model = fit_with_covariates(history, table_of(huge), config=config_of(law))
    expected = vector(fitted(law))
    expected[5::2] /= 1e9
    np.testing.assert_allclose(vector(model), expected, rtol=1e-5)


@pytest.mark.parametrize("law", LAWS)
def test_measuring_a_covariate_from_elsewhere_moves_only_the_base(law: str) -> None:
    history, z = base(law)
    moved = table_of(z + np.array([0.0, 500.0]))
    model = fit_with_covariates(history, moved, config=config_of(law))
    np.testing.assert_allclose(vector(model)[4:], vector(fitted(law))[4:], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(
        model.parameter_table(moved),
        fitted(law).parameter_table(table_of(z)),
        rtol=1e-6,
    )
    assert model.log_likelihood == pytest.approx(fitted(law).log_likelihood, rel=1e-12)


@pytest.mark.parametrize("law", ["mbg_nbd", "pareto_nbd"])
def test_days_or_weeks_do_not_matter(law: str) -> None:
    history, z = base(law)
    days = PurchaseHistories(
        frequency=history.frequency,
        recency=history.recency * 7,
        age=history.age * 7,
        unit="day",
    )
    model = fit_with_covariates(days, table_of(z), config=config_of(law))
    np.testing.assert_allclose(vector(model)[4:], vector(fitted(law))[4:], atol=1e-6)
    assert model.log_likelihood is not None
    shift = history.frequency.sum() * np.log(7)
    assert model.log_likelihood + shift == pytest.approx(fitted(law).log_likelihood, rel=1e-10)


def test_one_effect_on_the_odds_lies_inside_two_on_the_shapes() -> None:
    odds, shapes = fitted("mbg_nbd", dropout_effects="odds"), fitted("mbg_nbd")
    assert odds.log_likelihood is not None
    assert shapes.log_likelihood is not None
    assert odds.plain_log_likelihood is not None
    assert odds.plain_log_likelihood < odds.log_likelihood < shapes.log_likelihood
    assert [effect.name for effect in odds.effects] == [
        "rate:group", "rate:score", "dropout:group", "dropout:score",
    ]  # fmt: skip


def test_covariates_act_on_what_the_config_says() -> None:
    history, z = base("mbg_nbd")
    config = CovariateConfig(rate=("score",), dropout=("group",), dropout_effects="odds")
    model = fit_with_covariates(history, table_of(z), config=config)
    assert [effect.name for effect in model.effects] == ["rate:score", "dropout:group"]
    assert model.covariates == ("score", "group")


@pytest.mark.parametrize("law", LAWS)
def test_a_prior_shrinks_effects_and_is_told(law: str) -> None:
    history, z = base(law)
    plain, shrunk = fitted(law), fitted(law, effect_prior_sd=0.05)
    assert np.linalg.norm(vector(shrunk)[4:]) < 0.7 * np.linalg.norm(vector(plain)[4:])
    assert (errors(shrunk)[4:] < errors(plain)[4:]).all()
    assert shrunk.likelihood_ratio is None
    assert "prior sd 0.05" in repr(shrunk)
    columns = (history.frequency, history.recency, history.age)
    values = law_of(law)(*link_of(law, z)(vector(shrunk)), *columns)
    assert shrunk.log_likelihood == pytest.approx(values.sum(), rel=1e-10)
    wide = fitted(law, effect_prior_sd=1e4, prior_sd=1e4)
    np.testing.assert_allclose(vector(wide), vector(plain), atol=1e-4)


@pytest.mark.parametrize("law", LAWS)
def test_one_effect_per_covariate_is_found_on_small_bases(law: str) -> None:
    """60 to 400 customers, effects of any size: an optimum, never below the plain one."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        n, (rate, dropout) = int(rng.integers(60, 400)), rng.normal(size=(2, 2)) * 0.6
        if law == "pareto_nbd":
            history, z = oracle.draw_pareto(n, rate=rate, dropout=dropout, seed=seed)
        else:
            history, z = oracle.draw_beta_geometric(
                n, rate=rate, a=dropout / 2, b=-dropout / 2, first=law == "mbg_nbd", seed=seed
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RetainkitWarning)
            config = config_of(law, dropout_effects="odds")
            model = fit_with_covariates(history, table_of(z), config=config)
        assert model.log_likelihood is not None
        assert model.plain_log_likelihood is not None
        assert model.log_likelihood > model.plain_log_likelihood - 1e-3


def test_compressed_histories_are_taken_with_their_weights() -> None:
    history, z = base("mbg_nbd")
    whole = take(history, slice(0, 400))
    doubled = compress_histories(whole, weights=np.full(400, 2))
    rows = np.lexsort((whole.age, whole.recency, whole.frequency))
    config = CovariateConfig(dropout=())
    model = fit_with_covariates(doubled, table_of(z[:400][rows]), config=config)
    twice = fit_with_covariates(whole, table_of(z[:400]), weights=np.full(400, 2), config=config)
    assert model == twice
    assert model.n == 800


def test_customers_without_purchase_are_left_out_and_counted() -> None:
    history, z = base("mbg_nbd")
    nobody = PurchaseHistories(
        frequency=np.append(history.frequency, 0),
        recency=np.append(history.recency, np.nan),
        age=np.append(history.age, np.nan),
        unit="week",
    )
    table = Covariates(np.vstack([z, [np.nan, 0.0]]), names=NAMES)
    model = fit_with_covariates(nobody, table)
    assert model.n_excluded == 1
    assert model.replace(n_excluded=0) == fitted("mbg_nbd")
