"""Prices, arms, detectable effects, and reading a trial back."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from retainkit.errors import SchemaError
from retainkit.policy import (
    ActionPlan,
    ActionPrice,
    EffectSize,
    GainTable,
    MeasureCatalog,
    PlanConfig,
    evaluate_plan,
    plan_sensitivity,
    share_to_hold_out,
    smallest_detectable_effect,
)
from retainkit.policy import _kernel_trial as kernel
from retainkit.policy._plan_rows import action_ids
from retainkit.policy._plan_table import COLUMNS
from retainkit.policy._prices import price_effects, with_prices


def test_the_smallest_effect_by_hand() -> None:
    """10 % of 1,000 and cv 2: (1.960 + 0.8416) x 2 x sqrt(1/100 + 1/900) = 0.59 of the mean."""
    by_hand = (1.959964 + 0.841621) * 2.0 * np.sqrt(1 / 100 + 1 / 900)
    assert smallest_detectable_effect(1000, 0.1, cv=2.0) == pytest.approx(by_hand, rel=1e-6)
    assert round(by_hand, 2) == 0.59
    assert smallest_detectable_effect(0, 0.1, cv=2.0) == np.inf


@given(
    customers=st.integers(50, 10**6),
    effect=st.floats(0.01, 2.0),
    cv=st.floats(0.2, 5.0),
)
def test_the_share_shows_the_effect_and_no_smaller_one_does(
    customers: int, effect: float, cv: float
) -> None:
    share = share_to_hold_out(customers, effect, cv=cv)
    assert 0.0 < share <= 0.5
    found = smallest_detectable_effect(customers, share, cv=cv)
    if share < 0.5:
        assert found == pytest.approx(effect, rel=1e-6)
    else:
        assert found >= effect * (1 - 1e-6)


def test_arms_are_drawn_in_their_shares() -> None:
    rng = np.random.default_rng(0)
    n = 200_000
    planned = np.arange(n) < n // 2
    arm = kernel.draw_arms(
        planned, ~planned, np.full(n, 0.1), rng.random(n), rng.random(n), never=0.03, explore=0.015
    )
    shares = [np.mean(arm[planned] == code) for code in (1, 2, 3)]
    assert shares == pytest.approx([0.97 * 0.9, 0.97 * 0.1, 0.03], abs=0.003)
    shares = [np.mean(arm[~planned] == code) for code in (4, 5)]
    assert shares == pytest.approx([0.97 * 0.015, 0.97 * 0.045], abs=0.002)
    neither = kernel.draw_arms(
        np.zeros(5, bool), np.zeros(5, bool), np.full(5, 0.1), np.zeros(5), np.zeros(5),
        never=0.03, explore=0.015,
    )  # fmt: skip
    assert not neither.any()


def test_an_effect_is_the_difference_of_means_with_welchs_interval() -> None:
    """Without a forecast: scipy's Welch test on each group."""
    rng = np.random.default_rng(1)
    group, treated = rng.integers(0, 3, 900), rng.random(900) < 0.7
    outcome = rng.gamma(1.0, 10.0, 900) + 5.0 * treated * group
    found = kernel.read_effects(group, 3, treated, outcome, np.zeros(900), 0.95)
    for g in range(3):
        one, other = (outcome[(group == g) & (treated == side)] for side in (True, False))
        oracle = stats.ttest_ind(one, other, equal_var=False)
        interval = oracle.confidence_interval(0.95)
        assert found.effect[g] == pytest.approx(one.mean() - other.mean())
        assert (found.low[g], found.high[g]) == pytest.approx((interval.low, interval.high))
        assert found.base[g] == pytest.approx(other.mean())


def test_the_forecast_narrows_the_interval_and_leaves_the_effect() -> None:
    rng = np.random.default_rng(2)
    forecast = rng.gamma(1.0, 100.0, 4000)
    treated = rng.random(4000) < 0.5
    outcome = forecast + 7.0 * treated + rng.normal(0.0, 10.0, 4000)
    group = np.zeros(4000, dtype=np.int64)
    plain = kernel.read_effects(group, 1, treated, outcome, 0.0 * forecast, 0.95)
    sharp = kernel.read_effects(group, 1, treated, outcome, forecast, 0.95)
    assert sharp.error[0] < 0.2 * plain.error[0]
    assert sharp.effect[0] == pytest.approx(7.0, abs=1.5)


