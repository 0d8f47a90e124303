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
    """90 % interval of the charges."""
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


def stay(window: Window, rows: Ints, factor: Floats, spread: float) -> Staying:
    """Return what the window means for each row; `factor` multiplies its hazard.

    The number of charges exceeds n with the chance of staying to charge n + 1, so that its
    quantiles are read off; the hazard itself is uncertain by the factor `spread`. Where staying
    throughout is likelier than 5 %, the upper tail is empty and the lower one takes all 10 %.
    """
    n = len(rows)
    result = Staying(*(np.zeros(n) for _ in range(5)))
    most = -np.log(0.05) * spread
    for begin in range(0, n, _CHUNK):
        part = slice(begin, begin + _CHUNK)
        row, by = rows[part], factor[part]
        end = by * window.to_end[row]
        result.stays[part] = np.exp(-end)
        result.decision[part] = -np.expm1(-by * window.to_decision[row])
        fewest = np.where(end < most, -np.log(0.9), -np.log(0.95)) / spread + _ROUNDING
        units, low, high = result.units[part], result.low[part], result.high[part]
        for ahead, worth in zip(window.to_charge, window.discount, strict=True):
            lost, value = ahead[row], worth[row]
            lost *= by
            low += value * (lost <= fewest)
            high += value * (lost < most)
            np.negative(lost, out=lost)
            np.exp(lost, out=lost)
            lost *= value
            units += lost
    return result


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
