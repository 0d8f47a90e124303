"""The forecast of customers under contract, and of those who also buy beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import day_number
from retainkit.forecast._evidence import Ranks
from retainkit.forecast._notes import ENDED, NO_NOTE, NO_TERM, NOT_STARTED, RANK_ONLY
from retainkit.forecast._renewal_model import RenewalModel
from retainkit.forecast._renewal_predict import predict_renewal
from retainkit.forecast._table import ForecastTable
from retainkit.typing import BoolArray, FloatArray, IntArray

_NEVER = np.iinfo(np.int32).min
_NOTE_OF_REASON = np.array([NO_NOTE, ENDED, RANK_ONLY, NO_TERM, NOT_STARTED, NO_NOTE], np.int8)
_RANK_Z = 2.0


class ContractFacts(Protocol):
    """What the forecast needs to know of contracts; `contracts.ContractState` offers it."""

    @property
    def customer_id(self) -> pd.Index[Any]:
        """The customers."""

    @property
    def started_on(self) -> npt.NDArray[np.int32]:
        """First day of the last spell [days since 1970-01-01]."""

    @property
    def ended_on(self) -> npt.NDArray[np.int32]:
        """Day the loss is dated; int32 minimum unless ended."""

    @property
    def price(self) -> FloatArray:
        """What the running contracts bring [money/month]."""

    @property
    def term_months(self) -> npt.NDArray[np.int64]:
        """Months between two chances to leave [month]."""


def forecast_contracts(
    model: RenewalModel,
    state: ContractFacts,
    *,
    as_of: date,
    horizon_days: int,
    margin_rate: FloatArray | float = 1.0,
    annual_discount_rate: float = 0.0,
) -> ForecastTable:
    """Forecast who is still under contract at the end of the horizon, and what it brings.

    Parameters
    ----------
    model : RenewalModel
        What `fit_renewal_model` learnt.
    state : ContractState
        The contracts of the customers on `as_of`.
    as_of : datetime.date
        Last observed day.
    horizon_days : int
        Days ahead [day].
    margin_rate : float or numpy.ndarray of shape (n,), default 1.0
        Profit per unit of charges.
    annual_discount_rate : float, default 0.0
        Yearly rate at which later charges are discounted.

    Returns
    -------
    ForecastTable
        In the order of `state`; NaN, with a note, where contracts can only be ranked.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> import pandas as pd
    >>> from retainkit.contracts import read_contract_state
    >>> from retainkit.forecast import fit_renewal_model, forecast_contracts
    >>> start = np.arange(200) % 40 * 9
    >>> end = np.where(np.arange(200) % 3 == 0, start + np.arange(200) % 70, np.nan)
    >>> model = fit_renewal_model(start, end, as_of_day=400, horizon_days=30)
    >>> contracts = pd.DataFrame({"customer_id": ["a"], "start": pd.to_datetime(["1970-12-01"]),
    ...                           "end": pd.to_datetime([None]), "amount": [30.0]})
    >>> state = read_contract_state(contracts, as_of="1971-02-05")
    >>> ahead = forecast_contracts(model, state, as_of=date(1971, 2, 5), horizon_days=30)
    >>> bool(0.5 < ahead.p_active[0] < 1.0)
    True
    """
    n = len(state.customer_id)
    begun = state.started_on != _NEVER
    start = np.where(begun, state.started_on, day_number(as_of) + 1)
    end = np.where(state.ended_on == _NEVER, np.nan, state.ended_on)
    ahead = predict_renewal(
        model,
        start,
        as_of_day=day_number(as_of),
        window_days=horizon_days,
        end_day=end,
        term_months=state.term_months,
        price=np.nan_to_num(state.price),
        annual_discount_rate=annual_discount_rate,
    )
    margin = np.broadcast_to(np.asarray(margin_rate, dtype=np.float64), (n,))
    bounds = np.sort(
        np.stack([ahead.expected_value_low * margin, ahead.expected_value_high * margin]), axis=0
    )
    never = np.full(n, _NEVER, dtype=np.int32)
    return ForecastTable(
        customer_id=state.customer_id,
        p_active=ahead.p_active,
        p_active_low=ahead.p_active_low,
        p_active_high=ahead.p_active_high,
        active_score=ahead.score,
        expected_value=ahead.expected_value * margin,
        expected_value_low=bounds[0],
        expected_value_high=bounds[1],
        next_purchase=never,
        next_purchase_low=never,
        next_purchase_high=never,
        days_overdue=np.full(n, np.nan),
        note=_NOTE_OF_REASON[ahead.reason],
        level=0.90,
        ranks=_ranks(model),
        notes=((model.finding,) if model.finding else ()) + model.notes,
    )


def _ranks(model: RenewalModel) -> Ranks:
    """Say whether earlier forecasts ordered contracts better than chance by two standard errors.

    The error of an AUC of chance is sqrt((n + 1) / (12 n1 n0)); days stood on are pooled.
    """
    z = [
        (one.auc - 0.5) / np.sqrt((one.contracts + 1) / (12.0 * one.active * left))
        for one in model.origins
        if one.candidate == model.candidate and one.auc is not None
        if one.active > 0 and (left := one.contracts - one.active) > 0
    ]
    if not z:
        return "not known"
    return "yes" if float(np.sum(z)) / np.sqrt(len(z)) >= _RANK_Z else "no"


def _note_both(
    purchases: ForecastTable,
    contracts: ForecastTable,
    place: IntArray,
    renewal: npt.NDArray[np.bool_],
    value: FloatArray,
) -> npt.NDArray[np.int8]:
    """Return the note of what decides; none that compares with purchases where charges came in."""
    changed = (value != purchases.expected_value) & np.isfinite(purchases.expected_value)
    if purchases.past is not None:
        own = np.where(changed, purchases.past.otherwise, purchases.note)
    else:
        own = purchases.note
    theirs = contracts.note[place] if len(contracts) else 0
    return np.where(renewal, np.where(place >= 0, theirs, 0), own).astype(np.int8)


def join_forecasts(
    purchases: ForecastTable,
    contracts: ForecastTable,
    *,
    place: IntArray,
    running: BoolArray,
    add_charges: bool,
    left: BoolArray | None = None,
) -> ForecastTable:
    """Put together what customers buy and what their contracts bring.

    Parameters
    ----------
    purchases : ForecastTable
        Of all customers.
    contracts : ForecastTable
        Of those who have, or had, a contract.
    place : numpy.ndarray of int, shape (n,)
        Row of each customer in `contracts`; -1 for customers without a contract.
    running : numpy.ndarray of bool, shape (n,)
        Who is under contract: for these the renewal decides whether they will be there.
    add_charges : bool
        Whether charges come on top of the purchases; False where they are among them.
    left : numpy.ndarray of bool, shape (n,), optional
        Whose contract has ended, with no purchase since that it had not paid for. Where charges
        are among the purchases nothing more is expected of these: what seems bought was charged.

    Returns
    -------
    ForecastTable
        In the order of `purchases`. Intervals add in squares, as for independent amounts.

    Examples
    --------
    >>> import numpy as np
    >>> import retainkit as rk
    >>> from retainkit.forecast import join_forecasts
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> both = join_forecasts(
    ...     result.forecast, result.forecast, place=np.arange(2357),
    ...     running=np.zeros(2357, dtype=bool), add_charges=True)
    >>> bool(np.allclose(both.expected_value, 2.0 * result.forecast.expected_value))
    True
    """
    has = place >= 0

    def at(values: FloatArray) -> FloatArray:
        return np.where(has, values[place], 0.0) if len(values) else np.zeros(len(place))

    charges, bought = at(contracts.expected_value), np.nan_to_num(purchases.expected_value)
    out = has & (False if left is None or add_charges else left)
    bought[out] = 0.0
    only = (has & ~np.isfinite(purchases.expected_value)) | out  # nothing bought, but charged
    charged = (add_charges | only) & ~out
    part = np.where(charged, charges, 0.0)
    value = np.where(has | np.isfinite(purchases.expected_value), bought + part, np.nan)

    def bound(own: FloatArray, theirs: FloatArray, sign: float) -> FloatArray:
        of_purchases = np.where(only, 0.0, np.nan_to_num(own - purchases.expected_value))
        of_charges = np.where(charged, at(theirs) - charges, 0.0)
        return np.asarray(value + sign * np.sqrt(of_purchases**2 + of_charges**2))

    def chance(name: str) -> FloatArray:
        renewed = at(getattr(contracts, name))
        return np.where(running | only, renewed, getattr(purchases, name))

    return replace(
        purchases,
        p_active=chance("p_active"),
        p_active_low=chance("p_active_low"),
        p_active_high=chance("p_active_high"),
        active_score=chance("active_score"),
        expected_value=value,
        next_purchase=np.where(only, _NEVER, purchases.next_purchase),
        next_purchase_low=np.where(only, _NEVER, purchases.next_purchase_low),
        next_purchase_high=np.where(only, _NEVER, purchases.next_purchase_high),
        days_overdue=np.where(only, np.nan, purchases.days_overdue),
        expected_value_low=bound(purchases.expected_value_low, contracts.expected_value_low, -1.0),
        expected_value_high=bound(
            purchases.expected_value_high, contracts.expected_value_high, 1.0
        ),
        note=_note_both(purchases, contracts, place, running | only, value),
        past=None,
        notes=purchases.notes + contracts.notes,
    )
