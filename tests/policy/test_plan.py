"""The annual plan: targets from goals or from the plan; variance explained to the last unit."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit.errors import AlignmentError, InvalidTableError, SchemaError
from retainkit.policy import (
    Actual,
    AnnualPlan,
    DecisionTable,
    Goal,
    PlanGoals,
    PlanLine,
    allocate_budget,
    decide_actions,
    plan_year,
    review_plan,
)
from tests.policy.helpers import TIERS, potential_of, tiers_of

NAN = float("nan")
IDS = pd.Index(["a", "b", "c", "d", "e"])


def _decisions() -> DecisionTable:
    tiers = tiers_of(["key", "key", "ordinary", "small", "small"], customer_id=IDS)
    return decide_actions(tiers, potential=potential_of(["no"] * 5, customer_id=IDS))


def _plan() -> AnnualPlan:
    allocation = allocate_budget(
        [[9.0], [1.0], [5.0], [0.5], [-1.0]],
        [2.0],
        budget=4.0,
        measures=("letter",),
        customer_id=IDS,
    )
    goals = PlanGoals(
        year="2026",
        tiers=(Goal(name="key", owner="Li Wei", retention=0.95, profit=220.0),),
        accounts=(Goal(name="a", owner="Zhang San", share=0.5),),
    )
    return plan_year(
        _decisions(),
        goals=goals,
        profit=[100.0, 90.0, 30.0, 4.0, NAN],
        p_stay=[0.9, 0.8, 0.7, NAN, NAN],
        p_upgrade=[NAN, NAN, 0.25, 0.1, 0.2],
        allocation=allocation,
    )


def test_plan_by_hand() -> None:
    lines = {line.name: line for line in _plan().lines}
    assert list(lines) == ["key", "ordinary", "small", "a"]
    key, ordinary, small, account = lines.values()
    assert (key.profit, key.target_profit, key.basis) == (190.0, 220.0, "goal")
    assert key.retention == pytest.approx(0.85)
    assert key.target_retention == 0.95
    assert (ordinary.profit, ordinary.target_profit, ordinary.basis) == (30.0, 35.0, "plan")
    assert (small.profit, small.target_profit, small.basis) == (4.0, 4.0, "none")
    assert key.measures == (("letter", 1),)
    assert (key.budget, ordinary.budget, small.budget) == (2.0, 2.0, 0.0)
    assert small.target_promotions == pytest.approx(0.3)
    assert np.isnan(key.target_promotions)
    assert (account.kind, account.owner, account.profit) == ("account", "Zhang San", 100.0)
    assert account.target_share == 0.5
    assert _plan().budget == 4.0


def test_plan_is_shown_and_pickles() -> None:
    plan = pickle.loads(pickle.dumps(_plan()))
    assert plan.to_frame()["measures"].tolist() == ["letter (1)", "letter (1)", "", "letter (1)"]
    summary = plan.summary().set_index("name")
    assert summary.loc["total", "target_profit"] == 259.0
    assert summary.loc["total", "customers"] == 5


def test_variance_by_hand() -> None:
    """N 5 -> 6; key 2 -> 3 customers of 110 -> 100 each."""
    actual = {
        "key": Actual(3, 300.0, spent=5.0, retention=0.9),
        "ordinary": Actual(1, 40.0),
        "small": Actual(2, 2.0),
    }
    review = review_plan(_plan(), actual, accounts={"a": Actual(1, 120.0)})
    rows = {row.name: row for row in review.rows}
    assert rows["key"].volume == pytest.approx(1 * 2 / 5 * 110.0)
    assert rows["key"].mix == pytest.approx((3 - 6 * 2 / 5) * 110.0)
    assert rows["key"].rate == pytest.approx(3 * (100.0 - 110.0))
    assert rows["key"].over_budget == 3.0
    assert rows["key"].retention_gap == pytest.approx(-0.05)
    assert rows["a"].rate == 120.0 - (100.0 + 9.0)
    assert np.isnan(rows["small"].over_budget)
    owners = review.by_owner().set_index("owner")
    assert owners.index.tolist() == ["Li Wei", "Zhang San"]
    assert owners.loc["Li Wei", "attained"] == pytest.approx(300.0 / 220.0)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 50), st.floats(-900, 900), st.integers(0, 50), st.floats(-900, 900)
        ),
        min_size=3,
        max_size=3,
    )
)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_volume_mix_and_rate_add_up(cells: list[tuple[int, float, int, float]]) -> None:
    """volume + mix + rate = actual - planned on every row and in total; mix moves no heads."""
    lines = tuple(
        PlanLine("tier", name, None, n, p, p, NAN, NAN, NAN, NAN, NAN, (), 0.0, "goal")
        for name, (n, p, _, _) in zip(TIERS, cells, strict=True)
    )
    actual = {name: Actual(n, p) for name, (_, _, n, p) in zip(TIERS, cells, strict=True)}
    review = review_plan(AnnualPlan(year="x", lines=lines), actual)
    frame = review.summary()
    parts = frame["volume"] + frame["mix"] + frame["rate"]
    np.testing.assert_allclose(parts, frame["variance"], atol=1e-9)
    np.testing.assert_allclose(frame["actual"] - frame["planned"], frame["variance"], atol=1e-9)


def test_wrong_names_are_refused() -> None:
    decisions = _decisions()
    with pytest.raises(SchemaError, match="tiers"):
        plan_year(
            decisions, goals=PlanGoals(year="x", tiers=(Goal(name="gold"),)), profit=[1.0] * 5
        )
    with pytest.raises(SchemaError, match="no customer"):
        plan_year(
            decisions, goals=PlanGoals(year="x", accounts=(Goal(name="z"),)), profit=[1.0] * 5
        )
    with pytest.raises(AlignmentError):
        plan_year(decisions, goals=PlanGoals(year="x"), profit=[1.0])
    with pytest.raises(SchemaError, match="actuals"):
        review_plan(_plan(), {"key": Actual(1, 1.0)})
    full = dict.fromkeys(TIERS, Actual(1, 1.0))
    with pytest.raises(SchemaError, match="no accounts"):
        review_plan(_plan(), full, accounts={"z": Actual(1, 1.0)})
    with pytest.raises(InvalidTableError, match="customers"):
        review_plan(_plan(), {**full, "key": Actual(-1, 1.0)})
    with pytest.raises(ValidationError, match="more than one"):
        PlanGoals(year="x", tiers=(Goal(name="key"), Goal(name="key")))
