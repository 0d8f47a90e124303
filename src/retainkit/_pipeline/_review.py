"""The forecasts of the last run, held against what came since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.columns import Column, taken
from retainkit._core.result import ResultTable
from retainkit._core.time import DAYS_PER_YEAR, day_number, to_day_numbers
from retainkit._pipeline._covariates import fill_covariates
from retainkit._pipeline._gaps import Gap, make_gap
from retainkit._pipeline._histories import ContractHistory
from retainkit._pipeline._history import History, PurchaseHistory
from retainkit._pipeline._money import RowHistory, money_rows
from retainkit._pipeline._review_words import describe_review
from retainkit.churn import StateCheck, StateTable
from retainkit.churn._state_scheme import check_claims
from retainkit.contracts import ContractState
from retainkit.forecast import (
    ForecastMeasures,
    forecast_contracts,
    judge_forecast,
    p_active_within,
)
from retainkit.tables import align_customer_ids
from retainkit.typing import BoolArray, FloatArray, Language

_STATES = ("new", "present", "quiet", "gone")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ForecastReview(ResultTable):
    """What the last run forecast of its customers, and what came since.

    Parameters
    ----------
    made_on : datetime.date
        Last day the forecasts knew.
    until : datetime.date
        Last day of what came.
    horizon_days : int
        Days ahead the forecasts spoke of [day].
    window_days : int
        Days of them that have passed [day].
    chance_days : int or None
        Window that `p_active` was judged over; None where it could not be asked for one.
    measures : ForecastMeasures
        How well they did. While the horizon has not passed, customers are judged by their order
        alone: `expected`, its ratio to what came, and coverage are NaN.
    states : pandas.DataFrame
        What became of each state: `state`, `customers`, `returned` (bought again, or are under
        contract), `share`, and `holds`: whether the claim of gone or quiet stands the test it had
        to pass when it was made; missing for other states and while its window has not passed.
    state_days : int
        Days within which `returned` is counted [day].
    entrants, entrants_value : int, float
        Customers who came only later, and their money [money].
    level : float
        Share of customers the intervals were to cover.
    rows : pandas.DataFrame
        The columns of `to_frame`: `p_active` as judged, over `chance_days`; money over the horizon.

    Examples
    --------
    >>> import retainkit as rk
    >>> config = rk.PipelineConfig(horizon_days=180)
    >>> run, rows = rk.RetentionPipeline(config).run, rk.load_cdnow_sample()
    >>> before = run(rows, as_of="1997-12-31")
    >>> review = run(rows, as_of="1998-06-30", previous=before).review
    >>> review
    <ForecastReview: 2,357 customers; next: .describe(), .states, .to_frame()>
    >>> 0.8 < review.measures.expected_over_actual < 1.2
    True
    """

    made_on: date
    until: date
    horizon_days: int
    window_days: int
    chance_days: int | None
    measures: ForecastMeasures
    states: pd.DataFrame
    state_days: int
    entrants: int
    entrants_value: float
    level: float
    rows: pd.DataFrame

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".describe(), .states, .to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = taken(
        "_said_and_came",
        *("customer_id", "state", "p_active", "expected_value", "expected_value_low"),
        *("expected_value_high", "actual_active", "actual_value"),
    )

    @property
    def _said_and_came(self) -> pd.DataFrame:
        return self.rows

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_complete(self) -> bool:
        """Whether the whole horizon has passed."""
        return self.window_days >= self.horizon_days

    def summary(self) -> pd.DataFrame:
        """Return the measures.

        Returns
        -------
        pandas.DataFrame
            Index `measure`, column `value`; NaN where a measure is undefined.
        """
        return pd.DataFrame({"value": self.measures._asdict()}).rename_axis("measure")

    def describe(self, language: Language = "en") -> tuple[str, ...]:
        """Return the few sentences a manager reads.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Language of the sentences.

        Returns
        -------
        tuple of str
            Money, ranking, calibration, intervals and states, each with its numbers.
        """
        return describe_review(self, language)


class _Came(NamedTuple):
    """What came of the customers of the last run within its horizon, or the part that passed."""

    active: BoolArray
    value: FloatArray
    returned: BoolArray
    entrants: int
    entrants_value: float


class _Asked(NamedTuple):
    """What was forecast, over the days that have passed."""

    p_active: FloatArray
    value: FloatArray
    low: FloatArray
    high: FloatArray
    chance_days: int | None


def review_forecast(
    previous: Any, history: History
) -> tuple[ForecastReview | None, tuple[Gap, ...]]:
    """Score the last run's forecasts against what came; a gap says what could not be scored."""
    if previous is None:
        return None, ()
    made = getattr(previous, "forecast", None)
    if made is None:
        return None, (make_gap("review"),)
    run = previous
    assert isinstance(history, PurchaseHistory | ContractHistory)
    elapsed, horizon = (history.as_of - run.as_of).days, run.config.horizon_days
    if elapsed < 1:
        return None, (make_gap("review_day"),)
    if run.history.basis == "profit" and "profit" not in history.rows:
        return None, (make_gap("review_profit"),)
    window = min(elapsed, horizon)
    asked = _ask(run, history, window)
    came = _look(run, history, window)
    whole, unknown = window >= horizon, np.full(len(made), np.nan)
    judged = run.history.occasions > 0 if not history.contracts_alone else np.isfinite(asked.value)
    scored = whole or history.contracts_alone
    if not judged.any():
        return None, (make_gap("review"),)
    measures = judge_forecast(
        (asked.value if scored else unknown)[judged],
        came.value[judged],
        actual_active=came.active[judged],
        p_active=asked.p_active[judged],
        score=asked.value[judged],
        low=asked.low[judged] if scored else None,
        high=asked.high[judged] if scored else None,
    )
    state_days = min(elapsed, run.scores.states.scheme.window_days)
    review = ForecastReview(
        made_on=run.as_of,
        until=run.as_of + timedelta(days=window),
        horizon_days=horizon,
        window_days=window,
        chance_days=asked.chance_days,
        measures=measures,
        states=_score_states(run, came.returned, elapsed),
        state_days=state_days,
        entrants=came.entrants,
        entrants_value=came.entrants_value,
        level=made.level,
        rows=pd.DataFrame(
            {
                "customer_id": made.customer_id,
                "state": run.scores.states.to_frame()["state"],
                "p_active": asked.p_active,
                "expected_value": asked.value,
                "expected_value_low": asked.low,
                "expected_value_high": asked.high,
                "actual_active": came.active,
                "actual_value": came.value,
            }
        ),
    )
    return review, _gaps(review, alone=history.contracts_alone)


