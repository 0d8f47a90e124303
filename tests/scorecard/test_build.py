"""The filled scorecard: statuses, signals, findings, and values that are refused."""

from __future__ import annotations

import pickle
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit._core.labels import Label
from retainkit.errors import InvalidTableError, SchemaError
from retainkit.metrics import MetricValue
from retainkit.scorecard import (
    Objective,
    Scorecard,
    ScorecardTemplate,
    SuppliedValue,
    Target,
    build_scorecard,
)
from retainkit.scorecard._measures import MeasureStatus, Perspective, Signal
from retainkit.scorecard._scorecard import MISSING_REASONS

NAN = float("nan")


def _metric(name: str, value: float | None, reason: str | None = None) -> MetricValue:
    return MetricValue(
        name=name,
        value=value,
        numerator=4.0,
        denominator=6.0,
        n=6,
        reason=reason,  # type: ignore[arg-type]
    )


def test_statuses_by_hand() -> None:
    card = build_scorecard(
        {
            "retention_rate": _metric("retention_rate", 4 / 6),
            "average_revenue_per_customer": 120.5,
            "unprofitable_share": None,
            "share_of_wallet": _metric("share_of_wallet", None, "zero_denominator"),
        },
        supplied=[
            SuppliedValue(
                measure="brand_awareness", value=0.4, observed_on=date(2026, 3, 1), note="survey"
            )
        ],
    )
    found = {
        e.measure.id: (e.value, e.status.value, e.reason)
        for e in card.entries
        if e.status is not MeasureStatus.MISSING
        or e.measure.id in {"unprofitable_share", "share_of_wallet", "referrals", "trial_users"}
        or e.measure.id in {"market_share", "culture_survey", "select_unprofitable_share"}
    }
    assert found == {
        "retention_rate": (4 / 6, "computed", None),
        "spending_per_customer": (120.5, "computed", None),
        "brand_awareness": (0.4, "supplied", None),
        "unprofitable_share": (None, "missing", "not_computable"),
        "select_unprofitable_share": (None, "missing", "not_computable"),
        "share_of_wallet": (None, "missing", "zero_denominator"),
        "referrals": (None, "missing", "not_computed"),
        "trial_users": (None, "missing", "not_computed"),
        "culture_survey": (None, "missing", "not_supplied"),
    }
    assert card.entry("brand_awareness").note == "survey (2026-03-01)"
    assert "4 / 6" in card.entry("retention_rate").note


@pytest.mark.parametrize("nothing", [None, NAN, float("inf"), np.float64("nan")])
def test_missing_is_never_zero(nothing: float | None) -> None:
    card = build_scorecard({"retention_rate": nothing})
    entry = card.entry("retention_rate")
    assert (entry.value, entry.status, entry.signal) == (None, MeasureStatus.MISSING, Signal.NONE)
    frame = card.to_frame()
    assert frame["value"].isna().all()
    assert (frame["value"] != 0).all()
    assert frame["reason"].notna().all()


def test_zero_is_a_value() -> None:
    entry = build_scorecard({"retention_rate": 0.0}, targets={"retention_rate": 0.8}).entry(
        "retention_rate"
    )
    assert (entry.value, entry.status.value, entry.signal.value) == (0.0, "computed", "red")


@pytest.mark.parametrize(
    ("measure", "value", "target", "signal"),
    [
        # more is better; default amber bound 10 % below: 0.72 for 0.80
        ("retention_rate", 0.90, 0.80, "green"),
        ("retention_rate", 0.80, 0.80, "green"),
        ("retention_rate", 0.79, 0.80, "amber"),
        ("retention_rate", 0.73, 0.80, "amber"),
        ("retention_rate", 0.71, 0.80, "red"),
        ("retention_rate", 0.79, Target(value=0.80, amber=0.795), "red"),
        ("retention_rate", 0.795, Target(value=0.80, amber=0.795), "amber"),
        # less is better: 5 days, amber to 5.5
        ("complaint_resolution_time", 4.0, 5.0, "green"),
        ("complaint_resolution_time", 5.0, 5.0, "green"),
        ("complaint_resolution_time", 5.5, 5.0, "amber"),
        ("complaint_resolution_time", 5.6, 5.0, "red"),
        ("complaint_resolution_time", 9.0, Target(value=5.0, amber=10.0), "amber"),
        # a target of zero has no tolerance of its own
        ("unprofitable_share", 0.0, 0.0, "green"),
        ("unprofitable_share", 0.01, 0.0, "red"),
        # a negative target: 10 % of its size below
        ("after_sale_margin", -100.0, -100.0, "green"),
        ("after_sale_margin", -105.0, -100.0, "amber"),
        ("after_sale_margin", -111.0, -100.0, "red"),
    ],
)
def test_signal_by_hand(measure: str, value: float, target: Target | float, signal: str) -> None:
    card = build_scorecard({measure: value}, targets={measure: target})
    assert card.entry(measure).signal.value == signal


