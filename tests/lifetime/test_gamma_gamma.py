from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import (
    AlignmentError,
    InvalidTableError,
    NotComputableError,
    RetainkitWarning,
)
from retainkit.lifetime import GammaGammaModel, SpendModel, fit_gamma_gamma
from retainkit.lifetime.models import _kernel_gamma_gamma as kernel
from retainkit.typing import FloatArray
from tests.lifetime import oracle
from tests.lifetime.bases import cdnow

LAW = settings(deadline=None, derandomize=True, max_examples=60)
MODEL = GammaGammaModel(p=6.25, q=3.74, gamma=15.44)
NAN = float("nan")


def simulate_spend(
    n: int, *, p: float = 4.0, q: float = 4.0, gamma: float = 60.0, seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 8, n).astype(np.float64)
    return x, rng.gamma(p * x, 1.0) / (x * rng.gamma(q, 1.0 / gamma, n))


def test_the_model_is_a_spend_model() -> None:
    model: SpendModel = MODEL
    assert model.n is None
    assert MODEL.kind == "gamma_gamma"


POINTS = np.log(
    [
        [6.25, 3.74, 15.44],
        [0.1, 40, 3],
        [300, 0.7, 0.01],
        [6.0, 1e9, 5e9],  # customers alike
        [1e9, 4.0, 1e-7],  # purchases alike
        [1e7, 1e8, 300.0],  # both
    ]
)


@pytest.mark.parametrize("theta", POINTS)
def test_value_gradient_and_hessian_against_forty_digits(theta: FloatArray) -> None:
    """Derivatives are differences of note 025's formula, taken with 40 digits."""
    x, m = np.array([1.0, 1.0, 2.0, 30.0]), np.array([22.0, 0.5, 35.17, 800.0])
    w = np.array([1.0, 2.0, 0.5, 3.0])
    with mp.workdps(40):

        def total(*point: mp.mpf) -> mp.mpf:
            rows = zip(x.tolist(), m.tolist(), w.tolist(), strict=True)
            return mp.fsum(
                mp.mpf(k) * oracle.gamma_gamma_log_likelihood(point, a, b) for a, b, k in rows
            )

        at = kernel.evaluate(theta, kernel.prepare(x, m, w))
        size = 1e-15 * float(np.abs(at.hessian).max())  # rounding of what cancels in a derivative
        point = [mp.mpf(float(v)) for v in theta]
        assert at.value == pytest.approx(float(total(*point)), rel=1e-12)
        for i in range(3):
            order = [int(k == i) for k in range(3)]
            slope = float(mp.diff(total, point, tuple(order)))
            assert at.gradient[i] == pytest.approx(slope, rel=1e-8, abs=size)
            for j in range(i + 1):
                both = tuple(o + int(k == j) for k, o in enumerate(order))
                bend = float(mp.diff(total, point, both))
                assert at.hessian[i, j] == pytest.approx(bend, rel=1e-6, abs=max(1e-7, size))


def test_the_fit_recovers_the_truth_within_four_standard_errors() -> None:
    model = fit_gamma_gamma(*simulate_spend(20_000))
    truth = {"p": 4.0, "q": 4.0, "gamma": 60.0}
    for name, error in model.standard_errors.items():
        assert abs(model.parameters[name] - truth[name]) < 4 * error


def test_one_time_buyers_and_unusable_means_are_left_out() -> None:
    x, m = simulate_spend(500)
    more_x, more_m = np.append(x, [0, 0, 3, 3, 3]), np.append(m, [NAN, 7.0, NAN, 0.0, -2.0])
    model, other = fit_gamma_gamma(x, m), fit_gamma_gamma(more_x, more_m)
    assert other.replace(n_excluded=0) == model
    assert (other.n, other.n_excluded) == (500, 3)


def test_expected_spend_by_hand() -> None:
    """(gamma + x m) p / (p x + q - 1), note 025 (5); the population mean without evidence."""
    mean = 6.25 * 15.44 / 2.74
    found = MODEL.expected_spend([2, 0, 3, 4, 5, NAN], [30.0, NAN, NAN, 0.0, -9.0, 1.0])
    by_hand = [
        6.25 * (15.44 + 60) / (12.5 + 2.74),
        mean,
        mean,
        6.25 * 15.44 / (25 + 2.74),
        6.25 * 15.44 / (31.25 + 2.74),
        NAN,
    ]
    np.testing.assert_allclose(found, by_hand, rtol=1e-14)


@LAW
@given(st.integers(1, 3000), st.floats(0.01, 1e6))
def test_shrinkage(x: int, m: float) -> None:
    """The expected spend lies between the customer's own mean and the population mean."""
    found = MODEL.expected_spend([x], [m])[0]
    low, high = sorted((m, MODEL.population_mean))
    assert low * (1 - 1e-12) <= found <= high * (1 + 1e-12)


@LAW
@given(st.sampled_from([1e-6, 0.01, 7.3, 1e8]))
def test_currency_does_not_matter(scale: float) -> None:
    """Other money rescales gamma, shifts the log-likelihood by -n log(scale), and nothing else."""
    x, m = simulate_spend(300)
    one, other = fit_gamma_gamma(x, m), fit_gamma_gamma(x, m * scale)
    assert other.p == pytest.approx(one.p, rel=1e-7)
    assert other.q == pytest.approx(one.q, rel=1e-7)
    assert other.gamma == pytest.approx(one.gamma * scale, rel=1e-7)
    assert one.log_likelihood is not None
    assert other.log_likelihood == pytest.approx(
        one.log_likelihood - 300 * np.log(scale), rel=1e-10
    )


