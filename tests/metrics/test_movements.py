"""Movements against a day-by-day walk in plain Python, and by law."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.contracts import ContractConvention
from retainkit.errors import NotComputableError
from retainkit.metrics import (
    MetricConvention,
    Period,
    churn_rate,
    compute_metric,
    index_contracts,
    net_revenue_retention,
    retention_rate,
    revenue_movements,
)

ORIGIN = date(2026, 1, 1)
AS_OF = "2026-06-30"
PERIODS = tuple(Period.month(2026, month) for month in range(2, 7))
LIMIT = settings(deadline=None, derandomize=True, max_examples=30)


def days(*texts: str | None) -> pd.Series[Any]:
    return pd.to_datetime(pd.Series(texts, dtype="object"))


@st.composite
def contracts(draw: st.DrawFn) -> pd.DataFrame:
    """Rows of up to five customers; whole cents; overlapping plans, gaps and renewals."""
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 4),
                st.integers(0, 170),
                st.one_of(st.none(), st.integers(1, 120)),
                st.integers(1, 99_999),
            ),
            min_size=1,
            max_size=14,
        )
    )
    start = [pd.Timestamp(ORIGIN + timedelta(days=s)) for _, s, _, _ in rows]
    end = [
        None if length is None else (ORIGIN + timedelta(days=s + length)).isoformat()
        for _, s, length, _ in rows
    ]
    return pd.DataFrame(
        {
            "customer_id": [f"c{who}" for who, *_ in rows],
            "start": pd.to_datetime(start),
            "end": days(*end),
            "amount": [cents / 100 for *_, cents in rows],
        }
    )


def levels(frame: pd.DataFrame, customer: str) -> dict[date, int]:
    """Return a customer's cents on every day, by looking at each row."""
    found: dict[date, int] = {}
    own = frame[frame["customer_id"] == customer]
    stop = own["end"].fillna(pd.Timestamp("2026-07-01"))
    spans: list[tuple[Any, ...]] = list(zip(own["start"], stop, own["amount"], strict=True))
    for first, last, amount in spans:
        day = first.date()
        while day < min(last.date(), date(2026, 7, 1)):
            found[day] = found.get(day, 0) + round(amount * 100)
            day += timedelta(days=1)
    return found


def walk(frame: pd.DataFrame, *, event: bool) -> dict[tuple[str, str], int]:
    """Return cents by period and movement; joiners who leave count on both sides if `event`."""
    total: dict[tuple[str, str], int] = {}
    for customer in frame["customer_id"].unique():
        level = levels(frame, customer)
        first = min(level)
        for period in PERIODS:
            days = [period.start + timedelta(days=k) for k in range(period.days)]
            steps = [(d - timedelta(days=1), d) for d in days]
            if not event:
                steps = [(steps[0][0], steps[-1][1])]
            for before, after in steps:
                old, new = level.get(before, 0), level.get(after, 0)
                if old == new:
                    continue
                if old == 0:
                    joined = first >= (after if event else period.start)
                    kind = "new" if joined else "reactivation"
                elif new == 0:
                    kind = "churn"
                else:
                    kind = "expansion" if new > old else "contraction"
                key = (str(period), kind)
                total[key] = total.get(key, 0) + abs(new - old)
    return total


@pytest.mark.parametrize("event", [False, True])
def test_movements_equal_a_day_by_day_walk(event: bool) -> None:
    convention = MetricConvention(
        counting="event" if event else "snapshot",
        same_period_join_leave="count_both" if event else "ignore",
    )

    @LIMIT
    @given(contracts())
    def check(frame: pd.DataFrame) -> None:
        base = index_contracts(frame, as_of=AS_OF)
        table = revenue_movements(base, periods=PERIODS, convention=convention).summary()
        expected = walk(frame, event=event)
        for period in PERIODS:
            for kind in ("new", "reactivation", "expansion", "contraction", "churn"):
                cents = round(float(table[kind][str(period)]) * 100)
                assert cents == expected.get((str(period), kind), 0), (period, kind)

    check()


