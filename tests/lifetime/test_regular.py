"""MBG/CNBD-k against MBG/NBD, an independent sum, simulation, and its own laws."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy.special import betaln, gammaln
from scipy.stats import nbinom

from retainkit.errors import AlignmentError, RetainkitWarning, SchemaError
from retainkit.lifetime import (
    MbgCnbdModel,
    PurchaseHistories,
    PurchaseModelUnion,
    draw_histories,
    estimate_regularity,
    fit_mbg_cnbd,
    fit_mbg_nbd,
)
from retainkit.lifetime.models import _kernel_regular as kernel

PARAMETERS = {"r": 1.3, "alpha": 2.8, "a": 0.4, "b": 0.8}


def model(k: int) -> MbgCnbdModel:
    return MbgCnbdModel(**PARAMETERS, regularity=k, unit="week")


def histories() -> PurchaseHistories:
    return PurchaseHistories(
        frequency=[0, 0, 1, 3, 9, 9],
        recency=[0, 0, 4, 30, 50, 20],
        age=[1, 40, 10, 38, 52, 52],
        unit="week",
    )


def log_terms(k: int, x: float, t: float, T: float) -> np.ndarray:
    """Write the likelihood down once more: dropped out, or alive with 0 ... k-1 stages passed."""
    r, alpha, a, b = PARAMETERS.values()
    n = r + k * x
    common = r * np.log(alpha) - gammaln(r) - betaln(a, b)
    dead = betaln(a + 1, b + x) + gammaln(n) - n * np.log(alpha + t)
    alive = [
        betaln(a, b + x + 1)
        + gammaln(n + j)
        - gammaln(j + 1)
        + (j * np.log(T - t) if j else 0.0)
        - (n + j) * np.log(alpha + T)
        for j in range(k)
    ]
    return np.asarray(np.array([dead, *alive]) + common)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_predictions_are_those_of_a_sum_written_down_independently(k: int) -> None:
    """P(alive) and expected purchases: the sum over n of P(N >= n) E[(1-p)^(n-1)]."""
    history, horizon = histories(), 26.0
    r, alpha, a, b = PARAMETERS.values()
    alive, expected = [], []
    for x, t, T in zip(history.frequency, history.recency, history.age, strict=True):
        terms = np.exp(log_terms(k, x, t, T))
        share = terms / terms.sum()
        alive.append(share[1:].sum())
        total, kept = 0.0, 1.0
        for n in range(1, 400):
            reached = sum(
                share[1 + j]
                * nbinom.sf(k * n - j - 1, r + k * x + j, (alpha + T) / (alpha + T + horizon))
                for j in range(k)
            )
            total += kept * reached
            kept *= (b + x + n) / (a + b + x + n)
        expected.append(total)
    npt.assert_allclose(model(k).p_alive(history), alive, rtol=1e-10)
    found = model(k).expected_purchases(history, horizon=horizon)
    npt.assert_allclose(found, expected, rtol=1e-7)


@pytest.mark.parametrize("k", [1, 3])
def test_the_likelihood_is_the_one_written_down(k: int) -> None:
    history = histories()
    columns = (history.frequency, history.recency, history.age)
    data = kernel.prepare(*columns, np.ones(6), stages=k)
    theta = np.log(list(PARAMETERS.values()))
    wanted = sum(np.logaddexp.reduce(log_terms(k, *row)) for row in zip(*columns, strict=True))
    npt.assert_allclose(kernel.evaluate(theta, data).value, wanted, rtol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_derivatives_are_those_of_differences(k: int) -> None:
    history = histories()
    columns = (history.frequency, history.recency, history.age)
    data = kernel.prepare(*columns, np.arange(1.0, 7.0), stages=k)
    theta = np.log(list(PARAMETERS.values())) + 0.2
    at, step = kernel.evaluate(theta, data), 1e-5
    for i in range(4):
        there = [kernel.evaluate(theta + s * step * np.eye(4)[i], data) for s in (1, -1)]
        slope = (there[0].value - there[1].value) / (2 * step)
        bend = (there[0].gradient - there[1].gradient) / (2 * step)
        npt.assert_allclose(at.gradient[i], slope, rtol=1e-6, atol=1e-6)
        npt.assert_allclose(at.hessian[i], bend, rtol=1e-6, atol=1e-6)


def test_one_stage_is_mbg_nbd() -> None:
    """The fit and each prediction agree with the closed forms of MBG/NBD."""
    history = draw_histories(model(1), np.full(800, 60.0), seed=3)
    plain, one = fit_mbg_nbd(history), fit_mbg_cnbd(history, regularity=1)
    npt.assert_allclose(list(one.parameters.values()), list(plain.parameters.values()), rtol=1e-6)
    some = histories()
    for law in (plain, one):
        assert law.unit == "week"
    npt.assert_allclose(one.p_alive(some, ahead=9.0), plain.p_alive(some, ahead=9.0), rtol=1e-5)
    npt.assert_allclose(
        one.discounted_purchases(some, annual_discount_rate=0.1),
        plain.discounted_purchases(some, annual_discount_rate=0.1),
        rtol=1e-5,
    )
    npt.assert_allclose(
        one.purchase_probabilities(some, horizon=20.0, max_count=5),
        plain.purchase_probabilities(some, horizon=20.0, max_count=5),
        rtol=1e-5,
    )
    near = one.approximate_purchases(some, horizon=20.0)
    npt.assert_allclose(near, plain.expected_purchases(some, horizon=20.0), rtol=1e-5)


def test_a_fit_finds_the_parameters_it_was_drawn_from() -> None:
    """Within four standard errors, from 20,000 customers with three stages a purchase."""
    drawn = draw_histories(model(3), np.linspace(10.0, 100.0, 20_000), seed=5)
    found = fit_mbg_cnbd(drawn, regularity=3)
    for name, value in PARAMETERS.items():
        error = found.standard_errors[name]
        assert abs(found.parameters[name] - value) < 4.0 * error, name


def test_the_approximation_is_near_in_total() -> None:
    """Within 3 %, on customers of the model's own."""
    for k in (2, 4):
        drawn = draw_histories(model(k), np.linspace(10.0, 100.0, 2_000), seed=7)
        exact = model(k).expected_purchases(drawn, horizon=26.0).sum()
        near = model(k).approximate_purchases(drawn, horizon=26.0).sum()
        assert abs(near / exact - 1.0) < 0.03


