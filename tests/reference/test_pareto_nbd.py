"""Pareto/NBD against published and independently recomputed numbers."""

from __future__ import annotations

import numpy as np
import pytest

from retainkit.lifetime import ParetoNbdModel, compare_frequencies, fit_pareto_nbd
from retainkit.lifetime.models import _kernel_pareto_nbd as kernel
from tests.lifetime.bases import cdnow
from tests.reference.histories import log_likelihood_at, many, one, rounded_cdnow

BTYD = ParetoNbdModel(r=0.5534, alpha=10.5802, s=0.6061, beta=11.6562, unit="week")
"""The vignette of the R package BTYD."""
RFM_AND_CLV = ParetoNbdModel(
    r=0.5629966, alpha=12.559037, s=0.4081095, beta=10.5148048, unit="week"
)
"""Fader, Hardie & Lee (2005), RFM and CLV, with the digits of its replications."""


def yearly(rate_per_week: float) -> float:
    """Turn a continuous weekly rate into a yearly one of 365.25 days."""
    return float(np.expm1(rate_per_week * 365.25 / 7))


def test_cdnow_exact_days() -> None:
    """Paper .553 10.578 .606 11.669 -9595.0; CLVTools -9594.976; more digits: own refits."""
    model = fit_pareto_nbd(cdnow().history)
    expected = {"r": 0.553277, "alpha": 10.5776835, "s": 0.60624, "beta": 11.6687353}
    assert model.parameters == pytest.approx(expected, rel=1e-6)
    assert model.log_likelihood == pytest.approx(-9594.97618, abs=6e-6)
    errors = {"r": 0.047628, "alpha": 0.842723, "s": 0.187282, "beta": 6.211147}
    assert model.standard_errors == pytest.approx(errors, rel=2e-5)


def test_cdnow_rounded_csv() -> None:
    """lifetimes' test_estimation.py, recomputed."""
    model = fit_pareto_nbd(rounded_cdnow())
    expected = {"r": 0.553276, "alpha": 10.577612, "s": 0.606214, "beta": 11.667911}
    assert model.parameters == pytest.approx(expected, rel=1.5e-6)
    assert model.log_likelihood == pytest.approx(-9594.97393, abs=6e-6)


def test_cdnow_seventy_eight_weeks() -> None:
    """Fader, Hardie & Lee (2005, RFM and CLV): .5629966 12.559037 .4081095 10.5148048."""
    model = fit_pareto_nbd(cdnow("1998-06-30").history)
    expected = {"r": 0.563004, "alpha": 12.559169, "s": 0.408107, "beta": 10.514545}
    assert model.parameters == pytest.approx(expected, rel=1.5e-6)
    assert model.log_likelihood == pytest.approx(-17135.8359, abs=6e-5)
    at = log_likelihood_at(kernel, tuple(model.parameters.values()), cdnow().history)
    assert at == pytest.approx(-9608.2547, abs=6e-5)


def test_the_btyd_vignette() -> None:
    """Published at unrounded parameters: 1.473434, 25.45647, .997874, .2941633, 1."""
    assert BTYD.expected_purchases_new(52) == pytest.approx(1.47306699, rel=5e-9)
    customer = one(26, 216 / 7, 31)
    found = BTYD.expected_purchases(customer, horizon=52)[0]
    assert found == pytest.approx(25.4537786, rel=5e-9)
    alive = BTYD.p_alive(many((26, 216 / 7, 31), (0, 0, 39), (23, 39, 39)))
    np.testing.assert_allclose(alive, [0.997873276, 0.294142239, 1.0], rtol=5e-9)


def test_the_increasing_frequency_paradox() -> None:
    """Published .7062289 .1442396 .02250658 .00309267 at unrounded parameters."""
    rows = many(*((x, 20, 39) for x in (10, 15, 20, 25)))
    found = BTYD.expected_purchases(rows, horizon=52)
    np.testing.assert_allclose(found, [0.70590695, 0.14417454, 0.022497183, 0.0030915], rtol=2e-7)
    np.testing.assert_allclose(found, [0.7062289, 0.1442396, 0.02250658, 0.00309267], rtol=1e-3)


def test_expected_purchases_of_a_new_customer() -> None:
    expected = [
        *(0, 0.051004534, 0.099620881, 0.14612427, 0.19074189),
        *(0.23366376, 0.27505064, 0.31503995, 0.35375018, 0.39128434),
    ]
    found = [BTYD.expected_purchases_new(week) for week in range(10)]
    np.testing.assert_allclose(found, expected, rtol=5e-8)


