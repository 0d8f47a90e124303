"""Read named columns out of any supported table as pandas series; every quirk lives here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from retainkit.errors import SchemaError
from retainkit.typing import BoolArray, IntoFrame


def column_names(frame: IntoFrame, *, table: str) -> tuple[str, ...]:
    """Return the column names of `frame` without reading its rows."""
    if isinstance(frame, pd.DataFrame):
        return tuple(frame.columns)
    return tuple(_wrap(frame, table).collect_schema().names())


def read_columns(
    frame: IntoFrame, names: Sequence[str], *, table: str
) -> dict[str, pd.Series[Any]]:
    """Return the named columns, each over a fresh RangeIndex, sharing memory where possible.

    A lazy frame is collected once, and only these columns of it.
    """
    if isinstance(frame, pd.DataFrame):
        return {name: _from_pandas(frame, name, table) for name in names}
    import narwhals as nw

    wanted = _wrap(frame, table).select(*names)
    eager = wanted.collect() if isinstance(wanted, nw.LazyFrame) else wanted
    if eager.implementation.is_polars():
        return {name: _from_polars(eager.get_column(name).to_native()) for name in names}
    if eager.implementation.is_pyarrow():
        return {name: _from_arrow(eager.get_column(name).to_native()) for name in names}
    converted = eager.to_pandas()
    return {name: _from_pandas(converted, name, table) for name in names}


def build_frame(columns: Mapping[str, Any], keep: BoolArray | None) -> pd.DataFrame:
    """Return a frame over a RangeIndex of the kept rows; without a mask nothing is copied."""
    if keep is not None:
        columns = {name: _filter(values, keep) for name, values in columns.items()}
    return pd.DataFrame(dict(columns), copy=False)


def _filter(values: Any, keep: BoolArray) -> Any:
    if isinstance(values, pd.Series):
        return values[keep].reset_index(drop=True)
    return pd.Series(values[keep], copy=False)


def _wrap(frame: IntoFrame, table: str) -> Any:
    import narwhals as nw

    try:
        return nw.from_native(frame)
    except TypeError:
        raise SchemaError(
            f"{table} is a {type(frame).__name__}",
            rule="a table is a pandas, Polars, PyArrow or DuckDB table",
            where=table,
            fix="pass a frame, for example pandas.DataFrame(...)",
        ) from None


def _from_pandas(frame: pd.DataFrame, name: str, table: str) -> pd.Series[Any]:
    column: Any = frame[name]
    if isinstance(column, pd.DataFrame):
        raise SchemaError(
            f"{column.shape[1]} columns are named {name!r}",
            rule="column names are unique",
            where=table,
            fix="rename or drop the surplus columns",
        )
    if isinstance(column.dtype, pd.ArrowDtype):
        return _from_arrow(column.array.__arrow_array__())
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    fresh: pd.Series[Any] = column.reset_index(drop=True)
    return fresh


def _from_arrow(column: Any) -> pd.Series[Any]:
    """Convert one PyArrow array; whole numbers with gaps stay whole numbers."""
    import pyarrow as pa

    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    mapper: dict[Any, Any] = {}
    if column.null_count and pa.types.is_integer(column.type):
        wide = pa.types.is_uint64(column.type)
        mapper = {column.type: pd.UInt64Dtype() if wide else pd.Int64Dtype()}
    elif column.null_count and pa.types.is_boolean(column.type):
        mapper = {column.type: pd.BooleanDtype()}
    series: pd.Series[Any] = column.to_pandas(
        date_as_object=False, types_mapper=mapper.get if mapper else None
    )
    return series.rename(None)


def _from_polars(column: Any) -> pd.Series[Any]:
    """Convert one Polars series; PyArrow is used for text when it is there, never needed."""
    import polars as pl

    dtype = column.dtype
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return _text_from_polars(column.cast(pl.String))
    if dtype.is_decimal():
        column = column.cast(pl.Float64)
    if column.null_count() and dtype.is_integer():
        return _nullable(column.fill_null(0).to_numpy(), column.is_null().to_numpy())
    if dtype == pl.Boolean and column.null_count():
        return pd.Series(pd.array(column.to_list(), dtype="boolean"))
    values = column.to_numpy()
    if dtype == pl.Date:
        values = values.astype("datetime64[s]")
    series: pd.Series[Any] = pd.Series(values, copy=False)
    zone = getattr(dtype, "time_zone", None)
    return series.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else series


def _text_from_polars(column: Any) -> pd.Series[Any]:
    if find_spec("pyarrow"):
        return _from_arrow(column.to_arrow())
    return pd.Series(column.to_list(), dtype="str")


def text_series(values: Any) -> pd.Series[Any]:
    """Return texts (None = missing) in the text type of the installed pandas."""
    return pd.Series(values, dtype="str")


def all_texts(raw: pd.Series[Any]) -> pd.Series[Any] | None:
    """Return an object column that holds only texts and gaps as texts; None if it holds more."""
    if raw.dtype != object or pd.api.types.infer_dtype(raw, skipna=True) != "string":
        return None
    modern = isinstance(text_series(["x"]).dtype, pd.StringDtype)
    return raw.astype("str") if modern else raw


def _nullable(values: Any, missing: BoolArray) -> pd.Series[Any]:
    wide = values if values.dtype == np.uint64 else values.astype(np.int64)
    array = pd.arrays.IntegerArray(wide.copy(), missing.copy())
    return pd.Series(array)
