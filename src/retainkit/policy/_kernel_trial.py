"""Arrays in, arrays out: what a trial can show, who is left out of it, and what came of it."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtrit

from retainkit._core.kernels.intervals import normal_quantile

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.integer]
Codes = npt.NDArray[np.int8]

OUTSIDE, DONE, HELD_OUT, NEVER, TRIED, COMPARED = range(6)
"""Arms: outside the trial; treated; left out of this trial; left out of all; idle and tried by
lot; idle, to compare with."""

LEAST: Final = 10
"""Fewest customers on either side of a comparison, and fewest of both with any outcome."""
_TIMES: Final = 3.0
"""Customers to compare with per customer tried by lot."""


def detectable_effect(n: Floats, share: Floats, cv: Floats, level: float, power: float) -> Floats:
    """Return the smallest effect a trial can show, as a share of the mean outcome.

    (z_level + z_power) cv sqrt(1 / (n share) + 1 / (n (1 - share))).
    """
    reach = normal_quantile(level) + float(ndtri(power))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = reach * cv * np.sqrt(1.0 / (n * share) + 1.0 / (n * (1.0 - share)))
    return found


def share_to_detect(n: Floats, effect: Floats, cv: Floats, level: float, power: float) -> Floats:
    """Return the smallest share held out that shows this effect; 0.5 where even half does not."""
    reach = normal_quantile(level) + float(ndtri(power))
    with np.errstate(divide="ignore", invalid="ignore"):
        need = (reach * cv / effect) ** 2 / n
        share: Floats = 0.5 * (1.0 - np.sqrt(np.maximum(1.0 - 4.0 * need, 0.0)))
    return np.where(np.isnan(share), 0.5, share)


def draw_arms(
    planned: Bools,
    idle: Bools,
    share: Floats,
    unit: Floats,
    unit_never: Floats,
    *,
    never: float,
    explore: float,
) -> Codes:
    """Return the arm of each customer from two numbers in [0, 1) that hash it.

    `planned` are those of the plan who may be held out, `idle` those who could get something and
    get nothing; `unit` belongs to this trial, `unit_never` to all trials.
    """
    arm = np.full(planned.size, OUTSIDE, dtype=np.int8)
    arm[planned] = DONE
    arm[planned & (unit < share)] = HELD_OUT
    arm[planned & (unit_never < never)] = NEVER
    open_to = idle & (unit_never >= never)
    arm[open_to & (unit < (1.0 + _TIMES) * explore)] = COMPARED
    arm[open_to & (unit < explore)] = TRIED
    return arm


class Effects(NamedTuple):
    """Effect per group: mean difference [unit of the outcome], its error and interval, heads."""

    effect: Floats
    error: Floats
    low: Floats
    high: Floats
    treated: npt.NDArray[np.int64]
    held: npt.NDArray[np.int64]
    base: Floats
    """Mean outcome without the action."""


def read_effects(
    group: Ints, n_groups: int, treated: Bools, outcome: Floats, forecast: Floats, level: float
) -> Effects:
    """Return the effect in each group, adjusted for the forecast; NaN where too few.

    The slope on the forecast is learnt within groups and arms, one for all; the difference of the
    means of what is left has an interval with Welch's degrees of freedom. A side on which all are
    alike takes the variance of both.
    """
    cell = group.astype(np.int64) * 2 + treated
    size = 2 * n_groups
    count = np.bincount(cell, minlength=size).astype(np.float64)

    def mean(values: Floats) -> Floats:
        total = np.bincount(cell, weights=values, minlength=size)
        found: Floats = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
        return found

    x = forecast - mean(forecast)[cell]
    y = outcome - mean(outcome)[cell]
    spread = float(x @ x)
    left = outcome - (float(x @ y) / spread if spread > 0.0 else 0.0) * forecast
    means = mean(left)
    apart = left - means[cell]
    squares = np.bincount(cell, weights=apart**2, minlength=size).reshape(-1, 2)
    heads = count.reshape(-1, 2)
    some = np.bincount(group, weights=outcome != 0.0, minlength=n_groups) >= LEAST
    enough = (heads >= LEAST).all(axis=1) & some
    pooled = squares.sum(axis=1, keepdims=True) / np.maximum(heads - 1.0, 1.0).sum(
        axis=1, keepdims=True
    )
    own = squares / np.maximum(heads - 1.0, 1.0)
    variance = np.where(squares > 0.0, own, pooled) / np.maximum(heads, 1.0)
    total = np.where(enough, variance.sum(axis=1), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = total**2 / (variance**2 / (heads - 1.0)).sum(axis=1)
    effect = np.where(enough, means.reshape(-1, 2) @ np.array([-1.0, 1.0]), np.nan)
    error = np.sqrt(total)
    reach = stdtrit(np.where(freedom > 0.0, freedom, np.nan), 0.5 + level / 2.0)
    return Effects(
        effect=effect,
        error=error,
        low=effect - error * reach,
        high=effect + error * reach,
        treated=heads[:, 1].astype(np.int64),
        held=heads[:, 0].astype(np.int64),
        base=np.where(heads[:, 0] > 0, mean(outcome).reshape(-1, 2)[:, 0], np.nan),
    )


class Belief(NamedTuple):
    """Normal belief about effects: mean and standard deviation; infinite where nothing is known."""

    mean: Floats
    deviation: Floats


def update(prior: Belief, estimate: Floats, error: Floats) -> Belief:
    """Return the belief after one more estimate; unchanged where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        old = 1.0 / prior.deviation**2
        new = np.where(np.isnan(estimate) | ~(error > 0.0), 0.0, 1.0 / error**2)
        total = old + new
        mean = (old * prior.mean + new * np.nan_to_num(estimate)) / total
    known = total > 0.0
    return Belief(
        np.where(known, mean, prior.mean),
        np.where(known, 1.0 / np.sqrt(np.where(known, total, 1.0)), prior.deviation),
    )


def chance_to_pay(gain: Floats, deviation: Floats) -> Floats:
    """Return the probability that a gain is above 0, given its mean and standard deviation."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sure = np.where(deviation > 0.0, gain / deviation, np.inf * np.sign(gain))
    chance: Floats = ndtr(sure)
    return chance
