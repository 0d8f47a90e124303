"""The model of buying by name, or by a hold-out that says why."""

from __future__ import annotations

import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.lifetime import compare_models, fit_pareto_nbd, split_histories
from retainkit.pipeline import PipelineConfig, RetentionPipeline
from tests.runs import QUIET

AS_OF = pd.Timestamp("1998-06-30").date()


def test_the_hold_out_decides_and_says_why() -> None:
    rows = load_cdnow_sample()
    result = RetentionPipeline(QUIET.replace(purchase_model="best")).run(rows, as_of=AS_OF)
    first = rows["timestamp"].min().date()
    end = AS_OF - (AS_OF - first) / 4
    split = split_histories(
        rows["customer_id"], rows["timestamp"], calibration_end=end, holdout_end=AS_OF
    )
    comparison = compare_models(split)
    model = result.model.purchase_model
    assert model is not None
    assert model.kind == comparison.chosen
    assert result.model.purchase_model_reason == comparison.reason


def test_a_named_model_is_not_questioned() -> None:
    rows = load_cdnow_sample()
    config = QUIET.replace(purchase_model="pareto_nbd")
    result = RetentionPipeline(config).run(rows, as_of=AS_OF)
    by_hand = fit_pareto_nbd(result.history)
    assert result.model.purchase_model == by_hand
    assert result.model.purchase_model_reason == ""


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")
def test_where_nothing_can_be_compared_the_default_stands() -> None:
    rows = pd.DataFrame(
        {"customer_id": range(30), "timestamp": pd.Timestamp("2024-01-01"), "amount": 5.0}
    )
    config = PipelineConfig(purchase_model="best")
    result = RetentionPipeline(config).run(rows, as_of="2024-01-01")
    assert "could be compared" in result.model.purchase_model_reason
