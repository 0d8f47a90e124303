"""Learning without labels: Bayes by hand, recovery of what was drawn, laws, bad input."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from retainkit.churn import (
    CauseTable,
    ChurnCause,
    EvidenceModel,
    EvidenceModelConfig,
    attribute_causes,
    detect_churn,
    fit_evidence_model,
)
from retainkit.churn.learn._kernel_reliability import choose_bar
from retainkit.errors import AlignmentError, ConvergenceError, NotComputableError
from tests.churn.events import make_churned, make_events

LEAVES = tuple(cause for cause in ChurnCause if cause is not ChurnCause.UNKNOWN)
KINDS = ("relocation", "death", "port_out", "competitor_mention", "complaint", "low_satisfaction")
POINTS_TO = np.array([0, 0, 1, 1, 2, 2])


def attribute(events: pd.DataFrame, *customers: str) -> CauseTable:
    return attribute_causes(events, churn=make_churned(*customers))


def make_model(**changes: Any) -> EvidenceModel:
    """Write a model by hand: half natural, half competitive; two statements; all speak."""
    fields: dict[str, Any] = {
        "causes": LEAVES,
        "shares": (0.4994, 0.4996, *(0.0002,) * 5),
        "speaking_share": 0.8,
        "statements": ("competitor_mention", "relocation"),
        "rates": ((0.1, 0.5, *(0.01,) * 5), (0.4, 0.02, *(0.01,) * 5)),
        "backgrounds": (0.01, 0.02),
        "kept": (False, False),
        "bar": 0.6,
        "losses": 1000,
        "log_likelihood": -1.0,
        "steps": 1,
        "config": EvidenceModelConfig(),
    }
    return EvidenceModel(**fields | changes)


SPEAKING, WRONG = 0.7, 0.02
RATES = np.array([0.5, 0.3, 0.4, 0.5, 0.6, 0.4])


Drawn: TypeAlias = tuple[CauseTable, npt.NDArray[np.int64]]


def draw(n: int, seed: int) -> Drawn:
    """Draw losses of three leaves from the model itself, and attribute them by rule."""
    rng = np.random.default_rng(seed)
    leaf = rng.choice(3, size=n, p=(0.2, 0.5, 0.3))
    loud = rng.random(n) < SPEAKING
    to_the_point = POINTS_TO[None, :] == leaf[:, None]
    chance = np.where(to_the_point & loud[:, None], RATES, WRONG)
    chance[:, 5] = np.where(to_the_point[:, 5], RATES[5], WRONG)  # never silent
    who, what = np.nonzero(rng.random((n, len(KINDS))) < chance)
    events = pd.DataFrame(
        {
            "customer_id": who,
            "timestamp": pd.Timestamp("2026-03-01"),
            "kind": np.array(KINDS)[what],
        }
    )
    churn = detect_churn(np.zeros(n), customer_id=np.arange(n))
    return attribute_causes(events, churn=churn), leaf


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw(30_000, seed=3)


def test_posterior_is_bayes_rule_by_hand() -> None:
    """One customer says "competitor", one "moved", one both, one nothing; worked out on paper."""
    events = make_events(
        ("a", 0, "competitor_mention"),
        ("b", 0, "relocation"),
        ("c", 0, "competitor_mention"),
        ("c", 1, "relocation"),
    )
    got = make_model().posterior(attribute(events, "a", "b", "c", "d"))
    natural = {
        "a": 0.8 * 0.1 * 0.6 + 0.2 * 0.01 * 0.98,
        "b": 0.8 * 0.9 * 0.4 + 0.2 * 0.99 * 0.02,
        "c": 0.8 * 0.1 * 0.4 + 0.2 * 0.01 * 0.02,
        "d": 0.8 * 0.9 * 0.6 + 0.2 * 0.99 * 0.98,
    }
    rival = {
        "a": 0.8 * 0.5 * 0.98 + 0.2 * 0.01 * 0.98,
        "b": 0.8 * 0.5 * 0.02 + 0.2 * 0.99 * 0.02,
        "c": 0.8 * 0.5 * 0.02 + 0.2 * 0.01 * 0.02,
        "d": 0.8 * 0.5 * 0.98 + 0.2 * 0.99 * 0.98,
    }
    for row, name in enumerate("abcd"):
        odds = 0.4994 * natural[name] / (0.4996 * rival[name])
        assert got[row, 0] / got[row, 1] == pytest.approx(odds, rel=1e-12)
    np.testing.assert_allclose(got.sum(axis=1), 1.0, rtol=1e-14)
    assert (got[:, list(ChurnCause).index(ChurnCause.UNKNOWN)] == 0.0).all()


def test_kept_facts_do_not_fall_silent_by_hand() -> None:
    """A fact kept for everybody has its leaf's rate whether the customer speaks or not."""
    model = make_model(
        statements=("low_satisfaction", "relocation"),
        kept=(True, False),
    )
    got = model.posterior(attribute(make_events(("a", 0, "low_satisfaction")), "a"))
    natural = 0.1 * (0.8 * 0.6 + 0.2 * 0.98)
    rival = 0.5 * (0.8 * 0.98 + 0.2 * 0.98)
    odds = 0.4994 * natural / (0.4996 * rival)
    assert got[0, 0] / got[0, 1] == pytest.approx(odds, rel=1e-12)


