"""Arrays and customers out of what callers pass; refuse what is not numbers or not lined up."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError, SchemaError
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray, IntArray


def as_floats(
    values: ArrayLike1D,
    what: str,
    *,
    n: int | None = None,
    bounds: tuple[float, float] | None = None,
) -> FloatArray:
    """Return one finite number or NaN per customer, within `bounds` if there are any."""
    array = as_column(values, what, n=n)
    infinite = np.flatnonzero(np.isinf(array))
    if infinite.size:
        raise SchemaError(
            f"{infinite.size:,} infinite entries, the first at position {infinite[0]}",
            rule="a value is a finite number, or NaN where it is not known",
            where=what,
            fix="look for a division by zero upstream; pass NaN for what is not known",
        )
    if bounds is not None:
        _check_bounds(array, bounds, what)
    return array


def as_column(values: ArrayLike1D, what: str, *, n: int | None = None) -> FloatArray:
    """Return one float per customer without copying where possible; missing becomes NaN.

    `what` names the argument in errors.
    """
    try:
        if isinstance(values, pd.Series):
            array = values.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"{what} cannot be read: not numbers ({error})",
            rule="one number per customer",
            where=what,
            fix="convert it to float first",
        ) from None
    if array.ndim != 1:
        raise SchemaError(
            f"{what} has {array.ndim} dimensions",
            rule="one number per customer",
            where=what,
            fix=f"pass {what} as a one-dimensional array, even for one customer",
        )
    if n is not None:
        check_length(array.size, n, what)
    return array


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


def check_shapes(n: int, *, fix: str = "", **arrays: npt.NDArray[Any] | None) -> None:
    """Refuse named arrays that do not have one value for each of n customers; None passes."""
    for name, array in arrays.items():
        if array is not None and np.shape(array) != (n,):
            raise AlignmentError(
                f"{name} has shape {np.shape(array)} for {n:,} customers",
                rule="one value per customer, in the same order",
                where=name,
                fix=fix or f"take {name} from the same table as the rest",
            )


def check_same_customers(found: pd.Index[Any], expected: pd.Index[Any], what: str) -> None:
    """Refuse tables that describe other customers or another order."""
    check_length(len(found), len(expected), what)
    if not (found is expected or found.equals(expected)):
        raise AlignmentError(
            "other customers, or another order",
            rule="both tables describe the same customers in the same order",
            where=what,
            fix="build both from the same customer summary, or pass the same customer_id to both",
        )


def check_codes(codes: IntArray, n_categories: int, what: str) -> None:
    """Refuse codes outside 0 .. n_categories - 1."""
    if codes.size and (codes.min() < 0 or codes.max() >= n_categories):
        raise InvalidTableError(
            f"codes from {codes.min()} to {codes.max()}",
            rule=f"codes run from 0 to {n_categories - 1}",
            where=what,
        )


def check_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1)."""
    if not 0.0 < level < 1.0:
        raise NotComputableError(
            f"level is {level!r}",
            rule="a confidence level lies strictly between 0 and 1",
            where="level",
            fix="0.95 is 95 %",
        )


def _check_bounds(array: FloatArray, bounds: tuple[float, float], what: str) -> None:
    low, high = bounds
    wrong = np.flatnonzero((array < low) | (array > high))
    if wrong.size:
        raise InvalidTableError(
            f"{wrong.size:,} entries outside [{low:g}, {high:g}], first {array[wrong[0]]}",
            rule="a probability, or NaN where it is not known",
            where=f"{what}, position {wrong[0]}",
        )
