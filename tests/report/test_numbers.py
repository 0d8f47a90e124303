from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.report.page._blocks import (
    count_columns,
    money_decimals,
    shorten,
    write_money,
    write_number,
    write_share,
)


@pytest.mark.parametrize(
    ("x", "decimals", "text"),
    [
        (1234567.0, 0, "1,234,567"),
        (-1234.5, 1, "−1,234.5"),
        (-0.001, 1, "0.0"),
        (0.0, 0, "0"),
        (None, 0, "–"),
        (math.nan, 2, "–"),
        (math.inf, 2, "–"),
    ],
)
def test_a_number_reads_well(x: float | None, decimals: int, text: str) -> None:
    assert write_number(x, decimals) == text


def test_a_share_carries_its_unit_and_an_undefined_one_none() -> None:
    assert write_share(0.1234) == "12.3\N{NO-BREAK SPACE}%"
    assert write_share(None) == write_share(math.nan) == "–"


def test_amounts_below_a_thousand_show_cents_unless_all_are_whole() -> None:
    assert money_decimals([1.5, 999.0, None, math.nan]) == 2
    assert money_decimals([1.5, 1000.0]) == 0
    assert money_decimals([1.0, 20.0]) == 0
    assert write_money(12.345) == "12.35"
    assert write_money(12345.6) == "12,346"


def test_a_wide_character_takes_two_columns() -> None:
    assert count_columns("关键a") == 5
    assert shorten("关键客户", 8) == "关键客户"
    assert shorten("关键客户", 7) == "关键客…"
    assert shorten("one\n two", 20) == "one two"


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(max_size=60), st.integers(2, 40))
def test_shortened_text_never_exceeds_its_width(text: str, width: int) -> None:
    """A shortened text is one line of at most `width` columns."""
    short = shorten(text, width)
    assert count_columns(short) <= width
    assert "\n" not in short
