"""Attribution by hand: every leaf, every veto, every way to abstain."""

from __future__ import annotations

import pickle
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from retainkit.churn import (
    AttributionConfig,
    CauseTable,
    ChurnCause,
    attribute_causes,
    detect_churn,
    detect_contract_churn,
)
from retainkit.churn._config import SourceWeights
from retainkit.errors import AlignmentError, SchemaError
from tests.churn.events import make_churned, make_events


class Case(NamedTuple):
    """What happened to one customer (day, kind, code), and what must come of it."""

    name: str
    events: tuple[tuple[int, str, str | None], ...]
    cause: str
    rule: str
    sub_reason: str | None = None


LEAVES = [
    Case("death", ((0, "death", None),), "active.natural", "customer_first", "deceased"),
    Case(
        "ported out",
        ((0, "port_out", None),),
        "active.competitive",
        "customer_first",
        "won_by_competitor",
    ),
    Case(
        "survey alone",
        ((0, "survey_reason", "staff_attitude"),),
        "active.fault",
        "evidence_only",
        "staff_attitude",
    ),
    Case(
        "complaint, then silence",
        ((0, "complaint", None),),
        "active.fault",
        "evidence_only",
        "complaint_not_handled",
    ),
    Case(
        "card expired",
        ((0, "payment_failed", "expired_card"),),
        "passive.non_malicious",
        "payment_first",
        "payment_details_outdated",
    ),
    Case(
        "complained, then stopped paying",
        ((0, "complaint", None), (9, "payment_failed", None)),
        "passive.retaliatory",
        "payment_first",
        "payment_withheld",
    ),
    Case(
        "fraud ruled",
        ((0, "payment_failed", None), (9, "fraud", None)),
        "passive.malicious",
        "payment_first",
        "fraud",
    ),
    Case(
        "product retired",
        ((0, "product_retired", None),),
        "administrative",
        "system_first",
        "product_retired",
    ),
    Case(
        "did not say",
        ((0, "survey_reason", "not_stated"),),
        "unknown",
        "abstain.cause_not_stated",
        "not_stated",
    ),
]
VETOES = [
    Case(
        "intent before the missed payment wins",
        ((0, "cancellation_request", "unused"), (5, "payment_failed", "expired_card")),
        "active.natural",
        "intent_before_payment",
        "lost_interest",
    ),
    Case(
        "intent after the missed payment does not",
        ((0, "payment_failed", "expired_card"), (5, "cancellation_request", "unused")),
        "passive.non_malicious",
        "payment_first",
        "payment_details_outdated",
    ),
    Case(
        "intent on the same moment does not",
        ((5, "cancellation_request", "unused"), (5, "payment_failed", "expired_card")),
        "passive.non_malicious",
        "payment_first",
        "payment_details_outdated",
    ),
    Case(
        "a recovered payment ended nothing",
        (
            (0, "payment_failed", "expired_card"),
            (3, "payment_recovered", None),
            (5, "cancellation_request", "switched_service"),
        ),
        "active.competitive",
        "customer_first",
        "won_by_competitor",
    ),
    Case(
        "an old missed payment ended nothing",
        ((0, "payment_failed", "expired_card"), (200, "cancellation_request", "unused")),
        "active.natural",
        "customer_first",
        "lost_interest",
    ),
    Case(
        "no malice without evidence: a stolen card may be the owner's loss",
        ((0, "payment_failed", "stolen_card"),),
        "passive.non_malicious",
        "payment_first",
    ),
    Case(
        "malice with fraud",
        ((0, "payment_failed", "stolen_card"), (1, "fraud", None)),
        "passive.malicious",
        "payment_first",
        "fraud",
    ),
    Case(
        "malice with a customer who never paid",
        ((0, "payment_failed", "stolen_card"), (1, "never_paid", None)),
        "passive.malicious",
        "payment_first",
        "never_paid",
    ),
    Case(
        "malice stated by staff alone is vetoed",
        ((0, "agent_note", "deliberate_default"),),
        "unknown",
        "abstain.all_set_aside",
    ),
    Case(
        "no retaliation without a grievance",
        ((0, "payment_failed", "stop_payment_order"),),
        "unknown",
        "abstain.all_set_aside",
    ),
    Case(
        "no retaliation from a complaint after the missed payment",
        ((0, "payment_failed", None), (5, "complaint", None)),
        "passive.non_malicious",
        "payment_first",
        "payment_declined",
    ),
    Case(
        "retaliation by stopping payment after a complaint",
        ((0, "complaint", None), (5, "payment_failed", "stop_payment_order")),
        "passive.retaliatory",
        "payment_first",
        "payment_withheld",
    ),
    Case(
        "one chargeback retaliates",
        ((0, "chargeback", None),),
        "passive.retaliatory",
        "payment_first",
        "payment_disputed",
    ),
    Case(
        "two chargebacks are malice",
        ((0, "chargeback", None), (30, "chargeback", None)),
        "passive.malicious",
        "payment_first",
        "repeated_chargebacks",
    ),
    Case(
        "the same chargeback listed twice is one",
        ((0, "chargeback", None), (0, "chargeback", None)),
        "passive.retaliatory",
        "payment_first",
        "payment_disputed",
    ),
    Case(
        "a dispute promoted by fraud evidence",
        ((0, "chargeback", None), (9, "fraud", None)),
        "passive.malicious",
        "payment_first",
        "fraud",
    ),
    Case(
        "price alone is not competitive",
        ((0, "cancellation_request", "too_expensive"),),
        "active.natural",
        "customer_first",
        "price_too_high",
    ),
    Case(
        "price with a competitor named",
        ((0, "competitor_mention", None), (5, "cancellation_request", "too_expensive")),
        "active.competitive",
        "customer_first",
        "won_by_competitor",
    ),
    Case(
        "price after our own rise",
        ((0, "price_increase", None), (5, "cancellation_request", "too_expensive")),
        "active.fault",
        "customer_first",
        "price_too_high",
    ),
    Case(
        "a price rise alone says nothing",
        ((0, "price_increase", None),),
        "unknown",
        "abstain.cause_not_stated",
    ),
]
MECHANISMS = [
    Case(
        "the end record says the customer ended it",
        ((0, "payment_failed", None), (5, "service_ended", "cancellation_requested")),
        "unknown",
        "abstain.all_set_aside",
        "not_stated",
    ),
    Case(
        "the end record says a dispute ended it",
        ((0, "contact", None), (5, "service_ended", "payment_disputed")),
        "passive.retaliatory",
        "end_record",
        "payment_disputed",
    ),
    Case(
        "the end record says a rule of the firm ended it",
        ((5, "service_ended", "canceled_by_retention_policy"),),
        "administrative",
        "end_record",
        "ended_by_firm",
    ),
    Case(
        "product retired before the customer asked",
        ((0, "product_retired", None), (5, "cancellation_request", "unused")),
        "administrative",
        "system_first",
        "product_retired",
    ),
    Case(
        "system end before intent before missed payment",
        (
            (0, "product_retired", None),
            (5, "cancellation_request", "unused"),
            (9, "payment_failed", None),
        ),
        "administrative",
        "system_first",
        "product_retired",
    ),
    Case(
        "a request without a reason",
        ((0, "cancellation_request", None),),
        "unknown",
        "abstain.cause_not_stated",
    ),
    Case("a mere contact", ((0, "contact", None),), "unknown", "abstain.cause_not_stated"),
    Case("an unknown kind", ((0, "zodiac", "leo"),), "unknown", "abstain.cause_not_stated"),
    Case(
        "an unknown kind with a known code",
        ((0, "zodiac", "moved"),),
        "active.natural",
        "evidence_only",
        "moved",
    ),
    Case(
        "equal statements for two leaves",
        ((0, "survey_reason", "moved"), (0, "survey_reason", "low_quality")),
        "unknown",
        "abstain.too_close",
    ),
    Case("nothing recorded", (), "unknown", "abstain.no_evidence"),
]
ALL = LEAVES + VETOES + MECHANISMS


