"""Code books: what each provider's reason codes stand for, and which codes nobody mapped."""

from __future__ import annotations

import math
import pickle

import pandas as pd
import pytest
from pydantic import ValidationError

from retainkit.churn import (
    CodeBook,
    attribute_causes,
    check_codes,
    default_catalog,
    default_code_books,
    load_code_book,
)
from retainkit.churn.causes._codes import BUILT_IN_CODE_BOOKS
from retainkit.errors import SchemaError
from tests.churn.events import DAY_ZERO, make_churned, make_events

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
    with pytest.raises(SchemaError, match="validate_table"):
        check_codes(events)


CHANGED = CodeBook.from_csv(
    "shop.reason",
    "code,cause,valid_from,valid_until\n"
    "7,active.natural,,2025-12-31\n"
    "7,active.fault,2026-01-03,2026-01-20\n"
    "7,active.competitive,2026-01-15,\n"
    "8,active.fault,,\n",
)
"""Code 7 meant one thing until the year's end and another from 3 January; the entries of a third
meaning overlap with it from 15 to 20 January."""


@pytest.mark.parametrize(
    ("day", "cause", "reason"),
    [
        (-1, "active.natural", None),  # 31 December 2025, the last day, inclusive
        (0, None, "not_valid"),  # 1 January 2026: between two meanings
        (1, None, "not_valid"),
        (2, "active.fault", None),  # 3 January, the first day, inclusive
        (13, "active.fault", None),
        (14, None, "ambiguous"),  # 15 January: two meanings hold
        (19, None, "ambiguous"),
        (20, "active.competitive", None),
    ],
)
def test_a_code_is_read_by_the_day_of_the_event(
    day: int, cause: str | None, reason: str | None
) -> None:
    events = make_events(("a", day, "survey_reason", "7"), ("a", day, "survey_reason", "8"))
    row = check_codes(events, code_books=[CHANGED]).to_frame().iloc[0]
    assert (row["cause"] if cause else None) == cause
    assert (row["reason"] if reason else None) == reason
    assert bool(row["covered"]) == (cause is not None)
    found = CHANGED.find("7", on=(DAY_ZERO + pd.Timedelta(days=day)).date())
    assert (found.cause if found else None) == cause
    causes = attribute_causes(events.iloc[:1], churn=make_churned("a"), code_books=[CHANGED])
    assert list(causes.cause) == [cause or "unknown"]


def test_each_meaning_is_counted_and_what_no_entry_covers_is_reported() -> None:
    """Customers and events of one code, split by what it meant on the day."""
    rows = [("a", -9), ("b", -2), ("b", 0), ("c", 5), ("c", 6), ("d", 16), ("e", 300)]
    events = make_events(*[(who, day, "survey_reason", "7") for who, day in rows])
    events = events.sample(frac=1.0, random_state=3).reset_index(drop=True)
    coverage = check_codes(events, code_books=[CHANGED])
    frame = coverage.to_frame()
    assert frame["events"].sum() == 7
    assert dict(
        zip(frame["cause"].dropna(), frame["customers"][frame["covered"]], strict=True)
    ) == {
        "active.natural": 2,
        "active.fault": 1,
        "active.competitive": 1,
    }
    missing = coverage.uncovered().set_index("reason")["events"]
    assert missing.to_dict() == {"not_valid": 1, "ambiguous": 1}
    assert coverage.share == pytest.approx(5 / 7)


def test_a_later_book_reads_what_an_earlier_one_no_longer_does() -> None:
    old = CodeBook.from_mapping(
        "old", {"7": {"cause": "active.fault", "valid_until": "2026-01-05"}}
    )
    new = CodeBook.from_mapping("new", {"7": "active.natural"})
    events = make_events(("a", 4, "survey_reason", "7"), ("b", 5, "survey_reason", "7"))
    causes = attribute_causes(events, churn=make_churned("a", "b"), code_books=[old, new])
    assert list(causes.cause) == ["active.fault", "active.natural"]


def test_entries_that_agree_are_not_ambiguous() -> None:
    twice = {"code": "7", "cause": "active.fault"}
    book = CodeBook.model_validate(
        {
            "name": "shop",
            "entries": [
                twice | {"valid_until": "2026-01-09"},
                twice | {"valid_from": "2026-01-05"},
            ],
        }
    )
    found = check_codes(make_events(("a", 6, "survey_reason", "7")), code_books=[book])
    assert found.share == 1.0
    assert CodeBook.from_json(book.to_json()) == book


def test_dates_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValidationError, match="before it begins"):
        CodeBook.from_csv("x", "code,cause,valid_from,valid_until\n7,unknown,2026-02-01,2026-01-01")
    with pytest.raises(ValidationError, match="twice"):
        CodeBook.from_csv("x", "code,cause,valid_from\n7,unknown,2026-02-01\n7,active.fault,")
    with pytest.raises(ValidationError, match="date"):
        CodeBook.from_csv("x", "code,cause,valid_from\n7,unknown,soon")
