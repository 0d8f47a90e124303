"""Customers, contracts, events, surveys and activities: each kind of dirt, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import InvalidTableError, SchemaError
from retainkit.tables import (
    ActivityColumns,
    ActivityRules,
    ContractColumns,
    ContractRules,
    CustomerColumns,
    CustomerRules,
    EventColumns,
    EventRules,
    SurveyColumns,
    SurveyRules,
    describe_reason,
    split_valid_table,
    validate_contracts,
    validate_table,
)


def test_customers_are_read_by_declared_values() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4, 5],
            "kind": ["企业", "Person ", None, "alien", "person"],
            "credit_standing": ["Good", "fraud", "", "good", "so-so"],
            "overdue_amount": ["$5", None, "0", "1", "1"],
            "days_overdue": [10.0, None, 0.0, 1.0, 1.0],
            "vip": ["yes", 0, None, "no", "no"],
            "region": ["N", "S", None, "N", "N"],
            "sex": ["f", "m", "f", "m", "m"],
        }
    )
    columns = CustomerColumns(
        strategic_flags=("vip",), traits=("region",), protected_attributes=("sex",)
    )
    valid, ledger = split_valid_table(frame, columns)
    assert ledger.counts() == {"unknown_kind": 1, "unknown_credit_standing": 1}
    assert ledger.reconciles
    assert valid["kind"].astype(object).tolist()[:2] == ["business", "person"]
    assert valid["kind"].isna().tolist() == [False, False, True]
    assert valid["credit_standing"].cat.categories.tolist()[0] == "good"
    assert valid["overdue_amount"].tolist()[0] == 5.0
    assert valid["vip"].tolist() == [True, False, False]
    assert valid["vip"].dtype == bool
    assert "sex" not in valid
    assert valid["protected_sex"].tolist() == ["f", "m", "f"]
    blanked, noted = split_valid_table(
        frame, CustomerColumns(), rules=CustomerRules(unknown_values="blank")
    )
    assert len(blanked) == 5
    assert noted.counts() == {}


@pytest.mark.parametrize(
    ("policy", "kinds", "counts"),
    [
        ("reject", ["person"], {"duplicate": 1, "conflicting_customer": 2}),
        ("first", ["person", "person"], {"duplicate": 1, "conflicting_customer": 1}),
        ("last", ["business", "person"], {"duplicate": 1, "conflicting_customer": 1}),
    ],
)
def test_one_row_per_customer(policy: Any, kinds: list[str], counts: dict[str, int]) -> None:
    frame = pd.DataFrame(
        {"customer_id": ["1", "1.0", "1", "2"], "kind": ["person", "business", "person", "person"]}
    )
    rules = CustomerRules(repeated_customers=policy)
    valid, ledger = split_valid_table(frame, CustomerColumns(), rules=rules)
    assert valid["kind"].tolist() == kinds
    assert ledger.counts() == counts
    assert valid["customer_id"].is_unique


def test_customers_refuse_clashing_and_unknown_columns() -> None:
    frame = pd.DataFrame({"customer_id": [1], "kind": ["person"], "debt": [-1.0]})
    with pytest.raises(SchemaError, match="two columns of the valid frame"):
        split_valid_table(frame, CustomerColumns(traits=("kind",)))
    with pytest.raises(SchemaError, match="no column 'vip'"):
        split_valid_table(frame, CustomerColumns(strategic_flags=("vip",)))
    with pytest.raises(InvalidTableError, match="negative_overdue_amount"):
        validate_table(frame, CustomerColumns(overdue_amount="debt"))


def test_contracts() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [1, 1, 2, 3, 4, 5],
            "start": ["2025-01-01", "2025-02-01", "2025-09-01", "2025-01-05", "soon", "2025-01-01"],
            "end": ["2025-01-31", "2025-12-31", None, "2025-01-04", None, None],
            "amount": [39, 39, 39, 39, 39, -1],
            "paid": ["Yes", "No", None, "Yes", "Yes", "Yes"],
            "plan": ["a", "b", "a", "a", "a", "a"],
        }
    )
    valid, ledger = split_valid_table(frame, ContractColumns(), as_of="2025-06-30")
    assert ledger.counts() == {
        "unparsable_start": 1,
        "end_before_start": 1,
        "starts_after_as_of": 1,
        "negative_amount": 1,
    }
    assert ledger.reconciles
    assert valid["end"].dt.strftime("%Y-%m-%d").tolist() == ["2025-01-31", "2025-12-31"]
    assert valid["paid"].dtype == "boolean"
    assert valid["paid"].tolist() == [True, False]
    notices = {e.reason: e.rows for e in ledger.entries if e.kind == "notice"}
    assert notices == {"ends_after_as_of": 1}
    kept = split_valid_table(
        frame, ContractColumns(), rules=ContractRules(negative_amounts="keep")
    )[0]
    assert kept["amount"].tolist() == [39.0, 39.0, 39.0, -1.0]
    assert kept["paid"].isna().tolist() == [False, False, True, False]
    running = frame[["customer_id", "start", "end", "amount"]].iloc[[2]]
    assert validate_contracts(running)["end"].isna().all()
    same_day = running.assign(end="2025-09-01")
    assert len(validate_contracts(same_day)) == 1


def test_events() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [1, 1, 1, 1, 1],
            "timestamp": ["2025-01-01", "2025-01-02", "2025-01-03", "2025-07-01", "2025-01-05"],
            "kind": ["Complaint", "payment", "party", "complaint", "complaint"],
            "text": ["slow ", None, "", "x", "y"],
            "amount": [None, "$5", None, None, None],
            "resolved_at": ["2025-01-04", "2025-07-02", None, None, "2025-01-04"],
        }
    )
    rules = EventRules(kinds=("complaint", "payment"))
    valid, ledger = split_valid_table(frame, EventColumns(), rules=rules, as_of="2025-06-30")
    assert ledger.counts() == {
        "unknown_kind": 1,
        "resolved_before_timestamp": 1,
        "after_as_of": 1,
    }
    assert valid["kind"].tolist() == ["complaint", "payment"]
    assert valid["resolved_at"].isna().tolist() == [False, True]
    assert valid["text"].tolist()[0] == "slow "
    assert ledger.entries[0].amount == 5.0
    assert ledger.entries[1].unreadable_amounts == 1
    assert len(validate_table(frame.drop(columns=["amount", "resolved_at"]), EventColumns())) == 5


def test_surveys() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4],
            "timestamp": ["2025-01-01"] * 4,
            "satisfaction": [5, None, 6, None],
            "likelihood_to_recommend": ["10", "0", "3", ""],
        }
    )
    valid, ledger = split_valid_table(frame, SurveyColumns())
    assert ledger.counts() == {"out_of_range_satisfaction": 1, "no_score": 1}
    assert valid["likelihood_to_recommend"].tolist() == [10.0, 0.0]
    assert (
        len(
            split_valid_table(
                frame, SurveyColumns(), rules=SurveyRules(satisfaction_scale=(1, 10))
            )[0]
        )
        == 3
    )
    with pytest.raises(SchemaError, match="no score column"):
        validate_table(frame, SurveyColumns(satisfaction=None, likelihood_to_recommend=None))
    with pytest.raises(ValueError, match="the lower end comes first"):
        SurveyRules(satisfaction_scale=(5, 1))


def test_activities() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4],
            "activity": ["visit", "", "call", "call"],
            "quantity": [1.0, 1.0, -1.0, 2.0],
            "timestamp": ["2025-01-01", "2025-01-01", "2025-01-01", "2025-07-01"],
            "channel": ["shop", None, None, None],
        }
    )
    valid, ledger = split_valid_table(frame, ActivityColumns(), as_of="2025-06-30")
    assert valid["activity"].tolist() == ["visit"]
    assert ledger.counts() == {"missing_activity": 1, "after_as_of": 1, "negative_quantity": 1}
    dropped = split_valid_table(
        frame, ActivityColumns(), rules=ActivityRules(negative_quantities="drop")
    )[1]
    assert [e.kind for e in dropped.entries if e.reason == "negative_quantity"] == ["excluded"]
    with pytest.raises(InvalidTableError, match="2 of 4 rows of activities"):
        validate_table(frame, ActivityColumns())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_reason_is_described(language: Any) -> None:
    for reason in ("other_currency_amount", "out_of_range_satisfaction", "no_score", "return"):
        assert describe_reason(reason, language=language) != reason
    assert describe_reason("made_up", language=language) == "made_up"


def test_covariates_are_numbers_or_truth_values() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [1, 2, 3],
            "size": ["1,5", "2", None],
            "web": ["yes", "no", ""],
            "app": [True, False, True],
            "level": ["1", "0", "2"],
        }
    )
    names = ("size", "web", "app", "level")
    valid, ledger = split_valid_table(
        frame, CustomerColumns(covariates=names), rules=CustomerRules(decimal_mark=",")
    )
    values = valid[[f"covariate_{name}" for name in names]].to_numpy(dtype=float)
    expected = [[1.5, 1.0, 1.0, 1.0], [2.0, 0.0, 0.0, 0.0], [np.nan, np.nan, 1.0, 2.0]]
    np.testing.assert_array_equal(values, expected)
    assert ledger.reconciles


def test_a_covariate_that_is_no_number_rejects_its_row() -> None:
    frame = pd.DataFrame({"customer_id": [1, 2], "size": ["large", "2"]})
    valid, ledger = split_valid_table(frame, CustomerColumns(covariates=("size",)))
    assert valid["customer_id"].tolist() == [2]
    assert sum(ledger.counts().values()) == 1
