"""Arrays and customers out of what callers pass; refuse what does not line up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import AlignmentError, InvalidTableError, SchemaError
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray, IntArray


def as_floats(
    values: ArrayLike1D,
    what: str,
    *,
    n: int | None = None,
    bounds: tuple[float, float] | None = None,
) -> FloatArray:
    """Return one float per customer without copying where possible; missing becomes NaN."""
    try:
        if isinstance(values, pd.Series):
            array = values.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"not numbers: {error}", rule="one number per customer", where=what
        ) from None
    _check_shape(array.ndim, array.size, n, what)
    if np.isinf(array).any():
        raise SchemaError(
            "infinite entries",
            rule="a finite number, or NaN where it is not known",
            where=what,
            fix="look for a division by zero upstream",
        )
    if bounds is not None:
        _check_bounds(array, bounds, what)
    return array


def _check_bounds(array: FloatArray, bounds: tuple[float, float], what: str) -> None:
    low, high = bounds
    wrong = np.flatnonzero((array < low) | (array > high))
    if wrong.size:
        raise InvalidTableError(
            f"{wrong.size:,} entries outside [{low:g}, {high:g}], first {array[wrong[0]]}",
            rule="a probability, or NaN where it is not known",
            where=f"{what}, position {wrong[0]}",
        )


def as_bools(values: ArrayLike1D, what: str, *, n: int) -> BoolArray:
    """Return one truth value per customer; missing counts as False."""
    series = pd.Series(values, dtype="boolean" if len(values) == 0 else None)
    known = series.notna().to_numpy()
    if not set(pd.unique(series[known])) <= {True, False}:
        raise SchemaError("not truth values", rule="True or False per customer", where=what)
    check_length(len(series), n, what)
    array = np.zeros(n, dtype=np.bool_)
    array[known] = series[known].to_numpy(dtype=np.bool_)
    return array


def _check_shape(ndim: int, size: int, n: int | None, what: str) -> None:
    if ndim != 1:
        raise SchemaError(
            f"an array of {ndim} dimensions", rule="one entry per customer", where=what
        )
    if n is not None:
        check_length(size, n, what)


def check_length(found: int, expected: int, what: str) -> None:
    """Refuse arrays that describe different numbers of customers."""
    if found != expected:
        raise AlignmentError(
            f"{found:,} entries for {expected:,} customers",
            rule="one entry per customer, in the same order",
            where=what,
        )


def check_codes(codes: IntArray, n_categories: int, what: str) -> None:
    """Refuse codes outside 0 .. n_categories - 1."""
    if codes.size and (codes.min() < 0 or codes.max() >= n_categories):
        raise InvalidTableError(
            f"codes from {codes.min()} to {codes.max()}",
            rule=f"codes run from 0 to {n_categories - 1}",
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
            fix="build both from the same customer summary",
        )
