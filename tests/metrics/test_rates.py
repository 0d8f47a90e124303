from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import AsOfError, SchemaError
from retainkit.metrics import (
    MetricConvention,
    MetricValue,
    Period,
    PurchaseIndex,
    churn_rate,
    compute_metric,
    index_purchases,
    reactivation_rate,
    repeat_rate,
    retention_rate,
)
from tests.metrics.builders import SetOracle, purchases

Metric = Callable[..., MetricValue]
TEXTBOOK, PER_CUSTOMER, ORDER_VALUE, REVENUE = (
    partial(compute_metric, metric=name)
    for name in (
        "textbook_retention_rate",
        "purchases_per_customer",
        "average_order_value",
        "average_revenue_per_customer",
    )
)
LAWS = settings(deadline=None, derandomize=True, max_examples=60)
WINDOWED: tuple[Metric, ...] = (retention_rate, churn_rate, TEXTBOOK, reactivation_rate)
IN_PERIOD: tuple[Metric, ...] = (
    repeat_rate,
    PER_CUSTOMER,
    ORDER_VALUE,
    REVENUE,
)
COUNTS: tuple[Metric, ...] = tuple(
    partial(compute_metric, metric=name)
    for name in ("active_customers", "new_customers", "returning_customers")
)

# Window 30 days, period March 2026, so the start looks at [30 January, 1 March), the end at
# [2 March, 1 April).
HAND = purchases(
    [
        ("kept", "2026-02-10", 10.0),
        ("kept", "2026-03-05", 20.0),
        ("kept", "2026-03-05", 5.0),
        ("kept", "2026-03-20", 15.0),
        ("lost", "2026-01-30", 10.0),
        ("first of March only", "2026-02-01", 10.0),
        ("first of March only", "2026-03-01", 10.0),
        ("dormant", "2026-01-05", 10.0),
        ("returned", "2026-01-29", 10.0),
        ("returned", "2026-03-31", 10.0),
        ("new", "2026-03-15", 40.0),
        ("kept", "2026-03-25", -30.0),
        ("returns only", "2026-03-10", -5.0),
        ("dormant", "2026-03-10", -2.0),
    ]
)
MARCH = Period.month(2026, 3)


@pytest.fixture
def hand() -> PurchaseIndex:
    return index_purchases(HAND, as_of="2026-03-31")


def test_the_hand_case(hand: PurchaseIndex) -> None:
    kept = retention_rate(hand, period=MARCH, window_days=30)
    assert (kept.numerator, kept.denominator, kept.n) == (1.0, 3.0, 3)
    lost = churn_rate(hand, period=MARCH, window_days=30)
    assert (lost.numerator, lost.denominator) == (2.0, 3.0)
    textbook = compute_metric(hand, "textbook_retention_rate", period=MARCH, window_days=30)
    assert (textbook.numerator, textbook.denominator) == (2.0, 3.0)  # kept and returned
    back = reactivation_rate(hand, period=MARCH, window_days=30)
    assert (back.numerator, back.denominator) == (1.0, 2.0)  # of dormant and returned


def test_the_hand_case_within_the_period(hand: PurchaseIndex) -> None:
    assert compute_metric(hand, "active_customers", period=MARCH).value == 4.0
    assert compute_metric(hand, "new_customers", period=MARCH).value == 1.0
    assert compute_metric(hand, "returning_customers", period=MARCH).value == 3.0
    again = repeat_rate(hand, period=MARCH)
    assert (again.numerator, again.denominator) == (1.0, 4.0)
    assert compute_metric(hand, "purchases_per_customer", period=MARCH).value == 5 / 4
    # 20 + 5 + 15 - 30 of "kept", 10, 10, 40; returns of those who bought nothing stay out
    money = compute_metric(hand, "average_order_value", period=MARCH)
    assert (money.numerator, money.denominator, money.n) == (70.0, 5.0, 4)
    assert compute_metric(hand, "average_revenue_per_customer", period=MARCH).value == 70 / 4


