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
    churn_rate,
    compute_metric,
    explain,
    net_revenue_retention,
    rescale_rate,
    retention_rate,
    revenue_movements,
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
    "baremetrics": Golden(120, 170, 340, 2, 2, 4, 4 / 6, 450 / 600, 340 / 380),
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
    gross = compute_metric(
        march, "gross_revenue_retention", period=MARCH, convention=convention
    ).value
    assert gross == 0.6
    assert (
        compute_metric(march, "gross_revenue_churn", period=MARCH, convention=convention).value
        == 0.4
    )
    assert table.quick_ratio()[0].value == pytest.approx(expected.quick, abs=1e-15)
    textbook = compute_metric(march, "textbook_retention_rate", period=MARCH, convention=convention)
    assert textbook.value == pytest.approx(5 / 6, abs=1e-15)
    assert (
        compute_metric(march, "recurring_revenue", period=MARCH, convention=convention).value
        == 560.0
    )
    arpa = compute_metric(
        march, "recurring_revenue_per_customer", period=MARCH, convention=convention
    )
    assert arpa.value == pytest.approx(560 / 6, abs=1e-12)  # A B C E G H
    assert (
        compute_metric(march, "average_sale_price", period=MARCH, convention=convention).value
        == 80.0
    )  # E


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


def test_every_figure_as_it_is_written_down(march: ContractIndex) -> None:
    """Start 600 (n = 6), end 560; 0.6667, 0.3333, 0.8333; 0.6000, 0.6833, 0.8000, 0.7500, 0.4000;
    0.8333; event mode 300, 340, 170; 0.01980 a day.
    """
    kept = retention_rate(march, period=MARCH)
    table = revenue_movements(march, periods=MARCH)
    summary = table.summary().iloc[0]
    assert (kept.n, kept.denominator) == (6, 6.0)
    written = {
        0.6667: kept.value,
        0.3333: churn_rate(march, period=MARCH).value,
        0.8333: compute_metric(march, "textbook_retention_rate", period=MARCH).value,
        0.6: compute_metric(march, "gross_revenue_retention", period=MARCH).value,
        0.6833: net_revenue_retention(march, period=MARCH).value,
        0.8: _net(march, MetricConvention(reactivation_in_nrr=True)),
        0.75: _net(march, MetricConvention(contraction_in_nrr=False)),
        0.4: compute_metric(march, "gross_revenue_churn", period=MARCH).value,
    }
    assert [round(value or 0.0, 4) for value in written.values()] == list(written)
    assert round(table.quick_ratio()[0].value or 0.0, 4) == 0.8333
    bridge = ["opening", "new", "reactivation", "expansion", "contraction", "churn", "closing"]
    assert summary[bridge].tolist() == [600, 80, 70, 50, 40, 200, 560]
    assert 600 + 80 + 70 + 50 - 40 - 200 == 560
    for both, churn in (("ignore", 300), ("count_both", 340)):
        convention = MetricConvention(counting="event").replace(same_period_join_leave=both)
        counted = revenue_movements(march, periods=MARCH, convention=convention).summary().iloc[0]
        assert counted[["churn", "reactivation"]].tolist() == [churn, 170]


def _net(march: ContractIndex, convention: MetricConvention) -> float | None:
    return net_revenue_retention(march, period=MARCH, convention=convention).value


def test_the_customer_days_behind_the_exposure(march: ContractIndex) -> None:
    """A31 B31 C31 D19 E27 F20 G20 H16 I7; the four events are those of D, F, H and I."""
    why = explain(
        "churn_rate", march, period=MARCH, convention=MetricConvention(denominator="exposure")
    )
    days = why.denominator.set_index("customer_id")["denominator"]
    expected = {"A": 31, "B": 31, "C": 31, "D": 19, "E": 27, "F": 20, "G": 20, "H": 16, "I": 7}
    assert days.to_dict() == expected
    assert why.numerator["customer_id"].tolist() == ["D", "F", "H", "I"]
    assert round(4 / days.sum(), 5) == 0.01980


def test_baremetrics_in_its_older_reading(march: ContractIndex) -> None:
    """Its net revenue churn calls cancellations and downgrades churned: 1 - (240 - 50) / 600."""
    convention = MetricConvention.baremetrics().replace(contraction_in_nrr=True)
    assert _net(march, convention) == pytest.approx(410 / 600, abs=1e-15)
    table = revenue_movements(march, periods=MARCH, convention=MetricConvention.baremetrics())
    published = table.quick_ratio(reactivation=False)[
        0
    ]  # (new + expansion) / (contraction + churn)
    assert published.value == pytest.approx((120 + 50) / (340 + 40), abs=1e-15)
