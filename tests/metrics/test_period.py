from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit.metrics import Period

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
DAYS = st.dates(date(1971, 1, 1), date(2100, 1, 1))


def test_months_quarters_and_years_have_their_days() -> None:
    assert [Period.month(1996, m).days for m in (1, 2, 4, 12)] == [31, 29, 30, 31]
    assert [Period.quarter(1997, q).days for q in (1, 2, 3, 4)] == [90, 91, 92, 92]
    assert (Period.year(1997).days, Period.year(1996).days) == (365, 366)


def test_the_end_does_not_count() -> None:
    period = Period.month(1998, 2)
    assert (period.start, period.end, period.last_day) == (
        date(1998, 2, 1),
        date(1998, 3, 1),
        date(1998, 2, 28),
    )


@pytest.mark.parametrize("end", ["1998-01-01", "1997-12-31"])
def test_an_empty_or_backward_period_is_refused(end: str) -> None:
    with pytest.raises(ValidationError, match="not later than start"):
        Period.model_validate({"start": "1998-01-01", "end": end})


@pytest.mark.parametrize(
    ("period", "label"),
    [
        (Period.year(1998), "1998"),
        (Period.quarter(1998, 4), "1998-Q4"),
        (Period.month(1998, 4), "1998-04"),
        (Period(start=date(1998, 2, 1), end=date(1998, 5, 1)), "1998-02-01 to 1998-04-30"),
        (Period(start=date(1998, 2, 3), end=date(1998, 2, 4)), "1998-02-03 to 1998-02-03"),
    ],
)
def test_labels(period: Period, label: str) -> None:
    assert str(period) == label


def test_the_previous_period_is_of_the_same_kind() -> None:
    assert Period.month(1998, 1).previous() == Period.month(1997, 12)
    assert Period.quarter(1998, 1).previous() == Period.quarter(1997, 4)
    assert Period.year(1998).previous() == Period.year(1997)
    ten_days = Period.last_days(10, as_of="1998-06-30")
    assert ten_days.previous() == Period.last_days(10, as_of="1998-06-20")


@pytest.mark.parametrize(
    ("unit", "as_of", "start", "end"),
    [
        ("month", "1998-06-30", "1998-06-01", "1998-07-01"),
        ("month", "1998-06-29", "1998-05-01", "1998-06-01"),
        ("quarter", "1998-06-30", "1998-04-01", "1998-07-01"),
        ("quarter", "1998-01-15", "1997-10-01", "1998-01-01"),
        ("year", "1998-12-30", "1997-01-01", "1998-01-01"),
        # 1998-06-28 is a Sunday, so the week Monday 22 to Sunday 28 is complete
        ("week", "1998-06-28", "1998-06-22", "1998-06-29"),
        ("week", "1998-06-27", "1998-06-15", "1998-06-22"),
    ],
)
def test_the_last_complete_unit_is_covered_by_as_of(
    unit: str, as_of: str, start: str, end: str
) -> None:
    period = Period.last_complete(unit, as_of=as_of)  # type: ignore[arg-type]
    assert (str(period.start), str(period.end)) == (start, end)


@LAWS
@given(first=DAYS, days=st.integers(1, 900))
def test_previous_periods_tile(first: date, days: int) -> None:
    """The end of one period is the start of the next, and no day counts twice."""
    period = Period(start=first, end=first + timedelta(days=days))
    before = period.previous()
    assert before.end == period.start
    assert before.start < before.end
    assert period.end_day - period.start_day == period.days


@LAWS
@given(day=DAYS)
def test_json_brings_the_same_period_back(day: date) -> None:
    """A period survives JSON, hashing and comparison."""
    period = Period.last_complete("month", as_of=day)
    again = Period.model_validate_json(period.model_dump_json())
    assert again == period
    assert hash(again) == hash(period)
