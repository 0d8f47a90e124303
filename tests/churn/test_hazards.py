"""Discrete-time hazards by cause: known effects, and the curves of Aalen-Johansen as a limit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit._core.kernels.glm import fit_softmax
from retainkit.churn import (
    CauseHazardModel,
    HazardConfig,
    cumulative_incidence,
    fit_cause_hazards,
)
from retainkit.errors import NotComputableError, SchemaError

LAW = settings(deadline=None, derandomize=True, max_examples=30)
LABELS = np.array(["a", "b", None], dtype=object)


@LAW
@given(seed=st.integers(0, 10_000), entered=st.booleans())
def test_without_covariates_the_curves_are_those_of_aalen_johansen(
    seed: int, entered: bool
) -> None:
    """At whole periods, to 1e-6 (a slight ridge keeps periods without a loss finite)."""
    rng = np.random.default_rng(seed)
    time = rng.integers(0, 6, 80).astype(np.float64)
    entry = np.floor(rng.random(80) * time) if entered else np.zeros(80)
    cause = LABELS[rng.integers(0, 3, 80)]
    config = HazardConfig(period=1.0, periods=6)
    model = fit_cause_hazards(time, cause=cause, entry=entry, config=config)
    shifted = np.where(entry > 0, entry - 0.5, 0.0)  # at risk in the period of entry
    table = cumulative_incidence(time, cause=cause, entry=shifted)
    curves = model.incidence()
    at = table.at(curves["period"].to_numpy() - 1.0)
    for name in model.causes:
        column = f"incidence({name})"
        np.testing.assert_allclose(curves[column], at[column], atol=1e-6)
    total = curves.drop(columns="period").sum(axis=1)
    np.testing.assert_allclose(total, 1.0, atol=1e-12)


def draw(
    n: int, seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.object_], pd.DataFrame]:
    """Six periods; x raises leaving for a by 0.8, lowers leaving for b by 0.5."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, n).astype(np.float64)
    time, cause = np.full(n, 5.0), np.full(n, 2)
    alive = np.ones(n, dtype=np.bool_)
    for period in range(6):
        odds_a = np.exp(-3.0 + 0.1 * period + 0.8 * x)
        odds_b = np.exp(-2.0 - 0.5 * x)
        draw_one = rng.random(n) * (1 + odds_a + odds_b)
        goes = alive & (draw_one < odds_a + odds_b)
        time[goes], cause[goes] = period, np.where(draw_one < odds_a, 0, 1)[goes]
        alive &= ~goes
    return time, LABELS[cause], pd.DataFrame({"x": x})


def test_known_effects_are_found_within_three_errors() -> None:
    time, cause, covariates = draw(20_000, 1)
    config = HazardConfig(period=1.0, periods=6)
    model = fit_cause_hazards(time, cause=cause, covariates=covariates, config=config)
    effects, errors = np.array(model.effects)[0], np.array(model.standard_errors)[0]
    assert (np.abs(effects - [0.8, -0.5]) < 3 * errors).all()
    assert (errors < 0.05).all()
    assert list(model.to_frame()["cause"]) == ["a", "b"]
    whole = model.incidence(covariates)
    actual = cumulative_incidence(time, cause=cause).at([5.0])
    for name in ("a", "b"):
        column = f"incidence({name})"
        assert whole[column].iloc[-1] == pytest.approx(actual[column].iloc[0], abs=0.01)


def test_coefficients_and_errors_equal_statsmodels() -> None:
    """MNLogit of statsmodels on the person-periods written out: to 1e-6."""
    import statsmodels.api as sm

    time, cause, covariates = draw(1500, 4)
    config = HazardConfig(period=1.0, periods=6)
    model = fit_cause_hazards(time, cause=cause, covariates=covariates, config=config)
    owner = np.repeat(np.arange(1500), time.astype(int) + 1)
    first = np.cumsum(time.astype(int) + 1) - time.astype(int) - 1
    period = np.arange(len(owner)) - first[owner]
    code = np.array([{"a": 1, "b": 2}.get(str(one), 0) for one in cause])
    outcome = np.where(period == time[owner], code[owner], 0)
    design = np.column_stack([np.eye(6)[period], covariates["x"].to_numpy()[owner]])
    oracle = sm.MNLogit(outcome, design).fit(disp=0, method="newton", maxiter=100, tol=1e-12)
    np.testing.assert_allclose(np.array(model.effects)[0], oracle.params[6], atol=1e-6)
    np.testing.assert_allclose(np.array(model.standard_errors)[0], oracle.bse[6], atol=1e-6)
    np.testing.assert_allclose(np.array(model.baselines), oracle.params[:6], atol=1e-5)
    assert model.log_likelihood == pytest.approx(oracle.llf, abs=1e-4)


def test_softmax_with_counts_equals_rows_written_out() -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(40), rng.normal(size=40)])
    counts = rng.integers(0, 4, (40, 3)).astype(np.float64)
    many = np.repeat(np.repeat(x, 3, axis=0), counts.ravel().astype(int), axis=0)
    label = np.repeat(np.tile(np.arange(3), 40), counts.ravel().astype(int))
    penalty = np.full(2, 0.1)
    one = fit_softmax(x, counts, penalty=penalty)
    two = fit_softmax(many, np.eye(3)[label], penalty=penalty)
    np.testing.assert_allclose(one.coefficients, two.coefficients, atol=1e-8)
    np.testing.assert_allclose(one.covariance, two.covariance, atol=1e-8)


def test_json_and_bad_input() -> None:
    time, cause, covariates = draw(300, 5)
    config = HazardConfig(period=1.0, periods=6)
    model = fit_cause_hazards(time, cause=cause, covariates=covariates, config=config)
    assert CauseHazardModel.from_json(model.to_json()) == model
    with pytest.raises(NotComputableError, match="nobody left"):
        fit_cause_hazards([1.0, 2.0], cause=[None, None])
    with pytest.raises(SchemaError, match="no numbers"):
        fit_cause_hazards([1.0, 2.0], cause=["a", None], covariates=pd.DataFrame({"x": ["u", "v"]}))
    with pytest.raises(SchemaError, match="1 rows"):
        fit_cause_hazards([1.0, 2.0], cause=["a", None], covariates=pd.DataFrame({"x": [1]}))
    with pytest.raises(SchemaError, match="lack"):
        model.incidence(pd.DataFrame({"y": [1]}))
