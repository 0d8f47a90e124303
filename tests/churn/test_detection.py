"""Who left: by probability without contracts, by the calendar with them."""

from __future__ import annotations

import math
import pickle
from collections.abc import Hashable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit.churn import (
    ChurnTable,
    DetectionConfig,
    detect_churn,
    detect_contract_churn,
)
from retainkit.contracts import ContractConvention
from retainkit.errors import AlignmentError, SchemaError

LAW = settings(deadline=None, derandomize=True, max_examples=60)


def test_threshold_is_inclusive_and_the_complement_is_reported() -> None:
    churn = detect_churn([1.0, 0.75, 0.5, 0.0], customer_id=list("abcd"))
    assert churn.p_churned.tolist() == [0.0, 0.25, 0.5, 1.0]
    assert churn.churned.tolist() == [False, False, True, True]
    strict = detect_churn([0.5], customer_id=["a"], config=DetectionConfig(threshold=0.6))
    assert not strict.churned[0]


def test_what_is_not_observable_is_nan_with_a_reason_and_not_gone() -> None:
    churn = detect_churn(
        [float("nan"), 0.1, float("nan")], customer_id=[3, 1, 2], never=[False, True, True]
    )
    assert np.isnan(churn.p_churned).all()
    assert not churn.churned.any()
    assert list(churn.reason) == ["not_observable", "never_purchased", "never_purchased"]
    assert churn.customer_id.tolist() == [3, 1, 2]


def test_summary_counts_every_customer_once() -> None:
    churn = detect_churn([0.25, 0.75, float("nan")], customer_id=[1, 2, 3])
    frame = churn.summary()
    assert frame["customers"].sum() == 3
    assert frame["expected_churned"].sum() == pytest.approx(1.0)
    assert frame["share"].sum() == pytest.approx(1.0)
    assert "effective_at" not in churn.to_frame()


@pytest.mark.parametrize("p_alive", [[1.5], [-0.1], [math.inf]])
def test_probabilities_outside_the_unit_interval_are_refused(p_alive: list[float]) -> None:
    with pytest.raises(SchemaError, match="outside"):
        detect_churn(p_alive, customer_id=["a"])


@pytest.mark.parametrize("ids", [["a"], ["a", "a"]])
def test_misaligned_or_doubled_customers_are_refused(ids: list[str]) -> None:
    with pytest.raises(AlignmentError):
        detect_churn([0.1, 0.2], customer_id=ids)


def test_threshold_outside_the_unit_interval_is_refused() -> None:
    with pytest.raises(ValidationError):
        DetectionConfig(threshold=1.2)


def test_empty_tables_stay_empty() -> None:
    churn = detect_churn([], customer_id=pd.Index([], dtype="int64"))
    assert len(churn) == len(churn.to_frame()) == len(churn.summary()) == 0
    contracts = make_contracts()
    assert len(detect_contract_churn(contracts, as_of="2026-01-31")) == 0


def make_contracts(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": pd.Series([row[0] for row in rows], dtype="str"),
            "start": pd.to_datetime(pd.Series([row[1] for row in rows], dtype="str")),
            "end": pd.to_datetime(pd.Series([row[2] for row in rows], dtype="str")),
        }
    )


def only(table: ChurnTable) -> dict[Hashable, Any]:
    return table.to_frame().iloc[0].to_dict()


@pytest.mark.parametrize(
    ("end", "as_of", "grace", "reason", "p"),
    [
        (None, "2026-03-31", 0, "contract_running", 0.0),
        ("2026-04-01", "2026-03-31", 0, "contract_running", 0.0),  # notice given, still served
        ("2026-03-31", "2026-03-31", 0, "contract_ended", 1.0),  # first day without service
        ("2026-03-31", "2026-03-31", 1, "contract_ended", 1.0),  # gap of one day
        ("2026-03-31", "2026-03-31", 2, "in_grace", None),
        ("2026-03-02", "2026-03-31", 30, "contract_ended", 1.0),  # 30 days without service
        ("2026-03-03", "2026-03-31", 30, "in_grace", None),  # 29 days
    ],
)
def test_a_loss_is_recognised_on_the_first_day_without_service_after_the_grace(
    end: str | None, as_of: str, grace: int, reason: str, p: float | None
) -> None:
    churn = detect_contract_churn(
        make_contracts(("a", "2026-01-01", end)),
        as_of=as_of,
        config=ContractConvention(grace_days=grace),
    )
    row = only(churn)
    assert row["reason"] == reason
    assert bool(churn.churned[0]) == (p == 1.0)
    assert np.isnan(churn.p_churned[0]) if p is None else churn.p_churned[0] == p
    assert str(row["effective_at"])[:10] == (end if p == 1.0 else "NaT")


def test_overlapping_and_following_contracts_are_one_spell() -> None:
    churn = detect_contract_churn(
        make_contracts(
            ("a", "2026-01-01", "2026-06-01"),
            ("a", "2026-02-01", "2026-03-01"),  # inside the first
            ("a", "2026-06-01", "2026-07-01"),  # follows without a gap
        ),
        as_of="2026-06-15",
    )
    assert only(churn)["spells"] == 1
    assert only(churn)["reason"] == "contract_running"


@pytest.mark.parametrize(("grace", "spells"), [(0, 2), (10, 2), (11, 1)])
def test_a_gap_shorter_than_the_grace_does_not_part_two_spells(grace: int, spells: int) -> None:
    churn = detect_contract_churn(
        make_contracts(("a", "2026-01-01", "2026-02-01"), ("a", "2026-02-11", None)),
        as_of="2026-03-01",
        config=ContractConvention(grace_days=grace),
    )
    assert only(churn)["spells"] == spells
    assert not churn.churned[0]