def test_too_few_say_nothing() -> None:
    treated = np.arange(40) < 35
    found = kernel.read_effects(np.zeros(40, int), 1, treated, np.ones(40), np.zeros(40), 0.95)
    assert np.isnan(found.low[0])
    idle = np.where(np.arange(40) < 5, 1.0, 0.0)
    rare = kernel.read_effects(
        np.zeros(40, int), 1, np.arange(40) % 2 == 0, idle, np.zeros(40), 0.95
    )
    assert np.isnan(rare.low[0])


def test_beliefs_combine_by_precision() -> None:
    """Normal prior 0.1 +- 0.1 and estimate 0.3 +- 0.1 meet in the middle: 0.2 +- 0.0707."""
    one = np.array([0.1])
    both = kernel.update(kernel.Belief(one, one), np.array([0.3]), one)
    assert both.mean[0] == pytest.approx(0.2)
    assert both.deviation[0] == pytest.approx(0.1 / np.sqrt(2.0))
    same = kernel.update(kernel.Belief(one, one), np.array([np.nan]), np.array([np.nan]))
    assert (same.mean[0], same.deviation[0]) == pytest.approx((0.1, 0.1))
    flat = kernel.Belief(np.array([0.0]), np.array([np.inf]))
    assert kernel.update(flat, np.array([0.3]), one).mean[0] == pytest.approx(0.3)


def test_beliefs_of_one_firm_move_together() -> None:
    """Two beliefs of 0.1 +- 0.1, correlated by half; the first is seen to be 0.3 +- 0.1.

    By hand: the first moves half of the way, the second half as far; var 0.01 - 0.005^2 / 0.02.
    """
    belief = kernel.Belief(np.array([0.1, 0.1]), np.array([0.1, 0.1]))
    nan = np.nan
    found = kernel.update_together(belief, np.array([0.3, nan]), np.array([0.1, nan]))
    assert found.mean == pytest.approx([0.2, 0.15])
    assert found.deviation**2 == pytest.approx([0.005, 0.00875])
    flat = kernel.Belief(np.array([0.0, 0.1]), np.array([np.inf, 0.1]))
    found = kernel.update_together(flat, np.array([0.3, nan]), np.array([0.1, nan]))
    assert found.mean == pytest.approx([0.3, 0.1])


def test_shares_of_worth_are_read_whatever_customers_are_worth() -> None:
    """A tenth of the worth is a tenth, although one customer is worth as much as all others."""
    rng = np.random.default_rng(4)
    n, worth = 8000, rng.gamma(2.0, 50.0, 8000)
    worth[0] = worth.sum()
    group, treated = rng.integers(0, 4, n), rng.random(n) < 0.5
    bought = rng.random(n) < 0.5 + 0.1 * treated
    share, error = kernel.read_shares(group, 4, treated, bought * worth, 0.5 * worth, worth)
    assert np.abs(share - 0.1).max() < 4.0 * error.max()
    plain = 0.5 * np.sqrt(4.0 / (n / 4.0))  # of one group by itself
    assert (error < 0.95 * plain).all()
    nothing = kernel.read_shares(group, 4, treated, 0.0 * worth, 0.0 * worth, 0.0 * worth)
    assert np.isnan(nothing[0]).all()


def test_prices_hold_for_who_is_there_and_for_who_is_gone() -> None:
    price = ActionPrice(
        action="win_back_offer", cost=2.0,
        effect=EffectSize(value=0.1, low=0.05, high=0.15),
        win_back=EffectSize(value=0.02, low=0.0, high=0.04),
    )  # fmt: skip
    found = price_effects((price,), np.array([100.0, 100.0]), np.array([False, True]))
    assert found.mean[:, 0].tolist() == [10.0, 2.0]
    assert found.deviation[0, 0] == pytest.approx(5.0 / 1.959964)
    assert found.sure[:, 0].tolist() == [True, True]  # a gain of 0 is as likely as not
    assert price.break_even(50.0) == 0.04
    later = price.replace(trials=3)
    assert kernel.needed(np.array([3, 0]), 3).tolist() == [0.98, 0.8]
    assert kernel.needed(np.array([0]), 0).tolist() == [0.5]
    again = price_effects((later,), np.array([100.0, 100.0]), np.array([False, True]))
    assert again.sure[:, 0].tolist() == [True, False]


