"""Customers as numbers: codes in order of first appearance, whatever the ids look like."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit._core.codes import number_ids
from retainkit._core.time import to_day_numbers
from retainkit.metrics import compute_metrics, index_purchases
from retainkit.value import summarize_customers

FEW = settings(deadline=None, derandomize=True, max_examples=60)


@FEW
@given(st.lists(st.integers(-2, 5), max_size=12))
def test_codes_number_ids_by_first_appearance(values: list[int]) -> None:
    """`labels[codes]` are the ids, and `labels` are the different ids as they first appear."""
    ids = pd.Series(values, dtype=np.int64, name="customer_id")
    codes, labels = number_ids(ids)
    assert codes.dtype == np.int32
    assert labels.dtype == np.int64
    assert labels.name == "customer_id"
    assert labels.tolist() == list(dict.fromkeys(values))
    assert labels[codes].tolist() == values


@FEW
@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=300),
    st.sampled_from(["int8", "uint8", "int16", "int32", "int64", "uint64"]),
    st.sampled_from([-128, -1, 0, 3, 2**31, 2**63 - 300, 2**64 - 300]),
)
def test_dense_ids_are_numbered_like_all_others(values: list[int], dtype: str, start: int) -> None:
    """A table of the range gives what hashing gives, at either end of every integer type."""
    limits = np.iinfo(dtype)
    low = min(max(start, int(limits.min)), max(int(limits.max) - 200, int(limits.min)))
    ids = pd.Series([min(low + x, int(limits.max)) for x in values], dtype=dtype)
    codes, labels = number_ids(ids)
    expected, different = pd.factorize(ids)
    assert codes.dtype == np.int32
    assert labels.dtype == dtype
    assert codes.tolist() == expected.tolist()
    assert labels.tolist() == different.tolist()


@FEW
@given(st.lists(st.sampled_from(["b", "a", "c", "007", "7"]), min_size=1, max_size=12))
def test_numbering_twice_changes_nothing(values: list[str]) -> None:
    """Codes of codes are the codes."""
    codes, labels = number_ids(pd.Series(values))
    again, numbers = number_ids(pd.Series(codes))
    npt.assert_array_equal(again, codes)
    npt.assert_array_equal(numbers, np.arange(len(labels)))


@pytest.mark.parametrize("values", [[0, 2, 1], [1, 0], [0, 1, 3], [0, -1], [0, 1, 2**40]])
def test_numbers_that_are_no_codes_are_numbered(values: list[int]) -> None:
    codes, labels = number_ids(pd.Series(values))
    assert codes.tolist() == list(range(len(values)))
    assert labels.tolist() == values


def test_a_missing_id_has_no_code() -> None:
    codes, labels = number_ids(pd.Series([5, None, 5], dtype="Int64"))
    assert codes.tolist() == [0, -1, 0]
    assert labels.tolist() == [5]


def purchases(ids: Any) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    days = rng.integers(0, 400, len(ids)).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "customer_id": ids,
            "timestamp": np.datetime64("2024-01-01", "s") + days,
            "amount": np.round(rng.normal(20.0, 15.0, len(ids)), 2),
        }
    )


@pytest.mark.parametrize("as_of", ["2025-12-31", "2024-06-30"])
def test_numbered_customers_give_the_same_numbers_bit_for_bit(as_of: str) -> None:
    ids = pd.Series(np.random.default_rng(6).integers(0, 300, 2000) * 7 + 13, name="customer_id")
    codes, labels = number_ids(ids)
    plain = summarize_customers(purchases(ids), as_of=as_of)
    numbered = summarize_customers(purchases(codes), as_of=as_of)
    assert labels[numbered.customer_id].equals(plain.customer_id)
    expected = plain.to_frame().drop(columns="customer_id")
    pd.testing.assert_frame_equal(
        numbered.to_frame().drop(columns="customer_id"), expected, check_exact=True
    )
    pd.testing.assert_frame_equal(
        compute_metrics(index_purchases(purchases(codes), as_of=as_of)).to_frame(),
        compute_metrics(index_purchases(purchases(ids), as_of=as_of)).to_frame(),
        check_exact=True,
    )


@pytest.mark.parametrize("resolution", ["s", "ms", "us", "ns"])
def test_days_do_not_depend_on_where_a_block_ends(resolution: str) -> None:
    moments = np.arange(-70_000, 70_000).astype("timedelta64[h]") + np.datetime64("1970-01-01", "h")
    days = to_day_numbers(moments.astype(f"datetime64[{resolution}]"))
    npt.assert_array_equal(days, np.arange(-70_000, 70_000) // 24)
    assert days.dtype == np.int32
