"""The cheap check that a column of a frame is already valid, read as an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.codes import number_ids
from retainkit._core.time import to_day_numbers
from retainkit.errors import SchemaError
from retainkit.typing import FloatArray, IntArray

NEVER = int(np.iinfo(np.int32).max)
"""Day number of a day that is not known, or never comes."""


def require_columns(frame: pd.DataFrame, names: Sequence[str], *, table: str) -> None:
    """Raise unless `frame` has every column."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise SchemaError(
            f"no column {', '.join(map(repr, missing))}; found {list(map(str, frame.columns))[:8]}",
            rule=f"a valid {table} table has {', '.join(names)}",
            where=table,
            fix=f"pass the frame through retainkit.tables.validate_{table} first",
        )


def days_of(frame: pd.DataFrame, name: str, *, table: str, open_end: bool = False) -> IntArray:
    """Return a naive datetime column as day numbers; a missing end becomes `NEVER`."""
    column = frame[name]
    if getattr(column.dtype, "kind", "") != "M" or isinstance(column.dtype, pd.DatetimeTZDtype):
        raise wrong_column(name, f"has type {column.dtype}", "naive datetimes", table=table)
    missing = column.isna().to_numpy()
    if not missing.any():
        return to_day_numbers(column.to_numpy())
    if not open_end:
        raise wrong_column(
            name, f"is missing in {missing.sum():,} rows", "no missing days", table=table
        )
    days = np.full(len(column), NEVER, dtype=np.int32)
    days[~missing] = to_day_numbers(column.to_numpy()[~missing])
    return days


def amounts_of(frame: pd.DataFrame, name: str, *, table: str) -> FloatArray:
    """Return a column of finite numbers, sharing memory where it is one already."""
    column = frame[name]
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise wrong_column(name, f"has type {column.dtype}", "numbers", table=table)
    amounts: FloatArray = column.to_numpy(dtype=np.float64, na_value=np.nan)
    # The extremes are undefined or infinite exactly if some amount is.
    if amounts.size and not (np.isfinite(amounts.min()) and np.isfinite(amounts.max())):
        unusable = int(np.count_nonzero(~np.isfinite(amounts)))
        raise wrong_column(
            name, f"is not finite in {unusable:,} rows", "finite numbers", table=table
        )
    return amounts


def number_customers(
    ids: pd.Series[Any], *, table: str
) -> tuple[npt.NDArray[np.int32], pd.Index[Any]]:
    """Return a code per row and the customers in order of first appearance."""
    codes, customers = number_ids(ids)
    if len(codes) and codes.min() < 0:
        raise wrong_column("customer_id", "is missing in some rows", "no missing ids", table=table)
    return codes, customers


def wrong_column(column: str, what: str, rule: str, *, table: str) -> SchemaError:
    """Return the error for a column that no valid table has."""
    return SchemaError(
        f"column {column!r} {what}",
        rule=f"a valid {table} table has {rule} there",
        where=f"{table}.{column}",
        fix=f"pass the frame through retainkit.tables.validate_{table} first",
    )
