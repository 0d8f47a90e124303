from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

from retainkit.errors import AlignmentError, InvalidTableError, SchemaError
from retainkit.lifetime import (
    HistoryColumns,
    PurchaseHistories,
    PurchaseHistory,
    compress_histories,
)


def test_arrays_of_any_number_become_float() -> None:
    history = PurchaseHistories(
        frequency=[1], recency=np.array([2]), age=pd.Series([3]), unit="day"
    )
    assert isinstance(history, PurchaseHistory)
    assert [c.dtype for c in (history.frequency, history.recency, history.age)] == [np.float64] * 3


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pl.LazyFrame])
def test_a_frame_of_any_library_is_read_by_typed_column_names(make: type) -> None:
    frame = make({"x": [0, 2, 0], "recency": [0.0, 3.5, None], "T": [9.0, 9.0, None]})
    columns = HistoryColumns(frequency="x", age="T")
    history = PurchaseHistories.from_frame(frame, unit="week", columns=columns)
    np.testing.assert_array_equal(history.frequency, [0, 2, 0])
    np.testing.assert_array_equal(history.age, [9.0, 9.0, np.nan])


def test_a_database_relation_is_read_too() -> None:
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.sql(
        "select * from (values (2, 3.5::double, 9.0::double), (0, null, null)) "
        "as t(frequency, recency, age)"
    )
    history = PurchaseHistories.from_frame(relation, unit="week")
    np.testing.assert_array_equal(history.recency, [3.5, np.nan])


def test_histories_pickle() -> None:
    history = PurchaseHistories(frequency=[2], recency=[3], age=[9], unit="week")
    for one in (history, compress_histories(history)):
        again = pickle.loads(pickle.dumps(one))
        assert repr(again) == repr(one)
        np.testing.assert_array_equal(again.age, one.age)


def test_a_missing_column_is_named_with_its_neighbours() -> None:
    frame = pd.DataFrame({"frequency": [1], "recencyy": [1], "age": [2]})
    with pytest.raises(SchemaError, match=r"no column 'recency'[\s\S]*'recencyy'"):
        PurchaseHistories.from_frame(frame, unit="week")


@pytest.mark.parametrize(
    ("frequency", "recency", "age"),
    [
        (1, 5.0, 4.0),  # last purchase after the end
        (-1, 1.0, 4.0),
        (1, -1.0, 4.0),
        (0, 1.0, 4.0),  # a recency without a repeat purchase
        (1, 0.0, 4.0),  # a repeat purchase at the first one
        (1.5, 1.0, 4.0),
        (float("nan"), 1.0, 4.0),
        (1, float("nan"), 4.0),
        (1, 1.0, float("inf")),
    ],
)
def test_impossible_histories_are_counted_and_shown(
    frequency: float, recency: float, age: float
) -> None:
    with pytest.raises(InvalidTableError, match=r"2 impossible histories[\s\S]*row 1: "):
        PurchaseHistories(
            frequency=[0, frequency, frequency],
            recency=[0, recency, recency],
            age=[1, age, age],
            unit="week",
        )


def test_lengths_dimensions_types_and_units_are_checked() -> None:
    with pytest.raises(AlignmentError, match="lengths 1, 2, 1"):
        PurchaseHistories(frequency=[0], recency=[0, 0], age=[1], unit="week")
    with pytest.raises(SchemaError, match="frequency has 0 dimensions"):
        PurchaseHistories(frequency=0, recency=[0], age=[1], unit="week")  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="age cannot be read"):
        PurchaseHistories(frequency=[0], recency=[0], age=["x"], unit="week")
    with pytest.raises(SchemaError, match="unit is 'weeks'"):
        PurchaseHistories(frequency=[0], recency=[0], age=[1], unit="weeks")  # type: ignore[arg-type]
