"""How sure a tier is: against scipy's distributions, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from retainkit.errors import AlignmentError, SchemaError
from retainkit.tiers import (
    ByCuts,
    GammaValues,
    NormalValues,
    QuantileValues,
    TierSchemeConfig,
    assign_tiers,
    fit_tier_scheme,
    tier_probabilities,
)

NAN = float("nan")
SCHEME = fit_tier_scheme([], config=TierSchemeConfig(rule=ByCuts(cuts=(100.0, 10.0))))
MEAN = np.array([5.0, 60.0, 99.0, 101.0, 400.0])
SD = np.array([3.0, 30.0, 10.0, 10.0, 100.0])


def test_normal_values_against_scipy() -> None:
    chances = tier_probabilities(SCHEME, NormalValues(MEAN, SD))
    upper, lower = stats.norm.sf(100.0, MEAN, SD), stats.norm.sf(10.0, MEAN, SD)
    np.testing.assert_allclose(chances[:, 0], upper, rtol=1e-12)
    np.testing.assert_allclose(chances[:, 1], lower - upper, atol=1e-15)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)


def test_gamma_values_against_scipy() -> None:
    law = stats.gamma((MEAN / SD) ** 2, scale=SD**2 / MEAN)
    np.testing.assert_allclose(GammaValues(MEAN, SD).exceeds(100.0), law.sf(100.0), rtol=1e-10)
    np.testing.assert_array_equal(GammaValues(MEAN, SD).exceeds(0.0), 1.0)


def test_a_certain_value_is_surely_where_it_is() -> None:
    for kind in (NormalValues, GammaValues):
        chances = tier_probabilities(SCHEME, kind([100.0, 99.0, 0.0], [0.0, 0.0, 0.0]))
        np.testing.assert_array_equal(chances, [[1, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_quantiles_by_hand() -> None:
    values = QuantileValues([0.1, 0.5, 0.9], [[0.0, 50.0, 150.0], [110.0, 120.0, 130.0]])
    np.testing.assert_allclose(values.exceeds(100.0), [0.3, 1.0])  # half way from .5 to .9
    np.testing.assert_allclose(values.exceeds(0.0), [1.0, 1.0])
    np.testing.assert_allclose(values.exceeds(150.0), [0.1, 0.0])
    np.testing.assert_allclose(values.exceeds(150.01), [0.0, 0.0])
    np.testing.assert_allclose(tier_probabilities(SCHEME, values)[0], [0.3, 0.52, 0.18])


def test_many_quantiles_approach_the_distribution() -> None:
    levels = np.linspace(0.0005, 0.9995, 2_000)
    quantiles = np.asarray(stats.norm.ppf(levels, MEAN[:, None], SD[:, None]))
    by_quantiles = tier_probabilities(SCHEME, QuantileValues(levels, quantiles))
    np.testing.assert_allclose(
        by_quantiles, tier_probabilities(SCHEME, NormalValues(MEAN, SD)), atol=1e-3
    )


def test_the_probability_is_the_share_of_draws() -> None:
    """Calibrated: of customers sure to 70-80 %, that share is truly in the tier."""
    rng = np.random.default_rng(8)
    mean, sd = rng.uniform(0.0, 200.0, size=40_000), rng.uniform(1.0, 40.0, size=40_000)
    truth = assign_tiers(rng.normal(mean, sd), SCHEME).value_tier
    table = assign_tiers(mean, SCHEME, distribution=NormalValues(mean, sd))
    assert table.confidence is not None
    for low in (0.5, 0.6, 0.7, 0.8, 0.9):
        here = (table.confidence >= low) & (table.confidence < low + 0.1)
        hits = (truth == table.value_tier)[here].mean()
        assert hits == pytest.approx(table.confidence[here].mean(), abs=0.025)


def test_borderline_is_in_the_table() -> None:
    table = assign_tiers(MEAN, SCHEME, distribution=NormalValues(MEAN, SD))
    frame = table.to_frame()
    assert frame["borderline"].tolist() == [False, False, True, True, False]
    assert frame["confidence"].round(2).tolist() == [0.95, 0.86, 0.54, 0.54, 1.0]
    by_band = assign_tiers([84.0, 85.0, 115.0, 115.1, 8.5, NAN], SCHEME).to_frame()["borderline"]
    assert by_band.tolist() == [False, True, True, False, True, False]
    unknown = assign_tiers([99.0], SCHEME, distribution=NormalValues([99.0], [NAN]))
    assert unknown.to_frame()["borderline"].tolist() == [True]


def test_any_object_with_the_method_will_do() -> None:
    class Coin:
        def exceeds(self, amount: float) -> np.ndarray:
            return np.array([0.5 if amount > 50 else 1.0])

    np.testing.assert_array_equal(tier_probabilities(SCHEME, Coin()), [[0.5, 0.5, 0.0]])


def test_without_cuts_everybody_is_surely_in_the_lowest_tier() -> None:
    chances = tier_probabilities(fit_tier_scheme([-1.0]), NormalValues([5.0], [1.0]))
    np.testing.assert_array_equal(chances, [[0.0, 0.0, 1.0]])


def test_refuses_what_is_no_distribution() -> None:
    with pytest.raises(SchemaError, match="negative"):
        NormalValues([1.0], [-1.0]).exceeds(0.0)
    with pytest.raises(AlignmentError, match="sd"):
        NormalValues([1.0], [1.0, 2.0]).exceeds(0.0)
    with pytest.raises(SchemaError, match="descend"):
        QuantileValues([0.1, 0.9], [[5.0, 4.0]]).exceeds(0.0)
    with pytest.raises(SchemaError, match="ascend"):
        QuantileValues([0.9, 0.1], [[4.0, 5.0]]).exceeds(0.0)
    with pytest.raises(SchemaError, match="levels"):
        QuantileValues([0.5], [[4.0, 5.0]]).exceeds(0.0)
    with pytest.raises(AlignmentError, match="distribution"):
        assign_tiers([1.0, 2.0], SCHEME, distribution=NormalValues([1.0], [1.0]))
