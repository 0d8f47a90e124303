"""Checks of the numbers that predictions are asked with."""

from __future__ import annotations

import numpy as np

from retainkit._core.time import DAYS_PER_UNIT, DAYS_PER_YEAR
from retainkit.errors import NotComputableError
from retainkit.typing import TimeUnit

_MOST_COUNTS = 100_000


def check_horizon(horizon: float, name: str = "horizon") -> None:
    """Refuse what is not a length of time."""
    if not 0.0 <= horizon < np.inf:
        raise NotComputableError(
            f"{name} is {horizon!r}",
            rule=f"{name} is a finite length of time, not negative, in the unit of the model",
            where=name,
        )


def check_count(max_count: int) -> None:
    """Refuse what is not a number of purchases, or more than anybody makes."""
    if not 0 <= max_count <= _MOST_COUNTS:
        raise NotComputableError(
            f"max_count is {max_count!r}",
            rule=f"a number of purchases from 0 to {_MOST_COUNTS:,}",
            where="max_count",
        )


def force_of_interest(annual_discount_rate: float, unit: TimeUnit) -> float:
    """Return the continuous rate per unit of time."""
    if not 0.0 <= annual_discount_rate < np.inf:
        raise NotComputableError(
            f"annual_discount_rate is {annual_discount_rate!r}",
            rule="a yearly rate, not negative: 0.1 is 10 %",
            where="annual_discount_rate",
        )
    return float(np.log1p(annual_discount_rate)) * DAYS_PER_UNIT[unit] / DAYS_PER_YEAR
