"""Wallet, word of mouth, health, uplift, economics: hand figures and published checks."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import InvalidTableError
from retainkit.metrics import (
    Attempts,
    ContractIndex,
    MetricConvention,
    Period,
    PurchaseIndex,
    allocate_wallet,
    churn_rate,
    compute_metric,
    estimate_economics,
    expected_lifetime,
    health_score,
    incremental_rate,
    index_purchases,
    leaky_bucket,
    margin_multiple,
    mean_share_of_wallet,
    net_promoter_score,
    net_revenue_retention,
    rescale_rate,
    resurrection_latency,
    retention_elasticity,
    retention_rate,
    return_on_customer_data,
    revenue_movements,
    share_of_wallet,
    simple_lifetime_value,
    wallet_allocation_rule,
)
from retainkit.metrics.economics._answers import wallet_rule_applies
from tests.metrics.builders import purchases

MARCH = Period.month(2026, 3)


@pytest.mark.parametrize(
    ("retention", "discount", "multiple", "elasticity"),
    [(0.8, 0.12, 2.50, 3.50), (0.9, 0.12, 4.09, 5.09), (0.7, 0.10, 1.75, 2.75)],
)
def test_margin_multiples_as_published(
    retention: float, discount: float, multiple: float, elasticity: float
) -> None:
    assert round(margin_multiple(retention, discount_rate=discount), 2) == multiple
    assert round(retention_elasticity(retention, discount_rate=discount), 2) == elasticity
    step = 1e-6  # the elasticity is the slope of the logarithm
    rise = margin_multiple(retention * (1 + step), discount_rate=discount)
    slope = (rise / margin_multiple(retention, discount_rate=discount) - 1) / step
    assert slope == pytest.approx(elasticity, abs=0.01)


def test_impossible_rates_are_refused() -> None:
    for wrong in (1.2, -0.1):
        with pytest.raises(ValueError, match="retention"):
            margin_multiple(wrong, discount_rate=0.12)
    for function in (expected_lifetime, lambda c: simple_lifetime_value(1, margin_rate=1, churn=c)):
        with pytest.raises(ValueError, match="churn"):
            function(1.5)
    assert simple_lifetime_value(90, margin_rate=0.6, churn=0.0).reason == "no_churn"
    with pytest.raises(ValueError, match="rescale_retention"):
        rescale_rate(-0.02, from_days=30, to_days=365)


@pytest.mark.parametrize("brands", [1, 2, 3, 4, 5])
def test_wallet_shares_sum_to_one_over_ranks(brands: int) -> None:
    ranks = np.arange(1, brands + 1)
    shares = wallet_allocation_rule(ranks, np.full(brands, brands))
    assert shares.sum() == pytest.approx(1.0, abs=1e-15)
    assert (np.diff(shares) < 0).all()


def test_tied_brands_share_their_average_rank() -> None:
    shares = allocate_wallet(np.array([[5.0, 5.0, 3.0], [np.nan, 4.0, np.nan]]))
    np.testing.assert_allclose(shares[0], [5 / 12, 5 / 12, 1 / 6])
    assert shares[1, 1] == 1.0
    assert np.isnan(shares[1, [0, 2]]).all()
    with pytest.raises(ValueError, match=r"outside 1\.\.N"):
        wallet_allocation_rule([4], [3])


def test_the_rule_needs_customers_of_several_brands() -> None:
    """Two of five use several (40 %); a mean of 1.4 with one of five; neither of the two."""
    assert wallet_rule_applies([1, 1, 1, 2, 2])
    assert wallet_rule_applies([1, 1, 1, 1, 3])  # mean 1.4
    assert not wallet_rule_applies([1, 1, 1, 1, 2])
    assert not wallet_rule_applies([np.nan])


def test_wallet_weighted_and_unweighted() -> None:
    ours, wallet = [50.0, 10.0, 0.0, 7.0], [100.0, 1000.0, 0.0, np.nan]
    weighted = share_of_wallet(ours, wallet, source="panel")
    assert (weighted.numerator, weighted.denominator, weighted.n) == (60.0, 1100.0, 2)
    assert weighted.notes[0] == "category spending from a panel"
    assert mean_share_of_wallet(ours, wallet).value == pytest.approx(0.255)
    assert share_of_wallet([1.0], [0.0]).reason == "category_unknown"
    assert mean_share_of_wallet([1.0], [np.nan]).reason == "category_unknown"
    with pytest.raises(InvalidTableError, match="more with us than in the category"):
        share_of_wallet([11.0], [10.0])


def test_net_promoter_score_by_hand() -> None:
    """5 promoters, 2 detractors of 10; SE = sqrt((0.5 + 0.2 - 0.09) / 10)."""
    result = net_promoter_score([10, 9, 9, 8, 7, 6, 3, 10, 9, 8])
    assert result.value == 0.3
    assert result.interval is not None
    assert result.interval.upper == pytest.approx(0.3 + 1.959964 * math.sqrt(0.061), abs=1e-6)
    empty = net_promoter_score([np.nan])
    assert (empty.value, empty.reason) == (None, "zero_denominator")
    with pytest.raises(ValueError, match="0 to 10"):
        net_promoter_score([11])


def test_health_needs_enough_known() -> None:
    parts = pd.DataFrame({"use": [1.0, 0.2, np.nan], "pay": [0.0, np.nan, np.nan]})
    found = health_score(parts, weights={"use": 1.0, "pay": 1.0})
    assert found["score"].tolist()[:2] == [0.5, 0.2]
    assert np.isnan(found["score"][2])
    assert found["known"].tolist() == [1.0, 0.5, 0.0]
    with pytest.raises(ValueError, match="lie in"):
        health_score(parts * 2, weights={"use": 1.0})


def test_uplift_as_published() -> None:
    """56/70 against 48/80: Newcombe (1998), table II, example (a), method 10: 0.0524, 0.3339."""
    result = incremental_rate(56, 70, control_kept=48, control=80)
    assert result.value == pytest.approx(0.2)
    assert result.interval is not None
    assert round(result.interval.lower, 4) == 0.0524
    assert round(result.interval.upper, 4) == 0.3339
    assert result.numerator == pytest.approx(14.0)


def test_nothing_is_saved_without_a_hold_out() -> None:
    for name in ("save_rate", "win_back_rate"):
        result = incremental_rate(9, 10, control_kept=None, control=None, name=name)
        assert (result.value, result.reason) == (None, "no_control_group")
        assert "hold" in repr(result) or "held out" in repr(result)
    assert incremental_rate(0, 0, control_kept=1, control=2).reason == "zero_denominator"
    with pytest.raises(ValueError, match="impossible"):
        incremental_rate(3, 2, control_kept=1, control=2)


def test_return_on_customer_data() -> None:
    result = return_on_customer_data([12.0, 16.0], control_profit=[10.0, 12.0], cost=4.0)
    assert (result.numerator, result.denominator, result.value) == (6.0, 4.0, 1.5)
    sd = math.sqrt(4 * (8 / 2 + 2 / 2)) / 4
    assert result.interval is not None
    assert result.interval.upper == pytest.approx(1.5 + 1.959964 * sd, abs=1e-5)
    nothing = return_on_customer_data([1.0, 2.0], control_profit=None, cost=1.0)
    assert (nothing.value, nothing.reason) == (None, "no_control_group")
    free = return_on_customer_data([1.0, 2.0], control_profit=[1.0, 2.0], cost=0.0)
    assert free.reason == "zero_denominator"
    with pytest.raises(ValueError, match="cost"):
        return_on_customer_data([1.0], control_profit=[1.0], cost=-1.0)


def test_every_economic_parameter_says_where_it_is_from() -> None:
    table = estimate_economics(
        winning=Attempts(100, 30_000),
        keeping=Attempts(900, 45_000),
        offers_to_existing=Attempts(60, 100),
        recovered=Attempts(80, 100),
        unrecovered=Attempts(30, 100),
    )
    assert table.get("win_keep_cost_ratio")[1:3] == (6.0, "estimated")
    assert table.get("success_rate_existing").value == 0.6
    assert table.get("success_rate_new").origin == "default"
    assert table.get("recovery_effect").value == pytest.approx(0.5)
    bare = estimate_economics()
    assert set(bare.to_frame()["origin"]) == {"default"}
    assert bare.to_frame()["source"].str.startswith("commonly quoted, not verified: ").all()
    assert "cost_to_win" not in bare.to_frame()["name"].tolist()  # a firm's cost has no default
    with pytest.raises(ValueError, match="no parameter"):
        bare.get("cost_to_win")
    with pytest.raises(ValueError, match="negative"):
        estimate_economics(winning=Attempts(1, -1))


def test_resurrection_latency_of_the_golden_month(march: ContractIndex) -> None:
    """G was gone for 39 days, H for 15."""
    result = resurrection_latency(march, period=MARCH)
    assert (result.value, result.numerator, result.denominator) == (27.0, 54.0, 2.0)
    empty = resurrection_latency(march, period=Period.month(2026, 2))
    assert (empty.value, empty.reason) == (None, "zero_denominator")
    later = resurrection_latency(march, period=Period.month(2026, 5))
    assert later.reason == "not_observed"


def test_the_bucket_of_the_golden_month(march: ContractIndex) -> None:
    causes = pd.Series({"D": "price", "I": "payment", "A": "price"})
    bucket = leaky_bucket(march, periods=MARCH, causes=causes, cost_to_win=250.0)
    row = bucket.summary().iloc[0]
    assert row[["opening", "new", "reactivation", "lost", "closing"]].tolist() == [6, 1, 1, 2, 6]
    assert row[["lost: price", "lost: payment", "value_lost", "refill_cost"]].tolist() == [
        1,
        1,
        200.0,
        500.0,
    ]
    frame = bucket.to_frame().set_index(["measure", "line"])["amount"]
    assert frame[("value", "lost: payment")] == 100.0
    assert frame[("value", "closing")] == 560.0
    assert np.isnan(leaky_bucket(march, periods=MARCH).summary()["refill_cost"].iloc[0])


def test_purchases_have_the_same_metrics_by_their_own_definitions(
    cdnow_base: PurchaseIndex,
) -> None:
    """Revenue of the last 91 days is the recurring amount; who bought nothing in them is gone."""
    quarter = Period.quarter(1998, 1)
    table = revenue_movements(cdnow_base, periods=quarter)
    heads, money = table.heads().iloc[0], table.summary().iloc[0]
    kept = retention_rate(cdnow_base, period=quarter)
    assert heads["opening"] == kept.denominator
    assert heads["opening"] - heads["churn"] == kept.numerator
    net = net_revenue_retention(cdnow_base, period=quarter)
    gross = compute_metric(cdnow_base, "gross_revenue_retention", period=quarter)
    moved = money["expansion"] - money["contraction"] - money["churn"]
    assert net.value == pytest.approx((money["opening"] + moved) / money["opening"])
    lost = money["contraction"] + money["churn"]
    assert gross.value == pytest.approx(1 - lost / money["opening"])
    assert table.unexplained.tolist() == [0.0]


@pytest.mark.parametrize("denominator", ["daily", "exposure", "start_plus_new"])
def test_purchases_have_every_form_of_churn(denominator: str) -> None:
    """a is silent from 1 April (30 days after 2 March): one departure on that day."""
    frame = purchases([("a", "2026-03-02", 5.0), ("b", "2026-03-20", 5.0), ("b", "2026-04-10", 5)])
    base = index_purchases(frame, as_of="2026-04-30", observed_from="2026-01-01")
    convention = MetricConvention(window_days=30).replace(counting="event", denominator=denominator)
    result = churn_rate(base, period=Period.month(2026, 4), convention=convention)
    expected = {
        "daily": 0.5,
        "exposure": 1 - math.exp(-1 / 30 * 30),  # b was there on all 30 days, a on none
        "start_plus_new": 0.5,
    }
    assert result.value == pytest.approx(expected[denominator])
