"""MeasureCondition: what a customer must meet for a measure, as typed data."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from retainkit._core.config import FrozenConfig
from retainkit.churn import ChurnCause
from retainkit.policy._vocabulary import (
    Breadth,
    Complaint,
    LossReason,
    Phase,
    PotentialState,
    Relation,
    Renewal,
    RiskBand,
    StageName,
    StandingName,
)

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""A stable name: lower-case letters, digits and underscores."""


class MeasureCondition(FrozenConfig):
    """Facts a customer must meet, beyond tier and stance; an empty tuple asks nothing.

    A condition on something that is not known of a customer is not met.

    Parameters
    ----------
    standings : tuple of {"good", "watch", "bad"}
        Standings for which the measure is allowed.
    potentials : tuple of {"yes", "no", "unknown"}
        Potentials for which it is allowed.
    risks : tuple of {"low", "medium", "high", "unknown"}
        Bands of the churn probability for which it is allowed.
    relations : tuple of {"prospect", "new", "present", "quiet", "unanswered", "recoverable", \
"gone", "ended"}
        States of the relation for which it is allowed.
    complaints : tuple of {"open", "none"}
        Whether a complaint is open.
    causes : tuple of ChurnCause
        Why the customer left.
    loss_reasons : tuple of {"price_or_product", "mix", "returns", "service"}
        What costs an unprofitable customer most.
    stages : tuple of {"prospect", "new", "growing", "mature", "declining", "lapsed", "won_back"}
        Lifecycle stages.
    phases : tuple of {"before", "during", "after", "between"}
        Where the customer is in its rhythm of purchases.
    breadths : tuple of {"one_line", "several_lines"}
        How many business lines it buys from.
    renewals : tuple of {"due", "later"}
        Whether its contract can end soon.
    potential_reasons : tuple of str
        Why it has potential or none, by id (`PotentialTable.reason_names`).
    channels : tuple of str
        Channels, by the firm's own names (upper and lower case are the same).

    Examples
    --------
    >>> from retainkit.policy import MeasureCondition
    >>> MeasureCondition(risks=("high",)).standings
    ()
    >>> MeasureCondition(complaints=("open",), channels=("branch",)).facts
    {'complaint': ('open',), 'channel': ('branch',)}
    """

    standings: tuple[StandingName, ...] = ()
    potentials: tuple[PotentialState, ...] = ()
    risks: tuple[RiskBand, ...] = ()
    relations: tuple[Relation, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    causes: tuple[ChurnCause, ...] = ()
    loss_reasons: tuple[LossReason, ...] = ()
    stages: tuple[StageName, ...] = ()
    phases: tuple[Phase, ...] = ()
    breadths: tuple[Breadth, ...] = ()
    renewals: tuple[Renewal, ...] = ()
    potential_reasons: tuple[Identifier, ...] = ()
    channels: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, tuple[str, ...]]:
        """What is asked beyond the case, by fact."""
        asked: dict[str, tuple[str, ...]] = {
            "complaint": self.complaints,
            "cause": tuple(str(cause) for cause in self.causes),
            "loss_reason": self.loss_reasons,
            "stage": self.stages,
            "phase": self.phases,
            "breadth": self.breadths,
            "renewal": self.renewals,
            "potential_reason": self.potential_reasons,
            "channel": self.channels,
        }
        return {fact: words for fact, words in asked.items() if words}