def test_refunds_count_by_convention(hand: PurchaseIndex) -> None:
    gross = MetricConvention(refunds="ignore")
    assert (
        compute_metric(hand, "average_order_value", period=MARCH, convention=gross).numerator
        == 100.0
    )


def test_young_customers_count_by_convention(hand: PurchaseIndex) -> None:
    counted = retention_rate(hand, period=MARCH, window_days=30)
    # "lost" is exactly 30 days old on 1 March, the other two are younger
    assert counted.notes == (
        "2 of 3 active at the start joined less than 30 days before it and are counted",
    )
    left_out = MetricConvention(young_customers="exclude")
    older = retention_rate(hand, period=MARCH, window_days=30, convention=left_out)
    assert (older.numerator, older.denominator) == (0.0, 1.0)
    assert older.notes[0].endswith("and are left out")


def test_an_incomplete_period_is_dropped_or_marked() -> None:
    base = index_purchases(HAND, as_of="2026-03-20")
    assert retention_rate(base, period=MARCH, window_days=30).reason == "incomplete_period"
    assert repeat_rate(base, period=MARCH).value is None
    marking = MetricConvention(incomplete_period="mark")
    marked = repeat_rate(base, period=MARCH, convention=marking)
    assert marked.value == 1 / 3
    assert marked.notes == ("the period is incomplete: observed to 2026-03-20",)


def test_history_must_reach_back_one_window(hand: PurchaseIndex) -> None:
    # the data start on 5 January: a window of 55 days before 1 March fits, 56 does not
    assert retention_rate(hand, period=MARCH, window_days=55).computable
    short = retention_rate(hand, period=MARCH, window_days=56)
    assert (short.value, short.reason) == (None, "insufficient_history")
    told = index_purchases(HAND, as_of="2026-03-31", observed_from="2026-01-04")
    assert retention_rate(told, period=MARCH, window_days=56).computable


@pytest.mark.parametrize("metric", [*WINDOWED, *IN_PERIOD, *COUNTS])
@pytest.mark.parametrize("period", [Period.month(2026, 4), Period.month(2025, 12)])
def test_a_period_without_data_is_not_a_zero(
    hand: PurchaseIndex, metric: Metric, period: Period
) -> None:
    result = metric(hand, period=period)
    assert (result.value, result.reason, result.numerator) == (None, "not_observed", None)


@pytest.mark.parametrize("metric", [*WINDOWED, *IN_PERIOD])
def test_every_zero_denominator_returns_none_with_a_reason(metric: Metric) -> None:
    """Observed days without any buyer: no rate, never 0."""
    quiet = index_purchases(purchases([("only returns", "2026-01-01", -1.0)]), as_of="2026-12-31")
    result = metric(quiet, period=Period.month(2026, 6))
    assert (result.value, result.reason, result.denominator) == (None, "zero_denominator", 0.0)
    assert result.interval is None


@pytest.mark.parametrize("metric", COUNTS)
def test_an_observed_period_with_nobody_counts_zero(metric: Metric) -> None:
    quiet = index_purchases(purchases([("a", "2026-01-01", 1.0)]), as_of="2026-12-31")
    result = metric(quiet, period=Period.month(2026, 6))
    assert (result.value, result.reason) == (0.0, None)


@pytest.mark.parametrize("metric", [*WINDOWED, *IN_PERIOD, *COUNTS])
def test_no_rows_observe_nothing(metric: Metric) -> None:
    empty = purchases([]).assign(timestamp=pd.to_datetime([]))
    result = metric(index_purchases(empty, as_of="2026-03-31"), period=MARCH)
    assert (result.value, result.reason) == (None, "not_observed")


def test_intervals_follow_the_convention(hand: PurchaseIndex) -> None:
    jeffreys = retention_rate(hand, period=MARCH, window_days=30).interval
    assert jeffreys is not None
    assert (jeffreys.method, jeffreys.level) == ("jeffreys", 0.95)
    wilson = MetricConvention(interval_method="wilson", interval_level=0.8)
    other = retention_rate(hand, period=MARCH, window_days=30, convention=wilson).interval
    assert other is not None
    assert (other.method, other.level) == ("wilson", 0.8)
    none = MetricConvention(interval_method="none")
    assert retention_rate(hand, period=MARCH, window_days=30, convention=none).interval is None
    assert (
        compute_metric(hand, "textbook_retention_rate", period=MARCH, window_days=30).interval
        is None
    )


