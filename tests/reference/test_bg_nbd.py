"""BG/NBD against published and independently recomputed numbers."""

from __future__ import annotations

import numpy as np
import pytest

from retainkit.lifetime import BgNbdModel, PurchaseHistories, compare_frequencies, fit_bg_nbd
from retainkit.lifetime import _kernel_beta_geometric as kernel
from tests.lifetime.bases import cdnow
from tests.reference.histories import log_likelihood_at, many, one, rounded_cdnow

PAPER = BgNbdModel(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
"""Fader, Hardie & Lee (2005), table 2."""
VIGNETTE = BgNbdModel(r=0.2425982, alpha=4.4136842, a=0.7929899, b=2.4261667, unit="week")
"""The vignette of the R package BTYD."""


def test_cdnow_exact_days() -> None:
    """clvkit: .242595 4.413602 .792922 2.425907; the paper: .243 4.414 .793 2.426, -9582.4;
    standard errors, AIC and BIC: own refits with other optimisers."""
    model = fit_bg_nbd(cdnow().history)
    expected = {"r": 0.2425945, "alpha": 4.413602, "a": 0.792922, "b": 2.4259068}
    assert model.parameters == pytest.approx(expected, rel=1e-6)
    assert model.log_likelihood == pytest.approx(-9582.42921, abs=6e-6)
    errors = {"r": 0.012557, "alpha": 0.378224, "a": 0.185734, "b": 0.705414}
    assert model.standard_errors == pytest.approx(errors, rel=5e-5)
    assert model.aic == pytest.approx(19172.858, abs=6e-4)
    assert model.bic == pytest.approx(19195.919, abs=6e-4)
    assert (model.n, model.boundary) == (2357, ())


def test_cdnow_rounded_csv() -> None:
    """lifetimes' own test data; parameters and value from its test_estimation.py, recomputed."""
    model = fit_bg_nbd(rounded_cdnow())
    expected = {"r": 0.242593, "alpha": 4.413532, "a": 0.792886, "b": 2.425753}
    assert model.parameters == pytest.approx(expected, rel=2.5e-6)  # the printed digits
    assert model.log_likelihood == pytest.approx(-9582.42556, abs=6e-6)


def test_cdnow_in_units_of_four_weeks() -> None:
    """Another unit moves the log-likelihood by sum(x) log 4 and scales alpha alone."""
    history = cdnow().history
    model = fit_bg_nbd(
        PurchaseHistories(
            frequency=history.frequency,
            recency=history.recency / 4,
            age=history.age / 4,
            unit="month",
        )
    )
    assert model.log_likelihood == pytest.approx(-6176.3040, abs=6e-5)
    assert model.alpha == pytest.approx(1.1034, abs=6e-5)


def test_cdnow_seventy_eight_weeks() -> None:
    model = fit_bg_nbd(cdnow("1998-06-30").history)
    expected = {"r": 0.253561, "alpha": 5.447258, "a": 0.607365, "b": 2.647234}
    assert model.parameters == pytest.approx(expected, rel=2.5e-6)
    assert model.log_likelihood == pytest.approx(-17138.234, abs=6e-4)
    at = log_likelihood_at(kernel, tuple(model.parameters.values()), cdnow().history, first=0.0)
    assert at == pytest.approx(-9592.0603, abs=6e-5)


@pytest.mark.parametrize(
    ("row", "expected"), [((0, 0, 40), -0.5994738182), ((200, 38, 40), 100.795693093)]
)
def test_log_likelihood_points(row: tuple[float, float, float], expected: float) -> None:
    """At r .25, alpha 4, a .8, b 2.5: pymc-marketing's test values, recomputed."""
    found = log_likelihood_at(kernel, (0.25, 4, 0.8, 2.5), many(row), first=0.0)
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_btyd_vignette() -> None:
    """Published: 1.444004, 25.75659, .9688523; digits beyond recomputed."""
    customer = one(26, 216 / 7, 31)
    assert VIGNETTE.expected_purchases_new(52) == pytest.approx(1.44400480, rel=1e-8)
    expected = VIGNETTE.expected_purchases(customer, horizon=52)[0]
    assert expected == pytest.approx(25.75653775, rel=1e-9)
    assert expected == pytest.approx(25.75659, rel=3e-6)
    assert VIGNETTE.p_alive(customer)[0] == pytest.approx(0.96885215, rel=1e-8)


def test_the_increasing_frequency_paradox() -> None:
    """The vignette's figure: of those silent for 19 weeks, the heavier buyer will buy less.
    Published: .3474606 .04283391 .004158973 .0003583685."""
    rows = many(*((x, 20, 39) for x in (10, 15, 20, 25)))
    recomputed = [0.34746025, 0.042833954, 0.0041589857, 0.00035837044]
    np.testing.assert_allclose(VIGNETTE.expected_purchases(rows, horizon=52), recomputed, rtol=2e-8)


def test_hardies_spreadsheet_of_expected_purchases() -> None:
    """Printed .0078 .0532 .1506 1.0405 1.0437 1.8576 at unrounded parameters: 2e-3 apart."""
    weeks = (0.1429, 1, 3, 31.8571, 32, 78)
    found = [PAPER.expected_purchases_new(week) for week in weeks]
    recomputed = [0.0078283475, 0.053267891, 0.15086523, 1.0419961, 1.0452433, 1.8605191]
    np.testing.assert_allclose(found, recomputed, rtol=5e-8)
    printed = [0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576]
    np.testing.assert_allclose(found, printed, rtol=4e-3)


def test_the_known_customer_of_note_018() -> None:
    customer = one(2, 30.43, 38.86)
    found = PAPER.expected_purchases(customer, horizon=39)[0]
    assert found == pytest.approx(1.22602817477, rel=1e-11)
    assert PAPER.p_alive(customer)[0] == pytest.approx(0.726578570081, rel=1e-11)


def test_probabilities_of_counts() -> None:
    """P(X(2) = 10), P(X(39) = 0) and P(X(30) = 11 .. 20), recomputed with 34 digits."""
    assert PAPER.purchase_probabilities_new(2, max_count=10)[10] == pytest.approx(
        1.07868964037e-7, rel=1e-11
    )
    assert PAPER.purchase_probabilities_new(39, max_count=0)[0] == pytest.approx(
        0.573786352096, rel=1e-11
    )
    expected = [
        *(0.001999521447, 0.00151702363, 0.001163315007, 0.0009003147896, 0.0007023637659),
        *(0.0005517902426, 0.0004361912809, 0.0003467171396, 0.0002769612648, 0.000222226048),
    ]
    found = PAPER.purchase_probabilities_new(30, max_count=20)[11:]
    np.testing.assert_allclose(found, expected, rtol=5e-10)


def test_the_frequencies_of_the_paper() -> None:
    """Section 4: chi-squared 4.82 over 0, 1, ..., 6, 7 and more repeat purchases."""
    history = cdnow().history
    table = compare_frequencies(fit_bg_nbd(history), history)
    assert table["actual"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    chi_squared = ((table["actual"] - table["expected"]) ** 2 / table["expected"]).sum()
    assert chi_squared == pytest.approx(4.82, abs=0.005)


def test_purchases_of_the_next_month_as_other_packages_value_them() -> None:
    """lifetimes' and pymc-marketing's `customer_lifetime_value` of one month (30 days there), no
    discount and spend 1: [.016053, .021171, .030461, .031686, .001607], parameters of the test."""
    model = BgNbdModel(r=0.16385072, alpha=1.86428187, a=1.85034151, b=3.18105431, unit="day")
    history = PurchaseHistories(
        frequency=[0, 0, 6, 0, 2],
        recency=[0, 0, 142, 0, 9],
        age=[298, 224, 292, 147, 183],
        unit="day",
    )
    printed = [0.016053, 0.021171, 0.030461, 0.031686, 0.001607]
    found = model.expected_purchases(history, horizon=30)
    np.testing.assert_allclose(found, printed, atol=5.1e-7)
