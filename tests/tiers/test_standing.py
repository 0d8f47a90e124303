from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import InvalidTableError, SchemaError
from retainkit.tiers import StandingConfig, assess_standing
from retainkit.tiers._config import STANDING_LABELS, STANDING_REASONS, STANDINGS

NAN = float("nan")


def assess_one(config: StandingConfig | None = None, **record: Any) -> tuple[str, str]:
    frame = pd.DataFrame({"customer_id": [1], **{name: [value] for name, value in record.items()}})
    table = assess_standing(frame, customer_id=pd.Index([1]), config=config or StandingConfig())
    row = table.to_frame().iloc[0]
    return row["standing"], row["standing_reason"]


@pytest.mark.parametrize(
    ("record", "standing", "reason"),
    [
        ({}, "good", "no_credit_record"),
        ({"credit_standing": None}, "good", "no_credit_record"),
        ({"credit_standing": "good"}, "good", "credit_good"),
        ({"credit_standing": "watch"}, "watch", "on_watch"),
        ({"credit_standing": "overdue"}, "watch", "overdue"),
        ({"credit_standing": "default"}, "bad", "credit_default"),
        ({"credit_standing": "fraud"}, "bad", "fraud"),
        # more than 30 and more than 90 days: the limits themselves are not yet beyond
        ({"days_overdue": 30.0}, "good", "credit_good"),
        ({"days_overdue": 31.0}, "watch", "overdue"),
        ({"days_overdue": 90.0}, "watch", "overdue"),
        ({"days_overdue": 91.0}, "bad", "overdue_beyond_limit"),
        ({"days_overdue": NAN, "overdue_amount": NAN}, "good", "no_credit_record"),
        # nothing material is owed, however old
        ({"days_overdue": 400.0, "overdue_amount": 0.0}, "good", "credit_good"),
        ({"days_overdue": 400.0, "overdue_amount": NAN}, "bad", "overdue_beyond_limit"),
        ({"days_overdue": NAN, "overdue_amount": 5.0}, "watch", "overdue"),
        # the most severe reason decides
        ({"credit_standing": "good", "days_overdue": 91.0}, "bad", "overdue_beyond_limit"),
        ({"credit_standing": "default", "days_overdue": 91.0}, "bad", "credit_default"),
        ({"credit_standing": "fraud", "days_overdue": 0.0}, "bad", "fraud"),
        ({"credit_standing": "watch", "days_overdue": 5.0}, "watch", "on_watch"),
    ],
)
def test_each_rule(record: dict[str, Any], standing: str, reason: str) -> None:
    assert assess_one(**record) == (standing, reason)


def test_limits_are_the_users() -> None:
    config = StandingConfig(watch_after_days=5, bad_after_days=10, minimum_overdue_amount=100)
    assert assess_one(config, days_overdue=11.0, overdue_amount=101.0)[0] == "bad"
    assert assess_one(config, days_overdue=11.0, overdue_amount=100.0)[0] == "good"
    assert assess_one(config, days_overdue=6.0, overdue_amount=101.0)[0] == "watch"


def test_being_unprofitable_is_never_a_reason() -> None:
    record: dict[str, Any] = {
        "profit": -1e6,
        "value": -1e6,
        "amount": -1e6,
        "credit_standing": "good",
    }
    assert assess_one(**record) == ("good", "credit_good")
    assert not [reason for reason in STANDING_REASONS if "profit" in reason]


def test_order_of_the_customers_asked_for() -> None:
    customers = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "unasked"],
            "credit_standing": pd.Categorical(["good", "fraud", None, "default"]),
            "days_overdue": [0.0, 0.0, 45.0, 0.0],
        }
    )
    ids = pd.Index(["d", "c", "b", "a"])
    table = assess_standing(customers, customer_id=ids)
    assert table.customer_id is ids
    assert [STANDINGS[code] for code in table.standing] == ["good", "watch", "bad", "good"]
    np.testing.assert_array_equal(table.days_overdue, [NAN, 45.0, 0.0, 0.0])


def test_ids_of_differing_types_meet() -> None:
    customers = pd.DataFrame({"customer_id": ["17850"], "credit_standing": ["fraud"]})
    table = assess_standing(customers, customer_id=pd.Index([13047, 17850]))
    assert table.standing.tolist() == [0, 2]


def test_missing_flags_of_any_dtype() -> None:
    customers = pd.DataFrame(
        {
            "customer_id": [1, 2],
            "credit_standing": pd.array(["good", pd.NA], dtype="string"),
            "days_overdue": pd.array([pd.NA, 200], dtype="Int64"),
        }
    )
    table = assess_standing(customers, customer_id=pd.Index([1, 2]))
    assert table.standing.tolist() == [0, 2]


def test_refuses_codes_nobody_defined() -> None:
    with pytest.raises(SchemaError, match="AAA") as caught:
        assess_one(credit_standing="AAA")
    assert "good, watch, overdue, default, fraud" in str(caught.value)


def test_refuses_tables_that_are_not_valid() -> None:
    ids = pd.Index([1])
    with pytest.raises(SchemaError, match="no column 'customer_id'"):
        assess_standing(pd.DataFrame({"id": [1]}), customer_id=ids)
    with pytest.raises(InvalidTableError, match="1 repeated customers, for example 1"):
        assess_standing(pd.DataFrame({"customer_id": [1, 1]}), customer_id=ids)


def test_no_customers() -> None:
    nobody = pd.DataFrame({"customer_id": pd.Series([], dtype="int64")})
    assert len(assess_standing(nobody, customer_id=pd.Index([], dtype="int64"))) == 0
    assert assess_standing(nobody, customer_id=pd.Index([1])).standing.tolist() == [0]


def test_summary_and_pickle() -> None:
    customers = pd.DataFrame(
        {"customer_id": [1, 2, 3], "credit_standing": ["fraud", "good", "fraud"]}
    )
    table = assess_standing(customers, customer_id=pd.Index([1, 2, 3, 4]))
    summary = table.summary()
    assert summary["reason"].tolist() == ["fraud", "credit_good", "no_credit_record"]
    assert summary["customers"].tolist() == [2, 1, 1]
    again = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(again.to_frame(), table.to_frame())


def test_every_standing_has_words_in_both_languages() -> None:
    assert set(STANDING_LABELS) == set(STANDINGS)
    for label in [*STANDING_LABELS.values(), *STANDING_REASONS.values()]:
        assert label.text("en")
        assert label.text("zh")
        assert label.en != label.zh
