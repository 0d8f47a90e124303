"""What the base brought month by month, and what existing customers are expected to bring."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, plain
from retainkit._core.kernels.intervals import normal_quantile
from retainkit._core.kernels.sums import row_blocks
from retainkit._core.result import ResultTable
from retainkit._core.time import to_day_numbers
from retainkit._pipeline._customers import CustomerScores
from retainkit._pipeline._fitted import FittedPipeline
from retainkit._pipeline._histories import ContractHistory
from retainkit._pipeline._history import History, PurchaseHistory
from retainkit._pipeline._money import money_rows
from retainkit.contracts import ContractState
from retainkit.forecast import RenewalModel, forecast_contracts
from retainkit.forecast._draw import hashed_order
from retainkit.forecast._model import discount_factor
from retainkit.forecast._months import months_ahead
from retainkit.typing import BoolArray, FloatArray

_PAST = 13
"""Complete months shown before the forecast."""
_MOST_CONTRACTS = 20_000
"""Customers whose renewals are added up month by month; of more these many are drawn by id."""
_WIDEST = 7.0
"""Log of how far a bound may lie from what is expected: a thousand times."""
_LEVEL = 0.10
"""Standard deviation of the log of leavers that has not been judged."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ForecastByMonth(ResultTable):
    """Money of the base by calendar month: what came, then what existing customers will bring.

    What people bring who are not customers yet is in no forecast; `actual_existing` shows what
    customers from before each month brought, to compare with.

    Parameters
    ----------
    month : numpy.ndarray of datetime64
        First day of each month; the last ones reach to the end of the horizon only.
    actual, actual_existing : numpy.ndarray of float64
        Money of all, and of customers first seen before the month [money]; NaN after `as_of`.
    expected, expected_low, expected_high : numpy.ndarray of float64
        Money expected of existing customers and its interval, not discounted [money]; NaN before
        `as_of`. The month of `as_of` may have both: what came, and what is expected of its rest.
    level : float
        How often the interval of a month is to hold.
    last_span : float
        Money of all in as many days as the horizon, up to `as_of` [money]; NaN where fewer are
        known.

    Examples
    --------
    >>> import retainkit as rk
    >>> config = rk.PipelineConfig(horizon_days=92)
    >>> result = rk.RetentionPipeline(config).run(rk.load_cdnow_sample(), as_of="1998-03-31")
    >>> months = result.forecast_by_month.to_frame().set_index("month")
    >>> months[["actual", "expected"]].round(-3).iloc[13:17]
                 actual  expected
    month
    1998-03-01  10000.0       NaN
    1998-04-01      NaN    9000.0
    1998-05-01      NaN    7000.0
    1998-06-01      NaN    7000.0
    """

    month: np.ndarray
    actual: FloatArray
    actual_existing: FloatArray
    expected: FloatArray
    expected_low: FloatArray
    expected_high: FloatArray
    level: float
    last_span: float

    _what: ClassVar[str] = "months"
    _schema: ClassVar[tuple[Column, ...]] = plain(
        *("month", "actual", "actual_existing", "expected", "expected_low", "expected_high")
    )

    def __len__(self) -> int:
        return len(self.month)

    def summary(self) -> pd.DataFrame:
        """Return the months, as `to_frame`.

        Returns
        -------
        pandas.DataFrame
            One row per month.
        """
        return self.to_frame()


class _Ahead(NamedTuple):
    """Money expected in each part of the horizon that lies in one month, and its error [money]."""

    first: tuple[date, ...]
    expected: FloatArray
    error: FloatArray