def test_without_target_there_is_no_signal() -> None:
    assert build_scorecard({"retention_rate": 0.9}).entry("retention_rate").signal is Signal.NONE


@given(
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.sampled_from(["retention_rate", "unprofitable_share"]),
)
@settings(deadline=None, derandomize=True, max_examples=60)
def test_a_better_value_never_has_a_worse_signal(
    one: float, other: float, target: float, measure_id: str
) -> None:
    """Signals are monotone in the direction of the measure."""
    rank = {Signal.GREEN: 0, Signal.AMBER: 1, Signal.RED: 2}
    cards = [
        build_scorecard({measure_id: value}, targets={measure_id: target}) for value in (one, other)
    ]
    entries = [card.entry(measure_id) for card in cards]
    if entries[0].measure.is_better(other, one):
        entries.reverse()
    assert rank[entries[0].signal] <= rank[entries[1].signal]


def test_the_amber_tolerance_is_the_templates() -> None:
    template = ScorecardTemplate.complete().replace(amber_tolerance=0.5)
    card = build_scorecard(
        {"retention_rate": 0.5}, targets={"retention_rate": 0.9}, template=template
    )
    assert card.entry("retention_rate").signal is Signal.AMBER


def test_a_name_is_an_id_or_a_metric_and_the_id_comes_first() -> None:
    card = build_scorecard(
        {},
        supplied=[SuppliedValue(measure="unprofitable_share", value=0.2)],
        targets={
            "average_revenue_per_customer": 100.0,
            "select_unprofitable_share": 0.1,
            "unprofitable_share": 0.3,
        },
    )
    # one number in two places, each place with its own target
    both = [card.entry(name) for name in ("unprofitable_share", "select_unprofitable_share")]
    assert [entry.value for entry in both] == [0.2, 0.2]
    assert [entry.measure.target for entry in both] == [Target(value=0.3), Target(value=0.1)]
    assert [entry.signal.value for entry in both] == ["green", "red"]
    assert card.entry("spending_per_customer").measure.target == Target(value=100.0)


def test_computed_comes_before_supplied_and_says_so() -> None:
    card = build_scorecard(
        {"retention_rate": 0.8}, supplied=[SuppliedValue(measure="retention_rate", value=0.9)]
    )
    assert card.entry("retention_rate").value == 0.8
    finding = next(f for f in card.findings if f.code == "supplied_not_used")
    assert finding.subject == "retention_rate"
    assert "0.9" in finding.text.en
    assert "0.9" in finding.text.zh


def test_supplied_fills_what_could_not_be_computed() -> None:
    card = build_scorecard(
        {"retention_rate": None}, supplied=[SuppliedValue(measure="retention_rate", value=0.9)]
    )
    entry = card.entry("retention_rate")
    assert (entry.value, entry.status, entry.reason) == (0.9, MeasureStatus.SUPPLIED, None)


def test_impossible_computed_values_are_found() -> None:
    card = build_scorecard({"retention_rate": 1.2})
    assert ("out_of_range", "retention_rate") in {(f.code, f.subject) for f in card.findings}


def test_impossible_and_repeated_supplied_values_are_refused_together() -> None:
    with pytest.raises(InvalidTableError) as error:
        build_scorecard(
            {},
            supplied=[
                SuppliedValue(measure="brand_awareness", value=41.0),
                SuppliedValue(measure="trial_users", value=-1.0),
                SuppliedValue(measure="leads", value=1.0),
                SuppliedValue(measure="leads", value=2.0),
            ],
        )
    message = str(error.value)
    assert "brand_awareness: 41 is no share" in message
    assert "trial_users: -1 is no count" in message
    assert "leads: supplied 2 times" in message


