"""What a user may choose: detection and attribution."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from retainkit._core.config import FrozenConfig
from retainkit.churn.causes._taxonomy import ChurnCause, EvidenceSource
from retainkit.typing import NonNegativeFloat, PositiveFloat, PositiveInt, Rate


class DetectionConfig(FrozenConfig):
    """Say from which probability on a customer counts as gone.

    Parameters
    ----------
    threshold : float, default 0.5
        A customer counts as gone where its probability of having left is at least this [share].
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


class StateConfig(FrozenConfig):
    """Say where one state of a relation ends and the next begins.

    Parameters
    ----------
    gone_below, gone_kept : float, default 0.15 and 0.35
        Gone: the chance of a purchase within the window is below the first, and below this share
        of what it was on the day of the last purchase.
    gone_surely_below, gone_gaps : float, default 0.10 and 2
        Gone too: the chance is below the first and the silence is longer than this many mean
        gaps of the base. Who bought once never had a high chance to lose.
    quiet_kept : float, default 0.6
        Quiet: the chance is below this share of what it was.
    quiet_below, quiet_gaps : float, default 0.5 and 2.3
        Quiet too: the chance is below the first and the silence is longer than this many own
        gaps; 9 of 10 exponential gaps are shorter than 2.3 mean gaps.
    new_gaps : float, default 1
        New: the first purchase is at most this many mean gaps of the base ago.
    back_at_most : float, default 0.20
        "Gone" is used where the 95 % upper limit of the share that came back is at most this.
    quiet_at_most : float, default 0.7
        "Quiet" is used where those called so came back at most this many times as often as those
        present, and the 95 % upper limit of that ratio is below 1.
    least_checked : int, default 20
        Customers called so at earlier origins, from which on a claim can be checked.
    """

    gone_below: Rate = 0.15
    gone_kept: Rate = 0.35
    gone_surely_below: Rate = 0.10
    gone_gaps: PositiveFloat = 2.0
    quiet_kept: Rate = 0.6
    quiet_below: Rate = 0.5
    quiet_gaps: PositiveFloat = 2.3
    new_gaps: PositiveFloat = 1.0
    back_at_most: Rate = 0.20
    quiet_at_most: Rate = 0.7
    least_checked: PositiveInt = 20

    @model_validator(mode="after")
    def _gone_is_further(self) -> Self:
        if self.gone_below > self.quiet_below or self.gone_kept > self.quiet_kept:
            raise ValueError("gone asks for less chance than quiet: lower gone_below or gone_kept")
        return self
