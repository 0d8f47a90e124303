"""The list of actions lives from run to run, and its trial is read when it is over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import BudgetConfig, PipelineConfig, RetentionPipeline, RetentionResult
from retainkit.policy import ActionPlan, ActionPrice, EffectSize, PlanConfig
from tests.runs import run_cdnow

PRICES = (
    ActionPrice(action="ask_why", cost=3.0, effect=EffectSize(value=0.1)),
    ActionPrice(action="win_back_offer", cost=2.0, win_back=EffectSize(value=0.05)),
)
CONFIG = PipelineConfig(
    prices=PRICES, budget=BudgetConfig(amount=500.0), plan=PlanConfig(duration_days=60)
)
FIRST, WITHIN, LATER = "1998-03-31", "1998-05-15", "1998-06-30"


@pytest.fixture(scope="module")
def first() -> RetentionResult:
    return RetentionPipeline(CONFIG).run(load_cdnow_sample(), as_of=FIRST)


@pytest.fixture(scope="module")
def within(first: RetentionResult) -> RetentionResult:
    return RetentionPipeline(CONFIG).run(load_cdnow_sample(), as_of=WITHIN, previous=first)


@pytest.fixture(scope="module")
def later(first: RetentionResult) -> RetentionResult:
    return RetentionPipeline(CONFIG).run(load_cdnow_sample(), as_of=LATER, previous=first)


def by_customer(result: RetentionResult) -> pd.DataFrame:
    return result.plan.to_frame().set_index("customer_id")


def test_every_customer_has_one_row_or_left_the_funnel(first: RetentionResult) -> None:
    frame, funnel = first.plan.to_frame(), first.plan.funnel()
    assert frame["customer_id"].is_unique
    assert funnel["customers"].sum() == len(first)
    steps = set(funnel["step"])
    removed = [first.plan.removed(step) for step in steps]
    assert sum(len(ids) for ids in removed) == len(first)
    doing = frame[frame["arm"].isin(["not_proven", "treated"])]
    assert set(doing["customer_id"]) == set(first.plan.removed("planned"))
    held = frame[frame["arm"].isin(["held_out", "never_treated"])]
    assert set(held["customer_id"]) == set(first.plan.removed("held_out"))
    assert len(first.plan.removed("budget")) > 0


def test_the_list_fits_the_budget_and_names_its_gain(first: RetentionResult) -> None:
    frame = first.plan.to_frame()
    priced = frame[frame["expected_gain"].notna()]
    assert 0 < priced["cost"].sum() <= 500.0
    assert (priced["gain_low"] < priced["expected_gain"]).all()
    assert (priced["expected_gain"] < priced["gain_high"]).all()
    assert np.allclose(priced["break_even"], priced["cost"] / priced["worth"])
    effect = priced["action"].map({"ask_why": 0.1, "win_back_offer": 0.05})
    assert np.allclose(priced["expected_gain"], effect * priced["worth"] - priced["cost"])


def test_adverse_actions_are_never_held_out(first: RetentionResult) -> None:
    frame = first.plan.to_frame()
    fixed = frame["stance"].isin(["economise", "exit", "let_go", "no_contact"])
    assert (frame.loc[fixed, "arm"] == "not_proven").all()
    assert fixed.any()


def test_nobody_changes_sides_within_a_trial(
    first: RetentionResult, within: RetentionResult
) -> None:
    before, now = by_customer(first), by_customer(within)
    tried = before[before["arm"] != "not_proven"]
    columns = ["action_id", "action", "arm", "trial", "trial_end", "first_raised", "cost"]
    pd.testing.assert_frame_equal(now.loc[tried.index, columns], tried[columns], check_dtype=False)
    new = now[(now["arm"] != "not_proven") & ~now.index.isin(tried.index)]
    assert (new["trial"] == tried["trial"].iloc[0]).all()
    assert within.proof is not None
    assert not within.proof.is_over
    assert within.proof.ends is not None
    closed = now.loc[tried.index]
    assert set(closed["status"]) <= {"open", "closed"}


def test_when_it_is_over_it_is_read_and_the_next_begins(
    first: RetentionResult, later: RetentionResult
) -> None:
    assert later.proof is not None
    assert later.proof.is_over
    frame = later.plan.to_frame()
    assert set(frame["trial"]) - {""} == {f"retainkit {LATER}"}
    before = by_customer(first)
    same = frame[frame["action_id"].isin(before["action_id"])]
    assert (same["first_raised"] == pd.Timestamp(FIRST)).all()
    asked = same[same["stance"].isin(["rescue", "win_back"])].set_index("customer_id")
    old = before.loc[asked.index, "arm"]
    assert set(asked.loc[old == "held_out", "attempts"]) <= {0}
    assert set(asked.loc[old == "treated", "attempts"]) == {1}


def test_a_planted_effect_is_found_to_the_cent(
    first: RetentionResult, later: RetentionResult
) -> None:
    """Every treated customer of one action buys for 10 more: the effect read is 10 higher."""
    rows = load_cdnow_sample()
    frame = by_customer(first)
    treated = frame.index[(frame["action"] == "free_reminder") & (frame["arm"] == "treated")]
    gift = rows.iloc[: len(treated)].copy()
    gift["customer_id"], gift["amount"] = treated.to_numpy(), 10.0
    gift["timestamp"] = pd.Timestamp("1998-04-20")
    more = RetentionPipeline(CONFIG).run(
        pd.concat([rows, gift], ignore_index=True), as_of=LATER, previous=first
    )
    effects = []
    for result in (later, more):
        assert result.proof is not None
        found = result.proof.to_frame()
        whole = found[(found["action"] == "free_reminder") & (found["group"] == "all")]
        effects.append(whole["effect"].item())
    assert effects[1] - effects[0] == pytest.approx(10.0)


def test_what_a_person_writes_stays(first: RetentionResult) -> None:
    frame = first.plan.to_frame()
    outside = frame.index[frame["arm"] == "not_proven"][:3]
    frame.loc[outside[0], "status"] = "declined"
    frame.loc[outside[1], "status"] = "snoozed"
    frame.loc[outside[1], "snoozed_until"] = pd.Timestamp("1998-05-01")
    frame.loc[outside[2], "override_by"] = "Li Wei"
    frame.loc[outside[2], "action"] = "do_nothing"
    edited = replace(first, plan=ActionPlan.from_frame(frame))
    later = RetentionPipeline(CONFIG).run(load_cdnow_sample(), as_of=WITHIN, previous=edited)
    now = by_customer(later)
    who = frame.loc[outside, "customer_id"].tolist()
    assert now.loc[who[0], "status"] == "declined"
    assert who[0] in later.plan.removed("contact_limit")
    assert now.loc[who[1], "status"] == "open"
    assert now.loc[who[2], "action"] == "do_nothing"
    assert now.loc[who[2], "override_by"] == "Li Wei"


def test_three_rounds_without_an_answer_end_win_back(first: RetentionResult) -> None:
    rows = first.plan.rows
    asked = rows["stance"] == "win_back"
    tired = rows.assign(attempts=np.where(asked, 3, 0))
    before = replace(first, plan=replace(first.plan, written=tired, source=None))
    later = RetentionPipeline(CONFIG).run(load_cdnow_sample(), as_of=LATER, previous=before)
    still = by_customer(later).reindex(rows.loc[asked, "customer_id"]).dropna(subset=["state"])
    still = still[still["state"] == "gone"]
    assert len(still) > 20
    assert not still["stance"].isin(["win_back", "rescue"]).any()


def test_an_action_with_too_few_customers_is_not_tried() -> None:
    """It is carried out for all, and the list says how many customers would prove something.

    By hand: (1.960 + 0.842) cv sqrt(1 / (n s (1 - s))) = 0.25 at n = needed.
    """
    plan = RetentionPipeline().run(load_cdnow_sample(), as_of=FIRST).plan
    small, rows = plan.too_small(), plan.rows
    assert len(small) > 0
    assert (plan.trials()["detectable"] <= 1.0).all()
    assert not set(small["action"]) & set(plan.trials()["action"])
    for one in small.to_dict("records"):
        listed = rows[(rows["action"] == one["action"]) & rows["held_out_share"].notna()]
        assert set(listed["arm"]) == {"not_proven"}
        share = listed["held_out_share"].iloc[0]
        exact = (2.801585 * plan.cv / 0.25) ** 2 / (share * (1.0 - share))
        assert one["needed"] == pytest.approx(exact, abs=2.0)
        assert one["trials"] == np.ceil(one["needed"] / one["customers"])
    for language, word in (("en", "too few customers"), ("zh", "客户太少")):
        said = plan.describe(language)[-1]  # type: ignore[arg-type]
        assert word in said
        largest = small.iloc[int(small["customers"].to_numpy().argmax())]
        assert f"{largest['needed']:,}" in said


def test_without_prices_the_stake_decides_and_the_gap_says_so() -> None:
    result = run_cdnow(FIRST)
    frame = result.plan.to_frame()
    assert frame["expected_gain"].isna().all()
    let_go = frame["stance"] == "let_go"
    assert 0 < let_go.sum() < len(frame)
    assert let_go.is_monotonic_increasing  # who is let go comes last
    in_play = frame["at_stake"].fillna(frame["expected_value"])  # nothing at risk of the others
    assert 0 < frame["at_stake"].notna().sum() < len(frame)
    for rows in (in_play[~let_go], in_play[let_go]):
        assert rows.fillna(0.0).is_monotonic_decreasing
    said = result.plan.describe()
    told = [one for one in said if "ranked by" in one]
    assert told == [
        "ranked by value at stake where silence has put something at risk, else by expected value: "
        "no action has a price"
    ]
    assert not any("ranked" in one for gap in result.gaps for one in gap)  # said once
    assert any(gap.id == "prices" for gap in result.gaps)
    assert result.budget is None


def test_both_languages(within: RetentionResult) -> None:
    frame = within.plan.to_frame(language="zh")
    said = frame["why"][frame["why"] != ""]
    assert said.str.contains("[一-鿿]").all()
    assert said.str.contains(r"\d").mean() > 0.9
    assert frame["trigger"].str.contains("[一-鿿]").all()
    assert within.plan.describe("zh")[0].startswith("待执行行动")