def test_rows_after_as_of_are_left_out_and_counted() -> None:
    base = index_purchases(HAND, as_of="2026-02-28")
    assert base.rows_after_as_of == 9
    assert len(base) == 5
    assert base.as_of == date(2026, 2, 28)


def test_as_of_before_all_rows_is_refused() -> None:
    with pytest.raises(AsOfError, match="all 14 rows are later"):
        index_purchases(HAND, as_of="2025-12-31")
    with pytest.raises(AsOfError, match="observed_from"):
        index_purchases(HAND, as_of="2026-03-31", observed_from="2026-04-01")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (HAND.drop(columns="amount"), "no column 'amount'"),
        (HAND.assign(timestamp="2026-03-01"), "'timestamp' has type"),
        (HAND.assign(timestamp=HAND["timestamp"].dt.tz_localize("UTC")), "'timestamp' has type"),
        (HAND.assign(timestamp=HAND["timestamp"].where(HAND["amount"] > 0)), "missing in 3 rows"),
        (HAND.assign(amount="1"), "'amount' has type"),
        (HAND.assign(amount=np.inf), "not finite in 14 rows"),
        (HAND.assign(customer_id=HAND["customer_id"].where(HAND["amount"] > 0)), "missing in some"),
    ],
)
def test_a_frame_that_is_not_valid_is_refused_with_the_way_out(
    frame: pd.DataFrame, message: str
) -> None:
    with pytest.raises(SchemaError, match=message) as caught:
        index_purchases(frame, as_of="2026-03-31")
    assert "validate_transactions" in caught.value.fix


def test_cdnow_agrees_with_set_arithmetic(cdnow: pd.DataFrame, cdnow_base: PurchaseIndex) -> None:
    oracle = SetOracle(cdnow)
    period = Period.quarter(1998, 1)
    start, end = pd.Timestamp(period.start), pd.Timestamp(period.end)
    at_start, at_end = oracle.active_before(start, 60), oracle.active_before(end, 60)
    dormant = oracle.known_before(start) - at_start
    kept = retention_rate(cdnow_base, period=period, window_days=60)
    assert (kept.numerator, kept.denominator) == (len(at_start & at_end), len(at_start))
    back = reactivation_rate(cdnow_base, period=period, window_days=60)
    assert (back.numerator, back.denominator) == (len(dormant & at_end), len(dormant))
    counts = oracle.occasions(start, end)
    again = repeat_rate(cdnow_base, period=period)
    assert again.numerator == sum(k >= 2 for k in counts.values())
    assert again.denominator == len(counts)


ROWS = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.integers(0, 120),
        st.sampled_from([-20.0, 0.0, 0.1, 0.2, 0.3, 7.35, 1e9]),
    ),
    min_size=1,
    max_size=60,
)


def _frame(rows: list[tuple[int, int, float]]) -> pd.DataFrame:
    ids, days, amounts = zip(*rows, strict=True)
    stamps = pd.Timestamp("2026-01-01") + pd.to_timedelta(list(days), unit="D")
    return pd.DataFrame({"customer_id": ids, "timestamp": stamps, "amount": amounts})


