"""Bases for the tests of this room: CDNOW by hand, and simulated customers."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from retainkit.datasets import load_cdnow_sample
from retainkit.lifetime import PurchaseHistories
from retainkit.typing import FloatArray


class Cdnow(NamedTuple):
    """Histories [week] and mean repeat amounts [US dollar] of the 2,357 sample customers."""

    history: PurchaseHistories
    monetary_value: FloatArray


@cache
def cdnow(as_of: str = "1997-09-30") -> Cdnow:
    """Summarise the sample by hand: purchases of one day count once, time is exact days / 7."""
    end = pd.Timestamp(as_of)
    purchases = load_cdnow_sample().query("timestamp <= @end")
    days = purchases.groupby(["customer_id", "timestamp"], as_index=False)["amount"].sum()
    by = days.groupby("customer_id")["timestamp"]
    first, last, count = by.min(), by.max(), by.count()
    repeats = days[days["timestamp"] > days["customer_id"].map(first)]
    mean = repeats.groupby("customer_id")["amount"].mean().reindex(first.index)
    history = PurchaseHistories(
        frequency=count.to_numpy() - 1,
        recency=(last - first).dt.days.to_numpy() / 7,
        age=(end - first).dt.days.to_numpy() / 7,
        unit="week",
    )
    return Cdnow(history, mean.to_numpy())


def simulate_histories(
    n: int,
    *,
    seed: int,
    rate: FloatArray | None = None,
    dropout: FloatArray | None = None,
) -> PurchaseHistories:
    """Draw customers of an MBG/NBD base on the grid of days, observed 26 to 52 weeks."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.7, 1 / 5.0, n) if rate is None else rate
    dropout = rng.beta(0.9, 2.0, n) if dropout is None else dropout
    age = rng.integers(182, 364, n)
    frequency, recency, clock = np.zeros(n), np.zeros(n), np.zeros(n)
    active = np.flatnonzero(rng.random(n) > dropout)
    while len(active):
        clock[active] += 7 * rng.exponential(1.0, len(active)) / rate[active]
        active = active[np.ceil(clock[active]) <= age[active]]
        frequency[active] += 1
        recency[active] = np.ceil(clock[active])
        active = active[rng.random(len(active)) > dropout[active]]
    return PurchaseHistories(frequency=frequency, recency=recency / 7, age=age / 7, unit="week")


class TwoPeriods(NamedTuple):
    """Histories up to `as_of`, and what each customer bought in the horizon after it."""

    history: PurchaseHistories
    later: FloatArray


def simulate_two_periods(n: int, *, seed: int, horizon: float = 26.0) -> TwoPeriods:
    """Draw an MBG/NBD base (r .7, alpha 5, a .9, b 2), purchase by purchase, 26 to 52 weeks old."""
    rng = np.random.default_rng(seed)
    rate, dropout = rng.gamma(0.7, 1 / 5.0, n), rng.beta(0.9, 2.0, n)
    age = rng.uniform(26, 52, n)
    frequency, recency, later, clock = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    active = np.flatnonzero(rng.random(n) > dropout)
    while len(active):
        clock[active] += rng.exponential(1.0, len(active)) / rate[active]
        active = active[clock[active] <= age[active] + horizon]
        before = clock[active] <= age[active]
        frequency[active] += before
        later[active] += ~before
        recency[active] = np.where(before, clock[active], recency[active])
        active = active[rng.random(len(active)) > dropout[active]]
    history = PurchaseHistories(frequency=frequency, recency=recency, age=age, unit="week")
    return TwoPeriods(history, later)
