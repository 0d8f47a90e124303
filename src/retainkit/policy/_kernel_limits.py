"""Arrays in, arrays out: one measure per customer under several limits, by linear programming."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int16]

_WHOLE = 1e-6
_NOISE = 1e-9
_SMALL = 2_000


class Limits(NamedTuple):
    """Linear limits: each row of `weights` summed over what is chosen lies in [low, high]."""

    weights: Any
    """Sparse matrix, limits x (customers x measures)."""
    low: Floats
    high: Floats


class LimitedChoice(NamedTuple):
    """One plan, the price of each limit, and the bound."""

    measure: Codes
    prices: Floats
    bound: float


def solve(gain: Floats, limits: Limits, *, near: int = 300) -> LimitedChoice | None:
    """Return the best plan of the linear program, made whole; None when nothing is feasible.

    At given prices of the limits each customer has a best choice. Prices from a sample settle
    most customers; the program is solved for those near indifference, and solved again with
    every customer whom its prices contradict, until none is: then the plan is optimal for all.
    A vertex has at most as many divided customers as there are limits. They, and the `near`
    customers closest to indifference, are decided again as a small integer program within what
    the others leave.
    """
    n = gain.shape[0]
    everybody = np.arange(n)
    prices = np.zeros(limits.low.size)
    open_rows = everybody
    noise = _NOISE * (1.0 + float(np.nanmax(np.abs(gain), initial=0.0)))
    if n > _SMALL:
        sample = everybody[:: n // _SMALL]
        part = sample.size / n
        found = _relax(gain, limits, sample, limits.low * part, limits.high * part)
        prices = prices if found is None else found.prices
        open_rows = np.sort(_closest(_reduced(gain, limits, prices), _SMALL))
    while True:
        reduced = _reduced(gain, limits, prices)
        measure = _best(reduced)
        measure[open_rows] = -1
        taken = used(measure, limits, gain.shape[1])
        found = _relax(gain, limits, open_rows, limits.low - taken, limits.high - taken)
        if found is None:
            if open_rows.size == n:
                return None
            size = min(4 * open_rows.size, n)
            open_rows = np.sort(_closest(reduced, size)) if size < n else everybody
            continue
        reduced = _reduced(gain, limits, found.prices)
        settled = np.setdiff1d(everybody, open_rows, assume_unique=True)
        wrong = settled[_at(reduced, measure)[settled] < reduced.max(axis=1)[settled] - noise]
        if not wrong.size:
            break
        open_rows = np.union1d(open_rows, wrong)
    measure[open_rows] = found.measure
    earned = np.flatnonzero(measure >= 0)
    earned = earned[~np.isin(earned, open_rows)]
    bound = found.value + float(gain[earned, measure[earned]].sum())
    undecided = np.union1d(open_rows[found.divided], _closest(reduced, near))
    measure[undecided] = -1
    if not _decide_rest(measure, undecided, gain, limits):
        return None
    return LimitedChoice(measure, found.prices, bound)


class _Relaxed(NamedTuple):
    measure: Codes
    divided: npt.NDArray[np.bool_]
    prices: Floats
    value: float


def _relax(
    gain: Floats, limits: Limits, open_rows: npt.NDArray[np.int64], low: Floats, high: Floats
) -> _Relaxed | None:
    """Solve the linear program for some customers; None when it has no solution."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix, vstack

    n, m = open_rows.size, gain.shape[1]
    inside = np.flatnonzero(~np.isnan(gain[open_rows].ravel()))
    rows = inside // m
    weights = limits.weights[:, open_rows[rows] * m + inside % m]
    entries = (np.ones(inside.size), (rows, np.arange(inside.size)))
    upper, lower = np.isfinite(high), np.isfinite(low)
    one_each = csr_matrix(entries, (n, inside.size))
    result = linprog(
        -gain[open_rows].ravel()[inside],
        A_ub=vstack([one_each, weights[upper], -weights[lower]]).tocsr(),
        b_ub=np.concatenate([np.ones(n), high[upper], -low[lower]]),
        bounds=(0.0, None),
        method="highs-ds",
    )
    if result.status == 2:
        return None
    if result.status != 0:
        raise RuntimeError(result.message)
    duals = -np.asarray(result.ineqlin.marginals)[n:]
    prices = np.zeros(low.size)
    prices[upper] += duals[: int(upper.sum())]
    prices[lower] -= duals[int(upper.sum()) :]
    share = np.asarray(result.x)
    measure = np.full(n, -1, dtype=np.int16)
    full = share > 1.0 - _WHOLE
    measure[rows[full]] = inside[full] % m
    divided = np.zeros(n, dtype=np.bool_)
    divided[rows[(share > _WHOLE) & ~full]] = True
    return _Relaxed(measure, divided, prices, -float(result.fun or 0.0))