def attribute(case: Case) -> CauseTable:
    events = make_events(*(("x", *event) for event in case.events))
    return attribute_causes(events, churn=make_churned("x"))


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_cause_rule_and_sub_reason(case: Case) -> None:
    row = attribute(case).to_frame().iloc[0]
    assert (row["cause"], row["rule"]) == (case.cause, case.rule)
    assert (None if pd.isna(row["sub_reason"]) else row["sub_reason"]) == case.sub_reason


def test_every_leaf_occurs_among_the_hand_made_cases() -> None:
    assert {case.cause for case in LEAVES} == {str(cause) for cause in ChurnCause}


def test_all_cases_together_equal_each_alone() -> None:
    names = [f"c{number}" for number in range(len(ALL))]
    rows = [(name, *event) for name, case in zip(names, ALL, strict=True) for event in case.events]
    together = attribute_causes(make_events(*rows), churn=make_churned(*names))
    assert list(together.cause) == [case.cause for case in ALL]
    alone = np.vstack([attribute(case).posterior for case in ALL])
    np.testing.assert_array_equal(together.posterior, alone)


def test_posterior_and_margin_by_hand() -> None:
    """Survey 0.6 on the last day; agent 0.4 halved ninety days before; abstain 0.1."""
    events = make_events(("x", 0, "agent_note", "moved"), ("x", 90, "survey_reason", "low_quality"))
    causes = attribute_causes(events, churn=make_churned("x"))
    row = causes.to_frame().iloc[0]
    posterior = causes.posteriors().set_index("cause")["posterior"]
    assert posterior["active.fault"] == pytest.approx(0.6 / 0.9)
    assert posterior["active.natural"] == pytest.approx(0.2 / 0.9)
    assert posterior["unknown"] == pytest.approx(0.1 / 0.9)
    assert row["margin"] == pytest.approx(0.4 / 0.9)
    assert row["evidence"] == 2
    assert bool(row["contradicted"])


