from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import NotComputableError
from retainkit.metrics import CohortTable, MetricConvention, build_cohorts, index_purchases
from tests.metrics.builders import purchases

LAWS = settings(deadline=None, derandomize=True, max_examples=60)

HAND = purchases(
    [
        ("a", "2026-01-05", 1.0),
        ("a", "2026-01-20", 1.0),
        ("a", "2026-03-02", 1.0),
        ("b", "2026-01-31", 1.0),
        ("b", "2026-02-01", 1.0),
        ("c", "2026-03-31", 1.0),
        ("c", "2026-04-10", 1.0),
        ("b", "2026-04-11", -1.0),
        ("returns only", "2026-01-01", -1.0),
    ]
)
UNKNOWN = np.nan


def test_the_hand_triangle() -> None:
    table = build_cohorts(index_purchases(HAND, as_of="2026-04-30"))
    assert table.labels == ("2026-01", "2026-02", "2026-03")
    assert table.sizes.tolist() == [2, 0, 1]
    np.testing.assert_array_equal(
        table.heads, [[2, 1, 1, 0], [0, 0, 0, UNKNOWN], [1, 1, UNKNOWN, UNKNOWN]]
    )
    np.testing.assert_array_equal(
        table.rates,
        [[1.0, 0.5, 0.5, 0.0], [UNKNOWN] * 4, [1.0, 1.0, UNKNOWN, UNKNOWN]],
    )
    assert table.customers_without_purchase == 1
    assert not table.incomplete.any()


def test_the_average_uses_only_cohorts_that_are_old_enough() -> None:
    curve = build_cohorts(index_purchases(HAND, as_of="2026-04-30")).summary()
    assert curve["cohorts"].tolist() == [2, 2, 1, 1]
    assert curve["eligible"].tolist() == [3, 3, 2, 2]
    assert curve["retained"].tolist() == [3, 2, 1, 0]
    assert curve["rate"].tolist() == [1.0, 2 / 3, 0.5, 0.0]
    assert (curve["lower"] <= curve["rate"]).all()
    assert (curve["rate"] <= curve["upper"]).all()


def test_an_incomplete_last_month_is_marked_and_not_averaged() -> None:
    table = build_cohorts(index_purchases(HAND, as_of="2026-04-15"))
    assert table.last_is_incomplete
    assert np.argwhere(table.incomplete).tolist() == [[0, 3], [1, 2], [2, 1]]
    assert table.heads[2, 1] == 1.0
    assert table.summary()["eligible"].tolist() == [3, 2, 2, 0]
    assert np.isnan(table.average[3])
    marking = MetricConvention(incomplete_period="mark")
    kept = build_cohorts(index_purchases(HAND, as_of="2026-04-15"), convention=marking)
    assert kept.summary()["eligible"].tolist() == [3, 3, 2, 2]


def test_nobody_and_not_yet_observed_are_different() -> None:
    table = build_cohorts(
        index_purchases(purchases([("a", "2026-01-05", 1.0)]), as_of="2026-03-31")
    )
    np.testing.assert_array_equal(table.rates, [[1.0, 0.0, 0.0]])
    later = build_cohorts(
        index_purchases(purchases([("a", "2026-01-05", 1.0)]), as_of="2026-01-31")
    )
    np.testing.assert_array_equal(later.rates, [[1.0]])


def test_a_base_without_purchases_has_no_cohorts() -> None:
    table = build_cohorts(
        index_purchases(purchases([("a", "2026-01-05", -1.0)]), as_of="2026-03-31")
    )
    assert (len(table), table.to_frame().shape, table.customers_without_purchase) == (0, (0, 0), 1)
    assert table.summary().empty
    assert table.labels == ()


@pytest.mark.parametrize("unit", ["hour", "Month", ""])
def test_only_calendar_units_make_cohorts(unit: str) -> None:
    with pytest.raises(NotComputableError, match="no cohorts by"):
        build_cohorts(index_purchases(HAND, as_of="2026-04-30"), unit=unit)  # type: ignore[arg-type]