@LIMIT
@given(contracts(), st.sampled_from(["event", "snapshot"]), st.integers(0, 20), st.booleans())
def test_opening_plus_movements_is_closing(
    frame: pd.DataFrame, counting: str, grace: int, both: bool
) -> None:
    """The identity closes to the cent, in money and in heads, for each customer and in sum."""
    convention = MetricConvention().replace(
        counting=counting,
        contracts=ContractConvention(grace_days=grace),
        same_period_join_leave="count_both" if both else "ignore",
    )
    table = revenue_movements(
        index_contracts(frame, as_of=AS_OF), periods=PERIODS, convention=convention
    )
    money, heads = table.summary(), table.heads()
    assert table.unexplained.tolist() == [0.0] * len(PERIODS)
    assert money["opening"].tolist()[1:] == money["closing"].tolist()[:-1]
    moved = heads["new"] + heads["reactivation"] - heads["churn"]
    assert (heads["opening"] + moved == heads["closing"]).all()
    assert round(table.to_frame()["amount"].sum() * 100) == round(
        (money["closing"].iloc[-1] - money["opening"].iloc[0]) * 100
    )


@LIMIT
@given(contracts(), st.randoms(use_true_random=False))
def test_row_order_and_split_plans_change_nothing(frame: pd.DataFrame, random: Any) -> None:
    """Shuffling rows or splitting each plan in two (whole cents) moves nothing."""
    order = list(range(len(frame)))
    random.shuffle(order)
    cents = np.rint(frame["amount"] * 100)
    half = (cents // 2) / 100
    split = pd.concat(
        [frame.assign(amount=half), frame.assign(amount=(cents - cents // 2) / 100)]
    ).iloc[[*order, *(k + len(frame) for k in order)]]
    for counting in ("snapshot", "event"):
        convention = MetricConvention().replace(counting=counting)
        one, other = (
            revenue_movements(
                index_contracts(f, as_of=AS_OF), periods=PERIODS, convention=convention
            )
            for f in (frame, split)
        )
        pd.testing.assert_frame_equal(one.summary(), other.summary())
        pd.testing.assert_frame_equal(one.heads(), other.heads())


@LIMIT
@given(
    contracts(),
    st.sampled_from(["start", "start_plus_new", "daily", "exposure"]),
    st.sampled_from(["snapshot", "event"]),
)
def test_retention_and_churn_add_up_to_one(
    frame: pd.DataFrame, denominator: str, counting: str
) -> None:
    """In one convention retention + churn = 1, and both miss a value together."""
    convention = MetricConvention().replace(denominator=denominator, counting=counting)
    base = index_contracts(frame, as_of=AS_OF)
    for period in PERIODS:
        kept = retention_rate(base, period=period, convention=convention)
        lost = churn_rate(base, period=period, convention=convention)
        assert kept.reason == lost.reason
        if kept.value is not None and lost.value is not None:
            assert kept.value == pytest.approx(1.0 - lost.value, abs=1e-15)
        else:
            assert kept.reason in ("zero_denominator", "not_observed")


@LIMIT
@given(contracts())
def test_gross_retention_is_a_share_and_not_above_net(frame: pd.DataFrame) -> None:
    """GRR lies in [0, 1] and is at most NRR without reactivation."""
    base = index_contracts(frame, as_of=AS_OF)
    for period in PERIODS:
        gross = compute_metric(base, "gross_revenue_retention", period=period).value
        net = net_revenue_retention(base, period=period).value
        if gross is None or net is None:
            assert gross is net
        else:
            assert 0.0 <= gross <= 1.0
            assert gross <= net + 1e-12


def test_grace_bridges_a_gap_and_waits_for_a_fresh_end(march_contracts: pd.DataFrame) -> None:
    """H's gap lasts 15 days; D and F left less than 15 days before the end of observation."""
    for grace, churned in ((15, {"D": -100.0, "H": -100.0, "I": -100.0}), (16, {"I": -100.0})):
        base = index_contracts(march_contracts, as_of="2026-03-31")
        convention = MetricConvention(
            counting="event", contracts=ContractConvention(grace_days=grace)
        )
        if grace == 15:  # observed for longer, D and F are certainly gone
            base = index_contracts(march_contracts, as_of="2026-04-30")
        frame = revenue_movements(base, periods=Period.month(2026, 3), convention=convention)
        lost = frame.to_frame().query("movement == 'churn'")
        assert dict(zip(lost["customer_id"], lost["amount"], strict=True)) == churned


def test_a_longer_term_is_a_line_of_its_own() -> None:
    """100 a month becomes 80 a month for a year: no contraction, by default."""
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "b"],
            "start": pd.to_datetime(["2026-01-01", "2026-03-10", "2026-01-01", "2026-03-10"]),
            "end": days("2026-03-10", None, "2026-03-10", None),
            "amount": [100.0, 80.0, 100.0, 80.0],
            "term_months": [1, 12, 1, 1],
        }
    )
    base = index_contracts(frame, as_of="2026-03-31")
    apart = revenue_movements(base, periods=Period.month(2026, 3)).summary().iloc[0]
    assert (apart["term_change"], apart["contraction"]) == (-20.0, 20.0)
    merged = MetricConvention(term_change="contraction")
    table = revenue_movements(base, periods=Period.month(2026, 3), convention=merged)
    assert table.summary().iloc[0][["term_change", "contraction"]].tolist() == [0.0, 40.0]


def test_currency_has_its_own_line() -> None:
    """EUR 100 at 1.10 then 1.20: +10 by rates alone; a new EUR 50 enters at the opening rate."""
    frame = pd.DataFrame(
        {
            "customer_id": ["eur", "usd", "late"],
            "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-05"]),
            "end": days(None, "2026-03-20", None),
            "amount": [100.0, 40.0, 50.0],
            "currency": ["EUR", "USD", "EUR"],
        }
    )
    rates = pd.DataFrame(
        {
            "currency": ["EUR", "EUR", "USD"],
            "day": ["2026-01-01", "2026-03-15", "2026-01-01"],
            "rate": [1.10, 1.20, 1.0],
        }
    )
    base = index_contracts(frame, as_of="2026-04-30")
    months = (Period.month(2026, 3), Period.month(2026, 4))
    table = revenue_movements(base, periods=months, exchange_rates=rates)
    march, april = (row for _, row in table.summary().iterrows())
    assert march["opening"] == pytest.approx(150.0)
    assert march["new"] == pytest.approx(55.0)
    assert march["churn"] == pytest.approx(40.0)
    assert march["currency"] == pytest.approx(15.0)
    assert march["closing"] == pytest.approx(180.0)
    assert april[["new", "churn", "currency"]].tolist() == [0.0, 0.0, 0.0]
    assert table.unexplained.tolist() == [0.0, 0.0]
    with pytest.raises(NotComputableError, match="2 currencies"):
        revenue_movements(base, periods=months)
    with pytest.raises(NotComputableError, match="no positive rate of USD"):
        revenue_movements(base, periods=months, exchange_rates=rates[:2])


