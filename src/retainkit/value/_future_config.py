"""What a user chooses about the estimate of future value, and what the choice rests on."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from retainkit._core.config import FrozenConfig
from retainkit.typing import PositiveFloat, PositiveInt

BuiltInEstimator: TypeAlias = Literal["two_part", "blend", "lifetime", "spend", "spend_rate"]
"""Ways to estimate what a customer will bring; the first is preferred where evidence is equal."""

FutureEstimator: TypeAlias = BuiltInEstimator | Literal["regressor"]
"""The built-in estimators and the one the user brought."""

FutureReason: TypeAlias = Literal[
    "evidence",
    "only_candidate",
    "history_too_short",
    "too_few_customers",
    "too_few_buyers",
    "lifetime_not_computable",
]
"""Why an estimator was chosen; all but "evidence" mean that the lifetime model alone is used."""


class FutureValueConfig(FrozenConfig):
    """How the estimate of future value is chosen on a base.

    Parameters
    ----------
    candidates : tuple of str
        Estimators that may be chosen, in order of preference where the evidence does not tell
        them apart: "two_part" (a regression of buying at all and of the amount, on the history
        and on the lifetime model's own output), "blend" (geometric mean of it, the lifetime model
        and past spend), "lifetime" (the lifetime model alone), "spend" (net spend so far),
        "spend_rate" (net spend per day).
    top_share : float, default 0.2
        Evidence is how many of the best customers were foreseen, and the money of those foreseen;
        this is their share.
    ridge : float, default 10.0
        Penalty on the standardised coefficients, in units of customers.
    window_days : float, optional
        Length of the training window [day]; None takes half of the observed time, at most the
        horizon asked for.
    origins : int, default 3
        From how many past days the candidates are tried, as far as the observed time allows.
    min_customers : int, default 200
        With fewer customers in a training window the lifetime model alone is used.
    min_buyers : int, default 50
        With fewer of them buying in it, likewise.
    max_customers : int, default 100000
        A larger base learns from this many customers, drawn by a hash of their id; each origin
        sees its part of that number.

    Examples
    --------
    >>> from retainkit.value import FutureValueConfig
    >>> FutureValueConfig().candidates[0]
    'two_part'
    """

    candidates: Annotated[tuple[BuiltInEstimator, ...], Field(min_length=1)] = (
        "two_part",
        "blend",
        "lifetime",
        "spend",
        "spend_rate",
    )
    top_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    ridge: PositiveFloat = 10.0
    window_days: PositiveFloat | None = None
    origins: PositiveInt = 3
    min_customers: PositiveInt = 200
    min_buyers: PositiveInt = 50
    max_customers: PositiveInt = 100_000


class EstimatorEvidence(FrozenConfig):
    """How well one estimator found the best customers of past windows.

    Parameters
    ----------
    estimator : str
        Which one.
    found : float
        Share of the customers who turned out to be the top that it placed at the top, mean over
        the origins.
    captured : float
        Share of all money of the window that its top brought, mean over the origins.
    behind : float
        How much less than the best estimator it found and captured, mean of the two (0 for the
        best).
    standard_error : float
        Standard error of `behind` over customers (linearised ratio, clustered by customer).
    level : float
        Money it expected of all customers, over what they brought, geometric mean over the
        origins: above 1 it promised too much.
    levels : tuple of float
        The same at each origin, the latest first.
    correction : float
        Factor applied to the estimate if it is chosen: 1 unless the levels agree on a bias.

    Examples
    --------
    >>> from retainkit.value import EstimatorEvidence
    >>> EstimatorEvidence(
    ...     estimator="spend", found=0.5, captured=0.66, behind=0.02, standard_error=0.01,
    ...     level=1.1).captured
    0.66
    """

    estimator: FutureEstimator
    found: float
    captured: float
    behind: float
    standard_error: float
    level: float
    levels: tuple[float, ...] = ()
    correction: PositiveFloat = 1.0
