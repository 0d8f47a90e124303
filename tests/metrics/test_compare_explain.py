"""Several periods, groups beside a reference, noise, and the reasons behind a value."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import NotComputableError, SchemaError
from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    Period,
    PurchaseIndex,
    churn_rate,
    compare_groups,
    compute_metric,
    compute_metrics,
    explain,
    gini,
    index_purchases,
    retention_rate,
)
from retainkit.metrics._compare import bootstrap_interval
from retainkit.metrics._formulas import available_metrics
from tests.metrics.builders import purchases

MARCH = Period.month(2026, 3)
QUARTERS = (Period.quarter(1997, 4), Period.quarter(1998, 1), Period.quarter(1998, 2))


@pytest.fixture(scope="module")
def thirds(cdnow_base: PurchaseIndex) -> pd.Series[Any]:
    ids = cdnow_base.customer_id
    return pd.Series(np.array(["c", "a", "b"])[np.asarray(ids) % 3], index=ids)


def test_several_periods_equal_one_after_the_other(
    cdnow: pd.DataFrame, cdnow_base: PurchaseIndex, thirds: pd.Series[Any]
) -> None:
    table = compute_metrics(index_purchases(cdnow, as_of="1998-06-30"), by=thirds, periods=QUARTERS)
    assert len(table) == 3 * len(table.metrics) * 4
    for period in QUARTERS:
        single = compute_metrics(cdnow_base, by=thirds, period=period)
        for name in table.metrics:
            assert table.get(name, group="b", period=period) == single.get(name, group="b")
    assert table.period == QUARTERS[-1]
    over = table.over_time("retention_rate")
    assert over.index.tolist() == ["1997-Q4", "1998-Q1", "1998-Q2"]
    assert (
        over.loc["1998-Q1", "a"] == table.get("retention_rate", group="a", period=QUARTERS[1]).value
    )
    assert pickle.loads(pickle.dumps(table)).to_frame().equals(table.to_frame())
    with pytest.raises(NotComputableError, match="no period"):
        table.get("retention_rate", period=MARCH)
    for wrong in ((), (MARCH, MARCH)):
        with pytest.raises(SchemaError, match="each once"):
            compute_metrics(cdnow_base, periods=wrong)
    with pytest.raises(SchemaError, match="either one period"):
        compute_metrics(cdnow_base, period=MARCH, periods=[MARCH])


def test_a_real_difference_stands_out_and_chance_does_not() -> None:
    """9 of 10 against 2 of 10 retained; Newcombe's interval on the Jeffreys bounds."""
    rows = []
    for who in range(20):
        rows.append((f"{who:02}", "2026-01-15", 10.0))
        if who < 9 or who in (10, 11):
            rows.append((f"{who:02}", "2026-02-15", 10.0))
    base = index_purchases(purchases(rows), as_of="2026-02-28", observed_from="2025-01-01")
    period = Period(start="2026-02-01", end="2026-03-01")
    groups = pd.Series(["key"] * 10 + ["small"] * 10, index=[f"{who:02}" for who in range(20)])
    table = compute_metrics(
        base, by=groups, period=period, metrics=["retention_rate"], window_days=28
    )
    one, other = (table.get("retention_rate", group=name) for name in ("small", "key"))
    row = compare_groups(table, reference="key").to_frame().iloc[0]
    assert row["difference"] == pytest.approx(0.2 - 0.9)
    assert row["ratio"] == pytest.approx(0.2 / 0.9)
    assert one.value is not None
    assert other.value is not None
    assert one.interval is not None
    assert other.interval is not None
    low = -0.7 - np.hypot(one.value - one.interval.lower, other.interval.upper - other.value)
    assert row["difference_lower"] == pytest.approx(low)
    assert not row["within_noise"]
    assert len(compare_groups(table, reference="key").summary()) == 1
    even = pd.Series(np.arange(20) % 2, index=groups.index).map({0: "x", 1: "y"})
    mixed = compute_metrics(
        base, by=even, period=period, metrics=["retention_rate"], window_days=28
    )
    assert bool(compare_groups(mixed).to_frame()["within_noise"].iloc[0])
    with pytest.raises(NotComputableError, match="no reference group"):
        compare_groups(table, reference="overall")
    with pytest.raises(NotComputableError, match="no reference group"):
        compare_groups(compute_metrics(base, period=period))


