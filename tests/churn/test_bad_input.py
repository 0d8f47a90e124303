"""What bad input comes to: each case has one defined outcome, and nothing is lost in silence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.churn import (
    attribute_causes,
    cross_causes,
    cumulative_incidence,
    detect_churn,
    detect_contract_churn,
    gather_evidence,
    list_contract_spells,
    rank_causes,
    share_incidence,
    summarize_causes,
)
from retainkit.metrics import MetricConvention, Period, index_contracts, leaky_bucket
from tests.churn.events import DAY_ZERO, make_churned, make_events


def test_unknown_codes_are_reported_and_count_for_what_their_kind_says() -> None:
    events = make_events(
        ("a", 0, "survey_reason", "zzz"), ("b", 0, "complaint", "zzz"), ("c", 0, "complaint", "zzz")
    )
    causes = attribute_causes(events, churn=make_churned("a", "b", "c"))
    assert list(causes.cause) == ["unknown", "active.fault", "active.fault"]
    missing = causes.coverage.uncovered()
    assert missing[["kind", "customers"]].to_numpy().tolist() == [
        ["complaint", 2],
        ["survey_reason", 1],
    ]
    assert causes.coverage.share == 0.0


def test_evidence_of_customers_never_seen_or_still_here_is_counted_apart() -> None:
    churn = detect_churn([0.0, 1.0], customer_id=["gone", "here"])
    events = make_events(("gone", 0, "complaint"), ("here", 0, "death"), ("ghost", 0, "fraud"))
    causes = attribute_causes(events, churn=churn)
    assert len(causes) == 1
    fates = causes.evidence.summary().set_index("status")["events"]
    assert (fates["used"], fates["not_churned"], fates["unknown_customer"]) == (1, 1, 1)
    assert fates.sum() == len(events)


def test_dates_after_the_end() -> None:
    """Evidence: late, set aside. A contract: it still runs. A start: no customer yet."""
    contracts = pd.DataFrame(
        {
            "customer_id": ["gone", "runs", "future"],
            "start": [DAY_ZERO, DAY_ZERO, DAY_ZERO + pd.Timedelta(days=900)],
            "end": [DAY_ZERO + pd.Timedelta(days=10), DAY_ZERO + pd.Timedelta(days=800), pd.NaT],
        }
    )
    churn = detect_contract_churn(contracts, as_of="2026-12-31")
    assert list(churn.reason) == ["contract_ended", "contract_running", "not_started"]
    causes = attribute_causes(make_events(("gone", 300, "complaint")), churn=churn)
    assert list(causes.evidence.to_frame()["status"]) == ["late"]
    assert causes.to_frame()["rule"].tolist() == ["abstain.all_set_aside"]
    spells = list_contract_spells(contracts, as_of="2026-12-31")
    assert spells.duration.tolist() == [10.0, 365.0]
    assert spells.ended.tolist() == [True, False]


def test_empty_tables_give_empty_results_not_errors() -> None:
    nobody = make_churned()
    causes = attribute_causes(make_events(), churn=nobody)
    assert len(causes) == len(causes.to_frame()) == 0
    breakdown = summarize_causes(causes)
    assert breakdown.total == 0
    assert np.isnan(breakdown.share).all()
    assert np.isnan(breakdown.controllable_share)
    assert len(rank_causes(breakdown)) == len(cross_causes(causes, by=[])) == 0
    assert len(cumulative_incidence([], cause=[])) == 0
    assert len(share_incidence([], shares=np.empty((0, 8)))) == 0
    assert len(gather_evidence(make_events(), churn=nobody, as_of="2026-01-31")) == 0
    somebody = attribute_causes(make_events(), churn=make_churned("a"))
    assert somebody.to_frame()["rule"].tolist() == ["abstain.no_evidence"]


def test_all_unknown_is_shown_as_unknown_everywhere() -> None:
    """Never spread over the other causes, never an error."""
    causes = attribute_causes(make_events(), churn=make_churned("a", "b"))
    breakdown = summarize_causes(causes, value=[1.0, 2.0])
    assert breakdown.unknown_share == 1.0
    assert breakdown.controllable_share == 0.0
    assert np.isnan(breakdown.controllable_share_of_known)
    np.testing.assert_allclose(causes.posterior.sum(axis=1), 1.0)
    table = cumulative_incidence([1.0, 2.0], cause=causes.cause)
    assert table.causes == ("unknown",)
    assert table.incidence[-1].tolist() == [1.0]
    soft = share_incidence([1.0, 2.0], shares=causes.posterior)
    assert soft.incidence[-1, 6] == 1.0


def test_flows_without_any_cause_are_all_unlabelled() -> None:
    contracts = pd.DataFrame(
        {"customer_id": ["a"], "start": [DAY_ZERO], "end": [DAY_ZERO + pd.Timedelta(days=9)]}
    )
    base = index_contracts(contracts.assign(amount=1.0), as_of="2026-01-31")
    causes = pd.Series(["unknown"], index=["z"]).iloc[:0]
    rule = MetricConvention(counting="event", same_period_join_leave="count_both")
    flows = leaky_bucket(base, periods=Period.month(2026, 1), causes=causes, convention=rule)
    assert flows.summary()["lost: unlabelled"].tolist() == [1]
    assert flows.summary()["closing"].tolist() == [0]