def _gaps(review: ForecastReview, *, alone: bool) -> tuple[Gap, ...]:
    """Say what waits for the rest of the horizon."""
    waits = ["review_horizon"] if not review.is_complete and not alone else []
    return tuple(map(make_gap, waits + ["review_chance"] * (review.chance_days is None)))


def _ask(run: Any, history: RowHistory, window: int) -> _Asked:
    """Return the forecasts as they were made; asked again for the days that have passed.

    Money of purchases cannot be asked again: nothing is prorated.
    """
    made = run.forecast
    assert made is not None
    told = _Asked(
        made.p_active,
        made.expected_value,
        made.expected_value_low,
        made.expected_value_high,
        window,
    )
    if window >= run.config.horizon_days:
        return told
    model, state = run.model, _state_of(history, run.as_of)
    renewed = None
    if model.renewal is not None and state is not None:
        renewed = forecast_contracts(
            model.renewal,
            state,
            as_of=run.as_of,
            horizon_days=window,
            margin_rate=model.margin.net_rate,
            annual_discount_rate=run.config.annual_discount_rate,
        )
    if history.contracts_alone:
        if renewed is None:
            return told._replace(p_active=np.full(len(made), np.nan), chance_days=None)
        place = align_customer_ids(made.customer_id, renewed.customer_id)
        return _Asked(
            p_active=_at(renewed.p_active, place),
            value=_at(renewed.expected_value, place),
            low=_at(renewed.expected_value_low, place),
            high=_at(renewed.expected_value_high, place),
            chance_days=window,
        )
    p = _ask_purchases(run, window)
    if renewed is not None and state is not None:
        place = align_customer_ids(made.customer_id, renewed.customer_id)
        under = (place >= 0) & state.is_in("running")[place]
        p = np.where(under, _at(renewed.p_active, place), p)
    known = np.isfinite(p).any()
    return told._replace(p_active=p, chance_days=window if known else None)


