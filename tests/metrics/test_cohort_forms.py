"""Cohorts in every form, against a walk over each customer's days in plain Python."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import NotComputableError
from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    PurchaseIndex,
    build_cohorts,
    customers_in_cell,
    index_contracts,
    index_purchases,
)
from tests.metrics.builders import purchases

LAWS = settings(deadline=None, derandomize=True, max_examples=40)
ORIGIN = date(2026, 1, 1)
ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 150)), min_size=1, max_size=30)


def make(rows: list[tuple[int, int]]) -> tuple[PurchaseIndex, dict[int, list[date]]]:
    days: dict[int, list[date]] = {}
    for who, offset in rows:
        days.setdefault(who, []).append(ORIGIN + timedelta(days=offset))
    frame = purchases((who, str(day), 1.0) for who, own in days.items() for day in own)
    return index_purchases(frame, as_of="2026-06-10"), days


def month_lag(first: date, day: date) -> int:
    return 12 * (day.year - first.year) + day.month - first.month


def anniversary_lag(first: date, day: date) -> int:
    """Whole months by the same day of the month, or the last one."""
    stamp, months = pd.Timestamp(first), 0
    while stamp + pd.DateOffset(months=months + 1) <= pd.Timestamp(day):
        months += 1
    return months


@LAWS
@given(ROWS)
def test_calendar_cells_equal_a_walk(rows: list[tuple[int, int]]) -> None:
    """On, on or after, and bracket count what a walk over each customer's days counts."""
    base, days = make(rows)
    on = build_cohorts(base)
    later = build_cohorts(base, activity="on_or_after")
    pairs = ((0, 0), (1, 2), (3, 5))
    bracket = build_cohorts(base, activity="bracket", brackets=pairs)
    for row, label in enumerate(on.labels):
        own = [d for d in days.values() if f"{min(d):%Y-%m}" == label]
        lags = [{month_lag(min(d), day) for day in d} for d in own]
        for column in range(on.heads.shape[1]):
            if np.isnan(on.heads[row, column]):
                assert month_lag(date.fromisoformat(f"{label}-01"), date(2026, 6, 1)) < column
                continue
            assert on.heads[row, column] == sum(column in lag for lag in lags)
            assert later.heads[row, column] == sum(max(lag) >= column for lag in lags)
        for at, (first, last) in enumerate(pairs):
            if not np.isnan(bracket.heads[row, at]):
                span = set(range(first, last + 1))
                assert bracket.heads[row, at] == sum(bool(lag & span) for lag in lags)
    assert (np.diff(np.nan_to_num(later.heads), axis=1) <= 0).all()


@LAWS
@given(ROWS, st.sampled_from(["week", "month", "30_days"]))
def test_rolling_cells_count_only_members_whose_column_is_over(
    rows: list[tuple[int, int]], kind: str
) -> None:
    """Each customer has an own clock; who is too young for a column is in neither count."""
    base, days = make(rows)
    month = "30_days" if kind == "30_days" else "calendar"
    unit = "week" if kind == "week" else "month"
    convention = MetricConvention().replace(month=month)
    table = build_cohorts(base, unit=unit, clock="rolling", convention=convention)  # type: ignore[arg-type]

    def lag(first: date, day: date) -> int:
        if kind == "month":
            return anniversary_lag(first, day)
        return (day - first).days // (7 if kind == "week" else 30)

    expected_old = np.zeros(table.heads.shape)
    expected = np.zeros(table.heads.shape)
    starts = [date.fromisoformat(str(s)[:10]) for s in table.cohort_start]
    for own in days.values():
        first = min(own)
        row = max(k for k, start in enumerate(starts) if start <= first)
        over = lag(first, date(2026, 6, 11))
        expected_old[row, :over] += 1
        for column in {lag(first, day) for day in own}:
            if column < over:
                expected[row, column] += 1
    assert table.old_enough is not None
    np.testing.assert_array_equal(table.old_enough, expected_old)
    np.testing.assert_array_equal(np.nan_to_num(table.heads), expected)
    assert table.eligible.tolist() == expected_old.sum(axis=0).astype(int).tolist()


