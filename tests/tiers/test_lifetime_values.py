"""Tiers by future value: how sure they are, by the models of purchases and spend."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

from retainkit._core.time import DAYS_PER_UNIT
from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AlignmentError, RetainkitWarning
from retainkit.lifetime import (
    GammaGammaModel,
    MbgNbdModel,
    PurchaseHistories,
    fit_mbg_nbd,
    probability_value_exceeds,
)
from retainkit.tiers import (
    ByCuts,
    LifetimeValues,
    NormalValues,
    TierSchemeConfig,
    assess_confidence,
    assign_tiers,
    fit_tier_scheme,
    tier_probabilities,
)
from retainkit.tiers.grading._lifetime_values import TierConfidence
from retainkit.typing import FloatArray, TimeUnit
from retainkit.value import summarize_customers

# Published estimates of the CDNOW sample; customers made up.
BUYING = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
SPEND = GammaGammaModel(p=6.25, q=3.74, gamma=15.44)
HISTORY = PurchaseHistories(
    frequency=[2, 0, 9, 5, 3], recency=[30.43, 0, 37, 12, np.nan],
    age=[38.86, 38.86, 38.86, 30.0, np.nan], unit="week",
)  # fmt: skip
MONEY = np.array([22.35, np.nan, 40.0, 60.0, np.nan])
VALUES = LifetimeValues(HISTORY, MONEY, BUYING, SPEND, horizon=52.0, resolution=0.0)
SCHEME = fit_tier_scheme([], config=TierSchemeConfig(rule=ByCuts(cuts=(200.0, 30.0))))
LEVEL = np.array([60.0, 8.0, 350.0, 40.0, np.nan])


def exceeds(cut: float | FloatArray) -> FloatArray:
    return probability_value_exceeds(
        cut, HISTORY, monetary_value=MONEY, purchase_model=BUYING, spend_model=SPEND, horizon=52.0
    )


def test_probabilities_are_those_of_the_models() -> None:
    chances = tier_probabilities(SCHEME, VALUES)
    np.testing.assert_allclose(chances[:, 0], exceeds(200.0), rtol=1e-9)
    np.testing.assert_allclose(chances[:, 1], exceeds(30.0) - exceeds(200.0), atol=1e-9)
    np.testing.assert_allclose(chances[:4].sum(axis=1), 1.0)
    assert np.isnan(chances[4]).all()


def test_probabilities_against_drawn_futures() -> None:
    """Gamma-mixed Poisson purchases of gamma-mixed amounts, drawn from the posterior laws."""
    rng, n = np.random.default_rng(8), 200_000
    # The second customer: no repeat purchase in 38.86 weeks. MBG/NBD: some leave right after the
    # first purchase; who stays was silent with probability exp(-rate 38.86).
    rate = rng.gamma(BUYING.r, 1.0 / BUYING.alpha, n)
    dropout = rng.beta(BUYING.a, BUYING.b, n)
    weight = np.where(rng.random(n) < dropout, 1.0, np.exp(-rate * 38.86))
    gone = weight == 1.0
    total = np.zeros(n)
    price = 1.0 / rng.gamma(SPEND.q, 1.0 / SPEND.gamma, n)
    left = np.where(gone, 0.0, 52.0)
    while (left > 0.0).any():
        left -= rng.exponential(1.0 / rate)
        buys = left > 0.0
        total += np.where(buys, rng.gamma(SPEND.p, price), 0.0)
        left[buys & (rng.random(n) < dropout)] = 0.0
    drawn = np.average(total > 30.0, weights=weight)
    np.testing.assert_allclose(VALUES.exceeds(30.0)[1], drawn, atol=0.006)


def test_another_estimate_moves_the_distribution_to_its_mean() -> None:
    """P(s V >= c) = P(V >= c / s), customer by customer."""
    scale = np.array([2.0, 0.5, 1.0, 4.0, 1.0])
    scaled = VALUES._replace(scale=scale)
    np.testing.assert_allclose(scaled.exceeds(200.0), exceeds(200.0 / scale), rtol=1e-9)
    np.testing.assert_allclose(
        scaled.exceeds_each([200.0, 30.0])[:, 1], exceeds(30.0 / scale), rtol=1e-9
    )


def test_limits() -> None:
    none = VALUES._replace(margin_rate=np.array([0.5, 0.5, -0.1, 0.0, 0.5]))
    each = none.exceeds_each([100.0, 0.0, -5.0])
    np.testing.assert_array_equal(each[2:4, 0], 0.0)  # no gain on a purchase: nothing reached
    np.testing.assert_allclose(each[:2, 0], exceeds(200.0)[:2], rtol=1e-9)
    np.testing.assert_array_equal(each[:2, 1:], 1.0)
    assert np.isnan(each[4]).all()
    assert np.isnan(VALUES._replace(scale=np.full(5, np.nan)).exceeds(1.0)).all()
    with pytest.raises(AlignmentError, match="scale"):
        VALUES._replace(scale=np.ones(4)).exceeds(1.0)


def test_confidence_is_the_probability_of_the_tier_assigned() -> None:
    tiers = assign_tiers(LEVEL, SCHEME)
    sure = assess_confidence(tiers, VALUES)
    chances = tier_probabilities(SCHEME, VALUES)
    np.testing.assert_array_equal(sure.probability, chances)
    np.testing.assert_array_equal(sure.confidence, chances[np.arange(5), tiers.value_tier])
    same = assign_tiers(LEVEL, SCHEME, distribution=VALUES)
    np.testing.assert_array_equal(sure.tiers.confidence, same.confidence)
    np.testing.assert_array_equal(sure.borderline, same.borderline)
    np.testing.assert_array_equal(sure.likeliest[:4], chances[:4].argmax(axis=1))
    assert sure.likeliest[4] == -1


def test_summary_by_hand() -> None:
    # sd 0: certain; two in key, one in ordinary, one in small; the last has no value
    tiers = assign_tiers([300.0, 210.0, 40.0, 5.0, np.nan], SCHEME)
    sure = assess_confidence(
        tiers, NormalValues([300.0, 200.0, 40.0, 5.0, np.nan], [0.0, 10.0, 0.0, 0.0, np.nan])
    )
    table = sure.summary()
    assert table["customers"].tolist() == [2, 1, 2]
    np.testing.assert_allclose(table["expected_customers"], [1.5, 1.5, 1.0])
    np.testing.assert_allclose(table["mean_confidence"], [0.75, 1.0, 1.0])
    assert table["borderline"].tolist() == [1, 0, 0]
    frame = sure.to_frame()
    assert list(frame) == ["customer_id", "value_tier", "confidence", "borderline", "likeliest"]
    probabilities = sure.probabilities()
    assert list(probabilities) == ["customer_id", "tier", "probability"]
    assert probabilities["tier"].tolist()[:3] == ["key", "ordinary", "small"]
    np.testing.assert_array_equal(probabilities["probability"], sure.probability.ravel())
    assert frame["likeliest"].isna().tolist() == [False] * 4 + [True]
    again: TierConfidence = pickle.loads(pickle.dumps(sure))
    np.testing.assert_array_equal(again.confidence, sure.confidence)


@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_rounded_times_cost_no_more_than_said(unit: TimeUnit) -> None:
    """The default is off by at most its resolution of 0.05, by a tenth of it on average."""
    summary = summarize_customers(load_cdnow_sample(), as_of="1998-06-30", unit=unit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)
        buying = fit_mbg_nbd(summary)
    year = 365.25 / DAYS_PER_UNIT[unit]
    rough = LifetimeValues(summary, summary.monetary_value, buying, SPEND, horizon=year)
    exact = rough._replace(resolution=0.0).exceeds_each([20.0, 60.0])
    close = rough.exceeds_each([20.0, 60.0])
    assert np.abs(close - exact).max() < 0.05
    assert np.abs(close - exact).mean() < 0.005


def test_a_customer_alone_is_as_in_the_base() -> None:
    rough = VALUES._replace(resolution=0.05)
    for place in range(5):
        one = PurchaseHistories(
            frequency=HISTORY.frequency[[place]], recency=HISTORY.recency[[place]],
            age=HISTORY.age[[place]], unit="week",
        )  # fmt: skip
        alone = rough._replace(history=one, monetary_value=MONEY[[place]])
        np.testing.assert_allclose(
            alone.exceeds(30.0), rough.exceeds(30.0)[[place]], rtol=1e-6, atol=1e-8
        )


def test_refuses_other_customers() -> None:
    with pytest.raises(AlignmentError, match="distribution"):
        assess_confidence(assign_tiers(LEVEL[:3], SCHEME), VALUES)