def _reduced(gain: Floats, limits: Limits, prices: Floats) -> Floats:
    """Return gain less what each choice uses at these prices; the last column is nothing."""
    net = gain - np.asarray(limits.weights.T @ prices).reshape(gain.shape)
    net[np.isnan(net)] = -np.inf
    return np.column_stack([net, np.zeros(gain.shape[0])])


def _best(reduced: Floats) -> Codes:
    best: Codes = reduced.argmax(axis=1).astype(np.int16)
    best[best == reduced.shape[1] - 1] = -1
    return best


def _at(reduced: Floats, measure: Codes) -> Floats:
    """Return what each customer's choice is worth; -1 is the last column."""
    worth: Floats = reduced[np.arange(measure.size), measure]
    return worth


def _closest(reduced: Floats, size: int) -> npt.NDArray[np.int64]:
    """Return the customers whose two best choices differ least."""
    top = np.partition(reduced, reduced.shape[1] - 2, axis=1)[:, -2:]
    return np.argsort(top[:, 1] - top[:, 0], kind="stable")[:size]


def used(measure: Codes, limits: Limits, m: int) -> Floats:
    """Return what a plan uses of each limit."""
    fixed = np.flatnonzero(measure >= 0)
    if not fixed.size:
        return np.zeros(limits.low.size)
    return np.asarray(limits.weights[:, fixed * m + measure[fixed]].sum(axis=1)).ravel()


def _decide_rest(
    measure: Codes, open_rows: npt.NDArray[np.int64], gain: Floats, limits: Limits
) -> bool:
    """Decide the open customers within what the others leave; False when it cannot be done."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_matrix, vstack

    m = gain.shape[1]
    taken = used(measure, limits, m)
    columns = (open_rows[:, None] * m + np.arange(m)).ravel()
    columns = columns[~np.isnan(gain.ravel()[columns])]
    if not columns.size:
        return bool(np.all(taken >= limits.low - 1e-9) and np.all(taken <= limits.high + 1e-9))
    place = np.searchsorted(open_rows, columns // m)
    one_each = csr_matrix(
        (np.ones(columns.size), (place, np.arange(columns.size))), (open_rows.size, columns.size)
    )
    slack = 1e-9 * np.maximum(1.0, np.where(np.isfinite(limits.high), np.abs(limits.high), 1.0))
    result = milp(
        -gain.ravel()[columns],
        constraints=LinearConstraint(
            vstack([one_each, limits.weights[:, columns]]).tocsr(),
            np.concatenate([np.zeros(open_rows.size), limits.low - taken - slack]),
            np.concatenate([np.ones(open_rows.size), limits.high - taken + slack]),
        ),
        integrality=np.ones(columns.size),
        bounds=Bounds(0.0, 1.0),
        options={"mip_rel_gap": 1e-4, "time_limit": 20.0},
    )
    if result.x is None:
        return False
    chosen = columns[np.asarray(result.x) > 0.5]
    measure[chosen // m] = chosen % m
    return True