@LAWS
@given(ROWS, st.integers(1, 60))
def test_rolling_on_or_after_waits_a_window_before_it_judges(
    rows: list[tuple[int, int]], window: int
) -> None:
    """Who bought in a column or later, of those whose column ended a window before the end."""
    base, days = make(rows)
    convention = MetricConvention(window_days=window)
    table = build_cohorts(base, activity="on_or_after", clock="rolling", convention=convention)
    expected_old, expected = np.zeros(table.heads.shape), np.zeros(table.heads.shape)
    starts = [date.fromisoformat(str(s)[:10]) for s in table.cohort_start]
    for own in days.values():
        first = min(own)
        row = max(k for k, start in enumerate(starts) if start <= first)
        wait = date(2026, 6, 11) - timedelta(days=window)
        over = anniversary_lag(first, wait) if wait >= first else 0
        expected_old[row, :over] += 1
        expected[row, : min(over, anniversary_lag(first, max(own)) + 1)] += 1
    assert table.old_enough is not None
    np.testing.assert_array_equal(table.old_enough, expected_old)
    np.testing.assert_array_equal(np.nan_to_num(table.heads), expected)


@LAWS
@given(ROWS)
def test_the_people_of_every_form_add_up_to_the_cell(rows: list[tuple[int, int]]) -> None:
    """In every form, the people of a cell are its denominator, those counted its numerator."""
    base, _ = make(rows)
    convention = MetricConvention(window_days=20, incomplete_period="mark")
    for activity in ("on", "on_or_after", "bracket"):
        for clock in ("calendar", "rolling"):
            form: dict[str, Any] = {"activity": activity, "clock": clock, "convention": convention}
            form["brackets"] = ((0, 0), (1, 3)) if activity == "bracket" else ()
            table = build_cohorts(base, **form)
            for row, column in zip(*np.nonzero(~np.isnan(table.heads)), strict=True):
                if table.sizes[row]:
                    label = table.labels[row]
                    people = customers_in_cell(base, cohort=label, column=int(column), **form)
                    assert people["counted"].sum() == table.heads[row, column]
                    assert people["counted"].sum() / len(people) == table.rates[row, column]


def test_n_day_retention_by_day() -> None:
    frame = purchases([("a", "2026-01-01", 1), ("a", "2026-01-08", 1), ("b", "2026-01-02", 1)])
    base = index_purchases(frame, as_of="2026-01-09")
    table = build_cohorts(base, unit="day", clock="rolling")
    assert table.labels == ("2026-01-01", "2026-01-02")
    assert table.summary()[["eligible", "retained"]].to_numpy()[7].tolist() == [2, 1]
    assert table.summary()[["eligible", "retained"]].to_numpy()[8].tolist() == [1, 0]


def test_columns_near_the_end_are_marked_when_counting_on_or_after(
    cdnow_base: PurchaseIndex,
) -> None:
    """With a window of 91 days the last three months are counted low."""
    table = build_cohorts(cdnow_base, activity="on_or_after")
    assert table.incomplete[0].tolist() == [False] * 15 + [True] * 3
    assert table.summary()["rate"].isna().to_numpy()[-1]
    marked = MetricConvention(incomplete_period="mark")
    shown = build_cohorts(cdnow_base, activity="on_or_after", convention=marked)
    assert shown.summary()["rate"].notna().all()


def test_money_of_a_cohort_is_the_money_of_its_customers(
    cdnow: pd.DataFrame, cdnow_base: PurchaseIndex
) -> None:
    table = build_cohorts(cdnow_base, with_money=True)
    first = cdnow.groupby("customer_id")["timestamp"].transform("min").dt.strftime("%Y-%m")
    month = cdnow["timestamp"].dt.strftime("%Y-%m")
    expected = cdnow[(first == "1997-01") & (month == "1997-04")]["amount"].sum()
    assert table.money_frame().loc["1997-01", 3] == pytest.approx(expected, abs=1e-9)
    assert table.money is not None
    assert np.nansum(table.money) == pytest.approx(cdnow["amount"].sum())
    assert table.money_rates[:, 0].tolist() == [1.0, 1.0, 1.0]
    assert np.isnan(build_cohorts(cdnow_base).money_rates).all()


