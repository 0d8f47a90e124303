"""Renewal forecasts on two real bases, held against what came next and against plain rules."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from retainkit.forecast import fit_renewal_model, predict_renewal
from retainkit.forecast._kernel_renewal import Floats, Ints

pytestmark = pytest.mark.real

DATA = Path(os.environ.get("RETAINKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def read(path: str) -> pd.DataFrame:
    if not (DATA / path).exists():
        pytest.skip(f"real data set not found: {DATA / path} (set RETAINKIT_DATA)")
    return pd.read_csv(DATA / path, encoding="utf-8-sig")


def day_of(dates: pd.Series[str]) -> Floats:
    days = pd.to_datetime(dates).to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(days), np.nan, days.astype(np.int64))


def calibration_error(p: Floats, y: Floats) -> float:
    order = np.argsort(p, kind="stable")
    bins = np.array_split(order, 10)
    return float(sum(abs(p[i].mean() - y[i].mean()) * len(i) for i in bins) / len(p))


def plain_staying(start: Ints, end: Floats, cut: int, tenure: Ints, ahead: int) -> Floats:
    """Share that stays by the hazard of each day of tenure, nothing shrunk or continued."""
    lasted = np.where(np.isnan(end), cut, end) - start
    left = ~np.isnan(end)
    days = np.arange(int(lasted.max()) + ahead + 2)
    risk = np.array([(lasted >= t).sum() for t in days])
    gone = np.array([((lasted == t) & left).sum() for t in days])
    stays = np.cumprod(1.0 - np.where(risk > 20, gone / np.maximum(risk, 1), 0.0))
    return stays[np.minimum(tenure + ahead, len(stays) - 1)] / stays[tenure]


def monthly_charges(start: Ints, end: Floats, since: int, until: int) -> Ints:
    """Count the monthly returns of each start after `since`, up to `until` and before the end."""
    first, last = start.astype("datetime64[D]"), np.where(np.isnan(end), 1e6, end)
    month, into = first.astype("datetime64[M]"), first - first.astype("datetime64[M]")
    count = np.zeros(len(start), dtype=np.int64)
    for k in range(1, 120):
        after = (month + k).astype("datetime64[D]")
        longest = (month + k + 1).astype("datetime64[D]") - after - np.timedelta64(1, "D")
        due = (after + np.minimum(into, longest)).astype(np.int64)
        count += (due > since) & (due <= until) & (due < last)
    return count


def test_monthly_subscriptions_at_three_past_days() -> None:
    frame = read("maven_subscription/subscription_cohort.csv")
    start = day_of(frame["created_date"]).astype(np.int64)
    end, customer = day_of(frame["canceled_date"]), frame["customer_id"].to_numpy()
    first, last = int(start.min()), int(np.datetime64("2023-09-08").astype(int))
    errors, covered = [], []
    for share in (0.55, 0.70, 0.85):
        cut = first + int((last - first) * share)
        ahead = min(60, last - cut)
        begun = np.flatnonzero(start <= cut)
        known = np.where(end[begun] > cut, np.nan, end[begun])
        model = fit_renewal_model(
            start[begun], known, as_of_day=cut, horizon_days=ahead, customer=customer[begun]
        )
        assert model.calibrated
        running = begun[np.isnan(known)]
        running = running[~pd.Series(customer[running]).duplicated(keep="last").to_numpy()]
        later = (start <= cut + ahead) & ~(end <= cut + ahead)
        stays = np.isin(customer[running], customer[later]).astype(np.float64)
        told = predict_renewal(model, start[running], as_of_day=cut, window_days=ahead)
        p = told.p_active
        plain = plain_staying(start[begun], known, cut, cut - start[running], ahead)
        assert roc_auc_score(stays, p) >= roc_auc_score(stays, plain) - 0.01
        errors.append(calibration_error(p, stays))
        charges = monthly_charges(start[running], end[running], cut, cut + ahead)
        inside = (charges >= told.expected_value_low) & (charges <= told.expected_value_high)
        covered.append(float(inside.mean()))
    assert np.median(errors) <= 0.07
    assert max(errors) <= 0.09
    assert all(0.86 <= share <= 0.96 for share in covered), covered


def test_a_base_that_records_one_quarter_of_ends() -> None:
    """Published per term, 12-month stay of a base whose quarter is named: about .09, .64, .90."""
    frame = read("telco/telecom_customer_churn.csv.gz")
    as_of = pd.Timestamp("2022-06-30")
    starts = [as_of - pd.DateOffset(months=int(m)) for m in frame["Tenure in Months"]]
    start = day_of(pd.Series(starts).astype(str)).astype(np.int64)
    today = int(np.datetime64("2022-06-30").astype(int))
    left = (frame["Customer Status"] == "Churned").to_numpy()
    end = np.where(left, today, np.nan)
    months = {"Month-to-Month": 1, "One Year": 12, "Two Year": 24}
    term = frame["Contract"].map(months).to_numpy()
    model = fit_renewal_model(start, end, as_of_day=today, term_months=term)
    assert not model.calibrated
    assert model.finding
    running = ~left
    ahead = predict_renewal(
        model, start[running], as_of_day=today, window_days=365, term_months=term[running]
    )
    assert np.isnan(ahead.p_active).all()
    assert not (ahead.expected_value == 0.0).any()
    by_term = [ahead.score[term[running] == t].mean() for t in (1, 12, 24)]
    assert by_term == sorted(by_term)
    named = fit_renewal_model(
        start, end, as_of_day=today, term_months=term, recorded_from_day=today - 90
    )
    stated = predict_renewal(
        named, start[running], as_of_day=today, window_days=365, term_months=term[running]
    )
    assert (stated.expected_value > 0.0).all()
    fresh = predict_renewal(
        named, [today] * 3, as_of_day=today, window_days=365, term_months=[1, 12, 24]
    )
    np.testing.assert_allclose(fresh.p_active, [0.09, 0.64, 0.90], atol=0.03)
