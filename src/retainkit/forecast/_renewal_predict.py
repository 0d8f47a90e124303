"""predict_renewal: who is still under contract at the end of a window, and what it brings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from retainkit.errors import AlignmentError
from retainkit.forecast._kernel_renewal import Ints, same_day_groups
from retainkit.forecast._kernel_renewal_hazard import Tail, cumulative
from retainkit.forecast._kernel_renewal_window import (
    Schedule,
    Staying,
    back_after_leaving,
    come_back,
    look_ahead,
    stay,
)
from retainkit.forecast._renewal_learn import RETURN_EDGES
from retainkit.forecast._renewal_model import CovariateEffects, RenewalModel, RenewalTerm
from retainkit.forecast._renewal_spells import as_codes, as_days
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray

RENEWAL_REASONS = (
    "",
    "the contract has ended",
    "ends are recorded for a short time only: contracts can be ranked, not more",
    "no contract of this term was learnt from",
    "the contract starts after as_of",
    "a covariate lies far outside what was learnt and is left out",
)
"""Texts of `RenewalForecast.reason`."""

_MONTH = 365.25 / 12.0
_LEVEL, _Z90 = 0.90, 1.6448536269514722
"""Share an interval is to hold, and half the width of that in standard deviations."""


class RenewalForecast(NamedTuple):
    """Forecast of each contract over a window, in the order given."""

    p_active: FloatArray
    """Chance of being under contract at the end of the window; NaN where `reason` says why."""
    p_active_low: FloatArray
    p_active_high: FloatArray
    """90 % interval of that chance, from the spread of levels at past days."""
    score: FloatArray
    """Orders contracts by staying (higher stays); given even where no chance can be stated."""
    expected_value: FloatArray
    """Expected discounted charges in the window [money]."""
    expected_value_low: FloatArray
    expected_value_high: FloatArray
    """90 % predictive interval of the charges in the window [money]."""
    next_hazard: FloatArray
    """Chance of leaving by the next renewal date, that day included."""
    next_decision_day: FloatArray
    """The next renewal date, days since 1970-01-01; NaN for ended contracts."""
    reason: Ints
    """Place in `RENEWAL_REASONS`; 0 where nothing is to be said."""


def predict_renewal(
    model: RenewalModel,
    start_day: ArrayLike1D,
    *,
    as_of_day: int,
    window_days: int,
    end_day: ArrayLike1D | None = None,
    term_months: ArrayLike1D | int = 1,
    plan: ArrayLike1D | None = None,
    price: ArrayLike1D | float = 1.0,
    charge_months: ArrayLike1D | int = 1,
    covariates: FloatArray | None = None,
    annual_discount_rate: float = 0.0,
) -> RenewalForecast:
    """Predict staying, money and the next decision of contracts over any window of days.

    Parameters
    ----------
    model : RenewalModel
        What `fit_renewal_model` learnt.
    start_day : array-like of shape (n,)
        First day of each contract, days since 1970-01-01.
    as_of_day : int
        The day stood on, inclusive.
    window_days : int
        Length of the window after it [day].
    end_day : array-like of shape (n,), optional
        Day on which the contract ended; NaN, or later than `as_of_day`: it runs.
    term_months : array-like or int, default 1
        Months between renewals [month].
    plan : array-like of int, optional
        Plan codes as in the fit; a code not learnt from is like the average plan.
    price : array-like or float, default 1
        Money per charge.
    charge_months : array-like or int, default 1
        Months between charges, which fall on anniversaries of the start [month].
    covariates : ndarray of shape (n, k), optional
        Covariates known on `as_of_day`, as in the fit; without them all stand at their mean.
    annual_discount_rate : float, default 0
        Yearly rate at which later charges are discounted.

    Returns
    -------
    RenewalForecast
        Arrays in the order given. Ended contracts: 0, or the chance of a new contract where
        returns were seen. NaN with a reason where nothing can be stated.

    Raises
    ------
    AlignmentError
        If the arrays differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.forecast._renewal import fit_renewal_model
    >>> from retainkit.forecast._renewal_predict import predict_renewal
    >>> start = np.arange(200) % 40 * 9
    >>> end = np.where(np.arange(200) % 3 == 0, start + np.arange(200) % 70, np.nan)
    >>> model = fit_renewal_model(start, end, as_of_day=400, horizon_days=30)
    >>> ahead = predict_renewal(model, [350, 20], as_of_day=400, window_days=30, price=39.0)
    >>> bool(ahead.p_active[0] < ahead.p_active[1])
    True
    """
    n = len(np.asarray(start_day))
    table = _Table(
        as_days(start_day, "start_day"),
        as_days(np.full(n, np.nan) if end_day is None else end_day, "end_day"),
        as_codes(term_months, n, "term_months"),
        as_codes(-1 if plan is None else plan, n, "plan"),
        as_codes(charge_months, n, "charge_months"),
        np.full(n, price) if np.ndim(price) == 0 else np.asarray(price, dtype=np.float64),
    )
    table.check()
    ended, late = table.end <= as_of_day, table.start > as_of_day
    result = _Rows(n, ~ended & ~late)
    effects, far = None, np.zeros(n, dtype=bool)
    if model.covariates is not None:
        effects = np.full(1, np.exp(model.covariates.level))
        if covariates is not None:
            effects, far = _effects_of(model.covariates, np.asarray(covariates), n)
    ahead = _Ahead(model, as_of_day, window_days, annual_discount_rate)
    for one in model.terms:
        own = table.term == one.term_months
        for every in np.unique(table.charge[own]).tolist():
            group = own & (table.charge == every)
            _fill(result, ahead, one, every, table, group & ~ended & ~late, effects)
            _fill_returns(result, ahead, one, every, table, np.flatnonzero(group & ended))
    known_term = np.isin(table.term, [one.term_months for one in model.terms])
    reason = np.select(
        [late, ended, ~known_term, np.full(n, not model.calibrated), far], [4, 1, 3, 2, 5], 0
    )
    return _finish(result, table.money, reason.astype(np.int64), calibrated=model.calibrated)


class _Table(NamedTuple):
    """The contracts to be predicted."""

    start: Ints
    end: Ints
    term: Ints
    plan: Ints
    charge: Ints
    money: FloatArray

    def check(self) -> None:
        """Refuse columns of different lengths."""
        sizes = [len(column) for column in self]
        if len(set(sizes)) > 1:
            raise AlignmentError(
                f"columns of {sizes} values",
                rule="one value per contract",
                where=", ".join(self._fields),
                fix="pass arrays of the same contracts in the same order",
            )


class _Ahead(NamedTuple):
    """The window and what predicts it."""

    model: RenewalModel
    as_of: int
    days: int
    annual_rate: float


class _Rows:
    """The arrays of a forecast while they are filled; money in charges."""

    def __init__(self, n: int, running: BoolArray) -> None:
        self.parts = [np.where(running, np.nan, 0.0) for _ in range(8)]
        self.day = np.full(n, np.nan)

    def put(self, rows: Ints, parts: tuple[FloatArray, ...]) -> None:
        """Write the rows of one group."""
        for target, values in zip(self.parts, parts[:-1], strict=True):
            target[rows] = values
        self.day[rows] = parts[-1]


def hazard_table(one: RenewalTerm, size: int) -> FloatArray:
    """Return the cumulative hazard of one term up to `size` decision dates."""
    return cumulative(np.array(one.hazard), Tail(one.tail_a, one.tail_c), size)


def _effects_of(
    effects: CovariateEffects, covariates: FloatArray, n: int
) -> tuple[FloatArray, BoolArray]:
    """Return the factor on the hazard of each row, and who lies far outside what was learnt.

    A value that is missing, or more than one scale outside, counts as the mean.
    """
    if covariates.ndim != 2 or len(covariates) != n or covariates.shape[1] < effects.width:
        raise AlignmentError(
            f"covariates of shape {covariates.shape} for {n} contracts",
            rule="one row per contract and the columns of the fit",
            where="covariates",
            fix=f"pass the columns the model was learnt with; it uses {effects.names}",
        )
    total, far = np.full(n, effects.level), np.zeros(n, dtype=bool)
    for i, column in enumerate(effects.columns):
        z = (covariates[:, column] - effects.mean[i]) / effects.scale[i]
        outside = (z < effects.low[i] - 1.0) | (z > effects.high[i] + 1.0)
        total += effects.effects[i] * np.where(outside | np.isnan(z), 0.0, z)
        far |= outside
    return np.exp(total), far


def _fill(
    result: _Rows,
    ahead: _Ahead,
    one: RenewalTerm,
    every: int,
    table: _Table,
    running: BoolArray,
    effects: FloatArray | None,
) -> None:
    """Predict running contracts of one term and charge interval, plan by plan."""
    back = _back_of(ahead, one)
    for code, factor in (*zip(one.plans, one.plan_factors, strict=True), (None, 1.0)):
        known = table.plan == code if code is not None else ~np.isin(table.plan, one.plans)
        rows = np.flatnonzero(running & known)
        if rows.size:
            own = np.ones(1) if effects is None else effects if len(effects) == 1 else effects[rows]
            by = factor * ahead.model.level * own
            result.put(rows, _predict_group(ahead, one, every, table.start[rows], by, back))


def _predict_group(
    ahead: _Ahead,
    one: RenewalTerm,
    every: int,
    start: Ints,
    factor: FloatArray,
    back: tuple[float, float],
) -> tuple[FloatArray, ...]:
    """Predict contracts that differ in start and factor; with one factor each start once."""
    levels, place = same_day_groups(start)
    longest = ahead.as_of - int(levels.min()) + max(ahead.days, one.term_months * 31) + 3
    size = longest if one.step_months == 0 else longest // (28 * one.step_months) + 3
    schedule = Schedule(one.step_months, one.term_months, every, ahead.annual_rate)
    hazard = hazard_table(one, size)
    window = look_ahead(levels, ahead.as_of, ahead.days, hazard, schedule)
    alone = len(factor) == 1
    rows = np.arange(len(levels)) if alone else place
    by = np.full(len(levels), factor[0]) if alone else factor
    spread = float(np.exp(_Z90 * ahead.model.level_sd))
    stays = stay(window, rows, by, ahead.model.level_sd, _LEVEL)
    decision_day = window.decision_day[rows].astype(np.float64)
    parts = (*_with_returns(stays, spread, back, every), decision_day)
    return tuple(part[place] for part in parts) if alone else parts


def _with_returns(
    stays: Staying, spread: float, back: tuple[float, float], every: int
) -> tuple[FloatArray, ...]:
    share, days = back
    active, low, high = (
        power + (1.0 - power) * share
        for power in (stays.stays, stays.stays**spread, stays.stays ** (1.0 / spread))
    )
    units = stays.units + (1.0 - stays.stays) * days / (_MONTH * every)
    return active, low, high, active, units, stays.low, stays.high, stays.decision


def fresh_share(ahead: _Ahead, one: RenewalTerm) -> FloatArray:
    """Return the share of new contracts that run on day 0, 1, ... after their start."""
    day = np.arange(ahead.days + 1)
    index = day if one.step_months == 0 else (day / (_MONTH * one.step_months)).astype(np.int64)
    table = hazard_table(one, int(index[-1]) + 1)
    share: FloatArray = np.exp(-ahead.model.level * table[index + 1])
    return share


def _back_of(ahead: _Ahead, one: RenewalTerm) -> tuple[float, float]:
    if not ahead.model.returns:
        return 0.0, 0.0
    fresh = fresh_share(ahead, one)
    return back_after_leaving(ahead.model.returns, RETURN_EDGES, ahead.days, fresh)


def _fill_returns(
    result: _Rows, ahead: _Ahead, one: RenewalTerm, every: int, table: _Table, rows: Ints
) -> None:
    """Give ended contracts the chance and the money of a new one, where returns were seen."""
    if not rows.size or not ahead.model.returns:
        return
    gaps = ahead.as_of - table.end[rows]
    fresh = fresh_share(ahead, one)
    back = come_back(ahead.model.returns, RETURN_EDGES, gaps, ahead.days, fresh)
    active, none = back.at_end, np.full(len(rows), np.nan)
    most = np.where(active > 0.05, float(int(ahead.days / (_MONTH * every)) + 1), 0.0)
    units = back.mean_days / (_MONTH * every)
    result.put(rows, (active, active, active, active, units, 0.0 * most, most, none, none))


def _finish(result: _Rows, money: FloatArray, reason: Ints, *, calibrated: bool) -> RenewalForecast:
    """Blank what cannot be stated and turn charges into money."""
    active, low, high, score, units, least, most, decision = result.parts
    silent = np.isin(reason, (2, 3, 4)) | np.full(len(reason), not calibrated)
    for part in (active, low, high, units, least, most, decision):
        part[silent] = np.nan
    decision[reason == 1] = np.nan
    score[reason == 4] = np.nan
    value = (units * money, least * money, most * money)
    return RenewalForecast(active, low, high, score, *value, decision, result.day, reason)
