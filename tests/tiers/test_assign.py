from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import AlignmentError, SchemaError
from retainkit.tiers import (
    ByCuts,
    TierScheme,
    TierSchemeConfig,
    TierTable,
    assess_standing,
    assign_tiers,
    fit_tier_scheme,
)
from retainkit.tiers._config import BAD, TIER_REASONS

NAN = float("nan")


@pytest.fixture
def scheme() -> TierScheme:
    return fit_tier_scheme([], config=TierSchemeConfig(rule=ByCuts(cuts=(100.0, 10.0))))


def names(table: TierTable) -> list[str]:
    return table.to_frame()["tier"].tolist()


def test_a_bound_belongs_to_its_tier(scheme: TierScheme) -> None:
    table = assign_tiers([100.0, 99.99, 10.0, 9.99, -5.0, NAN], scheme)
    assert names(table) == ["key", "ordinary", "ordinary", "small", "small", "small"]
    assert table.to_frame()["reason"].tolist() == [
        "reaches_cut",
        "reaches_cut",
        "reaches_cut",
        "below_every_cut",
        "below_every_cut",
        "value_not_computable",
    ]
    assert table.tier.dtype == table.reason.dtype == table.value_tier.dtype == np.int8


def test_margins_by_hand(scheme: TierScheme) -> None:
    table = assign_tiers([150.0, 40.0, 4.0, NAN], scheme)
    np.testing.assert_array_equal(table.lower_bound, [100.0, 10.0, NAN, NAN])
    np.testing.assert_array_equal(table.margin, [50.0, 30.0, NAN, NAN])
    np.testing.assert_array_equal(table.relative_margin, [0.5, 3.0, NAN, NAN])
    np.testing.assert_array_equal(table.to_next_tier, [NAN, 60.0, 6.0, NAN])


def test_relative_margin_of_a_zero_or_negative_bound() -> None:
    config = TierSchemeConfig(rule=ByCuts(cuts=(0.0, -10.0)))
    table = assign_tiers([5.0, -5.0], fit_tier_scheme([], config=config))
    np.testing.assert_array_equal(table.margin, [5.0, 5.0])
    np.testing.assert_array_equal(table.relative_margin, [NAN, 0.5])


def test_without_cuts_everybody_is_in_the_lowest_tier() -> None:
    scheme = fit_tier_scheme([-1.0, 0.0])
    table = assign_tiers([1e9, NAN], scheme)
    assert names(table) == ["small", "small"]
    assert table.to_frame()["reason"].tolist() == ["scheme_not_computable", "value_not_computable"]
    assert np.isnan(table.to_next_tier).all()


def test_bad_standing_overrides_what_is_shown_and_keeps_the_value_tier(scheme: TierScheme) -> None:
    ids = pd.Index(["a", "b", "c"])
    customers = pd.DataFrame(
        {"customer_id": ["c", "a", "b"], "credit_standing": ["default", "watch", "good"]}
    )
    standing = assess_standing(customers, customer_id=ids)
    table = assign_tiers([500.0, -9.0, 500.0], scheme, customer_id=ids, standing=standing)
    frame = table.to_frame()
    assert frame["tier"].tolist() == ["key", "small", BAD]
    assert frame["value_tier"].tolist() == ["key", "small", "key"]
    assert frame["reason"].tolist() == ["reaches_cut", "below_every_cut", "bad_standing"]
    assert frame["standing"].tolist() == ["watch", "good", "bad"]
    assert frame["standing_reason"].tolist() == ["on_watch", "credit_good", "credit_default"]
    assert table.is_bad.tolist() == [False, False, True]


def test_every_category_is_present_in_order_even_if_empty(scheme: TierScheme) -> None:
    frame = assign_tiers([50.0], scheme).to_frame()
    assert frame["tier"].cat.categories.tolist() == ["key", "ordinary", "small", "bad"]
    assert frame["value_tier"].cat.categories.tolist() == ["key", "ordinary", "small"]
    assert frame["tier"].cat.ordered
    assert frame["reason"].cat.categories.tolist() == list(TIER_REASONS)
    assert "standing" not in frame


def test_customers_come_from_the_series_or_the_argument(scheme: TierScheme) -> None:
    values = pd.Series([1.0, 200.0], index=pd.Index(["x", "y"], name="Customer"))
    assert assign_tiers(values, scheme).customer_id.tolist() == ["x", "y"]
    assert assign_tiers(values, scheme, customer_id=pd.Index([7, 8])).customer_id.tolist() == [7, 8]
    assert assign_tiers([1.0], scheme).customer_id.tolist() == [0]


def test_refuses_other_customers(scheme: TierScheme) -> None:
    nobody = pd.DataFrame({"customer_id": [1]})
    standing = assess_standing(nobody, customer_id=pd.Index([2, 1]))
    with pytest.raises(AlignmentError, match="another order"):
        assign_tiers([1.0, 2.0], scheme, customer_id=pd.Index([1, 2]), standing=standing)
    with pytest.raises(AlignmentError, match="2 entries for 3 customers"):
        assign_tiers([1.0, 2.0, 3.0], scheme, standing=standing)
    with pytest.raises(AlignmentError, match="customer_id"):
        assign_tiers([1.0, 2.0], scheme, customer_id=pd.Index([1]))
    with pytest.raises(SchemaError, match="infinite"):
        assign_tiers([float("-inf")], scheme)


def test_no_customers(scheme: TierScheme) -> None:
    table = assign_tiers([], scheme)
    assert len(table) == len(table.to_frame()) == 0
    assert table.summary()["customers"].tolist() == [0, 0, 0, 0]


def test_one_customer_is_graded_as_in_the_base(scheme: TierScheme) -> None:
    values = np.array([150.0, 40.0, 4.0, NAN])
    base = assign_tiers(values, scheme)
    for position, value in enumerate(values):
        alone = assign_tiers([value], scheme)
        assert alone.tier[0] == base.tier[position]
        assert alone.reason[0] == base.reason[position]


def test_shows_itself_and_pickles(scheme: TierScheme) -> None:
    table = assign_tiers([150.0, 40.0], scheme)
    assert repr(table) == "<TierTable: 2 customers; next: tier_pyramid(tiers) or .to_frame()>"
    assert "关键客户" in table._repr_html_()
    again = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(again.to_frame(), table.to_frame())


def test_the_frame_is_a_copy(scheme: TierScheme) -> None:
    table = assign_tiers(np.array([150.0]), scheme)
    frame = table.to_frame()
    frame.loc[0, "value"] = 0.0
    assert table.value[0] == 150.0


def test_a_hundred_tiers_fit_into_a_byte() -> None:
    cuts = tuple(float(k) for k in range(99, 0, -1))
    config = TierSchemeConfig(names=tuple(f"t{k}" for k in range(100)), rule=ByCuts(cuts=cuts))
    table = assign_tiers(np.arange(100.0), fit_tier_scheme([], config=config))
    assert table.value_tier.tolist() == list(range(99, -1, -1))