def test_what_was_drawn_is_found_again(
    drawn: Drawn,
) -> None:
    """Losses drawn from the model: shares, silence and rates come back without a label."""
    causes, leaf = drawn
    model = fit_evidence_model(causes)
    assert model.causes == LEAVES[:3]
    np.testing.assert_allclose(model.shares, np.bincount(leaf) / len(leaf), atol=0.012)
    assert model.speaking_share == pytest.approx(SPEAKING, abs=0.025)
    frame = model.to_frame().set_index("statement")
    for kind, to, rate in zip(KINDS, POINTS_TO, RATES, strict=True):
        assert frame.loc[kind, LEAVES[to]] == pytest.approx(rate, abs=0.03)
        assert frame.loc[kind, "speaks_for"] == LEAVES[to]
    np.testing.assert_allclose(frame.loc[list(KINDS[:5]), "background"], WRONG, atol=0.006)
    judged = model.apply(causes)
    sure = judged.posterior.max(axis=1) > 0.9
    right = judged.posterior.argmax(axis=1) == leaf
    assert right[sure].mean() == pytest.approx(judged.posterior.max(axis=1)[sure].mean(), abs=0.01)


def test_same_model_whatever_the_order() -> None:
    """Shuffling the events changes no bit of the model, nor do other customers' names."""
    events = make_events(
        *[(f"c{i}", i % 50, KINDS[i % 6]) for i in range(300)],
        *[(f"c{i}", i % 50, KINDS[(i * 7) % 6]) for i in range(0, 300, 2)],
    )
    names = [f"c{i}" for i in range(320)]
    one = fit_evidence_model(attribute(events, *names))
    shuffled = events.sample(frac=1.0, random_state=1).reset_index(drop=True)
    assert fit_evidence_model(attribute(shuffled, *names)) == one
    assert fit_evidence_model(attribute(events, *reversed(names))) == one
    assert EvidenceModel.from_json(one.to_json()) == one


def test_one_customer_alone_is_judged_as_in_the_crowd() -> None:
    model = make_model()
    events = make_events(
        ("a", 0, "competitor_mention"), ("b", 0, "relocation"), ("c", 1, "complaint")
    )
    crowd = model.apply(attribute(events, "a", "b", "c"))
    for row, name in enumerate("abc"):
        alone = model.apply(attribute(events[events["customer_id"] == name], name))
        np.testing.assert_array_equal(alone.posterior[0], crowd.posterior[row])
        assert alone.cause_code[0] == crowd.cause_code[row]


def test_statements_never_seen_say_nothing() -> None:
    events = make_events(("a", 0, "complaint"))
    got = make_model().posterior(attribute(events, "a", "b"))
    np.testing.assert_array_equal(got[0], got[1])


def test_contract_end_and_its_open_bills_are_one_record() -> None:
    """Together they are a statement of their own; the model that knows no such pair reads both."""
    events = make_events(("a", 0, "service_ended", "payment_failed"), ("a", 0, "bills_unpaid"))
    causes = attribute(events, "a")
    pair = "service_ended: payment_failed; bills_unpaid"
    alone = ("bills_unpaid", "service_ended: payment_failed")
    rates = ((0.1, *(0.01,) * 6), (0.2, *(0.01,) * 6))
    knows = make_model(statements=(alone[0], pair), rates=rates, kept=(True, True))
    knows_not = make_model(statements=alone, rates=rates, kept=(True, True))
    natural = np.array([0.9 * 0.2, 0.1 * 0.2])
    rival = np.array([0.99 * 0.01, 0.01 * 0.01])
    for model, n, r in zip((knows, knows_not), natural, rival, strict=True):
        got = model.posterior(causes)[0]
        assert got[0] / got[1] == pytest.approx(0.4994 * n / (0.4996 * r), rel=1e-9)


