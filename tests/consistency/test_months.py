"""The forecast by month: sums, season, intervals, contracts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.forecast import fit_forecast
from retainkit.pipeline import PipelineConfig, RetentionPipeline
from retainkit.value import summarize_customers

CDNOW = load_cdnow_sample()


def _base(seed: int, *, december: float = 1.0, customers: int = 400) -> pd.DataFrame:
    """Customers who come within a year and buy at rates of their own; every December more."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2022-01-01", "2024-12-31")
    often = np.where(days.month == 12, december, 1.0)
    joined = rng.integers(0, 365, customers)
    rate = rng.gamma(1.0, 0.02, customers)
    who, when = np.nonzero(rng.random((customers, len(days))) < np.outer(rate, often))
    kept = when > joined[who]
    who = np.concatenate([np.arange(customers), who[kept]])
    when = np.concatenate([joined, when[kept]])
    amount = np.round(rng.gamma(3.0, 10.0, len(who)), 2)
    return pd.DataFrame({"customer_id": who, "timestamp": days[when], "amount": amount})


def test_actuals_are_the_rows_and_the_forecast_adds_up() -> None:
    config = PipelineConfig(annual_discount_rate=0.0, horizon_days=200)
    result = RetentionPipeline(config).run(CDNOW, as_of="1998-03-15")
    months = result.forecast_by_month
    assert months is not None
    frame = months.to_frame().set_index("month")
    seen = CDNOW[CDNOW["timestamp"] <= "1998-03-15"]
    by_month = seen.groupby(seen["timestamp"].dt.to_period("M"))["amount"].sum()
    actual = frame["actual"].dropna()
    np.testing.assert_allclose(actual, by_month.to_numpy()[-len(actual) :])
    first = seen.groupby("customer_id")["timestamp"].transform("min").dt.to_period("M")
    old = seen[first < seen["timestamp"].dt.to_period("M")]
    old_by_month = old.groupby(old["timestamp"].dt.to_period("M"))["amount"].sum()
    existing = frame["actual_existing"].dropna()
    np.testing.assert_allclose(existing, old_by_month.to_numpy()[-len(existing) :])
    assert result.forecast is not None
    assert frame["expected"].sum() == pytest.approx(result.forecast.expected_value.sum())
    assert (frame["expected_low"] <= frame["expected"]).equals(frame["expected"].notna())
    assert frame.loc["1998-03-01"].notna().all()


def test_the_season_of_a_year_before_is_expected_again() -> None:
    rows = _base(3, december=4.0)
    model = fit_forecast(rows[rows["timestamp"] <= "2024-06-30"], as_of="2024-06-30")
    share = {one.first.month: one.share for one in model.months}
    others = [share[month] for month in (9, 10, 11, 1, 2, 3)]
    assert 2.5 < share[12] / np.mean(others) < 6.0


def test_a_month_lies_within_its_interval_as_often_as_said() -> None:
    inside = []
    for seed in range(8):
        rows = _base(seed)
        known = rows[rows["timestamp"] <= "2024-06-30"]
        model = fit_forecast(known, as_of="2024-06-30", horizon_days=184)
        summary = summarize_customers(known, as_of="2024-06-30")
        total = np.nansum(model.apply(summary).expected_value)
        came = rows.groupby(rows["timestamp"].dt.strftime("%Y-%m"))["amount"].sum()
        for one in model.months:
            actual = came[f"{one.first:%Y-%m}"]
            inside.append(abs(np.log(actual / (total * one.share))) < 1.645 * one.spread)
    assert 0.80 <= np.mean(inside) <= 1.0


def test_without_a_year_before_there_is_no_season_and_with_nothing_it_is_even() -> None:
    rows = _base(5)
    young = rows[(rows["timestamp"] > "2024-01-01") & (rows["timestamp"] <= "2024-06-30")]
    months = fit_forecast(young, as_of="2024-06-30").months
    assert sum(one.share for one in months) == pytest.approx(1.0)
    even = fit_forecast(young.head(15), as_of="2024-06-30", horizon_days=61).months
    assert [one.share for one in even] == pytest.approx([30 / 61, 31 / 61][::-1])


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")  # all alike
def test_contracts_are_expected_month_by_month() -> None:
    rng = np.random.default_rng(2)
    begin = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 500, 800), unit="D")
    months = rng.geometric(0.06, 800)
    end = [day + pd.DateOffset(months=int(m)) for day, m in zip(begin, months, strict=True)]
    table = pd.DataFrame({"customer_id": range(800), "start": begin, "end": end, "amount": 10.0})
    day = pd.Timestamp("2024-06-30")
    known = table[table["start"] <= day].assign(end=lambda t: t["end"].where(t["end"] <= day))
    config = PipelineConfig(horizon_days=184, annual_discount_rate=0.0)
    found = RetentionPipeline(config).run(contracts=known, as_of=day).forecast_by_month
    assert found is not None
    ahead = found.to_frame().dropna(subset=["expected"])
    assert len(ahead) == 6
    for row in ahead.to_dict("records"):
        middle = row["month"] + pd.Timedelta(days=15)
        running = 10.0 * ((table["start"] <= day) & (table["end"] > middle)).sum()
        assert row["expected"] == pytest.approx(running, rel=0.2)
    assert (ahead["expected"].diff().dropna() < 0.0).all()


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")  # all alike
def test_no_forecast_of_money_has_no_months() -> None:
    days = ["2024-01-01", "2024-02-01"]
    few = pd.DataFrame({"customer_id": [1, 2], "timestamp": days, "amount": 5.0})
    assert RetentionPipeline().run(few, as_of="2024-03-01").forecast_by_month is None
