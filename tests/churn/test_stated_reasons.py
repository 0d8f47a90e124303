"""What somebody said is never renamed, by the rules or by what is learnt; facts are final."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.churn import (
    CauseModel,
    CauseTable,
    CodeBook,
    EvidenceModel,
    EvidenceModelConfig,
    attribute_causes,
    code_texts,
    default_catalog,
    detect_churn,
    fit_cause_model,
    fit_evidence_model,
)
from tests.churn.events import make_churned, make_events

LAW = settings(deadline=None, derandomize=True, max_examples=25)
SRC = Path(__file__).parents[2] / "src"
LEAF_OF = {
    "moved": "active.natural",
    "deceased": "active.natural",
    "switched_service": "active.competitive",
    "Competitor made better offer": "active.competitive",
    "low_quality": "active.fault",
    "staff_attitude": "active.fault",
}
STATING = ("survey_reason", "agent_note", "contact", "cancellation_request", "zodiac")
BESIDE = (
    "complaint",
    "low_satisfaction",
    "competitor_mention",
    "dispute",
    "other",
    "price_increase",
)
TEXTS = {"Your staff was rude": "active.fault", "I switched to Acme": "active.competitive"}
CHURN = make_churned("a", "b", "c")

said = st.tuples(
    st.sampled_from("abc"),
    st.integers(0, 300),
    st.sampled_from(STATING),
    st.sampled_from([*LEAF_OF, "X99", None]),
)
beside = st.tuples(
    st.sampled_from("abc"), st.integers(0, 300), st.sampled_from(BESIDE), st.just(None)
)
mixes = st.lists(st.one_of(said, beside), max_size=24)


def learnt_from(rows: list[tuple[str, int, str, str | None]]) -> CauseTable:
    """Attribute, learn from a hundred copies of the losses, and judge them."""
    copies = [(f"{who}{n}", *rest) for n in range(60) for who, *rest in rows]
    names = [f"{who}{n}" for n in range(60) for who in "abc"]
    causes = attribute_causes(
        make_events(*copies),  # type: ignore[arg-type]
        churn=make_churned(*names),
    )
    config = EvidenceModelConfig(min_losses=1)
    spoke = any(kind != "price_increase" and kind != "other" for _, _, kind, _ in rows)
    if not spoke or not causes.evidence_count.any():
        return causes
    return fit_evidence_model(causes, config=config).apply(causes)


def stated_leaves(rows: list[tuple[str, int, str, str | None]], who: str) -> set[str]:
    return {LEAF_OF[code] for name, _, _, code in rows if name == who and code in LEAF_OF}


@LAW
@given(rows=mixes)
def test_no_stated_reason_is_renamed(rows: list[tuple[str, int, str, str | None]]) -> None:
    """A cause named is one of those the customer's stated reasons name, whatever lies beside."""
    for causes in (attribute_causes(make_events(*rows), churn=CHURN), learnt_from(rows)):
        for name, cause in zip(causes.customer_id, causes.cause, strict=True):
            leaves = stated_leaves(rows, str(name)[0])
            assert not leaves or cause in {*leaves, "unknown"}


@LAW
@given(rows=mixes, day=st.integers(0, 300), fact=st.sampled_from(["death", "business_closed"]))
def test_facts_are_final(rows: list[tuple[str, int, str, str | None]], day: int, fact: str) -> None:
    """Who died or closed down left for that, unless another reason was given afterwards."""
    rows = [*rows, ("a", day, fact, None)]
    later = {
        LEAF_OF[code]
        for name, when, _, code in rows
        if name == "a" and code in LEAF_OF and when > day
    }
    doubted = bool(later - {"active.natural"})
    for causes in (attribute_causes(make_events(*rows), churn=CHURN), learnt_from(rows)):
        named = {c for n, c in zip(causes.customer_id, causes.cause, strict=True) if n[0] == "a"}
        assert doubted or named == {"active.natural"}


@LAW
@given(rows=mixes, day=st.integers(0, 300))
def test_a_fraud_ruling_is_final(rows: list[tuple[str, int, str, str | None]], day: int) -> None:
    """Whatever the customer said, before or after."""
    rows = [*rows, ("a", day, "fraud", None)]
    for causes in (attribute_causes(make_events(*rows), churn=CHURN), learnt_from(rows)):
        named = {c for n, c in zip(causes.customer_id, causes.cause, strict=True) if n[0] == "a"}
        assert named == {"passive.malicious"}


