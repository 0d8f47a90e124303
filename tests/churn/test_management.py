"""Churn plans, their review against a hold-out, and alerts that keep their level."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from pydantic import ValidationError

from retainkit.churn import (
    CauseBreakdown,
    ChurnCause,
    ChurnPlan,
    default_catalog,
    draft_churn_plan,
    find_cause_alerts,
    review_churn_plan,
)
from retainkit.churn.causes._management import CauseAction
from retainkit.errors import NotComputableError, SchemaError

START, DUE = date(2026, 1, 1), date(2026, 6, 30)


def breakdown(**counts: int) -> CauseBreakdown:
    """Return losses by leaf: natural=3, fault=2, ..."""
    by_name = {cause.value.split(".")[-1]: 0 for cause in ChurnCause} | counts
    lost = np.array([by_name[cause.value.split(".")[-1]] for cause in ChurnCause])
    return CauseBreakdown(
        customers=lost,
        expected_customers=lost.astype(np.float64),
        value=None,
        valued_customers=None,
        catalog=default_catalog(),
    )


def test_a_draft_has_a_line_for_each_cause_that_can_be_prevented() -> None:
    losses = breakdown(natural=9, competitive=3, fault=6, malicious=2, non_malicious=1, unknown=4)
    plan = draft_churn_plan(losses, at_risk=100, start=START, due=DUE, reduction=0.5)
    frame = plan.to_frame(language="zh")
    assert frame["cause"].tolist() == [
        "active.fault",
        "active.competitive",
        "passive.non_malicious",
    ]
    assert frame["target"].tolist() == pytest.approx([0.03, 0.015, 0.005])
    assert frame["countermeasure"].iloc[2] == "及时提醒:容易避免"
    assert ChurnPlan.from_json(plan.to_json()) == plan
    with pytest.raises(SchemaError, match="24 at risk"):
        draft_churn_plan(losses, at_risk=24, start=START, due=DUE)
    assert draft_churn_plan(breakdown(), at_risk=0, start=START, due=DUE).actions == ()


def test_a_review_against_a_hold_out_by_hand() -> None:
    """20 of 1,000 treated and 45 of 1,000 left alone lost by fault: 2.5 points, error 0.79."""
    plan = draft_churn_plan(breakdown(fault=40), at_risk=1000, start=START, due=DUE)
    row = review_churn_plan(
        plan,
        treated=breakdown(fault=20),
        treated_at_risk=1000,
        hold_out=breakdown(fault=45),
        hold_out_at_risk=1000,
    ).iloc[0]
    error = (0.02 * 0.98 / 1000 + 0.045 * 0.955 / 1000) ** 0.5
    assert row["effect"] == pytest.approx(-0.025)
    assert (row["low"], row["high"]) == pytest.approx(
        (-0.025 - 1.959964 * error, -0.025 + 1.959964 * error)
    )
    assert bool(row["reached"])
    assert row["basis"] == "hold-out"


def test_without_a_hold_out_no_effect_is_claimed() -> None:
    plan = draft_churn_plan(breakdown(fault=40), at_risk=1000, start=START, due=DUE)
    row = review_churn_plan(plan, treated=breakdown(fault=35), treated_at_risk=1000).iloc[0]
    assert np.isnan(row["effect"])
    assert row["basis"] == "before and after"
    assert not bool(row["reached"])
    with pytest.raises(SchemaError, match="fewer"):
        review_churn_plan(plan, treated=breakdown(fault=35), treated_at_risk=30)


def test_plans_refuse_contradictions() -> None:
    fields = {
        "id": "x",
        "cause": "active.fault",
        "countermeasure": {"en": "Fix", "zh": "纠正"},
        "owner": "service",
        "baseline": 0.1,
        "target": 0.05,
        "start": START,
        "due": DUE,
    }
    action = CauseAction.model_validate(fields)
    for wrong in ({"target": 0.1}, {"due": START}, {"owner": "Not A Name"}, {"baseline": 2.0}):
        with pytest.raises(ValidationError):
            CauseAction.model_validate(fields | wrong)
    with pytest.raises(ValidationError, match="twice"):
        ChurnPlan(name="p", actions=(action, action))


def test_an_alert_by_hand() -> None:
    """10 of 20 against 10 of 100: Fisher's p = 0.000172 (scipy), two causes, doubled by Holm."""
    alerts = find_cause_alerts(
        [breakdown(fault=10, natural=90), breakdown(fault=10, natural=10)], names=["May", "June"]
    )
    assert alerts["alert"].tolist() == [True, True]
    row = alerts.set_index("cause").loc["active.fault"]
    from scipy.stats import fisher_exact

    exact = fisher_exact(np.array([[10, 10], [10, 90]])).pvalue
    assert row["p_value"] == pytest.approx(exact)
    assert row["p_adjusted"] == pytest.approx(2 * exact)
    assert (row["direction"], row["expected"], row["period"]) == ("up", 2.0, "June")


def test_alerts_keep_their_level_when_nothing_moves() -> None:
    """300 worlds of five causes without a change: some alert in at most 5 % of them (+ noise)."""
    rng = np.random.default_rng(6)
    mix = [0.4, 0.3, 0.15, 0.1, 0.05]
    names = ["natural", "fault", "competitive", "unknown", "malicious"]
    alarms = 0
    for _ in range(300):
        months = [
            breakdown(**dict(zip(names, rng.multinomial(60, mix).tolist(), strict=True)))
            for _ in range(4)
        ]
        alarms += bool(find_cause_alerts(months)["alert"].any())
    assert alarms / 300 <= 0.05 + 2 * (0.05 * 0.95 / 300) ** 0.5


def test_alerts_of_little_or_nothing() -> None:
    with pytest.raises(NotComputableError, match="1 periods"):
        find_cause_alerts([breakdown(fault=1)])
    assert len(find_cause_alerts([breakdown(), breakdown(fault=3)])) == 0
    alone = find_cause_alerts([breakdown(fault=3), breakdown(fault=3)])
    assert alone["p_value"].tolist() == [1.0]
    assert not alone["alert"].any()