def test_cdnow_customers_all_join_in_the_first_quarter_of_1997(cdnow: pd.DataFrame) -> None:
    """The cohort of 2,357 customers is defined by a first purchase in January to March 1997."""
    table = build_cohorts(index_purchases(cdnow, as_of="1998-06-30"))
    assert table.labels == ("1997-01", "1997-02", "1997-03")
    assert int(table.sizes.sum()) == 2357
    assert table.heads.shape == (3, 18)
    assert int(np.isnan(table.heads).sum()) == 0 + 1 + 2
    assert not table.last_is_incomplete


@pytest.mark.parametrize(
    ("unit", "alias"), [("week", "W-SUN"), ("month", "M"), ("quarter", "Q"), ("year", "Y")]
)
def test_cdnow_cells_agree_with_a_pivot_of_sets(cdnow: pd.DataFrame, unit: str, alias: str) -> None:
    table = build_cohorts(index_purchases(cdnow, as_of="1998-06-30"), unit=unit)  # type: ignore[arg-type]
    bought = cdnow["timestamp"].dt.to_period(alias)
    first = bought.groupby(cdnow["customer_id"]).transform("min")
    later = bought.astype("int64") - first.astype("int64")
    cells = cdnow.groupby([first, later])["customer_id"].nunique().unstack(fill_value=0)
    cells = cells.reindex(columns=range(table.heads.shape[1]), fill_value=0)
    observed = ~np.isnan(table.heads)
    np.testing.assert_array_equal(table.heads[observed], cells.to_numpy()[observed])
    assert table.last_is_incomplete == (unit in ("week", "year"))
    starts = cells.index.start_time.to_numpy().astype("datetime64[D]")  # type: ignore[attr-defined]
    np.testing.assert_array_equal(table.cohort_start.astype("datetime64[D]"), starts)


def test_the_table_shows_itself_and_pickles() -> None:
    table = build_cohorts(index_purchases(HAND, as_of="2026-04-15"))
    assert repr(table).startswith("<CohortTable: 3 cohorts; next: .to_frame()")
    assert "2026-01" in table.to_frame().to_html()
    assert "<table" in table._repr_html_()
    again: CohortTable = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(again.to_frame(), table.to_frame())
    pd.testing.assert_frame_equal(again.heads_frame(), table.heads_frame())


def test_frames_are_copies() -> None:
    table = build_cohorts(index_purchases(HAND, as_of="2026-04-30"))
    frame = table.heads_frame()
    frame.iloc[0, 0] = 99.0
    assert table.heads[0, 0] == 2.0


def test_intervals_can_be_left_out() -> None:
    plain = MetricConvention(interval_method="none")
    curve = build_cohorts(index_purchases(HAND, as_of="2026-04-30"), convention=plain).summary()
    assert curve[["lower", "upper"]].isna().all(axis=None)


ROWS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 400), st.sampled_from([-1.0, 0.0, 5.0])),
    min_size=1,
    max_size=60,
)


@LAWS
@given(rows=ROWS, seed=st.integers(0, 99), last=st.integers(400, 460))
def test_laws_of_the_triangle(rows: list[tuple[int, int, float]], seed: int, last: int) -> None:
    """Column 0 is the cohort; heads never exceed it; order and names change nothing."""
    ids, days, amounts = zip(*rows, strict=True)
    origin = pd.Timestamp("2025-01-15")
    frame = pd.DataFrame(
        {
            "customer_id": ids,
            "timestamp": origin + pd.to_timedelta(list(days), unit="D"),
            "amount": amounts,
        }
    )
    as_of = origin + pd.Timedelta(days=last)
    table = build_cohorts(index_purchases(frame, as_of=as_of))
    buyers = {i for i, _, amount in rows if amount >= 0}
    assert int(table.sizes.sum()) == len(buyers)
    assert table.customers_without_purchase == len(set(ids) - buyers)
    observed = ~np.isnan(table.heads)
    limit = np.broadcast_to(table.sizes[:, np.newaxis], table.heads.shape)
    assert (table.heads[observed] <= limit[observed]).all()
    if len(table):
        np.testing.assert_array_equal(table.heads[:, 0], table.sizes)
        width = table.heads.shape[1]
        assert observed.sum(axis=1).tolist() == [width - k for k in range(len(table))]
    other = frame.sample(frac=1.0, random_state=seed)
    other["customer_id"] = other["customer_id"].map(lambda i: f"{100 - i}")
    renamed = build_cohorts(index_purchases(other, as_of=as_of))
    np.testing.assert_array_equal(renamed.heads, table.heads)
