"""What a run takes over from the one before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retainkit._core.time import to_day_numbers
from retainkit._pipeline._attempts import Attempts
from retainkit.churn import StateTable
from retainkit.policy import ActionPlan, ActionPrice
from retainkit.policy._plan_carry import rounds_tried
from retainkit.tables import align_customer_ids
from retainkit.tiers import TierState, TierTable

if TYPE_CHECKING:
    from retainkit._pipeline._fitted import FittedPipeline


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PreviousRun:
    """What a run takes over from the one before: the parts of its result, or of its files.

    Parameters
    ----------
    tiers : TierTable, TierState or None
        Tiers: they change on evidence only. A table is compared with the tiers of the run.
    states : StateTable or None
        States: without a purchase nobody moves nearer.
    plan : ActionPlan or None
        The list of actions: it lives on, and is read when its trial is over.
    prices : tuple of ActionPrice
        What its trials have taught; costs of the configuration go first.
    model : FittedPipeline or None
        What it learnt: its cuts are held, and its day and configuration known.

    Examples
    --------
    >>> from retainkit.pipeline import PreviousRun
    >>> PreviousRun().plan is None
    True
    """

    tiers: TierTable | TierState | None = None
    states: StateTable | None = None
    plan: ActionPlan | None = None
    prices: tuple[ActionPrice, ...] = ()
    model: FittedPipeline | None = None

    @property
    def attempts(self) -> Attempts | None:
        """Rounds in which each customer was asked to stay or return, by the plan; None without."""
        if self.plan is None or self.states is None or not len(self.plan):
            return None
        rows = self.plan.rows
        return Attempts(
            customer_id=pd.Index(rows["customer_id"]),
            count=np.minimum(rounds_tried(self.plan), 100).astype(np.int8),
            since=to_day_numbers(rows["first_raised"].to_numpy()).astype(np.int32),
        )

    def aligned(self, customer_id: pd.Index[Any]) -> PreviousRun:
        """Return it with the ids of a run, where they were read from a file as text."""

        def known(ids: pd.Index[Any]) -> pd.Index[Any]:
            if ids.dtype == customer_id.dtype:
                return ids
            place = align_customer_ids(ids, customer_id)
            told = customer_id.to_numpy(dtype=object)[np.maximum(place, 0)]
            return pd.Index(np.where(place >= 0, told, ids.to_numpy(dtype=object)))

        plan, states = self.plan, self.states
        if plan is not None and len(plan):
            rows = plan.rows
            plan = replace(
                plan, written=rows.assign(customer_id=known(pd.Index(rows["customer_id"])))
            )
        if states is not None:
            states = replace(states, customer_id=known(states.customer_id))
        return replace(self, plan=plan, states=states)
