"""Tiers of 1,000,000 customers beside one sort of their values.

The yardstick is `np.sort` of the same column: fit, assign and pyramid together should stay
within about twice its time. The last test measures the way of one customer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.tiers import (
    RelationArrays,
    assign_tiers,
    fit_lifecycle_scheme,
    fit_tier_scheme,
    lifecycle_stage,
    tier_pyramid,
    whale_curve,
)
from retainkit.typing import FloatArray

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
