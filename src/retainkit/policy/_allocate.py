"""Give each customer at most one measure so that the plan earns most within its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import check_codes, check_length
from retainkit.errors import (
    AlignmentError,
    ConvergenceError,
    InvalidTableError,
    NotComputableError,
    SchemaError,
)
from retainkit.policy import _kernel_allocate, _kernel_limits
from retainkit.policy._allocation import NO_MEASURE, Allocation
from retainkit.policy._limits import AllocationLimit, limit_matrix
from retainkit.typing import FloatArray, IntArray


def allocate_budget(
    gain: Any,
    cost: Any,
    *,
    budget: float,
    measures: Sequence[str] | None = None,
    customer_id: pd.Index[Any] | None = None,
    limits: Sequence[AllocationLimit] = (),
    tier: IntArray | None = None,
    tier_names: Sequence[str] = (),
    uses: Mapping[str, Any] | None = None,
) -> Allocation:
    """Choose one measure or none for each customer so that the plan gains most in the budget.

    Parameters
    ----------
    gain : array_like of float, shape (n_customers, n_measures)
        Expected gain of each measure, net of its cost [money]; NaN = not allowed or not known.
        A frame brings the names of the measures and the customers with it.
    cost : array_like of float, shape (n_customers, n_measures) or (n_measures,)
        Expected cost that counts against the budget [money], not negative.
    budget : float
        What may be spent [money]; not negative, may be infinite.
    measures : sequence of str, optional
        Names of the columns; default the columns of a frame, else "measure_0", ...
    customer_id : pandas.Index, optional
        Customers, each once; default the index of a frame, else 0, 1, 2, ...
    limits : sequence of AllocationLimit
        Further limits; they are solved by linear programming instead (slower).
    tier : array of int, optional
        Tier of each customer, for limits by tier.
    tier_names : sequence of str
        Names of the tiers.
    uses : mapping of str to array_like, optional
        Units of each resource (hours, calls) per customer treated: one number per measure, or
        one per customer and measure. Limits count them by name.

    Returns
    -------
    Allocation
        In the order given. Ties go to the customer whose id sorts first, so the order of the
        rows changes nothing. Doing nothing (gain 0, cost 0) is always a candidate.

    Raises
    ------
    InvalidTableError
        If a cost or the budget is negative, or a customer appears twice.
    NotComputableError
        If no plan meets the limits.

    Notes
    -----
    The linear relaxation of this multiple-choice knapsack is solved exactly: only the upper hull
    of each customer's (cost, gain) points matters; its steps are bought in order of gain per
    unit of cost down to the price at which the budget is spent, found by bisection. Then the
    next steps that still fit are bought in the same order. The gain is monotone in the budget
    and at most one step below the bound: for many customers the gap is negligible. It is at
    least half of the bound wherever each measure alone fits the budget. The plan may exceed the
    budget by one part in 10^12 (rounding of sums).

    References
    ----------
    P. Sinha, A. A. Zoltners (1979), "The multiple-choice knapsack problem", Operations Research
    27: 503-515.

    Examples
    --------
    >>> from retainkit.policy import allocate_budget
    >>> gain = [[4.0, 9.0], [3.0, 4.0], [-1.0, 2.0]]  # letter, visit
    >>> plan = allocate_budget(gain, [1.0, 5.0], budget=6.0, measures=("letter", "visit"))
    >>> plan.to_frame()["measure"].tolist()
    ['visit', 'letter', 'do_nothing']
    >>> plan.gain, plan.cost, plan.next_unit
    (12.0, 6.0, 'the next unit of budget earns 0.4')
    """
    base = _read(gain, cost, budget, measures, customer_id)
    if limits:
        codes = None if tier is None else _tiers(tier, tuple(tier_names), len(base.customer_id))
        resources = _resources(uses or {}, base)
        return _allocate_limited(base, budget, tuple(limits), codes, tuple(tier_names), resources)
    order = _canonical(base.customer_id)
    unordered = order is None
    choice = _kernel_allocate.allocate(
        base.gain if unordered else base.gain[order],
        base.cost if unordered else base.cost[order],
        budget,
    )
    measure = choice.measure if order is None else _back(choice.measure, order)
    return _allocation(base, measure, budget, choice.shadow_price, choice.bound)


def budget_frontier(
    gain: Any,
    cost: Any,
    *,
    budgets: Sequence[float],
    measures: Sequence[str] | None = None,
    customer_id: pd.Index[Any] | None = None,
    limits: Sequence[AllocationLimit] = (),
    tier: IntArray | None = None,
    tier_names: Sequence[str] = (),
    uses: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return what plans of several budgets gain: the frontier to choose a budget from.

    Parameters
    ----------
    gain, cost : array_like of float
        As in `allocate_budget`.
    budgets : sequence of float
        Budgets to compare [money].
    measures, customer_id, limits, tier, tier_names, uses : optional
        As in `allocate_budget`; the limits hold for every plan.

    Returns
    -------
    pandas.DataFrame
        One row per budget in ascending order: budget, cost and gain [money], customers (treated),
        next_unit_earns, gap. Gain never falls as the budget rises.

    Examples
    --------
    >>> from retainkit.policy import budget_frontier
    >>> budget_frontier([[4.0], [3.0], [1.0]], [2.0], budgets=[0, 2, 4, 8])
       budget  cost  gain  customers  next_unit_earns  gap
    0     0.0   0.0   0.0          0              2.0  0.0
    1     2.0   2.0   4.0          1              1.5  0.0
    2     4.0   4.0   7.0          2              0.5  0.0
    3     8.0   6.0   8.0          3              0.0  0.0
    """
    plans = [
        allocate_budget(
            gain,
            cost,
            budget=budget,
            measures=measures,
            customer_id=customer_id,
            limits=limits,
            tier=tier,
            tier_names=tier_names,
            uses=uses,
        )
        for budget in sorted(float(b) for b in budgets)
    ]
    columns = ["budget", "cost", "gain", "customers", "next_unit_earns", "gap"]
    rows = [
        (p.budget, p.cost, p.gain, int((p.measure >= 0).sum()), p.shadow_price, p.gap)
        for p in plans
    ]
    return pd.DataFrame(rows, columns=columns)


