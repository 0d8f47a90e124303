"""The catalogue: complete against the domain, validated, readable from JSON and TOML."""

from __future__ import annotations

import pickle
import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from retainkit.errors import SchemaError
from retainkit.policy import (
    CostModel,
    GuardRail,
    MeasureCatalog,
    MeasureCondition,
    MeasureEffect,
    PolicyMeasure,
    Stance,
)

# Every measure the domain names, row by row, in its own words.
DOMAIN: dict[str, dict[str, str]] = {
    "protecting key customers": {
        "concentrate best resources on them": "concentrate_resources",
        "communicate and build personal ties": "personal_ties",
        "dedicated organisation (key-account managers)": "account_manager",
        "raise loyalty": "raise_loyalty",
        "then contribution": "deepen_contribution",
    },
    "developing ordinary customers": {
        "frequent-buyer programme": "frequent_buyer_programme",
        "rewards at one-time purchase levels": "one_time_reward",
        "rewards at cumulative purchase levels": "cumulative_reward",
        "paid membership with benefits": "paid_membership",
        "extend product line": "extend_product_line",
        "one-stop offer": "one_stop_offer",
        "encourage higher-value purchases (trade-up)": "trade_up",
        "help the customer grow: advice": "help_advice",
        "help the customer grow: training": "help_training",
        "help the customer grow: market planning": "help_market_planning",
    },
    "maintaining without added cost": {
        "no added people, money or goods": "no_added_resources",
        "less promotion": "less_promotion",
        "cash or prepayment": "cash_or_prepayment",
        "fewer service hours": "fewer_service_hours",
        "fewer items": "fewer_service_items",
        "fewer contents": "fewer_service_contents",
        "no extras": "no_extras",
    },
    "nurturing small customers": {
        "more care": "more_care",
        "help them grow to ordinary, then key": "help_to_ordinary",
    },
    "making small customers profitable": {
        "price up": "raise_price",
        "charge what was free": "charge_free_services",
        "sell high-margin goods": "sell_high_margin",
        "fewer contents": "reduce_service_contents",
        "fewer scope": "reduce_service_scope",
        "fewer hours": "reduce_service_hours",
        "cheaper channels: telephone": "channel_telephone",
        "cheaper channels: dealer": "channel_dealer",
        "cheaper channels: self-service": "channel_self_service",
        "separate service in time": "separate_in_time",
        "separate service in place": "separate_in_place",
    },
    "ending bad relations": {
        "stop credit": "stop_credit",
        "settle": "settle_account",
        "terminate": "terminate_relation",
        "courteous reminders": "remind_courteously",
        "pressure": "apply_pressure",
        "legal action": "take_legal_action",
    },
    "doing nothing": {"doing nothing is always an option": "do_nothing"},
}
TIER_AND_STANCE = {
    "protecting key customers": (("key",), Stance.PROTECT),
    "developing ordinary customers": (("ordinary",), Stance.DEVELOP),
    "nurturing small customers": (("small",), Stance.NURTURE),
    "making small customers profitable": (("small",), Stance.ECONOMISE),
    "ending bad relations": ((), Stance.EXIT),
}
CATALOG = MeasureCatalog()


@pytest.mark.parametrize(
    ("row", "words", "measure_id"),
    [(row, words, name) for row, named in DOMAIN.items() for words, name in named.items()],
)
def test_every_measure_of_the_domain_is_in_the_catalogue(
    row: str, words: str, measure_id: str
) -> None:
    measure = CATALOG.measure(measure_id)
    assert measure.source == row, words
    if row in TIER_AND_STANCE:
        tiers, stance = TIER_AND_STANCE[row]
        assert (measure.tiers, measure.stances) == (tiers, (stance,))


def test_what_the_catalogue_adds_to_the_domain_is_known() -> None:
    named = {name for row in DOMAIN.values() for name in row.values()}
    added = {measure.id for measure in CATALOG.measures} - named
    assert added == {
        *("rescue_contact", "agree_payment_plan", "prepayment_until_settled"),
        # for who is not simply there: quiet, gone, ended, not yet or only just a customer
        *("ask_why_in_person", "ask_why", "win_back_in_person", "win_back_offer"),
        *("stop_spending", "stop_contact", "free_reminder", "invite", "second_purchase"),
        # before anything else: an open complaint; before it is decided: a renewal
        *("settle_complaint", "prepare_renewal"),
        # win back by former worth and cause
        *("win_back_mend_in_person", "win_back_match_in_person", "win_back_help_to_pay"),
        *("win_back_mend", "win_back_match", "ask_why_left"),
        # care before, during and after the purchase, paid and free
        *("care_before_purchase", "care_during_purchase", "care_after_purchase"),
        *("thank_and_help", "remind_what_is_due"),
        *("special_reward", "group_activity", "learning_relationship", "trade_up_wallet"),
        # the free choice first, and what fits the reason of a loss
        *("fee_with_choice", "offer_self_service", "charge_returns"),
    }


