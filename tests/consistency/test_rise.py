"""The probability of rising: learnt from earlier days of the same rows, kept with the model."""

from __future__ import annotations

import numpy as np
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import FittedPipeline, PipelineConfig, RetentionPipeline, RetentionResult


@pytest.fixture(scope="module")
def rising() -> RetentionResult:
    config = PipelineConfig(tier_basis="contribution", upgrade_horizon_days=182.0)
    return RetentionPipeline(config).run(load_cdnow_sample(), as_of="1998-06-30")


def test_it_is_learnt_and_kept(rising: RetentionResult) -> None:
    rises = rising.model.rise_model
    assert rises is not None
    model = rises.whole
    assert model.log_loss is not None
    assert model.matrix_log_loss is not None
    assert model.log_loss < model.matrix_log_loss
    assert FittedPipeline.from_json(rising.model.to_json()) == rising.model


def test_probabilities_are_those_of_the_learnt_horizon(rising: RetentionResult) -> None:
    """As many are expected to rise as usually do, and nobody above the highest tier."""
    chance = rising.scores.potential.probability
    rises = rising.model.rise_model
    assert chance is not None
    assert rises is not None
    assert rises.whole.share_rose is not None
    able = rising.tiers.value_tier > 0
    known = np.nan_to_num(chance[able])
    assert 0.0 <= known.min() <= known.max() <= 1.0
    assert np.nansum(chance[~able]) == 0.0
    assert known.sum() / len(rising) < 2.0 * rises.whole.share_rose


def test_row_by_row_it_is_the_same(rising: RetentionResult) -> None:
    part = np.array([3, 77, 1500])
    again = rising.model.score(rising.history.take(part))
    one, whole = again.potential.probability, rising.scores.potential.probability
    assert one is not None
    assert whole is not None
    np.testing.assert_allclose(one, whole[part])


def test_too_short_a_history_is_named() -> None:
    config = PipelineConfig(upgrade_horizon_days=2_000.0)
    result = RetentionPipeline(config).run(load_cdnow_sample(), as_of="1998-06-30")
    assert result.model.rise_model is None
    assert result.scores.potential.check is not None
    assert result.scores.potential.check.finding == "no_past"
    assert any("potential is not known" in gap.why for gap in result.gaps)
