"""Cohorts of contracts in every form, against a walk over each customer's covered days."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.contracts import ContractConvention
from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    build_cohorts,
    customers_in_cell,
    index_contracts,
    index_purchases,
    retention_curve,
)
from retainkit.metrics._base import as_contracts
from tests.metrics.builders import purchases

LAWS = settings(deadline=None, derandomize=True, max_examples=40)
ORIGIN, AS_OF = date(2026, 1, 1), date(2026, 6, 10)
ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 160), st.one_of(st.none(), st.integers(1, 90))),
    min_size=1,
    max_size=20,
)
FORMS = st.sampled_from(["original", "new"])
Rows = list[tuple[int, int, int | None]]


class Member:
    """One customer, or one stay of a customer: the days with a contract."""

    def __init__(self, owner: int, days: set[date]) -> None:
        self.owner, self.days, self.first = owner, days, min(days)

    def on(self, day: date) -> bool:
        return day in self.days

    def on_or_after(self, day: date) -> bool:
        return max(self.days) >= day


def make(rows: Rows) -> ContractIndex:
    start = [pd.Timestamp(ORIGIN) + pd.Timedelta(days=first) for _, first, _ in rows]
    end = [
        pd.NaT if length is None else begin + pd.Timedelta(days=length)
        for begin, (_, _, length) in zip(start, rows, strict=True)
    ]
    frame = pd.DataFrame({"customer_id": [who for who, _, _ in rows], "amount": 10.25})
    return index_contracts(
        frame.assign(start=pd.to_datetime(start), end=pd.to_datetime(pd.Series(end))), as_of=AS_OF
    )


def walk(rows: Rows, form: str) -> list[Member]:
    covered: dict[int, set[date]] = {}
    for who, first, length in rows:
        for offset in range(first, 161 if length is None else min(first + length, 161)):
            covered.setdefault(who, set()).add(ORIGIN + timedelta(days=offset))
    if form == "original":
        return [Member(who, days) for who, days in covered.items()]
    found = []
    for who, days in covered.items():
        stay: set[date] = set()
        for day in sorted(days):
            if stay and day - timedelta(days=1) not in stay:
                found.append(Member(who, stay))
                stay = set()
            stay.add(day)
        found.append(Member(who, stay))
    return found


def month_end(first: date, column: int) -> date:
    """Last observed day of the month so many months after that of `first`."""
    start = pd.Timestamp(first).replace(day=1) + pd.DateOffset(months=column + 1)
    return min((start - pd.Timedelta(days=1)).date(), AS_OF)


def months_left(label: str) -> int:
    return 6 - int(label[-2:])


@LAWS
@given(ROWS, FORMS)
def test_calendar_cells_equal_a_walk(rows: Rows, form: str) -> None:
    """On, on or after and bracket look at each month's last observed day, and at who joined."""
    base, members = make(rows), walk(rows, form)
    convention = MetricConvention().replace(reactivated_cohort=form)
    on = build_cohorts(base, convention=convention)
    later = build_cohorts(base, activity="on_or_after", convention=convention)
    pairs = ((0, 0), (1, 2), (3, 5))
    bracket = build_cohorts(base, activity="bracket", brackets=pairs, convention=convention)
    assert on.sizes.sum() == len(members)
    for row, label in enumerate(on.labels):
        own = [m for m in members if f"{m.first:%Y-%m}" == label]
        assert on.sizes[row] == len(own)
        columns = months_left(label) + 1

        def there(m: Member, column: int) -> bool:
            return column == 0 or m.on(month_end(m.first, column))

        assert np.isnan(on.heads[row, columns:]).all()
        for column in range(columns):
            assert on.heads[row, column] == sum(there(m, column) for m in own)
            assert later.heads[row, column] == sum(
                column == 0 or m.on_or_after(month_end(m.first, column)) for m in own
            )
        for at, (first, last) in enumerate(pairs):
            if last < columns:
                hits = [any(there(m, c) for c in range(first, last + 1)) for m in own]
                assert bracket.heads[row, at] == sum(hits)
            else:
                assert np.isnan(bracket.heads[row, at])
    assert (np.diff(np.nan_to_num(later.heads), axis=1) <= 0).all()
    assert (np.nan_to_num(on.heads) <= np.nan_to_num(later.heads)).all()