@LAW
@given(rows=mixes, seed=st.integers(0, 99))
def test_order_of_rows_and_of_sources_changes_nothing(
    rows: list[tuple[str, int, str, str | None]], seed: int
) -> None:
    """Events with texts, shuffled, or coded first and put together in another order."""
    events = make_events(*rows)
    words = [*TEXTS, None]
    events["text"] = [words[n % 3] for n in range(len(events))]
    shuffled = events.sample(frac=1.0, random_state=seed).reset_index(drop=True)
    half = len(events) // 2
    swapped = pd.concat([events.iloc[half:], events.iloc[:half]], ignore_index=True)
    one, *others = (
        attribute_causes(code_texts(table), churn=CHURN).to_frame()
        for table in (events, shuffled, swapped)
    )
    for other in others:
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def switching(n: int, *, beside_kind: str) -> tuple[pd.DataFrame, list[str]]:
    """Reasons stated by code, and beside most of them something that points to our fault."""
    rng = np.random.default_rng(7)
    codes = rng.choice(list(LEAF_OF), size=n, p=[0.05, 0.01, 0.3, 0.34, 0.2, 0.1])
    ids = np.arange(n)
    loud = ids[rng.random(n) < 0.77]
    when = pd.Timestamp("2026-03-01")
    reasons = pd.DataFrame({"customer_id": ids, "kind": "survey_reason", "code": codes})
    others = pd.DataFrame({"customer_id": loud, "kind": beside_kind, "code": None})
    both = pd.concat([reasons.assign(timestamp=when), others.assign(timestamp=when)])
    return both.reset_index(drop=True), [LEAF_OF[code] for code in codes]


@pytest.mark.parametrize("kind", ["low_satisfaction", "complaint", "competitor_mention"])
def test_labels_do_not_switch(kind: str) -> None:
    """Where most leavers of every cause show one thing, it is no reason of theirs: all 1,200 stay.

    What is stated is the truth here, by construction.
    """
    events, truth = switching(1200, beside_kind=kind)
    causes = attribute_causes(events, churn=detect_churn(np.zeros(1200), customer_id=range(1200)))
    judged = fit_evidence_model(causes).apply(causes)
    said = np.asarray(judged.cause)
    assert (said == np.array(truth)).mean() >= 0.98
    assert set(said[said != np.array(truth)]) <= {"unknown"}
    shares = judged.posterior.mean(axis=0)[:3]
    real = [truth.count(f"active.{leaf}") / 1200 for leaf in ("natural", "competitive", "fault")]
    np.testing.assert_allclose(shares, real, atol=0.02)


def test_what_labels_teach_renames_nothing_either() -> None:
    """A model learnt from wrong labels may abstain; it does not overrule what was said."""
    events, truth = switching(600, beside_kind="complaint")
    causes = attribute_causes(events, churn=detect_churn(np.zeros(600), customer_id=range(600)))
    wrong = ["active.fault" if n % 3 else "active.natural" for n in range(600)]
    model = fit_cause_model(causes, labels=wrong)
    assert isinstance(model, CauseModel)
    said = np.asarray(model.apply(causes).cause)
    assert ((said == np.array(truth)) | (said == "unknown")).all()


def test_dont_know_is_given_no_cause_that_nothing_names() -> None:
    events, _ = switching(400, beside_kind="low_satisfaction")
    more = make_events(("x", 0, "survey_reason", "Don't know"), ("y", 0, "survey_reason", "other"))
    more = pd.concat([more, make_events(("y", 0, "low_satisfaction"))])
    events = pd.concat([events.assign(customer_id=events["customer_id"].astype("str")), more])
    names = [*map(str, range(400)), "x", "y"]
    causes = attribute_causes(events.reset_index(drop=True), churn=make_churned(*names))
    judged = fit_evidence_model(causes).apply(causes)
    assert judged.cause[-2] == "unknown"
    assert judged.cause[-1] in {"unknown", "active.fault"}


def test_a_fact_overrules_the_mechanism_and_does_not_age() -> None:
    """The payment failed first, and a year went by before anybody noticed."""
    events = make_events(("a", 0, "death"), ("a", 400, "payment_failed", "expired_card"))
    events = pd.concat([events, make_events(("b", 0, "payment_failed"), ("b", 9, "death"))])
    causes = attribute_causes(events.reset_index(drop=True), churn=make_churned("a", "b"))
    assert list(causes.cause) == ["active.natural"] * 2
    assert list(causes.to_frame()["sub_reason"]) == ["deceased"] * 2
    assert causes.to_frame()["rule"].tolist()[1] == "fact"


