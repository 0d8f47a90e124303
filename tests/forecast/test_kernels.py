"""The kernels of the forecast against independent oracles and hand calculations."""

from __future__ import annotations

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit

from retainkit._core.kernels.recent import find_spot, read_curve, recent_counts, recent_money
from retainkit.forecast._kernel_features import due_within, measure_scales, own_gap
from retainkit.forecast._kernel_judge import (
    apply_bands,
    area_under_curve,
    calibration_error,
    decile_error,
    found_and_captured,
    noise_floor,
    normalised_gini,
    predictive_bands,
    r_squared,
    rank_correlation,
    ranks_of,
)
from retainkit.forecast._kernel_log import known_on, make_log, money_between, outcome
from retainkit.forecast._kernel_ridge import (
    fit_ridge,
    logit,
    predict_linear,
    standardise,
)
from retainkit.typing import FloatArray


def make_problem(seed: int = 3) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(300, 4)) * np.array([1.0, 5.0, 0.2, 2.0]) + 3.0
    weights = rng.choice([1.0, 0.6, 0.3], 300)
    return x, weights, rng.uniform(size=300)


def slopes(x: FloatArray, weights: FloatArray) -> FloatArray:
    """Columns at weighted mean 0 and standard deviation 1, with numpy's own weighted moments."""
    mean = np.average(x, axis=0, weights=weights)
    spread = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weights))
    return (x - mean) / spread


def test_logistic_ridge_is_that_of_scikit_learn() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    x, weights, u = make_problem()
    y = (u < expit(0.4 * (x[:, 0] - 3.0) - 0.1)).astype(np.float64)
    fit = fit_ridge(standardise(x, weights), y, 40.0, "logistic")
    # scikit-learn minimises 1/2 |b|^2 + C x loss and leaves the constant free: C = 1 / penalty
    oracle = linear.LogisticRegression(C=1.0 / 40.0, tol=1e-12, max_iter=10_000)
    oracle.fit(slopes(x, weights), y, sample_weight=weights)
    npt.assert_allclose(fit.coefficients[1:], oracle.coef_[0], atol=1e-5)
    npt.assert_allclose(fit.coefficients[0], oracle.intercept_[0], atol=1e-5)


def test_normal_ridge_is_that_of_scikit_learn() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    x, weights, u = make_problem()
    y = x @ np.array([1.0, 0.2, 0.0, -0.5]) + u
    fit = fit_ridge(standardise(x, weights), y, 40.0, "normal")
    oracle = linear.Ridge(alpha=40.0).fit(slopes(x, weights), y, sample_weight=weights)
    npt.assert_allclose(fit.coefficients[1:], oracle.coef_, rtol=1e-9)
    npt.assert_allclose(fit.coefficients[0], oracle.intercept_, rtol=1e-9)


def test_poisson_ridge_is_that_of_scikit_learn() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    x, weights, u = make_problem()
    y = np.exp(0.3 * (x[:, 0] - 3.0)) * -np.log(u)
    fit = fit_ridge(standardise(x, weights), y, 40.0, "poisson")
    # scikit-learn divides the loss by the sum of weights: alpha = penalty / that sum
    oracle = linear.PoissonRegressor(alpha=40.0 / weights.sum(), tol=1e-10, max_iter=10_000)
    oracle.fit(slopes(x, weights), y, sample_weight=weights)
    npt.assert_allclose(fit.coefficients[1:], oracle.coef_, atol=1e-5)
    npt.assert_allclose(fit.coefficients[0], oracle.intercept_, atol=1e-5)


def test_logistic_ridge_is_the_minimum_of_its_own_loss() -> None:
    """A general minimiser, started elsewhere, ends at the same coefficients."""
    x, weights, u = make_problem(5)
    y = (u < 0.3).astype(np.float64)
    z = np.column_stack([np.ones(len(x)), slopes(x, weights)])

    def loss(b: FloatArray) -> float:
        eta = z @ b
        return float(weights @ (np.logaddexp(0.0, eta) - y * eta) + 20.0 * b[1:] @ b[1:])

    best = minimize(loss, np.full(5, 0.5), method="BFGS", options={"gtol": 1e-8})
    fit = fit_ridge(standardise(x, weights), y, 40.0, "logistic")
    npt.assert_allclose(fit.coefficients, best.x, atol=1e-5)


