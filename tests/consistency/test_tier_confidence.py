"""How sure a tier is, on request: the distribution of the run's own models."""

from __future__ import annotations

import numpy as np

from retainkit.datasets import load_cdnow_sample
from retainkit.lifetime import GammaGammaModel, MbgNbdModel
from retainkit.pipeline import RetentionPipeline, RetentionResult
from retainkit.tiers import LifetimeValues, tier_probabilities
from retainkit.value import expected_lifetime_value
from tests.runs import QUIET


def test_it_is_the_distribution_by_hand() -> None:
    config = QUIET.replace(tier_confidence=True)
    result = RetentionPipeline(config).run(load_cdnow_sample(), as_of="1998-06-30")
    buying, spend = result.model.purchase_model, result.model.spend_model
    assert isinstance(buying, MbgNbdModel)
    assert isinstance(spend, GammaGammaModel)
    values = LifetimeValues(
        result.history,
        result.history.monetary_value,
        buying,
        spend,
        horizon=365.0 / 7,
        annual_discount_rate=0.1,
    )
    expected = expected_lifetime_value(
        result.history, buying, spend_model=spend, horizon_days=365.0, annual_discount_rate=0.1
    )
    values = values.moved_to(result.value.future_potential, expected=expected)
    chances = tier_probabilities(result.tiers.scheme, values)
    own = chances[np.arange(len(result)), result.tiers.value_tier]
    lost = (result.tiers.to_frame()["tier"] == "lost").to_numpy()
    assert 0 < lost.sum() < len(result)
    own[lost] = np.nan  # no cut decides on who is lost
    assert result.tiers.confidence is not None
    np.testing.assert_allclose(result.tiers.confidence, own, atol=1e-9)
    view = result.customers.to_frame()
    assert view["borderline"].tolist() == (own < config.stability.borderline_below).tolist()


def test_without_it_who_is_near_a_cut_is_borderline(cdnow_result: RetentionResult) -> None:
    view = cdnow_result.customers.to_frame()
    assert "confidence" not in view
    assert 0.0 < view["borderline"].mean() < 0.5
