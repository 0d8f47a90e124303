"""The decision table: guard rails, frames, summaries, protected attributes, pickling."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

import retainkit.policy
from retainkit.errors import SchemaError
from retainkit.policy import (
    AcquisitionRatio,
    DecisionTable,
    Exposure,
    GuardRail,
    PolicyConfig,
    Stance,
    assess_potential,
    decide_actions,
)
from tests.policy.helpers import Value, potential_of, tiers_of

NAN = float("nan")
TIERS = ["key", "ordinary", "ordinary", "small", "small", "small", "small"]
STANDINGS = ["good", "good", "good", "good", "good", "good", "bad"]
POTENTIAL = ["no", "yes", "no", "yes", "no", "no", "no"]
FUTURE = [900.0, 300.0, 200.0, 40.0, 20.0, NAN, 7.0]


def _table(
    config: PolicyConfig | None = None, *, future: list[float] | None = None
) -> DecisionTable:
    tiers = tiers_of(TIERS, STANDINGS, customer_id=pd.Index([f"c{i}" for i in range(7)]))
    return decide_actions(
        tiers,
        potential=potential_of(POTENTIAL, customer_id=tiers.customer_id),
        value=None if future is None else Value(tiers.customer_id, np.array(future)),
        config=config,
    )


def test_amounts_by_hand() -> None:
    table = _table(PolicyConfig(retention_cost=10.0), future=FUTURE)
    stances = [table.stances[code].value for code in table.stance]
    assert stances == [
        "protect",
        "develop",
        "maintain",
        "nurture",
        "maintain",  # replacing it costs 55: at risk 0.05 x 55, saved at most 0.1 x 20
        "economise",
        "exit",
    ]
    # taken from: the maintained one without potential, the economised, the one to leave
    assert table.is_adverse.tolist() == [False, False, True, False, False, True, True]
    np.testing.assert_array_equal(table.lost_contribution, [NAN, NAN, 200.0, NAN, NAN, NAN, 7.0])
    np.testing.assert_array_equal(table.replacement_cost, [NAN, NAN, 55.0, NAN, NAN, 55.0, 55.0])


def test_guard_rail_frame_by_hand() -> None:
    rails = _table(PolicyConfig(retention_cost=10.0), future=FUTURE).guard_rails()
    assert len(rails) == 3 * len(GuardRail)
    economise = rails[rails["stance"] == "economise"].set_index("guard_rail")
    assert economise["customers"].unique().tolist() == [2]
    assert economise.loc["lost_contribution", "amount"] == 20.0
    assert economise.loc["lost_contribution", "status"] == "partly_computed"
    assert economise.loc["replacement_cost", "amount"] == 110.0
    assert "5.5 (textbook)" in str(economise.loc["replacement_cost", "note"])
    assert economise.loc["exposure", "status"] == "not_supplied"
    assert economise.loc["protected_attributes", "status"] == "kept_out"
    assert np.isnan(economise["amount"].astype(float)["exposure"])
    assert economise["verdict"].tolist() == ["pass", "downgrade", "pass", "pass"]
    assert economise["stopped"].tolist() == [0, 1, 0, 0]


def test_each_guard_rail_passes_or_stops() -> None:
    """Hand calculation: 0.05 x what is lost against 0.1 x a contribution of 20, so 2 each."""

    def stance_of(config: PolicyConfig) -> str:
        return _table(config, future=FUTURE).explain("c4").stance.value

    assert stance_of(PolicyConfig()) == "economise"
    assert stance_of(PolicyConfig(scale_cost=20.0)) == "economise"  # 0.05 x 40 = 2
    assert stance_of(PolicyConfig(scale_cost=21.0)) == "maintain"
    assert stance_of(PolicyConfig(acquisition_cost=40.0)) == "economise"  # 0.05 x 40 = 2
    assert stance_of(PolicyConfig(acquisition_cost=41.0)) == "maintain"
    loud = Exposure(complaint_propensity=0.2, reach=60.0)  # 12 people hear of each, 10 may
    assert stance_of(PolicyConfig(exposure=loud)) == "maintain"
    rails = _table(PolicyConfig(exposure=loud), future=FUTURE).guard_rails()
    blocked = rails[rails["guard_rail"] == "exposure"].set_index("stance")
    assert blocked.loc["economise", "verdict"] == "block"
    quiet = Exposure(complaint_propensity=0.1, reach=60.0)
    assert stance_of(PolicyConfig(exposure=quiet)) == "economise"


def test_nothing_supplied_is_said_and_not_zero() -> None:
    rails = _table().guard_rails()
    asked = rails[rails["guard_rail"].isin(["lost_contribution", "replacement_cost"])]
    assert (asked["status"] == "not_supplied").all()
    assert asked["amount"].isna().all()
    assert asked["note"].str.startswith("Supply").all()


def test_every_adverse_decision_lists_all_guard_rails_and_no_other_does() -> None:
    table = _table()
    for position in range(len(table)):
        decision = table.decision(position)
        checked = [result.guard_rail for result in decision.guard_rails]
        assert checked == (list(GuardRail) if table.is_adverse[position] else [])
        if decision.stance.is_adverse:
            assert checked


@pytest.mark.parametrize(
    ("config", "cost", "words"),
    [
        (PolicyConfig(acquisition_cost=80.0, retention_cost=10.0), 80.0, "Acquisition cost 80"),
        (
            PolicyConfig(
                retention_cost=10.0,
                acquisition_ratio=AcquisitionRatio(value=3.0, source="estimated"),
            ),
            30.0,
            "3 (estimated)",
        ),
        (PolicyConfig(retention_cost=0.0), 0.0, "5.5 (textbook)"),
    ],
)
def test_replacement_cost_says_where_it_comes_from(
    config: PolicyConfig, cost: float, words: str
) -> None:
    table = _table(config, future=FUTURE)
    result = table.explain("c4").guard_rails[1]
    assert result.amount == cost
    assert words in result.note.en
    assert result.note.zh


def test_the_textbook_ratio_is_labelled_and_only_it() -> None:
    assert AcquisitionRatio().source == "textbook"
    with pytest.raises(ValidationError, match="textbook"):
        AcquisitionRatio(value=9.0)


def test_summary_reconciles() -> None:
    table = _table(future=FUTURE)
    summary = table.summary()
    assert summary["customers"].sum() == 7
    assert summary["share"].sum() == pytest.approx(1.0)
    assert summary["future_value"].sum() == pytest.approx(np.nansum(FUTURE))
    assert summary["without_value"].sum() == 1
    row = summary[(summary["stance"] == "economise") & (summary["tier"] == "small")]
    assert row[["customers", "future_value", "without_value"]].to_numpy().tolist() == [
        [2.0, 20.0, 1.0]
    ]
    assert summary["stance"].cat.categories.tolist() == [stance.value for stance in Stance]


def test_summary_without_value_is_nan() -> None:
    summary = _table().summary()
    assert summary["future_value"].isna().all()
    assert (summary["without_value"] == summary["customers"]).all()


def test_frame_columns_and_order() -> None:
    frame = _table(future=FUTURE).to_frame()
    assert frame["customer_id"].tolist() == [f"c{i}" for i in range(7)]
    assert frame["stance"].cat.ordered
    assert frame["stance"].cat.categories.tolist() == [stance.value for stance in Stance]
    assert frame["measure"].isna().all()
    assert (frame["economics"] == "effects_not_supplied").all()
    assert frame["measures"].str.startswith("do_nothing; ").all()
    zh = _table().to_frame(language="zh")
    assert zh["reason"].iloc[1] == "有升级潜力的普通客户：培养为关键客户"


def test_explain_by_id() -> None:
    table = _table()
    assert table.explain("c6").rule == "bad_standing"
    with pytest.raises(SchemaError, match="no customer 'c9'"):
        table.explain("c9")


def test_shows_itself() -> None:
    table = _table()
    assert repr(table).startswith("<DecisionTable: 7 customers; next: .summary()")
    assert "<table" in table._repr_html_()


def test_pickles() -> None:
    table = _table(PolicyConfig(retention_cost=10.0), future=FUTURE)
    again = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(again.to_frame(), table.to_frame())


def test_empty_base() -> None:
    tiers = tiers_of([])
    table = decide_actions(tiers, potential=potential_of([]))
    assert len(table) == 0
    assert table.to_frame().empty
    assert table.summary().empty
    assert table.guard_rails().empty


def test_no_argument_can_carry_a_protected_attribute() -> None:
    """Public functions take named arguments only, and none of them is a table of traits."""
    allowed: dict[Callable[..., Any], set[str]] = {
        decide_actions: {
            *("tiers", "potential", "churn", "value"),
            *("situation", "outlook", "catalog", "config"),
        },
        assess_potential: {
            "predicted_value",
            "scheme",
            "customer_id",
            "tier",
            "share_of_wallet",
            "share_rose",
            "trend",
            "strategic",
            "probability",
            "usual",
            "check",
            "config",
        },
    }
    for function, names in allowed.items():
        parameters = inspect.signature(function).parameters
        assert set(parameters) == names
        kinds = {parameter.kind for parameter in parameters.values()}
        assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}


def test_a_case_is_two_bytes_per_customer() -> None:
    table = _table()
    assert table.case.dtype == np.int16
    assert table.stance.dtype == np.int8
    # columns nothing is known about take no memory
    assert table.expected_gain.strides == (0,)


def test_public_names() -> None:
    for name in retainkit.policy.__all__:
        assert getattr(retainkit.policy, name).__doc__