@LAWS
@given(ROWS, FORMS, st.sampled_from(["week", "month", "30_days"]))
def test_rolling_cells_equal_a_walk(rows: Rows, form: str, kind: str) -> None:
    """Each customer is looked at on own anniversaries; who has not reached one is in no count."""
    base, members = make(rows), walk(rows, form)
    month = "30_days" if kind == "30_days" else "calendar"
    unit = "week" if kind == "week" else "month"
    convention = MetricConvention(window_days=20).replace(month=month, reactivated_cohort=form)

    def look(first: date, column: int) -> date:
        if kind == "month":
            return (pd.Timestamp(first) + pd.DateOffset(months=column)).date()
        return first + timedelta(days=(7 if kind == "week" else 30) * column)

    on = build_cohorts(base, unit=unit, clock="rolling", convention=convention)  # type: ignore[arg-type]
    later = build_cohorts(
        base,
        unit=unit,  # type: ignore[arg-type]
        activity="on_or_after",
        clock="rolling",
        convention=convention,
    )
    starts = [date.fromisoformat(str(day)[:10]) for day in on.cohort_start]
    for table, wait in ((on, 0), (later, 20)):
        old, heads = np.zeros(table.heads.shape), np.zeros(table.heads.shape)
        for m in members:
            row = max(k for k, start in enumerate(starts) if start <= m.first)
            for column in range(table.heads.shape[1]):
                day = look(m.first, column)
                if day > AS_OF - timedelta(days=wait):
                    break
                old[row, column] += 1
                heads[row, column] += (m.on if table is on else m.on_or_after)(day)
        assert table.old_enough is not None
        np.testing.assert_array_equal(table.old_enough, old)
        np.testing.assert_array_equal(np.nan_to_num(table.heads), heads)
        np.testing.assert_array_equal(table.eligible, old.sum(axis=0))
        np.testing.assert_array_equal(table.retained, heads.sum(axis=0))


@LAWS
@given(ROWS, FORMS)
def test_the_people_behind_a_cell_add_up_to_it(rows: Rows, form: str) -> None:
    """In every form, the people of a cell are its denominator, those counted its numerator."""
    base = make(rows)
    convention = MetricConvention().replace(reactivated_cohort=form, incomplete_period="mark")
    for activity, clock in (
        ("on", "calendar"),
        ("on_or_after", "calendar"),
        ("on", "rolling"),
        ("on_or_after", "rolling"),
        ("bracket", "calendar"),
        ("bracket", "rolling"),
    ):
        brackets = ((0, 0), (1, 2)) if activity == "bracket" else ()
        table = build_cohorts(
            base,
            activity=activity,  # type: ignore[arg-type]
            clock=clock,  # type: ignore[arg-type]
            brackets=brackets,
            convention=convention,
        )
        shown = table.cells_frame()
        assert (shown["retained"] <= shown["eligible"]).all()
        assert shown["eligible"].le(shown["size"]).all()
        names = [f"{a}-{b}" for a, b in brackets]
        for cell in shown.head(6).itertuples():
            people = customers_in_cell(
                base,
                cohort=str(cell.cohort),
                column=names.index(str(cell.column)) if names else int(str(cell.column)),
                activity=activity,  # type: ignore[arg-type]
                clock=clock,  # type: ignore[arg-type]
                brackets=brackets,
                convention=convention,
            )
            assert len(people) == cell.eligible
            assert people["counted"].sum() == cell.retained


@LAWS
@given(ROWS, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_splitting_a_contract_changes_a_cohort(
    rows: Rows, random: object
) -> None:
    """A contract in two parts, end to end, is one stay; shuffled rows are the same rows."""
    split: Rows = []
    for who, first, length in rows:
        cut = 5 if length is None or length > 5 else None
        if cut is None:
            split.append((who, first, length))
        else:
            split += [(who, first, cut), (who, first + cut, None if length is None else length - 5)]
    split = [(who, first, length) for who, first, length in split if first <= 160]
    random.shuffle(split)  # type: ignore[attr-defined]
    for clock in ("calendar", "rolling"):
        one, other = (build_cohorts(make(r), clock=clock) for r in (rows, split))
        np.testing.assert_array_equal(one.heads, other.heads)
    one, other = (build_cohorts(make(r), with_money=True) for r in (rows, split))
    assert one.money is not None
    assert other.money is not None
    np.testing.assert_array_equal(one.money, other.money)


@LAWS
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 130)), min_size=1, max_size=12))
def test_rolling_days_are_the_product_limit_curve_while_nobody_is_censored(
    stays: list[tuple[int, int]],
) -> None:
    """Without returns and with every stay over, both count the same share on every day."""
    rows: Rows = [(at, first, length) for at, (first, length) in enumerate(stays)]
    table = build_cohorts(make(rows), unit="day", clock="rolling")
    days = np.arange(min(131, len(table.average)))
    curve = retention_curve(make(rows))
    known = ~np.isnan(curve.at(days))
    np.testing.assert_allclose(table.average[days][known], curve.at(days)[known], atol=1e-12)


