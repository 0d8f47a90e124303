"""backtest: what the past runs saw, what came, and what stands beside it."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

import retainkit as rk
from retainkit._pipeline._folds import known_by, lay_folds
from retainkit.errors import NotComputableError, SchemaError
from retainkit.pipeline import BacktestResult, PipelineConfig, RetentionPipeline

SAID = ["p_active", "expected_value", "low", "high", "score", "tier", "stance"]


def purchases() -> pd.DataFrame:
    rows = [
        *(("a", "2025-01-01", 10.0), ("b", "2025-01-15", 20.0), ("c", "2025-01-20", 5.0)),
        *(("a", "2025-02-01", 10.0), ("b", "2025-02-28", 7.0)),
        # what came in the 31 days after 2025-02-28
        *(("a", "2025-03-01", 30.0), ("c", "2025-03-15", -2.0), ("d", "2025-03-10", 100.0)),
        *(("a", "2025-03-31", -5.0), ("b", "2025-04-01", 50.0)),
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "timestamp", "amount"])
    return frame.assign(timestamp=pd.to_datetime(frame["timestamp"]))


@pytest.fixture(scope="module")
def small() -> BacktestResult:
    return rk.backtest(
        purchases(),
        as_of="2025-04-30",
        folds=("2025-02-28",),
        config=PipelineConfig(horizon_days=31),
    )


def of(tested: BacktestResult, candidate: str) -> pd.DataFrame:
    frame = tested.to_frame()
    return frame[frame["candidate"] == candidate].set_index("customer_id")


def test_what_came_is_counted_from_the_next_day_to_the_last_of_the_window(
    small: BacktestResult,
) -> None:
    run = of(small, "run")
    assert run["actual_value"].to_dict() == {"a": 25.0, "b": 0.0, "c": -2.0}
    assert run["actual_active"].to_dict() == {"a": True, "b": False, "c": False}


def test_those_who_came_later_stand_beside(small: BacktestResult) -> None:
    fold = small.folds.iloc[0]
    assert (fold["customers"], fold["actual"]) == (3, 23.0)
    assert (fold["entrants"], fold["entrants_actual"]) == (1, 100.0)
    assert fold["reason"] == ""


def test_plain_rules(small: BacktestResult) -> None:
    assert of(small, "past_spend")["expected_value"].to_dict() == {"a": 20.0, "b": 27.0, "c": 5.0}
    # from 2025-01-29 to 2025-02-28
    assert of(small, "recent_spend")["expected_value"].to_dict() == {"a": 10.0, "b": 7.0, "c": 0.0}
    assert of(small, "recency")["score"].to_dict() == {"a": -27.0, "b": 0.0, "c": -39.0}
    assert of(small, "recency")["expected_value"].isna().all()


@pytest.fixture(scope="module")
def cdnow() -> BacktestResult:
    return rk.backtest(rk.load_cdnow_sample(), as_of="1998-06-30", folds=("1997-09-30",))


def test_the_run_is_the_run_on_the_rows_known_then(cdnow: BacktestResult) -> None:
    rows = rk.load_cdnow_sample()
    config = PipelineConfig(horizon_days=273, annual_discount_rate=0.0)
    known = rows[rows["timestamp"] <= "1997-09-30"]
    view = RetentionPipeline(config).run(known, as_of="1997-09-30").customers.to_frame()
    wanted = view.set_index("customer_id").loc[of(cdnow, "run").index]
    found = of(cdnow, "run")
    for mine, theirs in (
        *(("p_active", "p_active"), ("expected_value", "expected_value")),
        *(("low", "expected_value_low"), ("high", "expected_value_high")),
    ):
        np.testing.assert_array_equal(found[mine], wanted[theirs])
    assert found["tier"].astype(str).tolist() == wanted["tier"].astype(str).tolist()


def test_what_comes_after_the_cutoff_never_reaches_the_run(cdnow: BacktestResult) -> None:
    rows = rk.load_cdnow_sample()
    later = rows["timestamp"] > "1997-09-30"
    poisoned = rows.copy()
    poisoned.loc[later, "amount"] *= -1000.0
    poisoned.loc[later, "quantity"] += 77
    ids = poisoned.loc[later, "customer_id"].to_numpy()
    poisoned.loc[later, "customer_id"] = ids[::-1] + 5000 * (ids % 2)
    tested = rk.backtest(poisoned, as_of="1998-06-30", folds=("1997-09-30",))
    before, after = cdnow.to_frame(), tested.to_frame()
    assert not after["actual_value"].equals(before["actual_value"])
    keys = ["cutoff", "candidate", "customer_id"]
    pd.testing.assert_frame_equal(after[keys + SAID], before[keys + SAID], check_exact=True)


def test_the_order_of_rows_changes_nothing(cdnow: BacktestResult) -> None:
    rows = rk.load_cdnow_sample().iloc[::-1]
    tested = rk.backtest(rows, as_of="1998-06-30", folds=("1997-09-30",))
    pd.testing.assert_frame_equal(tested.to_frame(), cdnow.to_frame(), check_exact=False)


def test_scoring_again_needs_no_run(cdnow: BacktestResult) -> None:
    frame = cdnow.to_frame()
    mine = frame[frame["candidate"] == "run"].assign(
        candidate="mine",
        score=frame["actual_value"],
        p_active=np.nan,
        expected_value=frame["actual_value"],
    )
    scores = rk.score_backtest(pd.concat([frame, mine])).set_index("candidate")
    pd.testing.assert_frame_equal(
        scores.drop(index="mine").reset_index()[cdnow.summary().columns], cdnow.summary()
    )
    assert scores.loc["mine", "captured"] >= scores["captured"].max()
    assert scores.loc["mine", "r_squared"] == 1.0


def test_scoring_by_tier_adds_up(cdnow: BacktestResult) -> None:
    whole = cdnow.summary().set_index("candidate").loc["run"]
    tiers = cdnow.summary(by="tier")
    run = tiers[tiers["candidate"] == "run"]
    assert run["customers"].sum() == whole["customers"]
    assert run["actual"].sum() == pytest.approx(whole["actual"])
    outcomes = cdnow.outcomes()
    assert outcomes["share"].sum() == pytest.approx(1.0)
    by_tier = run.set_index("tier")["customers"].loc[outcomes["tier"]]
    assert outcomes["customers"].tolist() == by_tier.tolist()
    with pytest.raises(SchemaError, match="no column 'colour'"):
        cdnow.summary(by="colour")


def test_calibration_groups_hold_everybody(cdnow: BacktestResult) -> None:
    groups = cdnow.calibration()
    assert len(groups) == 10
    assert groups["customers"].sum() == 2357
    assert groups["p_active"].is_monotonic_increasing
    run = cdnow.summary().set_index("candidate").loc["run"]
    gaps = (groups["p_active"] - groups["active"]).abs() * groups["customers"]
    assert gaps.sum() / 2357 == pytest.approx(run["calibration_error"])


def test_a_day_that_cannot_be_tested_is_a_row_with_its_reason() -> None:
    days = ("2024-06-01", "2025-01-10", "2025-02-28", "2025-04-29", "2025-05-30")
    config = PipelineConfig(horizon_days=31)
    tested = rk.backtest(purchases(), as_of="2025-04-30", folds=days, config=config)
    reasons = tested.folds.set_index("cutoff")["reason"]
    assert "no row up to this day" in reasons[date(2024, 6, 1)]
    assert "only 1 days" in reasons[date(2025, 4, 29)]
    assert "nothing came after it" in reasons[date(2025, 5, 30)]
    assert reasons[date(2025, 2, 28)] == ""
    assert len(tested.describe()) >= 4


def test_nothing_tested_is_an_answer_too() -> None:
    tested = rk.backtest(purchases(), as_of="2025-04-30", folds=("2024-06-01",))
    assert len(tested) == 0
    assert len(tested.summary()) == len(tested.outcomes()) == len(tested.calibration()) == 0
    assert tested.describe("zh")


def test_the_plan_is_shown_before_the_run(cdnow: BacktestResult) -> None:
    plan = rk.plan_folds(rk.load_cdnow_sample(), as_of="1998-06-30", folds=("1997-09-30",))
    columns = ["cutoff", "window_days", "overlaps", "customers", "reason"]
    pd.testing.assert_frame_equal(plan, cdnow.folds[columns])


def test_folds_lie_end_to_end_where_the_history_allows() -> None:
    # 366 days, 90 ahead: 2020-12-31 - 90 = 10-02, - 180 = 07-04, - 270 = 04-05
    folds = lay_folds(date(2020, 1, 1), date(2020, 12, 31), 90, 3)
    assert [fold.cutoff for fold in folds] == [
        *(date(2020, 4, 5), date(2020, 7, 4), date(2020, 10, 2)),
    ]
    assert not any(fold.overlaps for fold in folds)
    assert {fold.window_days for fold in folds} == {90}


def test_a_short_history_halves_the_window_and_overlaps() -> None:
    # 546 days: 273 ahead; half a window must lie before the first, so 137 days are left for steps
    folds = lay_folds(date(1997, 1, 1), date(1998, 6, 30), 365, 3)
    assert [fold.window_days for fold in folds] == [273, 273, 273]
    assert [fold.overlaps for fold in folds] == [True, True, False]
    assert folds[-1].cutoff == date(1997, 9, 30)


def test_no_fold_is_refused() -> None:
    with pytest.raises(NotComputableError, match="folds is 0"):
        lay_folds(date(2020, 1, 1), date(2020, 12, 31), 90, 0)


def test_no_rows_are_refused() -> None:
    with pytest.raises(SchemaError, match="no transaction and no contract"):
        rk.backtest(as_of="2025-01-01")


def contracts(**columns: Any) -> pd.DataFrame:
    start = pd.to_datetime(["2025-01-01", "2025-01-01", "2025-01-01", "2025-06-01"])
    end = pd.DatetimeIndex(["2025-02-01", "2025-05-01", "2025-05-01", "NaT"])
    frame = pd.DataFrame({"customer_id": list("abcd"), "start": start, "end": end, "amount": 10.0})
    return frame.assign(**columns)


def test_ends_of_contracts_are_known_once_they_happen_or_notice_is_given() -> None:
    notice = pd.DatetimeIndex(["NaT", "2025-03-20", "2025-04-20", "NaT"])
    table = contracts(cancel_requested=notice, end_reason=["price", "move", "move", None])
    known = known_by({"contracts": table}, date(2025, 3, 31))["contracts"]
    assert known["customer_id"].tolist() == ["a", "b", "c"]
    assert known["end"].tolist()[:2] == table["end"].tolist()[:2]
    assert known["end"].isna().tolist() == [False, False, True]
    assert known["cancel_requested"].isna().tolist() == [True, False, True]
    assert known["end_reason"].tolist()[:2] == ["price", "move"]
    assert known["end_reason"].isna().tolist() == [False, False, True]


def test_tables_that_say_not_since_when_are_not_shown() -> None:
    traits = pd.DataFrame({"customer_id": ["a"], "credit_standing": ["default"]})
    tested = rk.backtest(
        purchases(),
        as_of="2025-04-30",
        folds=("2025-02-28",),
        customers=traits,
        config=PipelineConfig(horizon_days=31),
    )
    assert "bad" not in set(of(tested, "run")["tier"].astype(str))
    assert any("customers table" in note for note in tested.notes)


@pytest.mark.filterwarnings("ignore:shifted-beta-geometric")
def test_contracts_alone_are_active_while_they_run() -> None:
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(60) % 12 * 30, unit="D")
    end = [
        begun + pd.Timedelta(days=200 + 30 * (i % 7)) if i % 2 else None
        for i, begun in enumerate(start)
    ]
    table = pd.DataFrame({"customer_id": range(60), "start": start, "end": end, "amount": 10.0})
    # one named model: which fits best is not asked here, and the other has no optimum to be found
    config = PipelineConfig(horizon_days=60, contract_model="shifted_beta_geometric")
    tested = rk.backtest(
        contracts=table,
        as_of="2025-06-30",
        folds=("2025-03-31",),
        config=config,
    )
    assert tested.folds["reason"].tolist() == [""]
    run = of(tested, "run")
    last = pd.Timestamp("2025-03-31") + pd.Timedelta(days=60)
    ends = pd.to_datetime(table["end"])
    assert run["actual_active"].sort_index().tolist() == (ends.isna() | (ends > last)).tolist()
    poisoned = table.assign(end=ends.where(ends <= pd.Timestamp("2025-03-31")))
    again = rk.backtest(
        contracts=poisoned,
        as_of="2025-06-30",
        folds=("2025-03-31",),
        config=config,
    )
    said = [name for name in SAID if name in run]
    pd.testing.assert_frame_equal(of(again, "run")[said], run[said], check_exact=True)


@pytest.mark.parametrize(
    ("columns", "value"),
    [({"profit": [5.0, 8.0, 1.0, 5.0, 3.0, 12.0, -1.0, 40.0, -4.0, 9.0]}, None), ({}, 0.5)],
)
def test_what_came_is_counted_as_the_run_counts_it(
    columns: dict[str, list[float]], value: float | None
) -> None:
    config = PipelineConfig(horizon_days=31)
    config = config.replace(value=config.value.replace(margin_rate=value))
    tested = rk.backtest(
        purchases().assign(**columns), as_of="2025-04-30", folds=("2025-02-28",), config=config
    )
    # profit of 12 - 4 and of -1; half of 30 - 5 and of -2
    wanted = {"a": 8.0, "b": 0.0, "c": -1.0} if columns else {"a": 12.5, "b": 0.0, "c": -1.0}
    assert of(tested, "run")["actual_value"].to_dict() == wanted
    spent = {"a": 10.0, "b": 11.0, "c": 1.0} if columns else {"a": 10.0, "b": 13.5, "c": 2.5}
    assert of(tested, "past_spend")["expected_value"].to_dict() == spent
