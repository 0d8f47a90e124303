"""What a forecast costs: learning on a sample, applying to all, one customer alone.

Run: python -m pytest benchmarks/test_forecast.py -s
"""

from __future__ import annotations

import warnings
from time import perf_counter

import numpy as np
import pandas as pd

from retainkit.errors import RetainkitWarning
from retainkit.forecast import fit_forecast
from retainkit.value import summarize_customer, summarize_customers

AS_OF = "2024-12-31"


def make_frame(customers: int, rows: int) -> pd.DataFrame:
    """Return purchases over two years of customers whose rates of buying and spend differ."""
    random = np.random.default_rng(20240101)
    rate, mean = random.gamma(0.7, 1.0, customers), 80.0 / random.gamma(4.0, 0.5, customers)
    ids = random.choice(customers, rows, p=rate / rate.sum())
    seconds = random.integers(0, 730 * 86_400, rows)
    return pd.DataFrame(
        {
            "customer_id": ids * 7 + 10_001,
            "timestamp": np.datetime64("2023-01-01", "us") + seconds.astype("timedelta64[s]"),
            "amount": np.round(random.gamma(2.0, mean[ids] / 2.0), 2),
        }
    )


def test_promised_forecast() -> None:
    """Of 1,000,000 possible customers: learning and judging 30 s, applying 20 s."""
    frame = make_frame(1_000_000, 3_000_000)
    summary = summarize_customers(frame, as_of=AS_OF)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)  # nobody ever leaves this base
        start = perf_counter()
        model = fit_forecast(frame, as_of=AS_OF)
        fitting = perf_counter() - start
    start = perf_counter()
    model.apply(summary)
    applying = perf_counter() - start
    print(f"\n{len(summary):,} customers: learnt in {fitting:.1f} s, applied in {applying:.1f} s")
    assert fitting <= 30.0
    assert applying <= 20.0
    one = summarize_customer(["2024-03-01", "2024-09-10"], [20.0, 35.0], as_of=AS_OF)
    start = perf_counter()
    for _ in range(100):
        model.apply(one)
    each = (perf_counter() - start) / 100
    print(f"one customer alone in {1000 * each:.2f} ms")
    assert each <= 0.005
