"""Protected attributes: seen by the audit alone; they change no decision; stops are kept."""

from __future__ import annotations

import inspect
import itertools
import pickle

import numpy as np
import pandas as pd
import pytest

import retainkit as rk
import retainkit.policy
from retainkit.errors import AlignmentError, PolicyStoppedError
from retainkit.policy import (
    AuditConfig,
    CostModel,
    DecisionTable,
    Exposure,
    GuardRail,
    MeasureCatalog,
    MeasureEffect,
    PolicyConfig,
    assign_debt_steps,
    assign_holdout,
    audit_decisions,
    decide_actions,
    measure_gains,
)
from tests.policy.helpers import Churn, Value, potential_of, tiers_of


def _decisions(config: PolicyConfig | None = None) -> DecisionTable:
    """100 key customers, then 100 small ones without potential: these are economised."""
    tiers = tiers_of(["key"] * 100 + ["small"] * 100)
    return decide_actions(
        tiers,
        potential=potential_of(["no"] * 200),
        value=Value(tiers.customer_id, np.full(200, 10.0)),
        config=config,
    )


def test_ratios_by_hand() -> None:
    """f: 20 of 100 economised, m: 80 of 100: ratio .2 / .8, adverse ratio 4."""
    sex = ["f"] * 80 + ["m"] * 20 + ["f"] * 20 + ["m"] * 80
    audit = audit_decisions(_decisions(), {"sex": sex})
    table = audit.to_frame().query("stance == 'economise'").set_index("group")
    assert table["rate"].to_dict() == {"f": 0.2, "m": 0.8}
    assert table["ratio"].round(12).to_dict() == {"f": 1.0, "m": 0.25}
    assert table["adverse_ratio"].round(12).to_dict() == {"f": 1.0, "m": 4.0}
    assert table["status"].to_dict() == {"f": "passed", "m": "breached"}
    assert audit.summary().query("stance == 'economise'")["group"].tolist() == ["m"]
    with pytest.raises(PolicyStoppedError, match="economise falls on sex='m'"):
        pickle.loads(pickle.dumps(audit)).enforce()


def test_stop_is_configurable_and_small_groups_are_not_judged() -> None:
    sex = ["f"] * 55 + ["m"] * 45 + ["f"] * 45 + ["m"] * 55
    decisions = _decisions()
    assert not audit_decisions(decisions, {"sex": sex}, config=AuditConfig(min_ratio=0.9)).passed
    assert audit_decisions(decisions, {"sex": sex}).passed
    strict = AuditConfig(max_adverse_ratio=1.2)
    assert not audit_decisions(decisions, {"sex": sex}, config=strict).passed
    report = AuditConfig(min_ratio=0.9, on_breach="report")
    audit_decisions(decisions, {"sex": sex}, config=report).enforce()
    rare = ["x"] * 5 + [None] * 195
    audit = audit_decisions(decisions, pd.DataFrame({"group": rare}))
    status = audit.to_frame().set_index("group")["status"]
    assert set(status["x"]) == {"too_few"}
    assert set(status["not stated"]) == {"passed"}
    with pytest.raises(AlignmentError):
        audit_decisions(decisions, {"sex": ["f"]})


def test_only_the_audit_takes_protected_attributes() -> None:
    takers = []
    for name in retainkit.policy.__all__:
        thing = getattr(retainkit.policy, name)
        if inspect.isfunction(thing) and any(
            "protected" in parameter for parameter in inspect.signature(thing).parameters
        ):
            takers.append(name)
    assert takers == ["audit_decisions"]
    assert inspect.signature(audit_decisions).return_annotation == "AuditTable"


