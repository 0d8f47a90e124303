"""Code books: what each provider's reason codes stand for, and which codes nobody mapped."""

from __future__ import annotations

import math
import pickle

import pandas as pd
import pytest
from pydantic import ValidationError

from retainkit.churn import (
    BUILT_IN_CODE_BOOKS,
    CodeBook,
    check_codes,
    default_catalog,
    default_code_books,
    load_code_book,
)
from retainkit.errors import SchemaError
from tests.churn.events import make_events

TABLE = [  # shared mapping table of public reason lists
    ("ibm_telco.churn_reason", "Moved", "active.natural"),
    ("ibm_telco.churn_reason", "Deceased", "active.natural"),
    ("ibm_telco.churn_reason", "Competitor made better offer", "active.competitive"),
    ("ibm_telco.churn_reason", "Attitude of support person", "active.fault"),
    ("ibm_telco.churn_reason", "Network reliability", "active.fault"),
    ("ibm_telco.churn_reason", "Lack of self-service on Website", "active.fault"),
    ("ibm_telco.churn_reason", "Don't know", "unknown"),
    ("ibm_telco.churn_reason", "Don’t know", "unknown"),
    ("stripe.feedback", "unused", "active.natural"),
    ("stripe.feedback", "switched_service", "active.competitive"),
    ("stripe.feedback", "customer_service", "active.fault"),
    ("stripe.feedback", "low_quality", "active.fault"),
    ("stripe.feedback", "missing_features", "active.fault"),
    ("stripe.feedback", "too_complex", "active.fault"),
    ("stripe.feedback", "other", "unknown"),
    ("stripe.reason", "payment_failed", "passive.non_malicious"),
    ("stripe.reason", "payment_disputed", "passive.retaliatory"),
    ("stripe.reason", "canceled_by_retention_policy", "administrative"),
    ("stripe.decline_code", "expired_card", "passive.non_malicious"),
    ("stripe.decline_code", "stop_payment_order", "passive.retaliatory"),
    ("stripe.decline_code", "revocation_of_authorization", "passive.retaliatory"),
    ("stripe.decline_code", "stolen_card", "passive.malicious"),
    ("stripe.decline_code", "lost_card", "passive.malicious"),
    ("stripe.decline_code", "fraudulent", "passive.malicious"),
    ("google_play.cancel_survey_reason", "0", "unknown"),
    ("google_play.cancel_survey_reason", "1", "active.natural"),
    ("google_play.cancel_survey_reason", "2", "active.fault"),
    ("google_play.cancel_survey_reason", "4.0", "active.competitive"),
    ("google_play.cancel_reason", "SYSTEM_CANCELED", "administrative"),
    ("apple.expiration_intent", "1", "unknown"),
    ("apple.expiration_intent", "2", "passive.non_malicious"),
    ("apple.expiration_intent", "4", "administrative"),
    ("apple.expiration_intent", "5", "unknown"),
    ("revenuecat.reason", "CUSTOMER_SUPPORT", "active.fault"),
    ("revenuecat.reason", "UNSUBSCRIBE", "unknown"),
    ("revenuecat.reason", "BILLING_ERROR", "passive.non_malicious"),
    ("revenuecat.reason", "DEVELOPER_INITIATED", "administrative"),
    ("recurly.expiration_reason", "canceled", "unknown"),
    ("recurly.expiration_reason", "nonpayment", "passive.non_malicious"),
    ("recurly.expiration_reason", "nonpayment_trial", "passive.non_malicious"),
    ("recurly.expiration_reason", "nonpayment_gift", "passive.non_malicious"),
    ("recurly.expiration_reason", "tax_location_invalid", "administrative"),
    ("recurly.expiration_reason", "account_closed", "administrative"),
    ("chargebee.cancel_reason", "not_paid", "passive.non_malicious"),
    ("chargebee.cancel_reason", "no_card", "passive.non_malicious"),
    ("chargebee.cancel_reason", "fraud_review_failed", "passive.malicious"),
    ("chargebee.cancel_reason", "non_compliant_eu_customer", "administrative"),
    ("chargebee.cancel_reason", "tax_calculation_failed", "administrative"),
]
PRICE_CODES = [
    ("ibm_telco.churn_reason", "Price too high"),
    ("ibm_telco.churn_reason", "Extra data charges"),
    ("ibm_telco.churn_reason", "Long distance charges"),
    ("ibm_telco.churn_reason", "Lack of affordable download/upload speed"),
    ("stripe.feedback", "too_expensive"),
    ("google_play.cancel_survey_reason", "3"),
    ("apple.expiration_intent", "3"),
    ("revenuecat.reason", "PRICE_INCREASE"),
]


@pytest.mark.parametrize(("book", "code", "cause"), TABLE)
def test_codes_stand_for_the_leaves_of_the_mapping_table(book: str, code: str, cause: str) -> None:
    entry = load_code_book(book).find(code)
    assert entry is not None
    assert entry.cause.value == cause


@pytest.mark.parametrize(("book", "code"), PRICE_CODES)
def test_price_codes_are_marked_for_the_tie_break(book: str, code: str) -> None:
    entry = load_code_book(book).find(code)
    assert entry is not None
    assert "price" in {signal.value for signal in entry.signals}