@pytest.mark.parametrize(("x", "expected"), [(132, 6.2060517889629), (133, 6.2528722475745)])
def test_a_heavy_buyer_does_not_underflow(x: float, expected: float) -> None:
    """lifetimes' own test, whose comment carries ...9632418 and ...5748113."""
    model = ParetoNbdModel(r=0.55, alpha=10.58, s=0.61, beta=11.67, unit="week")
    found = model.expected_purchases(one(x, 200, 200), horizon=10)[0]
    assert found == pytest.approx(expected, rel=1e-12)


STRESS = (0.5143, 2.8845, 0.2856, 14.1087)
OVERFLOW = (10.465, 0.00798565181, 3.0516, 2.82)


@pytest.mark.parametrize(
    ("parameters", "row", "alive", "likelihood"),
    [
        (STRESS, (221, 103.42857, 103.57143), 0.999596052317938, -61.5846485617),
        (STRESS, (254, 97.14286, 97.28571), 0.999558226123011, -19.6232922175),
        (STRESS, (161, 94.71429, 98), 0.749487752258105, -87.4292548633),
        (STRESS, (204, 98.57143, 99.42857), 0.994255079637896, -65.1983421893),
        (OVERFLOW, (40, 5, 6), 0.00188512818736, -5.71902158522),
        (OVERFLOW, (50, 1, 37), 1.41714429e-96, 116.301264610),
        (OVERFLOW, (50, 4, 37), 6.73297487e-60, 31.8498279691),
        (OVERFLOW, (400, 5, 6), 5.13745811e-31, 1323.18893097),
        (OVERFLOW, (500, 1, 37), 0.0, 2594.40445462),
        (OVERFLOW, (500, 4, 37), 0.0, 1888.82124974),
    ],
)
def test_what_overflows_elsewhere(
    parameters: tuple[float, float, float, float],
    row: tuple[float, float, float],
    alive: float,
    likelihood: float,
) -> None:
    """Points at which CLVTools and lifetimes were reported to fail; 50-digit arithmetic."""
    r, alpha, s, beta = parameters
    model = ParetoNbdModel(r=r, alpha=alpha, s=s, beta=beta, unit="week")
    found = model.p_alive(many(row))[0]
    assert found == pytest.approx(alive, rel=5e-9, abs=1e-300)
    assert log_likelihood_at(kernel, parameters, many(row)) == pytest.approx(likelihood, rel=1e-10)


def test_discounted_expected_residual_transactions() -> None:
    """RFM and CLV: 10 % and 15 % a year; Kummer's function with 34 digits."""
    one_customer = RFM_AND_CLV.discounted_purchases(
        one(7, 35, 77.86), annual_discount_rate=yearly(0.0027)
    )
    assert one_customer[0] == pytest.approx(1.86418332807, rel=1e-10)
    at_fifteen = RFM_AND_CLV.discounted_purchases(
        one(7, 35, 77.86), annual_discount_rate=yearly(float(np.log(1.15)) / 52)
    )
    assert at_fifteen[0] == pytest.approx(1.87058499512, rel=1e-10)
    rows = many(*((x, 30, 77.86) for x in range(1, 11)))
    expected = [
        *(2.19915545, 2.843534406, 2.867128391, 2.445410079, 1.840501924),
        *(1.262416472, 0.8096181195, 0.4948036194, 0.2920247016, 0.1679275086),
    ]
    found = RFM_AND_CLV.discounted_purchases(rows, annual_discount_rate=yearly(0.0027))
    np.testing.assert_allclose(found, expected, rtol=5e-9)


def test_the_frequencies_of_the_paper() -> None:
    """Fader, Hardie & Lee (2005), section 4: chi-squared 11.99."""
    history = cdnow().history
    table = compare_frequencies(fit_pareto_nbd(history), history)
    chi_squared = ((table["actual"] - table["expected"]) ** 2 / table["expected"]).sum()
    assert chi_squared == pytest.approx(11.99, abs=0.005)


def test_the_optimum_of_the_gompertz_model_is_this_one() -> None:
    """On CDNOW the GGompertz/NBD drives b to 1e-6, its Pareto/NBD limit: CLVTools'
    test_correctness_ggomnbd.R prints -9594.9762, the paper -9594.98."""
    likelihood = fit_pareto_nbd(cdnow().history).log_likelihood
    assert likelihood == pytest.approx(-9594.9762, abs=6e-5)
