"""Histories and log-likelihoods that several reference tests read."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from retainkit.lifetime import HistoryColumns, PurchaseHistories


def one(frequency: float, recency: float, age: float) -> PurchaseHistories:
    """Make the history of one customer [week]."""
    return PurchaseHistories(frequency=[frequency], recency=[recency], age=[age], unit="week")


def many(*rows: tuple[float, float, float]) -> PurchaseHistories:
    """Make histories from (frequency, recency, age) [week]."""
    x, t, T = zip(*rows, strict=True)
    return PurchaseHistories(frequency=x, recency=t, age=T, unit="week")


def rounded_cdnow() -> PurchaseHistories:
    """Read the summary shipped by lifetimes, whose times are rounded to two decimals."""
    path = distribution("lifetimes").locate_file("lifetimes/datasets/cdnow_customers_summary.csv")
    return PurchaseHistories.from_frame(
        pd.read_csv(Path(str(path))), unit="week", columns=HistoryColumns(age="T")
    )


def log_likelihood_at(
    kernel: Any, parameters: tuple[float, ...], history: PurchaseHistories, **options: float
) -> float:
    """Return the total log-likelihood of the histories at given parameters."""
    columns = (history.frequency, history.recency, history.age, np.ones(len(history)))
    data = kernel.prepare(*columns, **options)
    return float(kernel.evaluate(np.log(parameters), data).value)
