"""Intervals keep their promise: 400 simulated months each, against the truth that made them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit.metrics import (
    MetricConvention,
    Period,
    PurchaseIndex,
    churn_rate,
    compare_groups,
    compute_metric,
    compute_metrics,
    gini,
    index_contracts,
    index_purchases,
)
from retainkit.metrics._compare import bootstrap_interval
from retainkit.scorecard import appraise_owners

RUNS = 400
MARCH = Period.month(2026, 3)
FIRST = np.datetime64("2026-03-01", "s")
pytestmark = pytest.mark.slow


def _inside(covered: int, low: float, high: float) -> None:
    """Binomial noise of 400 runs is about 0.011 on either side of 0.95."""
    assert low <= covered / RUNS <= high, covered / RUNS


def test_groups_drawn_by_chance_differ_beyond_noise_in_five_percent(
    cdnow_base: PurchaseIndex,
) -> None:
    beyond = 0
    for seed in range(RUNS):
        codes = np.random.default_rng(seed).integers(0, 2, len(cdnow_base))
        by = pd.Series(codes, index=cdnow_base.customer_id)
        table = compute_metrics(
            cdnow_base, by=by, period=Period.quarter(1998, 1), metrics=["retention_rate"]
        )
        beyond += len(compare_groups(table).summary())
    _inside(RUNS - beyond, 0.92, 0.98)


def test_exposure_covers_the_true_hazard() -> None:
    """200 customers, hazard 0.01 a day: 26.7 % leave in 31 days."""
    truth, covered = 1 - np.exp(-0.01 * 31), 0
    convention = MetricConvention(denominator="exposure")
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        # in whole days: a geometric stay with the same chance to survive a day
        stay = rng.geometric(1 - np.exp(-0.01), 200)
        end = FIRST + (stay - 1).astype("timedelta64[D]")
        end[stay > 31] = np.datetime64("NaT", "D")
        frame = pd.DataFrame(
            {
                "customer_id": np.arange(200),
                "start": np.datetime64("2026-01-01", "s"),
                "end": end,
                "amount": 10.0,
            }
        )
        base = index_contracts(frame, as_of="2026-03-31")
        interval = churn_rate(base, period=MARCH, convention=convention).interval
        assert interval is not None
        covered += interval.lower <= truth <= interval.upper
    _inside(covered, 0.92, 0.99)  # exact intervals are a little wide


def test_a_ratio_of_sums_covers_the_true_ratio() -> None:
    """100 buyers with own rates and own prices; skewed as customers are."""
    truth, covered = 20.0 * np.exp(0.5**2 / 2), 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        occasions = 1 + rng.poisson(rng.gamma(1.0, 2.0, 100))
        who = np.repeat(np.arange(100), np.minimum(occasions, 31))
        day = np.concatenate([rng.permutation(31)[:k] for k in np.minimum(occasions, 31)])
        amount = 20.0 * rng.lognormal(0.0, 0.5, len(who))
        frame = pd.DataFrame(
            {
                "customer_id": who,
                "timestamp": FIRST + day.astype("timedelta64[D]"),
                "amount": amount,
            }
        )
        interval = compute_metric(
            index_purchases(frame, as_of="2026-03-31"), "average_order_value", period=MARCH
        ).interval
        assert interval is not None
        covered += interval.lower <= truth <= interval.upper
    _inside(covered, 0.90, 0.98)


def test_the_bootstrap_covers_the_true_gini() -> None:
    """The exponential distribution has a Gini coefficient of one half."""
    covered = 0
    for seed in range(RUNS):
        values = np.random.default_rng(seed).exponential(1.0, 300)
        interval = bootstrap_interval(gini, values, seed=seed, resamples=199).interval
        assert interval is not None
        covered += interval.lower <= 0.5 <= interval.upper
    _inside(covered, 0.90, 0.98)


def test_owners_who_all_do_the_same_are_rarely_judged() -> None:
    """Ten owners of unequal mix; each verdict is wrong in at most about 5 % of the cases."""
    wrong = 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        owner = rng.integers(0, 10, 600)
        tier = (rng.random(600) < 0.2 + 0.06 * owner).astype(int)
        kept = (rng.random(600) < np.where(tier == 1, 0.6, 0.9)).astype(float)
        verdict = appraise_owners(owner, kept, stratum=tier).verdict
        wrong += verdict[0] in ("better", "worse")
    _inside(RUNS - wrong, 0.94, 1.0)
