"""The cheap check that a frame is already valid: the right columns with the right types."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.codes import number_ids
from retainkit._core.time import day_number, to_day_numbers
from retainkit.errors import AsOfError, SchemaError
from retainkit.metrics._kernel import NEVER
from retainkit.typing import FloatArray, IntArray


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
        raise _wrong(name, f"has type {column.dtype}", "naive datetimes", table=table)
    missing = column.isna().to_numpy()
    if not missing.any():
        return to_day_numbers(column.to_numpy())
    if not open_end:
        raise _wrong(name, f"is missing in {missing.sum():,} rows", "no missing days", table=table)
    days = np.full(len(column), NEVER, dtype=np.int32)
    days[~missing] = to_day_numbers(column.to_numpy()[~missing])
    return days


def amounts_of(frame: pd.DataFrame, name: str, *, table: str) -> FloatArray:
    """Return a column of finite numbers, sharing memory where it is one already."""
    column = frame[name]
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise _wrong(name, f"has type {column.dtype}", "numbers", table=table)
    amounts: FloatArray = column.to_numpy(dtype=np.float64, na_value=np.nan)
    # The extremes are undefined or infinite exactly if some amount is.
    if amounts.size and not (np.isfinite(amounts.min()) and np.isfinite(amounts.max())):
        unusable = int(np.count_nonzero(~np.isfinite(amounts)))
        raise _wrong(name, f"is not finite in {unusable:,} rows", "finite numbers", table=table)
    return amounts


def number_customers(
    ids: pd.Series[Any], *, table: str
) -> tuple[npt.NDArray[np.int32], pd.Index[Any]]:
    """Return a code per row and the customers in order of first appearance."""
    codes, customers = number_ids(ids)
    if len(codes) and codes.min() < 0:
        raise _wrong("customer_id", "is missing in some rows", "no missing ids", table=table)
    return codes, customers


def first_observed(days: IntArray, given: date | None, as_of: date) -> date | None:
    """Return the first observed day: as given, or the first day in the data."""
    if given is not None:
        if given > as_of:
            raise AsOfError(
                f"observed_from {given} is later than as_of {as_of}",
                rule="observation starts before it ends",
                fix="pass the first observed day, or leave observed_from out",
            )
        return given
    if len(days) == 0:
        return None
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(days.min()))


def observed_rows(frame: pd.DataFrame, days: IntArray, as_of: date, *, column: str) -> np.ndarray:
    """Return which rows begin on or before `as_of`; refuse when none of some rows do."""
    seen = np.asarray(days <= day_number(as_of))
    if len(frame) and not seen.any():
        raise AsOfError(
            f"all {len(frame):,} rows are later than as_of {as_of}",
            rule="as_of is the last observed day",
            where=column,
            fix="pass the last day the data cover",
        )
    return seen


def _wrong(column: str, what: str, rule: str, *, table: str) -> SchemaError:
    """Return the error for a column that no valid table has."""
    return SchemaError(
        f"column {column!r} {what}",
        rule=f"a valid {table} table has {rule} there",
        where=f"{table}.{column}",
        fix=f"pass the frame through retainkit.tables.validate_{table} first",
    )