class _Base(NamedTuple):
    gain: FloatArray
    cost: FloatArray
    measures: tuple[str, ...]
    customer_id: pd.Index[Any]


def _read(
    gain: Any,
    cost: Any,
    budget: float,
    measures: Sequence[str] | None,
    customer_id: pd.Index[Any] | None,
) -> _Base:
    if not budget >= 0.0:
        raise InvalidTableError(f"budget is {budget}", rule="a budget is 0 or more [money]")
    if isinstance(gain, pd.DataFrame):
        measures = [str(name) for name in gain.columns] if measures is None else measures
        customer_id = gain.index if customer_id is None else customer_id
    gains = _table(gain, "gain")
    n, m = gains.shape
    names = tuple(f"measure_{j}" for j in range(m)) if measures is None else tuple(measures)
    check_length(len(names), m, "measures")
    ids = pd.RangeIndex(n) if customer_id is None else customer_id
    check_length(len(ids), n, "customer_id")
    if not ids.is_unique:
        twice = ids[ids.duplicated()][:3].tolist()
        raise InvalidTableError(f"customers appear twice, first {twice}", rule="one row each")
    costs = _table(np.atleast_2d(np.asarray(cost, dtype=np.float64)), "cost")
    if costs.shape not in ((n, m), (1, m)):
        raise AlignmentError(
            f"costs of shape {costs.shape} for gains of shape {gains.shape}",
            rule="one cost per measure, or one per customer and measure",
        )
    wrong = np.argwhere(~(costs >= 0.0) & ~np.isnan(gains))
    if wrong.size:
        raise InvalidTableError(
            "a cost is negative or missing where a gain is known",
            rule="costs are 0 or more; a saving belongs into the gain",
            where=f"first row and column {wrong[0].tolist()}",
        )
    return _Base(gains, np.broadcast_to(costs, (n, m)), names, ids)