def test_unknown_names_are_refused_with_the_closest() -> None:
    with pytest.raises(SchemaError, match="brand_awareness"):
        build_scorecard({}, supplied=[SuppliedValue(measure="brand_awarenes", value=0.1)])
    with pytest.raises(SchemaError, match="retention_rate"):
        build_scorecard({}, targets={"retention": 0.8})
    with pytest.raises(ValidationError, match="from 0 to 1"):
        build_scorecard({}, targets={"retention_rate": 80.0})


def test_metrics_no_measure_shows_are_listed() -> None:
    assert build_scorecard({"gini": 0.5, "retention_rate": 0.5}).unused == ("gini",)


def test_objectives_without_measures_are_reported_not_refused() -> None:
    template = ScorecardTemplate.retail_bank()
    lonely = Objective(
        id="lonely", perspective=Perspective.LEARNING, name=Label(en="Learn", zh="学习")
    )
    card = build_scorecard({}, template=template.replace(objectives=(*template.objectives, lonely)))
    found = [(f.code, f.subject) for f in card.findings]
    assert ("objective_without_measures", "lonely") in found
    assert ("objective_without_values", "profitable_base") in found
    assert ("objective_without_effect", "lonely") in found
    assert len(found) == 6


def test_findings_vanish_as_values_come() -> None:
    card = build_scorecard({"sole_source_revenue_share": 0.3}, template=_integrator())
    assert "grow_sole_source" not in {finding.subject for finding in card.findings}


def _integrator() -> ScorecardTemplate:
    return ScorecardTemplate.systems_integrator()


def test_summary_reconciles() -> None:
    card = build_scorecard(
        {"retention_rate": 0.9, "leads": 3.0},
        supplied=[SuppliedValue(measure="culture_survey", value=3.4)],
        targets={"retention_rate": 0.8, "leads": 10.0},
    )
    rows = card.summary().to_dict("records")
    total = rows.pop()
    assert total.pop("part") == "all"
    for name, whole in total.items():
        assert sum(row[name] for row in rows) == whole
    assert (total["computed"], total["supplied"], total["missing"]) == (2, 1, 51)
    assert (total["green"], total["amber"], total["red"]) == (1, 0, 1)
    for row in rows:
        assert row["measures"] == row["computed"] + row["supplied"] + row["missing"]


def test_frame_in_both_languages() -> None:
    card = build_scorecard({"retention_rate": 0.9})
    en, zh = card.to_frame(), card.to_frame(language="zh")
    assert en["measure"].tolist() == [m.id for m in card.template.measures]
    assert en.loc[en["measure"] == "retention_rate", "name"].item() == "Retention rate"
    assert zh.loc[zh["measure"] == "retention_rate", "name"].item() == "客户保持率"
    assert en["status"].cat.categories.tolist() == ["computed", "supplied", "missing"]
    assert en["signal"].cat.categories.tolist() == ["green", "amber", "red", "none"]


def test_shows_itself_and_escapes() -> None:
    card = build_scorecard({"retention_rate": 0.9})
    assert repr(card) == "<Scorecard: 54 measures; next: .to_frame(), .summary() or .findings>"
    assert "Retention rate" in card._repr_html_()
    assert "Retention rate" not in build_scorecard({})._repr_html_()
    template = card.template
    nasty = template.measure("retention_rate").replace(owner="<script>")
    shown = build_scorecard({"retention_rate": 0.9}, template=template.with_measures(nasty))
    assert "<script>" not in shown._repr_html_()


def test_pickles() -> None:
    card = build_scorecard({"retention_rate": _metric("retention_rate", 0.5)})
    again = pickle.loads(pickle.dumps(card))
    assert isinstance(again, Scorecard)
    assert again.entries == card.entries
    pd.testing.assert_frame_equal(again.to_frame(), card.to_frame())


def test_reasons_have_texts_in_both_languages() -> None:
    for label in MISSING_REASONS.values():
        assert label.en
        assert label.zh
