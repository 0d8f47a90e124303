from __future__ import annotations

import pickle
import warnings
from datetime import date, timedelta
from math import fsum
from typing import Any, cast

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AsOfError, SchemaError
from retainkit.typing import CollapseUnit
from retainkit.value import CustomerSummary, summarize_customer, summarize_customers
from retainkit.value._kernel import exact_sums
from tests.value.oracle import Row, summarize_slowly

START = date(2023, 12, 25)
LAWS = settings(deadline=None, derandomize=True, max_examples=40)
rows_of_few = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cho", "007"]),
        st.integers(0, 80).map(lambda d: START + timedelta(days=d)),
        st.integers(-3000, 9000).map(lambda cents: cents / 100),
    ),
    min_size=1,
    max_size=40,
)
collapses = st.sampled_from(["day", "week", "month"])


def frame_of(rows: list[Row], **columns: Any) -> pd.DataFrame:
    who, when, amount = zip(*rows, strict=True)
    base = {
        "customer_id": list(who),
        "timestamp": pd.to_datetime(list(when)),
        "amount": list(amount),
    }
    return pd.DataFrame({**base, **columns}).astype({"amount": "float64"})


def bits(summary: CustomerSummary) -> pd.DataFrame:
    return summary.to_frame().set_index("customer_id").sort_index()


# ------------------------------------------------------------------ hand calculation


def test_hand_calculation() -> None:
    # ann: days 0, 14 (twice) and 35; bob: one purchase, one free item same day, one return.
    frame = frame_of(
        [
            ("ann", date(2024, 1, 1), 10.0),
            ("bob", date(2024, 1, 8), 5.0),
            ("ann", date(2024, 1, 15), 20.0),
            ("ann", date(2024, 1, 15), 12.0),
            ("bob", date(2024, 1, 8), 0.0),
            ("bob", date(2024, 1, 20), -2.0),
            ("ann", date(2024, 2, 5), 8.0),
            ("cho", date(2024, 1, 9), -7.0),
            ("ann", date(2024, 2, 13), 99.0),
            ("dan", date(2024, 2, 13), 99.0),
        ],
        profit=[1.0, 2.0, 3.0, 4.0, -1.0, -2.0, 5.0, -7.0, 50.0, 50.0],
        business_line=["a", "b", "c", "a", None, "d", "a", "a", "z", "z"],
    )
    summary = summarize_customers(frame, as_of="2024-02-12", unit="week")
    assert summary.customer_id.tolist() == ["ann", "bob", "cho"]
    assert summary.frequency.tolist() == [2, 0, 0]
    assert summary.occasions.tolist() == [3, 1, 0]
    assert summary.transactions.tolist() == [4, 2, 0]
    npt.assert_array_equal(summary.recency, [5.0, 0.0, np.nan])
    npt.assert_array_equal(summary.age, [6.0, 5.0, np.nan])
    npt.assert_array_equal(summary.inactive_for, [1.0, 5.0, np.nan])
    npt.assert_array_equal(summary.monetary_value, [(20 + 12 + 8) / 2, np.nan, np.nan])
    npt.assert_array_equal(summary.purchase_amount, [50.0, 5.0, 0.0])
    npt.assert_array_equal(summary.return_amount, [0.0, -2.0, -7.0])
    npt.assert_array_equal(summary.total_amount, [50.0, 3.0, -7.0])
    assert summary.profit is not None
    npt.assert_array_equal(summary.profit, [13.0, -1.0, -7.0])
    assert summary.breadth is not None
    assert summary.breadth.tolist() == [2, 1, 0]  # returned lines do not count
    assert summary.never_purchased.tolist() == [False, False, True]
    assert summary.rows_after_as_of == 2
    assert summary.basis == "profit"


def test_collapse_is_a_calendar_unit_and_unit_only_a_scale() -> None:
    # 2024-01-07 is a Sunday, 2024-01-08 a Monday: one day apart, two weeks, one month.
    frame = frame_of([("ann", date(2024, 1, 7), 3.0), ("ann", date(2024, 1, 8), 5.0)])
    cases: list[tuple[CollapseUnit, int, float, float]] = [
        ("day", 1, 1.0, 10.0),
        ("week", 1, 7.0, 14.0),  # from Monday 1 January to Monday 8 and to Monday 15 January
        ("month", 0, 0.0, 0.0),
    ]
    for collapse, frequency, recency, age in cases:
        days = summarize_customers(frame, as_of="2024-01-17", unit="day", collapse=collapse)
        assert days.frequency.tolist() == [frequency]
        assert days.recency.tolist() == [recency]
        assert days.age.tolist() == [age]
        months = summarize_customers(frame, as_of="2024-01-17", unit="month", collapse=collapse)
        assert months.age.tolist() == [age / 30.4375]


