"""What one action costs and what it brings: set by the firm, then learnt from its own trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from retainkit._core.config import FrozenConfig
from retainkit._core.kernels.intervals import normal_quantile
from retainkit.errors import SchemaError
from retainkit.policy import _kernel_trial as _kernel
from retainkit.policy._condition import Identifier
from retainkit.policy._measure_catalog import MeasureCatalog
from retainkit.policy._measures import CostModel
from retainkit.typing import BoolArray, FloatArray, NonNegativeFloat

LEVEL = 0.95
"""Coverage of the intervals of effects."""
_UNSURE = 0.1
"""Standard deviation of an effect of 0 that is given without an interval."""


class EffectSize(FrozenConfig):
    """How much an action brings, as a share of what the customer brings when active.

    Parameters
    ----------
    value : float
        Points of probability to be there, or the same share more bought; negative where the
        action drives customers away. 0.05 keeps 5 in 100 who would have gone.
    low, high : float, optional
        95 % interval. Without one the effect is a guess: it may as well be nothing or double.

    Raises
    ------
    pydantic.ValidationError
        If the interval is incomplete or does not hold the value.

    Examples
    --------
    >>> from retainkit.policy import EffectSize
    >>> round(EffectSize(value=0.05, low=0.01, high=0.09).deviation, 4)
    0.0204
    >>> EffectSize(value=0.05).deviation
    0.05
    """

    value: Annotated[float, Field(ge=-1.0)]
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _interval_holds_the_value(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high are given together or not at all")
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        if not low <= self.value <= high:
            raise ValueError(f"{self.value:g} is outside of {low:g} to {high:g}")
        return self

    @property
    def deviation(self) -> float:
        """Standard deviation of what is believed of the effect."""
        if self.low is None or self.high is None:
            return abs(self.value) or _UNSURE
        return (self.high - self.low) / (2.0 * normal_quantile(LEVEL))

    @classmethod
    def from_belief(cls, mean: float, deviation: float) -> Self:
        """Return a normal belief as value and interval.

        Examples
        --------
        >>> from retainkit.policy import EffectSize
        >>> round(EffectSize.from_belief(0.1, 0.02).high, 4)
        0.1392
        """
        reach = normal_quantile(LEVEL) * deviation
        return cls(value=mean, low=mean - reach, high=mean + reach)


class ActionPrice(FrozenConfig):
    """Cost and effect of one action; everything else about it stands in the catalogue.

    Parameters
    ----------
    action : str
        Id of the action in the catalogue.
    cost : float
        Cost per customer treated [money].
    effect : EffectSize, optional
        What it brings with customers who are there. None = not known.
    win_back : EffectSize, optional
        What it brings with customers who are gone. None = not known.
    trials : int, default 0
        Trials read so far. After the first it must be surer that the action pays.

    Examples
    --------
    >>> from retainkit.policy import ActionPrice, EffectSize
    >>> price = ActionPrice(action="win_back_offer", cost=4.0,
    ...                     win_back=EffectSize(value=0.08, low=0.02, high=0.14))
    >>> price.break_even(50.0)  # pays with a customer worth 50 if it brings back 8 in 100
    0.08
    """

    action: Identifier
    cost: NonNegativeFloat
    effect: EffectSize | None = None
    win_back: EffectSize | None = None
    trials: Annotated[int, Field(ge=0)] = 0

    def break_even(self, worth: float) -> float:
        """Return the effect from which on it pays with a customer of this worth [money]."""
        return self.cost / worth if worth > 0.0 else float("inf")


class PricedEffects(NamedTuple):
    """Effects [money] of the priced actions per customer (axis 0) and action (axis 1)."""

    actions: tuple[str, ...]
    mean: FloatArray
    deviation: FloatArray
    cost: FloatArray
    """Of each action [money]."""
    needed: FloatArray
    """Of each action: probability to pay that is asked for."""

    @property
    def sure(self) -> BoolArray:
        """Whether it is sure enough that an action pays with a customer; NaN effects are not."""
        chance = _kernel.chance_to_pay(self.mean - self.cost, self.deviation)
        enough: BoolArray = np.asarray(chance >= self.needed)
        return enough & ~np.isnan(self.mean)


def price_effects(
    prices: Sequence[ActionPrice], worth: FloatArray, is_lost: BoolArray
) -> PricedEffects:
    """Return what each priced action brings with each customer [money].

    `worth` is what a customer brings when active [money]; who is lost is judged by the effect on
    win-back. NaN where the effect of the action on such customers is not known.
    """
    n, m = worth.size, len(prices)
    trials = np.array([price.trials for price in prices], dtype=np.int64)
    mean, deviation = np.full((n, m), np.nan), np.full((n, m), np.nan)
    for column, price in enumerate(prices):
        for size, rows in ((price.effect, ~is_lost), (price.win_back, is_lost)):
            if size is not None:
                mean[rows, column] = size.value * worth[rows]
                deviation[rows, column] = size.deviation * np.abs(worth[rows])
    return PricedEffects(
        actions=tuple(price.action for price in prices),
        mean=mean,
        deviation=deviation,
        cost=np.array([price.cost for price in prices], dtype=np.float64),
        needed=_kernel.needed(trials, int(trials.max(initial=0))),
    )


def with_prices(catalog: MeasureCatalog, prices: Sequence[ActionPrice]) -> MeasureCatalog:
    """Return the catalogue with the costs of the priced actions.

    Raises
    ------
    SchemaError
        If an action is not in the catalogue, or priced twice.
    """
    names = [price.action for price in prices]
    if len(set(names)) < len(names):
        raise SchemaError(
            f"prices for {sorted({x for x in names if names.count(x) > 1})} more than once",
            rule="an action has one price",
            where="prices",
        )
    return catalog.with_measures(
        *(
            catalog.measure(price.action).replace(cost=CostModel(per_customer=price.cost))
            for price in prices
        )
    )
