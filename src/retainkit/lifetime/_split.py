"""split_histories: purchases before a day to learn from, purchases after it to be judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import DAYS_PER_UNIT, day_number, from_day_numbers, parse_as_of
from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError
from retainkit.lifetime._histories import PurchaseHistories
from retainkit.typing import ArrayLike1D, AsOf, FloatArray, IntArray, TimeUnit


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

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.lifetime import split_histories
    >>> cdnow = load_cdnow_sample()
    >>> split = split_histories(
    ...     cdnow["customer_id"], cdnow["timestamp"], calibration_end="1997-09-30",
    ...     holdout_end="1998-06-30", unit="week")
    >>> split
    <HoldoutSplit: 2,357 customers, 1,882 purchases in 39 weeks; next: compare_models(split)>
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
