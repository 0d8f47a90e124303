"""Contract models against Fader & Hardie (2007, 2010) and Fader et al. (2018)."""

from __future__ import annotations

import numpy as np
import pytest

from retainkit.lifetime import (
    BetaDiscreteWeibullModel,
    ShiftedBetaGeometricModel,
    fit_beta_discrete_weibull,
    fit_shifted_beta_geometric,
    tenures_from_survivors,
)

REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394]


@pytest.mark.parametrize(
    ("survivors", "points", "gamma", "delta", "likelihood"),
    [
        (REGULAR, 5, 0.763665, 1.29583, -1401.5594),
        (REGULAR, 8, 0.704077, 1.182043, -1680.2652),
        (REGULAR, 13, 0.697362, 1.168905, -1931.4917),
        (HIGH_END, 5, 1.280976, 7.790384, -1225.1349),
        (HIGH_END, 8, 0.668088, 3.806095, -1611.1581),
        (HIGH_END, 13, 0.596111, 3.326969, -2010.8584),
    ],
)
def test_shifted_beta_geometric(
    survivors: list[int], points: int, gamma: float, delta: float, likelihood: float
) -> None:
    """Published for 8 points: .704, 1.182, -1680.3 and .668, 3.806, -1611.2."""
    periods, ended, weights = tenures_from_survivors(survivors[:points])
    model = fit_shifted_beta_geometric(periods, ended, weights=weights)
    assert model.parameters == pytest.approx({"gamma": gamma, "delta": delta}, rel=1.5e-6)
    assert model.log_likelihood == pytest.approx(likelihood, abs=6e-5)
    assert model.n == 1000


@pytest.mark.parametrize(
    ("survivors", "points", "parameters", "likelihood"),
    [
        (REGULAR, 5, (0.52303, 0.89428, 1.19640), -1401.3831),
        (REGULAR, 8, (0.45561, 0.77933, 1.28345), -1679.6028),
        (REGULAR, 13, (0.50831, 0.86885, 1.20938), -1930.9297),
        (HIGH_END, 5, (0.25934, 1.72255, 1.58436), -1222.7493),
        (HIGH_END, 8, (0.21425, 1.42657, 1.72356), -1605.3142),
        (HIGH_END, 13, (0.24964, 1.65418, 1.59680), -2004.8169),
    ],
)
def test_beta_discrete_weibull(
    survivors: list[int], points: int, parameters: tuple[float, float, float], likelihood: float
) -> None:
    periods, ended, weights = tenures_from_survivors(survivors[:points])
    model = fit_beta_discrete_weibull(periods, ended, weights=weights)
    np.testing.assert_allclose(list(model.parameters.values()), parameters, atol=6e-6)
    assert model.log_likelihood == pytest.approx(likelihood, abs=6e-5)


def test_discounted_lifetime() -> None:
    """Fader & Hardie (2010): at 10 %, the High-End cohort."""
    model = ShiftedBetaGeometricModel(gamma=0.668, delta=3.806)
    assert model.discounted_lifetime(discount_rate=0.1) == pytest.approx(5.922596, abs=6e-7)
    found = model.discounted_residual_lifetime([1, 2, 3, 4, 5], discount_rate=0.1)
    expected = [5.414856, 5.901753, 6.294261, 6.620280, 6.897057]
    np.testing.assert_allclose(found, expected, atol=6e-7)


@pytest.mark.parametrize(
    ("survivors", "shifted", "weibull"),
    [(REGULAR, (3.62, 5.68), (3.69, 6.03)), (HIGH_END, (5.46, 5.87), (5.99, 7.32))],
)
def test_the_published_discounted_lifetimes_of_five_points(
    survivors: list[int], shifted: tuple[float, float], weibull: tuple[float, float]
) -> None:
    """Fader et al. (2018): E(DL), and E(DRL) of someone active for five periods, at 10 %."""
    periods, ended, weights = tenures_from_survivors(survivors[:5])
    models: list[ShiftedBetaGeometricModel | BetaDiscreteWeibullModel] = [
        fit_shifted_beta_geometric(periods, ended, weights=weights),
        fit_beta_discrete_weibull(periods, ended, weights=weights),
    ]
    for model, (life, residual) in zip(models, (shifted, weibull), strict=True):
        assert model.discounted_lifetime(discount_rate=0.1) == pytest.approx(life, abs=6e-3)
        found = model.discounted_residual_lifetime([5], discount_rate=0.1)[0]
        assert found == pytest.approx(residual, abs=6e-3)


def test_several_cohorts() -> None:
    """Fader & Hardie, note 017: 10,000 customers a year; paper 3.80, 15.19."""
    cohorts = [
        [10000, 8000, 6480, 5307, 4391],
        [10000, 8000, 6480, 5307],
        [10000, 8000, 6480],
        [10000, 8000],
    ]
    parts = [tenures_from_survivors(cohort) for cohort in cohorts]
    periods, ended, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    model = fit_shifted_beta_geometric(periods, ended, weights=weights)
    assert model.parameters == pytest.approx({"gamma": 3.79812581, "delta": 15.19190793}, rel=1e-6)
    assert model.log_likelihood == pytest.approx(-40255.8373, abs=6e-5)


def test_equal_customers_are_the_geometric_model() -> None:
    """Fader & Hardie (2007): the Regular cohort's first four renewals, one retention rate for
    all: theta .272, log-likelihood -1451.2. It is the limit of our model."""
    periods, ended, weights = tenures_from_survivors(REGULAR[:5])
    theta = float(np.sum(weights * ended) / np.sum(weights * periods))
    assert round(theta, 3) == 0.272
    model = ShiftedBetaGeometricModel(gamma=1e7 * theta, delta=1e7 * (1.0 - theta))
    alive, before = model.survival(periods), model.survival(periods - 1)
    found = float(np.sum(weights * np.log(np.where(ended, before - alive, alive))))
    assert found == pytest.approx(-1451.2, abs=0.05)
