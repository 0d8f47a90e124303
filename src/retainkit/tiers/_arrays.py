"""Arrays out of what callers pass: one dimension, float64, NaN where missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.errors import AlignmentError, SchemaError
from retainkit.typing import ArrayLike1D, FloatArray


def as_values(values: ArrayLike1D, what: str) -> FloatArray:
    """Return `values` as a float array without copying where possible; refuse infinities."""
    array = as_floats(values, what)
    infinite = np.isinf(array)
    if infinite.any():
        positions = np.flatnonzero(infinite)
        raise SchemaError(
            f"{positions.size} infinite entries, the first at position {positions[0]}",
            rule="a value is a finite number, or NaN where it cannot be computed",
            where=what,
            fix="look for a division by zero upstream; pass NaN for what is not known",
        )
    return array


def as_floats(values: ArrayLike1D, what: str) -> FloatArray:
    """Return `values` as a one-dimensional float array; missing values become NaN."""
    try:
        if isinstance(values, pd.Series):
            array = values.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"not numbers: {error}", rule="one number per customer", where=what
        ) from None
    if array.ndim != 1:
        raise SchemaError(
            f"an array of {array.ndim} dimensions", rule="one number per customer", where=what
        )
    return array


def index_of(values: Any, customer_id: pd.Index[Any] | None, n: int) -> pd.Index[Any]:
    """Return the customers the values belong to: as given, else the Series' index, else 0..n-1."""
    if customer_id is None:
        return values.index if isinstance(values, pd.Series) else pd.RangeIndex(n)
    check_length(len(customer_id), n, "customer_id")
    return customer_id


def categorical(
    codes: npt.NDArray[np.int8], categories: tuple[str, ...], *, ordered: bool = False
) -> pd.Categorical[Any]:
    """Return codes as a categorical with every category present; -1 is missing."""
    return pd.Categorical.from_codes(codes, pd.Index(categories), ordered=ordered)


def check_length(found: int, expected: int, what: str) -> None:
    """Refuse arrays that describe different numbers of customers."""
    if found != expected:
        raise AlignmentError(
            f"{found:,} entries for {expected:,} customers",
            rule="one entry per customer, in the same order",
            where=what,
        )


def check_same_customers(found: pd.Index[Any], expected: pd.Index[Any], what: str) -> None:
    """Refuse tables that describe other customers or another order."""
    check_length(len(found), len(expected), what)
    if not (found is expected or found.equals(expected)):
        raise AlignmentError(
            "other customers, or another order",
            rule="both tables describe the same customers in the same order",
            where=what,
            fix="pass the same customer_id to both",
        )
