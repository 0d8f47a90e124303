"""The four criteria of value and the reasons why one may not be scored: data only."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from retainkit._core.labels import Label


class ValueCriterion(StrEnum):
    """The four criteria by which a customer's value is judged, in order of the score's parts.

    Examples
    --------
    >>> from retainkit.value import ValueCriterion
    >>> [str(criterion) for criterion in ValueCriterion]
    ['historical_contribution', 'business_breadth', 'future_potential', 'background']
    """

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