# ------------------------------------------------------------------ reference and oracles


def test_cdnow_published_facts() -> None:
    # Fader, Hardie & Lee (2005), section 5: 2,357 customers; shared facts: 946 repeaters, 2,457
    # repeat purchases in the 39 calibration weeks, oldest age 272 days.
    summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    assert len(summary) == 2357
    assert int(summary.frequency.sum()) == 2457
    assert int((summary.frequency > 0).sum()) == 946
    npt.assert_allclose(summary.age.max() * 7, 272)
    # Customer 1 of the published spreadsheet: x = 2, t_x = 30.43, T = 38.86, mean spend 22.35.
    assert summary.frequency[0] == 2
    npt.assert_allclose([summary.recency[0], summary.age[0]], [30.43, 38.86], atol=0.005)
    npt.assert_allclose(summary.monetary_value[0], 22.35, atol=0.005)


# The weekly case ends on a Sunday: lifetimes counts purchases that fall into the last week after
# the end of observation.
@pytest.mark.parametrize(
    ("collapse", "letter", "as_of"), [("day", "D", "1997-09-30"), ("week", "W", "1997-10-05")]
)
def test_agrees_with_lifetimes(collapse: CollapseUnit, letter: str, as_of: str) -> None:
    frame = load_cdnow_sample()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes.utils import summary_data_from_transaction_data

        theirs = summary_data_from_transaction_data(
            frame,
            "customer_id",
            "timestamp",
            monetary_value_col="amount",
            observation_period_end=as_of,
            freq=letter,
        )
    ours = summarize_customers(frame, as_of=as_of, unit=collapse, collapse=collapse).to_frame()
    theirs = theirs.loc[ours["customer_id"]]
    npt.assert_array_equal(ours["frequency"], theirs["frequency"])
    npt.assert_array_equal(ours["recency"], theirs["recency"])
    npt.assert_array_equal(ours["age"], theirs["T"])
    npt.assert_allclose(ours["monetary_value"].fillna(0.0), theirs["monetary_value"], rtol=1e-13)


@LAWS
@given(rows=rows_of_few, collapse=collapses, horizon=st.integers(0, 90))
def test_equals_the_slow_summary(rows: list[Row], collapse: str, horizon: int) -> None:
    """The fast summary counts exactly what a loop over each customer's rows counts."""
    as_of = min(row[1] for row in rows) + timedelta(days=horizon)
    slow = summarize_slowly(rows, as_of, collapse)
    fast = summarize_customers(
        frame_of(rows), as_of=as_of, unit="day", collapse=cast(CollapseUnit, collapse)
    )
    assert fast.customer_id.tolist() == list(slow)
    facts = np.array(list(slow.values()), dtype=np.float64)
    ours = fast.to_frame()[
        ["frequency", "recency", "age", "inactive_for", "monetary_value"]
    ].to_numpy(np.float64)
    npt.assert_allclose(ours, facts[:, :5], rtol=1e-12)
    npt.assert_allclose(fast.purchase_amount, facts[:, 5], rtol=1e-14)
    npt.assert_allclose(fast.return_amount, facts[:, 6], rtol=1e-14)
    assert fast.rows_after_as_of == sum(row[1] > as_of for row in rows)


@LAWS
@given(
    amounts=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60),
    places=st.randoms(use_true_random=False),
)
def test_exact_sums_are_correct_in_any_order(amounts: list[float], places: Any) -> None:
    """Sums are those of exact arithmetic to 2**-60 of the largest amount, whatever the order."""
    codes = [places.randrange(3) for _ in amounts]
    order = list(range(len(amounts)))
    places.shuffle(order)
    sums = exact_sums(np.array(codes), np.array(amounts), 3)
    again = exact_sums(np.array(codes)[order], np.array(amounts)[order], 3)
    npt.assert_array_equal(sums, again)
    for k in range(3):
        exact = fsum(a for a, code in zip(amounts, codes, strict=True) if code == k)
        bound = 2.0**-60 * max(map(abs, amounts))
        npt.assert_allclose(sums[k], exact, rtol=1e-15, atol=bound)