def test_guard_rails_of_d18_are_all_there() -> None:
    assert [rail.value for rail in GuardRail] == [
        "lost_contribution",
        "replacement_cost",
        "exposure",
        "protected_attributes",
    ]
    for rail in GuardRail:
        assert rail.label.en
        assert rail.label.zh
        assert rail.description.en
        assert rail.description.zh


def test_every_text_is_in_both_languages() -> None:
    for measure in CATALOG.measures:
        for label in (measure.name, measure.description):
            assert label.en.isascii(), measure.id
            assert label.en.strip()
            assert any("\u4e00" <= char <= "\u9fff" for char in label.zh), measure.id
    for stance in Stance:
        assert stance.label.en != stance.label.zh


def test_no_price_and_no_effect_is_invented() -> None:
    for measure in CATALOG.measures:
        assert not measure.effect.is_supplied
        assert measure.cost.expected == (0.0 if measure.id == "do_nothing" else None)
        assert measure.cool_down_days is None
        assert measure.capacity is None
    assert CATALOG.priced == ()


def test_whatever_takes_lists_all_guard_rails() -> None:
    for measure in CATALOG.measures:
        assert measure.adverse == (set(measure.guard_rails) == set(GuardRail))
        if measure.source in {"making small customers profitable", "ending bad relations"}:
            assert measure.adverse


def test_every_measure_but_nothing_says_what_it_changes() -> None:
    assert [measure.id for measure in CATALOG.measures if not measure.changes] == ["do_nothing"]


def test_debt_escalates_in_three_steps() -> None:
    steps = CATALOG.debt_steps
    assert [step.id for step in steps] == list(DOMAIN["ending bad relations"].values())[3:]
    days = [step.after_days_overdue for step in steps]
    assert days == sorted(set(days))


def _row(**changes: Any) -> dict[str, Any]:
    text = {"en": "x", "zh": "某"}
    return {"id": "x", "name": text, "description": text, **changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adverse": True}, "must list the guard rails"),
        ({"adverse": True, "guard_rails": ["exposure"]}, "lost_contribution"),
        ({"stances": ["exit"]}, "set adverse = true"),
        ({"effect": {"spend": 0.1}}, "not among its changes"),
        ({"effect": {"retention": 1.5}, "changes": ["retention"]}, "less than or equal to 1"),
        ({"tiers": ["platinum"]}, "tiers"),
        ({"stances": ["ignore"]}, "stances"),
        ({"id": "Not An Id"}, "pattern"),
        ({"cost": {"per_contact": 1.0}}, "per_contact and contacts"),
        ({"cost": {"acceptance": 0.1}}, "incentive and acceptance"),
        ({"cost": {"per_customer": -1.0}}, "greater than or equal to 0"),
        ({"cost": {"per_customer": float("inf")}}, "finite"),
        ({"cool_down_days": -1}, "greater than or equal to 0"),
        ({"capacity": 0}, "greater than 0"),
        ({"condition": {"gender": ["f"]}}, "Extra inputs"),
        ({"condition": "age > 60"}, "condition"),
        ({"formula": "1 + 1"}, "Extra inputs"),
        ({"name": {"en": "x"}}, "zh"),
    ],
)
def test_a_measure_that_breaks_the_schema_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PolicyMeasure.model_validate(_row(**changes))


def test_a_bad_customer_gets_no_incentive() -> None:
    row = _row(
        stances=["exit"],
        adverse=True,
        guard_rails=[rail.value for rail in GuardRail],
        cost={"incentive": 5.0, "acceptance": 0.5},
    )
    with pytest.raises(ValidationError, match="never get an incentive"):
        PolicyMeasure.model_validate(row)