@LAWS
@given(rows=ROWS, window=st.integers(1, 60), first=st.integers(60, 90), days=st.integers(1, 31))
def test_rates_are_set_arithmetic(
    rows: list[tuple[int, int, float]], window: int, first: int, days: int
) -> None:
    """Every rate counts the same customers as Python sets do."""
    frame = _frame(rows)
    base = index_purchases(frame, as_of="2026-06-30", observed_from="2026-01-01")
    start = pd.Timestamp("2026-01-01") + pd.Timedelta(days=first)
    end = start + pd.Timedelta(days=days)
    period = Period(start=start.date(), end=end.date())
    oracle = SetOracle(frame)
    at_start, at_end = oracle.active_before(start, window), oracle.active_before(end, window)
    known, bought = oracle.known_before(start), oracle.occasions(start, end)
    expected: dict[Metric, tuple[set[Any], set[Any]]] = {
        retention_rate: (at_start & at_end, at_start),
        churn_rate: (at_start - at_end, at_start),
        TEXTBOOK: (at_end & known, at_start),
        reactivation_rate: ((known - at_start) & at_end, known - at_start),
    }
    for metric, (numerator, denominator) in expected.items():
        result = metric(base, period=period, window_days=window)
        assert (result.numerator, result.denominator) == (len(numerator), len(denominator))
        assert result.computable == bool(denominator)
    assert compute_metric(base, "active_customers", period=period).value == len(bought)
    assert compute_metric(base, "returning_customers", period=period).value == len(
        set(bought) & known
    )
    assert compute_metric(base, "new_customers", period=period).value == len(set(bought) - known)
    assert repeat_rate(base, period=period).numerator == sum(k > 1 for k in bought.values())


@LAWS
@given(rows=ROWS, window=st.integers(1, 60))
def test_retention_and_churn_sum_to_one(rows: list[tuple[int, int, float]], window: int) -> None:
    """Retention + churn = 1, to the last bit, in the same convention."""
    base = index_purchases(_frame(rows), as_of="2026-06-30", observed_from="2026-01-01")
    kept = retention_rate(base, period=MARCH, window_days=window)
    lost = churn_rate(base, period=MARCH, window_days=window)
    assert kept.computable == lost.computable
    if kept.value is not None and lost.value is not None:
        assert kept.value + lost.value == 1.0
        assert (kept.numerator or 0.0) + (lost.numerator or 0.0) == kept.denominator


@LAWS
@given(heads=st.integers(1, 400), share=st.floats(0, 1))
def test_the_two_rates_sum_to_one_for_every_fraction(heads: int, share: float) -> None:
    """Retention + churn = 1, to the last bit, whatever the fraction."""
    kept = round(share * heads)
    rows = [(i, 50, 1.0) for i in range(heads)] + [(i, 85, 1.0) for i in range(kept)]
    base = index_purchases(_frame(rows), as_of="2026-06-30", observed_from="2026-01-01")
    period = Period(start=date(2026, 3, 1), end=date(2026, 3, 31))
    retention = retention_rate(base, period=period, window_days=30).value
    churn = churn_rate(base, period=period, window_days=30).value
    assert retention == kept / heads
    assert churn is not None
    assert retention + churn == 1.0


@LAWS
@given(rows=ROWS, seed=st.integers(0, 99))
def test_row_order_and_names_change_no_bit(rows: list[tuple[int, int, float]], seed: int) -> None:
    """Shuffling rows and renaming customers changes nothing, not even the last bit of money."""
    frame = _frame(rows)
    other = frame.sample(frac=1.0, random_state=seed).reset_index(drop=True)
    other["customer_id"] = other["customer_id"].map(lambda i: f"customer {7 * i:03d}")
    first = index_purchases(frame, as_of="2026-06-30", observed_from="2026-01-01")
    second = index_purchases(other, as_of="2026-06-30", observed_from="2026-01-01")
    for metric in (*WINDOWED, *IN_PERIOD, *COUNTS):
        assert metric(first, period=MARCH) == metric(second, period=MARCH)


@LAWS
@given(rows=ROWS)
def test_revenue_per_customer_is_a_product(rows: list[tuple[int, int, float]]) -> None:
    """Revenue per customer = purchases per customer x average order value."""
    base = index_purchases(_frame(rows), as_of="2026-06-30", observed_from="2026-01-01")
    revenue = compute_metric(base, "average_revenue_per_customer", period=MARCH).value
    often = compute_metric(base, "purchases_per_customer", period=MARCH).value
    each = compute_metric(base, "average_order_value", period=MARCH).value
    if revenue is not None and often is not None and each is not None:
        assert revenue == pytest.approx(often * each, rel=1e-12)