def test_explanation_sums_to_the_probability() -> None:
    events = make_events(("a", 0, "competitor_mention"), ("a", 1, "relocation"))
    model, causes = make_model(), attribute(events, "a")
    frame = model.explain(causes, "a")
    assert frame["what"].tolist() == [
        "mix of causes",
        "competitor_mention",
        "relocation",
        "all else not on record",
        "probability",
    ]
    logs = frame.iloc[:-1, 1:].sum().to_numpy(dtype=np.float64)
    shares = np.exp(logs) / np.exp(logs).sum()
    np.testing.assert_allclose(shares, frame.iloc[-1, 1:].to_numpy(dtype=np.float64))
    np.testing.assert_allclose(shares, model.posterior(causes)[0, [0, 1, 2, 3, 4, 5, 7]])
    with pytest.raises(AlignmentError, match="who left"):
        model.explain(causes, "z")


def test_worth_of_each_statement_by_hand() -> None:
    frame = make_model().to_frame().set_index("statement")
    natural = 0.4994 * (0.8 * 0.1 + 0.2 * 0.01)
    rival = 0.4996 * (0.8 * 0.5 + 0.2 * 0.01)
    others = 5 * 0.0002 * 0.01
    assert frame.loc["competitor_mention", "speaks_for"] == "active.competitive"
    assert frame.loc["competitor_mention", "reliability"] == pytest.approx(
        rival / (natural + rival + others)
    )


def test_name_needs_the_bar_a_permit_and_something_on_record() -> None:
    """A likely leaf is not named under the bar, against a veto, or without anything on record."""
    events = make_events(
        ("a", 0, "relocation"),
        ("b", 0, "competitor_mention"),
        ("b", 1, "relocation"),
        ("c", 0, "survey_reason", "don't know"),
    )
    causes = attribute(events, "a", "b", "c", "d")
    frame = make_model(bar=0.9).apply(causes).to_frame()
    assert frame["cause"].tolist() == ["active.natural", "unknown", "unknown", "unknown"]
    assert frame["rule"].tolist() == [
        "learnt",
        "abstain.too_uncertain",
        "abstain.cause_not_stated",
        "abstain.no_evidence",
    ]
    malice = make_model(shares=(*(0.001,) * 5, 0.993, 0.001), bar=0.6)
    assert malice.posterior(causes)[0, 5] > 0.6
    ruled = malice.apply(causes).to_frame()
    assert ruled["cause"].tolist()[0] == "unknown"
    assert ruled["rule"].tolist()[0] == "abstain.all_set_aside"


def test_intent_before_the_missed_payment_leaves_active_leaves_only() -> None:
    events = make_events(
        ("a", 0, "cancellation_request"), ("a", 5, "payment_failed", "expired_card")
    )
    statements = ("cancellation_request", "payment_failed: expired_card")
    rates = ((0.1, *(0.01,) * 6), (*(0.01,) * 3, 0.9, *(0.01,) * 3))
    model = make_model(statements=statements, rates=rates, shares=(1 / 7,) * 7, bar=0.5)
    causes = attribute(events, "a")
    assert causes.to_frame()["mechanism"].tolist() == ["customer"]
    assert model.posterior(causes)[0, 3] > 0.5
    assert model.apply(causes).to_frame()["cause"].tolist() == ["unknown"]


@pytest.mark.parametrize(
    ("probability", "target", "least", "bar"),
    [
        ([0.9, 0.8, 0.7, 0.2], 0.8, 0.1, 0.7),  # (.9+.8+.7)/3 = .8; with .2 it is .65
        ([0.9, 0.8, 0.7, 0.2], 0.65, 0.1, 0.2),
        ([0.9, 0.8, 0.7, 0.2], 0.5, 0.3, 0.7),
        ([0.9, 0.5, 0.5], 0.7, 0.1, 0.9),  # .9, .5 alone would do, but the two .5 stay together
        ([0.4, 0.3], 0.9, 0.1, 1.0),
        ([], 0.9, 0.1, 1.0),
    ],
)
def test_bar_by_hand(probability: list[float], target: float, least: float, bar: float) -> None:
    assert choose_bar(np.array(probability), target=target, least=least) == bar


def test_too_few_losses_to_learn_from() -> None:
    causes = attribute(make_events(("a", 0, "complaint")), "a", "b")
    with pytest.raises(NotComputableError, match="1 losses with anything on record"):
        fit_evidence_model(causes)
    with pytest.raises(NotComputableError, match="0 losses"):
        fit_evidence_model(attribute(make_events(), "a"))
    assert fit_evidence_model(causes, config=EvidenceModelConfig(min_losses=1)).losses == 2


def test_search_that_is_cut_short_says_so(
    drawn: Drawn,
) -> None:
    with pytest.raises(ConvergenceError, match="after 2 steps"):
        fit_evidence_model(drawn[0], config=EvidenceModelConfig(max_steps=2))


def test_no_losses_are_judged_as_none() -> None:
    model = make_model()
    nobody = attribute(make_events(), *[])
    assert model.posterior(nobody).shape == (0, 8)
    assert len(model.apply(nobody)) == 0
