"""Potential: hand cases of each reason, unknown is not no, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit.errors import AlignmentError, InvalidTableError, SchemaError
from retainkit.policy import PotentialConfig, PotentialTable, assess_potential
from retainkit.tiers import fit_tier_scheme
from tests.policy.helpers import scheme

NAN = float("nan")
SCHEME = scheme()  # key from 1000, ordinary from 100


def _reason(table: PotentialTable, position: int = 0) -> str:
    return table.reason_names[int(table.reason[position])]


@pytest.mark.parametrize(
    ("predicted", "tier", "reason", "has"),
    [
        (5000.0, 0, "no_higher_tier", False),
        (1000.0, 1, "reaches_next_tier", True),  # a value equal to a bound reaches it
        (999.0, 1, "near_next_tier", True),
        (800.0, 1, "near_next_tier", True),  # exactly 80 % of 1000
        (799.0, 1, "below_reach", False),
        (100.0, 2, "reaches_next_tier", True),
        (80.0, 2, "near_next_tier", True),
        (79.0, 2, "below_reach", False),
        (-5.0, 2, "below_reach", False),
        (NAN, 1, "value_not_computable", False),
        (NAN, 0, "no_higher_tier", False),
    ],
)
def test_headroom_alone(predicted: float, tier: int, reason: str, has: bool) -> None:
    table = assess_potential([predicted], SCHEME, tier=np.array([tier], dtype=np.int8))
    assert _reason(table) == reason
    assert table.has_potential.tolist() == [has]


def test_headroom_and_relative_by_hand() -> None:
    table = assess_potential([2000.0, 900.0, 60.0, NAN], SCHEME, tier=np.array([0, 1, 2, 2]))
    np.testing.assert_array_equal(table.headroom, [NAN, -100.0, -40.0, NAN])
    np.testing.assert_array_equal(table.relative, [NAN, 0.9, 0.6, NAN])


def test_unknown_is_not_no() -> None:
    table = assess_potential([NAN, 10.0], SCHEME, tier=np.array([1, 1]))
    assert table.state.tolist() == [2, 1]
    assert table.to_frame()["potential"].tolist() == ["unknown", "no"]


def test_tier_defaults_to_where_the_prediction_falls() -> None:
    table = assess_potential([1000.0, 999.0, 100.0, 99.0, NAN], SCHEME)
    assert [_reason(table, i) for i in range(5)] == [
        "no_higher_tier",
        "near_next_tier",
        "below_reach",
        "near_next_tier",
        "value_not_computable",
    ]


def test_wallet_room_by_hand() -> None:
    # predicted 400 is 40 % of the wallet: the whole wallet, 1000, reaches the cut of 1000
    table = assess_potential(
        [400.0, 400.0, 600.0, 400.0],
        SCHEME,
        tier=np.array([1, 1, 1, 1]),
        share_of_wallet=[0.4, 0.41, 0.6, NAN],
    )
    reasons = [_reason(table, i) for i in range(4)]
    # 400 / 0.41 = 976 falls short; a share of 0.6 is above the limit of 0.5
    assert reasons == ["wallet_room", "below_reach", "below_reach", "below_reach"]


def test_rising_trend_by_hand() -> None:
    table = assess_potential(
        [500.0, 499.0, 500.0, 500.0],
        SCHEME,
        tier=np.array([1, 1, 1, 1]),
        trend=[0.15, 0.9, 0.14, NAN],
    )
    reasons = [_reason(table, i) for i in range(4)]
    assert reasons == ["rising_trend", "below_reach", "below_reach", "below_reach"]


def test_strategic_background_counts_below_the_top_only() -> None:
    table = assess_potential(
        [1.0, 5000.0, NAN],
        SCHEME,
        tier=np.array([2, 0, 2]),
        strategic=pd.Series([True, True, True]),
    )
    assert [_reason(table, i) for i in range(3)] == [
        "strategic_background",
        "no_higher_tier",
        "strategic_background",
    ]


@pytest.mark.parametrize(
    "strategic",
    [
        [True, False],
        np.array([True, False]),
        pd.Series([True, None], dtype="boolean"),
        pd.Series([True, None], dtype=object),
        pd.Series([True, float("nan")], dtype=object, index=[7, 7]),
    ],
)
def test_missing_background_counts_as_none(strategic: Any) -> None:
    table = assess_potential([1.0, 1.0], SCHEME, strategic=strategic)
    assert table.has_potential.tolist() == [True, False]


def test_evidence_by_share_needs_a_positive_cut() -> None:
    # with a cut of -10, "80 % of the cut" would be a higher bar than the cut itself
    low = scheme(names=("key", "small"), cuts=(-10.0,))
    table = assess_potential(
        [-9.0, -11.0], low, tier=np.array([1, 1]), trend=[1.0, 1.0], share_of_wallet=[0.1, 0.1]
    )
    assert [_reason(table, i) for i in range(2)] == ["reaches_next_tier", "below_reach"]
    assert np.isnan(table.relative).all()


def test_a_scheme_without_cuts_leaves_potential_unknown() -> None:
    empty = fit_tier_scheme([-1.0, -2.0])
    assert empty.cuts == (None, None)
    table = assess_potential([-1.0], empty)
    assert _reason(table) == "no_cut"
    assert table.state.tolist() == [2]


@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(NAN), min_size=1, max_size=30),
    st.floats(0.0, 1.0),
    st.data(),
)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_more_predicted_value_never_loses_potential(
    predicted: list[float], reach: float, data: st.DataObject
) -> None:
    """For one customer and tier, a higher prediction never turns a yes into a no."""
    n = len(predicted)
    tier = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)), dtype=np.int8)
    config = PotentialConfig(reach=reach)
    before = assess_potential(predicted, SCHEME, tier=tier, config=config)
    after = assess_potential(np.array(predicted) + 10.0, SCHEME, tier=tier, config=config)
    assert (after.has_potential | ~before.has_potential).all()


@given(st.lists(st.floats(-1e4, 1e4) | st.just(NAN), min_size=1, max_size=30))
@settings(deadline=None, derandomize=True, max_examples=40)
def test_reasons_agree_with_a_plain_loop(predicted: list[float]) -> None:
    """The vectorised reasons are those of the definition, one customer at a time."""
    table = assess_potential(predicted, SCHEME)
    for position, value in enumerate(predicted):
        if math.isnan(value):
            expected = "value_not_computable"
        elif value >= 1000.0:
            expected = "no_higher_tier"
        else:
            cut = 1000.0 if value >= 100.0 else 100.0
            expected = "near_next_tier" if value >= 0.8 * cut else "below_reach"
        assert _reason(table, position) == expected


def test_ids_come_from_the_series_the_argument_or_count() -> None:
    series = pd.Series([1.0, 2.0], index=["a", "b"])
    assert assess_potential(series, SCHEME).customer_id.tolist() == ["a", "b"]
    ids = pd.Index(["x", "y"])
    assert assess_potential(series, SCHEME, customer_id=ids).customer_id is ids
    assert assess_potential([1.0, 2.0], SCHEME).customer_id.tolist() == [0, 1]


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01])
def test_impossible_share_of_wallet_is_refused(share: float) -> None:
    with pytest.raises(InvalidTableError, match=r"outside \(0, 1\]"):
        assess_potential([1.0, 2.0], SCHEME, share_of_wallet=[0.5, share])


def test_inputs_that_do_not_line_up_are_refused() -> None:
    with pytest.raises(AlignmentError, match="trend"):
        assess_potential([1.0, 2.0], SCHEME, trend=[0.1])
    with pytest.raises(AlignmentError, match="tier"):
        assess_potential([1.0, 2.0], SCHEME, tier=np.array([1]))
    with pytest.raises(AlignmentError, match="customer_id"):
        assess_potential([1.0, 2.0], SCHEME, customer_id=pd.Index([1]))
    with pytest.raises(AlignmentError, match="strategic"):
        assess_potential([1.0, 2.0], SCHEME, strategic=[True])
    with pytest.raises(InvalidTableError, match="0 to 2"):
        assess_potential([1.0], SCHEME, tier=np.array([3]))


def test_inputs_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(SchemaError, match="not numbers"):
        assess_potential(["a"], SCHEME)
    with pytest.raises(SchemaError, match="infinite"):
        assess_potential([math.inf], SCHEME)
    with pytest.raises(SchemaError, match="dimensions"):
        assess_potential(np.zeros((2, 2)), SCHEME)
    with pytest.raises(SchemaError, match="truth"):
        assess_potential([1.0], SCHEME, strategic=["yes"])


def test_summary_counts_every_customer_once() -> None:
    table = assess_potential([5000.0, 900.0, 1.0, NAN], SCHEME)
    summary = table.summary()
    assert summary["customers"].sum() == 4
    assert summary["share"].sum() == pytest.approx(1.0)
    assert "next: decide_actions" in repr(table)
    assert "<table" in table._repr_html_()


def test_both_languages() -> None:
    table = assess_potential([900.0], SCHEME)
    assert table.to_frame()["why"].item() == "The prediction is close to the cut"
    assert table.to_frame(language="zh")["why"].item() == "预测接近上一级界限"


def test_empty_base() -> None:
    table = assess_potential([], SCHEME)
    assert len(table) == 0
    assert table.summary().empty
    assert table.to_frame().empty


def test_config_limits() -> None:
    with pytest.raises(ValidationError):
        PotentialConfig(reach=1.5)