def test_an_infinite_mean_is_warned_about_and_nan() -> None:
    x, m = simulate_spend(2000, q=0.7)
    with pytest.warns(RetainkitWarning, match=r"q is 0\.\d+") as caught:
        model = fit_gamma_gamma(x, m)
    assert caught[0].filename == __file__
    assert np.isnan(model.population_mean)
    spend = model.expected_spend([0, 1], [NAN, 10.0])
    assert np.isnan(spend[0])
    assert spend[1] > 0


def test_customers_alike_and_purchases_alike_are_limits_with_names() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(1, 6, 400).astype(np.float64)
    with pytest.warns(RetainkitWarning, match="equal_customers"):
        alike = fit_gamma_gamma(x, rng.gamma(5 * x, 1 / x))
    np.testing.assert_allclose(
        alike.expected_spend(x, np.full(400, 9.0)), alike.population_mean, rtol=1e-3
    )
    with pytest.warns(RetainkitWarning, match="equal_purchases"):
        # customers who differ widely, whatever their number of purchases
        fit_gamma_gamma(x, 1 / np.random.default_rng(1).gamma(4.0, 1 / 15, 400))


def draw_means(price: Callable[[int], FloatArray], n: int = 689_000) -> tuple[FloatArray, ...]:
    """Mean amounts of n customers who all draw from the same prices."""
    x = 1.0 + np.random.default_rng(1).poisson(3.0, n).astype(np.float64)
    start = np.concatenate([[0], np.cumsum(x)[:-1]]).astype(np.int64)
    return x, np.asarray(np.add.reduceat(price(int(x.sum())), start) / x, dtype=np.float64)


def test_one_price_and_its_rounding_is_one_price() -> None:
    """689,000 customers whose mean amounts differ in the last bits alone: refused as one price,
    where the likelihood has no upper limit."""
    x, m = draw_means(lambda n: np.full(n, 9.99))
    assert m.min() < m.max()
    with pytest.raises(NotComputableError, match=r"all 689000 repeat buyers have .* 9\.99"):
        fit_gamma_gamma(x, m)


def test_a_large_homogeneous_base_ends_at_the_limit() -> None:
    """Equal customers: everybody is expected to spend the mean; the likelihood is the Gamma's
    own, whose maximum scipy finds."""
    from scipy.optimize import minimize_scalar
    from scipy.stats import gamma

    x, m = draw_means(lambda n: np.random.default_rng(2).gamma(6.0, 1.0, n))
    with pytest.warns(RetainkitWarning, match="equal_customers"):
        model = fit_gamma_gamma(x, m)
    mean = float(np.sum(x * m) / np.sum(x))
    np.testing.assert_allclose(model.expected_spend([0, 3], [NAN, 9.0]), mean, rtol=1e-4)
    best = minimize_scalar(
        lambda p: -float(np.sum(gamma.logpdf(m, p * x, scale=mean / (p * x)))), bounds=(5, 7)
    )
    assert model.p == pytest.approx(best.x, rel=1e-4)
    assert model.log_likelihood == pytest.approx(-best.fun, abs=2e-3)


def test_a_large_base_of_equal_purchases_ends_at_the_limit() -> None:
    """Each customer always spends the same: mean amounts are inverse-Gamma, whatever x."""
    from scipy.stats import invgamma

    x = 1.0 + np.random.default_rng(1).poisson(3.0, 689_000)
    m = invgamma.rvs(4.0, scale=15.0, size=len(x), random_state=3)
    with pytest.warns(RetainkitWarning, match="equal_purchases"):
        model = fit_gamma_gamma(x, m)
    shape, scale = model.q, model.gamma * model.p
    truth = float(np.sum(invgamma.logpdf(m, shape, scale=scale)))
    assert model.log_likelihood == pytest.approx(truth, abs=2e-2)
    assert shape == pytest.approx(4.0, rel=0.01)
    np.testing.assert_allclose(model.expected_spend([2], [7.0]), 7.0, rtol=1e-6)


def test_bases_that_say_nothing_are_refused_with_a_remedy() -> None:
    with pytest.raises(NotComputableError, match="0 repeat buyers") as caught:
        fit_gamma_gamma([0, 0, 0], [NAN, NAN, NAN])
    assert caught.value.fix
    with pytest.raises(
        NotComputableError, match=r"all 50 repeat buyers have the mean amount 9\.99"
    ):
        fit_gamma_gamma(np.arange(1, 51), np.full(50, 9.99))


def test_inputs_are_checked() -> None:
    with pytest.raises(AlignmentError, match="2 frequencies and 1 monetary"):
        MODEL.expected_spend([1, 2], [3.0])
    with pytest.raises(InvalidTableError, match="1 negative or infinite"):
        fit_gamma_gamma([1, -2], [3.0, 3.0])


def test_weights_are_repeated_rows() -> None:
    x, m = simulate_spend(200)
    counts = np.random.default_rng(2).integers(0, 4, 200)
    weighted = fit_gamma_gamma(x, m, weights=counts)
    assert weighted == fit_gamma_gamma(np.repeat(x, counts), np.repeat(m, counts))


def test_row_order_and_json_change_nothing() -> None:
    x, m = simulate_spend(400)
    order = np.random.default_rng(3).permutation(400)
    model = fit_gamma_gamma(x, m)
    assert fit_gamma_gamma(x[order], m[order]) == model
    assert GammaGammaModel.from_json(model.to_json()) == model


def test_unknown_amounts_do_not_disturb_cdnow() -> None:
    base = cdnow()
    model = fit_gamma_gamma(base.history.frequency, base.monetary_value)
    assert (model.n, model.n_excluded) == (946, 0)