def test_periods_with_gaps_and_no_losses(march_contracts: pd.DataFrame) -> None:
    base = index_contracts(march_contracts, as_of="2026-03-31")
    with pytest.raises(NotComputableError, match="not followed by"):
        revenue_movements(base, periods=[Period.month(2026, 1), Period.month(2026, 3)])
    with pytest.raises(NotComputableError, match="no periods"):
        revenue_movements(base, periods=[])
    table = revenue_movements(base, periods=[Period.month(2026, 3), Period.month(2026, 4)])
    april = table.quick_ratio()[1]
    assert (april.value, april.reason) == (None, "incomplete_period")
    assert table.summary()["complete"].tolist() == [True, False]
    assert table.notes == ("observed to 2026-03-31: incomplete 2026-04",)
    january = revenue_movements(base, periods=Period.month(2026, 1)).quick_ratio()[0]
    assert (january.value, january.reason) == (None, "no_losses")


def test_thirds_of_a_price_close_exactly() -> None:
    """Amounts that are no whole cents still return to exactly zero."""
    frame = pd.DataFrame(
        {
            "customer_id": ["a"] * 3,
            "start": pd.to_datetime(["2026-01-01"] * 3),
            "end": pd.to_datetime(["2026-03-05", "2026-03-06", "2026-03-07"]),
            "amount": [100 / 3, 0.1, 1000 / 7],
        }
    )
    table = revenue_movements(index_contracts(frame, as_of=AS_OF), periods=Period.month(2026, 3))
    assert table.summary()["closing"].tolist() == [0.0]
    assert table.heads()["closing"].tolist() == [0]
