from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import AlignmentError, SchemaError
from retainkit.tiers import (
    LifecycleConfig,
    LifecycleScheme,
    RelationArrays,
    fit_lifecycle_scheme,
    lifecycle_stage,
)
from retainkit.tiers._config import STAGE_LABELS, STAGE_REASONS, STAGES

NAN = float("nan")
SCHEME = LifecycleScheme(config=LifecycleConfig(), usual_gap=10.0, n=1)


def stage_of(
    occasions: int,
    recency: float,
    inactive_for: float,
    *,
    scheme: LifecycleScheme = SCHEME,
    **hints: float,
) -> tuple[str, str]:
    history = RelationArrays([occasions], [recency], [recency + inactive_for], [inactive_for])
    arrays: dict[str, Any] = {name: [value] for name, value in hints.items()}
    row = lifecycle_stage(history, scheme, **arrays).to_frame().iloc[0]
    return row["stage"], row["stage_reason"]


@pytest.mark.parametrize(
    ("history", "hints", "stage", "reason"),
    [
        ((0, NAN, NAN), {}, "prospect", "never_purchased"),
        ((0, NAN, NAN), {"p_alive": 0.1}, "prospect", "never_purchased"),
        ((1, 0.0, 4.0), {}, "new", "first_purchase"),
        ((1, 0.0, 20.0), {}, "new", "first_purchase"),
        ((1, 0.0, 20.1), {}, "declining", "silence_growing"),
        ((1, 0.0, 30.1), {}, "lapsed", "silent_beyond_rhythm"),
        ((3, 6.0, 2.0), {}, "new", "relation_young"),
        # own rhythm (20 + 10) / (2 + 1) = 10
        ((3, 20.0, 5.0), {}, "growing", "relation_forming"),
        ((3, 20.0, 20.1), {}, "declining", "silence_growing"),
        ((3, 20.0, 30.1), {}, "lapsed", "silent_beyond_rhythm"),
        # own rhythm (90 + 10) / (9 + 1) = 10; a weekly rhythm (55 + 10) / (55 + 1) lapses sooner
        ((10, 90.0, 5.0), {}, "mature", "relation_settled"),
        ((56, 55.0, 5.0), {}, "lapsed", "silent_beyond_rhythm"),
        ((10, 90.0, 5.0), {"spending_trend": 0.2}, "growing", "spending_rising"),
        ((10, 90.0, 5.0), {"spending_trend": -0.2}, "declining", "spending_falling"),
        ((10, 90.0, 5.0), {"spending_trend": 0.19}, "mature", "relation_settled"),
        ((10, 90.0, 5.0), {"spending_trend": NAN, "p_alive": NAN}, "mature", "relation_settled"),
        # the probability, where known, decides about the lapse
        ((10, 90.0, 5.0), {"p_alive": 0.49}, "lapsed", "probably_left"),
        ((10, 90.0, 31.0), {"p_alive": 0.9}, "declining", "silence_growing"),
        ((10, 90.0, 31.0), {"p_alive": NAN}, "lapsed", "silent_beyond_rhythm"),
        # before the last purchase: (100 - 64 + 10) / (3 - 1 + 1) = 15.3..., three of them are 46
        ((4, 100.0, 5.0), {"last_gap": 64.0}, "won_back", "returned_after_lapse"),
        ((4, 100.0, 5.0), {"last_gap": 40.0}, "mature", "relation_settled"),
        # silent again, in the own rhythm (100 + 10) / (3 + 1) = 27.5
        ((4, 100.0, 56.0), {"last_gap": 64.0}, "declining", "silence_growing"),
        # two purchases far apart: the only gap is judged by the usual one
        ((2, 31.0, 1.0), {"last_gap": 31.0}, "won_back", "returned_after_lapse"),
    ],
)
def test_each_rule(
    history: tuple[int, float, float], hints: dict[str, Any], stage: str, reason: str
) -> None:
    assert stage_of(*history, **hints) == (stage, reason)


def test_usual_gap_counts_each_repeat_customer_once() -> None:
    # mean gaps 4 and 6; the pooled gap (8 + 6) / (2 + 1) would be 4.67
    history = RelationArrays([1, 3, 2, 0], [0.0, 8.0, 6.0, NAN], [9.0] * 4, [9.0] * 4)
    scheme = fit_lifecycle_scheme(history)
    assert (scheme.usual_gap, scheme.n) == (5.0, 2)
    assert LifecycleScheme.from_json(scheme.to_json()) == scheme


def test_a_known_purchase_cycle_is_taken_over() -> None:
    history = RelationArrays([3], [8.0], [9.0], [1.0])
    scheme = fit_lifecycle_scheme(history, config=LifecycleConfig(usual_gap=30))
    assert (scheme.usual_gap, scheme.n) == (30.0, 0)


def test_nobody_repeats() -> None:
    history = RelationArrays([1, 0], [0.0, NAN], [90.0, NAN], [90.0, NAN])
    scheme = fit_lifecycle_scheme(history)
    assert scheme.usual_gap is None
    table = lifecycle_stage(history, scheme)
    assert np.isnan(table.rhythm[0])
    assert table.to_frame()["stage"].tolist() == ["new", "prospect"]


