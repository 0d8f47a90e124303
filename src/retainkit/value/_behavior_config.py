"""What a user chooses about consumption behaviour."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from retainkit._core.config import FrozenConfig
from retainkit.typing import PositiveInt


class BehaviorConfig(FrozenConfig):
    """How rhythm and trend are measured.

    Parameters
    ----------
    trend_days : int, default 90
        Length of the two windows whose spending is compared [day]; a customer younger than both
        has no trend.
    trend_level : float, default 0.95
        Probability of the trend's interval.

    Examples
    --------
    >>> from retainkit.value import BehaviorConfig
    >>> BehaviorConfig(trend_days=182).trend_days
    182
    """

    trend_days: PositiveInt = 90
    trend_level: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.95
