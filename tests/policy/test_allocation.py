"""One measure per customer inside a budget: laws, brute force, the linear program's bound."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix, vstack

from retainkit.errors import (
    AlignmentError,
    InvalidTableError,
    NotComputableError,
    SchemaError,
)
from retainkit.policy import (
    AllocationLimit,
    MeasureCatalog,
    ResourceUse,
    allocate_budget,
    budget_frontier,
    catalog_limits,
)
from retainkit.typing import FloatArray

NAN = float("nan")
LAW = settings(deadline=None, derandomize=True, max_examples=40)


@st.composite
def bases(draw: st.DrawFn) -> tuple[FloatArray, FloatArray]:
    """Small bases with ties, free measures, measures not allowed and harmful ones."""
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    gains = st.lists(st.integers(-3, 12), min_size=n * m, max_size=n * m)
    costs = st.lists(st.integers(0, 6), min_size=n * m, max_size=n * m)
    forbidden = st.lists(st.booleans(), min_size=n * m, max_size=n * m)
    gain = np.array(draw(gains), dtype=float)
    gain[np.array(draw(forbidden))] = NAN
    return gain.reshape(n, m), np.array(draw(costs), dtype=float).reshape(n, m)


def _best(gain: FloatArray, cost: FloatArray, budget: float) -> float:
    """Try every plan."""
    n, m = gain.shape
    best = 0.0
    for plan in itertools.product(range(-1, m), repeat=n):
        pairs = [(i, j) for i, j in enumerate(plan) if j >= 0]
        if any(np.isnan(gain[pair]) for pair in pairs):
            continue
        if sum(cost[pair] for pair in pairs) <= budget:
            best = max(best, sum(gain[pair] for pair in pairs))
    return best


def _relaxation(gain: FloatArray, cost: FloatArray, budget: float) -> float:
    """Bound by an independent solver."""
    n, m = gain.shape
    value = np.where(np.isnan(gain), -1e6, gain).ravel()
    rows = np.repeat(np.arange(n), m)
    one_each = csr_matrix((np.ones(n * m), (rows, np.arange(n * m))), (n, n * m))
    matrix: Any = vstack([one_each, csr_matrix(cost.ravel()[None, :])])
    solved = linprog(-value, A_ub=matrix, b_ub=[*np.ones(n), budget], bounds=(0, None))
    return -float(solved.fun or 0.0)


@given(bases(), st.integers(0, 20))
@LAW
def test_bound_is_the_linear_programs_and_plan_is_feasible(
    base: tuple[FloatArray, FloatArray], budget: int
) -> None:
    """The bound equals the LP optimum; the plan is at most the best of all plans.

    It is at least half of the bound where each measure alone fits the budget.
    """
    gain, cost = base
    plan = allocate_budget(gain, cost, budget=budget)
    assert plan.cost <= budget
    assert plan.bound == pytest.approx(_relaxation(gain, cost, budget), abs=1e-7)
    best = _best(gain, cost, budget) if gain.shape[0] <= 4 else plan.bound
    assert plan.gain <= best + 1e-9
    if cost[~np.isnan(gain)].max(initial=0.0) <= budget:
        assert plan.gain >= plan.bound / 2 - 1e-9
    treated = plan.measure >= 0
    assert not np.isnan(gain[treated, plan.measure[treated]]).any()


@given(bases())
@LAW
def test_no_budget_gives_only_free_measures(base: tuple[FloatArray, FloatArray]) -> None:
    """B = 0: only measures that cost nothing, and of these the best."""
    gain, cost = base
    plan = allocate_budget(gain, cost, budget=0.0)
    free = np.where(cost == 0.0, np.nan_to_num(gain, nan=-1.0), -1.0).max(axis=1)
    assert (plan.expected_cost == 0.0).all()
    np.testing.assert_array_equal(plan.expected_gain, np.maximum(free, 0.0))


@given(bases())
@LAW
def test_a_large_budget_gives_every_customer_its_best(base: tuple[FloatArray, FloatArray]) -> None:
    """B large: the largest gain of each customer, or nothing; more money earns nothing."""
    gain, cost = base
    for budget in (float(cost.sum()), np.inf):
        plan = allocate_budget(gain, cost, budget=budget)
        best = np.maximum(np.nan_to_num(gain, nan=-1.0).max(axis=1), 0.0)
        np.testing.assert_array_equal(plan.expected_gain, best)
        assert plan.shadow_price == 0.0
        assert plan.gap == 0.0


@given(bases())
@LAW
def test_gain_never_falls_as_the_budget_rises(base: tuple[FloatArray, FloatArray]) -> None:
    """Monotone in the budget; the shadow price never rises."""
    frontier = budget_frontier(*base, budgets=np.arange(0, 37, 3.0).tolist())
    assert frontier["gain"].is_monotonic_increasing
    assert frontier["next_unit_earns"].is_monotonic_decreasing


@given(bases(), st.integers(0, 20), st.randoms(use_true_random=False))
@LAW
def test_order_of_customers_changes_nothing(
    base: tuple[FloatArray, FloatArray], budget: int, random: object
) -> None:
    """A permutation of the rows permutes the plan."""
    gain, cost = base
    n = len(gain)
    ids = pd.Index([f"c{i}" for i in range(n)])
    order = np.random.default_rng(n + budget).permutation(n)
    plan = allocate_budget(gain, cost, budget=budget, customer_id=ids)
    mixed = allocate_budget(gain[order], cost[order], budget=budget, customer_id=ids[order])
    np.testing.assert_array_equal(plan.measure[order], mixed.measure)
    assert (plan.shadow_price, plan.bound) == (mixed.shadow_price, mixed.bound)


@given(
    st.lists(st.lists(st.integers(1, 5), min_size=3, max_size=3), min_size=1, max_size=6),
    st.integers(0, 40),
)
@LAW
def test_at_most_one_step_is_missing_from_the_bound(costs: list[list[int]], budget: int) -> None:
    """Every measure earns 2 per unit of cost: what is not spent is less than one step."""
    cost = np.array(costs, dtype=float)
    plan = allocate_budget(2.0 * cost, cost, budget=float(budget))
    unspent = min(budget, cost.max(axis=1).sum()) - plan.cost
    assert 0.0 <= unspent < 5.0
    assert plan.bound - plan.gain == pytest.approx(2.0 * unspent)


def test_equal_steps_are_spent() -> None:
    cost = np.tile([1.0, 2.0, 3.0], (40_000, 1))
    plan = allocate_budget(2.0 * cost, cost, budget=54_321.5)
    assert plan.cost == 54_321.0
    assert plan.gap < 1e-5


def test_ties_go_to_the_id_that_sorts_first() -> None:
    plan = allocate_budget(
        [[2.0], [2.0], [2.0]], [1.0], budget=1.0, customer_id=pd.Index(["c", "a", "b"])
    )
    assert plan.measure.tolist() == [-1, 0, -1]


def test_shadow_price_by_hand() -> None:
    """Steps: 4/1, then 9-4 over 5-1 = 1.25, 3/1 = 3; a budget of 3 stops within the 1.25."""
    plan = allocate_budget([[4.0, 9.0], [3.0, NAN]], [1.0, 5.0], budget=3.0)
    assert plan.measure.tolist() == [0, 0]
    assert plan.shadow_price == 1.25
    assert plan.bound == 7.0 + 1.25
    assert plan.next_unit == "the next unit of budget earns 1.25"


def test_three_thousand_customers_against_the_linear_program() -> None:
    rng = np.random.default_rng(4)
    cost = rng.uniform(0.5, 9.0, (3_000, 5))
    gain = rng.gamma(1.5, 5.0, (3_000, 1)) * rng.random((3_000, 5)) * np.sqrt(cost) - cost / 3
    plan = allocate_budget(gain, cost, budget=2_000.0)
    assert plan.cost <= 2_000.0
    assert plan.bound == pytest.approx(_relaxation(gain, cost, 2_000.0), rel=1e-9)
    assert plan.gap < 1e-4


def test_limits_hold_and_are_priced() -> None:
    rng = np.random.default_rng(5)
    n = 200
    cost = rng.uniform(1.0, 5.0, (n, 3))
    gain = rng.normal(3.0, 4.0, (n, 3))
    tier = rng.integers(0, 2, n)
    limits = (
        AllocationLimit(id="visits", measures=("visit",), at_most=10),
        AllocationLimit(id="key", tiers=("key",), at_least=75),
        AllocationLimit(id="post", measures=("letter",), counts="cost", at_most=30),
    )
    names = ("letter", "call", "visit")
    plan = allocate_budget(
        gain, cost, budget=250.0, measures=names, limits=limits, tier=tier, tier_names=("key", "x")
    )
    assert plan.cost <= 250.0 + 1e-6
    assert (plan.measure == 2).sum() <= 10
    assert ((plan.measure >= 0) & (tier == 0)).sum() >= 75
    assert plan.expected_cost[plan.measure == 0].sum() <= 30.0 + 1e-6
    assert 0.0 <= plan.gap < 5e-3
    prices = dict(plan.limit_prices)
    assert prices["visits"] > 0.0
    assert prices["key"] <= 0.0
    order = rng.permutation(n)
    mixed = allocate_budget(
        gain[order],
        cost[order],
        budget=250.0,
        measures=names,
        limits=limits,
        tier=tier[order],
        tier_names=("key", "x"),
        customer_id=pd.Index(order),
    )
    np.testing.assert_array_equal(plan.measure[order], mixed.measure)


def test_settling_most_customers_by_price_keeps_the_linear_programs_bound() -> None:
    """2,600 customers are solved in parts; the bound is that of the whole program."""
    rng = np.random.default_rng(8)
    n = 2_600
    gain, cost = rng.normal(2.0, 3.0, (n, 2)), rng.uniform(1.0, 3.0, (n, 2))
    limit = AllocationLimit(id="few", measures=("measure_1",), at_most=200)
    plan = allocate_budget(gain, cost, budget=1_500.0, limits=(limit,))
    rows = np.repeat(np.arange(n), 2)
    each = csr_matrix((np.ones(2 * n), (rows, np.arange(2 * n))), (n, 2 * n))
    sums: Any = csr_matrix(np.vstack([cost.ravel(), np.tile([0.0, 1.0], n)]))
    matrix: Any = vstack([each, sums])
    solved = linprog(
        -gain.ravel(), A_ub=matrix, b_ub=np.array([*np.ones(n), 1_500.0, 200.0]), bounds=(0, None)
    )
    assert plan.bound == pytest.approx(-float(solved.fun or 0.0), rel=1e-9)
    assert plan.gap < 1e-4


def test_a_limit_that_does_not_bind_changes_nothing() -> None:
    rng = np.random.default_rng(6)
    gain, cost = rng.normal(2.0, 3.0, (50, 2)), rng.uniform(1.0, 3.0, (50, 2))
    free = allocate_budget(gain, cost, budget=1e6)
    loose = allocate_budget(
        gain, cost, budget=1e6, limits=(AllocationLimit(id="all", at_most=1e6),)
    )
    np.testing.assert_array_equal(free.measure, loose.measure)


def test_limits_that_cannot_be_met_are_refused() -> None:
    with pytest.raises(NotComputableError, match="no plan meets"):
        allocate_budget(
            [[1.0], [1.0]], [5.0], budget=5.0, limits=(AllocationLimit(id="all", at_least=2),)
        )
    with pytest.raises(SchemaError, match="names measures"):
        allocate_budget(
            [[1.0]],
            [5.0],
            budget=5.0,
            limits=(AllocationLimit(id="a", measures=("x",), at_most=1),),
        )
    with pytest.raises(SchemaError, match="names tiers"):
        allocate_budget(
            [[1.0]],
            [5.0],
            budget=5.0,
            tier_names=("key",),
            limits=(AllocationLimit(id="a", tiers=("key",), at_most=1),),
        )
    with pytest.raises(ValidationError, match="no bound"):
        AllocationLimit(id="a")
    with pytest.raises(ValidationError, match="exceeds"):
        AllocationLimit(id="a", at_least=2, at_most=1)


def test_input_is_checked() -> None:
    with pytest.raises(InvalidTableError, match="budget"):
        allocate_budget([[1.0]], [1.0], budget=-1.0)
    with pytest.raises(InvalidTableError, match="negative"):
        allocate_budget([[1.0]], [-1.0], budget=1.0)
    with pytest.raises(InvalidTableError, match="twice"):
        allocate_budget([[1.0], [1.0]], [1.0], budget=1.0, customer_id=pd.Index([1, 1]))
    with pytest.raises(AlignmentError, match="shape"):
        allocate_budget([[1.0]], [1.0, 2.0], budget=1.0)
    with pytest.raises(SchemaError):
        allocate_budget([1.0], [1.0], budget=1.0)
    with pytest.raises(SchemaError, match="not numbers"):
        allocate_budget([["x"]], [1.0], budget=1.0)


def test_frames_summaries_and_pickles() -> None:
    frame = pd.DataFrame({"letter": [5.0, 3.0], "do_nothing": [0.0, 0.0]}, index=["a", "b"])
    plan = pickle.loads(pickle.dumps(allocate_budget(frame, [2.0, 0.0], budget=2.0)))
    shown = plan.to_frame()
    assert shown["customer_id"].tolist() == ["a", "b"]
    assert shown["measure"].tolist() == ["letter", "do_nothing"]
    summary = plan.summary()
    assert summary["measure"].tolist() == ["do_nothing", "letter", "total"]
    assert summary["customers"].iloc[:-1].sum() == len(plan) == 2
    assert len(allocate_budget(np.empty((0, 2)), [1.0, 1.0], budget=1.0)) == 0


def test_capacities_of_a_catalogue_become_limits() -> None:
    catalog = MeasureCatalog()
    assert catalog_limits(catalog) == ()
    changed = catalog.with_measures(catalog.measure("trade_up").replace(capacity=3))
    (limit,) = catalog_limits(changed)
    assert (limit.measures, limit.at_most, limit.counts) == (("trade_up",), 3.0, "customers")


def _hours(at_most: float | None = None, at_least: float | None = None) -> AllocationLimit:
    return AllocationLimit(id="hours", counts="advisor_hours", at_most=at_most, at_least=at_least)


def test_hours_shared_by_two_measures_by_hand() -> None:
    """Visit 3 hours, call 0.5: in 4 hours one visit (gain 9) and two calls (2 + 2) are best."""
    gain = [[9.0, 2.0], [8.0, 2.0], [7.5, 2.0]]
    uses = {"advisor_hours": [3.0, 0.5]}
    plan = allocate_budget(
        gain, [0.0, 0.0], budget=100.0, measures=("visit", "call"), uses=uses, limits=(_hours(4.0),)
    )
    assert plan.to_frame()["measure"].tolist() == ["visit", "call", "call"]
    assert plan.gain == 13.0
    assert plan.limit_used == (("hours", 4.0),)
    assert dict(plan.limit_prices)["hours"] > 0.0
    least = allocate_budget(
        np.negative(gain),
        [0.0, 0.0],
        budget=100.0,
        measures=("visit", "call"),
        uses=uses,
        limits=(_hours(at_least=1.0),),
    )
    assert sorted(least.measure.tolist()) == [-1, 1, 1]


@pytest.mark.parametrize("seed", range(3))
def test_hours_against_an_integer_program(seed: int) -> None:
    """Hours that differ between customers, a channel's own limit; scipy's exact solution."""
    rng = np.random.default_rng(seed)
    n, m = 40, 3
    gain, cost = rng.normal(3.0, 4.0, (n, m)), rng.uniform(0.5, 3.0, (n, m))
    hours = rng.uniform(0.2, 2.0, (n, m))
    calls = AllocationLimit(id="calls", measures=("measure_0",), at_most=6)
    plan = allocate_budget(
        gain, cost, budget=30.0, limits=(_hours(15.0), calls), uses={"advisor_hours": hours}
    )
    each = np.kron(np.eye(n), np.ones(m))
    first = np.tile([1.0, 0.0, 0.0], n)
    rows = np.vstack([each, cost.ravel(), hours.ravel(), first])
    high = np.array([*np.ones(n), 30.0, 15.0, 6.0])
    exact = milp(
        -gain.ravel(),
        constraints=LinearConstraint(rows, -np.inf, high),
        integrality=np.ones(n * m, dtype=np.int64),
        bounds=Bounds(0.0, 1.0),
    )
    treated = np.flatnonzero(plan.measure >= 0)
    used = hours[treated, plan.measure[treated]].sum()
    assert used <= 15.0 + 1e-6
    assert dict(plan.limit_used)["hours"] == pytest.approx(used)
    assert dict(plan.limit_used)["calls"] == (plan.measure == 0).sum()
    assert plan.gain == pytest.approx(-float(exact.fun or 0.0), rel=2e-4)


def test_hours_that_nobody_uses_are_refused() -> None:
    with pytest.raises(SchemaError, match="advisor_hours"):
        allocate_budget([[1.0]], [1.0], budget=1.0, limits=(_hours(1.0),))
    for wrong in ([1.0, 2.0], [-1.0]):
        with pytest.raises(AlignmentError, match="uses"):
            allocate_budget(
                [[1.0]], [1.0], budget=1.0, limits=(_hours(1.0),), uses={"advisor_hours": wrong}
            )
    with pytest.raises(ValidationError, match="customers or cost"):
        MeasureCatalog().measure("trade_up").replace(
            uses=(ResourceUse(resource="cost", amount=1.0),)
        )
