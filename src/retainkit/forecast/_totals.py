"""The total of existing customers' money, told in four ways, and weighed by how each did before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from retainkit.forecast._kernel_features import measure_scales
from retainkit.forecast._kernel_log import PurchaseLog, money_between, outcome
from retainkit.forecast._learn import Base, Moment
from retainkit.forecast._ways import Ways, lifetime_money
from retainkit.typing import FloatArray

TOTALS = ("regression", "lifetime", "ages", "season")
"""Ways to tell the total: learnt regression, lifetime model, what each age brought in the last
span, last year's season."""

_PARTS = 4
_HARDLY = 0.02
"""Share of all days lived below which an age says nothing yet."""

_YEAR = 365
_WITHIN_YEAR = 0.9
"""Share of a year from which on a window holds all seasons, and none can stand out."""
_PRIOR = 0.12
"""Squared log error of a total that has not been judged: off by a factor of 1.4."""
_LEAST = 0.15**2
"""Squared log error below which nothing is told apart."""
_WORST = 1.0
"""Squared log error beyond which a miss counts no further."""


def tell_totals(base: Base, moment: Moment, ways: Ways) -> dict[str, float]:
    """Return the money expected of the customers of a moment in its window, told in each way.

    Where the same days of last year stand out, ways that know no season are left out.
    """
    log, day, window = base.log, moment.known.day, moment.window
    totals: dict[str, float] = {}
    for name, way in (("regression", "poisson"), ("lifetime", "lifetime")):
        if way in ways:
            totals[name] = float(ways[way].sum()) * moment.scales.basket
    span = min(window, day - base.first_day + 1)
    trailing = money_between(log, day - span, day) * window / span
    # known customers are not expected to bring more than everybody did: who was there before the
    # records begin looks young, and is what makes the oldest ages look rich
    totals["ages"] = min(money_by_age(log, moment, span), trailing)
    year_ago = day - _YEAR
    if window <= _YEAR + 1 and year_ago - base.first_day >= 0.9 * window:
        who, _ = base.known(year_ago)
        before = money_between(log, year_ago - window, year_ago)
        after = float(outcome(log, who, year_ago, year_ago + window)[1].sum())
        if before > 0.0:
            totals["season"] = trailing * after / before
            if after > 0.0 and season_stands_out(base, year_ago, window):
                return {"season": totals["season"]}
    return {name: total for name, total in totals.items() if total > 0.0}


def follows_season(totals: Mapping[str, float]) -> bool:
    """Tell whether the total is last year's season alone."""
    return set(totals) == {"season"}


def season_stands_out(base: Base, day: int, window: int) -> bool:
    """Tell whether customers of a day brought, in the window after it, what no way foresaw.

    Ages and the lifetime model know no season. Both must have missed in the same direction: by
    more than totals are usually off, and by two standard errors of what came.
    """
    if window >= _WITHIN_YEAR * _YEAR:
        return False
    who, known = base.known(day)
    money = outcome(base.log, who, day, day + window)[1]
    came = float(money.sum())
    least = max(np.sqrt(_PRIOR), 2.0 * np.sqrt(float(money @ money)) / came)
    scales = measure_scales(known)
    moment = Moment(who, known, scales, [], None, window)  # no columns are asked for
    ages = money_by_age(base.log, moment, min(window, day - base.first_day + 1))
    missed = np.log(came / ages) if ages > 0.0 else 0.0
    if abs(missed) < least:
        return False
    model = base.lifetime(day)
    if model is None:
        return True
    told = float(lifetime_money(model, known, float(window), scales).sum()) * scales.basket
    return bool(told > 0.0 and np.sign(missed) * np.log(came / told) >= least)


def money_by_age(log: PurchaseLog, moment: Moment, span: int) -> float:
    """Return what the moment's customers bring if each age brings what it did in the last `span`.

    Ages are days since the first purchase, in quarters of the span up to twice the span; the day of
    the first purchase itself is over for all. An age that has hardly been reached yet brings what
    the one before it did.
    """
    known, day = moment.known, moment.known.day
    edges = np.append(np.arange(2.0 * _PARTS) * span / _PARTS, np.inf)
    first = np.full(log.n, np.nan)
    first[moment.who] = known.first
    rows = (log.day > day - span) & (log.day <= day)
    age, money = log.day[rows] - first[log.code[rows]], log.money[rows]
    place = np.searchsorted(edges, age[age > 0.0], side="left") - 1
    brought = np.bincount(place, money[age > 0.0], minlength=len(edges) - 1)
    now = day - known.first
    lived = _days_within(edges, np.maximum(now - span, 0.0), now)
    ahead = _days_within(edges, now, now + moment.window)
    rate = np.zeros(len(lived))
    enough = lived > _HARDLY * lived.sum()
    rate[enough] = brought[enough] / lived[enough]
    last = np.maximum.accumulate(np.where(enough, np.arange(len(rate)), -1))
    return float(rate[last[last >= 0]] @ ahead[last >= 0])


def _days_within(edges: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """Return the days that customers spend in each range of ages between two ages."""
    low, high = np.minimum(edges[:-1], 1e9), np.minimum(edges[1:], 1e9)
    spent = [
        float(np.maximum(np.minimum(end, b) - np.maximum(start, a), 0.0).sum())
        for a, b in zip(low, high, strict=True)
    ]
    return np.array(spent)


def weigh_totals(
    errors: Sequence[tuple[float, Mapping[str, float]]], names: Sequence[str]
) -> dict[str, float]:
    """Return the weight of each way to tell the total, from the log errors it made before.

    `errors` holds a weight and the log error of each way per earlier forecast. Weights go with
    1 / (mean squared error + least); who was never judged has the prior.
    """
    precision = {}
    for name in names:
        judged = [(w, min(e[name] ** 2, _WORST)) for w, e in errors if name in e]
        mass = 1.0 + sum(w for w, _ in judged)
        precision[name] = 1.0 / ((_PRIOR + sum(w * e for w, e in judged)) / mass + _LEAST)
    whole = sum(precision.values())
    return {name: value / whole for name, value in precision.items()}


def combine_totals(totals: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return the weighted geometric mean."""
    known = [name for name in totals if name in weights]
    mass = sum(weights[name] for name in known)
    if not known or mass <= 0.0:
        return float("nan")
    return float(np.exp(sum(weights[name] * np.log(totals[name]) for name in known) / mass))


def spread_of(totals: Mapping[str, float]) -> float:
    """Return the largest total over the smallest; 1 where there is only one."""
    values = list(totals.values())
    return max(values) / min(values) if len(values) > 1 else 1.0
