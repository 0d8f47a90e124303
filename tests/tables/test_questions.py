"""What a table may mean otherwise is asked: prices per unit, and days after the last row."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest

from retainkit.errors import SchemaError
from retainkit.tables import (
    ContractColumns,
    Ledger,
    TransactionColumns,
    split_valid_table,
)


def lines(
    quantity: Sequence[float], price: Sequence[float], *, amount: str = "worth"
) -> tuple[pd.DataFrame, Ledger]:
    n = len(price)
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "timestamp": [f"2011-01-{i + 1:02d}" for i in range(n)],
            amount: price,
            "quantity": quantity,
        }
    )
    return split_valid_table(frame, TransactionColumns(amount=amount), as_of="2011-01-31")


def test_a_negative_quantity_beside_a_positive_amount_is_asked_about() -> None:
    valid, ledger = lines([2, -1, -3, -1], [3.0, 4.0, 5.0, -6.0])
    (said,) = ledger.notes()
    assert "2 rows have a negative quantity and a positive amount" in said
    assert "quantity x price" in said
    assert "2 行" in ledger.notes("zh")[0]
    entry = next(e for e in ledger.entries if e.kind == "notice" and e.reason == "price_per_unit")
    assert entry.rows == 2
    assert valid["amount"].tolist() == [3.0, 4.0, 5.0, -6.0]  # nothing is changed


@pytest.mark.parametrize("name", ["UnitPrice", "Unit Price", "price_per_unit"])
def test_an_amount_named_like_a_price_is_asked_about(name: str) -> None:
    _, ledger = lines([2, 1], [3.0, 4.0], amount=name)
    assert repr(name) in ledger.notes()[0]


@pytest.mark.parametrize(
    ("quantity", "price", "amount"),
    [
        ([2, 3], [6.0, 9.0], "worth"),
        ([2, -1], [6.0, -3.0], "worth"),
        ([1, 1], [2.0, 3.0], "UnitPrice"),
    ],
)
def test_amounts_that_agree_with_their_quantities(
    quantity: list[float], price: list[float], amount: str
) -> None:
    assert lines(quantity, price, amount=amount)[1].notes() == ()


@pytest.mark.parametrize(
    ("days", "as_of", "away"),
    [
        (["2011-12-01", "2011-12-09"], "2013-12-09", 731),
        (["2011-12-08", "2011-12-09"], "2012-01-10", 32),
        (["2011-12-08", "2011-12-09"], "2012-01-09", None),  # 31 days
        (["2011-10-01", "2011-11-01", "2011-12-01"], "2012-03-01", None),  # 91 <= 3 x 30.5
        (["2011-06-01", "2011-09-01", "2011-12-01"], "2012-06-01", None),  # quarterly
        (["2011-12-09", "2014-01-01"], "2013-12-09", 731),  # what comes later does not count
    ],
)
def test_the_last_row_lies_long_before_as_of(days: list[str], as_of: str, away: int | None) -> None:
    frame = pd.DataFrame({"customer_id": "a", "timestamp": days, "amount": 1.0})
    _, ledger = split_valid_table(frame, TransactionColumns(), as_of=as_of)
    told = [text for text in ledger.notes() if "before as_of" in text]
    assert bool(told) == (away is not None)
    assert all(f"2011-12-09, {away} days before as_of" in text for text in told)


def test_every_missing_column_is_named_at_once() -> None:
    frame = pd.DataFrame({"Customer ID": ["a"], "Order Date": ["2024-01-01"], "UnitPrice": [3.0]})
    with pytest.raises(SchemaError) as caught:
        split_valid_table(frame, TransactionColumns())
    assert caught.value.fix == (
        'TransactionColumns(customer_id="Customer ID", timestamp="Order Date", amount="...")'
    )
    for name in ("'customer_id'", "'timestamp'", "'amount'"):
        assert name in caught.value.wrong


def test_what_can_stand_in_for_the_start_of_a_contract_is_named() -> None:
    frame = pd.DataFrame({"customer_id": ["a"], "end": [""], "amount": [1.0]})
    with pytest.raises(SchemaError, match="'start'") as caught:
        split_valid_table(frame, ContractColumns())
    assert "first charge" in caught.value.rule