@pytest.mark.parametrize(
    "wrong",
    [{"value": 0.1, "low": 0.0}, {"value": 0.1, "low": 0.2, "high": 0.3}, {"value": -1.1}],
)
def test_an_effect_holds_itself(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        EffectSize.model_validate(wrong)


def test_wrong_prices_are_refused() -> None:
    price = ActionPrice(action="trade_up", cost=1.0)
    with pytest.raises(SchemaError, match="more than once"):
        with_prices(MeasureCatalog(), (price, price))
    with pytest.raises(SchemaError, match="closest ids"):
        with_prices(MeasureCatalog(), (price.replace(action="trade_upp"),))
    assert with_prices(MeasureCatalog(), (price,)).measure("trade_up").cost.expected == 1.0
    with pytest.raises(ValidationError, match="without a hold-out"):
        PlanConfig(least_held_out=0.0)


def test_ids_of_actions_depend_on_customer_state_and_rule_only() -> None:
    ids = pd.Index([1, 2, 3])
    one = action_ids(ids, ["quiet"] * 3, ["quiet_and_small"] * 3)
    texts = action_ids(ids.astype(str), ["quiet"] * 3, ["quiet_and_small"] * 3)
    assert one.tolist() == texts.tolist()
    other = action_ids(ids, ["gone"] * 3, ["quiet_and_small"] * 3)
    assert not set(one) & set(other)
    assert all(len(text) == 16 for text in one)


def make_plan(n: int = 400, **columns: Any) -> ActionPlan:
    """A plan of one action: every fourth customer is held out."""
    held = np.arange(n) % 4 == 0
    day = pd.Timestamp("2025-01-01")
    values: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    values |= {
        "action_id": [f"{i:016x}" for i in range(n)],
        "customer_id": np.arange(n),
        "state": "present",
        "tier": np.where(np.arange(n) < n // 2, "key", "small"),
        "stance": "protect",
        "action": "personal_ties",
        "cost": 2.0,
        "expected_gain": 6.0,
        "gain_low": 0.0,
        "gain_high": 8.0,
        "at_stake": 10.0,
        "break_even": 0.02,
        "holdout": held,
        "status": "open",
        "attempts": 0,
        "trial": "t",
        "trial_start": day,
        "trial_end": day + pd.Timedelta(days=100),
        "first_raised": day,
        "due": day,
        "arm": np.where(held, "held_out", "treated"),
        "held_out_share": 0.25,
        "expected_value": 50.0,
        "worth": 100.0,
    }
    return ActionPlan.from_frame(pd.DataFrame(values | columns))


PRICE = ActionPrice(action="personal_ties", cost=2.0, effect=EffectSize(value=0.04))


def outcomes_of(plan: ActionPlan, effect: float, noise: float = 1.0) -> pd.Series[float]:
    rng = np.random.default_rng(3)
    rows = plan.rows
    treated = (rows["arm"] == "treated").to_numpy(dtype=np.float64)
    came = 50.0 + noise * rng.normal(size=len(rows)) + effect * treated
    return pd.Series(came.tolist(), pd.Index(rows["customer_id"]), dtype=float)


def test_what_was_planned_is_held_against_what_came() -> None:
    """Horizon 200 days, trial 100: an effect of 8 counted on is 4 by then, less 2 of cost."""
    plan = make_plan()
    found = evaluate_plan(
        plan,
        as_of="2025-04-11",
        horizon_days=200.0,
        outcomes=outcomes_of(plan, 5.0),
        prices=(PRICE,),
    )
    row = found.to_frame().iloc[0]
    assert row["effect"] == pytest.approx(5.0, abs=0.3)
    assert row["low"] < 5.0 < row["high"]
    assert row["planned"] == pytest.approx(300 * (8.0 / 2 - 2.0))
    assert row["actual"] == pytest.approx(300 * (row["effect"] - 2.0))
    assert row["finding"] == "pays"
    assert row["effect_share"] == pytest.approx(row["effect"] / 50.0)
    (price,) = found.prices
    assert price.trials == 1
    assert price.effect is not None
    assert 0.09 < price.effect.value < 0.11
    assert found.describe()[0].startswith("the last plan, by its hold-out: 1 pay")
    assert "1 项划算" in found.describe("zh")[0]


def test_an_action_is_split_where_each_part_can_show_its_effect() -> None:
    plan = make_plan()
    sharp = evaluate_plan(
        plan, as_of="2025-04-11", horizon_days=200.0, outcomes=outcomes_of(plan, 5.0)
    ).to_frame()
    assert sharp["group"].tolist()[:3] == ["all", "present, key", "present, small"]
    vague = evaluate_plan(
        plan, as_of="2025-04-11", horizon_days=200.0, outcomes=outcomes_of(plan, 5.0, noise=30.0)
    ).to_frame()
    assert vague["group"].tolist()[:2] == ["all", "all plans"]


def test_a_harmful_action_loses() -> None:
    plan = make_plan()
    found = evaluate_plan(
        plan, as_of="2025-04-11", horizon_days=200.0, outcomes=outcomes_of(plan, -3.0),
        prices=(PRICE,),
    )  # fmt: skip
    assert found.to_frame()["finding"].iloc[0] == "loses"
    (price,) = found.prices
    effects = price_effects((price,), np.array([100.0]), np.array([False]))
    assert not effects.sure.any()


def test_nothing_is_read_before_the_trial_is_over() -> None:
    plan = make_plan()
    found = evaluate_plan(
        plan,
        as_of="2025-04-10",
        horizon_days=200.0,
        outcomes=outcomes_of(plan, 5.0),
        prices=(PRICE,),
    )
    assert (len(found), found.is_over, found.ends) == (0, False, date(2025, 4, 11))
    assert found.prices == (PRICE,)
    assert "2025-04-11" in found.describe()[0]


def test_money_counts_from_the_day_after_to_the_last_of_the_trial() -> None:
    plan = make_plan(40)
    days = ["2025-01-01", "2025-01-02", "2025-04-11", "2025-04-12"]
    rows = pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(40), 4),
            "timestamp": pd.to_datetime(days * 40),
            "amount": np.tile([1000.0, 1.0, 2.0, 1000.0], 40),
        }
    )
    found = evaluate_plan(plan, as_of="2025-05-01", horizon_days=200.0, transactions=rows)
    assert found.to_frame()["without"].iloc[0] == 3.0
    with pytest.raises(SchemaError, match="both"):
        evaluate_plan(plan, as_of="2025-05-01", horizon_days=200.0)