@pytest.mark.parametrize(
    ("measures", "message"),
    [
        ([_row()], "do_nothing"),
        ([CATALOG.measure("do_nothing"), _row(), _row()], "more than once"),
        ([_row(id="do_nothing", cost={"per_customer": 1.0})], "costs 0"),
        ([_row(id="do_nothing", cost={"per_customer": 0.0}, tiers=["key"])], "open to everybody"),
    ],
)
def test_a_catalogue_that_breaks_the_schema_is_refused(measures: list[Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MeasureCatalog.model_validate({"measures": measures})


def test_debt_steps_that_do_not_escalate_are_refused() -> None:
    with pytest.raises(ValidationError, match="must escalate"):
        MeasureCatalog(debt_steps=CATALOG.debt_steps[::-1])


def test_json_round_trip_pickle_and_hash() -> None:
    catalog = MeasureCatalog()
    assert catalog.allowed.shape == (len(catalog.measures), 10, 108)  # fills the cache
    again = MeasureCatalog.from_json(catalog.to_json())
    assert again == catalog
    assert hash(again) == hash(catalog)
    assert pickle.loads(pickle.dumps(catalog)) == catalog


def test_the_lookup_table_is_what_serves_says() -> None:
    """`allowed` is the vectorised `serves`; compared state by state."""
    import itertools

    from tests.policy.helpers import POTENTIALS, STANDINGS, TIERS

    states = list(itertools.product(TIERS, STANDINGS, POTENTIALS, ("low", "medium", "high", "?")))
    for position in range(0, len(CATALOG.measures), 5):
        measure = CATALOG.measures[position]
        for code, stance in enumerate(Stance):
            for state, (tier, standing, potential, risk) in enumerate(states):
                expected = measure.serves(
                    stance,
                    tier=tier,  # type: ignore[arg-type]
                    standing=standing,  # type: ignore[arg-type]
                    potential=potential,  # type: ignore[arg-type]
                    risk="unknown" if risk == "?" else risk,  # type: ignore[arg-type]
                    relation=next(iter(measure.condition.relations), "present"),
                )
                assert CATALOG.allowed[position, code, state] == expected


def test_toml_in() -> None:
    text = """
    version = "mine"
    [[measures]]
    id = "call"
    tiers = ["key"]
    stances = ["protect"]
    changes = ["retention"]
    cool_down_days = 30
    capacity = 200
    name = {en = "Call", zh = "致电"}
    description = {en = "A call.", zh = "打电话。"}
    condition = {risks = ["high"]}
    cost = {per_contact = 4.0, contacts = 2}
    effect = {retention = 0.05}
    """
    catalog = MeasureCatalog.from_toml(text)
    call = catalog.measure("call")
    assert (call.cost.expected, call.effect.retention, call.capacity) == (8.0, 0.05, 200)
    assert call.condition == MeasureCondition(risks=("high",))
    assert catalog.version == "mine"
    assert catalog.priced == (1,)
    assert MeasureCatalog.from_json(catalog.to_json()) == catalog


def test_toml_without_measures_keeps_the_default_ones() -> None:
    assert MeasureCatalog.from_toml('version = "2"').measures == CATALOG.measures


def test_broken_toml_is_refused() -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        MeasureCatalog.from_toml("version = ")


def test_unknown_measure_names_the_closest() -> None:
    with pytest.raises(SchemaError, match="trade_up"):
        CATALOG.measure("tradeup")
    with pytest.raises(SchemaError, match="to_frame"):
        CATALOG.measure("zzz")


def test_with_measures_replaces_in_place_and_adds_at_the_end() -> None:
    priced = CATALOG.measure("trade_up").replace(
        cost=CostModel(per_customer=1.0), effect=MeasureEffect(spend=0.1)
    )
    new = PolicyMeasure.model_validate(_row(id="new"))
    catalog = CATALOG.with_measures(new, priced)
    ids = [measure.id for measure in CATALOG.measures]
    assert [measure.id for measure in catalog.measures] == [*ids, "new"]
    assert catalog.measures[ids.index("trade_up")] == priced
    assert catalog.priced == (ids.index("trade_up"),)


def test_frame_shows_every_measure_in_both_languages() -> None:
    en, zh = CATALOG.to_frame(), CATALOG.to_frame(language="zh")
    assert len(en) == len(CATALOG.measures)
    assert (en["name"] != zh["name"]).all()
    assert en["cost"].isna().sum() == len(en) - 1


def test_expected_cost_by_hand() -> None:
    # 3 fixed + 2 contacts of 1.5 + 10 paid to the 25 % who accept
    cost = CostModel(per_customer=3.0, per_contact=1.5, contacts=2, incentive=10.0, acceptance=0.25)
    assert cost.expected == 8.5
    assert CostModel(per_customer=0.0).expected == 0.0
    assert CostModel().expected is None