def test_a_column_that_does_not_vary_tells_nothing() -> None:
    """Its spread is below its own rounding: scale is infinite, so that it adds 0 for anybody."""
    x, weights, u = make_problem()
    x[:, 2] = 0.1 + 1e-12 * u
    fit = fit_ridge(standardise(x, weights), u, 1.0, "normal")
    assert fit.scale[2] == np.inf
    here = [np.array([1.0, 2.0, 1e6, 3.0])[[i]] for i in range(4)]
    there = [*here[:2], np.array([0.1]), here[3]]
    assert predict_linear(fit, here).tolist() == predict_linear(fit, there).tolist()


@given(st.floats(1e-3, 1.0 - 1e-3))
@settings(deadline=None, derandomize=True)
def test_expit_undoes_logit(p: float) -> None:
    """expit(logit(p)) = p away from 0 and 1."""
    npt.assert_allclose(expit(logit(np.array([p]))), p, rtol=1e-12)


scores = arrays(np.float64, 30, elements=st.integers(0, 6).map(float))


@given(scores, scores)
@settings(deadline=None, derandomize=True, max_examples=60)
def test_ranks_and_their_correlation_are_those_of_scipy(x: FloatArray, y: FloatArray) -> None:
    npt.assert_array_equal(ranks_of(x), stats.rankdata(x))
    if np.ptp(x) and np.ptp(y):
        npt.assert_allclose(rank_correlation(x, y), stats.spearmanr(x, y)[0], atol=1e-12)
    else:
        assert np.isnan(rank_correlation(x, y))


@given(scores, arrays(np.bool_, 30))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_area_under_the_curve_is_that_of_mann_whitney(score: FloatArray, did: FloatArray) -> None:
    """P(one who did is above one who did not) + half of P(equal), counted pair by pair."""
    ones, zeros = score[did.astype(bool)], score[~did.astype(bool)]
    if not len(ones) or not len(zeros):
        assert np.isnan(area_under_curve(score, did.astype(bool)))
        return
    pairs = (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)
    npt.assert_allclose(area_under_curve(score, did.astype(bool)), pairs.mean(), rtol=1e-12)


def test_calibration_by_hand() -> None:
    # ten groups of two; forecast .5 everywhere: one of two buys in five groups, both in the others
    p = np.full(20, 0.5)
    bought = np.array([True, False] * 5 + [True, True] * 5)
    npt.assert_allclose(calibration_error(p, bought), 0.25)


def test_the_noise_floor_is_what_simulation_gives() -> None:
    """A perfect forecast of 2,000 customers, outcomes drawn 400 times."""
    rng = np.random.default_rng(1)
    p = rng.beta(1.0, 3.0, 2000)
    seen = [calibration_error(p, rng.random(2000) < p) for _ in range(400)]
    error = np.std(seen) / np.sqrt(400)
    assert abs(noise_floor(p) - np.mean(seen)) < 4.0 * error + 2e-4  # the normal approximation