def test_four_customers_by_hand() -> None:
    """As of 10 April. a stays; b leaves on 20 January, is back 10 March; c 31 January to 28
    February; d starts on 5 April.

    Calendar: on 31 January a and c, on 28 February a alone (c's last day is 27 February), on 31
    March a and b, on 10 April (incomplete) a and b. b returned 49 days after leaving.
    Anniversaries: a 10 Jan, 10 Feb, 10 Mar, 10 Apr; b 15 Jan, 15 Feb, 15 Mar (15 Apr is to
    come); c 31 Jan, 28 Feb (the day the contract ends: gone), 31 Mar.
    """
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "b", "b", "c", "d"],
            "start": pd.to_datetime(
                ["2026-01-10", "2026-01-15", "2026-03-10", "2026-01-31", "2026-04-05"]
            ),
            "end": pd.to_datetime(pd.Series([None, "2026-01-20", None, "2026-02-28", None])),
            "amount": [10.0, 20.0, 25.0, 40.0, 5.0],
        }
    )
    base = index_contracts(frame, as_of="2026-04-10")
    on = build_cohorts(base, with_money=True)
    assert on.labels == ("2026-01", "2026-02", "2026-03", "2026-04")
    assert on.sizes.tolist() == [3, 0, 0, 1]
    assert on.heads[0].tolist() == [3, 1, 2, 2]
    assert on.money is not None
    assert on.money[0].tolist() == [50.0, 10.0, 35.0, 35.0]
    assert on.incomplete.tolist()[0] == [False, False, False, True]
    assert on.summary()["eligible"].tolist() == [3, 3, 3, 0]
    assert build_cohorts(base, activity="on_or_after").heads[0].tolist() == [3, 2, 2, 2]
    thirds = build_cohorts(base, activity="bracket", brackets=((1, 1), (2, 3)))
    assert thirds.heads[0].tolist() == [1, 2]
    rolling = build_cohorts(base, clock="rolling")
    assert rolling.heads[0].tolist() == [3, 1, 2, 1]
    assert rolling.old_enough is not None
    assert rolling.old_enough[0].tolist() == [3, 3, 3, 1]
    assert rolling.incomplete[0].tolist() == [False, False, False, True]
    assert rolling.summary()["eligible"].tolist() == [4, 3, 3, 1]
    again = MetricConvention(reactivated_cohort="new")
    new = build_cohorts(base, convention=again, with_money=True)
    assert new.sizes.tolist() == [3, 0, 1, 1]
    assert new.heads[0].tolist() == [3, 1, 1, 1]
    assert new.heads[2, :2].tolist() == [1, 1]
    assert new.money is not None
    assert new.money[2, :2].tolist() == [25.0, 25.0]
    patient = again.replace(contracts=ContractConvention(grace_days=50))
    assert build_cohorts(base, convention=patient).sizes.tolist() == [3, 0, 0, 1]
    people = customers_in_cell(base, cohort="2026-01", column=2)
    assert people["customer_id"].tolist() == ["a", "b", "c"]
    assert people["counted"].tolist() == [True, True, False]


def test_columns_near_the_end_are_marked_on_or_after() -> None:
    """A window of 40 days before 10 June reaches into May: May and June are counted low."""
    table = build_cohorts(
        make([(1, 0, None)]), activity="on_or_after", convention=MetricConvention(window_days=40)
    )
    assert table.incomplete.tolist() == [[False, False, False, False, True, True]]
    assert table.summary()["eligible"].tolist() == [1, 1, 1, 1, 0, 0]


@LAWS
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 150)), min_size=1, max_size=30))
def test_purchases_seen_as_contracts_join_the_same_cohorts(rows: list[tuple[int, int]]) -> None:
    """Who starts when does not depend on how a base is looked at; returns neither."""
    frame = purchases((who, str(ORIGIN + timedelta(days=day)), 1.0) for who, day in rows)
    convention = MetricConvention(window_days=31, reactivated_cohort="new")
    base = index_purchases(frame, as_of="2026-06-10")
    bought = build_cohorts(base, convention=convention)
    held = build_cohorts(as_contracts(base, convention=convention), convention=convention)
    assert bought.sizes.tolist() == held.sizes.tolist()
    assert bought.labels == held.labels


def test_money_follows_the_member_of_the_return() -> None:
    """Back after a silence: what the customer spends then belongs to the new cohort."""
    frame = purchases([("a", "2026-01-10", 5), ("a", "2026-04-10", 7), ("a", "2026-04-12", -2)])
    base = index_purchases(frame, as_of="2026-05-31")
    convention = MetricConvention(window_days=31, reactivated_cohort="new")
    table = build_cohorts(base, convention=convention, with_money=True)
    assert table.money is not None
    assert np.nansum(table.money, axis=1).tolist() == [5.0, 0.0, 0.0, 5.0]


def test_a_base_in_which_nobody_counts_has_no_cohorts() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["a"],
            "start": pd.to_datetime(["2026-01-05"]),
            "end": pd.to_datetime(pd.Series([None])),
            "amount": [0.0],
        }
    )
    base = index_contracts(frame, as_of="2026-02-15")
    for clock in ("calendar", "rolling"):
        table = build_cohorts(
            base,
            clock=clock,
            with_money=clock == "calendar",
            convention=MetricConvention(contracts=ContractConvention(zero_value="churned")),
        )
        assert (len(table), table.customers_without_purchase) == (0, 1)
        assert table.summary()["eligible"].sum() == 0


@pytest.mark.parametrize("unit", ["day", "week", "month", "quarter", "year"])
def test_every_unit_counts_everybody_once(march: ContractIndex, unit: str) -> None:
    for clock in ("calendar", "rolling"):
        table = build_cohorts(march, unit=unit, clock=clock)  # type: ignore[arg-type]
        assert table.sizes.sum() == 9
        assert np.nansum(table.heads[:, 0]) == 9
