"""States in a run: whatever the horizon, alone as together, and what follows from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import PipelineConfig, RetentionPipeline, RetentionResult
from retainkit.value import summarize_customers
from tests.runs import run_cdnow

AS_OF = "1998-06-30"


@pytest.fixture(scope="module")
def result() -> RetentionResult:
    return run_cdnow(AS_OF)


@pytest.fixture(scope="module")
def view(result: RetentionResult) -> pd.DataFrame:
    return result.customers.to_frame()


@pytest.mark.parametrize("horizon", [30, 90])
def test_states_do_not_depend_on_the_horizon(view: pd.DataFrame, horizon: int) -> None:
    config = PipelineConfig(horizon_days=horizon)
    other = RetentionPipeline(config).run(load_cdnow_sample(), as_of=AS_OF).customers.to_frame()
    names = ["state", "state_reason", "state_since", "former_tier"]
    pd.testing.assert_frame_equal(other[names], view[names])


def test_a_customer_alone_has_the_same_state_tier_and_action(
    result: RetentionResult, view: pd.DataFrame
) -> None:
    rows, everybody = [0, 7, 19, 500], load_cdnow_sample()
    theirs = everybody[everybody["customer_id"].isin(view.loc[rows, "customer_id"])]
    few = result.model.score(summarize_customers(theirs, as_of=AS_OF)).to_frame()
    names = ["state", "state_reason", "tier", "former_tier", "stance", "action"]
    pd.testing.assert_frame_equal(few[names], view.loc[rows, names].reset_index(drop=True))


def test_only_who_is_there_is_graded(result: RetentionResult, view: pd.DataFrame) -> None:
    gone = (view["state"] == "gone").to_numpy()
    assert 0 < gone.sum() < len(view)
    assert (view.loc[gone, "tier"] == "lost").all()
    assert view.loc[gone, "former_tier"].notna().all()
    assert not (view.loc[~gone, "tier"] == "lost").any()
    assert view.loc[~gone, "former_tier"].isna().all()
    assert result.model.tier_scheme.n == (~gone).sum()
    key = (view["tier"] == "key").sum()
    assert 0 < key <= 0.2 * (~gone).sum()


def test_who_is_gone_is_won_back_for_two_windows_and_then_let_go(
    result: RetentionResult, view: pd.DataFrame
) -> None:
    window = result.scores.states.scheme.window_days
    gone = view[view["state"] == "gone"]
    days = (pd.Timestamp(AS_OF) - gone["state_since"]).dt.days
    worth = gone["former_tier"].isin(["key", "ordinary"])
    expected = np.where(worth & (days <= 2 * window), "win_back", "let_go")
    assert gone["stance"].astype(str).tolist() == expected.tolist()
    assert "do_nothing" not in set(gone["action"].astype(str))


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")  # four are too few
def test_ended_contracts_are_gone_on_their_day_and_running_ones_never() -> None:
    start = pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01", "2025-12-20"])
    contracts = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "start": start,
            "end": pd.to_datetime(pd.Series([None, "2025-11-10", None, None])),
            "amount": [30.0, 40.0, 20.0, 10.0],
        }
    )
    view = RetentionPipeline().run(contracts=contracts, as_of="2025-12-31").customers.to_frame()
    state = view.set_index("customer_id")["state"].astype(str)
    assert state.to_dict() == {"a": "present", "b": "gone", "c": "present", "d": "new"}
    (ended,) = view.loc[view["state"] == "gone", "state_since"]
    assert ended == pd.Timestamp("2025-11-10")


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")  # five are too few
def test_events_make_a_running_contract_quiet_and_a_death_ends_it() -> None:
    names = ["a", "b", "c", "d", "e"]
    contracts = pd.DataFrame(
        {
            "customer_id": names,
            "start": pd.to_datetime(["2025-01-01"] * 5),
            "end": pd.to_datetime(pd.Series([None] * 5)),
            "amount": [30.0, 40.0, 20.0, 10.0, 50.0],
        }
    )
    rows = [
        ("b", "2025-12-20", "cancellation_request", None),
        ("c", "2025-12-01", "payment_failed", None),
        ("c", "2025-12-03", "payment_recovered", None),
        ("d", "2025-12-05", "death", None),
        ("e", "2025-06-05", "complaint", None),
        ("a", "2025-06-05", "complaint", "2025-06-09"),
    ]
    events = pd.DataFrame(rows, columns=["customer_id", "timestamp", "kind", "resolved_at"])
    events["timestamp"] = pd.to_datetime(events["timestamp"])
    events["resolved_at"] = pd.to_datetime(events["resolved_at"])
    result = RetentionPipeline().run(contracts=contracts, events=events, as_of="2025-12-31")
    view = result.customers.to_frame().set_index("customer_id")
    assert view["state"].astype(str).to_dict() == {
        **{"a": "present", "b": "quiet", "c": "present", "d": "ended", "e": "quiet"}
    }
    assert view.loc["d", "state_since"] == pd.Timestamp("2025-12-05")
    assert view.loc["d", "stance"] == "no_contact"
    assert view.loc["e", "state_reason"] == "a complaint is open"