@pytest.mark.parametrize("peak", [1e300, 1e-300, 5e-324])
def test_exact_sums_of_absurd_amounts_stay_finite(peak: float) -> None:
    sums = exact_sums(np.array([0, 0, 1]), np.array([peak, peak, -peak]), 2)
    npt.assert_allclose(sums, [2 * peak, -peak])


# ------------------------------------------------------------------ laws


@LAWS
@given(rows=rows_of_few, order=st.randoms(use_true_random=False))
def test_row_order_does_not_matter(rows: list[Row], order: Any) -> None:
    """Shuffled rows give the same facts about each customer, bit for bit."""
    shuffled = list(rows)
    order.shuffle(shuffled)
    until = START + timedelta(days=90)
    a, b = (summarize_customers(frame_of(r), as_of=until) for r in (rows, shuffled))
    pd.testing.assert_frame_equal(bits(a), bits(b), check_exact=True)


@LAWS
@given(rows=rows_of_few, power=st.integers(-8, 8))
def test_currency_and_time_scale_do_not_matter(rows: list[Row], power: int) -> None:
    """Money in another currency, time in another unit: the same facts, rescaled."""
    until = START + timedelta(days=90)
    plain = summarize_customers(frame_of(rows), as_of=until, unit="day")
    frame = frame_of(rows)
    scaled = summarize_customers(frame.assign(amount=frame["amount"] * 2.0**power), as_of=until)
    npt.assert_array_equal(scaled.total_amount, plain.total_amount * 2.0**power)
    npt.assert_array_equal(scaled.monetary_value, plain.monetary_value * 2.0**power)
    npt.assert_allclose(scaled.age * 7, plain.age)
    npt.assert_array_equal(scaled.with_unit("day").age, plain.age)


@LAWS
@given(rows=rows_of_few)
def test_time_adds_up(rows: list[Row]) -> None:
    """Recency + inactive_for = age for everyone who purchased."""
    summary = summarize_customers(frame_of(rows), as_of=START + timedelta(days=90), unit="day")
    npt.assert_array_equal(summary.recency + summary.inactive_for, summary.age)


def test_names_of_customers_do_not_matter() -> None:
    frame = load_cdnow_sample()
    numbers = summarize_customers(frame, as_of="1997-09-30")
    texts = summarize_customers(
        frame.assign(customer_id=[f"c{k}" for k in frame["customer_id"]]), as_of="1997-09-30"
    )
    assert texts.customer_id.tolist() == [f"c{k}" for k in numbers.customer_id]
    npt.assert_array_equal(numbers.purchase_amount, texts.purchase_amount)
    npt.assert_array_equal(numbers.recency, texts.recency)


@pytest.mark.parametrize("resolution", ["s", "ms", "us", "ns"])
def test_clock_time_and_resolution_do_not_matter(resolution: str) -> None:
    frame = load_cdnow_sample()
    late = frame["timestamp"] + pd.Timedelta("23:59:59")
    a = summarize_customers(frame, as_of="1997-09-30")
    b = summarize_customers(
        frame.assign(timestamp=late.astype(np.dtype(f"datetime64[{resolution}]"))),
        as_of="1997-09-30",
    )
    pd.testing.assert_frame_equal(a.to_frame(), b.to_frame())


@LAWS
@given(rows=rows_of_few)
def test_one_customer_alone_equals_the_customer_in_the_base(rows: list[Row]) -> None:
    """summarize_customer(own rows) is the customer's row of summarize_customers(all rows)."""
    until = START + timedelta(days=90)
    everyone = summarize_customers(frame_of(rows, profit=[r[2] / 2 for r in rows]), as_of=until)
    for place, who in enumerate(everyone.customer_id):
        own = [row for row in rows if row[0] == who]
        alone = summarize_customer(
            [row[1] for row in own],
            [row[2] for row in own],
            profits=[row[2] / 2 for row in own],
            as_of=until,
            customer_id=who,
        )
        pd.testing.assert_frame_equal(
            alone.to_frame(),
            everyone.take(np.array([place])).to_frame(),
            check_column_type=False,
            check_dtype=False,
        )