def test_without_a_usual_gap_the_own_one_stands() -> None:
    alone = LifecycleScheme(config=LifecycleConfig(), usual_gap=None, n=0)
    assert stage_of(10, 90.0, 31.0, scheme=alone) == ("lapsed", "silent_beyond_rhythm")
    own = SCHEME.replace(config=LifecycleConfig(prior_gaps=0))
    history = RelationArrays([1, 4], [0.0, 6.0], [5.0, 8.0], [5.0, 2.0])
    np.testing.assert_array_equal(lifecycle_stage(history, own).rhythm, [10.0, 2.0])


def test_a_missing_time_is_not_guessed() -> None:
    history = RelationArrays([2, 2], [5.0, 5.0], [NAN, 6.0], [1.0, 1.0])
    table = lifecycle_stage(history, SCHEME)
    assert (table.stage[0], table.reason[0]) == (-1, -1)
    frame = table.to_frame()
    assert frame["stage"].isna().tolist() == [True, False]
    assert table.summary()["customers"].sum() == 1


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 400), st.integers(0, 400)),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([1 / 7, 1 / 30.4375, 2.0]),
)
def test_the_unit_of_time_does_not_matter(rows: list[tuple[int, int, int]], factor: float) -> None:
    """Days, weeks and months give the same stages, for a base and for one customer alike."""
    occasions = np.array([row[0] for row in rows])
    recency = np.array([row[1] if row[0] > 1 else 0 for row in rows]) + 0.125
    inactive = np.array([row[2] for row in rows]) + 0.25
    days = RelationArrays(occasions, recency, recency + inactive, inactive)
    other = RelationArrays(occasions, *(array * factor for array in days[1:]))
    table = lifecycle_stage(days, fit_lifecycle_scheme(days))
    converted = lifecycle_stage(other, fit_lifecycle_scheme(other))
    limits = np.array([2.0, 3.0])
    clear = (np.abs(table.silence[:, None] - limits) > 1e-9).all(axis=1)
    np.testing.assert_array_equal(table.stage[clear], converted.stage[clear])
    alone = RelationArrays(*(array[:1] for array in days))
    assert lifecycle_stage(alone, table.scheme).stage[0] == table.stage[0]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(1, 30), st.floats(0, 500), st.floats(0, 500), st.floats(0, 500))
def test_silence_only_ages(occasions: int, recency: float, first: float, more: float) -> None:
    """With each further day without a purchase a customer never moves away from the lapse."""
    order = {stage: rank for rank, stage in enumerate(["declining", "lapsed"], start=1)}
    earlier, _ = stage_of(occasions, recency, first)
    later, _ = stage_of(occasions, recency, first + more)
    assert order.get(later, 0) >= order.get(earlier, 0)


def test_customers_and_categories() -> None:
    frame = pd.DataFrame(
        {"occasions": [1], "recency": [0.0], "age": [1.0], "inactive_for": [1.0]}, index=["x"]
    )
    history = RelationArrays(*(frame[name] for name in frame))
    table = lifecycle_stage(history, SCHEME)
    assert table.customer_id.tolist() == ["x"]
    assert table.to_frame()["stage"].cat.categories.tolist() == list(STAGES)
    assert table.summary()["customers"].tolist() == [0, 1, 0, 0, 0, 0, 0]
    named = lifecycle_stage(history, SCHEME, customer_id=pd.Index([5]))
    assert named.customer_id.tolist() == [5]


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(AlignmentError, match="age"):
        fit_lifecycle_scheme(RelationArrays([1, 2], [0.0, 1.0], [1.0], [1.0, 1.0]))
    with pytest.raises(AlignmentError, match="p_alive"):
        lifecycle_stage(RelationArrays([1], [0.0], [1.0], [1.0]), SCHEME, p_alive=[0.5, 0.5])
    for wrong in (-1, NAN):
        with pytest.raises(SchemaError, match="missing or negative"):
            fit_lifecycle_scheme(RelationArrays([wrong], [0.0], [1.0], [1.0]))


def test_no_customers() -> None:
    nobody = RelationArrays([], [], [], [])
    assert len(lifecycle_stage(nobody, fit_lifecycle_scheme(nobody))) == 0


def test_shows_itself_and_pickles() -> None:
    table = lifecycle_stage(RelationArrays([1], [0.0], [1.0], [1.0]), SCHEME)
    assert repr(table) == "<LifecycleTable: 1 customers; next: .summary() or .to_frame()>"
    assert "赢回客户" in table._repr_html_()
    again = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(again.to_frame(), table.to_frame())


def test_every_stage_can_be_reached_and_has_words() -> None:
    assert {stage for stage, _ in STAGE_REASONS.values()} == set(STAGES) == set(STAGE_LABELS)
    for label in [*STAGE_LABELS.values(), *(label for _, label in STAGE_REASONS.values())]:
        assert label.en != label.zh
