"""What the forecast needs to know of customers, and how it is read."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import day_number
from retainkit.errors import InvalidTableError, SchemaError
from retainkit.forecast._kernel_log import Known
from retainkit.lifetime import Covariates
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


def known_of(
    summary: PurchaseFacts,
    rows: IntArray,
    covariates: FloatArray | None = None,
    *,
    money: FloatArray | None = None,
) -> Known:
    """Return what is known of some customers; `covariates` are those of all.

    `money` is `summary.total_amount`, for who asks about many parts of one summary.
    """
    assert summary.recent_days is not None
    assert summary.recent_amount is not None
    return Known(
        first=summary.first_day[rows].astype(np.float64),
        last=summary.last_day[rows].astype(np.float64),
        purchases=summary.occasions[rows].astype(np.float64),
        money=(summary.total_amount if money is None else money)[rows],
        recent_days=summary.recent_days[rows],
        recent_money=summary.recent_amount[rows],
        day=day_number(summary.as_of),
        covariates=None if covariates is None else covariates[rows],
    )


def covariate_columns(
    names: tuple[str, ...], covariates: Covariates | None, n: int
) -> FloatArray | None:
    """Return the covariates a model was learnt with, a row per customer; None if it has none."""
    if not names:
        return None
    if covariates is None or len(covariates) != n:
        given = "none are given" if covariates is None else f"{len(covariates):,} rows are given"
        raise SchemaError(
            f"the model was learnt with the covariates {', '.join(names)}, and {given}",
            rule=f"one row of covariates for each of the {n:,} customers, in their order",
            where="covariates",
            fix="pass Covariates.from_customers(table, summary.customer_id)",
        )
    values = covariates.columns(names)
    if np.isnan(values).any():
        raise InvalidTableError(
            f"covariates of {int(np.isnan(values).any(axis=1).sum()):,} customers are unknown",
            rule="a forecast needs every covariate of every customer",
            where="covariates",
            fix="fill the gaps, for example with the mean of the customers learnt from",
        )
    return values
