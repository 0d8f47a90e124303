"""The segmentation cube and the needs: by hand, against scipy, by law."""

from __future__ import annotations

import pickle
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from retainkit.errors import AlignmentError, SchemaError
from retainkit.tiers import (
    ByCuts,
    Dimension,
    Need,
    NeedCatalog,
    TierSchemeConfig,
    assess_standing,
    assign_tiers,
    fit_tier_scheme,
    match_needs,
    segment_cube,
)
from retainkit.tiers._config import DIMENSION_KINDS, NEED_LEVELS
from retainkit.tiers.segments._cube import DimensionKind, SegmentCube
from retainkit.tiers.segments._needs import NeedLevel, NeedTable

NAN = float("nan")
LAW = settings(deadline=None, derandomize=True, max_examples=40)
SCHEME = fit_tier_scheme([], config=TierSchemeConfig(rule=ByCuts(cuts=(100.0, 10.0))))
VALUE = [200.0, 50.0, 1.0, 120.0, NAN]
TIERS = assign_tiers(VALUE, SCHEME, customer_id=pd.Index(list("abcde")))


@pytest.fixture
def cube() -> SegmentCube:
    age = Dimension.from_numbers("age", "demographics", [20, 40, 41, NAN, 30], edges=(30, 41))
    use = Dimension.from_labels("use", "use", ["heavy", "light", "light", "heavy", "none"])
    return segment_cube(
        [use, age, Dimension.from_tiers(TIERS)], value=VALUE, customer_id=TIERS.customer_id
    )


def test_three_dimensions_by_hand(cube: SegmentCube) -> None:
    frame = cube.to_frame()
    assert len(frame) == len(cube) == 3 * 4 * 4  # "unknown" is a level of age
    filled = frame[frame["customers"] > 0].astype({"use": str, "age": str, "tier": str})
    assert filled[["use", "age", "tier"]].to_numpy().tolist() == [
        ["heavy", "< 30", "key"],
        ["heavy", "unknown", "key"],
        ["light", "30 - 41", "ordinary"],
        ["light", ">= 41", "small"],
        ["none", "30 - 41", "small"],
    ]
    assert filled["value"].tolist() == [200.0, 120.0, 50.0, 1.0, 0.0]
    assert filled["average"].isna().tolist() == [False] * 4 + [True]
    assert frame["customers"].sum() == 5
    assert frame["value"].sum() == 371.0
    assert frame["value_share"].sum() == pytest.approx(1.0)


def test_drill_down_to_the_customers(cube: SegmentCube) -> None:
    assert cube.drill_down({"use": "heavy"})["customer_id"].tolist() == ["a", "d"]
    assert cube.drill_down({"use": "heavy", "age": "unknown"})["customer_id"].tolist() == ["d"]
    assert cube.drill_down({})["customer_id"].tolist() == list("abcde")
    assert cube.drill_down({"tier": "bad"}).empty
    with pytest.raises(SchemaError, match="platinum"):
        cube.drill_down({"tier": "platinum"})
    with pytest.raises(SchemaError, match="no dimension"):
        cube.drill_down({"region": "north"})


def test_roll_up_and_summary(cube: SegmentCube) -> None:
    by_tier = cube.roll_up(["tier"]).to_frame()
    assert by_tier["customers"].tolist() == [2, 1, 2, 0]
    summary = cube.summary()
    assert summary.groupby("dimension")["customers"].sum().to_dict() == dict.fromkeys(
        ("use", "age", "tier"), 5
    )
    again: SegmentCube = pickle.loads(pickle.dumps(cube))
    pd.testing.assert_frame_equal(again.to_frame(), cube.to_frame())


def test_association_against_scipy() -> None:
    rng = np.random.default_rng(4)
    first = rng.integers(0, 4, size=600)
    second = np.where(rng.random(600) < 0.4, first, rng.integers(0, 3, size=600))
    one = Dimension.from_labels("one", "use", first.astype(str))
    two = Dimension.from_labels("two", "benefit", second.astype(str))
    pair = segment_cube([one, two]).pairs().iloc[0]
    table = pd.crosstab(first, second).to_numpy()
    oracle: Any = stats.chi2_contingency(table, correction=False)
    assert pair["chi_square"] == pytest.approx(oracle.statistic)
    assert pair["degrees_of_freedom"] == oracle.dof
    assert pair["p_value"] == pytest.approx(oracle.pvalue, rel=1e-6)
    assert pair["cramers_v"] == pytest.approx(stats.contingency.association(table))
    shares = table / 600
    information = (
        stats.entropy(shares.sum(axis=1), base=2)
        + stats.entropy(shares.sum(axis=0), base=2)
        - stats.entropy(shares.ravel(), base=2)
    )
    assert pair["mutual_information"] == pytest.approx(information)


def test_independence_and_no_variation() -> None:
    one = Dimension.from_labels("one", "use", ["a", "a", "b", "b"])
    two = Dimension.from_labels("two", "use", ["x", "y", "x", "y"])
    flat = Dimension.from_labels("flat", "use", ["z"] * 4)
    pairs = segment_cube([one, two, flat]).pairs()
    assert pairs["chi_square"].tolist()[0] == pairs["mutual_information"].tolist()[0] == 0.0
    assert pairs["p_value"].tolist()[0] == 1.0
    assert pairs.loc[1:, "cramers_v"].isna().all()


