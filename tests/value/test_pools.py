from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit.errors import SchemaError
from retainkit.value import CostDriver, CostPool, allocate_costs, summarize_customers, trace_costs
from retainkit.value._kernel import apportion

LAWS = settings(deadline=None, derandomize=True, max_examples=60)


def pool(name: str, amount: float, **shares: float) -> CostPool:
    drivers = tuple(CostDriver(activity=a, share=s) for a, s in shares.items())
    return CostPool(name=name, amount=amount, drivers=drivers)


def make_rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [1, 2, 1, 3],
            "activity": ["call", "call", "visit", "fax"],
            "quantity": [3.0, 1.0, 2.0, 7.0],
            "timestamp": pd.date_range("2024-01-01", periods=4),
        }
    )


def test_by_hand() -> None:
    # call centre 100: 80 % calls (4 units: 20 each), 10 % letters (never counted), 10 % nobody's;
    # travel 50: visits at a practical capacity of 5, so 10 each, 2 used.
    travel = CostPool(
        name="travel", amount=50.0, drivers=(CostDriver(activity="visit", practical_quantity=5.0),)
    )
    traced = trace_costs(make_rows(), pools=[pool("centre", 100.0, call=0.8, letter=0.1), travel])
    assert traced.costs.cost.tolist() == [60.0 + 20.0, 20.0, 0.0]
    table = traced.summary()
    assert table.to_numpy()[0].tolist() == [100.0, 80.0, 10.0, 0.0, 10.0]
    assert table.to_numpy()[1].tolist() == [50.0, 20.0, 0.0, 30.0, 0.0]
    assert traced.reconciles
    assert traced.costs.unknown_activities == ("fax",)
    assert traced.costs.uncosted_rows.tolist() == [0, 0, 1]
    npt.assert_array_equal(traced.costs.activity_rate, [20.0, 10.0, np.nan])
    frame = traced.to_frame()
    assert frame.columns.tolist() == ["customer_id", "pool", "cost"]
    assert frame["pool"].tolist() == ["centre", "travel"] * 3
    assert frame["cost"].tolist() == [60.0, 20.0, 20.0, 0.0, 0.0, 0.0]
    assert pickle.loads(pickle.dumps(traced)).reconciles


def test_given_rates_and_derived_rates_agree() -> None:
    rows = make_rows()
    traced = trace_costs(rows, pools=[pool("a", 80.0, call=1.0), pool("b", 70.0, fax=1.0)])
    given = allocate_costs(rows, rates={"call": 20.0, "fax": 10.0})
    npt.assert_allclose(traced.costs.cost, given.cost)


def test_capacity_exceeded_is_charged_in_full() -> None:
    over = CostPool(
        name="x", amount=10.0, drivers=(CostDriver(activity="call", practical_quantity=2.0),)
    )
    traced = trace_costs(make_rows(), pools=[over])
    assert traced.summary().loc["x", "traced"] == 10.0


def test_rows_after_as_of_are_left_out() -> None:
    traced = trace_costs(make_rows(), pools=[pool("a", 80.0, call=1.0)], as_of="2024-01-01")
    assert traced.costs.customer_id.tolist() == [1]
    assert traced.costs.cost.tolist() == [80.0]
    assert traced.costs.rows_after_as_of == 3


@LAWS
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(["a", "b", "c"]), st.integers(0, 999)),
        min_size=1,
        max_size=30,
    ),
    cents=st.lists(st.integers(0, 10_000_000), min_size=1, max_size=3),
    share=st.floats(0.0, 0.5),
    seed=st.integers(0, 99),
)
def test_reconciles_to_the_cent_in_any_order(
    rows: list[Any], cents: list[int], share: float, seed: int
) -> None:
    """Traced and untraced cost is the pool total to the cent, whatever the order of rows."""
    who, what, quantity = zip(*rows, strict=True)
    frame = pd.DataFrame(
        {"customer_id": who, "activity": what, "quantity": np.array(quantity) / 7.0}
    )
    pools = [pool(f"p{i}", c / 100, a=share, b=0.5, d=0.0) for i, c in enumerate(cents)]
    traced = trace_costs(frame, pools=pools)
    assert traced.reconciles
    assert (traced.cents >= 0).all()
    npt.assert_allclose(traced.summary()["amount"], np.array(cents) / 100)
    again = trace_costs(frame.sample(frac=1.0, random_state=seed), pools=pools)
    by_id = traced.costs.align(again.costs.customer_id)[0]
    npt.assert_array_equal(by_id, again.costs.cost)


@LAWS
@given(st.integers(0, 10**9), st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_parts_are_within_a_cent(cents: int, weights: list[float]) -> None:
    """Whole parts add up exactly and none is more than a cent off its exact value."""
    array = np.array(weights)
    parts = apportion(cents, array, np.arange(array.size))
    if not array.sum() > 0:
        assert not parts.any()
        return
    assert parts.sum() == cents
    assert (np.abs(parts - cents * (array / array.sum())) < 1 + 1e-6).all()
    assert not parts[array == 0].any()


def test_profit_after_traced_costs() -> None:
    sales = pd.DataFrame(
        {
            "customer_id": [1, 2],
            "timestamp": pd.Timestamp("2024-01-31"),
            "amount": [100.0, 100.0],
            "profit": [30.0, 30.0],
        }
    )
    traced = trace_costs(make_rows(), pools=[pool("a", 80.0, call=1.0)])
    net = summarize_customers(sales, as_of="2024-01-31").with_costs(traced.costs)
    assert net.contribution.tolist() == [-30.0, 10.0]


def test_refuses() -> None:
    with pytest.raises(ValidationError, match="more than 1"):
        pool("a", 1.0, call=0.7, fax=0.7)
    with pytest.raises(ValidationError, match="twice"):
        CostPool(name="a", amount=1.0, drivers=(CostDriver(activity="x", share=0.1),) * 2)
    with pytest.raises(SchemaError, match="same name"):
        trace_costs(make_rows(), pools=[pool("a", 1.0, call=1.0)] * 2)
    with pytest.raises(SchemaError, match="below 0"):
        trace_costs(make_rows().assign(quantity=-1.0), pools=[pool("a", 1.0, call=1.0)])
