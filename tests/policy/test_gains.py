"""Gains of measures: by hand, free riders, sleeping dogs, cool-down, capacity, a plan."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from retainkit.errors import AlignmentError, SchemaError
from retainkit.policy import (
    AllocationLimit,
    CostModel,
    DecisionTable,
    MeasureCatalog,
    MeasureEffect,
    ResourceUse,
    catalog_limits,
    decide_actions,
    measure_gains,
)
from tests.policy.helpers import Churn, Value, potential_of, tiers_of

P = np.array([0.2, 0.5, 0.9, 0.3])
V = np.array([800.0, 500.0, 90.0, 700.0])


def _decisions(catalog: MeasureCatalog) -> DecisionTable:
    tiers = tiers_of(["key"] * 4)
    return decide_actions(
        tiers,
        potential=potential_of(["no"] * 4),
        value=Value(tiers.customer_id, V),
        churn=Churn(tiers.customer_id, P),
        catalog=catalog,
    )


def _catalog(**changes: object) -> MeasureCatalog:
    base = MeasureCatalog()
    ties = base.measure("personal_ties").replace(
        cost=CostModel(per_contact=2.0, contacts=3), effect=MeasureEffect(retention=0.1), **changes
    )
    return base.with_measures(ties)


def _churn(table: DecisionTable) -> Churn:
    return Churn(table.customer_id, P)


def test_gain_by_hand() -> None:
    """p0 = .2, V = 800: staying value 1000; .1 more stay: 100, less 6 for contacts."""
    table = _decisions(_catalog())
    gains = measure_gains(table, churn=_churn(table))
    assert gains.measures == ("do_nothing", "personal_ties")
    np.testing.assert_allclose(gains.gain[:, 1], 0.1 * V / (1 - P) - 6.0)
    np.testing.assert_allclose(gains.cost[:, 1], 6.0)
    np.testing.assert_allclose(table.expected_gain, gains.gain[:, 1])
    assert (gains.gain[:, 0] == 0.0).all()


def test_free_riders_and_saved_customers_take_the_incentive_differently() -> None:
    """Incentive 20; stayers take it with .5, those kept with 1: 20 (.5 s0 + 1 (s1 - s0))."""
    base = MeasureCatalog()
    offer = base.measure("personal_ties").replace(
        cost=CostModel(incentive=20.0, acceptance=0.5, acceptance_saved=1.0),
        effect=MeasureEffect(retention=0.1),
    )
    table = _decisions(base.with_measures(offer))
    gains = measure_gains(table, churn=_churn(table))
    stay = 1 - P
    np.testing.assert_allclose(gains.free_riders[:, 1], 10.0 * stay)
    np.testing.assert_allclose(gains.cost[:, 1], 10.0 * stay + 2.0)
    np.testing.assert_allclose(gains.gain[:, 1], 0.1 * V / stay - 10.0 * stay - 2.0)
    np.testing.assert_allclose(table.expected_cost, gains.cost[:, 1])
    with pytest.raises(ValidationError, match="incentive"):
        CostModel(acceptance_saved=0.5)


def test_sleeping_dogs_are_left_alone() -> None:
    """A measure that drives customers away (p1 > p0) gains less than nothing and is not chosen."""
    table = _decisions(_catalog())
    change = [-0.05, 0.02, 0.005, -0.2]
    gains = measure_gains(table, churn=_churn(table), retention={"personal_ties": change})
    assert gains.leave_alone.tolist() == [True, False, True, True]
    assert gains.summary()["driven_away"].tolist() == [0, 2]
    plan = gains.allocate(1000.0)
    assert plan.to_frame()["measure"].tolist() == [
        "do_nothing",
        "personal_ties",
        "do_nothing",
        "do_nothing",
    ]


def test_cool_down_and_capacity() -> None:
    catalog = _catalog(cool_down_days=30, capacity=1)
    table = _decisions(catalog)
    gains = measure_gains(
        table, churn=_churn(table), days_since={"personal_ties": [10.0, 30.0, np.nan, 29.9]}
    )
    assert np.isnan(gains.gain[:, 1]).tolist() == [True, False, False, True]
    plan = gains.allocate(1000.0, limits=catalog_limits(catalog))
    assert plan.measure.tolist() == [-1, 1, -1, -1]


def test_hours_of_the_catalogue_are_limited() -> None:
    """Visits of 2 hours each in 5 hours: two customers, those who gain most."""
    catalog = _catalog(uses=(ResourceUse(resource="visit_hours", amount=2.0),))
    assert catalog.uses == {"visit_hours": {"personal_ties": 2.0}}
    frame = catalog.to_frame().set_index("measure")
    assert frame.loc["personal_ties", "uses"] == "2 visit_hours"
    table = _decisions(catalog)
    gains = measure_gains(table, churn=_churn(table))
    hours = AllocationLimit(id="hours", counts="visit_hours", at_most=5.0)
    plan = gains.allocate(1000.0, limits=(hours,))
    best_two = np.sort(gains.gain[:, 1])[-2:]
    assert plan.gain == pytest.approx(best_two.sum())
    assert plan.limit_used == (("hours", 4.0),)
    frontier = gains.frontier([6.0, 1000.0], limits=(hours,))
    assert frontier["customers"].tolist() == [1, 2]
    assert frontier["gain"].iloc[1] == plan.gain


def test_limits_on_measures_without_economics_do_not_bind() -> None:
    catalog = _catalog()
    limited = catalog.with_measures(catalog.measure("trade_up").replace(capacity=3))
    table = _decisions(limited)
    gains = measure_gains(table, churn=_churn(table))
    assert "trade_up" in gains.unknown
    free = gains.allocate(1000.0)
    plan = gains.allocate(1000.0, limits=catalog_limits(limited))
    assert plan.measure.tolist() == free.measure.tolist()
    must = AllocationLimit(id="must", measures=("trade_up",), at_least=1)
    with pytest.raises(SchemaError, match="trade_up"):
        gains.allocate(1000.0, limits=(must,))
    both = AllocationLimit(id="both", measures=("trade_up", "personal_ties"), at_most=1)
    assert (gains.allocate(1000.0, limits=(both,)).measure >= 0).sum() == 1


def test_effects_in_money_come_from_elsewhere() -> None:
    base = MeasureCatalog()
    priced = base.measure("personal_ties").replace(cost=CostModel(per_customer=5.0))
    table = _decisions(base.with_measures(priced))
    gains = measure_gains(table, money={"personal_ties": [9.0, 4.0, 5.0, np.nan]})
    np.testing.assert_array_equal(gains.gain[:, 1], [4.0, -1.0, 0.0, np.nan])


def test_what_is_not_known_is_nan_and_what_is_wrong_refused() -> None:
    table = _decisions(_catalog())
    assert np.isnan(measure_gains(table).gain[:, 1]).all()  # retention without churn
    with pytest.raises(SchemaError, match="no measures"):
        measure_gains(table, money={"nonsense": V})
    with pytest.raises(AlignmentError):
        measure_gains(table, money={"personal_ties": V[:2]})
    assert len(measure_gains(table).to_frame()) == 4


def test_customers_as_good_as_gone_have_no_gain() -> None:
    """V / s0 of two tiny estimates would explode: below 1 % it is NaN, never a fortune."""
    tiers = tiers_of(["key"] * 2)
    churn = Churn(tiers.customer_id, np.array([1.0 - 1e-15, 0.98]))
    table = decide_actions(
        tiers,
        potential=potential_of(["no"] * 2),
        value=Value(tiers.customer_id, np.array([288.0, 10.0])),
        churn=churn,
        catalog=_catalog(),
    )
    gains = measure_gains(table, churn=churn)
    assert np.isnan(gains.gain[0, 1])
    assert np.isnan(table.expected_gain[0])
    assert gains.gain[1, 1] == pytest.approx(0.1 * 10.0 / 0.02 - 6.0)