def test_levels_that_are_not_known_play_no_part_in_association() -> None:
    one = Dimension.from_labels("one", "use", ["a", "a", "b", "b", None])
    two = Dimension.from_labels("two", "use", ["x", "x", "y", "y", "y"])
    pair = segment_cube([one, two]).pairs().iloc[0]
    assert (pair["n"], pair["cramers_v"]) == (4, pytest.approx(1.0))


LABELS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]), st.sampled_from(["x", "y", "z"]), st.integers(-50, 100)
    ),
    min_size=1,
    max_size=30,
)


@LAW
@given(LABELS)
def test_every_customer_is_in_one_cell(rows: list[tuple[Any, ...]]) -> None:
    """Heads and value of the cells add up to the base, and of a roll-up to the same."""
    value = [float(row[2]) for row in rows]
    axes = [
        Dimension.from_labels("one", "use", [row[0] for row in rows]),
        Dimension.from_labels("two", "loyalty", [row[1] for row in rows]),
    ]
    cube = segment_cube(axes, value=value)
    assert cube.heads.sum() == len(rows)
    assert cube.sums.sum() == pytest.approx(sum(value))
    np.testing.assert_array_equal(cube.roll_up(["two"]).heads, cube.heads.sum(axis=0))
    for level in axes[1].levels:
        assert len(cube.drill_down({"two": level})) == [row[1] for row in rows].count(level)


def test_refuses_what_is_no_cube() -> None:
    one = Dimension.from_labels("one", "use", ["a", "b"])
    with pytest.raises(SchemaError, match="no dimension"):
        segment_cube([])
    with pytest.raises(SchemaError, match="no dimension"):
        segment_cube([one, one])
    with pytest.raises(AlignmentError, match="two"):
        segment_cube([one, Dimension.from_labels("two", "use", ["a"])])
    many = [str(k) for k in range(400)]
    with pytest.raises(SchemaError, match="cells"):
        segment_cube([Dimension.from_labels(name, "use", many) for name in "xy"])
    with pytest.raises(SchemaError, match="kind"):
        Dimension.from_labels("one", "astrology", ["a"])  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="unknown"):
        Dimension.from_labels("one", "use", ["unknown"])
    with pytest.raises(SchemaError, match="ascending"):
        Dimension.from_numbers("one", "use", [1.0], edges=(2, 1))
    with pytest.raises(SchemaError, match="one more"):
        Dimension.from_numbers("one", "use", [1.0], edges=(2,), levels=("low",))


# --- needs ---------------------------------------------------------------------------------------


def test_needs_by_level() -> None:
    table = match_needs(TIERS, top_share=0.5)
    frame = table.to_frame().pivot(index="customer_id", columns="need", values="has")
    assert frame["reliable_quality"].all()
    assert frame.index[frame["own_contact"]].tolist() == ["a", "d"]
    assert frame.index[frame["joint_planning"]].tolist() == ["a"]
    assert not frame["guided_start"].any()
    summary = table.summary().set_index("need")
    assert summary.loc["own_contact", "value"] == 320.0


def test_equal_customers_are_top_together() -> None:
    tiers = assign_tiers([300.0, 300.0, 200.0], SCHEME)
    assert who_plans(match_needs(tiers, top_share=0.1)) == [True, True, False]
    assert not any(who_plans(match_needs(tiers, top_share=0.0)))
    assert not any(who_plans(match_needs(assign_tiers([1.0], SCHEME))))


def who_plans(needs: NeedTable) -> list[bool]:
    frame = needs.to_frame()
    return frame.loc[frame["need"] == "joint_planning", "has"].tolist()


def test_bad_standing_leaves_the_general_needs() -> None:
    record = pd.DataFrame({"customer_id": ["a"], "credit_standing": ["fraud"]})
    standing = assess_standing(record, customer_id=TIERS.customer_id)
    tiers = assign_tiers(VALUE, SCHEME, customer_id=TIERS.customer_id, standing=standing)
    assert match_needs(tiers).count[TIERS.customer_id.get_loc("a")] == 4


def test_kinds_and_levels_have_words_in_both_languages() -> None:
    assert set(DIMENSION_KINDS) == set(get_args(DimensionKind))
    assert set(NEED_LEVELS) == set(get_args(NeedLevel))
    for label in [*DIMENSION_KINDS.values(), *NEED_LEVELS.values()]:
        assert label.en != label.zh


def test_catalogues_are_typed_and_travel() -> None:
    catalog = NeedCatalog.default()
    assert NeedCatalog.from_json(catalog.to_json()) == catalog
    for need in catalog.needs:
        assert need.label.en != need.label.zh
    with pytest.raises(ValidationError, match="unique"):
        NeedCatalog(needs=(catalog.needs[0], catalog.needs[0]))
    with pytest.raises(ValidationError, match="names its group"):
        Need(id="x", level="special", label=catalog.needs[0].label)
    with pytest.raises(SchemaError, match="pilots"):
        match_needs(TIERS, groups={"pilots": [True] * 5})
    with pytest.raises(AlignmentError, match="newcomers"):
        match_needs(TIERS, groups={"newcomers": [True]})
