"""Bootstrap of concentration against sampling customers one by one; medians; change over time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from retainkit.errors import NotComputableError
from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    MetricValue,
    Period,
    PurchaseIndex,
    compare_periods,
    compute_metrics,
    gini,
    headcount_for_share,
    hhi,
    index_contracts,
    rescale_metric,
    rescale_rate,
    resurrection_latency,
    retention_rate,
    revenue_movements,
    top_share,
)
from retainkit.metrics._compare import bootstrap_interval
from retainkit.metrics._kernel import (
    CLASSES,
    Statistic,
    gini_of,
    headcount_of,
    hhi_of,
    pack,
    top_share_of,
)
from retainkit.typing import ArrayLike1D

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
Metric = Callable[[ArrayLike1D], MetricValue]
METRICS: tuple[Metric, ...] = (gini, hhi, top_share, headcount_for_share)
QUARTER = Period.quarter(1998, 1)


@LAWS
@given(st.lists(st.integers(0, 40), min_size=2, max_size=60).filter(lambda x: sum(x) > 0))
def test_a_drawn_sample_has_the_metric_of_its_customers(values: list[int]) -> None:
    """Counts of like values give the same metric as the customers they stand for."""
    ascending = np.sort(np.array(values, dtype=np.float64))
    packed = pack(ascending)
    drawn = np.random.default_rng(sum(values)).multinomial(
        len(values), packed.heads / len(values), size=5
    )
    metrics: tuple[tuple[Metric, Statistic], ...] = (
        (gini, gini_of),
        (hhi, hhi_of),
        (top_share, partial(top_share_of, share=0.2)),
        (headcount_for_share, partial(headcount_of, share=0.8)),
    )
    for row in drawn:
        sample = np.repeat(packed.mean, row)
        for metric, statistic in metrics:
            found = statistic(packed, row[np.newaxis, :])[0]
            expected = metric(sample).value
            assert np.isnan(found) if expected is None else found == pytest.approx(expected)


@pytest.mark.parametrize("metric", METRICS)
def test_bounds_equal_those_of_samples_drawn_one_by_one(metric: Metric) -> None:
    """5,000 heavy-tailed values, so that classes are packed; both bounds within Monte Carlo noise.

    The quantile of 600 samples has a standard error of about 12 % of the interval's half width.
    """
    values = np.random.default_rng(0).lognormal(0.0, 1.5, 5_000)
    quick = bootstrap_interval(metric, values, seed=1, resamples=4_000).interval
    slow = bootstrap_interval(lambda x: metric(np.asarray(x)), values, seed=2, resamples=600)
    assert quick is not None
    assert slow.interval is not None
    noise = 0.25 * (slow.interval.upper - slow.interval.lower)
    assert quick.lower == pytest.approx(slow.interval.lower, abs=noise)
    assert quick.upper == pytest.approx(slow.interval.upper, abs=noise)


@pytest.mark.parametrize("metric", METRICS)
def test_packing_does_not_move_the_value(metric: Metric) -> None:
    """The largest values stay alone; what packing misses is a small part of the interval."""
    values = np.random.default_rng(5).pareto(1.5, 40_000)
    found = bootstrap_interval(metric, values, seed=1, resamples=399)
    assert found.interval is not None
    assert found.value is not None
    assert found.interval.lower < found.value < found.interval.upper
    assert len(pack(np.sort(values)).heads) == CLASSES
    assert pack(np.sort(values)).heads.sum() == 40_000


def test_the_table_has_repeatable_intervals(cdnow_base: PurchaseIndex) -> None:
    names = ["top_share", "headcount_for_share", "gini", "hhi"]
    by = pd.Series(cdnow_base.customer_id % 2, index=cdnow_base.customer_id)
    table = compute_metrics(cdnow_base, period=QUARTER, metrics=names, by=by)
    again = compute_metrics(cdnow_base, period=QUARTER, metrics=names, by=by)
    assert table.to_frame().equals(again.to_frame())
    frame = table.to_frame()
    assert (frame["lower"] < frame["value"]).all()
    assert (frame["value"] < frame["upper"]).all()
    assert table.get("gini").interval is not None
    other = MetricConvention(bootstrap_seed=7)
    moved = compute_metrics(cdnow_base, period=QUARTER, metrics=names, convention=other)
    assert moved.get("gini").interval != table.get("gini").interval
    for none in (MetricConvention(bootstrap_resamples=0), MetricConvention(interval_method="none")):
        bare = compute_metrics(cdnow_base, period=QUARTER, metrics=names, convention=none)
        assert bare.to_frame()["lower"].isna().all()


def test_too_few_customers_have_no_interval(cdnow_base: PurchaseIndex) -> None:
    """Nine customers say nothing of the spread of a distribution."""
    few = pd.Series("others", index=cdnow_base.customer_id)
    few[cdnow_base.to_frame().query("occasions > 5")["customer_id"].iloc[:9]] = "few"
    table = compute_metrics(cdnow_base, period=QUARTER, metrics=["gini"], by=few)
    assert table.get("gini", group="few").interval is None
    assert table.get("gini", group="others").interval is not None


@pytest.mark.parametrize(("n", "k"), [(6, 1), (10, 2), (20, 6), (50, 18)])
def test_bounds_of_a_median_are_order_statistics(n: int, k: int) -> None:
    """The published table of the sign test at 95 %: 6 -> 1st, 10 -> 2nd, 20 -> 6th, 50 -> 18th."""
    start = pd.Timestamp("2026-01-01")
    away, back = [start] * n, [start + pd.Timedelta(days=31 + who) for who in range(n)]
    end = pd.Series([start + pd.Timedelta(days=10)] * n).reindex(range(2 * n))
    frame = pd.DataFrame({"customer_id": [*range(n), *range(n)], "start": away + back})
    frame = frame.assign(end=end, amount=1.0)
    base = index_contracts(frame, as_of="2026-12-31")
    found = resurrection_latency(base, period=Period.year(2026))
    gaps = 21.0 + np.arange(n)  # away from 11 January, back from 1 February on, a day apart
    assert found.value == np.median(gaps)
    assert found.interval is not None
    assert found.interval[:2] == (gaps[k - 1], gaps[n - k])
    assert stats.binom.cdf(k - 1, n, 0.5) <= 0.025 < stats.binom.cdf(k, n, 0.5)


def test_a_median_of_five_has_no_interval(march: ContractIndex) -> None:
    assert resurrection_latency(march, period=Period.month(2026, 3)).interval is None


def test_the_quick_ratio_has_the_interval_of_its_residuals() -> None:
    """Twelve customers: six win 10 to 60, six lose 20 each; residuals by hand in plain Python."""
    gains = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, *[0.0] * 6]
    losses = [*[0.0] * 6, *[20.0] * 6]
    frame = pd.DataFrame(
        {
            "customer_id": range(12),
            "start": pd.to_datetime(["2026-03-05"] * 6 + ["2026-01-01"] * 6),
            "end": pd.to_datetime(pd.Series([None] * 6 + ["2026-03-10"] * 6)),
            "amount": [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, *[20.0] * 6],
        }
    )
    base = index_contracts(frame, as_of="2026-03-31")
    found = revenue_movements(base, periods=Period.month(2026, 3)).quick_ratio()[0]
    ratio = sum(gains) / sum(losses)
    squares = sum((g - ratio * x) ** 2 for g, x in zip(gains, losses, strict=True))
    spread = 1.959964 * (squares * 12 / 11) ** 0.5 / sum(losses)
    assert found.value == ratio == 1.75
    assert found.interval is not None
    assert found.interval.method == "linearised"
    assert found.interval.upper == pytest.approx(ratio + spread, rel=1e-6)
    assert found.interval.lower == 0.0  # never below: the bound by hand is -0.438
    none = MetricConvention(interval_method="none")
    table = revenue_movements(base, periods=Period.month(2026, 3), convention=none)
    assert table.quick_ratio()[0].interval is None


def test_a_rescaled_metric_carries_its_interval(march: ContractIndex) -> None:
    """Two of six lost in 31 days; both bounds go the same way as the value."""
    month = retention_rate(march, period=Period.month(2026, 3))
    year = rescale_metric(month, to_days=365)
    assert month.interval is not None
    assert year.interval is not None
    assert year.value == pytest.approx(1 - 0.99155, abs=5e-6)
    assert year.interval.lower == pytest.approx(month.interval.lower ** (365 / 31))
    assert year.interval.upper == pytest.approx(month.interval.upper ** (365 / 31))
    assert any("rescaled from 31 to 365 days" in note for note in year.notes)
    assert rescale_rate(1 - (month.value or 0), from_days=31, to_days=365) == pytest.approx(
        1 - (year.value or 0)
    )
    with pytest.raises(NotComputableError, match="no length of time"):
        rescale_metric(gini([1.0, 2.0]), to_days=365)


def test_each_period_beside_the_one_before(cdnow_base: PurchaseIndex) -> None:
    """The change of a share has Newcombe's interval; 197 of 402 and 170 of 385 kept."""
    periods = (QUARTER, Period.quarter(1998, 2))
    names = ["active_customers", "retention_rate", "gini"]
    table = compute_metrics(cdnow_base, periods=periods, metrics=names)
    frame = compare_periods(table).to_frame().set_index("metric")
    assert frame["period"].astype(str).unique().tolist() == ["1998-Q2"]
    one, other = (table.get("retention_rate", period=period) for period in reversed(periods))
    row = frame.loc["retention_rate"]
    assert row["difference"] == pytest.approx((one.value or 0) - (other.value or 0))
    assert one.interval is not None
    assert other.interval is not None
    low = np.hypot((one.value or 0) - one.interval.lower, other.interval.upper - (other.value or 0))
    assert row["difference_lower"] == pytest.approx(row["difference"] - low)
    assert bool(row["within_noise"])
    assert frame.loc["active_customers", "difference"] == 300 - 384
    assert frame["within_noise"].isna().tolist() == [True, False, False]  # counts have no interval
    with pytest.raises(NotComputableError, match="at least two periods"):
        compare_periods(compute_metrics(cdnow_base, period=QUARTER))