def follow_months(
    history: History, model: FittedPipeline, scores: CustomerScores
) -> ForecastByMonth | None:
    """Put what came beside what is expected; None without a forecast of money."""
    assert isinstance(history, PurchaseHistory | ContractHistory)
    ahead = _look_ahead(model, scores)
    if ahead is None:
        return None
    of_profit = scores.history.basis == "profit"
    rows = money_rows(
        history,
        of_profit=of_profit,
        margin_rate=model.margin.net_rate,
        charges_apart=model.charges_apart,
    )
    seen = to_day_numbers(rows["timestamp"].to_numpy()) <= _number(model.as_of)
    rows = rows if seen.all() else rows[seen]
    del seen
    month = _months_of(rows["timestamp"].to_numpy())
    last = _month(model.as_of)
    first = max(int(month.min()), last - _PAST)
    size = last - first + 1
    money = rows["money"].to_numpy(dtype=np.float64)
    who = rows["customer_id"].to_numpy()
    joined = np.full(len(history.customer_id), np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(joined, who, month)
    actual, existing = np.zeros(size), np.zeros(size)
    for block in row_blocks(len(month), None):
        when, paid = month[block] - first, money[block]
        shown = when >= 0
        old = shown & (joined[who[block]] < month[block])
        np.add.at(actual, when[shown], paid[shown])
        np.add.at(existing, when[old], paid[old])
    whole = max(_month(ahead.first[-1]) - first + 1, size)
    columns = np.full((5, whole), np.nan)
    columns[0, :size], columns[1, :size] = actual, existing
    place = np.array([_month(day) - first for day in ahead.first])
    columns[2, place] = ahead.expected
    columns[3, place], columns[4, place] = _bounds(
        ahead,
        normal_quantile(_level_of(scores)),
        _margin_error(rows, of_profit, model.margin.net_rate),
    )
    return ForecastByMonth(
        month=(first + np.arange(whole)).astype("datetime64[M]").astype("datetime64[s]"),
        actual=columns[0],
        actual_existing=columns[1],
        expected=columns[2],
        expected_low=columns[3],
        expected_high=columns[4],
        level=_level_of(scores),
        last_span=_last_span(rows, model),
    )


def _months_of(timestamps: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Return the calendar month of each naive datetime as months since 1970-01."""
    months = np.empty(len(timestamps), dtype=np.int32)
    for block in row_blocks(len(timestamps), None):
        months[block] = timestamps[block].astype("datetime64[M]").view(np.int64)
    return months


def _last_span(rows: pd.DataFrame, model: FittedPipeline) -> float:
    """Return the money of as many days as the horizon, up to the last observed day."""
    ago = np.int32(_number(model.as_of)) - to_day_numbers(rows["timestamp"].to_numpy())
    horizon = model.config.horizon_days
    if int(ago.max()) + 1 < horizon:
        return float("nan")
    money = rows["money"].to_numpy(dtype=np.float64)
    blocks = row_blocks(len(money), ago < horizon)
    return math.fsum(chain.from_iterable(money[block].tolist() for block in blocks))


def _bounds(ahead: _Ahead, z: float, margin_error: float) -> tuple[FloatArray, FloatArray]:
    """Return the interval of each month; of profit around it, since a month may end in a loss."""
    if margin_error > 0.0:
        wide = z * np.hypot(ahead.error, margin_error)
        return ahead.expected - wide, ahead.expected + wide
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(ahead.expected > 0.0, z * ahead.error / ahead.expected, 0.0)
    factor = np.exp(np.minimum(ratio, _WIDEST))
    return ahead.expected / factor, ahead.expected * factor


def _margin_error(rows: pd.DataFrame, of_profit: bool, rate: float) -> float:
    """Return the standard deviation of a month's profit about its margin; 0 of revenue [money]."""
    if not of_profit:
        return 0.0
    month = rows["timestamp"].to_numpy().astype("datetime64[M]").astype(np.int64)
    off = rows["money"].to_numpy() - rate * rows["amount"].to_numpy()
    each = np.bincount(month - month.min(), weights=np.nan_to_num(off))
    return float(np.std(each)) if len(each) > 2 else float(np.abs(each).sum())


def _look_ahead(model: FittedPipeline, scores: CustomerScores) -> _Ahead | None:
    """Return what purchases and contracts are expected to bring; None where no money is told."""
    made, config = scores.forecast, model.config
    if made is None or not np.isfinite(made.expected_value).any():
        return None
    spans = months_ahead(model.as_of, config.horizon_days)
    first = tuple(one for one, _ in spans)
    facts = scores.facts
    state = None if facts is None else facts.contracts or facts.contracts_beside
    expected, variance = np.zeros(len(spans)), np.zeros(len(spans))
    alone = facts is not None and facts.contracts is not None
    if model.renewal is not None and state is not None:
        counted = np.ones(len(state.customer_id), dtype=np.bool_)
        if not alone and not model.charges_apart:
            bought = scores.history.customer_id[scores.history.occasions > 0]
            counted = ~state.customer_id.isin(bought)
        expected, variance = _charges_ahead(model, model.renewal, state, counted, spans)
    if not alone and model.forecast is not None and model.forecast.months:
        told = made.expected_value[np.isfinite(made.expected_value)].sum()
        told /= discount_factor(config.horizon_days, config.annual_discount_rate)
        bought_money = max(float(told) - float(expected.sum()), 0.0)
        months = model.forecast.months
        share = np.array([one.share for one in months])
        spread = np.array([one.spread for one in months])
        expected = expected + bought_money * share
        variance = variance + (bought_money * share * spread) ** 2
    return _Ahead(first, expected, np.sqrt(variance)) if expected.any() else None


def _charges_ahead(
    model: FittedPipeline,
    renewal: RenewalModel,
    state: ContractState,
    counted: BoolArray,
    spans: list[tuple[date, date]],
) -> tuple[FloatArray, FloatArray]:
    """Return the charges expected in each month, and their variance.

    Charges up to the end of each month are forecast; what is lost against nobody leaving carries
    the error of the level, and each customer stays or leaves on its own.
    """
    rows = np.flatnonzero(counted & state.is_in("running"))
    if not len(rows):
        return np.zeros(len(spans)), np.zeros(len(spans))
    drawn = rows[np.sort(hashed_order(state.customer_id[rows], _MOST_CONTRACTS))]
    part, factor = state.of(state.customer_id[drawn]), len(rows) / len(drawn)
    reached, there = [0.0], []
    for _, last in spans:
        told = forecast_contracts(
            renewal,
            part,
            as_of=model.as_of,
            horizon_days=(last - model.as_of).days,
            margin_rate=model.margin.net_rate,
        )
        reached.append(factor * float(np.nansum(told.expected_value)))
        there.append(told.p_active)
    expected = np.diff(reached)
    price = np.nan_to_num(part.price) * model.margin.net_rate
    p = np.nan_to_num(np.array(there))
    share = np.array([((last - one).days + 1) / 30.44 for one, last in spans])
    lost = factor * share * ((1.0 - p) @ price)
    chance = factor * share**2 * ((p * (1.0 - p)) @ price**2)
    level = np.hypot(renewal.level_sd, _LEVEL)
    return expected, (lost * level) ** 2 + chance


def _level_of(scores: CustomerScores) -> float:
    return 0.90 if scores.forecast is None else scores.forecast.level


def _month(day: date) -> int:
    return (day.year - 1970) * 12 + day.month - 1


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days
