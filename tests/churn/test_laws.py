"""Laws of attribution, on random events."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.churn import ChurnCause, attribute_causes, summarize_causes
from tests.churn.events import EVENT_KINDS, make_churned, make_events

LAW = settings(deadline=None, derandomize=True, max_examples=60)
CODES = (
    None,
    "moved",
    "switched_service",
    "too_expensive",
    "low_quality",
    "not_stated",
    "expired_card",
    "stolen_card",
    "stop_payment_order",
    "fraudulent",
    "payment_disputed",
    "product_retired",
    "no such code",
)
event = st.tuples(
    st.sampled_from("abcd"),
    st.integers(0, 400),
    st.sampled_from(EVENT_KINDS),
    st.sampled_from(CODES),
)
event_lists = st.lists(event, max_size=30)
CHURN = make_churned("a", "b", "c")
ACTIVE = (0, 1, 2)
PASSIVE = (3, 4, 5)
GRIEVANCES = {"complaint", "dispute", "chargeback"}


@LAW
@given(rows=event_lists)
def test_posterior_sums_to_one(rows: list[tuple[str, int, str, str | None]]) -> None:
    """Each customer's posterior is non-negative and sums to 1."""
    causes = attribute_causes(make_events(*rows), churn=CHURN)
    assert (causes.posterior >= 0.0).all()
    np.testing.assert_allclose(causes.posterior.sum(axis=1), 1.0, rtol=0, atol=1e-12)


@LAW
@given(rows=event_lists, seed=st.integers(0, 99))
def test_order_of_the_events_does_not_matter(
    rows: list[tuple[str, int, str, str | None]], seed: int
) -> None:
    """Shuffling the events changes no bit of the result."""
    events = make_events(*rows)
    shuffled = events.sample(frac=1.0, random_state=seed).reset_index(drop=True)
    one, two = (attribute_causes(table, churn=CHURN).to_frame() for table in (events, shuffled))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


@LAW
@given(rows=event_lists, others=event_lists)
def test_an_irrelevant_customer_changes_nothing(
    rows: list[tuple[str, int, str, str | None]], others: list[tuple[str, int, str, str | None]]
) -> None:
    """Events of other customers, known or not, leave a customer's result as it was."""
    strangers = [("z" if who == "d" else "y", *rest) for who, *rest in others]
    alone = attribute_causes(make_events(*rows), churn=CHURN)
    crowd = attribute_causes(
        make_events(*rows, *strangers),  # type: ignore[arg-type]
        churn=make_churned("y", "a", "b", "c"),
    )
    pd.testing.assert_frame_equal(
        alone.to_frame(), crowd.to_frame().iloc[1:].reset_index(drop=True), check_exact=True
    )


@LAW
@given(rows=event_lists)
def test_repeating_every_event_changes_nothing(
    rows: list[tuple[str, int, str, str | None]],
) -> None:
    """Exact duplicates add no evidence."""
    once, twice = (
        attribute_causes(make_events(*table), churn=CHURN) for table in (rows, rows + rows)
    )
    np.testing.assert_array_equal(once.posterior, twice.posterior)
    np.testing.assert_array_equal(once.cause_code, twice.cause_code)
    np.testing.assert_array_equal(once.evidence_count, twice.evidence_count)


@LAW
@given(rows=event_lists)
def test_mechanism_decides_the_branch_and_vetoes_hold(
    rows: list[tuple[str, int, str, str | None]],
) -> None:
    """A named leaf lies in its mechanism's branch, and no veto is ever broken."""
    causes = attribute_causes(make_events(*rows), churn=CHURN)
    allowed = {0: ACTIVE, 1: PASSIVE, 2: (7,)}
    for name, cause, mechanism in zip(
        causes.customer_id, causes.cause, causes.mechanism_code, strict=True
    ):
        code = list(ChurnCause).index(ChurnCause(cause))
        if cause == ChurnCause.UNKNOWN:
            continue
        assert mechanism < 0 or code in allowed[int(mechanism)]
        own = [row for row in rows if row[0] == name]
        if cause == ChurnCause.PASSIVE_MALICIOUS:
            assert any(
                kind in {"fraud", "chargeback", "never_paid", "debt_default"}
                or text == "fraudulent"
                for _, _, kind, text in own
            )
        if cause == ChurnCause.PASSIVE_RETALIATORY:
            assert any(kind in GRIEVANCES or text == "payment_disputed" for _, _, kind, text in own)
        if cause == ChurnCause.ACTIVE_COMPETITIVE:
            assert any(
                kind in {"port_out", "competitor_mention"} or text == "switched_service"
                for _, _, kind, text in own
            )


@LAW
@given(rows=event_lists)
def test_nothing_is_lost(rows: list[tuple[str, int, str, str | None]]) -> None:
    """Every event has one fate, every lost customer one cause, and the sums agree."""
    causes = attribute_causes(make_events(*rows), churn=CHURN)
    assert int(causes.evidence.summary()["events"].sum()) == len(rows)
    breakdown = summarize_causes(causes, value=[1.0, 2.0, 4.0])
    assert breakdown.total == len(causes)
    np.testing.assert_allclose(breakdown.expected_customers.sum(), len(causes))
    assert breakdown.value is not None
    assert breakdown.value.sum() == 7.0
    used = causes.evidence.status_code == 0
    assert int(causes.evidence_count.sum()) == int(used.sum())
    weights = causes.evidence.weight
    assert ((weights > 0) == used).all()
