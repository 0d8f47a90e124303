from __future__ import annotations

import numpy as np
import pytest

from retainkit.errors import (
    ConvergenceError,
    InvalidTableError,
    NotComputableError,
    RetainkitWarning,
    UnitError,
)
from retainkit.lifetime import (
    FitConfig,
    MbgNbdModel,
    PurchaseHistories,
    PurchaseModel,
    compress_histories,
    fit_mbg_nbd,
)
from retainkit.lifetime import _process as room
from tests.lifetime.bases import cdnow, simulate_histories

MODEL = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
NAN = float("nan")


def histories(*rows: tuple[float, float, float]) -> PurchaseHistories:
    x, t, T = zip(*rows, strict=True)
    return PurchaseHistories(frequency=x, recency=t, age=T, unit="week")


def test_the_model_is_a_purchase_model() -> None:
    model: PurchaseModel = MODEL
    assert model.n is None
    assert model.log_likelihood is None
    assert MODEL.aic is None
    assert MODEL.bic is None
    assert np.isnan(MODEL.covariance).all()


def test_the_fit_recovers_the_truth_within_four_standard_errors() -> None:
    model = fit_mbg_nbd(simulate_histories(20_000, seed=5))
    truth = {"r": 0.7, "alpha": 5.0, "a": 0.9, "b": 2.0}
    for name, error in model.standard_errors.items():
        # times are rounded up to whole days: half a day of the mean interval is allowed for
        assert abs(model.parameters[name] - truth[name]) < 4 * error + 0.02 * truth[name]


def test_the_fit_is_where_the_gradient_vanishes() -> None:
    model = fit_mbg_nbd(cdnow().history)
    assert model.decrement is not None
    assert model.decrement < 1e-8
    assert model.iterations is not None
    assert model.boundary == ()


def test_criteria_are_the_textbook_ones() -> None:
    model = fit_mbg_nbd(cdnow().history)
    assert model.log_likelihood is not None
    assert model.aic == pytest.approx(8 - 2 * model.log_likelihood)
    assert model.bic == pytest.approx(4 * np.log(2357) - 2 * model.log_likelihood)


def test_people_who_never_purchased_are_left_out_counted_and_nan() -> None:
    history = simulate_histories(300, seed=1)
    more = PurchaseHistories(
        frequency=np.append(0, history.frequency),
        recency=np.append(NAN, history.recency),
        age=np.append(NAN, history.age),
        unit="week",
    )
    model, with_nan = fit_mbg_nbd(history), fit_mbg_nbd(more)
    assert with_nan.replace(n_excluded=0) == model
    assert (with_nan.n, with_nan.n_excluded) == (300, 1)
    assert np.isnan(model.p_alive(more)).tolist() == [True] + [False] * 300
    assert np.isnan(model.expected_purchases(more, horizon=5)).tolist() == [True] + [False] * 300


def test_big_inputs_are_compressed_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    history = simulate_histories(500, seed=2)
    direct = MODEL.expected_purchases(history, horizon=52)
    monkeypatch.setattr(room, "_COMPRESS_FROM", 100)
    np.testing.assert_array_equal(MODEL.expected_purchases(history, horizon=52), direct)
    compressed = compress_histories(history)
    expanded = compressed.expand(MODEL.expected_purchases(compressed, horizon=52))
    np.testing.assert_array_equal(expanded, direct)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (histories((3, 2, 5)), "1 customers with a purchase"),
        (histories((0, NAN, NAN)), "0 customers with a purchase"),
        (histories(*[(0, 0, 5)] * 10), "none of the 10 customers bought again"),
        (histories(*[(0, 0, 0)] * 10), "none of the 10 customers bought again"),
    ],
    ids=["one", "nobody", "no_repeats", "no_time"],
)
def test_bases_that_say_nothing_are_refused_with_a_remedy(
    history: PurchaseHistories, message: str
) -> None:
    with pytest.raises(NotComputableError, match=message) as caught:
        fit_mbg_nbd(history)
    assert caught.value.fix


