"""What sentences and lists need to know of scored customers; `CustomerScores` offers it."""

from __future__ import annotations

from typing import Any, Protocol

import pandas as pd

from retainkit._pipeline._facts import CustomerFacts
from retainkit._pipeline._models import Models
from retainkit.churn import StateTable
from retainkit.policy import DecisionTable
from retainkit.tiers import TierTable
from retainkit.typing import FloatArray
from retainkit.value import CustomerSummary


class Scores(Protocol):
    """Row-wise results about the same customers in the same order."""

    def __len__(self) -> int: ...

    @property
    def customer_id(self) -> pd.Index[Any]:
        """The customers."""

    @property
    def history(self) -> CustomerSummary:
        """What the transactions say."""

    @property
    def tiers(self) -> TierTable:
        """Tier and standing."""

    @property
    def states(self) -> StateTable:
        """State of the relation."""

    @property
    def policy(self) -> DecisionTable:
        """Stance and action."""

    @property
    def models(self) -> Models | None:
        """What was learnt."""

    @property
    def facts(self) -> CustomerFacts | None:
        """What else was known."""

    @property
    def expected_value(self) -> FloatArray:
        """Money within the horizon [money]."""
