"""summarize_customers beside a bare pandas aggregation and lifetimes' summary, on the same rows.

Run: python -m pytest benchmarks/test_summarize.py --benchmark-group-by=group
Promises: at least 4 times faster than lifetimes, at most 3 times a bare groupby.agg; memory on top
of the input at most 2 times the input; growth linear but for the processor's caches: the small base
fits into them and the large one does not, which pandas pays for too.
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

from retainkit.value import summarize_customers

AS_OF = "2024-12-31"


def make_rows(customers: int, rows: int, *, text: bool = False) -> pd.DataFrame:
    random = np.random.default_rng(20240101)
    ids: Any = random.integers(0, customers, rows) * 7 + 10_001
    seconds = random.integers(0, 730 * 86_400, rows)
    frame = pd.DataFrame(
        {
            "customer_id": ids,
            "timestamp": np.datetime64("2023-01-01", "us") + seconds.astype("timedelta64[s]"),
            "amount": np.round(random.gamma(2.0, 20.0, rows), 2),
        }
    )
    return frame.assign(customer_id="C" + frame["customer_id"].astype(str)) if text else frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_rows(1_000_000, 3_000_000)


def bare_aggregation(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.groupby("customer_id").agg(
        count=("amount", "size"),
        first=("timestamp", "min"),
        last=("timestamp", "max"),
        amount=("amount", "sum"),
    )


def lifetimes_summary(frame: pd.DataFrame) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes.utils import summary_data_from_transaction_data

        summary: pd.DataFrame = summary_data_from_transaction_data(
            frame, "customer_id", "timestamp", "amount", observation_period_end=AS_OF
        )
    return summary


def ours(frame: pd.DataFrame) -> Any:
    return summarize_customers(frame, as_of=AS_OF)


def seconds(work: Callable[[pd.DataFrame], Any], frame: pd.DataFrame, *, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = perf_counter()
        work(frame)
        times.append(perf_counter() - start)
    return median(times)


@pytest.mark.parametrize("work", [ours, bare_aggregation], ids=lambda f: f.__name__)
@pytest.mark.benchmark(group="1,000,000 customers, 3,000,000 rows")
def test_whole_ids(benchmark: Any, frame: pd.DataFrame, work: Callable[..., Any]) -> None:
    benchmark.pedantic(work, args=(frame,), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="1,000,000 customers, 3,000,000 rows")
def test_whole_ids_lifetimes(benchmark: Any, frame: pd.DataFrame) -> None:
    benchmark.pedantic(lifetimes_summary, args=(frame,), rounds=1)


@pytest.mark.parametrize("work", [ours, bare_aggregation], ids=lambda f: f.__name__)
@pytest.mark.benchmark(group="1,000,000 customers with text ids, 3,000,000 rows")
def test_text_ids(benchmark: Any, work: Callable[..., Any]) -> None:
    benchmark.pedantic(work, args=(make_rows(1_000_000, 3_000_000, text=True),), rounds=3)


def test_promised_ratios(frame: pd.DataFrame) -> None:
    own = seconds(ours, frame, rounds=5)
    bare = seconds(bare_aggregation, frame, rounds=5)
    theirs = seconds(lifetimes_summary, frame, rounds=1)
    print(f"\nours {own:.3f} s, bare groupby.agg {bare:.3f} s, lifetimes {theirs:.3f} s")
    assert own <= 3 * bare
    assert theirs >= 4 * own


def test_promised_memory(frame: pd.DataFrame) -> None:
    tracemalloc.start()
    summary = ours(frame)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = int(frame.memory_usage().sum())
    print(f"\ninput {size / 1e6:.0f} MB, peak on top of it {peak / 1e6:.0f} MB")
    assert len(summary) > 900_000
    assert peak <= 2 * size


def test_promised_growth() -> None:
    """10 times the rows: at most 11 times the time, or what the caches cost pandas as well."""
    small, large = make_rows(100_000, 300_000), make_rows(1_000_000, 3_000_000)
    growth = {
        work.__name__: seconds(work, large, rounds=5) / seconds(work, small, rounds=15)
        for work in (ours, bare_aggregation)
    }
    print(f"\n10 times the rows: {growth}")
    assert growth["ours"] <= max(11.0, 1.1 * growth["bare_aggregation"])
