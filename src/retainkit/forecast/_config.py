"""ForecastConfig: what a user may choose about the forecast."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from retainkit._core.config import FrozenConfig
from retainkit.typing import NonNegativeFloat, PositiveFloat


class ForecastConfig(FrozenConfig):
    """How a forecast learns and when it may be trusted.

    Parameters
    ----------
    max_customers : int, default 50_000
        Customers learnt from; of more these many are drawn by their id [count].
    judged_customers : int, default 15_000
        Customers that earlier forecasts are judged on, of those learnt from [count].
    ridge : float, default 40.0
        Penalty of the regressions, in customers: what a coefficient of one standard deviation
        must explain.
    level : float, default 0.90
        Share of customers an interval is to cover.
    rank_z : float, default 2.0
        Standard errors by which the ranking must beat chance before it is said to rank.
    recorded_from : datetime.date, optional
        First day from which ends of contracts are recorded, where that is later than the first
        start: earlier leavers are then missing, and tenure is counted from that day on.
    min_customers, min_buyers : int, default 100 and 10
        Customers and buyers an earlier forecast must be judged on before it tells anything
        [count].

    Examples
    --------
    >>> from retainkit.forecast import ForecastConfig
    >>> ForecastConfig(level=0.8).level
    0.8
    """

    max_customers: Annotated[int, Field(ge=1000)] = 50_000
    judged_customers: Annotated[int, Field(ge=1000)] = 15_000
    ridge: PositiveFloat = 40.0
    level: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.90
    rank_z: NonNegativeFloat = 2.0
    recorded_from: date | None = None
    min_customers: Annotated[int, Field(ge=20)] = 100
    min_buyers: Annotated[int, Field(ge=10)] = 10
