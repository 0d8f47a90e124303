"""Trend, cause and effect, and the checks on what a firm supplies."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from retainkit._core.labels import Label
from retainkit.errors import InvalidTableError
from retainkit.scorecard import Link, Objective, ScorecardTemplate, SuppliedValue, build_scorecard
from retainkit.scorecard._measures import Perspective, Trend

TEMPLATES = [
    ScorecardTemplate.complete(),
    ScorecardTemplate.systems_integrator(),
    ScorecardTemplate.retail_bank(),
    ScorecardTemplate.chemicals_producer(),
]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: t.id)
def test_every_map_argues_from_root_to_result(template: ScorecardTemplate) -> None:
    """Each objective below the financial ones leads, step by step, to a financial one."""
    place = {one.id: one.perspective for one in template.objectives}
    reached = {name for name, where in place.items() if where is Perspective.FINANCIAL}
    for _ in template.links:
        reached |= {link.cause for link in template.links if link.effect in reached}
    assert reached == set(place)
    codes = {finding.code for finding in build_scorecard({}, template=template).findings}
    assert "objective_without_effect" not in codes


def _with(*pairs: tuple[str, str]) -> ScorecardTemplate:
    links = tuple(Link(cause=cause, effect=effect) for cause, effect in pairs)
    return ScorecardTemplate.complete().replace(links=links)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ((("service", "nowhere"),), "not there"),
        ((("loyalty", "service"),), "from result to root"),
        ((("service", "delight"), ("service", "delight")), "more than once"),
        ((("service", "premium"), ("premium", "service")), "in a circle"),
    ],
)
def test_impossible_links_are_refused(pairs: tuple[tuple[str, str], ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        _with(*pairs)


def test_nothing_causes_itself() -> None:
    with pytest.raises(ValidationError, match="cannot cause itself"):
        Link(cause="service", effect="service")


def test_an_objective_that_leads_nowhere_is_reported() -> None:
    template = _with(("service", "delight"))
    codes = [(f.code, f.subject) for f in build_scorecard({}, template=template).findings]
    assert ("objective_without_effect", "people") in codes
    assert ("objective_without_effect", "service") not in codes
    lonely = Objective(id="x", perspective=Perspective.FINANCIAL, name=Label(en="x", zh="x"))
    full = ScorecardTemplate.complete()
    card = build_scorecard({}, template=full.replace(objectives=(*full.objectives, lonely)))
    assert ("objective_without_effect", "x") not in [(f.code, f.subject) for f in card.findings]


def test_trend_follows_the_direction_of_the_measure() -> None:
    before = build_scorecard(
        {"retention_rate": 0.80, "unprofitable_share": 0.30, "products_per_customer": 2.0}
    )
    now = build_scorecard(
        {
            "retention_rate": 0.75,
            "unprofitable_share": 0.25,
            "products_per_customer": 2.0,
            "profit_per_customer": 10.0,
        },
        previous=before,
    )
    assert now.entry("retention_rate").trend is Trend.WORSE
    assert now.entry("unprofitable_share").trend is Trend.BETTER  # less is better
    assert now.entry("products_per_customer").trend is Trend.SAME
    assert now.entry("profit_per_customer").trend is Trend.NONE  # nothing to compare with
    assert now.entry("referrals").trend is Trend.NONE
    row = now.to_frame().set_index("measure").loc["retention_rate"]
    assert (row["previous"], row["trend"]) == (0.80, "worse")


def test_supplied_values_are_checked_for_range_unit_and_date() -> None:
    wrong = [
        SuppliedValue(measure="brand_awareness", value=41.0),
        SuppliedValue(measure="leads", value=3.0, unit="share"),
        SuppliedValue(measure="campaign_response_rate", value=0.1, observed_on=date(2026, 5, 1)),
    ]
    with pytest.raises(InvalidTableError) as caught:
        build_scorecard({}, supplied=wrong, as_of="2026-03-31")
    text = str(caught.value)
    assert "41 is no share" in text
    assert "supplied as share, measured in count" in text
    assert "observed on 2026-05-01, after 2026-03-31" in text


def test_an_old_value_is_shown_but_reported() -> None:
    old = SuppliedValue(measure="brand_awareness", value=0.4, observed_on=date(2024, 1, 1))
    card = build_scorecard({}, supplied=[old], as_of="2026-03-31")
    assert card.entry("brand_awareness").value == 0.4
    (finding,) = [f for f in card.findings if f.code == "stale_value"]
    assert "820 days before 2026-03-31" in finding.text.en
    assert "820" in finding.text.zh
    fresh = build_scorecard({}, supplied=[old], as_of="2026-03-31", stale_after_days=900)
    assert "stale_value" not in {f.code for f in fresh.findings}
    assert "stale_value" not in {f.code for f in build_scorecard({}, supplied=[old]).findings}
