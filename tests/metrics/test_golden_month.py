"""The golden nine-customer month, every figure in every preset, from the published definitions.

Start 600 (A B C D H I), end 560. Snapshot: new E 80, reactivation G 70, expansion B 50,
contraction C 40, churn D + I 200. Event counting adds H (gone 5 March, back 20 March, 100);
counting both sides of joiners who leave adds F (40).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest

from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    Period,
    average_sale_price,
    churn_rate,
    gross_revenue_churn,
    gross_revenue_retention,
    net_revenue_retention,
    recurring_revenue,
    recurring_revenue_per_customer,
    rescale_rate,
    retention_rate,
    revenue_movements,
    textbook_retention_rate,
)

MARCH = Period.month(2026, 3)


class Golden(NamedTuple):
    new: float
    reactivation: float
    churn: float
    new_heads: int
    returned_heads: int
    lost_heads: int
    churn_rate: float
    net: float
    quick: float


PRESETS = {
    "textbook": Golden(80, 70, 200, 1, 1, 2, 2 / 6, 410 / 600, 200 / 240),
    "baremetrics": Golden(80, 70, 200, 1, 1, 2, 2 / 6, 450 / 600, 200 / 240),
    "chartmogul": Golden(120, 170, 340, 2, 2, 4, 4 / 6, 480 / 600, 340 / 380),
    "stripe": Golden(120, 170, 340, 2, 2, 4, 4 / 8, 410 / 600, 340 / 380),
    "recurly": Golden(120, 170, 340, 2, 2, 4, 4 / 6, 410 / 600, 340 / 380),
    "profitwell": Golden(80, 170, 300, 1, 2, 3, 3 / 6, 410 / 600, 300 / 340),
}


@pytest.mark.parametrize("name", PRESETS)
def test_every_figure_in_every_preset(march: ContractIndex, name: str) -> None:
    convention: MetricConvention = getattr(MetricConvention, name)()
    expected = PRESETS[name]
    table = revenue_movements(march, periods=MARCH, convention=convention)
    money, heads = table.summary().iloc[0], table.heads().iloc[0]
    assert money[["opening", "closing"]].tolist() == [600.0, 560.0]
    assert money[["expansion", "contraction", "term_change", "currency"]].tolist() == [50, 40, 0, 0]
    assert money[["new", "reactivation", "churn"]].tolist() == list(expected[:3])
    assert heads[["opening", "new", "reactivation", "churn", "closing"]].tolist() == [
        6,
        *expected[3:6],
        6,
    ]
    assert table.unexplained.tolist() == [0.0]
    lost = churn_rate(march, period=MARCH, convention=convention).value
    kept = retention_rate(march, period=MARCH, convention=convention).value
    assert lost == pytest.approx(expected.churn_rate, abs=1e-15)
    assert lost is not None
    assert kept is not None
    assert lost + kept == 1.0
    net = net_revenue_retention(march, period=MARCH, convention=convention).value
    assert net == pytest.approx(expected.net, abs=1e-15)
    gross = gross_revenue_retention(march, period=MARCH, convention=convention).value
    assert gross == 0.6
    assert gross_revenue_churn(march, period=MARCH, convention=convention).value == 0.4
    assert table.quick_ratio()[0].value == pytest.approx(expected.quick, abs=1e-15)
    textbook = textbook_retention_rate(march, period=MARCH, convention=convention)
    assert textbook.value == pytest.approx(5 / 6, abs=1e-15)
    assert recurring_revenue(march, period=MARCH, convention=convention).value == 560.0
    arpa = recurring_revenue_per_customer(march, period=MARCH, convention=convention)
    assert arpa.value == pytest.approx(560 / 6, abs=1e-12)  # A B C E G H
    assert average_sale_price(march, period=MARCH, convention=convention).value == 80.0  # E


def test_quick_ratio_without_reactivation(march: ContractIndex) -> None:
    table = revenue_movements(march, periods=MARCH)
    value = table.quick_ratio(reactivation=False)[0].value
    assert value is not None
    assert round(value, 4) == 0.5417


def test_stripe_form_without_the_customer_who_came_back(march: ContractIndex) -> None:
    """3/8 = 0.375 (D, I, F over 6 + E, F): who is gone at the end; 4/8 with H's departure."""
    gone = MetricConvention.stripe().replace(counting="snapshot")
    result = churn_rate(march, period=MARCH, convention=gone)
    assert (result.numerator, result.denominator, result.value) == (3.0, 8.0, 0.375)
    result = churn_rate(march, period=MARCH, convention=MetricConvention.stripe())
    assert (result.numerator, result.denominator, result.value) == (4.0, 8.0, 0.5)


def test_exposure(march: ContractIndex) -> None:
    """Customer-days A31 B31 C31 D19 E27 F20 G20 H16 I7 = 202; 4 events; 45.87 % in 31 days."""
    result = churn_rate(march, period=MARCH, convention=MetricConvention(denominator="exposure"))
    assert (result.numerator, result.denominator) == (4.0, 202.0)
    assert result.value == pytest.approx(1 - math.exp(-4 / 202 * 31), abs=1e-15)
    assert round(result.value or 0, 4) == 0.4587
    assert result.interval is not None
    assert result.interval.method == "poisson"
    # chi-square table: 4 events have the exact bounds 1.0899 and 10.2416
    assert result.interval.lower == pytest.approx(1 - math.exp(-1.08987 / 202 * 31), abs=1e-5)
    assert result.interval.upper == pytest.approx(1 - math.exp(-10.24159 / 202 * 31), abs=1e-5)


def test_daily_sum_by_hand(march: ContractIndex) -> None:
    """H leaves on 5 March (6 there), I on 8 (7: six - H + E + F), D on 20 (7), F on 25 (7)."""
    daily = MetricConvention(denominator="daily", same_period_join_leave="count_both")
    result = churn_rate(march, period=MARCH, convention=daily)
    assert result.value == pytest.approx(1 / 6 + 3 / 7, abs=1e-15)
    assert any("sum over days" in note for note in result.notes)


def test_rescaled_to_a_year_and_to_a_month() -> None:
    """From 1/3 in 31 days: 0.99155 a year; 0.32823 in a month of 365/12 days."""
    assert round(rescale_rate(1 / 3, from_days=31, to_days=365), 5) == 0.99155
    assert round(rescale_rate(1 / 3, from_days=31, to_days=365 / 12), 5) == 0.32823
