"""The one set of array checks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit._core.arrays import (
    as_bools,
    as_column,
    as_floats,
    check_codes,
    check_level,
    check_same_customers,
    check_shapes,
    index_of,
)
from retainkit.errors import (
    AlignmentError,
    InvalidTableError,
    NotComputableError,
    SchemaError,
)


def test_numbers_come_through_without_a_copy_and_gaps_are_nan() -> None:
    given = np.array([1.0, 2.0])
    assert as_column(given, "x") is given
    nullable = pd.Series([1, None], dtype="Int64")
    np.testing.assert_array_equal(as_floats(nullable, "x"), [1.0, np.nan])
    assert as_column([np.inf], "x").tolist() == [np.inf]


def test_what_is_no_column_of_numbers_is_refused() -> None:
    with pytest.raises(SchemaError, match="price cannot be read"):
        as_column(["a"], "price")
    with pytest.raises(SchemaError, match="price has 2 dimensions"):
        as_column([[1.0]], "price")
    with pytest.raises(SchemaError, match="1 infinite entries, the first at position 1"):
        as_floats([1.0, -np.inf], "price")
    with pytest.raises(InvalidTableError, match=r"1 entries outside \[0, 1\], first 2"):
        as_floats([0.0, 2.0, np.nan], "share", bounds=(0.0, 1.0))
    with pytest.raises(InvalidTableError, match="codes from 0 to 3"):
        check_codes(np.array([0, 3]), 3, "tier")


def test_other_lengths_and_customers_are_refused() -> None:
    with pytest.raises(AlignmentError, match="2 entries for 3 customers"):
        as_floats([1.0, 2.0], "x", n=3)
    check_shapes(2, one=np.zeros(2), other=None)
    with pytest.raises(AlignmentError, match=r"other has shape \(2, 1\) for 2 customers"):
        check_shapes(2, one=np.zeros(2), other=np.zeros((2, 1)))
    with pytest.raises(AlignmentError, match="another order"):
        check_same_customers(pd.Index([1, 2]), pd.Index([2, 1]), "causes")


def test_truth_values_and_customers() -> None:
    assert as_bools(pd.Series([True, None], dtype="boolean"), "x", n=2).tolist() == [True, False]
    with pytest.raises(SchemaError, match="truth"):
        as_bools([2, 0], "x", n=2)
    assert index_of(pd.Series([1.0], index=["a"]), None, 1).tolist() == ["a"]


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_levels_lie_between_0_and_1(level: float) -> None:
    with pytest.raises(NotComputableError, match="level is"):
        check_level(level)
