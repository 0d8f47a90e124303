"""A plan of a run is kept as decisions: what is read of it must not depend on when or how often."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import RetentionPipeline, RetentionResult


@pytest.fixture(scope="module")
def result() -> RetentionResult:
    return RetentionPipeline().run(load_cdnow_sample(), as_of="1998-06-30")


def test_every_reading_gives_the_same_rows_of_its_own(result: RetentionResult) -> None:
    first = result.plan.rows
    first["status"] = "done"
    assert (result.plan.rows["status"] == "open").all()
    pd.testing.assert_frame_equal(result.plan.rows, result.plan.rows)
    assert len(result.plan) == len(result.plan.rows)


def test_rows_written_out_and_rows_decided_say_the_same(result: RetentionResult) -> None:
    plan = result.plan
    written = replace(plan, written=plan.rows)
    pd.testing.assert_frame_equal(plan.to_frame(language="zh"), written.to_frame(language="zh"))
    pd.testing.assert_frame_equal(plan.summary(), written.summary())
    pd.testing.assert_frame_equal(plan.trials(), written.trials())
    assert plan.describe() == written.describe()


def test_a_plan_goes_through_pickle(result: RetentionResult) -> None:
    back = pickle.loads(pickle.dumps(result.plan))
    pd.testing.assert_frame_equal(back.to_frame(), result.plan.to_frame())
