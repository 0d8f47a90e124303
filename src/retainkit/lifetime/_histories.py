"""Purchase histories made by hand, and the checks every history passes."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self, get_args

import numpy as np
import numpy.typing as npt

from retainkit._core.arrays import as_column
from retainkit.errors import AlignmentError, InvalidTableError, SchemaError, UnitError
from retainkit.lifetime._config import HistoryColumns
from retainkit.lifetime._protocols import PurchaseHistory
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray, IntoFrame, TimeUnit

_UNITS: tuple[str, ...] = get_args(TimeUnit)


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class PurchaseHistories:
    """Purchase histories of n customers, checked once.

    Parameters
    ----------
    frequency : array-like of shape (n,)
        Repeat purchase occasions [count]; whole numbers, 0 for a one-time buyer.
    recency : array-like of shape (n,)
        Time from first to last purchase [unit]; 0 exactly when frequency is 0.
    age : array-like of shape (n,)
        Time from first purchase to `as_of` [unit]; NaN for someone who never purchased.
    unit : {"day", "week", "month"}
        Unit of recency and age; a month is 30.4375 days.

    Raises
    ------
    SchemaError
        If a column cannot be read as numbers in one dimension, or the unit is unknown.
    AlignmentError
        If the three arrays differ in length.
    InvalidTableError
        If a history is impossible; all such rows are counted, the first ones shown.

    Examples
    --------
    >>> from retainkit.lifetime import PurchaseHistories
    >>> PurchaseHistories(frequency=[0, 2], recency=[0, 30.43], age=[38.86, 38.86], unit="week")
    <PurchaseHistories: 2 customers, unit week; next: fit_mbg_nbd(history)>
    """

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    unit: TimeUnit

    def __init__(
        self,
        *,
        frequency: ArrayLike1D,
        recency: ArrayLike1D,
        age: ArrayLike1D,
        unit: TimeUnit,
    ) -> None:
        if unit not in _UNITS:
            raise SchemaError(
                f"unit is {unit!r}", rule=f"a unit of time is one of {_UNITS}", where="unit"
            )
        x, t, T = (
            as_column(values, name)
            for values, name in zip(
                (frequency, recency, age), ("frequency", "recency", "age"), strict=True
            )
        )
        check_histories(x, t, T)
        for name, value in (("frequency", x), ("recency", t), ("age", T), ("unit", unit)):
            object.__setattr__(self, name, value)

    @classmethod
    def from_frame(
        cls, frame: IntoFrame, *, unit: TimeUnit, columns: HistoryColumns | None = None
    ) -> Self:
        """Read histories from the columns of a table.

        Parameters
        ----------
        frame : pandas, Polars, PyArrow or DuckDB table of n rows
            One row per customer.
        unit : {"day", "week", "month"}
            Unit of recency and age; lifetimes' frames are in days unless told otherwise.
        columns : HistoryColumns, optional
            Column names; default frequency, recency, age.

        Returns
        -------
        PurchaseHistories
            In the order of the rows; missing values become NaN.

        Raises
        ------
        SchemaError
            If a column is missing or is not numeric.
        InvalidTableError
            If a history is impossible.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.lifetime import HistoryColumns, PurchaseHistories
        >>> frame = pd.DataFrame({"frequency": [2], "recency": [30.43], "T": [38.86]})
        >>> columns = HistoryColumns(age="T")
        >>> len(PurchaseHistories.from_frame(frame, unit="week", columns=columns))
        1
        """
        import narwhals as nw

        columns = HistoryColumns() if columns is None else columns
        names = (columns.frequency, columns.recency, columns.age)
        table = nw.from_native(frame).lazy()
        _require_columns(names, table.collect_schema().names())
        data = table.select(*dict.fromkeys(names)).collect()
        x, t, T = (data[name].to_numpy() for name in names)
        return cls(frequency=x, recency=t, age=T, unit=unit)

    def __len__(self) -> int:
        return len(self.frequency)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {len(self):,} customers, unit {self.unit}; "
            "next: fit_mbg_nbd(history)>"
        )


def history_columns(
    history: PurchaseHistory, *, unit: TimeUnit | None = None, checked: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return frequency, recency and age as float64, checked against each other and `unit`."""
    if unit is not None and history.unit != unit:
        raise UnitError(
            f"the history is in {history.unit}s, the model in {unit}s",
            rule="histories, horizons and models share one unit of time",
            fix=f'summarise the customers with unit="{unit}", or fit a model in {history.unit}s',
        )
    x = as_column(history.frequency, "frequency")
    t = as_column(history.recency, "recency")
    T = as_column(history.age, "age")
    if not checked:
        check_histories(x, t, T)
    return x, t, T


def check_histories(x: FloatArray, t: FloatArray, T: FloatArray) -> None:
    """Refuse impossible histories; rows whose age is NaN are nobody's purchases and pass."""
    if not len(x) == len(t) == len(T):
        raise AlignmentError(
            f"frequency, recency and age have lengths {len(x)}, {len(t)}, {len(T)}",
            rule="one value each per customer",
        )
    possible = (x >= 0) & (t >= 0) & (t <= T) & ((x == 0) == (t == 0)) & ~np.isinf(T)
    if possible.all() and np.array_equal(x, np.rint(x)):
        return
    broken = ~(possible & (x == np.rint(x))) & ~np.isnan(T)
    if broken.any():
        raise InvalidTableError(
            f"{np.count_nonzero(broken):,} impossible histories; {_examples(broken, x, t, T)}",
            rule="frequency is a whole number; 0 <= recency <= age; recency is 0 exactly when "
            "frequency is 0",
            where="frequency, recency, age",
            fix="count repeat purchase occasions only, and measure both times from the first "
            "purchase; a customer without purchases has age NaN",
        )


def _examples(broken: BoolArray, *columns: npt.NDArray[Any]) -> str:
    rows = np.flatnonzero(broken)[:3]
    shown = (f"row {i}: ({', '.join(f'{c[i]:g}' for c in columns)})" for i in rows)
    return "(frequency, recency, age) at " + "; ".join(shown)


def _require_columns(names: tuple[str, ...], present: list[str]) -> None:
    for name in names:
        if name not in present:
            close = get_close_matches(name, present, n=3) or present[:10]
            raise SchemaError(
                f"no column {name!r}",
                rule="a history needs frequency, recency and age",
                where=f"the table has {', '.join(map(repr, close))}",
                fix='HistoryColumns(age="T", ...) names the columns',
            )
