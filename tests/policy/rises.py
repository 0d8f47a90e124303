"""Simulated firms for potential: one whose customers are all alike, and one whose rises show."""

from __future__ import annotations

import numpy as np
import pandas as pd

DAYS = 1_826
AS_OF = "2025-12-31"
_START = pd.Timestamp("2021-01-01")


def _frame(who: np.ndarray, day: np.ndarray, amount: np.ndarray) -> pd.DataFrame:
    kept = day < DAYS
    return pd.DataFrame(
        {
            "customer_id": who[kept],
            "timestamp": _START + pd.to_timedelta(np.floor(day[kept]), unit="D"),
            "amount": np.round(amount[kept], 2),
        }
    )


def exchangeable(seed: int, customers: int = 1_000) -> pd.DataFrame:
    """Everybody buys at one rate, for baskets of one law: nothing tells who will bring more."""
    rng = np.random.default_rng(seed)
    joined = rng.uniform(0.0, 120.0, customers)
    gaps = rng.exponential(50.0, (customers, 60))
    gaps[:, 0] = 0.0
    day = joined[:, None] + gaps.cumsum(axis=1)
    amount = rng.gamma(2.0, 20.0, day.shape)
    who = np.repeat(np.arange(customers), day.shape[1])
    return _frame(who, day.ravel(), amount.ravel())


def project_buyers(seed: int, customers: int = 2_000) -> pd.DataFrame:
    """Half buy often and little, half seldom and much; both bring the same on average.

    Who buys seldom and much brings either nothing or a lot: rises are its alone.
    """
    rng = np.random.default_rng(seed)
    projects = np.arange(customers) % 2 == 0
    size = np.exp(rng.normal(0.0, 0.5, customers))
    joined = rng.uniform(0.0, 120.0, customers)
    gap = np.where(projects, 360.0, 30.0)
    basket = np.where(projects, 360.0, 30.0) * size
    gaps = rng.exponential(gap[:, None], (customers, 100))
    gaps[:, 0] = 0.0
    day = joined[:, None] + gaps.cumsum(axis=1)
    amount = basket[:, None] * rng.gamma(20.0, 0.05, day.shape)
    who = np.repeat(np.arange(customers), day.shape[1])
    return _frame(who, day.ravel(), amount.ravel())
