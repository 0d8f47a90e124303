from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import AlignmentError
from retainkit.tiers import (
    ByCuts,
    TierPyramid,
    TierSchemeConfig,
    TierTable,
    assess_standing,
    assign_tiers,
    fit_tier_scheme,
    tier_pyramid,
)

NAN = float("nan")


@pytest.fixture
def tiers() -> TierTable:
    """Grade five customers, the second of bad standing, the last without a value."""
    ids = pd.Index(list("abcde"))
    fraud = pd.DataFrame({"customer_id": ["b"], "credit_standing": ["fraud"]})
    scheme = fit_tier_scheme([], config=TierSchemeConfig(rule=ByCuts(cuts=(100.0, 10.0))))
    return assign_tiers(
        [300.0, 200.0, 50.0, -50.0, NAN],
        scheme,
        customer_id=ids,
        standing=assess_standing(fraud, customer_id=ids),
    )


@pytest.fixture
def pyramid(tiers: TierTable) -> TierPyramid:
    return tier_pyramid(tiers)


def test_both_pyramids_by_hand(pyramid: TierPyramid) -> None:
    frame = pyramid.to_frame()
    assert frame["tier"].tolist() == ["key", "ordinary", "small", "bad"]
    assert frame["customers"].tolist() == [1, 1, 2, 1]
    assert frame["valued"].tolist() == [1, 1, 1, 1]
    assert frame["value"].tolist() == [300.0, 50.0, -50.0, 200.0]
    assert frame["customer_share"].tolist() == [0.2, 0.2, 0.4, 0.2]
    assert frame["value_share"].tolist() == [0.6, 0.1, -0.1, 0.4]
    assert frame["average"].tolist() == [300.0, 50.0, -50.0, 200.0]
    assert frame["label_zh"].tolist() == ["关键客户", "普通客户", "小客户", "劣质客户"]


def test_nothing_is_lost(pyramid: TierPyramid) -> None:
    assert pyramid.n == 5
    assert pyramid.total == pyramid.base_total == 500.0
    assert pyramid.reconciles
    last = pyramid.summary().iloc[-1]
    assert (last["tier"], last["customers"], last["value"]) == ("total", 5, 500.0)
    assert last["average"] == 125.0


def test_any_measure_can_be_laid_over_the_tiers(tiers: TierTable) -> None:
    profit = [10.0, -40.0, NAN, 5.0, 5.0]
    pyramid = tier_pyramid(tiers, value=profit)
    np.testing.assert_array_equal(pyramid.value, [10.0, 0.0, 10.0, -40.0])
    np.testing.assert_array_equal(pyramid.valued, [1, 0, 2, 1])
    np.testing.assert_array_equal(pyramid.average, [10.0, NAN, 5.0, -40.0])


def test_shares_of_a_loss_are_undefined(tiers: TierTable) -> None:
    pyramid = tier_pyramid(tiers, value=[-1.0, 0.0, 0.0, 0.0, 0.0])
    assert np.isnan(pyramid.value_share).all()
    assert pyramid.value.tolist() == [-1.0, 0.0, 0.0, 0.0]
    assert np.isnan(pyramid.summary()["value_share"]).all()


def test_a_sum_that_does_not_close_is_seen(pyramid: TierPyramid) -> None:
    broken = TierPyramid(
        names=pyramid.names,
        labels=pyramid.labels,
        customers=pyramid.customers,
        valued=pyramid.valued,
        value=pyramid.value + 0.01,
        base_total=pyramid.base_total,
    )
    assert not broken.reconciles


def test_no_customers(tiers: TierTable) -> None:
    pyramid = tier_pyramid(assign_tiers([], tiers.scheme))
    assert pyramid.reconciles
    assert pyramid.n == 0
    assert np.isnan(pyramid.customer_share).all()
    assert np.isnan(pyramid.average).all()
    assert len(pyramid.summary()) == 5


def test_refuses_a_measure_of_other_customers(tiers: TierTable) -> None:
    with pytest.raises(AlignmentError, match="2 entries for 5 customers"):
        tier_pyramid(tiers, value=[1.0, 2.0])


def test_shows_itself_and_pickles(pyramid: TierPyramid) -> None:
    assert repr(pyramid) == "<TierPyramid: 4 tiers; next: .to_frame()>"
    assert "total" in pyramid._repr_html_()
    again = pickle.loads(pickle.dumps(pyramid))
    pd.testing.assert_frame_equal(again.to_frame(), pyramid.to_frame())