def test_protected_attributes_change_no_decision() -> None:
    """Metamorphic: whatever the protected attributes are, decisions, plan and hold-out stay."""
    bought = rk.load_cdnow_sample()
    ids = bought["customer_id"].unique()[:120]
    bought = bought[bought["customer_id"].isin(ids)]
    rng = np.random.default_rng(0)
    overdue = np.where(rng.random(120) < 0.2, 90.0, 0.0)
    standing = np.where(overdue > 0, "default", "good")
    catalog = MeasureCatalog()
    ties = catalog.measure("personal_ties").replace(
        cost=CostModel(per_customer=1.0), effect=MeasureEffect(retention=0.1)
    )
    config = rk.PipelineConfig(measures=catalog.with_measures(ties))
    frames: list[list[pd.DataFrame]] = []
    for sex in (rng.choice(["f", "m"], 120), np.full(120, "f"), rng.permutation(120).astype(str)):
        customers = pd.DataFrame({"customer_id": ids, "sex": sex})
        customers = customers.assign(credit_standing=standing, days_overdue=overdue)
        result = rk.RetentionPipeline(config).run(
            bought,
            as_of="1998-06-30",
            customers=customers,
            customer_columns=rk.CustomerColumns(protected_attributes=("sex",)),
        )
        before = result.policy.to_frame()
        assert result.policy.is_adverse.any()
        assert (before["standing"] == "bad").any()
        audit_decisions(result.policy, {"sex": sex})
        pd.testing.assert_frame_equal(before, result.policy.to_frame())
        plan = measure_gains(result.policy, churn=result.churn).allocate(20.0)
        assert plan.gain > 0.0
        held = assign_holdout(plan.customer_id, plan.measure, salt="x", measures=plan.measures)
        frames.append([before, result.policy.guard_rails(), plan.to_frame(), held.to_frame()])
    for other in frames[1:]:
        for one, same in zip(frames[0], other, strict=True):
            pd.testing.assert_frame_equal(one, same)


def test_each_of_the_108_states_lists_its_guard_rails_where_it_is_adverse() -> None:
    """Adverse are exactly the states whose stance, or any of whose measures, takes something."""
    every = list(
        itertools.product(
            ("key", "ordinary", "small"),
            ("good", "watch", "bad"),
            ("yes", "no", "unknown"),
            (0.05, 0.4, 0.95, np.nan),
        )
    )
    names, standings, potentials, risks = (list(column) for column in zip(*every, strict=True))
    tiers = tiers_of(names, standings)
    table = decide_actions(
        tiers,
        potential=potential_of(potentials),
        churn=Churn(tiers.customer_id, np.array(risks)),
    )
    assert len(set(table.case.tolist())) == 108
    adverse = 0
    for position in range(108):
        decision = table.decision(position)
        takes = any(table.catalog.measure(name).adverse for name in decision.measures)
        checked = [result.guard_rail for result in decision.guard_rails]
        assert checked == (list(GuardRail) if takes or decision.stance.is_adverse else [])
        assert decision.rule
        assert decision.reason
        adverse += bool(checked)
    assert 0 < adverse < 108


def test_every_decision_has_rule_and_reason_and_adverse_ones_their_guard_rails() -> None:
    config = PolicyConfig(
        retention_cost=10.0,
        scale_cost=2.0,
        exposure=Exposure(complaint_propensity=0.05, reach=40.0),
    )
    decisions = _decisions(config)
    for position in range(0, 200, 20):
        decision = decisions.decision(position)
        assert decision.rule
        assert decision.reason
        rails = {result.guard_rail: result for result in decision.guard_rails}
        stopped = decisions.guarded[position]  # and whoever a guard rail stopped
        assert bool(rails) == bool(decisions.is_adverse[position] or stopped)
        if rails:
            assert list(rails) == list(GuardRail)
            assert rails[GuardRail.LOST_CONTRIBUTION].amount == 12.0
            assert rails[GuardRail.REPLACEMENT_COST].amount == 55.0
            assert rails[GuardRail.EXPOSURE].amount == 2.0
            assert all(result.note.zh for result in rails.values())


def test_debt_escalation_waits_for_amounts_and_complaints() -> None:
    base = MeasureCatalog()
    legal = base.debt_steps[-1].replace(min_amount=500.0)
    catalog = base.replace(debt_steps=(*base.debt_steps[:-1], legal))
    steps = assign_debt_steps(
        [200, 200, 200, 200, 40, 0],
        overdue_amount=[900.0, 100.0, np.nan, 900.0, 10.0, 0.0],
        open_complaint=[False, False, False, True, False, True],
        catalog=catalog,
    )
    assert steps.tolist() == [2, 1, 1, 0, 1, -1]