def test_age_counts_back_from_the_end_of_the_contract() -> None:
    """Agent 0.4 halved over 90 days to the contract's end; the later survey has age 0."""
    contracts = pd.DataFrame(
        {
            "customer_id": ["x"],
            "start": pd.to_datetime(["2025-01-01"]),
            "end": pd.to_datetime(["2026-04-01"]),
        }
    )
    churn = detect_contract_churn(contracts, as_of="2026-12-31")
    events = make_events(("x", 0, "agent_note", "moved"), ("x", 200, "survey_reason", "moved"))
    causes = attribute_causes(events, churn=churn)
    assert causes.posterior[0, 0] == pytest.approx(0.8 / 0.9)
    np.testing.assert_allclose(causes.evidence.weight, [0.2, 0.6])


def test_a_statement_made_twice_counts_once_and_the_newer_one_counts() -> None:
    events = make_events(("x", 0, "survey_reason", "moved"), ("x", 30, "survey_reason", " Moved"))
    causes = attribute_causes(events, churn=make_churned("x"))
    assert list(causes.evidence.to_frame()["status"]) == ["repeated", "used"]
    assert causes.posterior[0, 0] == pytest.approx(0.6 / 0.7)


def test_a_complaint_settled_before_the_missed_payment_keeps_a_quarter_of_its_weight() -> None:
    """0.8 x 0.25 = 0.2 for retaliation against 0.3 for the lapsed payment."""
    events = make_events(("x", 0, "complaint"), ("x", 0, "payment_failed"))
    events["timestamp"] = pd.to_datetime(["2026-01-01", "2026-01-10"])
    events["resolved_at"] = pd.to_datetime(["2026-01-05", "NaT"])
    config = AttributionConfig(half_life_days=1e9)
    causes = attribute_causes(events, churn=make_churned("x"), config=config)
    assert list(causes.cause) == ["passive.non_malicious"]
    assert causes.posterior[0, 4] == pytest.approx(0.2 / 0.6)
    events["resolved_at"] = pd.to_datetime(["2026-01-11", "NaT"])  # too late to matter
    late = attribute_causes(events, churn=make_churned("x"), config=config)
    assert list(late.cause) == ["passive.retaliatory"]


def test_a_missed_payment_that_was_settled_ended_nothing() -> None:
    events = make_events(("x", 0, "payment_failed"))
    events["resolved_at"] = pd.to_datetime(["2026-01-05"])
    causes = attribute_causes(events, churn=make_churned("x"))
    assert list(causes.to_frame()["rule"]) == ["abstain.all_set_aside"]
    assert list(causes.evidence.to_frame()["status"]) == ["recovered"]


def test_old_evidence_is_weak_and_then_stale() -> None:
    """0.6 x 0.5**(300/90) = 0.0595 < 0.1; beyond 365 days it is set aside."""
    weak = make_events(("x", 0, "survey_reason", "moved"), ("x", 300, "contact"))
    causes = attribute_causes(weak, churn=make_churned("x"))
    assert list(causes.to_frame()["rule"]) == ["abstain.too_weak"]
    stale = make_events(("x", 0, "survey_reason", "moved"), ("x", 366, "contact"))
    causes = attribute_causes(stale, churn=make_churned("x"))
    assert list(causes.to_frame()["rule"]) == ["abstain.all_set_aside"]


def test_price_default_leaf_is_a_choice() -> None:
    events = make_events(("x", 0, "survey_reason", "price_too_high"))
    config = AttributionConfig(price_cause=ChurnCause.ACTIVE_FAULT)
    causes = attribute_causes(events, churn=make_churned("x"), config=config)
    assert list(causes.cause) == ["active.fault"]


