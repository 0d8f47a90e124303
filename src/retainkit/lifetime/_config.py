"""What a user chooses about a fit, and which columns a history is read from."""

from __future__ import annotations

from retainkit._core.config import FrozenConfig
from retainkit.typing import PositiveFloat, PositiveInt


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

    Examples
    --------
    >>> from retainkit.lifetime import HistoryColumns
    >>> HistoryColumns(age="T").age
    'T'
    """

    frequency: str = "frequency"
    recency: str = "recency"
    age: str = "age"
