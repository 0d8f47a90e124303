"""Purchase histories: what a model needs, the table, and a hold-out split."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol, Self, get_args, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_column
from retainkit._core.time import DAYS_PER_UNIT, day_number, from_day_numbers, parse_as_of
from retainkit.errors import (
    AlignmentError,
    InvalidTableError,
    NotComputableError,
    SchemaError,
    UnitError,
)
from retainkit.lifetime._config import HistoryColumns
from retainkit.typing import ArrayLike1D, AsOf, BoolArray, FloatArray, IntArray, IntoFrame, TimeUnit


@runtime_checkable
class PurchaseHistory(Protocol):
    """Three numbers per customer and the unit of time they are in.

    `retainkit.value.CustomerSummary` and `PurchaseHistories` satisfy it. A customer who never
    purchased has age NaN: left out of fits, NaN in every prediction.

    Examples
    --------
    >>> from retainkit.lifetime import PurchaseHistories, PurchaseHistory
    >>> history = PurchaseHistories(frequency=[2], recency=[30.43], age=[38.86], unit="week")
    >>> isinstance(history, PurchaseHistory)
    True
    """

    @property
    def frequency(self) -> npt.NDArray[Any]:
        """Repeat purchase occasions, shape (n,) [count]; x in the papers."""

    @property
    def recency(self) -> FloatArray:
        """Time from first to last purchase, shape (n,) [unit]; t_x in the papers."""

    @property
    def age(self) -> FloatArray:
        """Time from first purchase to `as_of`, shape (n,) [unit]; T in the papers."""

    @property
    def unit(self) -> TimeUnit:
        """Unit of recency and age."""


@runtime_checkable
class PurchaseModel(Protocol):
    """A fitted model of purchasing and dropout; the rooms above are written against this.

    Examples
    --------
    >>> from retainkit.lifetime import MbgNbdModel, PurchaseModel
    >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> isinstance(model, PurchaseModel)
    True
    """

    @property
    def unit(self) -> TimeUnit:
        """Unit of time of the parameters, of histories and of horizons."""

    @property
    def n(self) -> float | None:
        """Customers in the fit (total weight); None for a model that was not fitted."""

    @property
    def log_likelihood(self) -> float | None:
        """Total log-likelihood in `unit`; None for a model that was not fitted."""

    def p_alive(self, history: PurchaseHistory) -> FloatArray:
        """Return the probability of being an active customer at `as_of`, shape (n,)."""

    def expected_purchases(self, history: PurchaseHistory, *, horizon: float) -> FloatArray:
        """Return expected purchases in the `horizon` [unit] after `as_of`, shape (n,)."""

    def expected_purchases_new(self, horizon: float) -> float:
        """Return expected repeat purchases of a new customer within `horizon` [unit]."""

    def to_json(self) -> str:
        """Return the model as JSON."""


@runtime_checkable
class SpendModel(Protocol):
    """A fitted model of the money spent per purchase.

    Examples
    --------
    >>> from retainkit.lifetime import GammaGammaModel, SpendModel
    >>> isinstance(GammaGammaModel(p=6.25, q=3.74, gamma=15.44), SpendModel)
    True
    """

    @property
    def n(self) -> float | None:
        """Customers in the fit (total weight); None for a model that was not fitted."""

    @property
    def log_likelihood(self) -> float | None:
        """Total log-likelihood; None for a model that was not fitted."""

    def expected_spend(self, frequency: ArrayLike1D, monetary_value: ArrayLike1D) -> FloatArray:
        """Return the expected amount per future purchase [money], shape (n,)."""

    def to_json(self) -> str:
        """Return the model as JSON."""


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


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class HoldoutSplit:
    """Customers known at the end of calibration, and what they bought afterwards.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers whose first purchase was in the calibration period, in order of appearance.
    history : PurchaseHistories
        As of the end of calibration.
    purchases : ndarray of shape (n,)
        Purchase occasions (days) of each customer in the hold-out.
    horizon : float
        Length of the hold-out [unit].
    joined : ndarray of shape (n,)
        Day of the first purchase, counted from the first one of all [day].
    repeat_days : ndarray
        Days of all repeat purchases of both periods, counted likewise [day].
    calibration_days, total_days : int
        Length of the calibration, and of both periods, from the first purchase of all [day].
    """

    customer_id: pd.Index[Any]
    history: PurchaseHistories
    purchases: FloatArray
    horizon: float
    joined: IntArray
    repeat_days: IntArray
    calibration_days: int
    total_days: int

    def __len__(self) -> int:
        return len(self.customer_id)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {len(self):,} customers, {self.purchases.sum():,.0f} "
            f"purchases in {self.horizon:.4g} {self.history.unit}s; next: compare_models(split)>"
        )


def split_histories(
    customer_id: ArrayLike1D,
    timestamp: ArrayLike1D,
    *,
    calibration_end: AsOf | None = None,
    holdout_end: AsOf,
    unit: TimeUnit = "week",
) -> HoldoutSplit:
    """Split purchases in time: histories up to one day, counts from there to another.

    Parameters
    ----------
    customer_id : array-like of shape (m,)
        Who purchased.
    timestamp : array-like of datetimes, shape (m,)
        When; the purchases of one calendar day count once.
    calibration_end : date, optional
        Last day that may be learnt from, inclusive; None ends the calibration after three quarters
        of the time from the first purchase to `holdout_end`.
    holdout_end : date
        Last day of the hold-out, inclusive; later purchases are left out.
    unit : {"day", "week", "month"}, default "week"
        Unit of the histories and of the horizon.

    Returns
    -------
    HoldoutSplit
        Customers whose first purchase is later than `calibration_end` are left out.

    Raises
    ------
    AlignmentError
        If the arrays differ in length.
    InvalidTableError
        If a timestamp is missing.
    NotComputableError
        If the hold-out is not after the calibration, or nobody purchased in the calibration.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.lifetime import split_histories
    >>> when = pd.to_datetime(["2024-01-01", "2024-01-08", "2024-02-01", "2024-01-15"])
    >>> split = split_histories(["a", "a", "a", "b"], when, calibration_end="2024-01-31",
    ...                         holdout_end="2024-02-29", unit="day")
    >>> split.history.frequency, split.purchases
    (array([1., 0.]), array([1., 0.]))
    """
    ids = pd.Index(customer_id)
    days = pd.to_datetime(pd.Series(np.asarray(timestamp)))
    if len(ids) != len(days):
        raise AlignmentError(f"{len(ids)} ids and {len(days)} timestamps", rule="one each")
    if days.isna().any():
        raise InvalidTableError(
            f"{int(days.isna().sum()):,} missing timestamps", rule="a purchase has a day"
        )
    numbers = days.to_numpy().astype("datetime64[D]").astype(np.int64)
    end = day_number(parse_as_of(holdout_end))
    if calibration_end is None:
        start = end - (end - int(numbers.min(initial=end))) // 4
        calibration_end = from_day_numbers(np.array([start]))[0]
    start = day_number(parse_as_of(calibration_end))
    if end <= start:
        raise NotComputableError(
            f"the hold-out ends on {holdout_end}, the calibration on {calibration_end}",
            rule="the hold-out is after the calibration",
        )
    codes, names = pd.factorize(ids)
    return _split(codes, pd.Index(names), numbers, start=start, end=end, unit=unit)


def _split(
    codes: IntArray,
    names: pd.Index[Any],
    days: npt.NDArray[np.int64],
    *,
    start: int,
    end: int,
    unit: TimeUnit,
) -> HoldoutSplit:
    n = len(names)
    first = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(first, codes, days)
    known = first <= start
    if not known.any():
        raise NotComputableError(
            "nobody purchased in the calibration period",
            rule="a model is learnt from purchases up to calibration_end",
        )
    origin = int(first.min())
    use = (days <= end) & known[codes]
    key = np.unique(codes[use].astype(np.int64) * (end - origin + 1) + (days[use] - origin))
    who, when = np.divmod(key, end - origin + 1)
    learnt = when <= start - origin
    last = np.zeros(n, dtype=np.int64)
    np.maximum.at(last, who[learnt], when[learnt])
    count = np.bincount(who[learnt], minlength=n)[known]
    later = np.bincount(who[~learnt], minlength=n)[known].astype(np.float64)
    joined = first[known] - origin
    scale = DAYS_PER_UNIT[unit]
    history = PurchaseHistories(
        frequency=count - 1,
        recency=(last[known] - joined) / scale,
        age=(start - origin - joined) / scale,
        unit=unit,
    )
    return HoldoutSplit(
        customer_id=names[known],
        history=history,
        purchases=later,
        horizon=(end - start) / scale,
        joined=joined,
        repeat_days=when[when > (first - origin)[who]],
        calibration_days=start - origin,
        total_days=end - origin,
    )
