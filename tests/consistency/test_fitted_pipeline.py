"""One learnt model serves a frame, a partition and a single customer, and travels as JSON."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retainkit.contracts import read_contract_state
from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import (
    FittedPipeline,
    PipelineConfig,
    ResultDocument,
    RetentionPipeline,
    RetentionResult,
    fit_pipeline,
    read_customer_facts,
)
from retainkit.simulate import SimulatedBase
from retainkit.tables import split_valid_table, validate_contracts
from retainkit.value import (
    measure_wallet,
    summarize_behavior,
    summarize_customer,
    summarize_customers,
)
from tests.consistency.conftest import COLUMNS, FLAGS
from tests.consistency.frames import assert_same, frames_of


@pytest.fixture(params=["cdnow", "full"])
def result(
    request: pytest.FixtureRequest, cdnow_result: RetentionResult, full_result: RetentionResult
) -> RetentionResult:
    return cdnow_result if request.param == "cdnow" else full_result


def test_json_keeps_every_bit(result: RetentionResult) -> None:
    text = result.model.to_json()
    again = FittedPipeline.from_json(text)
    assert again == result.model
    assert again.to_json() == text
    assert hash(again) == hash(result.model)


def test_the_model_read_back_scores_the_same(cdnow_result: RetentionResult) -> None:
    again = FittedPipeline.from_json(cdnow_result.model.to_json())
    scores = again.score(cdnow_result.history)
    pd.testing.assert_frame_equal(
        scores.to_frame(), cdnow_result.scores.to_frame(), check_exact=True
    )


FOUND = (
    *("loss_reason", "contact", "complaint_since", "cause", "recoverable"),
    *("channel", "days_to_renewal"),
)
"""What a run finds in other tables than that of the customers."""


def test_learning_alone_and_scoring_alone_are_the_run(
    base: SimulatedBase, full_result: RetentionResult
) -> None:
    valid, _ = split_valid_table(base.customers, COLUMNS)
    history = full_result.history
    facts = read_customer_facts(valid, customer_id=history.customer_id, strategic_flags=FLAGS)
    behavior = summarize_behavior(base.transactions, as_of=base.as_of)
    wallet = measure_wallet(behavior, valid, age_days=history.with_unit("day").age)
    assert full_result.scores.facts is not None
    contracts = read_contract_state(
        validate_contracts(base.contracts, as_of=base.as_of), as_of=base.as_of
    )
    facts = replace(
        facts,
        behavior=behavior,
        wallet=wallet,
        **{name: getattr(full_result.scores.facts, name) for name in FOUND},
        contracts_beside=contracts,
        on_record=full_result.scores.facts.on_record,
    )
    learnt = full_result.model
    model = fit_pipeline(
        history,
        facts=facts,
        forecast=learnt.forecast,
        renewal=learnt.renewal,
        charges_apart=learnt.charges_apart,
        states=learnt.state_scheme,
        small=learnt.small_check,
        config=full_result.config,
    )
    model = model.replace(  # learnt from earlier days, which only a run looks at
        **{name: getattr(learnt, name) for name in ("value_by_state", "rise_model", "rise_check")}
    )
    assert model == full_result.model
    scores = model.score(history, facts=facts)
    pd.testing.assert_frame_equal(
        scores.to_frame(), full_result.scores.to_frame(), check_exact=True
    )


@pytest.mark.parametrize("size", [1, 7, 500])
def test_a_customer_scores_the_same_in_any_company(
    size: int, cdnow_result: RetentionResult
) -> None:
    history, whole = cdnow_result.history, cdnow_result.scores.to_frame()
    starts = range(0, len(history), size)
    for start in list(starts)[:25]:
        places = np.arange(start, min(start + size, len(history)))
        part = cdnow_result.model.score(history.take(places)).to_frame()
        expected = whole.iloc[places].reset_index(drop=True)
        # one row at a time and many at a time may take different, equally exact, series
        pd.testing.assert_frame_equal(part, expected, rtol=1e-12, atol=1e-12)


def test_one_customer_without_a_frame(cdnow_result: RetentionResult) -> None:
    purchases = load_cdnow_sample()
    whole = cdnow_result.scores.to_frame().set_index("customer_id")
    for customer in (1, 3, 5, 100, 2357):
        rows = purchases[purchases["customer_id"] == customer]
        one = summarize_customer(
            rows["timestamp"].tolist(),
            rows["amount"].tolist(),
            as_of="1998-06-30",
            customer_id=customer,
        )
        scored = cdnow_result.model.score(one).to_frame().set_index("customer_id")
        pd.testing.assert_frame_equal(
            scored, whole.loc[[customer]], rtol=1e-12, atol=1e-12, check_index_type=False
        )


def test_results_pickle(result: RetentionResult) -> None:
    again = pickle.loads(pickle.dumps(result))
    assert_same(frames_of(again), frames_of(result))
    assert again.gaps == result.gaps
    assert again.model == result.model


def test_the_document_is_read_back_typed(result: RetentionResult) -> None:
    document = result.to_document()
    again = ResultDocument.from_json(document.to_json())
    assert again == document
    assert again.customers == len(result)
    assert again.model == result.model
    assert sum(int(row["customers"] or 0) for row in again.tiers) == len(result)
    assert [row["what"] for row in again.gaps] == [gap.what for gap in result.gaps]
    assert len(again.metrics) == len(result.metrics.to_frame())


def test_the_same_input_gives_the_same_output(base: SimulatedBase) -> None:
    runs = [
        RetentionPipeline().run(base.transactions, as_of=base.as_of, events=base.events)
        for _ in range(2)
    ]
    assert_same(frames_of(runs[0]), frames_of(runs[1]))
    assert runs[0].to_document().to_json() == runs[1].to_document().to_json()


def test_a_model_learnt_earlier_grades_the_base_of_today() -> None:
    """Cuts and thresholds are reused: nothing is learnt while scoring."""
    purchases = load_cdnow_sample()
    model = fit_pipeline(summarize_customers(purchases, as_of="1997-09-30"))
    later = summarize_customers(purchases, as_of="1998-06-30")
    scores = model.score(later)
    cut = model.tier_scheme.cuts[0]
    assert cut is not None
    above = scores.value.future_potential >= cut
    assert (scores.tiers.to_frame()["tier"] == "key").tolist() == above.tolist()
    assert model.as_of.isoformat() == "1997-09-30"


def test_showing_itself(result: RetentionResult) -> None:
    text = result._repr_html_()
    for word in ("Tiers", "Stances", "Metrics", "Ledger", f"{len(result):,} customers"):
        assert word in text


def test_a_run_leaves_no_state_behind(base: SimulatedBase) -> None:
    before = base.transactions.copy()
    pipeline = RetentionPipeline(PipelineConfig(tier_basis="contribution"))
    pipeline.run(base.transactions, as_of=base.as_of)
    pd.testing.assert_frame_equal(base.transactions, before)
    assert not hasattr(pipeline, "__dict__")