def _table(values: Any, what: str) -> FloatArray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"not numbers: {error}", rule="a table of numbers", where=what) from None
    if array.ndim != 2 or np.isinf(array).any():
        raise SchemaError(
            f"{array.ndim} dimensions or infinite entries",
            rule="finite numbers or NaN, one row per customer, one column per measure",
            where=what,
        )
    return array


def _canonical(ids: pd.Index[Any]) -> npt.NDArray[np.int64] | None:
    """Return the order in which ids ascend; None when they already do."""
    return None if ids.is_monotonic_increasing else np.asarray(ids.argsort(), dtype=np.int64)


def _back(measure: npt.NDArray[np.int16], order: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
    given = np.empty_like(measure)
    given[order] = measure
    return given


def _tiers(tier: IntArray, names: tuple[str, ...], n: int) -> IntArray:
    codes = np.asarray(tier)
    check_length(codes.size, n, "tier")
    check_codes(codes, len(names), "tier")
    return codes


def _allocation(
    base: _Base,
    measure: npt.NDArray[np.int16],
    budget: float,
    price: float,
    bound: float,
    prices: tuple[tuple[str, float], ...] = (),
    used: tuple[tuple[str, float], ...] = (),
) -> Allocation:
    if NO_MEASURE in base.measures:
        measure[measure == base.measures.index(NO_MEASURE)] = -1
    treated = np.flatnonzero(measure >= 0)
    gain, cost = np.zeros(measure.size), np.zeros(measure.size)
    gain[treated] = base.gain[treated, measure[treated]]
    cost[treated] = base.cost[treated, measure[treated]]
    return Allocation(
        customer_id=base.customer_id,
        measures=base.measures,
        measure=measure,
        expected_gain=gain,
        expected_cost=cost,
        budget=float(budget),
        shadow_price=price,
        bound=bound,
        limit_prices=prices,
        limit_used=used,
    )


def _allocate_limited(
    base: _Base,
    budget: float,
    limits: tuple[AllocationLimit, ...],
    tier: IntArray | None,
    tier_names: tuple[str, ...],
    uses: Mapping[str, FloatArray],
) -> Allocation:
    order = base.customer_id.argsort()
    cost = np.where(np.isnan(base.gain), 0.0, base.cost)
    system = limit_matrix(
        limits,
        cost[order],
        budget,
        measures=base.measures,
        tier=None if tier is None else tier[order],
        tier_names=tier_names,
        uses={name: table[order] for name, table in uses.items()},
    )
    try:
        choice = _kernel_limits.solve(base.gain[order], system)
    except RuntimeError as error:
        raise ConvergenceError(f"the solver gave up: {error}") from None
    if choice is None:
        raise NotComputableError(
            "no plan meets every limit within the budget",
            rule="least coverages must be affordable and within capacities",
            where=", ".join(limit.id for limit in limits),
            fix="raise the budget or lower at_least",
        )
    prices = tuple(
        (limit.id, float(price)) for limit, price in zip(limits, choice.prices[1:], strict=True)
    )
    amounts = _kernel_limits.used(choice.measure, system, base.gain.shape[1])[1:]
    used = tuple((x.id, float(amount)) for x, amount in zip(limits, amounts, strict=True))
    measure = _back(choice.measure, np.asarray(order))
    price = float(choice.prices[0])
    return _allocation(base, measure, budget, price, choice.bound, prices, used)


def _resources(uses: Mapping[str, Any], base: _Base) -> dict[str, FloatArray]:
    """Return the units of each resource per customer and measure."""
    tables: dict[str, FloatArray] = {}
    for name, given in uses.items():
        table = _table(np.atleast_2d(np.asarray(given, dtype=np.float64)), f"uses[{name!r}]")
        if table.shape not in (base.gain.shape, (1, base.gain.shape[1])) or (table < 0.0).any():
            raise AlignmentError(
                f"uses of shape {table.shape}, least {np.min(table, initial=0.0):g}",
                rule="0 or more units per measure, or per customer and measure",
                where=f"uses[{name!r}]",
            )
        tables[name] = np.broadcast_to(table, base.gain.shape)
    return tables
