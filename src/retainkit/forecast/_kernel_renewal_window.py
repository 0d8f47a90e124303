"""Staying over a window of days, charges in it and returns: arrays in and out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.forecast._kernel_renewal import (
    Floats,
    Ints,
    anniversaries,
    index_on,
    months_completed,
    months_of,
)

DAYS_PER_YEAR = 365.25
_CHUNK = 1 << 14
_ROUNDING = 1e-12


class Window(NamedTuple):
    """Cumulative hazards of contracts between `as_of` and days ahead, before row factors."""

    to_end: Floats
    """Up to the end of the window."""
    to_charge: list[Floats]
    """Up to each charge in the window; infinite where there is no such charge."""
    discount: list[Floats]
    """Present value of 1 at each charge."""
    to_decision: Floats
    """Up to the next renewal date."""
    decision_day: Ints
    """The next renewal date."""


class Staying(NamedTuple):
    """What a window means for a contract, given its factor on the hazard."""

    stays: Floats
    units: Floats
    """Expected number of (discounted) charges."""
    low: Floats
    high: Floats
    """Interval of the charges."""
    decision: Floats


class Schedule(NamedTuple):
    """When contracts of one kind can end and are charged [month], and the discount."""

    step: int
    term: int
    charge: int
    annual_rate: float


def index_at_days(start: Ints, day: Ints, step: int) -> Ints:
    """Return the last decision date up to each day."""
    if step == 0:
        since: Ints = np.maximum(day - start, -1)
        return since
    index: Ints = np.maximum(months_completed(months_of(start), months_of(day)) // step, -1)
    return index


def look_ahead(start: Ints, as_of: int, days: int, hazard: Floats, plan: Schedule) -> Window:
    """Read the cumulative hazard of contracts that run on `as_of` at each day that matters.

    `hazard[i]` is the cumulative hazard of decision dates 0 .. i - 1.
    """
    at = months_of(start)
    now = index_on(start, at, as_of, plan.step)
    base = hazard[now + 1]
    end = index_on(start, at, as_of + days, plan.step)
    done = np.where(start > as_of, -1, months_completed(at, months_of(np.array([as_of]))))
    to_charge, discount = [], []
    due = done // plan.charge
    while True:
        due = due + 1
        day = anniversaries(at, due * plan.charge)
        inside = day <= as_of + days
        if not inside.any():
            break
        index = index_at_days(start, day, plan.step)
        ahead = hazard[np.minimum(index + 1, len(hazard) - 1)] - base
        to_charge.append(np.where(inside, ahead, np.inf))
        discount.append((1.0 + plan.annual_rate) ** (-(day - as_of) / DAYS_PER_YEAR))
    decision_day = anniversaries(at, (done // plan.term + 1) * plan.term)
    index = index_at_days(start, decision_day, plan.step)
    return Window(
        hazard[end + 1] - base, to_charge, discount, hazard[index + 1] - base, decision_day
    )


def stay(window: Window, rows: Ints, factor: Floats, sd: float, level: float) -> Staying:
    """Return what the window means for each row; `factor` multiplies its hazard.

    The chance of staying to charge n is that of at least n charges, so that quantiles are read
    off. Charges come in steps: of the two lower ends around `level` the one is taken that holds a
    share nearer to it. Where staying throughout is likelier than half of the rest, the upper tail
    is empty and the lower one takes it whole. The hazard is uncertain: its logarithm has standard
    deviation `sd`.
    """
    n = len(rows)
    result = Staying(*(np.zeros(n) for _ in range(5)))
    half = 0.5 * (1.0 - level)
    for begin in range(0, n, _CHUNK):
        part = slice(begin, begin + _CHUNK)
        row, by = rows[part], factor[part]
        end = by * window.to_end[row]
        result.stays[part] = np.exp(-end)
        result.decision[part] = -np.expm1(-by * window.to_decision[row])
        least = np.where(_at_least(end, sd) > half, level, 1.0 - half) - _ROUNDING
        units, low, high = result.units[part], result.low[part], result.high[part]
        before = np.ones(len(row))
        for ahead, worth in zip(window.to_charge, window.discount, strict=True):
            lost, value = by * ahead[row], worth[row]
            chance = _at_least(lost, sd)
            nearer = (before >= least) & (least - chance < before - least - _ROUNDING)
            low += value * ((chance >= least) | nearer)
            high += value * (chance > half)
            units += value * np.exp(-lost)
            before = chance
    return result


def _at_least(hazard: Floats, sd: float) -> Floats:
    """Return the chance of staying, over a normal log-hazard (Gauss-Hermite with three nodes)."""
    if sd == 0.0:
        return np.exp(-hazard)
    away = float(np.exp(np.sqrt(3.0) * sd))
    tails = np.exp(-hazard * away) + np.exp(-hazard / away)
    chance: Floats = (4.0 * np.exp(-hazard) + tails) / 6.0
    return chance


class Back(NamedTuple):
    """Chance of being under a new contract on day 1, 2, ... after `as_of`."""

    at_end: Floats
    mean_days: Floats
    """Expected days under the new contract, by the end of the window."""


def come_back(
    hazard: tuple[float, ...], edges: tuple[int, ...], gaps: Ints, days: int, fresh: Floats
) -> Back:
    """Return the chance of a new contract and its expected days, for days since the end.

    `fresh[u]` is the share of new contracts that still run u days after their start. Beyond the
    last edge the hazard is constant, so that longer gaps are alike.
    """
    rates = np.repeat(np.array(hazard), np.diff([*edges, edges[-1] + days + 1]))
    at_end, total = np.zeros(len(gaps)), np.zeros(len(gaps))
    levels, place = np.unique(np.minimum(gaps, edges[-1]), return_inverse=True)
    for i, gap in enumerate(levels.tolist()):
        ahead = rates[gap : gap + days]
        waiting = np.exp(-(np.cumsum(ahead) - ahead))
        active = np.convolve(-np.expm1(-ahead) * waiting, fresh[:days])[:days]
        at_end[place == i] = active[-1]
        total[place == i] = active.sum()
    return Back(at_end, total)


def back_after_leaving(
    hazard: tuple[float, ...], edges: tuple[int, ...], days: int, fresh: Floats
) -> tuple[float, float]:
    """Return the same for one who leaves in the window, at a day that may be any of it."""
    rates = np.repeat(np.array(hazard), np.diff([*edges, edges[-1] + days + 1]))[:days]
    waiting = np.exp(-(np.cumsum(rates) - rates))
    active = np.convolve(-np.expm1(-rates) * waiting, fresh[:days])[:days]
    share: npt.NDArray[np.float64] = np.concatenate([[0.0], active])[:days]
    return float(share.mean()), float(np.cumsum(share).mean())