# ------------------------------------------------------------------ edges


def test_breadth_counts_categories_and_texts_alike() -> None:
    lines = ["b", None, "a", "b"]
    frame = frame_of([("x", START, 1.0)] * 3 + [("y", START, 1.0)], business_line=lines)
    for column in (frame["business_line"], frame["business_line"].astype("category")):
        summary = summarize_customers(frame.assign(business_line=column), as_of=START)
        assert summary.breadth is not None
        assert summary.breadth.tolist() == [2, 1]
    one = summarize_customer([START] * 3, [1, 1, 1], business_lines=lines[:3], as_of=START)
    assert one.breadth is not None
    assert one.breadth.tolist() == [2]


def test_many_customers_far_apart_days_use_wide_keys() -> None:
    # 2**20 customers would need 20 bits and 200 years 17 bits: more than one 32-bit key holds.
    n = 70_000
    frame = pd.DataFrame(
        {
            "customer_id": np.tile(np.arange(n), 2),
            "timestamp": np.repeat(
                np.array(["1850-01-01", "2050-01-01"], dtype="datetime64[s]"), n
            ),
            "amount": 1.0,
        }
    )
    summary = summarize_customers(frame, as_of="2050-01-01", unit="day")
    assert set(summary.recency.tolist()) == {73049.0}  # 200 years with 49 leap days
    assert set(summary.frequency.tolist()) == {1}


def test_frame_is_not_changed_and_empty_is_fine() -> None:
    frame = load_cdnow_sample()
    before = frame.copy()
    summarize_customers(frame, as_of="1997-09-30")
    pd.testing.assert_frame_equal(frame, before)
    assert len(summarize_customers(frame.iloc[:0], as_of="1997-09-30")) == 0


def test_summary_pickles_and_shows_itself() -> None:
    summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    again = pickle.loads(pickle.dumps(summary))
    pd.testing.assert_frame_equal(again.to_frame(), summary.to_frame())
    assert summary.summary().loc["customers", "value"] == 2357
    assert "2,357 customers" in repr(summary)
    assert "<table" in summary._repr_html_()


def test_never_purchased_has_no_days() -> None:
    frame = frame_of([("cho", START, -7.0)])
    table = summarize_customers(frame, as_of=START).to_frame()
    assert table["first_day"].isna().all()
    assert table["age"].isna().all()
    assert table["total_amount"].tolist() == [-7.0]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"timestamp": "1997-01-01"}, "timestamp"),
        ({"timestamp": pd.Timestamp("1997-01-01", tz="UTC")}, "timestamp"),
        ({"timestamp": pd.NaT}, "timestamp"),
        ({"amount": np.nan}, "amount"),
        ({"amount": np.inf}, "amount"),
        ({"amount": "12"}, "amount"),
        ({"profit": np.nan}, "profit"),
        ({"customer_id": None}, "customer_id"),
    ],
)
def test_refuses_what_is_not_valid(change: dict[str, Any], where: str) -> None:
    frame = load_cdnow_sample().assign(**change)
    with pytest.raises(SchemaError, match="validate_transactions") as caught:
        summarize_customers(frame, as_of="1997-09-30")
    assert where in str(caught.value)


def test_refuses_a_missing_column_and_other_tables() -> None:
    frame = load_cdnow_sample()
    with pytest.raises(SchemaError, match="amount"):
        summarize_customers(frame.drop(columns="amount"), as_of="1997-09-30")
    with pytest.raises(SchemaError, match="dict"):
        summarize_customers({}, as_of="1997-09-30")  # type: ignore[arg-type]


def test_refuses_an_as_of_before_the_data() -> None:
    with pytest.raises(AsOfError, match="1997-01-01"):
        summarize_customers(load_cdnow_sample(), as_of="1996-12-31")
    with pytest.raises(AsOfError, match="1996-12-31"):
        summarize_customer(["1997-01-01"], [1.0], as_of="1996-12-31")


def test_one_customer_refuses_what_is_not_valid() -> None:
    with pytest.raises(SchemaError, match="amounts"):
        summarize_customer(["1997-01-01"], [np.nan], as_of="1997-12-31")
    with pytest.raises(SchemaError, match="timestamps"):
        summarize_customer(["NaT"], [1.0], as_of="1997-12-31")
