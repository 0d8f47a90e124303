"""Arrays in, arrays out: one measure per customer under several limits, by linear programming."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int16]

_WHOLE = 1e-6


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

    A vertex has at most as many divided customers as there are limits. They, and the `near`
    customers who lie closest to indifference, are decided again as a small integer program
    within what the others leave.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix, vstack

    n, m = gain.shape
    allowed = ~np.isnan(gain).ravel()
    columns = np.flatnonzero(allowed)
    value = gain.ravel()[columns]
    weights = limits.weights[:, columns]
    rows = columns // m
    one_each = csr_matrix(
        (np.ones(columns.size), (rows, np.arange(columns.size))), (n, columns.size)
    )
    upper, lower = np.isfinite(limits.high), np.isfinite(limits.low)
    matrix = vstack([one_each, weights[upper], -weights[lower]]).tocsr()
    right = np.concatenate([np.ones(n), limits.high[upper], -limits.low[lower]])
    result = linprog(-value, A_ub=matrix, b_ub=right, bounds=(0.0, None), method="highs-ds")
    if result.status == 2:
        return None
    if result.status != 0:
        raise RuntimeError(result.message)
    duals = -np.asarray(result.ineqlin.marginals)
    prices = np.zeros(limits.low.size)
    prices[upper] += duals[n : n + int(upper.sum())]
    prices[lower] -= duals[n + int(upper.sum()) :]
    share = np.asarray(result.x)
    measure = _whole(share, columns, rows, (n, m))
    open_rows = _open_rows(share, rows, value - weights.T @ prices, (n, near))
    measure[open_rows] = -1
    if not _decide_rest(measure, open_rows, gain, limits):
        return None
    return LimitedChoice(measure, prices, -float(result.fun or 0.0))


def _whole(
    share: Floats,
    columns: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    shape: tuple[int, int],
) -> Codes:
    measure = np.full(shape[0], -1, dtype=np.int16)
    full = share > 1.0 - _WHOLE
    measure[rows[full]] = columns[full] % shape[1]
    return measure


def _open_rows(
    share: Floats, rows: npt.NDArray[np.int64], reduced: Floats, size: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """Return divided customers and those whose best two choices are nearly equal in price."""
    n, near = size
    best, second = np.zeros(n), np.full(n, -np.inf)
    order = np.lexsort((-reduced, rows))
    first = np.concatenate(([True], rows[order][1:] != rows[order][:-1])) if rows.size else order
    if rows.size:
        top = order[first]
        follows = order[np.flatnonzero(first[:-1] & ~first[1:]) + 1]
        best[rows[top]] = reduced[top]
        second[rows[follows]] = reduced[follows]
    spread = np.where(best > 0.0, best - np.maximum(second, 0.0), -best)
    divided = np.unique(rows[(share > _WHOLE) & (share < 1.0 - _WHOLE)])
    close = np.argsort(spread, kind="stable")[:near]
    return np.union1d(divided, close)


def _decide_rest(
    measure: Codes, open_rows: npt.NDArray[np.int64], gain: Floats, limits: Limits
) -> bool:
    """Decide the open customers within what the others leave; False when it cannot be done."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_matrix, vstack

    m = gain.shape[1]
    fixed = np.flatnonzero(measure >= 0)
    used = np.zeros(limits.low.size)
    if fixed.size:
        used = np.asarray(limits.weights[:, fixed * m + measure[fixed]].sum(axis=1)).ravel()
    columns = (open_rows[:, None] * m + np.arange(m)).ravel()
    columns = columns[~np.isnan(gain.ravel()[columns])]
    if not columns.size:
        return bool(np.all(used >= limits.low - 1e-9) and np.all(used <= limits.high + 1e-9))
    place = np.searchsorted(open_rows, columns // m)
    one_each = csr_matrix(
        (np.ones(columns.size), (place, np.arange(columns.size))), (open_rows.size, columns.size)
    )
    slack = 1e-9 * np.maximum(1.0, np.where(np.isfinite(limits.high), np.abs(limits.high), 1.0))
    result = milp(
        -gain.ravel()[columns],
        constraints=LinearConstraint(
            vstack([one_each, limits.weights[:, columns]]).tocsr(),
            np.concatenate([np.zeros(open_rows.size), limits.low - used - slack]),
            np.concatenate([np.ones(open_rows.size), limits.high - used + slack]),
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
