"""Templates: complete against the domain's list, consistent, in both languages."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from retainkit._core.labels import Label
from retainkit.errors import SchemaError
from retainkit.scorecard import Measure, Objective, ScorecardTemplate, Target
from retainkit.scorecard._measures import Perspective, Process

# The list of the domain (D29), part by part, in its own words.
DOMAIN: dict[str, dict[str, str]] = {
    "financial": {
        "revenue from new customers": "revenue_from_new_customers",
        "revenue from new products/services": "revenue_from_new_products",
        "share of wallet": "share_of_wallet",
        "profit per customer (ABC)": "profit_per_customer",
        "share of unprofitable customers": "unprofitable_share",
        "selling cost / revenue": "selling_cost_ratio",
        "cost of sales by channel": "cost_of_sales_by_channel",
        "share of customers transacting electronically": "electronic_customer_share",
    },
    "customer": {
        "% highly satisfied": "highly_satisfied_share",
        "retention": "retention_rate",
        "depth of relationship": "relationship_depth",
        "% of business from referrals": "referred_business_share",
    },
    "select": {
        "contribution by segment": "segment_contribution",
        "share of target segment": "target_segment_share",
        "% unprofitable customers": "select_unprofitable_share",
        "number of strategic accounts": "strategic_accounts",
        "brand awareness/preference": "brand_preference",
    },
    "acquire": {
        "brand awareness": "brand_awareness",
        "campaign response rate": "campaign_response_rate",
        "trial users": "trial_users",
        "leads": "leads",
        "conversion rate": "lead_conversion_rate",
        "cost per new customer": "cost_per_new_customer",
        "estimated lifetime value of those acquired": "new_customer_lifetime_value",
        "dealer scorecard/quality": "dealer_scorecard",
    },
    "retain": {
        "number of premium customers": "premium_customers",
        "premium customers' quality rating": "premium_quality_rating",
        "time to resolve a problem or complaint": "complaint_resolution_time",
        "% of requests not satisfied by the first response": "unresolved_at_first_response_share",
        "revenue from sole-source contracts": "sole_source_revenue",
        "share from sole-source contracts": "sole_source_revenue_share",
        "service level by channel": "service_level_by_channel",
        "spending per customer": "spending_per_customer",
        "referrals": "referrals",
        "new customers from referrals": "new_customers_from_referrals",
        "testimonials by advocates": "testimonials",
        "suggestions by loyal customers": "suggestions",
        "lifetime value": "customer_lifetime_value",
    },
    "grow": {
        "products per customer": "products_per_customer",
        "revenue from products beyond the entry product": "revenue_beyond_entry_product",
        "number of jointly developed service agreements": "joint_service_agreements",
        "revenue from after-sale services": "after_sale_revenue",
        "margin from after-sale services": "after_sale_margin",
        "number of value-added services": "value_added_services",
        "number of sole-source contracts": "sole_source_contracts",
        "number of gain-sharing agreements": "gain_sharing_agreements",
        "revenue from gain-sharing agreements": "gain_sharing_revenue",
        "hours spent with the customer": "hours_with_customers",
    },
    "learning": {
        "human-capital readiness": "human_capital_readiness",
        "turnover of key staff": "key_staff_turnover",
        "customer-application portfolio readiness": "application_readiness",
        "use of the knowledge system per employee": "knowledge_use_per_employee",
        "employee culture survey": "culture_survey",
        "% of employee objectives linked to the scorecard": "linked_objectives_share",
    },
}
WORKED: dict[str, tuple[ScorecardTemplate, tuple[str, ...]]] = {
    "systems_integrator": (
        ScorecardTemplate.systems_integrator(),
        (
            "strategic_accounts",
            "no_bid_decisions",
            "proposal_success_rate",
            "sole_source_revenue_share",
            "management_system_availability",
        ),
    ),
    "retail_bank": (
        ScorecardTemplate.retail_bank(),
        (
            "unprofitable_share",
            "high_value_lead_count",
            "lead_conversion_rate",
            "high_value_fulfilment_time",
            "top_issues_resolved",
            "hours_with_high_value_customers",
            "multi_product_share",
        ),
    ),
    "chemicals_producer": (
        ScorecardTemplate.chemicals_producer(),
        (
            "market_share",
            "customer_profitability",
            "distribution_report_card",
            "distributor_satisfaction",
            "customer_report_card",
            "joint_development_projects",
        ),
    ),
}
COMPLETE = ScorecardTemplate.complete()
EVERY = [COMPLETE, *(template for template, _ in WORKED.values())]
LESS_IS_BETTER = {
    "unprofitable_share",
    "select_unprofitable_share",
    "selling_cost_ratio",
    "cost_of_sales_by_channel",
    "cost_per_new_customer",
    "complaint_resolution_time",
    "unresolved_at_first_response_share",
    "key_staff_turnover",
    "high_value_fulfilment_time",
}


@pytest.mark.parametrize(
    ("part", "words", "measure_id"),
    [(part, words, name) for part, named in DOMAIN.items() for words, name in named.items()],
)
def test_every_measure_of_the_domain_is_in_the_map(part: str, words: str, measure_id: str) -> None:
    measure = COMPLETE.measure(measure_id)
    objective = COMPLETE.objective_of(measure)
    place = objective.perspective if objective.process is None else objective.process
    assert place.value == part, words


def test_the_map_adds_nothing_to_the_domain() -> None:
    named = {name for part in DOMAIN.values() for name in part.values()}
    assert {measure.id for measure in COMPLETE.measures} == named


@pytest.mark.parametrize("name", WORKED)
def test_worked_templates_hold_their_measures(name: str) -> None:
    template, measures = WORKED[name]
    assert template.id == name
    assert {measure.id for measure in template.measures} == set(measures)


@pytest.mark.parametrize("template", EVERY, ids=lambda template: template.id)
def test_template_is_complete_and_bilingual(template: ScorecardTemplate) -> None:
    served = {measure.objective for measure in template.measures}
    assert served == {objective.id for objective in template.objectives}
    for measure in template.measures:
        for label in (measure.name, measure.definition):
            assert label.en.isascii()
            assert any("\u4e00" <= char <= "\u9fff" for char in label.zh), measure.id
        assert (measure.direction == "down") == (measure.id in LESS_IS_BETTER), measure.id
        assert measure.target is None
        assert measure.owner is None
    assert ScorecardTemplate.from_json(template.to_json()) == template
    assert pickle.loads(pickle.dumps(template)) == template
    assert len({hash(template), hash(ScorecardTemplate.from_json(template.to_json()))}) == 1


def test_computable_measures_use_the_names_of_the_metrics() -> None:
    from retainkit.metrics import METRIC_DEFINITIONS

    shown = {measure.metric_name for measure in COMPLETE.measures}
    assert {"retention_rate", "average_revenue_per_customer"} <= shown & set(METRIC_DEFINITIONS)


def test_one_number_may_stand_in_two_places() -> None:
    twice = [m.id for m in COMPLETE.measures if m.metric_name == "unprofitable_share"]
    assert twice == ["unprofitable_share", "select_unprofitable_share"]


def test_words_of_the_map() -> None:
    assert [p.value for p in Perspective] == ["financial", "customer", "process", "learning"]
    assert [p.value for p in Process] == ["select", "acquire", "retain", "grow"]
    for word in (*Perspective, *Process):
        assert word.label.en
        assert word.label.zh


def _measure(**changes: Any) -> dict[str, Any]:
    text = {"en": "x", "zh": "某"}
    base = {"id": "x", "objective": "o", "name": text, "definition": text, "unit": "share"}
    return {**base, **changes}


OBJECTIVE = Objective(id="o", perspective=Perspective.CUSTOMER, name=Label(en="o", zh="目标"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": {"value": 85.0}}, "from 0 to 1"),
        ({"unit": "count", "target": {"value": -1.0}}, "not below 0"),
        ({"target": {"value": 0.8, "amber": 0.9}}, "better than the target"),
        ({"direction": "down", "target": {"value": 0.2, "amber": 0.1}}, "better than the target"),
        ({"unit": "furlong"}, "unit"),
        ({"direction": "sideways"}, "direction"),
        ({"id": "Not An Id"}, "pattern"),
        ({"colour": "red"}, "Extra inputs"),
        ({"target": {"value": float("nan")}}, "finite"),
    ],
)
def test_a_measure_that_breaks_the_schema_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Measure.model_validate(_measure(**changes))


@pytest.mark.parametrize(
    ("objectives", "measures", "message"),
    [
        ((OBJECTIVE, OBJECTIVE), (), "objective ids"),
        ((OBJECTIVE,), (_measure(), _measure()), "measure ids"),
        ((OBJECTIVE,), (_measure(objective="elsewhere"),), "not there"),
    ],
)
def test_a_template_that_breaks_the_schema_is_refused(
    objectives: tuple[Objective, ...], measures: tuple[dict[str, Any], ...], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ScorecardTemplate.model_validate(
            {
                "id": "t",
                "name": {"en": "t", "zh": "某"},
                "objectives": objectives,
                "measures": measures,
            }
        )


def test_process_objectives_and_only_they_name_a_process() -> None:
    name = Label(en="o", zh="目标")
    with pytest.raises(ValidationError, match="name a process"):
        Objective(id="o", perspective=Perspective.PROCESS, name=name)
    with pytest.raises(ValidationError, match="name a process"):
        Objective(id="o", perspective=Perspective.LEARNING, process=Process.GROW, name=name)


def test_unknown_measure_names_the_closest() -> None:
    with pytest.raises(SchemaError, match="retention_rate"):
        COMPLETE.measure("retention_rates")


def test_with_measures_replaces_in_place_and_adds_at_the_end() -> None:
    target = COMPLETE.measure("leads").replace(target=Target(value=100.0), owner="Sales")
    new = Measure.model_validate(_measure(id="new", objective="winning"))
    template = COMPLETE.with_measures(new, target)
    ids = [measure.id for measure in COMPLETE.measures]
    assert [measure.id for measure in template.measures] == [*ids, "new"]
    assert template.measure("leads").owner == "Sales"