@pytest.mark.parametrize(
    ("book", "codes"),
    [("ibm_telco.churn_reason", 20), ("stripe.feedback", 8), ("stripe.reason", 4)],
)
def test_published_lists_are_complete(book: str, codes: int) -> None:
    """IBM lists 20 reasons, Stripe 8 feedback values and 4 mechanisms."""
    assert len(load_code_book(book).entries) == codes


@pytest.mark.parametrize("name", BUILT_IN_CODE_BOOKS)
def test_built_in_books_fit_the_catalogue(name: str) -> None:
    book = load_code_book(name)
    catalog = default_catalog()
    assert book.name == name
    assert book.title
    assert book.reference
    for entry in book.entries:
        assert entry.sub_reason is None or catalog.has_sub_reason(entry.cause, entry.sub_reason)
        assert all(catalog.event_kind(kind).kind == kind for kind in book.kinds)
    assert CodeBook.from_json(book.to_json()) == book


def test_bare_numbers_are_read_only_where_the_source_names_the_book() -> None:
    for book in default_code_books():
        numeric = any(entry.code.isdigit() for entry in book.entries)
        assert book.needs_source == numeric


def test_mapping_toml_and_json_give_the_same_book() -> None:
    by_mapping = CodeBook.from_mapping("shop.reason", {"X1": "active.fault", "X2": "unknown"})
    by_toml = CodeBook.from_toml(
        'name = "shop.reason"\n[[entries]]\ncode = "X1"\ncause = "active.fault"\n'
        '[[entries]]\ncode = "X2"\ncause = "unknown"\n'
    )
    assert by_mapping == by_toml == CodeBook.from_json(by_mapping.to_json())


@pytest.mark.parametrize(
    "codes",
    [
        {"a": "active.bored"},
        {"a": "active.fault", " A ": "unknown"},
        {"a": {"cause": "active.fault", "typo": 1}},
        {"": "unknown"},
    ],
)
def test_wrong_books_are_refused(codes: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        CodeBook.from_mapping("shop.reason", codes)


def test_unknown_built_in_book_names_the_known_ones() -> None:
    with pytest.raises(SchemaError, match=r"stripe\.feedback"):
        load_code_book("paypal")


def test_a_book_with_an_unknown_sub_reason_is_refused_with_its_place() -> None:
    book = CodeBook.from_mapping(
        "shop.reason", {"a": {"cause": "active.fault", "sub_reason": "moved"}}
    )
    with pytest.raises(SchemaError, match=r"moved under active\.fault"):
        check_codes(make_events(("x", 0, "survey_reason", "a")), code_books=[book])


def test_coverage_counts_events_and_customers_and_names_the_gaps() -> None:
    events = make_events(
        ("a", 0, "survey_reason", "moved"),
        ("a", 1, "survey_reason", " MOVED "),
        ("b", 0, "survey_reason", "bored"),
        ("b", 1, "survey_reason", "bored"),
        ("c", 0, "survey_reason", "bored"),
        ("c", 0, "survey_reason", "zzz"),
        ("c", 0, "complaint", None),
        ("c", 0, "complaint", " "),
    )
    coverage = check_codes(events)
    frame = coverage.to_frame().set_index("code")
    assert frame.loc[["moved"], ["events", "customers"]].to_numpy().tolist() == [[2, 1]]
    assert frame.loc["moved", "book"] == "ibm_telco.churn_reason"
    assert coverage.uncovered()[["code", "events", "customers"]].to_numpy().tolist() == [
        ["bored", 3, 2],
        ["zzz", 1, 1],
    ]
    assert coverage.share == pytest.approx(2 / 6)
    assert coverage.summary()["events"].tolist() == [2, 4]
    assert len(pickle.loads(pickle.dumps(coverage))) == 3


def test_without_codes_the_share_is_undefined() -> None:
    assert math.isnan(check_codes(make_events(("a", 0, "complaint"))).share)
    assert math.isnan(check_codes(make_events()).share)


def test_source_chooses_the_book_and_numbers_need_it() -> None:
    events = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4],
            "timestamp": pd.to_datetime(["2026-01-01"] * 4),
            "kind": "survey_reason",
            "code": [4.0, 4.0, 4.0, 2.0],
            "source": ["google_play", "apple.expiration_intent", None, "google_play"],
        }
    )
    frame = check_codes(events).to_frame()
    read = frame[frame["covered"]]
    books = dict(zip(zip(read["code"], read["source"], strict=True), read["cause"], strict=True))
    assert books == {
        ("4", "google_play"): "active.competitive",
        ("4", "apple.expiration_intent"): "administrative",
        ("2", "google_play"): "active.fault",
    }


def test_the_first_book_that_lists_a_code_wins() -> None:
    mine = CodeBook.from_mapping("shop.reason", {"moved": "active.fault"})
    coverage = check_codes(
        make_events(("a", 0, "survey_reason", "moved")),
        code_books=(mine, *default_code_books()),
    )
    assert coverage.to_frame()["cause"].tolist() == ["active.fault"]


@pytest.mark.parametrize(
    "events",
    [
        pd.DataFrame({"customer_id": [1]}),
        pd.DataFrame({"customer_id": [1], "kind": ["x"], "timestamp": ["2026-01-01"]}),
        pd.DataFrame({"customer_id": [1], "kind": ["x"], "timestamp": [pd.NaT]}),
    ],
)
def test_events_that_were_not_validated_are_refused(events: pd.DataFrame) -> None:
    with pytest.raises(SchemaError, match="validate_events"):
        check_codes(events)
