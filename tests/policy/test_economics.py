"""Expected gain and cost: hand calculations, an independent oracle, and honest gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import AlignmentError, InvalidTableError, SchemaError
from retainkit.policy import (
    CostModel,
    DecisionTable,
    MeasureCatalog,
    MeasureEffect,
    assign_debt_steps,
    decide_actions,
)
from tests.policy.helpers import Churn, Value, potential_of, tiers_of

NAN = float("nan")


def _catalog(**measures: tuple[CostModel, MeasureEffect]) -> MeasureCatalog:
    catalog = MeasureCatalog()
    return catalog.with_measures(
        *(
            catalog.measure(name).replace(cost=cost, effect=effect)
            for name, (cost, effect) in measures.items()
        )
    )


def _decide(
    tier: str,
    *,
    value: float | None,
    p_churned: float | None,
    catalog: MeasureCatalog,
    potential: str = "yes",
) -> DecisionTable:
    tiers = tiers_of([tier])
    ids = tiers.customer_id
    return decide_actions(
        tiers,
        potential=potential_of([potential]),
        churn=None if p_churned is None else Churn(ids, np.array([p_churned])),
        value=None if value is None else Value(ids, np.array([value])),
        catalog=catalog,
    )


def test_retention_effect_by_hand() -> None:
    # stays with 0.6, worth 300 expected, so 500 if it stays; +0.1 to stay earns 50, costs 8
    catalog = _catalog(personal_ties=(CostModel(per_customer=8.0), MeasureEffect(retention=0.1)))
    decision = _decide("key", value=300.0, p_churned=0.4, catalog=catalog).decision(0)
    assert decision.measure == "personal_ties"
    assert decision.expected_gain == pytest.approx(42.0)
    assert decision.expected_cost == 8.0
    assert decision.economics == "computed"


def test_probability_to_stay_ends_at_one() -> None:
    # stays with 0.9: only 0.1 can be gained, on 1000 if it stays, less 20
    catalog = _catalog(personal_ties=(CostModel(per_customer=20.0), MeasureEffect(retention=0.5)))
    decision = _decide("key", value=900.0, p_churned=0.1, catalog=catalog).decision(0)
    assert decision.expected_gain == pytest.approx(80.0)


def test_a_sleeping_dog_is_left_alone() -> None:
    """A measure that drives customers away loses to doing nothing."""
    catalog = _catalog(personal_ties=(CostModel(per_customer=0.0), MeasureEffect(retention=-0.1)))
    decision = _decide("key", value=300.0, p_churned=0.4, catalog=catalog).decision(0)
    assert (decision.measure, decision.expected_gain, decision.expected_cost) == (
        "do_nothing",
        0.0,
        0.0,
    )


def test_a_measure_dearer_than_its_gain_is_not_taken() -> None:
    catalog = _catalog(trade_up=(CostModel(per_customer=31.0), MeasureEffect(spend=0.1)))
    decision = _decide("ordinary", value=300.0, p_churned=0.4, catalog=catalog).decision(0)
    assert decision.measure == "do_nothing"


def test_spend_and_saving_without_churn_by_hand() -> None:
    # 10 % of 300 less 12
    catalog = _catalog(trade_up=(CostModel(per_customer=12.0), MeasureEffect(spend=0.1)))
    decision = _decide("ordinary", value=300.0, p_churned=None, catalog=catalog).decision(0)
    assert decision.expected_gain == pytest.approx(18.0)
    # self-service saves 15 per customer who stays and costs 1 to introduce
    catalog = _catalog(
        channel_self_service=(CostModel(per_customer=1.0), MeasureEffect(cost_to_serve=-15.0))
    )
    table = _decide("small", value=-4.0, p_churned=None, catalog=catalog, potential="no")
    assert table.decision(0).expected_gain == pytest.approx(14.0)


def test_an_adverse_measure_that_costs_more_retention_than_it_saves_is_not_taken() -> None:
    # saves 15 x 0.5, loses 0.3 x (100 / 0.8)
    catalog = _catalog(
        channel_self_service=(
            CostModel(per_customer=0.0),
            MeasureEffect(cost_to_serve=-15.0, retention=-0.3),
        )
    )
    table = _decide("small", value=100.0, p_churned=0.2, catalog=catalog, potential="no")
    assert table.decision(0).measure == "do_nothing"


def test_best_measure_wins_and_ties_keep_the_first() -> None:
    one, same = CostModel(per_customer=1.0), MeasureEffect(spend=0.1)
    catalog = _catalog(
        paid_membership=(one, same),
        trade_up=(one, same),
        help_advice=(one, MeasureEffect(spend=0.2)),
    )
    decision = _decide("ordinary", value=100.0, p_churned=None, catalog=catalog).decision(0)
    assert decision.measure == "help_advice"
    catalog = _catalog(paid_membership=(one, same), trade_up=(one, same))
    decision = _decide("ordinary", value=100.0, p_churned=None, catalog=catalog).decision(0)
    assert decision.measure == "paid_membership"


def test_gaps_are_nan_with_a_reason() -> None:
    retention = _catalog(personal_ties=(CostModel(per_customer=1.0), MeasureEffect(retention=0.1)))
    cases = [
        (MeasureCatalog(), 100.0, 0.2, "effects_not_supplied"),
        (retention, None, 0.2, "value_not_known"),
        (retention, NAN, 0.2, "value_not_known"),
        (retention, 100.0, None, "churn_not_known"),
        (retention, 100.0, NAN, "churn_not_known"),
        (retention, 100.0, 1.0, "churn_not_known"),  # gone for sure: value if staying undefined
    ]
    for catalog, value, p_churned, reason in cases:
        table = _decide("key", value=value, p_churned=p_churned, catalog=catalog)
        decision = table.decision(0)
        assert decision.economics == reason
        assert decision.measure is None
        assert decision.expected_gain is None
        assert np.isnan(table.expected_gain).all()
        assert np.isnan(table.expected_cost).all()
        assert "do_nothing" in decision.measures


def test_a_price_elsewhere_does_not_count_here() -> None:
    catalog = _catalog(trade_up=(CostModel(per_customer=1.0), MeasureEffect(spend=0.5)))
    for value in (100.0, None):
        decision = _decide("key", value=value, p_churned=0.2, catalog=catalog).decision(0)
        assert decision.economics == "effects_not_supplied"


def test_cost_without_effect_is_not_enough() -> None:
    catalog = _catalog(trade_up=(CostModel(per_customer=1.0), MeasureEffect()))
    assert catalog.priced == ()


@given(
    st.lists(
        st.tuples(
            st.floats(-1e3, 1e4) | st.just(NAN),
            st.floats(0.0, 0.99) | st.just(NAN),
        ),
        min_size=1,
        max_size=15,
    ),
    st.floats(-1.0, 1.0),
    st.floats(-1.0, 2.0),
    st.floats(0.0, 50.0),
)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_gains_agree_with_a_plain_loop(
    customers: list[tuple[float, float]], retention: float, spend: float, cost: float
) -> None:
    """Two measures and doing nothing, one customer at a time, by the published inequality."""
    catalog = _catalog(
        personal_ties=(CostModel(per_customer=1.0), MeasureEffect(retention=0.05)),
        account_manager=(
            CostModel(per_customer=cost),
            MeasureEffect(retention=retention, spend=spend),
        ),
    )
    n = len(customers)
    tiers = tiers_of(["key"] * n)
    table = decide_actions(
        tiers,
        potential=potential_of(["no"] * n),
        churn=Churn(tiers.customer_id, np.array([p for _, p in customers])),
        value=Value(tiers.customer_id, np.array([v for v, _ in customers])),
        catalog=catalog,
    )
    for position, (value, p_churned) in enumerate(customers):
        decision = table.decision(position)
        if math.isnan(value) or math.isnan(p_churned):
            assert decision.expected_gain is None
            continue
        stay = 1.0 - p_churned
        gains = {"do_nothing": 0.0}
        for name, change, growth, price in (
            ("personal_ties", 0.05, 0.0, 1.0),
            ("account_manager", retention, spend, cost),
        ):
            then = min(1.0, max(0.0, stay + change))
            gains[name] = then * (value / stay) * (1.0 + growth) - value - price
        assert decision.measure is not None
        assert decision.expected_gain == pytest.approx(max(gains.values()), rel=1e-9, abs=1e-6)
        assert gains[decision.measure] == pytest.approx(max(gains.values()), rel=1e-9, abs=1e-6)


@given(st.floats(0.01, 1e3), st.floats(0.1, 1e3))
@settings(deadline=None, derandomize=True, max_examples=30)
def test_currency_does_not_matter(value: float, scale: float) -> None:
    """Money in another unit scales gain and cost and changes no choice."""

    def decide(factor: float) -> DecisionTable:
        catalog = _catalog(
            trade_up=(CostModel(per_customer=2.0 * factor), MeasureEffect(spend=0.1)),
        )
        return _decide("ordinary", value=value * factor, p_churned=0.3, catalog=catalog)

    here, there = decide(1.0), decide(scale)
    if abs(0.1 * value - 2.0) > 1e-9:  # away from the tie
        assert here.measure.tolist() == there.measure.tolist()
    np.testing.assert_allclose(
        there.expected_gain, here.expected_gain * scale, rtol=1e-6, atol=1e-6
    )


def test_debt_steps_by_hand() -> None:
    days = [-3.0, 0.0, 1.0, 29.9, 30.0, 89.0, 90.0, 1000.0, NAN]
    assert assign_debt_steps(days).tolist() == [-1, -1, 0, 0, 1, 1, 2, 2, -1]
    with pytest.raises(SchemaError, match="days_overdue"):
        assign_debt_steps(["late"])


def test_debt_step_is_for_those_who_leave_only() -> None:
    tiers = tiers_of(["small"] * 3, ["bad", "watch", "bad"], days_overdue=[100.0, 100.0, NAN])
    table = decide_actions(tiers, potential=potential_of(["no"] * 3))
    assert table.debt_step.tolist() == [2, -1, -1]
    steps = table.to_frame()["debt_step"]
    assert steps.iloc[0] == "take_legal_action"
    assert steps.isna().tolist() == [False, True, True]


def test_tables_that_do_not_line_up_are_refused() -> None:
    tiers = tiers_of(["key", "small"])
    other = tiers.customer_id[::-1]
    with pytest.raises(AlignmentError, match="potential"):
        decide_actions(tiers, potential=potential_of(["no"]))
    potential = potential_of(["no", "no"])
    with pytest.raises(AlignmentError, match="churn"):
        decide_actions(tiers, potential=potential, churn=Churn(other, np.array([0.1, 0.1])))
    with pytest.raises(AlignmentError, match="value"):
        decide_actions(tiers, potential=potential, value=Value(other, np.array([1.0, 1.0])))
    with pytest.raises(InvalidTableError, match="probability"):
        decide_actions(
            tiers, potential=potential, churn=Churn(tiers.customer_id, np.array([0.1, 1.1]))
        )
