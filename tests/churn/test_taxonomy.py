"""The catalogue of causes: total, bilingual, versioned, and checked."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from retainkit.churn import CauseCatalog, ChurnCause, default_catalog
from retainkit.churn.causes._taxonomy import CauseEntry
from tests.churn.events import EVENT_KINDS

CHINESE_NAMES = {  # domain.md D22
    "active.natural": "自然流失",
    "active.competitive": "竞争流失",
    "active.fault": "过失流失",
    "passive.non_malicious": "非恶意被动流失",
    "passive.retaliatory": "报复性被动流失",
    "passive.malicious": "恶意被动流失",
}


def test_the_eight_leaves_stand_in_canonical_order() -> None:
    catalog = default_catalog()
    assert [entry.cause for entry in catalog.causes] == list(ChurnCause)
    assert catalog.version


@pytest.mark.parametrize(("code", "name"), CHINESE_NAMES.items())
def test_chinese_names_are_those_of_the_theory(code: str, name: str) -> None:
    assert default_catalog().label(code, language="zh") == name


@pytest.mark.parametrize("entry", default_catalog().causes, ids=lambda e: str(e.cause))
def test_every_text_is_there_in_both_languages(entry: CauseEntry) -> None:
    labels = [entry.label, entry.description, entry.owner_label, *entry.countermeasures]
    labels += [reason.label for reason in entry.sub_reasons]
    for label in labels:
        assert label.en.strip()
        assert label.zh.strip()
        assert label.en.isascii()
        assert not label.zh.isascii()


def test_known_active_reasons_are_sub_reasons() -> None:
    """D22 lists eleven reasons to carry."""
    carried = default_catalog().sub_reason_labels
    for reason in (
        "not_understood",
        "not_informed",
        "moved",
        "deceased",
        "competitor_relationship",
        "won_by_competitor",
        "product_dissatisfaction",
        "vendor_dissatisfaction",
        "price_too_high",
        "complaint_not_handled",
        "lost_interest",
    ):
        assert reason in carried


@pytest.mark.parametrize(
    ("cause", "controllable", "recoverable", "initiator"),
    [
        ("active.natural", False, False, "customer"),
        ("active.competitive", True, True, "customer"),
        ("active.fault", True, True, "customer"),
        ("passive.non_malicious", True, True, "firm"),
        ("passive.retaliatory", True, True, "firm"),
        ("passive.malicious", False, False, "firm"),
        ("unknown", None, None, None),
        ("administrative", False, False, "firm"),
    ],
)
def test_attributes_are_kept_apart_from_the_leaves(
    cause: str, controllable: bool | None, recoverable: bool | None, initiator: str | None
) -> None:
    entry = default_catalog().entry(cause)
    assert (entry.controllable, entry.recoverable) == (controllable, recoverable)
    assert (entry.initiator and entry.initiator.value) == initiator


def test_every_event_kind_of_the_enum_is_in_the_catalogue_and_back() -> None:
    listed = [entry.kind for entry in default_catalog().event_kinds]
    assert sorted(listed) == sorted(EVENT_KINDS)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("payment_failed", "payment_failed"),
        ("Payment Failure", "payment_failed"),
        ("exit-survey", "survey_reason"),
        ("cancellation", "cancellation_request"),
        ("never heard of", "other"),
    ],
)
def test_event_kinds_are_found_by_any_listed_spelling(text: str, kind: str) -> None:
    assert default_catalog().event_kind(text).kind == kind


def test_json_round_trip_and_hash() -> None:
    catalog = default_catalog()
    again = CauseCatalog.from_json(catalog.to_json())
    assert again == catalog
    assert hash(again) == hash(catalog)


def test_frame_has_one_row_per_leaf_in_either_language() -> None:
    frame = default_catalog().to_frame(language="zh")
    assert frame["cause"].tolist() == [str(cause) for cause in ChurnCause]
    assert frame["label"].tolist()[0] == "自然流失"


def test_a_catalogue_without_a_leaf_is_refused() -> None:
    catalog = default_catalog()
    with pytest.raises(ValidationError, match="causes must be exactly"):
        catalog.replace(causes=catalog.causes[1:])


def test_a_catalogue_without_other_is_refused() -> None:
    catalog = default_catalog()
    kinds = tuple(kind for kind in catalog.event_kinds if kind.kind != "other")
    with pytest.raises(ValidationError, match="other"):
        catalog.replace(event_kinds=kinds)


def test_doubled_event_kinds_are_refused() -> None:
    catalog = default_catalog()
    with pytest.raises(ValidationError, match="listed twice"):
        catalog.replace(event_kinds=(*catalog.event_kinds, catalog.event_kinds[0]))


def test_event_kinds_must_name_sub_reasons_of_their_leaf() -> None:
    catalog = default_catalog()
    wrong = catalog.event_kind("death").replace(kind="demise", sub_reason="fraud")
    with pytest.raises(ValidationError, match="no sub-reason"):
        catalog.replace(event_kinds=(*catalog.event_kinds, wrong))


def test_one_sub_reason_has_one_label() -> None:
    catalog = default_catalog()
    first = catalog.causes[0]
    price = next(r for r in first.sub_reasons if r.id == "price_too_high")
    renamed = first.replace(sub_reasons=(price.replace(label={"en": "Dear", "zh": "贵"}),))
    with pytest.raises(ValidationError, match="two labels"):
        catalog.replace(causes=(renamed, *catalog.causes[1:]))


def test_unknown_leaf_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"passive\.bored"):
        default_catalog().entry("passive.bored")
