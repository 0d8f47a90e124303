"""The total of existing customers' money, told in four ways, and weighed by how each did before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from retainkit.forecast._kernel_log import money_between, outcome
from retainkit.forecast._learn import Base, Moment, Regressions, lifetime_purchases

TOTALS = ("regression", "lifetime", "trailing", "season")
"""Ways to tell the total: learnt regression, lifetime model, last span, last year's season."""

_YEAR = 365
_PRIOR = 0.12
"""Squared log error of a total that has not been judged: off by a factor of 1.4."""
_LEAST = 0.15**2
"""Squared log error below which nothing is told apart."""
_WORST = 1.0
"""Squared log error beyond which a miss counts no further."""


def tell_totals(base: Base, moment: Moment, learnt: Regressions | None) -> dict[str, float]:
    """Return the money expected of the customers of a moment in its window, told in each way."""
    log, day, window = base.log, moment.known.day, moment.window
    totals: dict[str, float] = {}
    if learnt is not None:
        log_mean = np.minimum(learnt.money.apply(moment.design(learnt.uses_lifetime)), 12.0)
        totals["regression"] = float(np.exp(log_mean).sum()) * moment.scales.basket
    model = base.lifetime(day)
    if model is not None:
        known, basket = moment.known, moment.scales.basket
        purchases = lifetime_purchases(model, known, float(window))
        spend = (np.maximum(known.money, 0.0) + 2.0 * basket) / (known.purchases + 2.0)
        totals["lifetime"] = float((purchases * spend).sum())
    span = min(window, day - base.first_day + 1)
    trailing = money_between(log, day - span, day) * window / span
    totals["trailing"] = trailing
    year_ago = day - _YEAR
    if window <= _YEAR + 1 and year_ago - base.first_day >= 0.9 * window:
        who, _ = base.known(year_ago)
        before = money_between(log, year_ago - window, year_ago)
        after = float(outcome(log, who, year_ago, year_ago + window)[1].sum())
        if before > 0.0:
            totals["season"] = trailing * after / before
    return {name: total for name, total in totals.items() if total > 0.0}


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
