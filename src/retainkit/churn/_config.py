"""What a user may choose: detection and attribution."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from retainkit._core.config import FrozenConfig
from retainkit.churn._causes import ChurnCause, EvidenceSource
from retainkit.typing import NonNegativeFloat, PositiveFloat, Rate


class DetectionConfig(FrozenConfig):
    """Say from which probability on a customer counts as gone.

    Parameters
    ----------
    threshold : float, default 0.5
        A customer counts as gone where its probability of having left is at least this [share].

    Examples
    --------
    >>> from retainkit.churn import DetectionConfig
    >>> DetectionConfig(threshold=0.8).threshold
    0.8
    """

    threshold: Rate = 0.5


class SourceWeights(FrozenConfig):
    """Weigh the sources of evidence against each other.

    Parameters
    ----------
    verified : float, default 1
        A fact established by ruling or record: fraud, death, number porting.
    record : float, default 0.8
        A complaint, dispute or contract record.
    survey : float, default 0.6
        What the customer said on leaving.
    agent : float, default 0.4
        What staff noted.
    behaviour : float, default 0.3
        What was observed, such as a declined payment.
    model : float, default 0.2
        What a model predicted.

    Examples
    --------
    >>> from retainkit.churn import SourceWeights
    >>> SourceWeights(agent=0.5).of("agent")
    0.5
    """

    verified: NonNegativeFloat = 1.0
    record: NonNegativeFloat = 0.8
    survey: NonNegativeFloat = 0.6
    agent: NonNegativeFloat = 0.4
    behaviour: NonNegativeFloat = 0.3
    model: NonNegativeFloat = 0.2

    def of(self, source: EvidenceSource | str) -> float:
        """Return the weight of one source."""
        return float(getattr(self, EvidenceSource(source).value))


class AttributionConfig(FrozenConfig):
    """Say how evidence is weighed and when the attribution abstains.

    Parameters
    ----------
    source_weights : SourceWeights
        Weight of each source.
    half_life_days : float, default 90
        Age at which evidence counts half [day].
    window_days : float, default 365
        Evidence older than this is stale and set aside [day].
    late_days : float, default 180
        Evidence dated longer than this after the day the customer left is late and set aside
        [day].
    missed_payment_days : float, default 90
        A missed payment older than this did not end the relation [day].
    settled_factor : float, default 0.25
        What is left of a complaint's weight once it is settled [share].
    malicious_chargebacks : int, default 2
        Chargebacks from this number on speak of malice, fewer of retaliation.
    price_cause : ChurnCause, default active.natural
        Leaf of a price reason with neither a competitor nor our own price rise behind it.
    abstain_weight : float, default 0.1
        Mass given to `unknown` beside the evidence; evidence that weighs less is too weak.
    min_margin : float, default 0.1
        Lead in probability that the first leaf needs over the second [share].

    Examples
    --------
    >>> from retainkit.churn import AttributionConfig
    >>> AttributionConfig(half_life_days=30).min_margin
    0.1
    """

    source_weights: SourceWeights = SourceWeights()
    half_life_days: PositiveFloat = 90.0
    window_days: PositiveFloat = 365.0
    late_days: PositiveFloat = 180.0
    missed_payment_days: PositiveFloat = 90.0
    settled_factor: Rate = 0.25
    malicious_chargebacks: Annotated[int, Field(ge=1)] = 2
    price_cause: Literal[ChurnCause.ACTIVE_NATURAL, ChurnCause.ACTIVE_FAULT] = (
        ChurnCause.ACTIVE_NATURAL
    )
    abstain_weight: PositiveFloat = 0.1
    min_margin: Rate = 0.1
