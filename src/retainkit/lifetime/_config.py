"""What fits and columns may be set to, and checks of arguments."""

from __future__ import annotations

import numpy as np

from retainkit._core.config import FrozenConfig
from retainkit._core.time import DAYS_PER_UNIT, DAYS_PER_YEAR
from retainkit.errors import NotComputableError
from retainkit.typing import PositiveFloat, PositiveInt, TimeUnit


class FitConfig(FrozenConfig):
    """How hard a maximum-likelihood fit tries, and when it is satisfied.

    Parameters
    ----------
    tolerance : float, default 1e-8
        Largest distance to the optimum that counts as converged, in standard errors: the Newton
        decrement sqrt(g' I^-1 g), which does not depend on scale, unit or number of customers.
    max_iterations : int, default 200
        Newton steps before the fit gives up with a `ConvergenceError`.
    prior_sd : float, optional
        Standard deviation of a normal prior on each log-parameter, centred on the starting values
        (which follow the observed rate, so that the unit of time does not matter). None, the
        default, is plain maximum likelihood. For small bases: 1 to 2 keeps parameters within a
        factor of about ten. The model carries the config, and its covariance is the posterior's;
        its log-likelihood stays that of the data alone.

    Examples
    --------
    >>> from retainkit.lifetime import FitConfig
    >>> FitConfig().replace(max_iterations=50).max_iterations
    50
    """

    tolerance: PositiveFloat = 1e-8
    max_iterations: PositiveInt = 200
    prior_sd: PositiveFloat | None = None


class HistoryColumns(FrozenConfig):
    """Names of the columns that hold a purchase history.

    Parameters
    ----------
    frequency : str, default "frequency"
        Repeat purchase occasions.
    recency : str, default "recency"
        Time from first to last purchase.
    age : str, default "age"
        Time from first purchase to `as_of`; "T" in frames made by lifetimes.
    """

    frequency: str = "frequency"
    recency: str = "recency"
    age: str = "age"


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
