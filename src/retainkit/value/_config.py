"""What value, RFM and behavior may be set to, and the words of the room."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from retainkit._core.config import FrozenConfig
from retainkit._core.labels import Label
from retainkit._core.time import DAYS_PER_YEAR
from retainkit.typing import NonNegativeFloat, PositiveFloat, PositiveInt, Rate


class ValueCriterion(StrEnum):
    """The four criteria by which a customer's value is judged, in order of the score's parts."""

    HISTORICAL_CONTRIBUTION = "historical_contribution"
    BUSINESS_BREADTH = "business_breadth"
    FUTURE_POTENTIAL = "future_potential"
    BACKGROUND = "background"


CRITERION_LABELS: Final = MappingProxyType(
    {
        ValueCriterion.HISTORICAL_CONTRIBUTION: Label(
            en="Historical contribution", zh="历史贡献额"
        ),
        ValueCriterion.BUSINESS_BREADTH: Label(en="Business breadth", zh="业务综合性"),
        ValueCriterion.FUTURE_POTENTIAL: Label(en="Future potential", zh="未来的潜力"),
        ValueCriterion.BACKGROUND: Label(en="Background", zh="客户的背景"),
    }
)
"""Display names of the criteria."""

SCORED: Final = "scored"
VALUE_REASONS: Final = (
    SCORED,
    "not_supplied",
    "no_weight",
    "no_threshold",
    "never_purchased",
    "no_business_line",
    "not_a_business",
    "not_known",
)
"""Why a criterion is (not) scored for a customer; a table stores positions in this tuple."""


class BehaviorConfig(FrozenConfig):
    """How rhythm and trend are measured.

    Parameters
    ----------
    trend_days : int, default 90
        Length of the two windows whose spending is compared [day]; a customer younger than both
        has no trend.
    trend_level : float, default 0.95
        Probability of the trend's interval.
    """

    trend_days: PositiveInt = 90
    trend_level: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.95


class CriterionConfig(FrozenConfig):
    """Weight of one criterion of value and the amount a customer must exceed to pass it.

    Parameters
    ----------
    weight : float, default 1.0
        Relative weight; weights are shared out among the criteria that apply to a customer.
    threshold : float, optional
        Absolute amount, in the unit of the criterion, never negative.
    quantile : float, optional
        Share of the base (in [0, 1]) that the threshold shall be above; the amount is learnt once
        by `fit_value_scheme` and then reused. Exactly one of the two is given.
    """

    weight: NonNegativeFloat = 1.0
    threshold: NonNegativeFloat | None = None
    quantile: Rate | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        """Refuse both or neither of threshold and quantile."""
        if (self.threshold is None) == (self.quantile is None):
            raise ValueError("give either threshold (an amount) or quantile (a share), not both")
        return self


class ValueConfig(FrozenConfig):
    """How the four criteria of value are measured and weighed.

    Parameters
    ----------
    historical_contribution : CriterionConfig
        Yearly contribution so far [money/year]; default weight 0.35, above 80 % of the base.
    business_breadth : CriterionConfig
        Distinct business lines; default weight 0.15, more than 1.
    future_potential : CriterionConfig
        Expected future value [money]; default weight 0.40, above 80 % of the base.
    background : CriterionConfig
        Strategic facts of business customers; default weight 0.10, more than 0.
    margin_rate : float, optional
        Profit per unit of revenue to *assume* where the transactions carry no profit; None counts
        the future in revenue. Ignored where profit is known.
    min_relation_days : float, default 365.25
        A shorter relation is counted as this long [day] when contribution is taken per year: with
        the default a customer of three weeks is credited with what it brought, not with 17 times
        that; growth is the business of `future_potential`.

    Examples
    --------
    >>> from retainkit.value import ValueConfig
    >>> ValueConfig().replace(margin_rate=0.3).future_potential.quantile
    0.8
    """

    historical_contribution: CriterionConfig = CriterionConfig(weight=0.35, quantile=0.8)
    business_breadth: CriterionConfig = CriterionConfig(weight=0.15, threshold=1.0)
    future_potential: CriterionConfig = CriterionConfig(weight=0.40, quantile=0.8)
    background: CriterionConfig = CriterionConfig(weight=0.10, threshold=0.0)
    margin_rate: Rate | None = None
    min_relation_days: PositiveFloat = DAYS_PER_YEAR

    def with_weights(self, weights: Mapping[str, float]) -> Self:
        """Return a copy with the weights of the criteria replaced.

        Parameters
        ----------
        weights : mapping of str to float
            By criterion, for example of `judge_weights` or `entropy_weights`; a criterion that is
            not named gets weight 0.

        Returns
        -------
        ValueConfig
            The same thresholds.

        Raises
        ------
        ValueError
            If a name is not one of the four criteria, or all weights are 0.

        Examples
        --------
        >>> from retainkit.value import ValueConfig
        >>> config = ValueConfig().with_weights({"future_potential": 1.0})
        >>> config.future_potential.weight, config.background.weight
        (1.0, 0.0)
        """
        criteria = [criterion.value for criterion in ValueCriterion]
        unknown = set(weights) - set(criteria)
        if unknown:
            raise ValueError(f"{sorted(unknown)} are no criteria; these are: {criteria}")
        changes = {
            name: getattr(self, name).replace(weight=float(weights.get(name, 0.0)))
            for name in criteria
        }
        return self.replace(**changes)

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        """Refuse weights that are all 0."""
        criteria = (self.historical_contribution, self.business_breadth)
        if not any(c.weight for c in (*criteria, self.future_potential, self.background)):
            raise ValueError("at least one criterion needs a weight greater than 0")
        return self


class RfmConfig(FrozenConfig):
    """How recency, frequency and money are cut into scores.

    Parameters
    ----------
    bins : int, default 5
        Number of scores, 2 to 9: 1 is the lowest, `bins` the highest.
    money : {"total_amount", "mean_amount", "contribution"}, default "total_amount"
        Purchases net of returns, mean amount per occasion, or profit where known (else the first).
    """

    bins: Annotated[int, Field(ge=2, le=9)] = 5
    money: Literal["total_amount", "mean_amount", "contribution"] = "total_amount"
