"""Spells of contracts under every convention, by hand and by law."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.churn import (
    detect_contract_churn,
    list_contract_spells,
)
from retainkit.contracts import ContractConvention
from retainkit.errors import SchemaError

LAW = settings(deadline=None, derandomize=True, max_examples=60)
AS_OF = "2026-03-31"


def contracts(*rows: tuple[str, str, str | None], **columns: list[object]) -> pd.DataFrame:
    """Build contracts from (customer, start, end)."""
    frame = pd.DataFrame(rows, columns=["customer_id", "start", "end"])
    frame["start"], frame["end"] = pd.to_datetime(frame["start"]), pd.to_datetime(frame["end"])
    for name, values in columns.items():
        if name in ("cancel_requested", "billing_end"):
            frame[name] = pd.to_datetime(pd.Series(values))
        else:
            frame[name] = pd.Series(values)
    return frame


def test_who_signs_again_on_the_day_it_cancels_has_two_contracts_and_one_spell() -> None:
    """By service it never was without one; by contract it left and came back."""
    frame = contracts(("a", "2026-01-01", "2026-02-01"), ("a", "2026-02-01", None))
    by_service = list_contract_spells(frame, as_of=AS_OF)
    by_contract = list_contract_spells(
        frame, as_of=AS_OF, config=ContractConvention(spell="contract")
    )
    assert by_service.to_frame()[["spell", "duration_days", "contracts"]].to_numpy().tolist() == [
        [1, 90, 2]
    ]
    assert by_contract.number.tolist() == [1, 2]
    assert by_contract.absence[0] == 0.0
    assert by_contract.returned.tolist() == [True, False]


def test_overlapping_contracts_by_contract() -> None:
    """A second contract inside the first: the return lies before the end, the absence is 0."""
    frame = contracts(("a", "2026-01-01", "2026-03-01"), ("a", "2026-02-01", "2026-02-02"))
    spells = list_contract_spells(frame, as_of=AS_OF, config=ContractConvention(spell="contract"))
    assert spells.duration.tolist() == [59.0, 1.0]
    assert spells.absence.tolist() == [0.0, 58.0]


def test_absence_is_counted_through_the_last_observed_day() -> None:
    """From 1 March, the first day without service, to 31 March: 31 days."""
    spells = list_contract_spells(contracts(("a", "2026-01-01", "2026-03-01")), as_of=AS_OF)
    assert spells.absence.tolist() == [31.0]


@pytest.mark.parametrize(
    ("recognition", "expected"),
    [
        ("service_period_end", "2026-02-20"),
        ("cancel_requested", "2026-02-03"),
        ("billing_end", "2026-03-01"),
    ],
)
def test_three_days_on_which_the_same_loss_is_recognised(recognition: str, expected: str) -> None:
    frame = contracts(
        ("a", "2026-01-01", "2026-02-20"),
        cancel_requested=["2026-02-03"],
        billing_end=["2026-03-01"],
    )
    config = ContractConvention.model_validate({"recognition": recognition})
    churn = detect_contract_churn(frame, as_of=AS_OF, config=config)
    assert str(churn.to_frame()["effective_at"].iloc[0].date()) == expected


def test_notice_given_counts_before_the_service_ends_if_so_chosen() -> None:
    """A notice after the last observed day is not known yet."""
    frame = contracts(("a", "2026-01-01", "2026-04-30"), cancel_requested=["2026-03-31"])
    config = ContractConvention(recognition="cancel_requested")
    assert detect_contract_churn(frame, as_of=AS_OF, config=config).churned.tolist() == [True]
    assert detect_contract_churn(frame, as_of=AS_OF).churned.tolist() == [False]
    early = detect_contract_churn(frame, as_of="2026-03-30", config=config)
    assert early.churned.tolist() == [False]


@pytest.mark.parametrize(
    ("start", "end", "months", "paid_until"),
    [
        ("2026-01-15", "2026-02-14", 1, "2026-02-15"),
        ("2026-01-15", "2026-02-15", 1, "2026-02-15"),
        ("2026-01-15", "2026-02-16", 1, "2026-03-15"),
        ("2026-01-15", "2026-01-15", 1, "2026-02-15"),
        ("2025-12-31", "2026-02-01", 1, "2026-02-28"),
        ("2025-01-10", "2025-11-01", 12, "2026-01-10"),
        ("2025-11-30", "2026-02-10", 3, "2026-02-28"),
    ],
)
def test_end_of_the_billing_period(start: str, end: str, months: int, paid_until: str) -> None:
    """Periods run from the day of the month of the start, cut to short months."""
    config = ContractConvention(recognition="billing_end", billing_months=months)
    spells = list_contract_spells(contracts(("a", start, end)), as_of="2026-12-31", config=config)
    assert str(spells.to_frame()["end"].iloc[0].date()) == paid_until


def test_without_the_column_the_end_of_service_stands() -> None:
    frame = contracts(("a", "2026-01-01", "2026-02-20"))
    for recognition in ("cancel_requested", "billing_end"):
        config = ContractConvention.model_validate({"recognition": recognition})
        spells = list_contract_spells(frame, as_of=AS_OF, config=config)
        assert spells.duration.tolist() == [50.0]


def test_unpaid_first_bill() -> None:
    frame = contracts(
        ("a", "2026-01-01", "2026-01-02"), ("b", "2026-01-01", None), paid=[False, True]
    )
    counted = detect_contract_churn(frame, as_of=AS_OF)
    ignored = detect_contract_churn(frame, as_of=AS_OF, config=ContractConvention(unpaid="ignore"))
    assert list(counted.reason) == ["contract_ended", "contract_running"]
    assert list(ignored.reason) == ["not_started", "contract_running"]


@pytest.mark.parametrize("told", [{"end_reason": ["Paused"]}, {"paused": [True]}])
def test_a_pause_is_no_loss_unless_chosen(told: dict[str, list[object]]) -> None:
    frame = contracts(("a", "2026-01-01", "2026-02-01"), **told)
    churn = detect_contract_churn(frame, as_of=AS_OF)
    assert (list(churn.reason), churn.p_churned.tolist()) == (["paused"], [0.0])
    assert list_contract_spells(frame, as_of=AS_OF).ended.tolist() == [False]
    lost = detect_contract_churn(frame, as_of=AS_OF, config=ContractConvention(paused="lost"))
    assert list(lost.reason) == ["contract_ended"]


def test_a_pause_before_a_later_contract_does_not_hide_its_end() -> None:
    frame = contracts(
        ("a", "2026-01-01", "2026-02-01"),
        ("a", "2026-02-20", "2026-03-01"),
        end_reason=["paused", "moved"],
    )
    assert list(detect_contract_churn(frame, as_of=AS_OF).reason) == ["contract_ended"]


@LAW
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 20), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(["service", "contract"]),
    st.integers(0, 6),
)
def test_spells_agree_with_the_verdict(
    rows: list[tuple[int, int, int, bool]], spell: str, grace: int
) -> None:
    """A customer is gone exactly when no spell of its runs and the grace is over; days add up."""
    origin = pd.Timestamp("2026-01-01")
    frame = pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "start": [origin + pd.Timedelta(days=row[1]) for row in rows],
            "end": [
                pd.NaT if row[3] else origin + pd.Timedelta(days=row[1] + row[2]) for row in rows
            ],
        }
    )
    frame["end"] = frame["end"].astype("datetime64[us]")
    config = ContractConvention.model_validate({"spell": spell, "grace_days": grace})
    as_of = origin + pd.Timedelta(days=25)
    spells = list_contract_spells(frame, as_of=as_of, config=config)
    churn = detect_contract_churn(frame, as_of=as_of, config=config)
    table = spells.to_frame()
    for customer, gone in zip(churn.customer_id, churn.churned, strict=True):
        own = table[table["customer_id"] == customer]
        away = own["absent_days"].min()
        assert gone == (len(own) > 0 and own["ended"].all() and away >= max(grace, 1))
    assert (spells.duration >= 0).all()
    known = spells.absence[~np.isnan(spells.absence)]
    assert (known >= 0).all()
    started = frame["start"] <= as_of
    assert int(spells.contracts.sum()) == int(started.sum())


def test_row_order_does_not_matter_and_tables_pickle() -> None:
    frame = contracts(
        ("b", "2026-01-01", "2026-02-01"),
        ("b", "2026-03-01", None),
        ("a", "2026-01-05", "2026-02-01"),
    )
    spells = list_contract_spells(frame, as_of=AS_OF)
    shuffled = list_contract_spells(frame.iloc[[1, 0, 2]].reset_index(drop=True), as_of=AS_OF)
    pd.testing.assert_frame_equal(spells.to_frame(), shuffled.to_frame())
    again = pickle.loads(pickle.dumps(spells))
    pd.testing.assert_frame_equal(again.to_frame(), spells.to_frame())


def test_empty_tables_and_bad_columns() -> None:
    empty = contracts().astype({"start": "datetime64[s]", "end": "datetime64[s]"})
    assert len(list_contract_spells(empty, as_of=AS_OF)) == 0
    assert list_contract_spells(empty, as_of=AS_OF).summary()["customers"].tolist() == [0]
    future = list_contract_spells(contracts(("a", "2027-01-01", None)), as_of=AS_OF)
    assert len(future) == 0
    with pytest.raises(SchemaError, match="no column 'start', 'end'"):
        list_contract_spells(pd.DataFrame({"customer_id": [1]}), as_of=AS_OF)


@pytest.mark.parametrize(
    ("gap", "grace", "spells"),
    [(0, 0, 1), (1, 0, 2), (0, 1, 1), (1, 1, 2), (29, 30, 1), (30, 30, 2), (31, 30, 2)],
)
def test_a_gap_below_the_grace_is_no_loss_and_one_of_exactly_the_grace_is(
    gap: int, grace: int, spells: int
) -> None:
    """The convention of the metrics: `grace_days` "below which a gap is not churn"."""
    first_end = pd.Timestamp("2026-02-01")
    contracts = pd.DataFrame(
        {
            "customer_id": ["a", "a"],
            "start": [pd.Timestamp("2026-01-01"), first_end + pd.Timedelta(days=gap)],
            "end": [first_end, pd.NaT],
        }
    )
    config = ContractConvention(grace_days=grace)
    found = list_contract_spells(contracts, as_of="2026-06-30", config=config)
    assert len(found) == spells
    away = contracts.iloc[:1]
    as_of = first_end + pd.Timedelta(days=gap - 1)
    if gap:
        gone = detect_contract_churn(away, as_of=as_of, config=config).churned
        assert gone.tolist() == [spells == 2]
