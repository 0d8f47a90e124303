"""Charges of contracts: months by the calendar, money to the cent, nobody lost."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.contracts import list_charges
from retainkit.contracts._kernel import charge_day, charges_due
from retainkit.errors import SchemaError

DAYS = st.integers(min_value=10_000, max_value=25_000)


def contracts(**columns: object) -> pd.DataFrame:
    start = pd.to_datetime(["2026-01-31", "2026-03-10", "2026-02-01"])
    end = pd.to_datetime(["2026-03-31", "NaT", "2026-02-01"])
    base = {"customer_id": ["a", "b", "c"], "start": start, "end": end, "amount": [30.0, 12.0, 9.0]}
    return pd.DataFrame({**base, **columns})


def test_months_are_of_the_calendar() -> None:
    rows = list_charges(contracts(), as_of="2026-04-10")
    a = rows[rows["customer_id"] == "a"]
    # 31 January, 28 February; 31 March is the first day without service
    assert [str(day.date()) for day in a["timestamp"]] == ["2026-01-31", "2026-02-28"]
    assert a["amount"].tolist() == [30.0, 30.0]


def test_who_brought_nothing_stays_with_a_row_of_nothing() -> None:
    rows = list_charges(contracts(paid=[True, False, True]), as_of="2026-04-10")
    assert rows.loc[rows["customer_id"] == "b", "amount"].tolist() == [0.0]  # not paid for
    assert rows.loc[rows["customer_id"] == "c", "amount"].tolist() == [0.0]  # ended as it began
    assert list(rows["customer_id"].unique()) == ["a", "b", "c"]


def test_later_contracts_bring_nothing() -> None:
    assert set(list_charges(contracts(), as_of="2026-02-05")["customer_id"]) == {"a", "c"}


def test_plans_are_business_lines() -> None:
    rows = list_charges(contracts(plan=pd.Categorical(["x", "y", "x"])), as_of="2026-04-10")
    assert rows["business_line"].tolist() == ["x", "x", "y", "y", "x"]


@pytest.mark.parametrize(
    "broken",
    [
        {"currency": ["EUR", "USD", None]},
        {"start": pd.to_datetime(["2026-01-01", "NaT", "2026-01-01"])},
    ],
)
def test_what_cannot_be_added_up_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(SchemaError):
        list_charges(contracts(**broken), as_of="2026-04-10")


def test_a_missing_column_is_refused() -> None:
    with pytest.raises(SchemaError, match="amount"):
        list_charges(contracts().drop(columns="amount"), as_of="2026-04-10")


def by_hand(day: int, months: int) -> int:
    start = date.fromordinal(day + date(1970, 1, 1).toordinal())
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - date(year, month + 1, 1)).days
    there = date(year, month + 1, min(start.day, last))
    return there.toordinal() - date(1970, 1, 1).toordinal()


@settings(deadline=None, derandomize=True, max_examples=60)
@given(DAYS, st.integers(min_value=0, max_value=60))
def test_charge_days_are_those_of_the_calendar(day: int, months: int) -> None:
    assert charge_day(np.array([day]), np.array([months]))[0] == by_hand(day, months)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(DAYS, st.integers(min_value=1, max_value=1500))
def test_charges_due_counts_the_days_one_by_one(day: int, length: int) -> None:
    counted = sum(by_hand(day, k) < day + length for k in range(60))
    assert charges_due(np.array([day]), np.array([day + length]))[0] == counted
