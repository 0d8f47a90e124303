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
_SOME: Final = 5
"""Customers with an outcome that tell how it scatters."""
_TIMES: Final = 3.0
"""Customers to compare with per customer tried by lot."""
_SMALLEST: Final = 0.2
"""Share of the mean worth below which a customer's own is no measure of its outcome."""
_ALIKE: Final = 0.5
"""Correlation of what a firm believes of its actions."""
_NEEDED: Final = (0.5, 0.8, 0.98)
_UNTRIED: Final = (0.5, 0.6, 0.7, 0.8)
"""Probability to pay asked for of actions tried, and not tried, by rounds of trials read so far."""


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


class _Cells(NamedTuple):
    """Per group, held out (column 0) and treated (1): heads, and mean of what is left and error."""

    heads: Floats
    mean: Floats
    variance: Floats
    base: Floats
    enough: Bools


def _compare(
    group: Ints, n_groups: int, treated: Bools, outcome: Floats, forecast: Floats
) -> _Cells:
    """Return the means of what the forecast leaves, with one slope learnt within groups and arms.

    A side on which hardly anybody has an outcome takes the variance of both: its own tells nothing.
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
    some = np.bincount(cell, weights=outcome != 0.0, minlength=size).reshape(-1, 2)
    pooled = squares.sum(axis=1, keepdims=True) / np.maximum(heads - 1.0, 1.0).sum(
        axis=1, keepdims=True
    )
    own = squares / np.maximum(heads - 1.0, 1.0)
    return _Cells(
        heads=heads,
        mean=means.reshape(-1, 2),
        variance=np.where(some >= _SOME, own, pooled) / np.maximum(heads, 1.0),
        base=mean(outcome).reshape(-1, 2)[:, 0],
        enough=(heads >= LEAST).all(axis=1) & (some.sum(axis=1) >= LEAST),
    )


def read_effects(
    group: Ints, n_groups: int, treated: Bools, outcome: Floats, forecast: Floats, level: float
) -> Effects:
    """Return the effect in each group, adjusted for the forecast; NaN where too few.

    The difference of the means of what the forecast leaves has an interval with Welch's degrees of
    freedom.
    """
    cells = _compare(group, n_groups, treated, outcome, forecast)
    heads = cells.heads
    total = np.where(cells.enough, cells.variance.sum(axis=1), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = total**2 / (cells.variance**2 / (heads - 1.0)).sum(axis=1)
    effect = np.where(cells.enough, cells.mean @ np.array([-1.0, 1.0]), np.nan)
    error = np.sqrt(total)
    reach = stdtrit(np.where(freedom > 0.0, freedom, np.nan), 0.5 + level / 2.0)
    return Effects(
        effect=effect,
        error=error,
        low=effect - error * reach,
        high=effect + error * reach,
        treated=heads[:, 1].astype(np.int64),
        held=heads[:, 0].astype(np.int64),
        base=np.where(heads[:, 0] > 0, cells.base, np.nan),
    )


def read_shares(
    group: Ints, n_groups: int, treated: Bools, outcome: Floats, forecast: Floats, worth: Floats
) -> tuple[Floats, Floats]:
    """Return effect and error per group as shares of what customers are worth; NaN where too few.

    Everybody counts the same, whatever it is worth: few large customers would drown the others.
    What those left out brought beside their forecast is pooled over the groups as far as these do
    not differ in it (variance between groups: DerSimonian & Laird 1986).
    """
    heads = np.bincount(group, minlength=n_groups)
    mean = np.bincount(group, weights=worth, minlength=n_groups) / np.maximum(heads, 1)
    scale = np.maximum(worth, _SMALLEST * mean[group])
    known = scale > 0.0
    share = np.divide(outcome, scale, out=np.zeros(scale.size), where=known)
    ahead = np.divide(forecast, scale, out=np.zeros(scale.size), where=known)
    cells = _compare(group, n_groups, treated, share, ahead)
    usable = cells.enough & (mean > 0.0) & (cells.variance > 0.0).all(axis=1)
    effect, error = np.full(n_groups, np.nan), np.full(n_groups, np.nan)
    if usable.any():
        base, variance = _pool(cells.mean[usable, 0], cells.variance[usable, 0])
        effect[usable] = cells.mean[usable, 1] - base
        error[usable] = np.sqrt(cells.variance[usable, 1] + variance)
    return effect, error


def _pool(mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return means drawn together by how much they differ beyond chance, and their variances."""
    if mean.size < 2:
        return mean, variance
    weight = 1.0 / variance
    excess = weight @ (mean - weight @ mean / weight.sum()) ** 2 - (mean.size - 1.0)
    between = max(excess / (weight.sum() - weight @ weight / weight.sum()), 0.0)
    weight = 1.0 / (variance + between)
    own = between * weight
    centre, unsure = weight @ mean / weight.sum(), 1.0 / weight.sum()
    return centre + own * (mean - centre), own * variance + (1.0 - own) ** 2 * unsure


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


def update_together(prior: Belief, estimate: Floats, error: Floats) -> Belief:
    """Return the beliefs after one more estimate of some effects.

    Beliefs are taken as correlated: who overrates one action overrates the others. So what a trial
    shows of some moves the others too. Where nothing is believed an estimate stands for itself.
    """
    alone = update(prior, estimate, error)
    told = np.isfinite(prior.deviation) & (prior.deviation > 0.0)
    seen = told & ~np.isnan(estimate) & (error > 0.0)
    if not seen.any():
        return alone
    spread = np.outer(prior.deviation[told], prior.deviation[told]) * _ALIKE
    np.fill_diagonal(spread, prior.deviation[told] ** 2)
    rows = seen[told]
    shown = spread[np.ix_(rows, rows)] + np.diag(error[seen] ** 2)
    gain = np.linalg.solve(shown, spread[rows]).T
    mean, deviation = alone.mean.copy(), alone.deviation.copy()
    mean[told] = prior.mean[told] + gain @ (estimate - prior.mean)[seen]
    left = np.diag(spread) - np.einsum("ij,ji->i", gain, spread[rows])
    deviation[told] = np.sqrt(np.maximum(left, 0.0))
    return Belief(mean, deviation)


def needed(trials: Ints, rounds: int) -> Floats:
    """Return the probability to pay that keeps an action in the plan, by the rounds of trials read.

    For an action without a trial of its own it rises slowly: benefit of the doubt. It goes by the
    firm's rounds, or an action hardly tried would replace one tried and found wanting.
    """
    tried, untried = (one[min(rounds, len(one) - 1)] for one in (_NEEDED, _UNTRIED))
    return np.where(np.asarray(trials) > 0, tried, untried)


def chance_to_pay(gain: Floats, deviation: Floats) -> Floats:
    """Return the probability that a gain is above 0, given its mean and standard deviation."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sure = np.where(deviation > 0.0, gain / deviation, np.inf * np.sign(gain))
    chance: Floats = ndtr(sure)
    return chance
