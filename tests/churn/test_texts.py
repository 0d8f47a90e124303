"""Reasons read from free text in two languages, and code books from tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit.churn import (
    CodeBook,
    TextRule,
    TextRules,
    attribute_causes,
    code_texts,
    default_catalog,
    default_text_rules,
)
from retainkit.churn.causes._coding import TextReading, check_text_rules
from retainkit.churn.causes._taxonomy import EvidenceSource
from retainkit.errors import AlignmentError, SchemaError
from tests.churn.events import make_churned, make_events

LAW = settings(deadline=None, derandomize=True, max_examples=60)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("We are moving to another city next month", "moved"),
        ("Your agent was RUDE to me", "staff_attitude"),
        ("I switched to Acme", "won_by_competitor"),
        ("It's too expensive for what it does", "price_too_high"),
        ("My card expired", "payment_details_outdated"),
        ("Sorry, forgot to pay", "payment_forgotten"),
        ("You ignored my complaint for weeks", "complaint_not_handled"),
        ("我们搬家了", "moved"),
        ("客服态度恶劣", "staff_attitude"),
        ("价格太高了", "price_too_high"),
        ("别家便宜很多", "competitor_offer"),
        ("投诉没人处理", "complaint_not_handled"),
        ("信号不好,经常掉线", "technical_failure"),
        ("忘记付款了", "payment_forgotten"),
        ("The staff were not rude, but the quality: poor quality", "product_dissatisfaction"),
        ("价格不是太贵,但是质量差", "product_dissatisfaction"),
    ],
)
def test_a_reason_is_read(text: str, code: str) -> None:
    reading = default_text_rules().classify([text])[0]
    assert reading is not None
    assert reading.code == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thank you for everything",
        "It was never too expensive",
        "The support wasn't ever rude",
        "We are not moving house",
        "并不是太贵",
        "没有换到别家",
        "too expensive, and your staff was rude",
        "太贵,而且服务差",
        "crude oil prices",
    ],
)
def test_it_abstains(text: str) -> None:
    """Nothing named, everything negated, two leaves at once, or part of another word."""
    assert default_text_rules().classify([text]) == [None]


def test_the_built_in_rules_fit_the_catalogue() -> None:
    rules = default_text_rules()
    check_text_rules(rules, default_catalog())
    assert TextRules.from_json(rules.to_json()) == rules
    wrong = rules.replace(rules=(TextRule(cause="active.fault", code="moved", en=("x",)),))
    with pytest.raises(SchemaError, match="unknown sub-reasons"):
        check_text_rules(wrong, default_catalog())
    with pytest.raises(ValidationError, match="lower case"):
        rules.replace(rules=(TextRule(cause="active.fault", code="neglected", en=("Loud",)),))


@LAW
@given(st.text(max_size=60))
def test_any_text_is_read_or_left(text: str) -> None:
    """No text fails; what is read is a phrase of the rules that stands in the text."""
    reading = default_text_rules().classify([text])[0]
    if reading is not None:
        assert reading.words in text.casefold().replace("’", "'")


def test_only_events_without_a_code_are_coded() -> None:
    events = make_events(
        ("a", 0, "agent_note"), ("b", 0, "agent_note", "moved"), ("c", 0, "contact"), ("d", 0, "x")
    )
    events["text"] = ["客服态度恶劣", "rude", None, "hello"]
    coded = code_texts(events)
    assert coded["code"].tolist()[:2] == ["staff_attitude", "moved"]
    assert coded["code"].isna().tolist() == [False, False, True, True]
    assert coded["coded_from"].iloc[0] == "态度恶劣"
    assert events["code"].isna().sum() == 3  # the input is left alone
    causes = attribute_causes(coded, churn=make_churned("a", "b", "c", "d"))
    assert list(causes.cause) == ["active.fault", "active.natural", "unknown", "unknown"]
    with pytest.raises(SchemaError, match="no column 'text'"):
        code_texts(make_events())


class Trained(NamedTuple):
    """A stand-in for a trained model."""

    source: EvidenceSource | None = EvidenceSource.MODEL
    short: bool = False

    def classify(self, texts: Sequence[str]) -> list[TextReading | None]:
        return [] if self.short else [TextReading("low_quality", "score 0.9") for _ in texts]


def test_a_trained_classifier_can_be_plugged_in_and_weighs_as_a_model() -> None:
    events = make_events(("a", 0, "survey_reason"))
    events["text"] = ["..."]
    coded = code_texts(events, classifier=Trained())
    assert coded["source"].tolist() == ["model"]
    causes = attribute_causes(coded, churn=make_churned("a"))
    assert causes.evidence.weight.tolist() == [0.2]
    with pytest.raises(AlignmentError, match="0 readings of 1"):
        code_texts(events, classifier=Trained(short=True))


CSV = """code,cause,sub_reason,signals,reliability
Umzug,active.natural,moved,,
teuer,active.natural,price_too_high,price,0.5
"Weg, sagt nichts",unknown,,,
"""


def test_a_code_book_from_a_table_equals_one_from_a_mapping() -> None:
    book = CodeBook.from_csv("shop.reason", "\ufeff" + CSV, kinds=("survey_reason",))
    same = CodeBook.from_mapping(
        "shop.reason",
        {
            "Umzug": {"cause": "active.natural", "sub_reason": "moved"},
            "teuer": {
                "cause": "active.natural",
                "sub_reason": "price_too_high",
                "signals": ["price"],
                "reliability": 0.5,
            },
            "Weg, sagt nichts": "unknown",
        },
        kinds=("survey_reason",),
    )
    assert book == same
    assert CodeBook.from_json(book.to_json()) == book


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("reason,cause\nx,unknown\n", SchemaError),
        ("code,cause\nx,unknown,more\n", SchemaError),
        ("code,cause\nx,active.weather\n", ValidationError),
        ("code,cause,colour\nx,unknown,red\n", ValidationError),
        ("code,cause\nx,unknown\nX ,unknown\n", ValidationError),
        ("code,cause,reliability\nx,unknown,2\n", ValidationError),
    ],
)
def test_bad_tables_are_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        CodeBook.from_csv("shop.reason", text)


def test_an_empty_table_is_an_empty_book() -> None:
    assert CodeBook.from_csv("shop.reason", "code,cause\n").entries == ()
