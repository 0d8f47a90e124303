"""What earlier forecasts of money said of each customer, and what came: material for other rules.

Windows of one length lie end to end up to the last observed day, so that no purchase is counted in
two of them; everything is learnt again on each day from what was known then.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from retainkit.forecast._activity import Activity, activity_on
from retainkit.forecast._evidence import ways_at
from retainkit.forecast._kernel_log import Known
from retainkit.forecast._kernel_ridge import logit
from retainkit.forecast._learn import Base, columns_of, learn, learning_windows
from retainkit.forecast._model import ForecastModel
from retainkit.forecast._purchase_facts import PurchaseFacts, covariate_columns, known_of
from retainkit.forecast._totals import combine_totals, tell_totals, weigh_totals
from retainkit.forecast._ways import Mix, mix_ways
from retainkit.lifetime import Covariates
from retainkit.typing import FloatArray, IntArray

COLUMNS = (
    *("age", "silence", "silence_squared", "purchases", "rate", "rhythm", "rhythm_squared"),
    *("once", "once_silence", "purchases_silence", "money", "basket"),
    *(
        f"{what}_{span}"
        for span in ("month", "quarter", "half", "whole")
        for what in ("days", "spent")
    ),
    "due",
    "p_active",
)
"""What the columns are: spans are shares of the window ahead (a twelfth is a month of a year)."""

_SHARES = (1.0, 0.5, 0.25)
_STEPS = (1, 2, 3)
_MOST = 6_000
"""Customers that are looked at on earlier days, the first of those drawn [count]."""
_FEWEST_DAYS = 2
"""Earlier days of one length that are needed: one to learn from, one to judge on."""
_LEAST_WINDOW, _LEAST_PAST = 7, 45


class PastValue(NamedTuple):
    """Customers on an earlier day: what was known and expected of them, and what came.

    `columns` describe each customer free of scale, a row each; `expected` and `came` are money of
    the `window_days` after the day [money].
    """

    day: int
    window_days: int
    who: IntArray
    known: Known
    columns: FloatArray
    expected: FloatArray
    came: FloatArray
    activity: Activity | None
    base_gap: float


def recall_values(
    base: Base, today: int, horizon: int, penalty: float, state_days: int, mix: Mix | None
) -> tuple[PastValue, ...]:
    """Return what was expected on earlier days, latest first; empty where the history is short.

    Windows are as long as the horizon where two of them fit, else half or a quarter of it.
    `state_days` is the window in which states are judged [day], `mix` what the ways weigh today:
    what is judged is what speaks now.
    """
    few = base.log.first(_MOST)
    base = base if few is base.log else Base(few, base.fit)
    found: list[PastValue] = []
    for share in _SHARES:
        window = round(share * horizon)
        days = [today - step * window for step in _STEPS]
        found = []
        for day in days:
            if window < _LEAST_WINDOW or day - base.first_day < max(0.5 * window, _LEAST_PAST):
                break
            one = _recall(base, day, window, penalty, state_days, mix)
            if one is None:
                break
            found.append(one)
        if len(found) >= _FEWEST_DAYS:
            break
    return tuple(found)


def _recall(
    base: Base, day: int, length: int, penalty: float, state_days: int, mix: Mix | None
) -> PastValue | None:
    """Forecast from what was known on a day, and look at what came."""
    window = base.window(day, length)
    if window is None or not window.money.sum() > 0.0:
        return None
    moment = window.moment
    knows = moment.p_lifetime is not None
    learnt = learn(learning_windows(base, day, length), penalty, with_lifetime=knows)
    if learnt is None:
        return None
    columns = moment.design(learnt.uses_lifetime)
    ways = ways_at(moment, learnt, base.lifetime(day))
    size = (mix_ways(ways, ()) if mix is None else mix.on(ways)).blend(ways)
    totals = tell_totals(base, moment, ways)
    expected = combine_totals(totals, weigh_totals((), list(totals)))
    return PastValue(
        day=day,
        window_days=length,
        who=moment.who,
        known=moment.known,
        columns=_with_chance(moment.columns, learnt.p_active(columns)),
        expected=size * (expected / float(size.sum())),
        came=window.money,
        activity=activity_on(base, day, state_days, penalty),
        base_gap=moment.scales.gap,
    )


def describe_rows(
    model: ForecastModel,
    summary: PurchaseFacts,
    rows: IntArray,
    window: float,
    covariates: Covariates | None = None,
) -> FloatArray:
    """Return the columns of `PastValue` for customers of today, a row each.

    `covariates` are those of all customers, where the model was learnt with some.
    """
    assert model.regressions is not None
    traits = covariate_columns(model.covariates, covariates, len(summary.customer_id))
    known = known_of(summary, rows, traits)
    columns = columns_of(model.regressions, model.lifetime, known, window, model.scales)
    return _with_chance(columns, model.regressions.p_active(columns))


def _with_chance(columns: list[FloatArray], p_active: FloatArray) -> FloatArray:
    return np.column_stack([*columns[: len(COLUMNS) - 1], logit(p_active)])
