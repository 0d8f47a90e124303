"""Evidence from other tables, code books by kind, calibration, and learning from labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.churn import (
    CauseModel,
    CauseModelConfig,
    CodeBook,
    GatherConfig,
    assess_calibration,
    assess_causes,
    attribute_causes,
    default_code_books,
    detect_churn,
    detect_contract_churn,
    fit_calibration,
    fit_cause_model,
    gather_evidence,
    load_code_book,
)
from retainkit.churn.causes._codes import BUILT_IN_CODE_BOOKS
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from tests.churn.events import DAY_ZERO, make_churned, make_events

LAW = settings(deadline=None, derandomize=True, max_examples=60)


def test_a_complaint_about_billing_is_no_billing_error_of_an_app_store() -> None:
    """The code of a complaint is the firm's own: no store's code book may claim it."""
    events = make_events(("x", 0, "complaint", "billing_error"))
    causes = attribute_causes(events, churn=make_churned("x"))
    assert list(causes.cause) == ["active.fault"]
    assert causes.coverage.uncovered()["code"].tolist() == ["billing_error"]
    ended = make_events(("x", 0, "service_ended", "BILLING_ERROR"))
    causes = attribute_causes(ended, churn=make_churned("x"))
    assert list(causes.cause) == ["passive.non_malicious"]


def test_every_built_in_book_says_which_kinds_it_reads() -> None:
    for name in BUILT_IN_CODE_BOOKS:
        kinds = load_code_book(name).kinds
        assert kinds
        assert "complaint" not in kinds


def test_a_book_of_ones_own_may_read_every_kind() -> None:
    book = CodeBook.from_mapping("shop.reason", {"billing_error": "active.fault"})
    events = make_events(("x", 0, "complaint", "billing_error"))
    causes = attribute_causes(
        events, churn=make_churned("x"), code_books=(book, *default_code_books())
    )
    assert causes.coverage.share == 1.0


def test_an_end_record_of_a_dispute_is_a_grievance_whenever_written() -> None:
    """The stopped payment comes first, the record of the dispute that ended it weeks later."""
    events = make_events(
        ("x", 0, "payment_failed", "stop_payment_order"),
        ("x", 30, "service_ended", "payment_disputed"),
        ("y", 0, "payment_failed", "stop_payment_order"),
        ("y", 30, "dispute", "general"),
    )
    causes = attribute_causes(events, churn=make_churned("x", "y"))
    assert list(causes.cause) == ["passive.retaliatory", "unknown"]


def test_evidence_long_after_the_end_is_late() -> None:
    contracts = pd.DataFrame(
        {"customer_id": ["x"], "start": [DAY_ZERO], "end": [DAY_ZERO + pd.Timedelta(days=30)]}
    )
    churn = detect_contract_churn(contracts, as_of="2027-12-31")
    for day, status, rule in ((210, "used", "customer_first"), (211, "late", "abstain.all")):
        causes = attribute_causes(make_events(("x", day, "relocation")), churn=churn)
        assert list(causes.evidence.to_frame()["status"]) == [status]
        assert causes.to_frame()["rule"].iloc[0].startswith(rule)


def test_contracts_standing_and_surveys_speak() -> None:
    churn = detect_churn([0.0] * 6 + [1.0], customer_id=list("abcdefg"))
    day = pd.Timestamp("2026-03-01")
    contracts = pd.DataFrame(
        {
            "customer_id": list("abbg"),
            "start": pd.to_datetime(["2025-01-01", "2025-01-01", "2025-06-01", "2025-01-01"]),
            "end": [day, pd.Timestamp("2025-05-01"), day, day],
            "paid": pd.array([True, True, False, False], dtype="boolean"),
            "end_reason": ["canceled_by_retention_policy", "moved", None, "payment_failed"],
        }
    )
    customers = pd.DataFrame(
        {"customer_id": list("cdeg"), "credit_standing": ["default", "Fraud ", "good", "fraud"]}
    )
    surveys = pd.DataFrame(
        {
            "customer_id": list("eeff"),
            "timestamp": [day, day + pd.Timedelta(days=9), day, day + pd.Timedelta(days=9)],
            "satisfaction": [5.0, 1.0, 1.0, 5.0],
        }
    )
    events = gather_evidence(
        make_events(("a", 0, "contact")),
        churn=churn,
        as_of="2026-03-31",
        contracts=contracts,
        customers=customers,
        surveys=surveys,
    )
    assert "g" not in set(events["customer_id"])
    causes = attribute_causes(events, churn=churn)
    assert list(causes.cause) == [
        "administrative",
        "passive.non_malicious",
        "passive.malicious",
        "passive.malicious",
        "active.fault",
        "unknown",
    ]
    assert len(events) == 1 + 5
    assert causes.evidence.summary()["events"].sum() == len(events)


def test_a_survey_after_the_end_or_long_before_it_says_nothing() -> None:
    day = pd.Timestamp("2026-03-01")
    contracts = pd.DataFrame(
        {"customer_id": ["x"], "start": pd.to_datetime(["2025-01-01"]), "end": [day]}
    )
    churn = detect_contract_churn(contracts, as_of="2026-12-31")
    for days, rows in ((-180, 1), (0, 1), (1, 0), (-181, 0)):
        surveys = pd.DataFrame(
            {
                "customer_id": ["x"],
                "timestamp": [day + pd.Timedelta(days=days)],
                "satisfaction": [2.0],
            }
        )
        found = gather_evidence(make_events(), churn=churn, as_of="2026-12-31", surveys=surveys)
        assert len(found) == rows
    strict = GatherConfig(dissatisfied_at=1.0)
    none = gather_evidence(
        make_events(), churn=churn, as_of="2026-12-31", surveys=surveys, config=strict
    )
    assert len(none) == 0


def test_calibration_by_hand() -> None:
    """Two bins: (0.2, 0.2, 0.4) with one outcome, (0.9) with one: ECE = (3 * 1/15 + 0.1) / 4."""
    table = assess_calibration([0.2, 0.2, 0.4, 0.9], outcome=[0, 0, 1, 1], bins=2)
    assert table.count.tolist() == [3, 1]
    assert table.expected_error == pytest.approx((3 * abs(1 / 3 - 0.8 / 3) + 0.1) / 4)
    assert table.brier == pytest.approx((0.04 + 0.04 + 0.36 + 0.01) / 4)
    loss = -np.log([0.8, 0.8, 0.4, 0.9]).mean()
    assert table.log_loss == pytest.approx(loss)
    assert (table.low[0] < 1 / 3) & (table.high[0] > 1 / 3)


def test_calibration_of_nothing_is_nan() -> None:
    table = assess_calibration([np.nan], outcome=[True])
    assert np.isnan([table.expected_error, table.log_loss, table.brier]).all()
    with pytest.raises(SchemaError, match="outside"):
        assess_calibration([1.5], outcome=[True])
    with pytest.raises(AlignmentError, match="shape"):
        assess_calibration([0.5], outcome=[True, False])


@LAW
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=40))
def test_a_calibration_map_rises_and_is_closest(rows: list[tuple[int, bool]]) -> None:
    """The map never falls, keeps the mean, equals the max-min formula."""
    x = np.array([row[0] for row in rows], dtype=np.float64)
    y = np.array([row[1] for row in rows], dtype=np.float64)
    learnt = fit_calibration(x, outcome=y)
    x = np.append(x, [x.min(), x.max()])  # the case against the grain at either end
    y = np.append(y, [1.0, 0.0])
    fitted = learnt.apply(x)
    assert 0.0 < learnt.probabilities[0] <= learnt.probabilities[-1] < 1.0
    assert fitted.mean() == pytest.approx(y.mean())
    assert (np.diff(learnt.probabilities) >= 0).all()
    points = np.unique(x)
    for point in points:
        best = max(
            min(y[(x >= low) & (x <= high)].mean() for high in points[points >= point])
            for low in points[points <= point]
        )
        assert learnt.apply([point])[0] == pytest.approx(best)


def test_a_calibration_map_needs_cases_and_keeps_json() -> None:
    with pytest.raises(NotComputableError, match="no score"):
        fit_calibration([np.nan], outcome=[True])
    with pytest.raises(AlignmentError, match="shape"):
        fit_calibration([0.1], outcome=[True, False])
    learnt = fit_calibration([0.1, 0.7, 0.9], outcome=[False, True, True])
    assert type(learnt).from_json(learnt.to_json()) == learnt
    assert np.isnan(learnt.apply([np.nan]))[0]


def make_labelled(n: int = 200) -> tuple[pd.DataFrame, list[str]]:
    """Complaints that in truth are mostly competitive; relocations that are what they say."""
    rng = np.random.default_rng(2)
    kinds = ["complaint", "relocation"]
    ids = [f"c{number}" for number in range(n)]
    rows = [(one, 0, kinds[number % 2]) for number, one in enumerate(ids)]
    truth = [
        "active.natural"
        if number % 2
        else ("active.competitive" if rng.random() < 0.8 else "active.fault")
        for number in range(n)
    ]
    return make_events(*rows), truth


def test_labels_overrule_the_general_rules() -> None:
    events, truth = make_labelled()
    churn = make_churned(*events["customer_id"])
    causes = attribute_causes(events, churn=churn)
    model = fit_cause_model(causes, labels=truth)
    learnt = model.apply(causes)
    assert list(learnt.cause[:2]) == ["active.competitive", "active.natural"]
    assert list(learnt.to_frame()["rule"].unique()) == ["learnt"]
    assert learnt.posterior[0, 1] == pytest.approx(0.8, abs=0.1)
    np.testing.assert_allclose(learnt.posterior.sum(axis=1), 1.0)
    assert assess_causes(learnt, truth=truth).log_loss < assess_causes(causes, truth=truth).log_loss
    assert CauseModel.from_json(model.to_json()) == model
    natural = model.to_frame().set_index("input")["active.natural"]
    assert float(natural["complaint"]) < 0.0 < float(natural["relocation"])


def test_a_verdict_needs_its_probability() -> None:
    events, truth = make_labelled()
    causes = attribute_causes(events, churn=make_churned(*events["customer_id"]))
    strict = CauseModelConfig(min_probability=0.9)
    learnt = fit_cause_model(causes, labels=truth, config=strict).apply(causes)
    assert learnt.to_frame()["rule"].iloc[0] == "abstain.too_uncertain"


def test_features_enter_with_their_gaps_and_must_match() -> None:
    events, truth = make_labelled()
    causes = attribute_causes(events, churn=make_churned(*events["customer_id"]))
    fault = np.array([cause == "active.fault" for cause in truth])
    features = pd.DataFrame({"satisfaction": np.where(fault, 1.0, np.nan)})
    model = fit_cause_model(causes, labels=truth, features=features)
    learnt = model.apply(causes, features=features)
    assert (np.asarray(learnt.cause)[fault] == "active.fault").all()
    with pytest.raises(SchemaError, match="features"):
        model.apply(causes)


def test_learning_refuses_what_it_cannot_use() -> None:
    events, _ = make_labelled(20)
    causes = attribute_causes(events, churn=make_churned(*events["customer_id"]))
    with pytest.raises(NotComputableError, match="0 labels"):
        fit_cause_model(causes, labels=[None] * 20)
    with pytest.raises(NotComputableError, match="1 leaves"):
        fit_cause_model(causes, labels=["active.fault"] * 20)
    with pytest.raises(AlignmentError, match="19 labels"):
        fit_cause_model(causes, labels=[None] * 19)
    with pytest.raises(SchemaError, match="no leaves"):
        fit_cause_model(causes, labels=["bored"] * 20)
