"""How often a customer was asked in vain: three unanswered rounds end what is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import day_number
from retainkit.churn import StateTable
from retainkit.contracts._spells import NO_DAY
from retainkit.policy import DecisionTable, Stance
from retainkit.typing import BoolArray

MOST_ATTEMPTS = 3
_SHORTEST_ROUND = 30.0
"""Days a round lasts at least, however often a run is made [day]."""
_PAID = (Stance.RESCUE, Stance.WIN_BACK)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Attempts:
    """Rounds of rescue and win-back since each customer's last purchase.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers.
    count : numpy.ndarray of int8
        Rounds so far [count]; one of this run's own included.
    since : numpy.ndarray of int32
        Day the last round began [days since 1970-01-01]; int32 minimum: none has.

    Examples
    --------
    >>> import retainkit as rk
    >>> result = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> int(result.scores.attempts.count.max())
    1
    """

    customer_id: pd.Index[Any]
    count: npt.NDArray[np.int8]
    since: npt.NDArray[np.int32]

    @property
    def exhausted(self) -> BoolArray:
        """Who was asked three times in vain."""
        tried: BoolArray = self.count >= MOST_ATTEMPTS
        return tried


class HasAttempts(Protocol):
    """What is known of the last run; `CustomerScores` offers it."""

    @property
    def attempts(self) -> Attempts | None:
        """The rounds so far."""

    @property
    def states(self) -> StateTable | None:
        """The states then."""


def attempts_before(before: HasAttempts | None, states: StateTable) -> Attempts | None:
    """Return the rounds of earlier runs; a purchase since then ends the count."""
    if before is None or before.attempts is None or before.states is None:
        return None
    place = before.attempts.customer_id.get_indexer(states.customer_id)
    count = np.append(before.attempts.count, np.int8(0))[place]
    since = np.append(before.attempts.since, np.int32(NO_DAY))[place]
    with np.errstate(invalid="ignore"):
        last = day_number(states.as_of) - states.activity.silent
        answered = last > day_number(before.states.as_of)
    return Attempts(
        customer_id=states.customer_id,
        count=np.where(answered, np.int8(0), count),
        since=np.where(answered, np.int32(NO_DAY), since),
    )


def count_attempts(earlier: Attempts | None, states: StateTable, policy: DecisionTable) -> Attempts:
    """Add the round that this run asks for; within one round nothing is counted twice."""
    n, today = len(states), day_number(states.as_of)
    count = np.zeros(n, dtype=np.int8) if earlier is None else earlier.count
    since = np.full(n, NO_DAY, dtype=np.int32) if earlier is None else earlier.since
    length = max(_SHORTEST_ROUND, states.scheme.base_gap)
    asked = np.isin(policy.stance, [policy.stances.index(stance) for stance in _PAID])
    fresh = asked & ((since == NO_DAY) | (today - since.astype(np.int64) >= length))
    return Attempts(
        customer_id=states.customer_id,
        count=np.where(fresh, np.minimum(count + 1, 100), count).astype(np.int8),
        since=np.where(fresh, np.int32(today), since),
    )