def test_a_base_without_dropout_ends_on_a_boundary_and_says_so() -> None:
    n = 2000
    rate = np.random.default_rng(0).gamma(3, 0.2, n)
    history = simulate_histories(n, seed=0, rate=rate, dropout=np.zeros(n))
    with pytest.warns(RetainkitWarning, match="boundary") as caught:
        model = fit_mbg_nbd(history)
    assert caught[0].filename == __file__
    assert "no_dropout" in model.boundary
    errors = model.standard_errors
    assert np.isfinite([errors["r"], errors["alpha"]]).all()
    assert np.isnan([errors["a"], errors["b"]]).all()
    assert model == MbgNbdModel.from_json(model.to_json())
    np.testing.assert_allclose(model.p_alive(history), 1.0, atol=0.001)
    # NBD: the customer's posterior mean rate times the horizon
    rates = (model.r + history.frequency) / (model.alpha + history.age)
    np.testing.assert_allclose(
        model.expected_purchases(history, horizon=52), 52 * rates, rtol=0.001
    )


def test_equal_dropout_and_equal_rates_are_limits_with_names() -> None:
    n = 2000
    with pytest.warns(RetainkitWarning, match="equal_dropout"):
        equal = fit_mbg_nbd(simulate_histories(n, seed=1, dropout=np.full(n, 0.2)))
    assert equal.a / (equal.a + equal.b) == pytest.approx(0.2, abs=0.02)
    assert np.isfinite(equal.expected_purchases(histories((3, 5, 9)), horizon=52)).all()
    with pytest.warns(RetainkitWarning, match="equal_rates"):
        fit_mbg_nbd(simulate_histories(n, seed=3, rate=np.full(n, 0.3), dropout=np.full(n, 0.2)))


def test_customers_of_one_age_are_enough() -> None:
    history = simulate_histories(4000, seed=4)
    same = np.flatnonzero(history.age >= 30.0)
    model = fit_mbg_nbd(
        PurchaseHistories(
            frequency=np.minimum(history.frequency[same], 60),
            recency=np.minimum(history.recency[same], 30.0),
            age=np.full(len(same), 30.0),
            unit="week",
        )
    )
    assert model.boundary == ()


def test_giving_up_carries_the_optimisers_numbers() -> None:
    with pytest.raises(ConvergenceError, match=r"3 starting point\(s\): 2 iterations") as caught:
        fit_mbg_nbd(cdnow().history, config=FitConfig(max_iterations=2))
    assert "gradient" in str(caught.value)
    assert caught.value.fix


def test_units_must_agree() -> None:
    history = PurchaseHistories(frequency=[1], recency=[3], age=[9], unit="day")
    with pytest.raises(UnitError, match="history is in days, the model in weeks"):
        MODEL.p_alive(history)
    with pytest.raises(UnitError):
        MODEL.expected_purchases(history, horizon=1)


@pytest.mark.parametrize("horizon", [-1.0, NAN, float("inf")])
def test_a_horizon_is_a_length_of_time(horizon: float) -> None:
    with pytest.raises(NotComputableError, match="horizon is"):
        MODEL.expected_purchases(histories((0, 0, 1)), horizon=horizon)
    with pytest.raises(NotComputableError, match="horizon is"):
        MODEL.expected_purchases_new(horizon)


def test_a_frequency_that_is_no_count_is_refused() -> None:
    with pytest.raises(InvalidTableError, match="a frequency of"):
        fit_mbg_nbd(histories((2e7, 2, 5), *[(0, 0, 5)] * 5))


def test_the_model_shows_itself() -> None:
    model = fit_mbg_nbd(cdnow().history)
    assert repr(model).startswith("<MbgNbdModel: r=0.524843, alpha=6.18309")
    assert str(model) == repr(model)
    assert "standard_error" in model._repr_html_()
    assert model.summary().index.tolist() == ["r", "alpha", "a", "b"]
