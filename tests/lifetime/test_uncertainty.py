from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from retainkit.errors import NotComputableError, SchemaError
from retainkit.lifetime import (
    BgNbdModel,
    GammaGammaModel,
    MbgNbdModel,
    NbdModel,
    ParetoNbdModel,
    PurchaseHistories,
    bootstrap_interval,
    bootstrap_models,
    delta_interval,
    draw_histories,
    fit_bg_nbd,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
    predict_total,
    probability_value_exceeds,
)
from retainkit.lifetime._process import ProcessModel
from tests.lifetime.bases import cdnow, simulate_two_periods

MODELS: list[ProcessModel] = [
    MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week"),
    BgNbdModel(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week"),
    ParetoNbdModel(r=0.553, alpha=10.578, s=0.606, beta=11.669, unit="week"),
    NbdModel(r=0.385, alpha=12.07, unit="week"),
]
FITS = [fit_mbg_nbd, fit_bg_nbd, fit_pareto_nbd, fit_nbd]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
def test_drawn_histories_follow_the_law_of_counts(model: ProcessModel) -> None:
    """Frequencies of 200,000 drawn customers against the probabilities: five standard errors."""
    drawn = draw_histories(model, np.full(200_000, 39.0), seed=2)
    law = model.purchase_probabilities_new(39.0, max_count=6)
    seen = np.bincount(drawn.frequency.astype(int), minlength=7)[:7] / 200_000
    np.testing.assert_allclose(seen, law, atol=5 * float(np.sqrt(0.25 / 200_000)))
    mean = model.expected_purchases_new(39.0)
    error = drawn.frequency.std() / np.sqrt(200_000)
    assert abs(drawn.frequency.mean() - mean) < 5 * error


@pytest.mark.parametrize(("model", "fit"), list(zip(MODELS, FITS, strict=True)))
def test_a_fit_to_drawn_histories_finds_the_truth(model: ProcessModel, fit: object) -> None:
    """Within four standard errors, recency included."""
    assert callable(fit)
    ages = np.random.default_rng(3).uniform(26, 52, 40_000)
    found = fit(draw_histories(model, ages, seed=4))
    for name, error in found.standard_errors.items():
        assert abs(found.parameters[name] - model.parameters[name]) < 4 * error


def test_drawing_is_deterministic_and_refuses_other_models() -> None:
    one, two = (draw_histories(MODELS[0], [9.0] * 50, seed=1) for _ in range(2))
    np.testing.assert_array_equal(one.recency, two.recency)
    with pytest.raises(SchemaError, match="cannot be drawn"):
        draw_histories(GammaGammaModel(p=6, q=4, gamma=15), [9.0], seed=1)  # type: ignore[arg-type]


def test_the_delta_method_gives_a_parameter_its_own_standard_error() -> None:
    model = fit_mbg_nbd(cdnow().history)
    found = delta_interval(model, lambda m: np.array([m.r, m.alpha, m.a, m.b]), level=0.95)
    errors = list(model.standard_errors.values())
    np.testing.assert_allclose(found.standard_error, errors, rtol=1e-6)
    assert (found.interval.lower > 0).all()


def test_delta_method_and_bootstrap_agree() -> None:
    """CDNOW, purchases of a new customer in a year: widths within a quarter."""
    history = cdnow().history
    model = fit_mbg_nbd(history)
    delta = delta_interval(model, lambda m: m.expected_purchases_new(52))
    models = bootstrap_models(model, history, fit=fit_mbg_nbd, draws=60, seed=5)
    boot = bootstrap_interval(models, lambda m: m.expected_purchases_new(52))
    assert len(models) == 60
    np.testing.assert_allclose(boot.standard_error, delta.standard_error, rtol=0.25)
    np.testing.assert_allclose(boot.estimate, delta.estimate, rtol=0.05)


def test_intervals_refuse_what_they_cannot_know() -> None:
    with pytest.raises(NotComputableError, match="no covariance"):
        delta_interval(MODELS[0], lambda m: m.expected_purchases_new(52))
    with pytest.raises(NotComputableError, match="1 bootstrap models"):
        bootstrap_interval(MODELS[:1], lambda m: m.expected_purchases_new(52))
    with pytest.raises(NotComputableError, match="level is 90"):
        predict_total(MODELS[0], draw_histories(MODELS[0], [9.0], seed=1), horizon=1, level=90)


def test_the_variance_of_a_total_is_that_of_its_customers() -> None:
    """NBD customers: (r+x)/(alpha+T) h (1 + h/(alpha+T)), the negative binomial's variance."""
    model = MODELS[3]
    history = PurchaseHistories(
        frequency=[0, 3, 50], recency=[0, 20, 38], age=[39, 39, 39], unit="week"
    )
    total = predict_total(model, history, horizon=26)
    mean = (0.385 + history.frequency) / (12.07 + 39) * 26
    expected = float(np.sqrt(np.sum(mean * (1 + 26 / (12.07 + 39)))))
    assert total.estimate == pytest.approx(mean.sum(), rel=1e-12)
    assert total.sd_chance == pytest.approx(expected, rel=1e-6)
    assert total.sd_parameters == 0.0


@pytest.mark.slow
def test_nine_in_ten_totals_fall_into_their_interval(record_property: Any) -> None:
    """400 bases of 1,000 customers, fitted at as_of, held against the next 26 weeks."""
    inside = 0
    for seed in range(400):
        base = simulate_two_periods(1_000, seed=seed)
        total = predict_total(fit_mbg_nbd(base.history), base.history, horizon=26)
        inside += total.low <= base.later.sum() <= total.high
    record_property("coverage", inside / 400)
    assert 0.87 <= inside / 400 <= 0.93  # 88 to 92 %, and what 400 draws may add


def posterior_values(x: float, t: float, T: float, m: float, n: int) -> tuple[np.ndarray, ...]:
    """Draw futures of one customer from the Pareto/NBD and Gamma-Gamma laws, by weighting."""
    rng = np.random.default_rng(9)
    rate = rng.gamma(0.553 + x, 1 / (10.578 + T), n)
    drop = rng.gamma(0.606, 1 / (11.669 + T), n)
    alive = MODELS[2].p_alive(PurchaseHistories(frequency=[x], recency=[t], age=[T], unit="week"))[
        0
    ]
    stop = np.minimum(rng.exponential(size=n) / drop, 52.0) * (rng.random(n) < alive)
    count = rng.poisson(rate * stop)
    nu = rng.gamma(3.74 + 6.25 * x, 1 / (15.44 + x * m), n)
    money = np.where(count > 0, rng.gamma(np.maximum(6.25 * count, 1e-9)) / nu, 0.0)
    return count, money


@pytest.mark.parametrize("cut", [0.0, 20.0, 100.0, 400.0])
@pytest.mark.parametrize(("x", "t", "m"), [(2, 30.43, 22.35), (9, 37, 40.0), (0, 0, np.nan)])
def test_the_chance_of_a_value_against_drawn_futures(
    cut: float, x: float, t: float, m: float
) -> None:
    """400,000 futures: five standard errors."""
    history = PurchaseHistories(frequency=[x], recency=[t], age=[38.86], unit="week")
    found = probability_value_exceeds(
        cut,
        history,
        monetary_value=[m],
        purchase_model=MODELS[2],
        spend_model=GammaGammaModel(p=6.25, q=3.74, gamma=15.44),
        horizon=52,
    )[0]
    _, money = posterior_values(x, t, 38.86, np.nan_to_num(m), 400_000)
    share = float((money > cut).mean())
    assert abs(found - share) < 5 * np.sqrt(share * (1 - share) / 400_000) + 1e-6


def test_the_chance_of_a_value_at_its_ends() -> None:
    """Certain below 0; above 0, the chance to buy at all; NaN for who never purchased; falling in
    the cut and in the discount."""
    history = PurchaseHistories(
        frequency=[2, 0], recency=[30.43, np.nan], age=[38.86, np.nan], unit="week"
    )

    def chance(cut: float, rate: float = 0.0) -> np.ndarray:
        return probability_value_exceeds(
            cut,
            history,
            monetary_value=[22.35, np.nan],
            purchase_model=MODELS[0],
            spend_model=GammaGammaModel(p=6.25, q=3.74, gamma=15.44),
            horizon=52,
            annual_discount_rate=rate,
        )

    assert chance(-1.0)[0] == 1.0
    nothing = MODELS[0].purchase_probabilities(history, horizon=52, max_count=0)[0, 0]
    assert chance(0.0)[0] == pytest.approx(1 - nothing, abs=1e-7)
    assert np.isnan(chance(0.0)[1])
    assert chance(30.0)[0] > chance(60.0)[0] > chance(60.0, rate=0.3)[0]
