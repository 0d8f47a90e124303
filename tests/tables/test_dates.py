"""Dates of no declared form: read where the rows prove their order, else asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit.errors import SchemaError
from retainkit.pipeline import PipelineConfig, RetentionPipeline
from retainkit.tables import Ledger, TransactionRules, split_valid_transactions


def split(values: Sequence[Any], *formats: str) -> tuple[list[str], Ledger]:
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(len(values))],
            "timestamp": pd.Series(list(values), dtype=object),
            "amount": 1.0,
        }
    )
    valid, ledger = split_valid_transactions(frame, rules=TransactionRules(date_formats=formats))
    return valid["timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S").tolist(), ledger


def test_rows_that_prove_the_month_first() -> None:
    times, ledger = split(["11/8/2018", "6/16/2015", "12/31/2017", None])
    assert times == ["2018-11-08 00:00:00", "2015-06-16 00:00:00", "2017-12-31 00:00:00"]
    assert ledger.counts() == {"missing_timestamp": 1}
    notice = next(e for e in ledger.entries if e.kind == "notice")
    assert (notice.reason, notice.rows) == ("month_first_timestamp", 2)
    (said,) = ledger.notes()
    assert "month/day/year: 13 and above stand in second place in 2 rows" in said
    assert "月/日/年" in ledger.notes("zh")[0]


def test_times_of_day_and_points() -> None:
    times, ledger = split(["13.12.2010 8:26", "1.2.2010 18:26:05"])
    assert times == ["2010-12-13 08:26:00", "2010-02-01 18:26:05"]
    assert "day/month/year: 13 and above stand in first place in 1 rows" in ledger.notes()[0]


def test_one_value_is_shown_both_ways_where_nothing_proves_the_order() -> None:
    times, ledger = split(["5/6/2024", "1/2/2024"])
    assert times == []
    (said,) = ledger.notes()
    for word in ("'5/6/2024'", "2024-05-06", "2024-06-05", '["%m/%d/%Y"]', '["%d/%m/%Y"]'):
        assert word in said
    assert "[rules.transactions]" in said
    assert "--config" in said


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["1/13/2024", "14/1/2024"], ("'1/13/2024'", "%m/%d/%Y", "%d/%m/%Y")),  # no order reads all
        (["1/13/2024", "2024-01-01"], ('date_formats = ["%m/%d/%Y"]',)),  # two shapes
        (["12/13/2010 8:26", "soon"], ('date_formats = ["%m/%d/%Y %H:%M"]',)),
        (["13/14/2024"], ("'13/14/2024'", "name its form")),
        (["43466"], ("spreadsheet",)),
        (["1546300800"], ("seconds since 1970",)),
        (["1546300800000"], ("milliseconds since 1970",)),
        (["20190101"], ('date_formats = ["%Y%m%d"]',)),
        (["1 Jan 2019"], ("'1 Jan 2019'", "%d %b %Y")),
    ],
)
def test_what_is_not_read_is_shown_with_its_form(values: list[str], words: Sequence[str]) -> None:
    _, ledger = split(values)
    assert ledger.counts().get("unparsable_timestamp")
    assert all(word in ledger.notes()[0] for word in words), ledger.notes()


def test_a_declared_format_is_never_overruled() -> None:
    times, ledger = split(["1/13/2024", "1/14/2024"], "%d/%m/%Y")
    assert times == []
    assert "month_first_timestamp" not in {entry.reason for entry in ledger.entries}


def test_a_run_that_accepts_nothing_says_how_to_declare_the_form() -> None:
    frame = pd.DataFrame({"customer_id": ["a"], "timestamp": ["5/6/2024"], "amount": [1.0]})
    with pytest.raises(SchemaError, match="unparsable_timestamp 1") as caught:
        RetentionPipeline(PipelineConfig()).run(frame, as_of="2024-12-31")
    assert "'5/6/2024'" in caught.value.fix
    assert 'date_formats = ["%m/%d/%Y"]' in caught.value.fix


@given(
    days=st.lists(st.dates(min_value=date(1900, 1, 1)), min_size=1, max_size=20),
    form=st.sampled_from(["%m/%d/%Y", "%d/%m/%Y"]),
)
def test_law_what_is_read_is_what_was_written(days: list[date], form: str) -> None:
    times, ledger = split([day.strftime(form) for day in days])
    if any(day.day > 12 for day in days):
        assert times == [f"{day} 00:00:00" for day in days]
    else:  # each of them is a date in both orders
        assert times == []
        assert ledger.counts() == {"unparsable_timestamp": len(days)}