def test_a_plan_reads_back_as_it_was_edited() -> None:
    plan = make_plan(8)
    frame = plan.to_frame()
    text = frame.to_csv(index=False)
    from io import StringIO

    edited = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
    edited.loc[1, "status"] = "declined"
    again = ActionPlan.from_frame(edited)
    assert again.to_frame()["status"].tolist()[1] == "declined"
    assert again.to_frame()["trial_end"].equals(frame["trial_end"])
    assert again.to_frame()["cost"].equals(frame["cost"])
    edited.loc[1, "status"] = "forgotten"
    with pytest.raises(SchemaError, match="forgotten"):
        ActionPlan.from_frame(edited)
    with pytest.raises(SchemaError, match="action_id"):
        ActionPlan.from_frame(edited.drop(columns="action_id"))
    assert len(pickle.loads(pickle.dumps(plan))) == 8


def test_sensitivity_by_hand() -> None:
    """Budget 2.5 buys two of three letters; 20 % more buys the third, 20 % less still two."""
    gains = GainTable(
        customer_id=pd.RangeIndex(4),
        measures=("do_nothing", "letter"),
        gain=np.array([[0, 4.0], [0, 3.0], [0, 2.0], [0, -0.1]]),
        cost=np.array([[0, 1.0]] * 4),
        free_riders=np.zeros((4, 2)),
        tier=np.zeros(4, dtype=np.int8),
        tier_names=("all",),
    )
    table = plan_sensitivity(gains, budget=2.5).set_index(["assumption", "change"])["changed"]
    assert table["budget", -0.2] == 0.0
    assert table["budget", 0.2] == pytest.approx(1 / 3)
    free = plan_sensitivity(gains, budget=np.inf).set_index(["assumption", "change"])["changed"]
    assert free["margin", 0.2] == pytest.approx(1 / 4)  # 0.9 x 1.2 - 1 > 0: the fourth pays too
    assert free["margin", -0.2] == 0.0


def test_who_is_let_go_is_no_action_to_carry_out() -> None:
    plan = make_plan()
    whole = plan.describe()[0]
    rows = plan.rows.assign(stance="let_go")
    told = replace(plan, written=rows).describe()
    assert ": 0 actions" not in whole
    assert told[0].startswith("to carry out: 0 actions")
    assert any(line.endswith("nothing is spent on them any more") for line in told)
