"""What the forecast needs to know of customers, and how it is read."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import day_number
from retainkit.forecast._kernel_log import Known
from retainkit.typing import FloatArray, IntArray


class PurchaseFacts(Protocol):
    """What the forecast needs to know of customers; `value.CustomerSummary` offers it."""

    @property
    def customer_id(self) -> pd.Index[Any]:
        """The customers."""

    @property
    def as_of(self) -> date:
        """Last observed day."""

    @property
    def occasions(self) -> npt.NDArray[np.int32]:
        """Days with a purchase [count]."""

    @property
    def first_day(self) -> npt.NDArray[np.int32]:
        """First purchase [days since 1970-01-01]."""

    @property
    def last_day(self) -> npt.NDArray[np.int32]:
        """Last purchase [days since 1970-01-01]."""

    @property
    def total_amount(self) -> FloatArray:
        """Purchases net of returns [money]."""

    @property
    def recent_days(self) -> npt.NDArray[np.int16] | None:
        """Purchase days within some days before the last purchase [count]."""

    @property
    def recent_amount(self) -> npt.NDArray[np.float32] | None:
        """Money within some days before the last purchase [money]."""


def known_of(summary: PurchaseFacts, rows: IntArray) -> Known:
    """Return what is known of some customers."""
    assert summary.recent_days is not None
    assert summary.recent_amount is not None
    return Known(
        first=summary.first_day[rows].astype(np.float64),
        last=summary.last_day[rows].astype(np.float64),
        purchases=summary.occasions[rows].astype(np.float64),
        money=summary.total_amount[rows],
        recent_days=summary.recent_days[rows],
        recent_money=summary.recent_amount[rows],
        day=day_number(summary.as_of),
    )