def test_found_and_captured_by_hand() -> None:
    # the best two of ten are the first two (60 and 30); marked are the first and the third (10)
    money = np.array([60.0, 30.0, 10.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    score = np.array([9.0, 1.0, 8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert found_and_captured(score, money, 0.2) == (0.5, 0.7)
    assert np.isnan(found_and_captured(score, np.zeros(10), 0.2)).all()


def test_gini_decile_error_and_r_squared_by_hand() -> None:
    money = np.array([6.0, 3.0, 1.0, 0.0])
    # Lorenz by hand: shares .6 .9 1 1 -> mean .875 - .5 - .125 = .25; reversed 0 .1 .4 1 -> -.25
    npt.assert_allclose(normalised_gini(money, money), 1.0)
    npt.assert_allclose(normalised_gini(-money, money), -1.0)
    forecast, actual = np.arange(20.0)[::-1] + 1.0, (np.arange(20.0)[::-1] + 1.0) * 2.0
    npt.assert_allclose(decile_error(forecast, actual), 0.5)  # half of it in every decile
    npt.assert_allclose(r_squared(np.full(4, 2.5), money), 0.0)
    npt.assert_allclose(r_squared(money, money), 1.0)


def test_bands_by_hand() -> None:
    # one group of 99 with 1 ... 99: the fifth of 100 places from below, the 95th from above
    bands = predictive_bands(np.zeros(99), np.arange(1.0, 100.0), 0.9)
    assert (bands.lower[0], bands.upper[0]) in {(5.0, 95.0), (5.0, 94.0)}
    held = (np.arange(1.0, 100.0) >= bands.lower[0]) & (np.arange(1.0, 100.0) <= bands.upper[0])
    npt.assert_allclose(held.mean(), 0.9, atol=0.02)


def test_bands_where_most_bring_nothing() -> None:
    """95 of 100 bring nothing: [0, 0] holds more than 90 %; of 60 the interval must reach up."""
    nothing = predictive_bands(np.zeros(100), np.r_[np.zeros(95), np.full(5, 9.0)], 0.9)
    assert (nothing.lower[0], nothing.upper[0]) == (0.0, 0.0)
    some = predictive_bands(np.zeros(100), np.r_[np.zeros(60), np.arange(1.0, 41.0)], 0.9)
    assert some.lower[0] == 0.0
    assert 29.0 <= some.upper[0] <= 31.0  # the 90th of 100 values is 30


def test_bands_go_by_predicted_size() -> None:
    size = np.r_[np.full(50, 1.0), np.full(50, 10.0)]
    actual = np.r_[np.full(50, 2.0), np.full(50, 20.0)]
    bands = predictive_bands(size, actual, 0.9)
    low, high = apply_bands(bands, np.array([0.5, 1.0, 10.0, 99.0]))
    assert low.tolist() == high.tolist() == [2.0, 2.0, 20.0, 198.0]
    assert (np.diff(bands.edge) >= 0.0).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_largest_and_those_beyond_are_in_proportion(seed: int) -> None:
    """Of a heavy tail new customers beyond all that was learnt are covered, and twice is twice."""
    rng = np.random.default_rng(seed)
    size = rng.pareto(1.2, 4000) + 1.0
    bands = predictive_bands(size, size * rng.gamma(2.0, 0.5, 4000), 0.9)
    largest = size.max() * np.array([0.5, 1.0, 2.0, 40.0])
    low, high = apply_bands(bands, largest)
    npt.assert_allclose(low / largest, low[0] / largest[0])
    npt.assert_allclose(high / largest, high[0] / largest[0])
    came = 40.0 * size.max() * rng.gamma(2.0, 0.5, 20_000)
    npt.assert_allclose(((came >= low[3]) & (came <= high[3])).mean(), 0.9, atol=0.06)


def test_one_group_is_in_proportion_only_beyond_all_that_was_seen() -> None:
    size = np.linspace(1.0, 2.0, 25)
    low, high = apply_bands(predictive_bands(size, 3.0 * size, 0.9), np.array([1.1, 1.9, 20.0]))
    assert low[0] == low[1]
    assert high[0] == high[1]
    npt.assert_allclose([low[2], high[2]], 60.0)


@pytest.mark.parametrize("seed", range(4))
def test_bands_cover_new_customers(seed: int) -> None:
    """Split conformal: of 5,000 exchangeable new customers 90 % lie inside, within 2 points."""
    rng = np.random.default_rng(seed)

    def draw(n: int) -> tuple[FloatArray, FloatArray]:
        size = rng.gamma(1.0, 20.0, n)
        return size, np.where(rng.random(n) < 0.6, rng.gamma(1.5, size / 0.9), 0.0)

    bands = predictive_bands(*draw(5000), 0.9)
    size, actual = draw(5000)
    low, high = apply_bands(bands, size)
    npt.assert_allclose(((actual >= low) & (actual <= high)).mean(), 0.9, atol=0.02)


def test_scales_and_rhythm_by_hand() -> None:
    # ann: days 0, 10, 30 and 60 money; bob: day 5 and 10 money. Known on day 40.
    log = make_log(
        np.array([0, 0, 0, 1]), np.array([0, 10, 30, 5]), np.array([20.0, 20.0, 20.0, 10.0])
    )
    who, known = known_on(log, 40)
    scales = measure_scales(known)
    assert who.tolist() == [0, 1]
    npt.assert_allclose(scales, (15.0, 17.5))  # two gaps in 30 days; 70 money on 4 days
    npt.assert_allclose(own_gap(known, 15.0), [(30.0 + 30.0) / 4.0, 30.0 / 2.0])


def test_the_log_nets_returns_of_the_same_day_and_sees_the_purchase() -> None:
    log = make_log(np.array([0, 0, 0]), np.array([3, 3, 9]), np.array([20.0, -20.0, -5.0]))
    assert log.day.tolist() == [3, 9]
    assert log.money.tolist() == [0.0, -5.0]
    assert log.bought.tolist() == [True, False]
    who, known = known_on(log, 9)
    assert (known.purchases.tolist(), known.money.tolist()) == ([1.0], [-5.0])
    bought, money = outcome(log, who, 3, 9)
    assert (bought.tolist(), money.tolist()) == ([False], [-5.0])
    assert money_between(log, 0, 9) == -5.0


def test_what_is_known_of_a_day_ignores_what_comes_later() -> None:
    rng = np.random.default_rng(2)
    code, day = rng.integers(0, 30, 300), rng.integers(0, 200, 300)
    amount = rng.normal(10.0, 8.0, 300)
    whole, early = make_log(code, day, amount), day <= 120
    cut = make_log(code[early], day[early], amount[early])
    (who, known), (again, known_again) = known_on(whole, 120), known_on(cut, 120)
    npt.assert_array_equal(who, again)
    for one, two in zip(known[:6], known_again[:6], strict=True):
        npt.assert_array_equal(one, two)


def test_recent_curves_by_hand() -> None:
    """Purchases 0, 7 and 40 days before the last one; within 7 days lie two of them."""
    code, back = np.zeros(3, dtype=np.int64), np.array([0, 7, 40])
    days = recent_counts(code, back, 1)
    money = recent_money(code, back, np.array([5.0, 3.0, 2.0]), 1)
    span = np.array([40.0])
    count, spent = np.array([3.0]), np.array([10.0])
    for reach, purchases, spent_then in (
        (-1.0, 0.0, 0.0),
        (0.0, 1.0, 5.0),
        (3.5, 1.5, 6.5),  # half of the way to the node at 7 days
        (20.0, 2.0, 8.0),
        (40.0, 2.0 + 10 / 31, 8.0 + 2.0 * 10 / 31),  # 10 of the 31 days from node 30 to node 61
        (61.0, 3.0, 10.0),
        (900.0, 3.0, 10.0),
    ):
        at = np.array([reach])
        npt.assert_allclose(read_curve(days, count, find_spot(span, at)), [purchases])
        npt.assert_allclose(read_curve(money, spent, find_spot(span, at)), [spent_then])


def test_a_gap_that_ends_within_the_window_is_due() -> None:
    """A gap of 365 days ends 91, 0, 182 and 364 days into a window of 182: the middle, both ends,
    and one and a half windows from the middle: 1 / (1 + 3^4)."""
    silent = np.array([274.0, 365.0, 183.0, 1.0])
    due = due_within(silent, np.full(4, 365.0), 182.0)
    np.testing.assert_allclose(due, [1.0, 0.5, 0.5, 1.0 / 82.0])
