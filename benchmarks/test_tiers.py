"""Tiers of 1,000,000 customers beside one sort of their values and one reading of their table.

Run: python -m pytest benchmarks/test_tiers.py
Promise: scheme, tiers, pyramid and score together take at most twice the time of sorting the value
column once (`np.sort`) and reading the table (Parquet, 9 columns) once.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.tiers import (
    ByNaturalBreaks,
    Dimension,
    NormalValues,
    RelationArrays,
    StabilityConfig,
    TierSchemeConfig,
    assign_tiers,
    compare_tiers,
    fit_lifecycle_scheme,
    fit_tier_scheme,
    lifecycle_stage,
    segment_cube,
    tier_pyramid,
    whale_curve,
)
from retainkit.typing import FloatArray
from retainkit.value import CustomerSummary, fit_value_scheme, score_value

N = 1_000_000


@pytest.fixture(scope="module")
def value() -> FloatArray:
    """Skewed profits, about one in five negative."""
    return np.random.default_rng(20).lognormal(3.0, 1.5, size=N) - 6.0


@pytest.fixture(scope="module")
def customer_id() -> pd.Index[int]:
    return pd.Index(np.arange(N) + 10_000)


@pytest.mark.benchmark(group="tiers: 1,000,000 customers")
def test_yardstick_sort(benchmark: Any, value: FloatArray) -> None:
    benchmark(np.sort, value)


@pytest.mark.benchmark(group="tiers: 1,000,000 customers")
def test_fit_assign_pyramid(benchmark: Any, value: FloatArray, customer_id: pd.Index[int]) -> None:
    def run() -> bool:
        scheme = fit_tier_scheme(value)
        return tier_pyramid(assign_tiers(value, scheme, customer_id=customer_id)).reconciles

    assert benchmark(run)


@pytest.mark.benchmark(group="tiers: 1,000,000 customers")
def test_whale_curve(benchmark: Any, value: FloatArray) -> None:
    assert benchmark(whale_curve, value).n == N


@pytest.mark.benchmark(group="tiers: 1,000,000 customers")
def test_lifecycle_stage(benchmark: Any) -> None:
    rng = np.random.default_rng(21)
    occasions = rng.integers(1, 12, size=N)
    recency = np.where(occasions > 1, rng.uniform(1.0, 300.0, size=N), 0.0)
    inactive = rng.uniform(0.0, 300.0, size=N)
    history = RelationArrays(occasions, recency, recency + inactive, inactive)
    scheme = fit_lifecycle_scheme(history)
    assert len(benchmark(lifecycle_stage, history, scheme)) == N


@pytest.mark.benchmark(group="tiers: one customer")
def test_assign_one(benchmark: Any, value: FloatArray) -> None:
    scheme = fit_tier_scheme(value[:1_000])
    one, who = np.array([42.0]), pd.Index([7])
    assert len(benchmark(assign_tiers, one, scheme, customer_id=who)) == 1


# --- what a second assessment costs --------------------------------------------------------------


@pytest.mark.benchmark(group="a second assessment: 1,000,000 customers")
def test_yardstick_sort_again(benchmark: Any, value: FloatArray) -> None:
    benchmark(np.sort, value)


@pytest.mark.benchmark(group="a second assessment: 1,000,000 customers")
@pytest.mark.parametrize("order", ["same", "other"])
def test_assign_with_memory(
    benchmark: Any, value: FloatArray, customer_id: pd.Index[int], order: str
) -> None:
    scheme = fit_tier_scheme(value)
    before = assign_tiers(value[::-1], scheme, customer_id=customer_id)
    ids = customer_id if order == "same" else customer_id[::-1]
    monthly = StabilityConfig.monthly()
    table = benchmark(
        assign_tiers, value, scheme, customer_id=ids, previous=before, stability=monthly
    )
    assert len(table) == N


@pytest.mark.benchmark(group="a second assessment: 1,000,000 customers")
def test_compare(benchmark: Any, value: FloatArray, customer_id: pd.Index[int]) -> None:
    scheme = fit_tier_scheme(value)
    before = assign_tiers(value[::-1], scheme, customer_id=customer_id)
    after = assign_tiers(value, scheme, customer_id=customer_id)
    assert benchmark(compare_tiers, before, after).counts.sum() == N


@pytest.mark.benchmark(group="a second assessment: 1,000,000 customers")
def test_confidence(benchmark: Any, value: FloatArray, customer_id: pd.Index[int]) -> None:
    scheme, sure = fit_tier_scheme(value), NormalValues(value, np.abs(value) * 0.2)
    table = benchmark(assign_tiers, value, scheme, customer_id=customer_id, distribution=sure)
    assert len(table) == N


@pytest.mark.benchmark(group="a second assessment: 1,000,000 customers")
def test_natural_breaks(benchmark: Any, value: FloatArray) -> None:
    config = TierSchemeConfig(rule=ByNaturalBreaks())
    assert benchmark(fit_tier_scheme, value, config=config).n == N


@pytest.mark.benchmark(group="a second assessment: 1,000,000 customers")
def test_cube(benchmark: Any, value: FloatArray) -> None:
    rng = np.random.default_rng(22)
    axes = [
        Dimension(name, "other", tuple("abcde"), rng.integers(0, 5, size=N).astype(np.int16))
        for name in ("x", "y", "z")
    ]
    assert benchmark(segment_cube, axes, value=value).heads.sum() == N


# --- the promise ---------------------------------------------------------------------------------


def make_summary(value: FloatArray, customer_id: pd.Index[int]) -> CustomerSummary:
    rng = np.random.default_rng(23)
    occasions = rng.integers(1, 12, size=N).astype(np.int32)
    last = rng.integers(19_400, 19_700, size=N).astype(np.int32)
    return CustomerSummary(
        customer_id=customer_id,
        unit="day",
        as_of=date(2024, 1, 1),
        collapse="day",
        occasions=occasions,
        first_day=last - np.where(occasions > 1, 200, 0).astype(np.int32),
        last_day=last,
        transactions=occasions,
        monetary_value=np.where(occasions > 1, 40.0, np.nan),
        purchase_amount=40.0 * occasions,
        return_amount=np.zeros(N),
        profit=value,
        breadth=rng.integers(1, 6, size=N).astype(np.int32),
        rows_after_as_of=0,
    )


def test_promised_tiers(value: FloatArray, customer_id: pd.Index[int], tmp_path: Path) -> None:
    """Scheme, tiers, pyramid and score against one sort and one reading, in turns."""
    summary = make_summary(value, customer_id)
    scores = fit_value_scheme(summary, future_value=value)
    path = tmp_path / "customers.parquet"
    summary.to_frame().iloc[:, :8].assign(value=value).to_parquet(path)

    def tiers_and_pyramid() -> None:
        table = assign_tiers(value, fit_tier_scheme(value), customer_id=customer_id)
        assert tier_pyramid(table).reconciles

    work = {
        "sort": lambda: np.sort(value),
        "read": lambda: pd.read_parquet(path),
        "tiers, pyramid": tiers_and_pyramid,
        "score": lambda: score_value(summary, scores, future_value=value),
    }
    rounds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(9):
        for name, step in work.items():
            start = perf_counter()
            step()
            rounds[name].append(perf_counter() - start)
    times = {name: median(each) for name, each in rounds.items()}
    ours = times["tiers, pyramid"] + times["score"]
    yardstick = times["sort"] + times["read"]
    print(f"\n{ {name: f'{1e3 * time:.0f} ms' for name, time in times.items()} }: ", end="")
    print(f"{ours / yardstick:.2f} times sort + read")
    assert ours <= 2.0 * yardstick
