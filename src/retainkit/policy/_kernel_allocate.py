"""Arrays in, arrays out: one measure per customer under one budget."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int16]

NOTHING: Final = -1
"""Code of doing nothing."""

_BLOCK = 1 << 15
_TOLERANCE = 1e-12


class Steps(NamedTuple):
    """Every step up that may pay: from one measure of a customer to its next dearer one.

    Customers ascend; within a customer `slope` never rises, so taking all steps above a price
    gives each customer its best measure at that price.
    """

    customer: Ints
    slope: Floats
    cost: Floats
    gain: Floats
    measure: Codes


class Choice(NamedTuple):
    """One plan: the code of each customer's measure, the price of money, and the bound."""

    measure: Codes
    shadow_price: float
    bound: float


def free_choice(gain: Floats, cost: Floats) -> tuple[Codes, Floats]:
    """Return the best measure that costs nothing per customer, and its gain; ties: the first."""
    best = np.full(gain.shape[0], NOTHING, dtype=np.int16)
    best_gain = np.zeros(gain.shape[0])
    for j in range(gain.shape[1]):
        better = (cost[:, j] <= 0.0) & (gain[:, j] > best_gain)
        best[better] = j
        best_gain[better] = gain[better, j]
    return best, best_gain


def steps_up(gain: Floats, cost: Floats, start_gain: Floats) -> Steps:
    """Return the upper hull of each customer's (cost, gain) points as steps."""
    parts: list[Steps] = []
    for first in range(0, gain.shape[0], _BLOCK):
        block = slice(first, first + _BLOCK)
        parts.extend(_block_steps(gain[block], cost[block], start_gain[block], first))
    if not parts:
        empty = np.empty(0)
        none = np.empty(0, dtype=np.int64)
        return Steps(none, empty, empty, empty, none.astype(np.int16))
    return Steps(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _block_steps(gain: Floats, cost: Floats, start: Floats, first: int) -> list[Steps]:
    rows = np.arange(gain.shape[0])
    now_gain, now_cost = start.copy(), np.zeros(rows.size)
    ceiling = np.full(rows.size, np.inf)
    found: list[Steps] = []
    while rows.size:
        more_gain = gain - now_gain[:, None]
        more_cost = cost - now_cost[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = more_gain / more_cost
        slope[~((more_gain > 0.0) & (more_cost > 0.0))] = -np.inf
        best = slope.argmax(axis=1)
        at = np.arange(rows.size)
        keep = np.flatnonzero(slope[at, best] > 0.0)
        rows, best = rows[keep], best[keep]
        if not rows.size:
            break
        step_gain, step_cost = more_gain[keep, best], more_cost[keep, best]
        ceiling = np.minimum(slope[keep, best], ceiling[keep])
        found.append(Steps(rows + first, ceiling, step_cost, step_gain, best.astype(np.int16)))
        gain, cost = gain[keep], cost[keep]
        at = np.arange(rows.size)
        now_gain, now_cost = gain[at, best], cost[at, best]
    return found


def critical_price(slope: Floats, cost: Floats, budget: float) -> float:
    """Return the price at which the budget is spent: 0 when it pays for every step.

    The price p is the largest slope with cost(slope >= p) > budget. Bisection on the median of
    the slopes still in question: each round halves them.
    """
    if float(cost.sum()) <= budget:
        return 0.0
    spent = 0.0
    while True:
        middle = float(np.partition(slope, slope.size // 2)[slope.size // 2])
        above = slope > middle
        spent_above = spent + float(cost[above].sum())
        if spent_above > budget:
            slope, cost = slope[above], cost[above]
            continue
        at = slope == middle
        spent_at = spent_above + float(cost[at].sum())
        if spent_at > budget:
            return middle
        below = slope < middle
        spent, slope, cost = spent_at, slope[below], cost[below]
        if not slope.size:  # only rounding of the sums leads here
            return middle


def allocate(gain: Floats, cost: Floats, budget: float) -> Choice:
    """Return the plan of most gain found within the budget.

    Rows stand in the canonical order of customers: it breaks ties. A gain of NaN is a measure
    that is not allowed. Costs are not negative.
    """
    measure, base = free_choice(gain, cost)
    steps = steps_up(gain, cost, base)
    limit = budget * (1.0 + _TOLERANCE)
    price = critical_price(steps.slope, steps.cost, limit)
    taken = steps.slope > price
    base_gain = math.fsum(base.tolist())
    spent = float(steps.cost[taken].sum())
    earned = float(steps.gain[taken].sum())
    bound = base_gain + earned + price * max(budget - spent, 0.0)
    _take(measure, steps, taken)
    if price > 0.0:
        filled = _fill(steps, taken, price, limit - spent)
        measure[steps.customer[filled]] = steps.measure[filled]
        earned += float(steps.gain[filled].sum())
        single = _best_single(gain, cost, base, limit)
        if single is not None and single[2] > earned:
            # never worse than the best single treatment: at least half of the bound
            measure, _ = free_choice(gain, cost)
            measure[single[0]] = single[1]
    return Choice(measure, price, bound)


def _take(measure: Codes, steps: Steps, taken: npt.NDArray[np.bool_]) -> None:
    """Put each customer on the last of its steps taken: the one that costs most in all."""
    chosen = np.flatnonzero(taken)
    # blocks hold all first steps, then all second steps, ...: later ones overwrite
    measure[steps.customer[chosen]] = steps.measure[chosen]


def _fill(steps: Steps, taken: npt.NDArray[np.bool_], price: float, left: float) -> Ints:
    """Return further steps that still fit: those at the price, then each customer's next one.

    In order of slope, ties in order of customers; a step that does not fit blocks the later
    steps of its customer. Taken alike at every budget, so the gain is monotone in the budget.
    """
    at_price = np.flatnonzero(steps.slope == price)
    # a customer's steps stand in their order; a stable sort keeps it
    at_price = at_price[np.argsort(steps.customer[at_price], kind="stable")]
    first, left = _take_while_fitting(steps, at_price, left)
    if not (~taken & (steps.cost <= left)).any():
        return first
    below = np.flatnonzero(~taken & (steps.slope < price))
    _, position = np.unique(steps.customer[below], return_index=True)
    following = below[position]
    refused = steps.slope == price
    refused[first] = False
    blocked = np.zeros(int(steps.customer.max(initial=0)) + 1, dtype=np.bool_)
    blocked[steps.customer[refused]] = True
    following = following[~blocked[steps.customer[following]]]
    following = following[steps.cost[following] <= left]
    order = following[np.lexsort((steps.customer[following], -steps.slope[following]))]
    then, _ = _take_while_fitting(steps, order, left)
    return np.concatenate([first, then])


def _take_while_fitting(steps: Steps, order: Ints, left: float) -> tuple[Ints, float]:
    """Return the steps taken in this order, and what is left: a prefix, then what still fits."""
    costs = steps.cost[order]
    spent = np.cumsum(costs)
    whole = int(np.searchsorted(spent, left, side="right"))
    if whole:
        left -= float(spent[whole - 1])
    if float(costs[whole:].min(initial=np.inf)) > left:
        return order[:whole], left
    least = np.minimum.accumulate(costs[whole:][::-1])[::-1].tolist()
    chosen: list[int] = []
    blocked = -1
    rest = zip(costs[whole:].tolist(), least, steps.customer[order[whole:]].tolist(), strict=True)
    for place, (cost, smallest, customer) in enumerate(rest, start=whole):
        if smallest > left:
            break
        if customer == blocked:
            continue
        if cost <= left:
            left -= cost
            chosen.append(place)
        else:
            blocked = customer
    return np.concatenate([order[:whole], order[np.array(chosen, dtype=np.int64)]]), left


def _best_single(
    gain: Floats, cost: Floats, base: Floats, limit: float
) -> tuple[int, int, float] | None:
    more = np.where(cost <= limit, gain - base[:, None], -np.inf)
    more[np.isnan(more)] = -np.inf
    place = int(more.argmax())
    row, column = divmod(place, gain.shape[1])
    best = float(more[row, column])
    return (row, column, best) if best > 0.0 else None
