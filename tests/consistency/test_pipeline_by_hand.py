"""The pipeline contains no arithmetic: its functions called by hand give the same tables."""

from __future__ import annotations

import numpy as np
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import PipelineConfig, RetentionPipeline, RetentionResult
from retainkit.simulate import SimulatedBase
from tests.consistency.conftest import tables_of
from tests.consistency.frames import ALL, assert_same, frames_of
from tests.consistency.hand import run_by_hand

BY_HAND = tuple(name for name in ALL if name != "customers")


def test_cdnow(cdnow_result: RetentionResult) -> None:
    hand = run_by_hand(load_cdnow_sample(), {"as_of": "1998-06-30"}, PipelineConfig())
    assert_same(frames_of(cdnow_result), hand, names=BY_HAND)


def test_all_six_tables(
    base: SimulatedBase, full_config: PipelineConfig, full_result: RetentionResult
) -> None:
    hand = run_by_hand(base.transactions, tables_of(base), full_config)
    assert_same(frames_of(full_result), hand, names=BY_HAND)


@pytest.mark.parametrize("collapse", ["day", "month"])
def test_graded_by_contribution_in_another_unit(base: SimulatedBase, collapse: str) -> None:
    config = PipelineConfig.model_validate(
        {"unit": "month", "collapse": collapse, "tier_basis": "contribution"}
    )
    result = RetentionPipeline(config).run(base.transactions, as_of=base.as_of)
    hand = run_by_hand(base.transactions, {"as_of": base.as_of}, config)
    assert_same(frames_of(result), hand, names=BY_HAND)


def test_the_single_view_joins_the_tables(
    full_result: RetentionResult, base: SimulatedBase
) -> None:
    view, frames = full_result.customers.to_frame(), frames_of(full_result)
    assert view["customer_id"].tolist() == full_result.history.customer_id.tolist()
    value, churn = frames["value"], frames["churn"]
    assert value is not None
    assert churn is not None
    assert full_result.causes is not None
    causes = full_result.causes.to_frame(language="en")
    assert full_result.scores.future is not None
    assert full_result.scores.future.total.tolist() == value["future_potential"].tolist()
    assert view["expected_value"].tolist() == full_result.scores.future.expected.tolist()
    np.testing.assert_array_equal(1.0 - view["p_alive"], churn["p_churned"])
    by_id = view.set_index("customer_id")
    known = causes[causes["customer_id"].isin(by_id.index)].set_index("customer_id")
    assert len(known) > 50
    shown = by_id.loc[known.index, "cause"].astype(str)
    assert shown.tolist() == known["cause"].astype(str).tolist()
    assert by_id["cause"].notna().sum() == len(known)
    last = base.surveys.sort_values("timestamp", kind="stable").groupby("customer_id").last()
    answers = base.surveys["customer_id"].value_counts()
    once = answers[answers == 1].index.intersection(by_id.index)
    assert len(once) > 50
    assert by_id.loc[once, "satisfaction"].tolist() == last.loc[once, "satisfaction"].tolist()