def test_the_people_behind_a_cell(cdnow: pd.DataFrame, cdnow_base: PurchaseIndex) -> None:
    people = customers_in_cell(cdnow_base, cohort="1997-01", column=3)
    first = cdnow.groupby("customer_id")["timestamp"].min()
    january = set(first[first < "1997-02-01"].index)
    rows = cdnow[cdnow["timestamp"].dt.strftime("%Y-%m") == "1997-04"]
    assert set(people["customer_id"]) == january
    assert set(people.loc[people["counted"], "customer_id"]) == january & set(rows["customer_id"])
    for activity, clock in (("on", "rolling"), ("on_or_after", "calendar")):
        people = customers_in_cell(
            cdnow_base,
            cohort="1997-02",
            column=5,
            activity=activity,  # type: ignore[arg-type]
            clock=clock,  # type: ignore[arg-type]
        )
        table = build_cohorts(cdnow_base, activity=activity, clock=clock)  # type: ignore[arg-type]
        assert people["counted"].sum() == table.heads[1, 5]
        assert people["counted"].sum() / len(people) == pytest.approx(table.rates[1, 5])
    with pytest.raises(NotComputableError, match="no cell"):
        customers_in_cell(cdnow_base, cohort="1999-01", column=0)


def test_a_balanced_panel_has_the_same_cohorts_in_every_column(
    cdnow_base: PurchaseIndex,
) -> None:
    panel = build_cohorts(cdnow_base).balanced(16)
    assert panel.summary()["cohorts"].nunique() == 1
    assert panel.labels == ("1997-01", "1997-02", "1997-03")


def test_a_returned_customer_may_start_a_new_cohort() -> None:
    """Bought in January, silent for more than 31 days, back in April."""
    frame = purchases([("a", "2026-01-10", 1), ("a", "2026-02-05", 1), ("a", "2026-04-10", 1)])
    base = index_purchases(frame, as_of="2026-05-31")
    convention = MetricConvention(window_days=31, reactivated_cohort="new")
    table = build_cohorts(base, convention=convention)
    assert table.sizes.tolist() == [1, 0, 0, 1]
    assert table.heads[0].tolist() == [1, 1, 0, 0, 0]
    original = build_cohorts(base, convention=MetricConvention(window_days=31))
    assert original.heads.tolist() == [[1, 1, 0, 1, 0]]
    people = customers_in_cell(base, cohort="2026-04", column=0, convention=convention)
    assert people["customer_id"].tolist() == ["a"]


def test_contract_cohorts_are_read_on_the_last_day_of_each_unit(march: ContractIndex) -> None:
    """January: seven joined; G left on 1 February; D and I in March. March: E stays, F left."""
    table = build_cohorts(march, with_money=True)
    assert table.labels == ("2026-01", "2026-02", "2026-03")
    assert table.sizes.tolist() == [7, 0, 2]
    np.testing.assert_array_equal(table.heads[0], [7, 6, 5])  # G is back in March
    assert table.money is not None
    np.testing.assert_array_equal(table.money[0], [670.0, 600.0, 480.0])
    assert table.heads[2, 0] == 2
    assert not table.incomplete.any()
    early = index_contracts(
        pd.DataFrame(
            {
                "customer_id": ["a"],
                "start": pd.to_datetime(["2026-01-05"]),
                "end": pd.to_datetime(["2026-02-20"]),
                "amount": [1.0],
            }
        ),
        as_of="2026-02-15",
    )
    assert build_cohorts(early).incomplete.tolist() == [[False, True]]


def test_forms_that_do_not_exist_are_refused(
    march: ContractIndex, cdnow_base: PurchaseIndex
) -> None:
    with pytest.raises(NotComputableError, match="rolling clock"):
        build_cohorts(march, clock="rolling", with_money=True)
    with pytest.raises(NotComputableError, match="brackets are"):
        build_cohorts(march, brackets=[(1, 2)])
    with pytest.raises(NotComputableError, match="brackets are"):
        build_cohorts(cdnow_base, activity="bracket")
    with pytest.raises(NotComputableError, match="brackets are"):
        build_cohorts(cdnow_base, activity="bracket", brackets=[(0, 3), (3, 5)])
    with pytest.raises(NotComputableError, match="on_or_after"):
        build_cohorts(cdnow_base, activity="on_or_after", with_money=True)
