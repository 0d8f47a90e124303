"""What value computes from transactions, beside summarize_customers on the same rows.

Run: python -m pytest benchmarks/test_value.py -s
"""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import RetainkitWarning
from retainkit.lifetime import fit_gamma_gamma, fit_mbg_nbd
from retainkit.tiers import LifetimeValues, assess_confidence, assign_tiers, fit_tier_scheme
from retainkit.value import (
    CostDriver,
    CostPool,
    CustomerSummary,
    entropy_weights,
    summarize_behavior,
    summarize_customers,
    trace_costs,
)

AS_OF = "2024-12-31"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """1,000,000 customers whose rates of buying and spend differ, 3,000,000 rows in two years."""
    random = np.random.default_rng(20240101)
    rate, mean = random.gamma(0.7, 1.0, 1_000_000), 80.0 / random.gamma(4.0, 0.5, 1_000_000)
    ids = random.choice(1_000_000, 3_000_000, p=rate / rate.sum())
    seconds = random.integers(0, 730 * 86_400, ids.size)
    return pd.DataFrame(
        {
            "customer_id": ids * 7 + 10_001,
            "timestamp": np.datetime64("2023-01-01", "us") + seconds.astype("timedelta64[s]"),
            "amount": np.round(random.gamma(2.0, mean[ids] / 2.0), 2),
        }
    )


@pytest.fixture(scope="module")
def summary(frame: pd.DataFrame) -> CustomerSummary:
    return summarize_customers(frame, as_of=AS_OF)


def timed(work: Callable[[], Any], rounds: int = 3) -> float:
    times = []
    for _ in range(rounds):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return median(times)


def peak(work: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_promised_behavior(frame: pd.DataFrame) -> None:
    """Rhythm and trend cost at most 4 times the summary, and 3 times the input's memory."""
    alone = timed(lambda: summarize_customers(frame, as_of=AS_OF))
    own = timed(lambda: summarize_behavior(frame, as_of=AS_OF))
    size = int(frame.memory_usage().sum())
    memory = peak(lambda: summarize_behavior(frame, as_of=AS_OF))
    print(f"\nsummary {alone:.2f} s, behaviour {own:.2f} s = {own / alone:.1f} times; "
          f"memory {memory / size:.1f} times the input")  # fmt: skip
    assert own <= 4 * alone
    assert memory <= 3 * size


def test_promised_confidence(frame: pd.DataFrame, summary: CustomerSummary) -> None:
    """The probability of each tier of each customer, two cuts, costs at most 10 summaries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)  # nobody ever leaves this base
        purchase = fit_mbg_nbd(summary)
    spend = fit_gamma_gamma(summary.frequency, summary.monetary_value)
    value = summary.total_amount
    tiers = assign_tiers(value, fit_tier_scheme(value), customer_id=summary.customer_id)
    values = LifetimeValues(summary, summary.monetary_value, purchase, spend, horizon=52.0)
    alone = timed(lambda: summarize_customers(frame, as_of=AS_OF))
    own = timed(lambda: assess_confidence(tiers, values), rounds=1)
    print(f"\n{len(summary):,} customers: summary {alone:.2f} s, confidence {own:.2f} s "
          f"= {own / alone:.1f} times")  # fmt: skip
    assert own <= 10 * alone


def test_promised_tracing(summary: CustomerSummary) -> None:
    """Tracing a pool over 1,000,000 customers is seconds, not minutes, and exact."""
    rows = pd.DataFrame(
        {"customer_id": summary.customer_id, "activity": "call", "quantity": summary.total_amount}
    )
    pool = CostPool(name="p", amount=123_456_789.01, drivers=(CostDriver(activity="call"),))
    sorting = timed(lambda: np.argsort(summary.customer_id.astype(str).to_numpy(dtype=object)))
    own = timed(lambda: trace_costs(rows, pools=[pool]), rounds=1)
    print(f"\nsorting the ids as text {sorting:.2f} s, tracing {own:.2f} s")
    assert trace_costs(rows, pools=[pool]).reconciles
    assert own <= 10 * sorting


def test_promised_weights(summary: CustomerSummary) -> None:
    """Entropy weights of two criteria cost at most 3 sorts of a column."""
    values = {"a": summary.total_amount, "b": summary.occasions.astype(np.float64)}
    sorting = timed(lambda: np.sort(summary.total_amount), rounds=5)
    own = timed(lambda: entropy_weights(values), rounds=5)
    print(f"\nsort {sorting * 1e3:.0f} ms, entropy weights {own * 1e3:.0f} ms")
    assert own <= 3 * sorting
