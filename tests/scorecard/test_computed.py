"""Measures that the tables give, by hand; what was not recorded stays missing."""

from __future__ import annotations

import pandas as pd
import pytest

from retainkit.errors import SchemaError
from retainkit.metrics import Period
from retainkit.scorecard import build_scorecard, measure_tables

MARCH = Period.month(2026, 3)
day = pd.Timestamp

TRANSACTIONS = pd.DataFrame(
    {
        "customer_id": ["old", "old", "old", "new", "new"],
        "timestamp": [
            *(day("2026-01-05"), day("2026-03-02"), day("2026-03-09")),
            *(day("2026-03-03"), day("2026-03-31")),
        ],
        "amount": [10.0, 20.0, 40.0, 8.0, -3.0],
        "business_line": ["cards", "cards", "loans", "cards", "cards"],
    }
)


def test_every_measure_by_hand() -> None:
    customers = pd.DataFrame(
        {
            "customer_id": ["old", "new", "silent"],
            "category_spending": [100.0, None, 100.0],
            "is_strategic": [True, False, None],
        }
    )
    events = pd.DataFrame(
        {
            "customer_id": ["old"] * 5,
            "timestamp": pd.to_datetime(
                ["2026-03-01", "2026-03-10", "2026-03-20", "2026-04-01", "2026-03-31"]
            ),
            "kind": ["complaint", "complaint", "complaint", "lead", "referral"],
            "resolved_at": pd.to_datetime(
                pd.Series(["2026-03-03", "2026-03-14", None, None, None], dtype="object")
            ),
        }
    )
    surveys = pd.DataFrame(
        {
            "customer_id": ["old", "new", "old"],
            "timestamp": pd.to_datetime(["2026-03-05", "2026-03-06", "2026-02-01"]),
            "satisfaction": [9.0, 5.0, 10.0],
        }
    )
    found = measure_tables(
        period=MARCH,
        transactions=TRANSACTIONS,
        customers=customers,
        events=events,
        surveys=surveys,
        top_satisfaction=9.0,
        strategic_flag="is_strategic",
    )
    values = {name: value.value for name, value in found.items()}
    assert values == {
        "revenue_from_new_customers": 5.0,  # 8 - 3
        "relationship_depth": 1.5,  # cards and loans; cards
        "revenue_beyond_entry_product": 40.0,  # loans of a customer who came for cards
        "share_of_wallet": 0.3,  # 60 of 200: who is silent spent all of it elsewhere
        "strategic_accounts": 1.0,
        "leads": 0.0,  # recorded, but none in March
        "referrals": 1.0,
        "complaint_resolution_time": 3.0,  # 2 and 4 days
        "highly_satisfied_share": 0.5,
    }
    assert found["complaint_resolution_time"].notes == ("1 complaints are not resolved yet",)
    card = build_scorecard(found)
    assert card.unused == ()
    assert card.entry("testimonials").reason == "not_computed"  # never recorded is no zero


def test_no_answers_and_no_complaints_have_a_reason() -> None:
    april = Period.month(2026, 5)
    surveys = pd.DataFrame(
        {"customer_id": ["a"], "timestamp": [day("2026-03-05")], "satisfaction": [9.0]}
    )
    found = measure_tables(period=april, surveys=surveys, top_satisfaction=9.0)
    assert found["highly_satisfied_share"].reason == "zero_denominator"
    assert measure_tables(period=april) == {}
    with pytest.raises(SchemaError, match="no column 'vip'"):
        measure_tables(
            period=april, customers=pd.DataFrame({"customer_id": ["a"]}), strategic_flag="vip"
        )
