"""Gamma-Gamma against published and independently recomputed numbers."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit.lifetime import GammaGammaModel, fit_gamma_gamma
from tests.lifetime.bases import cdnow


def test_cdnow_exact() -> None:
    """Note 025: 6.25 / 3.74 / 15.44; CLVTools: log-likelihood -4055.9177; digits beyond: own
    refits with other optimisers."""
    base = cdnow()
    model = fit_gamma_gamma(base.history.frequency, base.monetary_value)
    expected = {"p": 6.2495723, "q": 3.7442247, "gamma": 15.443521}
    assert model.parameters == pytest.approx(expected, rel=1e-6)
    assert model.log_likelihood == pytest.approx(-4055.91769, abs=6e-6)
    errors = {"p": 1.19007, "q": 0.29014, "gamma": 4.15948}
    assert model.standard_errors == pytest.approx(errors, rel=3e-5)
    assert model.n == 946


def test_cdnow_rounded_csv() -> None:
    """The summary shipped by lifetimes has mean amounts rounded to two decimals."""
    path = distribution("lifetimes").locate_file(
        "lifetimes/datasets/cdnow_customers_summary_with_transactions.csv"
    )
    frame = pd.read_csv(Path(str(path)))
    model = fit_gamma_gamma(frame["x"], frame["zbar"])
    expected = {"p": 6.248802, "q": 3.744588, "gamma": 15.447748}
    assert model.parameters == pytest.approx(expected, rel=1e-6)
    assert model.log_likelihood == pytest.approx(-4055.92324, abs=6e-6)


def test_cdnow_seventy_eight_weeks() -> None:
    base = cdnow("1998-06-30")
    model = fit_gamma_gamma(base.history.frequency, base.monetary_value)
    expected = {"p": 4.683453, "q": 4.189783, "gamma": 24.390554}
    assert model.parameters == pytest.approx(expected, rel=1e-6)
    assert model.log_likelihood == pytest.approx(-4884.5663, abs=6e-5)
    assert model.n == 1139


def test_population_mean() -> None:
    """p gamma / (q - 1) at the printed parameters of note 025."""
    model = GammaGammaModel(p=6.25, q=3.74, gamma=15.44)
    assert model.population_mean == pytest.approx(35.2189781022, rel=1e-12)


def test_first_ten_customers() -> None:
    """lifetimes and pymc-marketing print these at 6.25 / 3.74 / 15.44 rounded; 35.17 is the
    population mean, given to those who bought once."""
    base = cdnow()
    model = fit_gamma_gamma(base.history.frequency, base.monetary_value)
    printed = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    found = model.expected_spend(base.history.frequency[:10], base.monetary_value[:10])
    np.testing.assert_allclose(found, printed, atol=0.006)
