"""Customers as known at a past day, and the money they brought after it."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.codes import number_ids
from retainkit._core.time import day_number
from retainkit.errors import ConvergenceError, NotComputableError, RetainkitWarning
from retainkit.typing import CollapseUnit, FloatArray, TimeUnit
from retainkit.value._future_config import FutureReason, FutureValueConfig
from retainkit.value._lifetime_value import expected_lifetime_value
from retainkit.value._summarize import observed_days, summarize_customers
from retainkit.value._summary import CustomerSummary

_COLUMNS = ["customer_id", "timestamp", "amount"]
_MIN_WINDOW_DAYS = 14
_HASH_BLOCK = 65_536


class Unsupported(Exception):  # noqa: N818 - a signal between private functions
    """The base cannot teach an estimate; `reason` says why."""

    def __init__(self, reason: FutureReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Observed(NamedTuple):
    """Rows up to `as_of` of the customers learnt from, and how they are to be summarised."""

    rows: pd.DataFrame
    days: npt.NDArray[np.int32]
    last: date
    unit: TimeUnit
    collapse: CollapseUnit
    config: FutureValueConfig

    def days_until(self, origin: date) -> int:
        """Return the calendar days from the first row to `origin`, both counted [day]."""
        return day_number(origin) - int(self.days.min()) + 1


class Window(NamedTuple):
    """Customers as known at an origin, and the money they brought in the days after it."""

    summary: CustomerSummary
    purchase_model: Any
    spend_model: Any
    in_window: FloatArray
    actual: FloatArray
    days: int


def observed_rows(
    transactions: pd.DataFrame,
    last: date,
    customer_id: pd.Index[Any] | None,
    unit: TimeUnit,
    collapse: CollapseUnit,
    config: FutureValueConfig,
) -> Observed:
    """Take the rows up to `last` of at most `max_customers` customers, chosen by their id."""
    days, seen = observed_days(transactions, last)
    rows = transactions[_COLUMNS]
    if seen is not None:
        rows, days = rows[seen], days[seen]
    if customer_id is None:
        codes, customer_id = number_ids(rows["customer_id"])
    else:
        codes = rows["customer_id"].to_numpy(dtype=np.int32)
    chosen = sample_rows(codes, customer_id, config.max_customers)
    if chosen is not None:
        rows, days = rows[chosen], days[chosen]
    return Observed(rows, days, last, unit, collapse, config)


def sample_rows(
    codes: npt.NDArray[np.int32], ids: pd.Index[Any], most: int
) -> npt.NDArray[np.bool_] | None:
    """Return which rows belong to the `most` customers drawn by their id; None: to all."""
    if len(ids) <= most:
        return None
    hashed = hash_ids(ids)
    is_chosen = hashed <= np.partition(hashed, most - 1)[most - 1]
    return np.asarray(is_chosen[codes])


def hash_ids(ids: pd.Index[Any]) -> npt.NDArray[np.uint64]:
    """Return a number per customer that depends on nothing but its id."""
    if pd.api.types.is_integer_dtype(ids.dtype):
        return np.asarray(pd.util.hash_array(ids.to_numpy(dtype=np.int64)))
    hashed = np.empty(len(ids), dtype=np.uint64)
    for start in range(0, len(ids), _HASH_BLOCK):
        block = slice(start, start + _HASH_BLOCK)
        texts = ids[block].astype(str).to_numpy(dtype=object)
        hashed[block] = pd.util.hash_array(texts, categorize=False)
    return hashed


def observe(base: Observed, origin: date, days: int, *, most: int | None = None) -> Window:
    """Take what was known at `origin` and what came in the `days` after it.

    Of more than `most` customers every k-th is taken, in an order that depends on facts alone.
    """
    if days < _MIN_WINDOW_DAYS:
        raise Unsupported("history_too_short")
    start = day_number(origin)
    before = base.rows[base.days <= start]
    if before["customer_id"].nunique() < base.config.min_customers:
        raise Unsupported("too_few_customers")
    summary = summarize_customers(before, as_of=origin, unit=base.unit, collapse=base.collapse)
    summary = summary.take(~summary.never_purchased)
    after = base.rows[(base.days > start) & (base.days <= start + days)]
    actual = _money_after(summary, after, origin + timedelta(days=days))
    order = _order_of_facts(summary, actual)
    if most is not None:
        order = order[:: -(-len(order) // most)]
    summary, actual = summary.take(order), actual[order]
    if np.count_nonzero(actual) < base.config.min_buyers:
        raise Unsupported("too_few_buyers")
    purchase_model, spend_model, in_window = _lifetime(summary, days)
    return Window(summary, purchase_model, spend_model, in_window, actual, days)


def _order_of_facts(summary: CustomerSummary, actual: FloatArray) -> npt.NDArray[np.intp]:
    """Return an order that depends on no name and no row order, so that sums do not either."""
    money = (summary.return_amount, summary.purchase_amount, actual)
    times = (summary.last_day, summary.first_day, summary.transactions, summary.occasions)
    return np.lexsort((np.nan_to_num(summary.monetary_value), *times, *money))


def _money_after(summary: CustomerSummary, after: pd.DataFrame, end: date) -> FloatArray:
    """Return the net money of each customer in the window [money], never below 0."""
    actual = np.zeros(len(summary))
    if len(after):
        later = summarize_customers(after, as_of=end)
        places = summary.customer_id.get_indexer(later.customer_id)
        known = places >= 0
        actual[places[known]] = np.maximum(later.total_amount[known], 0.0)
    return actual


def _lifetime(summary: CustomerSummary, days: int) -> tuple[Any, Any, FloatArray]:
    """Fit the lifetime models at an origin; return them and the money they expect."""
    from retainkit.lifetime import fit_mbg_nbd

    try:
        with warnings.catch_warnings():
            # An optimum on the boundary is fine here; the fit on the whole base will say so.
            warnings.simplefilter("ignore", RetainkitWarning)
            purchase_model = fit_mbg_nbd(summary)
    except (NotComputableError, ConvergenceError):
        raise Unsupported("lifetime_not_computable") from None
    spend_model = _spend_model(summary)
    in_window = expected_lifetime_value(
        summary,
        purchase_model,
        spend_model=spend_model,
        horizon_days=float(days),
        annual_discount_rate=0.0,
    )
    if not np.isfinite(in_window).all():
        raise Unsupported("lifetime_not_computable")
    return purchase_model, spend_model, in_window


def _spend_model(summary: CustomerSummary) -> Any:
    """Fit spend per purchase; None (each customer's own mean) where the base has no finite mean."""
    from retainkit.lifetime import fit_gamma_gamma

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RetainkitWarning)
            model = fit_gamma_gamma(summary.frequency, summary.monetary_value)
    except (NotComputableError, ConvergenceError):
        return None
    return model if np.isfinite(model.population_mean) else None