def test_death_and_fraud_exclude_each_other() -> None:
    causes = attribute_causes(
        make_events(("a", 0, "death"), ("a", 0, "fraud")), churn=make_churned("a")
    )
    assert causes.anchored[0, [0, 5]].any()


def test_own_book_silences_neither_built_in_codes_nor_texts() -> None:
    """Texts of events that name the book's own system are read with the catalogue's names."""
    book = CodeBook.from_mapping("shop.reason", {"7": "active.natural"})
    events = make_events(
        ("a", 0, "survey_reason", "7"),
        ("b", 0, "survey_reason", "switched_service"),
        ("c", 0, "survey_reason", "99"),
        ("d", 0, "survey_reason"),
    )
    events["text"] = [None, None, "Your staff was rude", "I switched to Acme"]
    events["source"] = ["shop", None, "shop", "shop"]
    churn = make_churned("a", "b", "c", "d")
    coded = code_texts(events, code_books=[book])
    causes = attribute_causes(coded, churn=churn, code_books=[book])
    assert list(causes.cause) == [
        *("active.natural", "active.competitive", "active.fault", "active.competitive"),
    ]
    assert causes.coverage.uncovered()["code"].tolist() == ["99"]


def test_codes_no_book_covers_leave_as_few_unknown_as_texts_alone() -> None:
    """The same texts with and without a code beside them that nobody mapped."""
    texts = [*TEXTS, "Hello", "We are moving to another city"] * 50
    events = make_events(*((f"c{n}", 0, "survey_reason") for n in range(200)))
    events["text"] = texts
    churn = make_churned(*(f"c{n}" for n in range(200)))
    alone = attribute_causes(code_texts(events), churn=churn)
    events["code"] = [f"R{n % 7}" for n in range(200)]
    beside = attribute_causes(code_texts(events), churn=churn)
    np.testing.assert_array_equal(alone.cause_code, beside.cause_code)
    assert (np.asarray(beside.cause) == "unknown").mean() == 0.25
    events["code"] = "other"
    other = attribute_causes(code_texts(events), churn=churn)
    np.testing.assert_array_equal(alone.cause_code, other.cause_code)


def test_empty_tables() -> None:
    nobody = attribute_causes(code_texts(make_events().assign(text=[])), churn=make_churned())
    assert len(nobody) == 0
    assert nobody.anchored.shape == nobody.permitted.shape == (0, 8)
    assert len(nobody.to_frame()["recoverable"]) == 0


def test_recoverable_is_known_of_every_leaf_and_differs_for_price() -> None:
    """A moved or dead customer does not come back; who found it dear may."""
    catalog = default_catalog()
    flags = {str(entry.cause): entry.recoverable for entry in catalog.causes}
    assert flags == {
        "active.natural": False,
        "active.competitive": True,
        "active.fault": True,
        "passive.non_malicious": True,
        "passive.retaliatory": True,
        "passive.malicious": False,
        "unknown": None,
        "administrative": False,
    }
    events = make_events(
        ("a", 0, "survey_reason", "moved"),
        ("b", 0, "survey_reason", "too_expensive"),
        ("c", 0, "survey_reason", "switched_service"),
        ("d", 0, "fraud"),
    )
    causes = attribute_causes(events, churn=make_churned("a", "b", "c", "d", "e"))
    frame = causes.to_frame()
    assert frame["recoverable"].tolist() == [False, True, True, False, pd.NA]
    assert frame["branch"].tolist() == ["active"] * 3 + ["passive", "unknown"]


PRINT = """
import hashlib, sys
from retainkit.churn import default_catalog, default_code_books
text = default_catalog().to_json() + "".join(b.to_json() for b in default_code_books())
sys.stdout.write(hashlib.sha256(text.encode()).hexdigest())
"""


def test_catalogues_are_written_alike_whatever_the_hash_seed() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", PRINT],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(SRC), "PATH": ""},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1
    assert len(found.pop()) == hashlib.sha256().digest_size * 2


def test_models_round_trip() -> None:
    events, _ = switching(300, beside_kind="complaint")
    causes = attribute_causes(events, churn=detect_churn(np.zeros(300), customer_id=range(300)))
    model = fit_evidence_model(causes)
    assert EvidenceModel.from_json(model.to_json()) == model
