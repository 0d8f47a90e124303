"""A run that knows the last one: tiers change on evidence, and who moved is shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import PipelineConfig, RetentionPipeline, RetentionResult
from retainkit.tiers import assign_tiers, compare_tiers
from tests.runs import QUIET, run_cdnow


@pytest.fixture(scope="module")
def before() -> RetentionResult:
    return run_cdnow("1998-03-31")


@pytest.fixture(scope="module")
def after(before: RetentionResult) -> RetentionResult:
    return RetentionPipeline().run(load_cdnow_sample(), as_of="1998-06-30", previous=before)


def test_the_run_is_the_functions_by_hand(before: RetentionResult, after: RetentionResult) -> None:
    tiers = assign_tiers(
        after.value.future_potential,
        after.model.tier_scheme,
        customer_id=after.history.customer_id,
        previous=before.tiers,
        stability=after.config.stability,
    )
    lost = after.scores.states.is_lost
    place = before.tiers.customer_id.get_indexer(after.tiers.customer_id)
    assert (place >= 0).all()
    tiers = tiers.with_lost(lost, before.tiers.value_tier[place])  # the last published tier
    assert 0 < lost.sum() < len(lost)
    pd.testing.assert_frame_equal(tiers.to_frame(), after.tiers.to_frame(), check_exact=True)
    assert after.movement is not None
    by_hand = compare_tiers(before.tiers, tiers).to_frame()  # lost is lapsed, as in the pyramid
    pd.testing.assert_frame_equal(by_hand, after.movement.to_frame(), check_exact=True)


def test_evidence_moves_fewer_customers_than_bare_cuts(
    before: RetentionResult, after: RetentionResult
) -> None:
    """A band around the cuts can only hold customers back, never push them."""
    bare = run_cdnow()
    assert bare.moves is not None  # without the last run: since the day before the period
    assert bare.moves.since == before.as_of
    moved = np.count_nonzero(after.tiers.value_tier != before.tiers.value_tier)
    moved_bare = np.count_nonzero(bare.tiers.value_tier != before.tiers.value_tier)
    assert moved < moved_bare


@pytest.mark.parametrize("name", ["bg_nbd", "pareto_nbd", "nbd"])
def test_another_model_of_buying_can_be_chosen(name: str) -> None:
    config = PipelineConfig.model_validate({**QUIET.model_dump(), "purchase_model": name})
    model = RetentionPipeline(config).run(load_cdnow_sample(), as_of="1998-06-30").model
    assert model.purchase_model is not None
    assert model.purchase_model.kind == name
    assert type(model).from_json(model.to_json()) == model
