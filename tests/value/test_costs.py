from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import NotComputableError, SchemaError
from retainkit.value import allocate_costs, summarize_customers

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
RATES = {"call": 4.0, "visit": 60.0, "delivery": 12.5}


def make_activities() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [3, 1, 3, 2, 1],
            "activity": ["call", "visit", "delivery", "fax", "call"],
            "quantity": [10.0, 1.0, 2.0, 5.0, 0.5],
            "timestamp": pd.date_range("2024-01-01", periods=5),
        }
    )


def test_hand_calculation() -> None:
    costs = allocate_costs(make_activities(), rates=RATES)
    assert costs.customer_id.tolist() == [3, 1, 2]
    assert costs.cost.tolist() == [10 * 4 + 2 * 12.5, 60 + 2, 0.0]
    assert costs.uncosted_rows.tolist() == [0, 0, 1]
    assert costs.unknown_activities == ("fax",)
    table = costs.summary()
    assert table.index.tolist() == ["call", "visit", "delivery", "fax"]
    assert table.iloc[0].tolist() == [10.5, 4.0, 42.0]
    assert table.loc["fax", "quantity"] == 5.0
    assert table.loc["fax", ["rate", "cost"]].isna().all()
    assert costs.total == 42.0 + 60.0 + 25.0
    again = pickle.loads(pickle.dumps(costs))
    pd.testing.assert_frame_equal(again.to_frame(), costs.to_frame())


def test_rows_after_as_of_are_left_out_and_counted() -> None:
    costs = allocate_costs(make_activities(), rates=RATES, as_of="2024-01-02")
    assert costs.customer_id.tolist() == [3, 1]
    assert costs.rows_after_as_of == 3


@LAWS
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(["call", "visit", "delivery", "fax"]),
            st.integers(0, 10_000).map(lambda k: k / 100),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_costs_reconcile(rows: list[Any]) -> None:
    """The cost of all customers is the cost of all activities, to the cent and beyond."""
    who, what, quantity = zip(*rows, strict=True)
    frame = pd.DataFrame({"customer_id": who, "activity": what, "quantity": quantity})
    costs = allocate_costs(frame, rates=RATES)
    npt.assert_allclose(costs.cost.sum(), costs.total, rtol=1e-12, atol=1e-9)
    by_hand = sum(q * RATES.get(a, 0.0) for _, a, q in rows)
    npt.assert_allclose(costs.total, by_hand, rtol=1e-12, atol=1e-9)


def test_profit_is_net_of_cost_to_serve() -> None:
    sales = pd.DataFrame(
        {
            "customer_id": ["1", "3", "9"],
            "timestamp": pd.Timestamp("2024-01-31"),
            "amount": [100.0, 100.0, 100.0],
            "profit": [80.0, 50.0, 20.0],
        }
    )
    summary = summarize_customers(sales, as_of="2024-01-31")
    # customer 2 was served without buying: its visit is named, not lost
    activities = make_activities().replace({"activity": {"fax": "visit"}})
    net = summary.with_costs(allocate_costs(activities, rates=RATES))
    assert net.contribution.tolist() == [80 - 62, 50 - 65, 20]
    assert net.cost_of_others == 300.0
    assert net.profit is summary.profit
    frame = net.to_frame()
    assert frame["cost_to_serve"].tolist() == [62.0, 65.0, 0.0]
    assert net.summary().loc["contribution (profit)", "value"] == 23.0
    assert net.take(np.array([1])).contribution.tolist() == [-15.0]


def test_revenue_minus_cost_to_serve_is_refused() -> None:
    sales = pd.DataFrame(
        {"customer_id": [1], "timestamp": pd.Timestamp("2024-01-31"), "amount": [100.0]}
    )
    summary = summarize_customers(sales, as_of="2024-01-31")
    with pytest.raises(NotComputableError, match="profit"):
        summary.with_costs(allocate_costs(make_activities(), rates=RATES))


@pytest.mark.parametrize(
    ("frame", "rates", "match"),
    [
        (make_activities().drop(columns="quantity"), RATES, "quantity"),
        (make_activities().assign(quantity=np.nan), RATES, "finite"),
        (make_activities(), {"call": np.nan}, "rate"),
        (make_activities(), {"call": np.inf}, "rate"),
    ],
)
def test_refuses(frame: pd.DataFrame, rates: dict[str, float], match: str) -> None:
    with pytest.raises(SchemaError, match=match):
        allocate_costs(frame, rates=rates)
