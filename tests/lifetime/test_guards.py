"""Bases on which other packages were reported to fail: a clear error or a documented answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from retainkit.errors import ConvergenceError, NotComputableError, RetainkitWarning
from retainkit.lifetime import (
    BgNbdModel,
    FitConfig,
    GammaGammaModel,
    MbgNbdModel,
    NbdModel,
    PurchaseHistories,
    delta_interval,
    fit_bg_bb,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
    fit_shifted_beta_geometric,
    predict_total,
)
from retainkit.lifetime._process import ProcessModel
from tests.lifetime.bases import cdnow, simulate_histories

FITS = [fit_mbg_nbd, fit_bg_nbd, fit_pareto_nbd, fit_nbd]
Fit = Callable[..., ProcessModel]


def quietly(fit: Fit, history: PurchaseHistories) -> ProcessModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)
        return fit(history)


@pytest.mark.parametrize("fit", FITS)
def test_one_time_buyers_alone_are_refused_with_a_remedy(fit: Fit) -> None:
    history = PurchaseHistories(frequency=[0] * 50, recency=[0] * 50, age=[9] * 50, unit="week")
    with pytest.raises(NotComputableError, match="none of the 50 customers bought again") as caught:
        fit(history)
    assert "observe longer" in caught.value.fix


@pytest.mark.parametrize("fit", FITS)
def test_one_repeat_buyer_is_a_finite_answer(fit: Fit) -> None:
    """The optimum is at a limit; predictions stay finite, and near the observed rate in total."""
    history = PurchaseHistories(
        frequency=[3, *[0] * 99], recency=[20, *[0] * 99], age=[30] * 100, unit="week"
    )
    model = quietly(fit, history)
    expected = model.expected_purchases(history, horizon=30)
    assert np.isfinite(expected).all()
    assert 0.0 < expected.sum() < 10.0
    assert np.isfinite(model.p_alive(history)).all()


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("n", [5, 12, 40])
def test_few_customers_give_a_model_or_say_how_many_are_needed(fit: Fit, n: int) -> None:
    history = simulate_histories(n, seed=3)
    with suppress(NotComputableError, ConvergenceError):
        model = quietly(fit, history)
        assert np.isfinite(model.expected_purchases(history, horizon=52)).all()


def test_dropout_parameters_below_one_in_sum() -> None:
    """a + b < 1: Beta with two poles; the fit recovers it and predictions are finite."""
    n = 30_000
    dropout = np.random.default_rng(8).beta(0.2, 0.5, n)
    model = fit_mbg_nbd(simulate_histories(n, seed=8, dropout=dropout))
    assert model.a + model.b < 1.0
    assert abs(model.a - 0.2) < 4 * model.standard_errors["a"] + 0.02
    rows = PurchaseHistories(frequency=[0, 300], recency=[0, 51], age=[52, 52], unit="week")
    assert np.isfinite(model.expected_purchases(rows, horizon=520)).all()


def test_a_spend_model_without_a_mean_says_so_and_gives_no_negative_value() -> None:
    """q < 1: lifetimes gives negative values here; ours warns, and gives NaN where none exists."""
    rng = np.random.default_rng(4)
    x = np.where(rng.random(4_000) < 0.7, 1.0, 2.0)
    nu = rng.gamma(0.6, 1 / 5.0, 4_000)
    m = rng.gamma(4.0 * x) / (nu * x)
    with pytest.warns(RetainkitWarning, match="q is 0"):
        model = fit_gamma_gamma(x, m)
    assert model.q < 1.0
    found = model.expected_spend([0, 1, 5], [np.nan, 30.0, 30.0])
    assert np.isnan(found[0])
    assert (found[1:] > 0.0).all()


def test_spend_that_depends_on_frequency_is_told_with_the_number() -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(1, 30, 2_000).astype(float)
    with pytest.warns(RetainkitWarning, match=r"correlated \(0\.\d\d between their logs\)") as seen:
        model = fit_gamma_gamma(x, x * rng.gamma(5.0, 1.0, 2_000))
    assert seen[0].filename == __file__
    assert model.frequency_correlation is not None
    assert model.frequency_correlation > 0.3


def test_the_dependence_of_cdnow_is_small_and_on_record() -> None:
    """Fader & Hardie, note 025, find .06 between the plain numbers, and take it as none."""
    base = cdnow()
    model = fit_gamma_gamma(base.history.frequency, base.monetary_value)
    repeat = base.history.frequency > 0
    oracle = np.corrcoef(
        np.log(base.history.frequency[repeat]), np.log(base.monetary_value[repeat])
    )[0, 1]
    assert model.frequency_correlation == pytest.approx(oracle, rel=1e-10)
    assert abs(oracle) < 0.3
    assert GammaGammaModel.from_json(model.to_json()) == model


def test_heavy_buyers_do_not_spoil_the_fit() -> None:
    """3,000 purchases of one customer, where lifetimes' Pareto/NBD overflows."""
    base = simulate_histories(2_000, seed=6)
    history = PurchaseHistories(
        frequency=[3000, *base.frequency], recency=[51.9, *base.recency], age=[52, *base.age],
        unit="week",
    )  # fmt: skip
    for fit in FITS:
        model = quietly(fit, history)
        expected = model.expected_purchases(history, horizon=52)
        assert np.isfinite(expected).all()
        assert 1_000 < expected[0] < 3_100