def _ask_purchases(run: Any, window: int) -> FloatArray:
    """Ask the forecast of the last run for the days that have passed."""
    forecast, then = run.model.forecast, run.history
    if forecast is None or then.recent_days is None:
        return np.full(len(then), np.nan)
    facts = run.scores.facts
    known = fill_covariates(run.model.covariate_means, facts.covariates if facts else None)
    return p_active_within(forecast, then, window_days=window, covariates=known)


def _look(run: Any, history: RowHistory, window: int) -> _Came:
    """Return who was active within the window, the money each brought, and who came back."""
    start, ids = day_number(run.as_of), run.history.customer_id
    rows = money_rows(
        history,
        of_profit=run.history.basis == "profit",
        margin_rate=run.model.margin.net_rate,
        charges_apart=run.model.charges_apart,
    )
    place = align_customer_ids(history.customer_id, ids)[rows["customer_id"].to_numpy()]
    day = to_day_numbers(rows["timestamp"].to_numpy()).astype(np.int64) - start
    money = rows["money"].to_numpy(dtype=np.float64)
    money = money * (1.0 + run.config.annual_discount_rate) ** (-day / DAYS_PER_YEAR)
    inside = (day > 0) & (day <= window)
    known = inside & (place >= 0)
    value = np.bincount(place[known], weights=money[known], minlength=len(ids))
    late = inside & (place < 0)
    bought = rows["bought"].to_numpy(dtype=np.bool_) & (place >= 0) & (day > 0)
    lately = bought & (day <= run.scores.states.scheme.window_days)
    active, returned = (np.zeros(len(ids), dtype=np.bool_) for _ in range(2))
    active[place[bought & (day <= window)]] = True
    returned[place[lately]] = True
    then = _state_of(history, run.as_of)
    now = _state_of(history, run.as_of + timedelta(days=window))
    if then is not None and now is not None:
        there = _under(now, ids)
        decides = _under(then, ids) | history.contracts_alone
        active, returned = np.where(decides, there, active), np.where(decides, there, returned)
    return _Came(
        active=active,
        value=value.astype(np.float64),
        returned=returned,
        entrants=int(rows.loc[late, "customer_id"].nunique()),
        entrants_value=float(money[late].sum()),
    )


def _state_of(history: RowHistory, day: date) -> ContractState | None:
    """Return the state of the contracts on a day; None without contracts."""
    there: Any = replace(history, as_of=day)
    found: ContractState | None = there.read_state()
    return found


def _under(state: ContractState, ids: pd.Index[Any]) -> BoolArray:
    """Return who is under contract."""
    place = align_customer_ids(ids, state.customer_id)
    stays: BoolArray = state.is_in("running") | state.is_in("paused")
    return np.asarray((place >= 0) & stays[place])


def _at(values: FloatArray, place: npt.NDArray[Any]) -> FloatArray:
    return np.where(place >= 0, np.append(values, np.nan)[place], np.nan)


def _score_states(run: Any, returned: BoolArray, elapsed: int) -> pd.DataFrame:
    """Return what became of the customers of each state, and which claims hold."""
    states = run.scores.states
    names = np.asarray(StateTable.states, dtype=object)[states.state]
    back = {name: returned[names == name] for name in _STATES}
    checks: tuple[StateCheck, ...] = ()
    if elapsed >= states.scheme.window_days:
        checks = check_claims(back["gone"], back["quiet"], back["present"], states.scheme.config)
    holds = {check.state: check.holds for check in checks if check.customers}
    return pd.DataFrame(
        {
            "state": list(_STATES),
            "customers": [len(back[name]) for name in _STATES],
            "returned": [int(back[name].sum()) for name in _STATES],
            "share": [float(back[name].mean()) if len(back[name]) else np.nan for name in _STATES],
            "holds": pd.array([holds.get(name) for name in _STATES], dtype="boolean"),  # type: ignore[call-overload]
        }
    )
