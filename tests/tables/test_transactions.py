"""Transactions: each kind of dirt, by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import AsOfError, InvalidTransactionsError, SchemaError
from retainkit.tables import (
    TransactionColumns,
    TransactionRules,
    split_valid_transactions,
    validate_transactions,
)


def purchases(**columns: Any) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    base = {"customer_id": [1] * n, "timestamp": ["2025-01-31"] * n, "amount": [1.0] * n}
    return pd.DataFrame(base | columns)


def amounts_of(texts: list[Any], **rules: Any) -> tuple[list[float], dict[str, int]]:
    valid, ledger = split_valid_transactions(
        purchases(amount=pd.Series(texts, dtype=object)), rules=TransactionRules(**rules)
    )
    assert ledger.reconciles
    return valid["amount"].tolist(), ledger.counts()


def times_of(values: Any, **rules: Any) -> tuple[list[str], dict[str, int]]:
    valid, ledger = split_valid_transactions(
        purchases(timestamp=values), rules=TransactionRules(**rules)
    )
    return valid["timestamp"].astype(str).tolist(), ledger.counts()


def test_clean_columns_share_memory_and_keep_their_types() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": np.array([3, 1, 3]),
            "timestamp": np.array(["2025-01-01", "2025-01-02", "2025-01-03"], "datetime64[s]"),
            "amount": np.array([1.0, 2.0, 3.0]),
            "note": ["a", "b", "c"],
        },
        index=[7, 8, 9],
    )
    valid, ledger = split_valid_transactions(frame, as_of="2025-01-03")
    assert ledger.counts() == {}
    assert list(valid.columns) == ["customer_id", "timestamp", "amount"]
    assert valid.index.equals(pd.RangeIndex(3))
    assert valid["customer_id"].tolist() == [3, 1, 3]
    if pd.__version__ >= "3":
        assert np.shares_memory(valid["amount"].to_numpy(), frame["amount"].to_numpy())
    valid.loc[0, "amount"] = -1.0
    assert frame["amount"].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("blank", [None, float("nan"), "", "  ", "nan", "None", "NULL", "<NA>"])
def test_blank_ids_are_missing(blank: Any) -> None:
    frame = purchases(customer_id=pd.Series(["a", blank], dtype=object))
    valid, ledger = split_valid_transactions(frame)
    assert valid["customer_id"].tolist() == ["a"]
    assert ledger.counts() == {"missing_customer_id": 1}


def test_ids_of_mixed_type_are_one_customer_and_zeros_stay() -> None:
    ids = pd.Series([17850, 17850.0, "17850", "17850.0", " 17850 ", "0017850"], dtype=object)
    valid, ledger = split_valid_transactions(purchases(customer_id=ids))
    assert valid["customer_id"].tolist() == ["17850"] * 5 + ["0017850"]
    notice = next(e for e in ledger.entries if e.reason == "rewritten_customer_id")
    assert notice.kind == "notice"
    assert notice.rows == 2


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (np.array([1.0, 2.0, np.nan]), [1, 2]),
        (pd.array([1, 2, None], dtype="Int64"), [1, 2]),
        (np.array([1, 2, 3], dtype="uint8"), [1, 2, 3]),
        (np.array([2**63 + 1], dtype="uint64"), [str(2**63 + 1)]),
        (np.array([1.5, 2.0, np.inf]), ["1.5", "2"]),
        (pd.Categorical(["b.x ", "b.x", None]), ["b.x", "b.x"]),
    ],
)
def test_id_columns_of_each_type(ids: Any, expected: list[Any]) -> None:
    valid, _ = split_valid_transactions(purchases(customer_id=ids))
    assert valid["customer_id"].tolist() == expected


def test_truth_values_are_no_ids() -> None:
    with pytest.raises(SchemaError, match="customer_id has the type bool"):
        split_valid_transactions(purchases(customer_id=[True, False]))


def test_cells_that_hold_lists_are_refused() -> None:
    with pytest.raises(SchemaError, match="not single values"):
        split_valid_transactions(purchases(customer_id=pd.Series([[1], [2]])))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$1,234.50", 1234.5),
        ("£3", 3.0),
        ("(12.50)", -12.5),
        ("($1,000)", -1000.0),
        ("-$5", -5.0),
        ("$-5", -5.0),
        ("5-", -5.0),
        ("\u22125", -5.0),
        ("1 234,".replace(",", ".5"), 1234.5),
        ("CHF 1'234.50", 1234.5),
        ("12 USD", 12.0),
        ("1e-3", 0.001),
        (".5", 0.5),
        (" 7 ", 7.0),
        (Decimal("2.50"), 2.5),
        (3, 3.0),
    ],
)
def test_currency_texts(text: Any, value: float) -> None:
    assert amounts_of([text]) == ([value], {})


@pytest.mark.parametrize(
    ("text", "value"), [("1.234,50 €", 1234.5), ("1.234", 1234.0), ("0,5", 0.5), ("-1,0", -1.0)]
)
def test_decimal_comma_is_declared(text: str, value: float) -> None:
    assert amounts_of([text], decimal_mark=",") == ([value], {})


@pytest.mark.parametrize(
    "text", ["1,50", "1.2.3", "12,34,567", "abc", "(5", "--5", "$5€", "1..5", True, "5%", "-(5)"]
)
def test_unreadable_amounts_are_rejected_never_guessed(text: Any) -> None:
    assert amounts_of([text]) == ([], {"unparsable_amount": 1})


def test_a_minority_currency_is_rejected() -> None:
    assert amounts_of(["$1", "2", "$3", "€4"]) == ([1.0, 2.0, 3.0], {"other_currency_amount": 1})
    assert amounts_of(["$1", "€4", "$3"], currency="€") == ([4.0], {"other_currency_amount": 2})


def test_amounts_that_are_no_numbers_are_counted_apart() -> None:
    valid, ledger = split_valid_transactions(purchases(amount=[1.0, np.nan, np.inf, -np.inf, 2.0]))
    assert valid["amount"].tolist() == [1.0, 2.0]
    assert ledger.counts() == {"missing_amount": 1, "non_finite_amount": 2}
    whole = ledger.entries[0]
    assert (whole.amount, whole.unreadable_amounts) == (3.0, 3)
    assert amounts_of([10**400, 1]) == ([1.0], {"non_finite_amount": 1})
    assert amounts_of(["inf", "-Infinity", "1"]) == ([1.0], {"non_finite_amount": 2})


@pytest.mark.parametrize(
    ("policy", "kept", "counts"),
    [("net", 3, {}), ("drop", 2, {"return": 1}), ("reject", 2, {"return": 1})],
)
def test_returns_follow_the_policy(policy: Any, kept: int, counts: dict[str, int]) -> None:
    rules = TransactionRules(returns=policy)
    valid, ledger = split_valid_transactions(purchases(amount=[5.0, -2.0, 0.0]), rules=rules)
    assert (len(valid), ledger.counts()) == (kept, counts)
    kinds = {e.reason: e.kind for e in ledger.entries if e.reason}
    expected = {"net": "notice", "drop": "excluded", "reject": "rejected"}[policy]
    assert kinds == {"return": expected, "zero_amount": "notice"}


def test_duplicates_follow_the_policy() -> None:
    frame = purchases(amount=[1.0, 1.0, 2.0], order=["a", "a", "a"])
    for rules, n in (
        (TransactionRules(), 3),
        (TransactionRules(duplicates="drop"), 2),
        (TransactionRules(duplicates="drop", duplicate_columns=("order",)), 1),
    ):
        valid, ledger = split_valid_transactions(frame, rules=rules)
        assert len(valid) == n
        assert ledger.reconciles
    _, counted = split_valid_transactions(frame, rules=TransactionRules(count_duplicates=True))
    assert [(e.kind, e.rows) for e in counted.entries if e.reason == "duplicate"] == [("notice", 1)]
    with pytest.raises(SchemaError, match="no column 'oder'"):
        split_valid_transactions(
            frame, rules=TransactionRules(duplicates="drop", duplicate_columns=("oder",))
        )


def test_a_row_counts_under_its_first_reason_and_matches_under_all() -> None:
    frame = pd.DataFrame(
        {"customer_id": [None, None, 1.0], "timestamp": ["x", "2025-01-01", "2025-01-01"]}
    ).assign(amount=[1.0, 2.0, -4.0])
    _, ledger = split_valid_transactions(frame, rules=TransactionRules(returns="reject"))
    found = {e.reason: (e.rows, e.rows_matching, e.amount) for e in ledger.entries if e.reason}
    assert found == {
        "missing_customer_id": (2, 2, 3.0),
        "unparsable_timestamp": (0, 1, 0.0),
        "return": (1, 1, -4.0),
    }
    assert ledger.rows()["row"].tolist() == [0, 1, 2]


def test_iso_dates_only_unless_a_format_is_declared() -> None:
    texts = ["2025-01-02", "2025-01-02 10:30", "2025-01-02T10:30:05.25", "02/01/2025", "20250102"]
    times, counts = times_of(texts)
    seconds = ["2025-01-02 00:00:00", "2025-01-02 10:30:00", "2025-01-02 10:30:05"]
    assert [text[:19] for text in times] == seconds
    assert counts == {"unparsable_timestamp": 2}


def test_declared_formats_are_tried_in_order_and_doubt_is_noted() -> None:
    texts = ["02/01/2025", "13/01/2025", "01/13/2025", "20250102"]
    rules = TransactionRules(date_formats=("%d/%m/%Y", "%m/%d/%Y", "%Y%m%d"))
    valid, ledger = split_valid_transactions(purchases(timestamp=texts), rules=rules)
    days = valid["timestamp"].dt.strftime("%Y-%m-%d").tolist()
    assert days == ["2025-01-02", "2025-01-13", "2025-01-13", "2025-01-02"]
    notice = next(e for e in ledger.entries if e.reason == "ambiguous_timestamp")
    assert (notice.rows, notice.examples) == (1, ("row 0: '02/01/2025'",))


def test_numbers_are_dates_only_when_declared() -> None:
    with pytest.raises(SchemaError, match="timestamp has the type int64"):
        times_of(np.array([20250102]))
    for values in (np.array([20250102]), np.array([20250102.0])):
        times, counts = times_of(values, date_formats=("%Y%m%d",))
        assert [t[:10] for t in times] == ["2025-01-02"]
        assert counts == {}


def test_aware_times_move_to_the_declared_zone_and_lose_it() -> None:
    aware = pd.Series(pd.to_datetime(["2025-01-01 23:30"])).dt.tz_localize("UTC")
    times, _ = times_of(aware, time_zone="Europe/Berlin")
    assert times == ["2025-01-02 00:30:00"]
    mixed = pd.Series(
        [
            "2025-01-01T23:30:00Z",
            "2025-01-01 23:30:00+02:00",
            "2025-01-01 23:30:00",
            datetime(2025, 1, 1, 23, 30, tzinfo=UTC),
            datetime(2025, 1, 1, 23, 30),
            date(2025, 1, 1),
            np.datetime64("2025-01-01T05:00"),
            pd.NaT,
        ],
        dtype=object,
    )
    times, counts = times_of(mixed, time_zone="Europe/Berlin")
    assert [t[:16] for t in times] == [
        "2025-01-02 00:30",
        "2025-01-01 22:30",
        "2025-01-01 23:30",
        "2025-01-02 00:30",
        "2025-01-01 23:30",
        "2025-01-01 00:00",
        "2025-01-01 05:00",
    ]
    assert counts == {"missing_timestamp": 1}


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-01T10:00Z",
        "2025-01-01 10:00:00 UTC",
        "2025-01-01 11:00:00 +0100",
        "2025-01-01T11:00:00.000+01:00",
        "2025-01-01 05:00:00-05",
    ],
)
def test_one_instant_in_each_iso_spelling(text: str) -> None:
    assert times_of([text]) == (["2025-01-01 10:00:00"], {})


def test_an_as_of_beyond_every_timestamp_keeps_all() -> None:
    times = pd.Series(np.array(["2025-01-01"], dtype="datetime64[ns]"))
    assert len(validate_transactions(purchases(timestamp=times), as_of="9999-12-31")) == 1


@pytest.mark.parametrize("text", ["2025-02-30", "2025-13-01", "2025-01", "2025", "yesterday"])
def test_impossible_dates_are_rejected(text: str) -> None:
    assert times_of([text])[1] == {"unparsable_timestamp": 1}


def test_as_of_is_inclusive_by_calendar_day() -> None:
    frame = purchases(timestamp=["2025-01-30 23:59:59", "2025-01-31", "2025-02-01"])
    valid, ledger = split_valid_transactions(frame, as_of="2025-01-31")
    assert len(valid) == 2
    assert ledger.counts() == {"after_as_of": 1}
    assert ledger.rejected.empty
    assert ledger.rows()["value"].tolist() == ["2025-02-01 00:00:00"]
    assert len(validate_transactions(frame, as_of="2025-01-30")) == 1
    with pytest.raises(AsOfError, match="the first transaction is of 2025-01-30"):
        split_valid_transactions(frame, as_of="2025-01-01")


def test_profit_comes_from_profit_or_cost() -> None:
    frame = purchases(amount=[10.0, 10.0], cost=[4.0, np.nan])
    valid, ledger = split_valid_transactions(frame)
    assert valid["profit"].tolist() == [6.0]
    assert ledger.counts() == {"missing_profit": 1}
    kept, _ = split_valid_transactions(frame, rules=TransactionRules(missing_profit="keep"))
    assert kept["profit"].isna().tolist() == [False, True]
    both, _ = split_valid_transactions(frame.assign(profit=[1.0, 2.0]))
    assert both["profit"].tolist() == [1.0, 2.0]
    ignored, _ = split_valid_transactions(frame, columns=TransactionColumns(cost=None))
    assert "profit" not in ignored
    foreign = purchases(amount=["$10", "$10"], cost=["€4", "$4"])
    assert split_valid_transactions(foreign)[1].counts() == {"other_currency_profit": 1}


def test_optional_columns_come_along() -> None:
    frame = purchases(
        order_id=["A1", None, "A2 "],
        business_line=["toys", "", "books"],
        channel=["web", "shop", "web"],
        quantity=["2", "x", None],
    )
    valid, ledger = split_valid_transactions(frame)
    assert ledger.counts() == {"unparsable_quantity": 1}
    assert valid["order_id"].tolist() == ["A1", "A2"]
    assert valid["business_line"].cat.categories.tolist() == ["books", "toys"]
    assert valid["quantity"].tolist()[0] == 2.0
    assert valid["quantity"].isna().tolist() == [False, True]
    gaps = split_valid_transactions(purchases(order_id=[1.0, None]))[0]["order_id"]
    assert gaps.isna().tolist() == [False, True]


def test_a_missing_column_names_the_closest_and_the_fix() -> None:
    frame = pd.DataFrame({"CustomerID": [1], "InvoiceDate": ["2025-01-01"], "amount": [1.0]})
    with pytest.raises(SchemaError) as caught:
        split_valid_transactions(frame)
    assert "the closest are 'CustomerID'" in str(caught.value)
    assert (
        caught.value.fix == 'TransactionColumns(customer_id="CustomerID", timestamp="InvoiceDate")'
    )
    with pytest.raises(SchemaError, match="closest are 'InvoiceDate'"):
        split_valid_transactions(frame, columns=TransactionColumns(customer_id="CustomerID"))
    with pytest.raises(SchemaError, match="no column 'Profit'"):
        split_valid_transactions(
            purchases(amount=[1.0]), columns=TransactionColumns(profit="Profit")
        )


def test_no_rows_and_no_table_are_schema_errors() -> None:
    with pytest.raises(SchemaError, match="transactions has no rows"):
        split_valid_transactions(purchases(amount=[]))
    with pytest.raises(SchemaError, match="transactions is a list"):
        split_valid_transactions([1, 2])
    twice = purchases(amount=[1.0])
    twice = pd.concat([twice, twice[["amount"]]], axis=1)
    with pytest.raises(SchemaError, match="2 columns are named 'amount'"):
        split_valid_transactions(twice)
    with pytest.raises(SchemaError, match="amount has the type datetime64"):
        split_valid_transactions(purchases(amount=pd.to_datetime(["2025-01-01"])))


def test_validate_raises_once_with_the_ledger() -> None:
    frame = purchases(amount=["1", "x"], customer_id=[None, 1.0])
    with pytest.raises(InvalidTransactionsError) as caught:
        validate_transactions(frame)
    text = str(caught.value)
    assert "2 of 2 rows of transactions break a rule" in text
    assert "unparsable_amount: 1 (row 1: 'x')" in text
    assert caught.value.ledger.reconciles


@pytest.mark.parametrize(
    "bad",
    [{"time_zone": "Mars/Base"}, {"date_formats": ("day",)}, {"date_formats": ("%Q",)}, {"x": 1}],
)
def test_rules_refuse_nonsense(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"time_zone|date_formats|x"):
        TransactionRules(**bad)


def test_rules_round_trip_and_hash() -> None:
    rules = TransactionRules(date_formats=("%d/%m/%Y",), duplicate_columns=("a",))
    assert TransactionRules.model_validate_json(rules.model_dump_json()) == rules
    assert hash(rules) == hash(rules.replace())