def test_at_a_limit_intervals_come_from_what_is_determined() -> None:
    """Without dropout the total's interval is the NBD's."""
    n = 3_000
    rate = np.random.default_rng(7).gamma(1.0, 0.2, n)
    history = simulate_histories(n, seed=7, rate=rate, dropout=np.zeros(n))
    model, limit = quietly(fit_mbg_nbd, history), fit_nbd(history)
    assert "no_dropout" in model.boundary
    ours = predict_total(model, history, horizon=26)
    theirs = predict_total(limit, history, horizon=26)
    np.testing.assert_allclose(ours, theirs, rtol=2e-3)
    interval = delta_interval(model, lambda m: m.expected_purchases_new(26))
    assert np.isfinite(interval.interval.lower).all()


def test_one_time_buyers_are_alive_for_ever_in_bg_nbd_alone() -> None:
    history = PurchaseHistories(frequency=[0], recency=[0], age=[500], unit="week")
    bg = BgNbdModel(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    mbg = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    assert bg.p_alive(history)[0] == 1.0
    assert mbg.p_alive(history)[0] < 0.2
    assert NbdModel(r=0.4, alpha=12.0, unit="week").p_alive(history)[0] == 1.0


def test_discrete_and_contract_bases_that_say_nothing() -> None:
    with pytest.raises(NotComputableError, match="of whom none bought"):
        fit_bg_bb([0] * 9, [0] * 9, opportunities=[6] * 9)
    with pytest.raises(NotComputableError, match="nobody left"):
        fit_shifted_beta_geometric([5, 6], [False, False])
    with pytest.raises(NotComputableError, match="everybody left in the first period"):
        fit_shifted_beta_geometric([1, 1], [True, True])


def test_a_prior_keeps_small_bases_off_the_limits_and_large_ones_where_they_are() -> None:
    """Ten customers: finite standard errors; 20,000: the maximum-likelihood estimate, nearly.
    The log-likelihood stays the data's own, so it is never above the maximum."""
    prior = FitConfig(prior_sd=1.5)
    small = simulate_histories(12, seed=3)
    for fit in FITS:
        model = fit(small, config=prior)
        assert model.boundary == ()
        assert all(np.isfinite(v) and v < 10 * model.parameters[k] for k, v in
                   model.standard_errors.items())  # fmt: skip
        assert model.config == prior
    large = simulate_histories(20_000, seed=5)
    plain, kept = fit_mbg_nbd(large), fit_mbg_nbd(large, config=prior)
    assert kept.parameters == pytest.approx(plain.parameters, rel=0.02)
    assert kept.log_likelihood is not None
    assert plain.log_likelihood is not None
    assert plain.log_likelihood - 0.1 < kept.log_likelihood <= plain.log_likelihood


def test_the_prior_does_not_depend_on_the_unit() -> None:
    weeks = simulate_histories(30, seed=9)
    days = PurchaseHistories(
        frequency=weeks.frequency, recency=weeks.recency * 7, age=weeks.age * 7, unit="day"
    )
    one, two = (fit_mbg_nbd(h, config=FitConfig(prior_sd=1.0)) for h in (weeks, days))
    assert two.alpha == pytest.approx(7 * one.alpha, rel=1e-6)
    assert two.a == pytest.approx(one.a, rel=1e-6)


@pytest.mark.slow
def test_two_and_a_half_million_customers(record_property: Any) -> None:
    """Where fits were reported not to converge or to exhaust the memory: the truth comes back
    within 15 % (purchases are seen by the day), and everybody is predicted."""
    history = simulate_histories(2_500_000, seed=12)
    start = perf_counter()
    model = fit_mbg_nbd(history)
    expected = model.expected_purchases(history, horizon=52)
    record_property("seconds", perf_counter() - start)
    assert model.boundary == ()
    assert model.decrement is not None
    assert model.decrement < 1e-8
    assert np.isfinite(expected).all()
    truth = {"r": 0.7, "a": 0.9, "b": 2.0}
    for name, value in truth.items():
        assert abs(model.parameters[name] / value - 1.0) < 0.15