def test_contracts_begun_after_as_of_are_not_seen() -> None:
    churn = detect_contract_churn(
        make_contracts(
            ("a", "2026-05-01", None),
            ("b", "2026-01-01", "2026-02-01"),
            ("b", "2026-05-01", None),
        ),
        as_of=date(2026, 3, 1),
    )
    assert list(churn.reason) == ["not_started", "contract_ended"]
    assert np.isnan(churn.p_churned[0])
    assert churn.spells is not None
    assert churn.spells.tolist() == [0, 1]


def test_same_day_contracts_count_or_not_as_configured() -> None:
    contracts = make_contracts(("a", "2026-01-05", "2026-01-05"))
    counted = detect_contract_churn(contracts, as_of="2026-01-31")
    ignored = detect_contract_churn(
        contracts, as_of="2026-01-31", config=ContractConvention(same_day="ignore")
    )
    assert only(counted)["reason"] == "contract_ended"
    assert only(ignored)["reason"] == "not_started"


def test_golden_period_of_nine_customers() -> None:
    """The published MRR example at 2026-03-31: D, F and I are gone, G and H came back."""
    contracts = make_contracts(
        ("A", "2026-01-01", None),
        ("B", "2026-01-01", None),
        ("C", "2026-01-01", None),
        ("D", "2026-01-01", "2026-03-20"),
        ("E", "2026-03-05", None),
        ("F", "2026-03-05", "2026-03-25"),
        ("G", "2026-01-01", "2026-02-01"),
        ("G", "2026-03-12", None),
        ("H", "2026-01-01", "2026-03-05"),
        ("H", "2026-03-20", None),
        ("I", "2026-01-01", "2026-03-08"),
    )
    churn = detect_contract_churn(contracts, as_of="2026-03-31")
    assert churn.customer_id[churn.churned].tolist() == ["D", "F", "I"]
    assert churn.spells is not None
    assert churn.customer_id[churn.spells > 1].tolist() == ["G", "H"]


@pytest.mark.parametrize(
    "contracts",
    [
        pd.DataFrame({"customer_id": ["a"]}),
        make_contracts(("a", "2026-02-01", "2026-01-01")),
        pd.DataFrame(
            {
                "customer_id": ["a"],
                "start": [pd.NaT],
                "end": pd.to_datetime(["2026-01-01"]),
            }
        ),
        pd.DataFrame({"customer_id": ["a"], "start": ["2026-01-01"], "end": ["2026-02-01"]}),
    ],
)
def test_contracts_that_were_not_validated_are_refused(contracts: pd.DataFrame) -> None:
    with pytest.raises(SchemaError, match="validate_contracts"):
        detect_contract_churn(contracts, as_of="2026-03-01")


spans = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.one_of(st.none(), st.integers(0, 20))),
    min_size=1,
    max_size=12,
)


@LAW
@given(spans=spans, as_of=st.integers(0, 70), grace=st.integers(0, 8))
def test_contract_churn_equals_walking_the_calendar(
    spans: list[tuple[str, int, int | None]], as_of: int, grace: int
) -> None:
    """A customer is gone iff the trailing run of uncovered days is at least the grace long."""
    origin = date(2026, 1, 1).toordinal()
    rows = [
        (
            who,
            date.fromordinal(origin + start).isoformat(),
            None if length is None else date.fromordinal(origin + start + length).isoformat(),
        )
        for who, start, length in spans
    ]
    config = ContractConvention(grace_days=grace, same_day="ignore")
    churn = detect_contract_churn(
        make_contracts(*rows), as_of=date.fromordinal(origin + as_of), config=config
    )
    gap = max(grace, 1)
    for position, customer in enumerate(churn.customer_id):
        covered = [
            any(w == customer and s <= day < s + (999 if n is None else n) for w, s, n in spans)
            for day in range(as_of + 1)
        ]
        spells, empty = 0, gap
        for day in covered:
            spells += day and empty >= gap
            empty = 0 if day else empty + 1
        expected = any(covered) and not covered[-1] and empty >= gap
        assert bool(churn.churned[position]) == expected
        assert churn.spells is not None
        assert churn.spells[position] == spells


@LAW
@given(spans=spans, seed=st.integers(0, 9))
def test_order_of_the_contracts_does_not_matter(
    spans: list[tuple[str, int, int | None]], seed: int
) -> None:
    """Shuffling the rows of the contracts changes no customer's verdict."""
    start = pd.Timestamp("2026-01-01") + pd.to_timedelta([s for _, s, _ in spans], unit="D")
    length = pd.to_timedelta([n for _, _, n in spans], unit="D")
    contracts = pd.DataFrame(
        {"customer_id": [w for w, _, _ in spans], "start": start, "end": start + length}
    )
    shuffled = contracts.sample(frac=1.0, random_state=seed).reset_index(drop=True)
    one, two = (
        detect_contract_churn(table, as_of="2026-02-10").to_frame().set_index("customer_id")
        for table in (contracts, shuffled)
    )
    pd.testing.assert_frame_equal(one, two.loc[one.index])


def test_tables_pickle() -> None:
    churn = detect_contract_churn(make_contracts(("a", "2026-01-01", None)), as_of="2026-01-31")
    again = pickle.loads(pickle.dumps(churn))
    pd.testing.assert_frame_equal(again.to_frame(), churn.to_frame())
    assert "ChurnTable" in repr(again)
    assert "<table" in again._repr_html_()
