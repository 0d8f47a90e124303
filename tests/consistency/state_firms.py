"""Simulated firms whose states are known: what each customer is stands in `truth`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

AS_OF = pd.Timestamp("2025-12-31")


class StateFirm(NamedTuple):
    """Tables of a firm, and by customer whether it has left ("left"), or is there ("here")."""

    transactions: pd.DataFrame | None
    contracts: pd.DataFrame | None
    truth: pd.Series[str]


def _rows(who: np.ndarray, day: np.ndarray, amount: np.ndarray) -> pd.DataFrame:
    """Return rows of days before today [days], oldest first; what lies ahead is left out."""
    kept = day >= 0.0
    return pd.DataFrame(
        {
            "customer_id": who[kept],
            "timestamp": AS_OF - pd.to_timedelta(np.floor(day[kept]), unit="D"),
            "amount": np.round(amount[kept], 2),
        }
    )


def yearly_insurance(seed: int = 0, customers: int = 800) -> StateFirm:
    """A premium every 365 +- 10 days for up to eight years; one in eight leaves each year."""
    rng = np.random.default_rng(seed)
    joined = rng.uniform(30.0, 8 * 365.0, customers)
    years = rng.geometric(0.125, customers)
    gaps = np.clip(rng.normal(365.0, 5.0, (customers, 9)), 355.0, 375.0)
    gaps[:, 0] = 0.0
    day = joined[:, None] - gaps.cumsum(axis=1)
    day[np.arange(9)[None, :] >= years[:, None]] = -1.0
    paid = np.where(day >= 0.0, day, np.inf).min(axis=1)
    amount = np.repeat(rng.gamma(4.0, 100.0, customers), 9).reshape(customers, 9)
    truth = pd.Series(np.where(paid > 400.0, "left", "here"), index=range(customers), dtype=str)
    who = np.repeat(np.arange(customers), 9)
    return StateFirm(_rows(who, day.ravel(), amount.ravel()), None, truth)


def one_time_buyers(seed: int = 0, customers: int = 3_000) -> StateFirm:
    """97 % buy once in three years, the others about every two months."""
    rng = np.random.default_rng(seed)
    again = np.arange(customers) % 100 < 3
    joined = rng.uniform(0.0, 3 * 365.0, customers)
    gaps = rng.exponential(60.0, (customers, 20))
    gaps[:, 0] = 0.0
    day = joined[:, None] - gaps.cumsum(axis=1)
    day[~again, 1:] = -1.0
    truth = pd.Series(
        np.where(again | (joined < 60.0), "here", "left"), index=range(customers), dtype=str
    )
    who = np.repeat(np.arange(customers), 20)
    return StateFirm(_rows(who, day.ravel(), rng.gamma(2.0, 30.0, day.size)), None, truth)


def hundred_accounts(seed: int = 0) -> StateFirm:
    """A hundred accounts that order about every 25 days; twenty stopped at least a year ago."""
    rng = np.random.default_rng(seed)
    left = np.arange(100) < 20
    gaps = rng.gamma(4.0, 25.0 / 4.0, (100, 60))
    day = np.cumsum(gaps, axis=1)[:, ::-1] + np.where(left, 365.0, 0.0)[:, None]
    amount = np.exp(rng.normal(7.0, 1.0, 100))[:, None] * rng.gamma(4.0, 0.25, day.shape)
    truth = pd.Series(np.where(left, "left", "here"), index=range(100), dtype=str)
    return StateFirm(_rows(np.repeat(np.arange(100), 60), day.ravel(), amount.ravel()), None, truth)


def monthly_and_yearly(seed: int = 0, customers: int = 600) -> StateFirm:
    """Half under contract by the month, half by the year; some have ended."""
    rng = np.random.default_rng(seed)
    yearly = np.arange(customers) % 2 == 0
    term = np.where(yearly, 12, 1)
    lasted = np.where(yearly, rng.geometric(0.2, customers) * 12, rng.geometric(0.06, customers))
    begun = AS_OF - pd.to_timedelta(rng.integers(20, 1_400, customers), unit="D")
    end = pd.to_datetime(
        [start + pd.DateOffset(months=int(n)) for start, n in zip(begun, lasted, strict=True)]
    )
    over = end <= AS_OF
    contracts = pd.DataFrame(
        {
            "customer_id": np.arange(customers),
            "start": begun,
            "end": pd.Series(end).where(over),
            "amount": np.where(yearly, 240.0, 25.0) / np.where(yearly, 12, 1),
            "term_months": term,
        }
    )
    return StateFirm(None, contracts, pd.Series(np.where(over, "left", "here"), dtype=str))


def contracts_and_purchases(seed: int = 0, customers: int = 600) -> StateFirm:
    """Half under a running contract who buy seldom or never; the others buy, some have left."""
    rng = np.random.default_rng(seed)
    bound = np.arange(customers) % 2 == 0
    left = ~bound & (np.arange(customers) % 5 < 2)
    gap = np.where(bound, 300.0, 40.0)
    day = rng.exponential(gap[:, None], (customers, 30)).cumsum(axis=1)[:, ::-1]
    day += np.where(left, 500.0, 0.0)[:, None]
    day[day > 1_400.0] = -1.0
    who = np.repeat(np.arange(customers), 30)
    rows = _rows(who, day.ravel(), rng.gamma(2.0, 20.0, day.size))
    contracts = pd.DataFrame(
        {
            "customer_id": np.flatnonzero(bound),
            "start": AS_OF - pd.to_timedelta(rng.integers(40, 1_200, bound.sum()), unit="D"),
            "end": pd.NaT,
            "amount": 15.0,
        }
    )
    return StateFirm(rows, contracts, pd.Series(np.where(left, "left", "here"), dtype=str))


FIRMS = {
    "yearly insurance": yearly_insurance,
    "97 % one-time buyers": one_time_buyers,
    "100 accounts": hundred_accounts,
    "monthly and yearly contracts": monthly_and_yearly,
    "contracts and purchases": contracts_and_purchases,
}
