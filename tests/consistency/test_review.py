"""The forecasts of the last run against what came, counted here from the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.forecast import judge_forecast, p_active_within
from retainkit.pipeline import PipelineConfig, RetentionPipeline, RetentionResult

THEN, NOW = "1997-12-31", "1998-06-30"
ROWS = load_cdnow_sample()


def _run(horizon: int, as_of: str, previous: RetentionResult | None = None) -> RetentionResult:
    config = PipelineConfig(horizon_days=horizon)
    return RetentionPipeline(config).run(ROWS, as_of=as_of, previous=previous)


def _open(result: RetentionResult) -> list[str]:
    return [gap.id for gap in result.gaps if gap.id.startswith("review")]


@pytest.fixture(scope="module")
def before() -> RetentionResult:
    return _run(180, THEN)


@pytest.fixture(scope="module")
def after(before: RetentionResult) -> RetentionResult:
    return _run(180, NOW, before)


def _came(ids: pd.Index, days: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    day = (ROWS["timestamp"] - pd.Timestamp(THEN)).dt.days
    rows = ROWS[(day > 0) & (day <= days)].assign(day=day)
    money = rows["amount"] * (1.0 + rate) ** (-rows["day"] / 365.25)
    value = money.groupby(rows["customer_id"]).sum().reindex(ids, fill_value=0.0)
    return np.isin(ids, rows["customer_id"].unique()), value.to_numpy()


def test_what_came_is_counted_from_the_rows(
    before: RetentionResult, after: RetentionResult
) -> None:
    review, told = after.review, before.customers.to_frame()
    assert review is not None
    active, value = _came(pd.Index(told["customer_id"]), 180, 0.10)
    found = review.to_frame()
    assert found["customer_id"].equals(told["customer_id"])
    np.testing.assert_array_equal(found["actual_active"], active)
    np.testing.assert_allclose(found["actual_value"], value)
    by_hand = judge_forecast(
        told["expected_value"].to_numpy(),
        value,
        actual_active=active,
        p_active=told["p_active"].to_numpy(),
        low=told["expected_value_low"].to_numpy(),
        high=told["expected_value_high"].to_numpy(),
    )
    for name in ("expected_over_actual", "auc", "calibration_error", "found", "coverage"):
        assert getattr(review.measures, name) == pytest.approx(getattr(by_hand, name))
    assert review.is_complete
    assert _open(after) == []


def test_what_became_of_the_states(before: RetentionResult, after: RetentionResult) -> None:
    review, told = after.review, before.customers.to_frame()
    assert review is not None
    window = before.scores.states.scheme.window_days
    assert review.state_days == window
    active, _ = _came(pd.Index(told["customer_id"]), window, 0.0)
    shares = pd.Series(active).groupby(told["state"].astype(str)).mean()
    found = review.states.set_index("state")["share"].dropna()
    pd.testing.assert_series_equal(found, shares[found.index], check_names=False)


def test_while_the_horizon_has_not_passed_nothing_is_prorated(before: RetentionResult) -> None:
    after = _run(180, "1998-04-30", before)
    review = after.review
    assert review is not None
    assert (review.window_days, review.chance_days, review.is_complete) == (120, 120, False)
    assert np.isnan(review.measures.expected_over_actual)
    assert np.isnan(review.measures.coverage)
    forecast = before.model.forecast
    assert forecast is not None
    asked = p_active_within(forecast, before.history, window_days=120)
    np.testing.assert_array_equal(review.to_frame()["p_active"], asked)
    assert _open(after) == ["review_horizon"]
    active, _ = _came(before.history.customer_id, 120, 0.0)
    np.testing.assert_array_equal(review.to_frame()["actual_active"], active)


def test_soon_after_only_the_order_is_judged(before: RetentionResult) -> None:
    after = _run(180, "1998-01-31", before)
    review = after.review
    assert review is not None
    assert review.chance_days is None
    assert np.isnan(review.measures.calibration_error)
    assert review.measures.auc > 0.7
    assert _open(after) == ["review_horizon", "review_chance"]


def test_what_cannot_be_reviewed_is_a_gap(before: RetentionResult) -> None:
    again = _run(180, THEN, before)
    tiers = RetentionPipeline().run(ROWS, as_of=NOW, previous=before.tiers)
    for result, gap in ((again, "review_day"), (tiers, "review")):
        assert result.review is None
        assert _open(result) == [gap]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_sentence_holds_its_numbers(after: RetentionResult, language: str) -> None:
    review = after.review
    assert review is not None
    words = review.describe(language)  # type: ignore[arg-type]
    assert f"{review.measures.expected_over_actual:.2f}" in words[0]
    assert f"{review.measures.calibration_error:.3f}" in " ".join(words)
    assert not any("{" in sentence for sentence in words)
    document = after.to_document()
    assert {row["measure"]: row["value"] for row in document.review}["buyers"] == float(
        review.measures.buyers
    )


def _contracts(customers: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    start = rng.integers(0, 600, customers)
    months = rng.geometric(np.where(rng.random(customers) < 0.5, 0.03, 0.2))
    begin = pd.Timestamp("2023-01-01") + pd.to_timedelta(start, unit="D")
    end = [day + pd.DateOffset(months=int(m)) for day, m in zip(begin, months, strict=True)]
    return pd.DataFrame(
        {"customer_id": range(customers), "start": begin, "end": end, "amount": 10.0}
    )


def _known(contracts: pd.DataFrame, day: str) -> pd.DataFrame:
    """What the table held on a day: later ends were not written down yet."""
    known = contracts[contracts["start"] <= day].copy()
    known.loc[known["end"] > day, "end"] = pd.NaT
    return known


def test_contracts_are_asked_again_for_the_days_that_passed() -> None:
    contracts = _contracts()
    run = RetentionPipeline(PipelineConfig(horizon_days=180)).run
    then = run(contracts=_known(contracts, "2024-09-30"), as_of="2024-09-30")
    now = run(contracts=_known(contracts, "2024-12-31"), as_of="2024-12-31", previous=then)
    review = now.review
    assert review is not None
    assert review.window_days == 92
    at_end = contracts.set_index("customer_id").reindex(then.history.customer_id)
    stays = (at_end["end"] > "2024-12-31").to_numpy()
    np.testing.assert_array_equal(review.to_frame()["actual_active"], stays)
    assert 0.7 < review.measures.expected_over_actual < 1.4
    assert review.measures.calibration_error < 0.10
    assert _open(now) == []


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")  # too few purchases
def test_purchases_and_contracts_together() -> None:
    contracts = _contracts(200)
    rng = np.random.default_rng(1)
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 730, 1500), unit="D")
    who = (100 + 300 * rng.beta(1.0, 3.0, 1500)).astype(int)
    rows = pd.DataFrame({"customer_id": who, "timestamp": days, "amount": 20.0})
    run = RetentionPipeline(PipelineConfig(horizon_days=120, annual_discount_rate=0.0)).run
    day, end = "2024-08-31", "2024-12-29"
    then = run(rows[rows["timestamp"] <= day], contracts=_known(contracts, day), as_of=day)
    now = run(rows, contracts=_known(contracts, end), as_of=end, previous=then)
    review = now.review
    assert review is not None
    assert review.is_complete
    found = review.to_frame().set_index("customer_id")
    later = rows[(rows["timestamp"] > day) & (rows["timestamp"] <= end)]
    bought = later.groupby("customer_id")["amount"].sum().reindex(found.index, fill_value=0.0)
    table = _known(contracts, day).set_index("customer_id").reindex(found.index)
    under = table["start"].notna() & table["end"].isna()
    apart = ~under & ~found.index.isin(contracts["customer_id"])
    np.testing.assert_allclose(found.loc[apart, "actual_value"], bought[apart])
    assert (found.loc[under, "actual_value"] >= bought[under]).all()
    stays = contracts.set_index("customer_id")["end"].reindex(found.index) > end
    assert found.loc[under, "actual_active"].equals(stays[under])