def test_the_source_column_sets_the_weight() -> None:
    events = make_events(("x", 0, "agent_note", "moved"))
    events["source"] = "verified"
    config = AttributionConfig(source_weights=SourceWeights(verified=0.9))
    causes = attribute_causes(events, churn=make_churned("x"), config=config)
    assert causes.posterior[0, 0] == pytest.approx(0.9)


def test_every_event_is_accounted_for() -> None:
    churn = detect_churn([0.0, 1.0], customer_id=["gone", "here"])
    events = make_events(
        ("gone", 0, "complaint"),
        ("here", 0, "complaint"),
        ("never seen", 0, "complaint"),
        ("gone", 1, "contact"),
    )
    causes = attribute_causes(events, churn=churn)
    assert causes.customer_id.tolist() == ["gone"]
    assert list(causes.evidence.to_frame()["status"]) == [
        "used",
        "not_churned",
        "unknown_customer",
        "neutral",
    ]
    counts = causes.evidence.summary().set_index("status")["events"]
    assert counts.sum() == len(events)


def test_explain_shows_the_customers_own_events() -> None:
    events = make_events(("x", 0, "payment_failed"), ("y", 0, "complaint"), ("x", 5, "complaint"))
    causes = attribute_causes(events, churn=make_churned("x", "y"))
    why = causes.explain("x", events)
    assert why["kind"].tolist() == ["payment_failed", "complaint"]
    assert list(why["status"]) == ["used", "vetoed"]
    assert list(why["points_to"]) == ["passive.non_malicious", "passive.retaliatory"]
    with pytest.raises(AlignmentError, match="cannot be explained"):
        causes.explain("nobody", events)
    with pytest.raises(AlignmentError, match="same events"):
        causes.explain("x", events.iloc[:1])


def test_ids_of_differing_types_meet_through_their_text() -> None:
    churn = detect_churn([0.0, 0.0], customer_id=pd.Index([17, 18]))
    events = make_events(("17", 0, "relocation"), ("017", 0, "death"))
    causes = attribute_causes(events, churn=churn)
    assert list(causes.cause) == ["active.natural", "unknown"]


def test_integer_ids_and_absent_optional_columns() -> None:
    churn = detect_churn([0.0, 0.0], customer_id=pd.Index([5, 4]))
    events = pd.DataFrame(
        {"customer_id": [4], "timestamp": pd.to_datetime(["2026-01-01"]), "kind": ["relocation"]}
    )
    causes = attribute_causes(events, churn=churn)
    assert causes.customer_id.tolist() == [5, 4]
    assert list(causes.cause) == ["unknown", "active.natural"]


def test_empty_events_leave_every_cause_unknown() -> None:
    causes = attribute_causes(make_events(), churn=make_churned("x", "y"))
    assert list(causes.cause) == ["unknown", "unknown"]
    assert causes.posterior[:, 6].tolist() == [1.0, 1.0]
    assert np.isnan(causes.margin).all()


def test_nobody_left_gives_an_empty_table_that_still_accounts_for_events() -> None:
    churn = detect_churn([1.0], customer_id=["x"])
    causes = attribute_causes(make_events(("x", 0, "complaint")), churn=churn)
    assert len(causes) == len(causes.to_frame()) == len(causes.summary()) == 0
    assert list(causes.evidence.to_frame()["status"]) == ["not_churned"]


def test_unvalidated_events_are_refused() -> None:
    with pytest.raises(SchemaError):
        attribute_causes(pd.DataFrame({"customer_id": ["x"]}), churn=make_churned("x"))


def test_results_pickle_and_show_themselves_in_both_languages() -> None:
    causes = attribute_causes(
        make_events(("x", 0, "relocation"), ("y", 0, "contact")), churn=make_churned("x", "y")
    )
    again = pickle.loads(pickle.dumps(causes))
    pd.testing.assert_frame_equal(again.to_frame(), causes.to_frame())
    chinese = causes.to_frame(language="zh")
    assert list(chinese["cause"]) == ["自然流失", "未知"]
    assert next(iter(chinese["sub_reason"])) == "搬迁"
    assert "next: summarize_causes" in repr(causes)
    assert "<table" in causes._repr_html_()
    assert causes.summary()["customers"].sum() == 2


def test_config_round_trips_and_refuses_nonsense() -> None:
    config = AttributionConfig(half_life_days=30)
    assert AttributionConfig.model_validate_json(config.model_dump_json()) == config
    assert hash(config) == hash(AttributionConfig(half_life_days=30.0))
    for wrong in ({"half_life_days": 0}, {"abstain_weight": 0}, {"price_cause": "unknown"}):
        with pytest.raises(ValueError, match="validation error"):
            AttributionConfig.model_validate(wrong)
