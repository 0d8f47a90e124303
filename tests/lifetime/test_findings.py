"""What a fit could not tell is said in codes; a flat optimum gives predictions and a warning."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from retainkit.errors import RetainkitWarning
from retainkit.lifetime import (
    BgNbdModel,
    GammaGammaModel,
    MbgNbdModel,
    NbdModel,
    ParetoNbdModel,
    ShiftedBetaGeometricModel,
    fit_beta_discrete_weibull,
    fit_mbg_nbd,
    fit_shifted_beta_geometric,
)
from retainkit.typing import BoolArray, FloatArray
from tests.lifetime.bases import simulate_histories

LEAVE = 0.1


def alike(seed: int, n: int, periods: int) -> tuple[FloatArray, BoolArray]:
    """Customers who all leave with the same probability, observed for some periods."""
    left = np.random.default_rng(seed).geometric(LEAVE, n)
    return np.minimum(left, periods).astype(np.float64), left <= periods


@pytest.mark.parametrize("seed", [3, 26, 47])
def test_a_flat_optimum_predicts_with_a_warning(seed: int) -> None:
    """S(t) is (1 - leave)^t; 60 customers leave it open by about twice its binomial error."""
    periods, ended = alike(seed, 60, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)
        model = fit_shifted_beta_geometric(periods, ended)
    observed = np.array([1.0 - np.mean(ended & (periods <= t)) for t in range(1, 7)])
    np.testing.assert_allclose(model.survival(np.arange(1.0, 7.0)), observed, atol=0.13)


def test_a_flat_optimum_has_no_standard_error() -> None:
    periods, ended = alike(3, 60, 6)
    with pytest.warns(RetainkitWarning, match="flat"):
        model = fit_shifted_beta_geometric(periods, ended)
    assert model.boundary == model.findings == ("flat_optimum",)
    assert np.isnan(list(model.standard_errors.values())).all()


@pytest.mark.parametrize(
    ("fit", "n"),
    [
        (fit_shifted_beta_geometric, 60),
        (fit_beta_discrete_weibull, 30),
    ],
)
def test_customers_who_are_alike_are_never_refused(fit: Any, n: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)
        for seed in range(12):
            model = fit(*alike(seed, n, 6))
            survival = model.survival(np.arange(7.0))
            assert (np.diff(survival) <= 0.0).all()


def test_the_limits_of_dropout_say_whether_being_alive_has_a_meaning() -> None:
    common: dict[str, Any] = {"r": 0.5, "alpha": 6.0, "a": 0.9, "b": 1.6, "unit": "week"}
    for kind in (MbgNbdModel, BgNbdModel):
        assert kind(**common).dropout_is_identified
        assert kind(**common).findings == ()
        gone = kind(**common, boundary=("no_dropout",))
        assert not gone.dropout_is_identified
        assert gone.findings == ("dropout_unidentified", "no_dropout")
        alike = kind(**common, boundary=("equal_dropout", "equal_rates"))
        assert alike.dropout_is_identified
        assert alike.findings == ("equal_dropout", "equal_rates")
    assert not NbdModel(r=0.4, alpha=12.0, unit="week").dropout_is_identified
    parameters: dict[str, Any] = {"r": 0.5, "alpha": 6.0, "s": 0.6, "beta": 11.0, "unit": "week"}
    gap = ((1.0, 0.0, None, None), (0.0, 1.0, None, None), (None,) * 4, (None,) * 4)
    flat = ParetoNbdModel(**parameters, boundary=("flat_optimum",), log_covariance=gap)
    assert not flat.dropout_is_identified
    rates = tuple(
        tuple(None if None in (p, q) else 1.0 for q in (None, None, 1, 1))
        for p in (None, None, 1, 1)
    )
    known = ParetoNbdModel(**parameters, boundary=("flat_optimum",), log_covariance=rates)
    assert known.dropout_is_identified


def test_spend_and_tenure_say_where_customers_are_all_alike() -> None:
    model = GammaGammaModel(p=6.0, q=4.0, gamma=15.0)
    assert model.is_identified
    assert model.findings == ()
    same = model.replace(boundary=("equal_customers",))
    assert not same.is_identified
    assert same.findings == ("spend_homogeneous",)
    assert model.replace(boundary=("equal_purchases",)).is_identified
    assert model.replace(q=0.9).findings == ("spend_mean_infinite",)
    tenure = ShiftedBetaGeometricModel(gamma=1e3, delta=9e3, boundary=("equal_customers",))
    assert tenure.findings == ("tenure_homogeneous",)


def test_a_base_nobody_leaves_keeps_its_numbers_and_says_what_they_are() -> None:
    rate = np.random.default_rng(0).gamma(3, 0.2, 2000)
    history = simulate_histories(2000, seed=0, rate=rate, dropout=np.zeros(2000))
    with pytest.warns(RetainkitWarning, match="no_dropout"):
        model = fit_mbg_nbd(history)
    assert "dropout_unidentified" in model.findings
    np.testing.assert_allclose(model.p_alive(history), 1.0, atol=0.001)


def test_dropout_below_its_own_standard_error_is_not_told() -> None:
    """An interior optimum next to none: the error of the mean is that of log a - log b."""

    def fitted(variance: float, covariance: float) -> MbgNbdModel:
        between = ((variance, covariance), (covariance, variance))
        rows = tuple(
            tuple(between[i - 2][j - 2] if min(i, j) > 1 else 0.01 * (i == j) for j in range(4))
            for i in range(4)
        )
        return MbgNbdModel(r=0.8, alpha=10.0, a=0.002, b=12.0, unit="week", log_covariance=rows)

    assert not fitted(40.0, 20.0).dropout_is_identified  # 40 + 40 - 40: an error of 6.3 times
    assert "dropout_unidentified" in fitted(40.0, 20.0).findings
    assert fitted(40.0, 39.9).dropout_is_identified  # both unknown, their ratio known to 0.45
    assert not fitted(0.6, 0.05).dropout_is_identified
    assert fitted(0.2, 0.0).dropout_is_identified


def test_where_nobody_leaves_an_interior_optimum_does_not_tell_dropout() -> None:
    interior = 0
    for seed in range(6):
        rate = np.random.default_rng(seed).gamma(0.8, 0.1, 1500)
        history = simulate_histories(1500, seed=seed, rate=rate, dropout=np.zeros(1500))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RetainkitWarning)
            model = fit_mbg_nbd(history)
        if not model.boundary:
            interior += 1
            assert not model.dropout_is_identified
    assert interior