LAW = settings(deadline=None, derandomize=True, max_examples=40)


@settings(LAW, max_examples=20)
@given(
    st.integers(1, 6), st.integers(0, 20), st.floats(2.0, 150.0), st.floats(0.01, 1.0),
    st.floats(0.5, 60.0),
)  # fmt: skip
def test_probabilities_add_up_and_have_the_expectation_as_mean(
    k: int, x: int, age: float, share: float, horizon: float
) -> None:
    """They are not negative, add up to 1, and their mean is the expected number of purchases."""
    recency = share * age if x else 0.0
    history = PurchaseHistories(frequency=[x], recency=[recency], age=[age], unit="week")
    law = model(k).purchase_probabilities(history, horizon=horizon, max_count=250)[0]
    expected = model(k).expected_purchases(history, horizon=horizon)[0]
    assert (law >= 0.0).all()
    assert law.sum() <= 1.0 + 1e-9
    if law[-30:].sum() < 1e-13:
        assert law.sum() == pytest.approx(1.0, abs=1e-9)
        assert law @ np.arange(251) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@LAW
@given(st.integers(2, 6), st.floats(1.0, 4.0))
def test_silence_beyond_the_rhythm_tells_more_where_purchases_are_regular(
    k: int, times: float
) -> None:
    """After twice the usual gap and more, P(alive) is lower than with gaps by chance."""
    age = 40.0 + 8.0 * times
    history = PurchaseHistories(frequency=[10], recency=[40.0], age=[age], unit="week")
    plain = MbgCnbdModel(**PARAMETERS, regularity=1, unit="week")
    even = MbgCnbdModel(**{**PARAMETERS, "alpha": 2.8 / k}, regularity=k, unit="week")
    assert even.p_alive(history)[0] < plain.p_alive(history)[0]


def test_a_customer_is_the_same_alone_and_in_company() -> None:
    """To the last bit, whatever else is predicted."""
    history = draw_histories(model(3), np.linspace(1.0, 200.0, 500), seed=2)
    whole = model(3).expected_purchases(history, horizon=52.0)
    for i in (0, 77, 499):
        alone = PurchaseHistories(
            frequency=history.frequency[[i]],
            recency=history.recency[[i]],
            age=history.age[[i]],
            unit="week",
        )
        assert model(3).expected_purchases(alone, horizon=52.0)[0] == whole[i]


def test_json_keeps_the_model() -> None:
    union: TypeAdapter[PurchaseModelUnion] = TypeAdapter(PurchaseModelUnion)
    assert union.validate_json(model(3).model_dump_json()) == model(3)


@pytest.mark.parametrize("k", [0, 21, 1.5, True])
def test_stages_are_a_whole_number(k: float) -> None:
    with pytest.raises(SchemaError, match="regularity is"):
        fit_mbg_cnbd(histories(), regularity=k)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [1, 2, 4])
def test_regularity_is_found_in_gaps_of_that_law(k: int) -> None:
    """Wheat & Morrison (1990): within a tenth, in whole days and whatever the rates."""
    g = np.random.default_rng(k)
    mean = g.gamma(4.0, 15.0, 3_000)
    gaps = g.gamma(k, (mean / k)[:, None], (3_000, 8))
    days = np.floor(np.cumsum(gaps, axis=1)).astype(np.int64)
    code = pd.Series(np.repeat(np.arange(3_000), 8))
    when = pd.Series(np.datetime64("2020-01-01") + days.ravel().astype("timedelta64[D]"))
    assert estimate_regularity(code, when.astype("datetime64[s]")) == pytest.approx(k, rel=0.1)


def test_regularity_needs_a_hundred_pairs_and_aligned_columns() -> None:
    code, when = pd.Series([1, 1, 1]), pd.to_datetime(pd.Series(["2020-01-01"] * 3))
    assert np.isnan(estimate_regularity(code, when))
    with pytest.raises(AlignmentError, match="3 customers, 2 timestamps"):
        estimate_regularity(code, when[:2])


def test_a_base_without_dropout_is_said_to_have_none() -> None:
    """The limit is named, as in MBG/NBD."""
    endless = MbgCnbdModel(r=3.0, alpha=5.0, a=1e-4, b=50.0, regularity=2, unit="week")
    drawn = draw_histories(endless, np.full(500, 100.0), seed=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)
        found = fit_mbg_cnbd(drawn, regularity=2)
    assert "no_dropout" in found.boundary
    assert not found.dropout_is_identified
