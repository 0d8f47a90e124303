"""A table is declared once, and one reader keeps its account."""

from __future__ import annotations

from typing import Any, ClassVar

import pandas as pd
import pytest

from retainkit.errors import InvalidTableError, SchemaError
from retainkit.tables import EventColumns, SurveyRules, split_valid_table, validate_table
from retainkit.tables._columns import TableColumns
from retainkit.tables._customers import CUSTOMERS
from retainkit.tables._rules import RowPolicy, RowRules
from retainkit.tables._spec import Check, Observed, Role, TableSpec, not_negative, repeats
from retainkit.tables._specs import ACTIVITIES, CONTRACTS, EVENTS, SURVEYS, TRANSACTIONS


class DeliveryColumns(TableColumns):
    table: ClassVar[str] = "deliveries"
    required: ClassVar[tuple[str, ...]] = ("customer_id", "sent", "weight")

    customer_id: str = "customer_id"
    sent: str = "sent"
    weight: str = "weight"
    arrived: str | None = "arrived"


class DeliveryRules(RowRules):
    no_weight: RowPolicy = "keep"


DELIVERIES = TableSpec(
    columns=DeliveryColumns,
    rules=DeliveryRules,
    policy=lambda rules: f"no_weight={rules.no_weight}",
    amounts="weight",
    steps=(
        Role("customer_id", "id", filled=True),
        Role("sent", "time", filled=True),
        Role("weight", "number", filled=True, unit="kg"),
        not_negative("weight"),
        Check(
            reason="zero_weight",
            of="weight",
            broken=lambda work: work.numbers("weight") == 0,
            rule="no_weight",
        ),
        Role("arrived", "time"),
        Check(
            reason="arrived_before_sent",
            of="arrived",
            broken=lambda work: (work.valid["arrived"] < work.valid["sent"]).to_numpy(),
            rule="sent <= arrived",
        ),
        Observed("sent"),
        repeats,
    ),
)


def deliveries() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4, 5, 6],
            "sent": ["2025-01-01", "2025-01-02", "", "2025-01-04", "2025-01-05", "2025-02-01"],
            "weight": ["1.5", "-1", "1", "0", "2", "4"],
            "arrived": ["2025-01-02", "", "", "", "2025-01-04", ""],
        }
    )


def test_a_new_table_is_a_spec() -> None:
    valid, ledger = DELIVERIES.split(deliveries(), None, None, "2025-01-31")
    assert valid["customer_id"].tolist() == [1, 4]
    assert valid.dtypes.astype(str).tolist()[2:] == ["float64", "datetime64[us]"]
    assert ledger.counts() == {
        "missing_sent": 1,
        "negative_weight": 1,
        "arrived_before_sent": 1,
        "after_as_of": 1,
    }
    noted = [entry for entry in ledger.entries if entry.kind == "notice"]
    assert [(entry.reason, entry.rows, entry.policy) for entry in noted] == [
        ("zero_weight", 1, "no_weight=keep")
    ]
    assert ledger.reconciles


def test_a_declared_policy_decides_about_a_check() -> None:
    rules = DeliveryRules(no_weight="drop")
    _, ledger = DELIVERIES.split(deliveries(), None, rules)
    assert ledger.counts()["zero_weight"] == 1
    assert "after_as_of" not in ledger.counts()


def test_an_optional_column_that_is_absent_is_not_checked() -> None:
    _, ledger = DELIVERIES.split(deliveries().drop(columns="arrived"), None, None)
    assert ledger.counts() == {"missing_sent": 1, "negative_weight": 1}


def test_errors_name_the_new_table() -> None:
    with pytest.raises(SchemaError, match=r"no column 'sent' in deliveries"):
        DELIVERIES.validate(deliveries().drop(columns="sent"), None, None)
    with pytest.raises(InvalidTableError, match=r"(?s)3 of 6 rows of deliveries .*DeliveryRules"):
        DELIVERIES.validate(deliveries(), None, None)


@pytest.mark.parametrize(
    "spec", [ACTIVITIES, CONTRACTS, CUSTOMERS, EVENTS, SURVEYS, TRANSACTIONS], ids=lambda s: s.name
)
def test_every_role_of_the_column_map_is_read(spec: Any) -> None:
    roles = [
        role
        for role, field in spec.columns.model_fields.items()
        if not isinstance(field.default, tuple)
    ]
    cells: dict[str, Any] = {role: ["1"] for role in roles}
    cells |= {
        role: ["2025-01-31"]
        for role in ("timestamp", "start", "end", "cancel_requested", "billing_end")
        if role in cells
    }
    cells |= {role: ["2025-01-31"] for role in ("past_due_since", "resolved_at") if role in cells}
    cells |= {"kind": ["person"]} if "kind" in cells else {}
    cells |= {"credit_standing": ["good"]} if "credit_standing" in cells else {}
    if cells.pop("contact", None):  # a column of that name is more often a person
        cells["contact_permission"] = ["all"]
    valid, ledger = spec.split(pd.DataFrame(cells), None, None)
    assert ledger.counts() == {}
    assert set(valid.columns) == set(roles) - {"cost"}  # the profit column comes first


def test_rules_belong_to_the_table_of_the_columns() -> None:
    frame = pd.DataFrame({"customer_id": [1], "timestamp": ["2025-01-31"], "kind": ["visit"]})
    with pytest.raises(SchemaError, match="EventColumns with SurveyRules is no table"):
        split_valid_table(frame, EventColumns(), rules=SurveyRules())
    with pytest.raises(SchemaError, match="TableColumns with no rules is no table"):
        validate_table(frame, TableColumns())