def test_a_ratio_of_sums_has_the_interval_of_its_residuals(
    cdnow: pd.DataFrame, cdnow_base: PurchaseIndex
) -> None:
    """Delta method by hand on pandas; fewer than ten customers get no interval."""
    result = compute_metric(cdnow_base, "average_order_value", period=QUARTERS[1])
    rows = cdnow[(cdnow["timestamp"] >= "1998-01-01") & (cdnow["timestamp"] < "1998-04-01")]
    own = rows.groupby("customer_id").agg(money=("amount", "sum"), days=("timestamp", "nunique"))
    assert result.value is not None
    residual = own["money"] - result.value * own["days"]
    variance = len(own) / (len(own) - 1) * (residual**2).sum() / own["days"].sum() ** 2
    assert result.interval is not None
    assert result.interval.method == "linearised"
    assert result.interval.upper == pytest.approx(result.value + 1.959964 * variance**0.5, rel=1e-6)
    small = index_purchases(cdnow[cdnow["customer_id"] < 20], as_of="1998-06-30")
    assert compute_metric(small, "average_order_value", period=QUARTERS[1]).interval is None


def test_a_bootstrap_is_repeatable_and_holds_the_value() -> None:
    values = np.random.default_rng(3).gamma(1.0, 10.0, 400)
    one = bootstrap_interval(gini, values, seed=5, resamples=299)
    assert one == bootstrap_interval(gini, values, seed=5, resamples=299)
    assert one.interval is not None
    assert one.value is not None
    assert one.interval.lower < one.value < one.interval.upper
    assert one.interval.lower < 0.5 < one.interval.upper  # the exponential's Gini is 1/2
    assert bootstrap_interval(gini, [-1.0, 2.0], seed=1).interval is None


@pytest.mark.parametrize(
    "convention",
    [
        MetricConvention(),
        MetricConvention.stripe(),
        MetricConvention.profitwell(),
        MetricConvention(denominator="exposure"),
        MetricConvention(denominator="daily"),
        MetricConvention(denominator="start_plus_new"),
    ],
)
def test_the_people_behind_add_up_to_the_numbers(
    march: ContractIndex, cdnow_base: PurchaseIndex, convention: MetricConvention
) -> None:
    """Summing what each customer adds gives numerator and denominator of every metric."""
    for base, period in ((march, MARCH), (cdnow_base, QUARTERS[1])):
        for name in available_metrics(base):
            why = explain(name, base, period=period, convention=convention)
            top, bottom = why.customers[["numerator", "denominator"]].sum()
            assert top == pytest.approx(why.value.numerator)
            daily = convention.denominator == "daily" and name in ("churn_rate", "retention_rate")
            if why.value.denominator is not None and not daily:
                assert bottom == pytest.approx(why.value.denominator)


def test_the_golden_churn_explained(march: ContractIndex) -> None:
    why = explain("churn_rate", march, period=MARCH)
    assert why.numerator["customer_id"].tolist() == ["D", "I"]
    assert why.denominator["customer_id"].tolist() == ["A", "B", "C", "D", "H", "I"]
    assert "= 2 / 6 = 0.3333" in why.text
    stripe = explain("churn_rate", march, period=MARCH, convention=MetricConvention.stripe())
    assert stripe.numerator["customer_id"].tolist() == ["D", "F", "H", "I"]
    assert "over the customers of the start and the new ones" in stripe.text
    exposure = explain(
        "churn_rate", march, period=MARCH, convention=MetricConvention(denominator="exposure")
    )
    days = dict(exposure.denominator.to_numpy().tolist())
    assert days == {
        **{"A": 31.0, "B": 31.0, "C": 31.0, "D": 19.0, "E": 27.0, "F": 20.0},
        **{"G": 20.0, "H": 16.0, "I": 7.0},
    }
    assert "1 - exp(-departures / customer-days x 31 days)" in exposure.text
    assert exposure.summary()["value"][0] == pytest.approx(0.4587, abs=5e-5)
    assert len(exposure.to_frame()) == 9


def test_what_has_no_value_has_no_people(march: ContractIndex) -> None:
    why = explain("retention_rate", march, period=Period.month(2026, 4))
    assert len(why) == 0
    assert "not computable: not_observed" in why.text


@pytest.mark.parametrize("name", ["chartmogul", "stripe", "profitwell", "recurly", "textbook"])
def test_purchases_can_be_read_in_every_preset(cdnow_base: PurchaseIndex, name: str) -> None:
    convention: MetricConvention = getattr(MetricConvention, name)()
    lost = churn_rate(cdnow_base, period=QUARTERS[1], convention=convention).value
    kept = retention_rate(cdnow_base, period=QUARTERS[1], convention=convention).value
    assert lost is not None
    assert kept == pytest.approx(1.0 - lost)
