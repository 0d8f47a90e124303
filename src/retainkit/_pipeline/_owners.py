"""Appraise account owners: two runs compared by who answers for each customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retainkit.errors import SchemaError
from retainkit.scorecard import OwnerAppraisal, appraise_owners
from retainkit.tables import align_customer_ids
from retainkit.typing import FloatArray

if TYPE_CHECKING:
    from retainkit._pipeline._result import RetentionResult
    from retainkit._pipeline._scores import CustomerScores


def appraise(
    before: RetentionResult | None,
    after: CustomerScores,
    customers: pd.DataFrame | None,
    owner_column: str | None,
) -> OwnerAppraisal | None:
    """Appraise owners on the customers of the run before; None without one or without owners.

    Kept: not gone by now, of those who had not gone then. Comparable: the same tier then.
    Movement: tiers risen. Profit: contribution since then.
    """
    if before is None or owner_column is None or customers is None:
        return None
    if owner_column not in customers.columns:
        raise SchemaError(
            f"owner_column is {owner_column!r}, and no trait has this name",
            rule="owners are a trait of the customers table",
            where="PipelineConfig.owner_column",
            fix=f"CustomerColumns(traits=({owner_column!r},)) keeps the column",
        )
    then, now = before.customers.scores, after
    at_risk = np.flatnonzero(~then.churn.churned & ~then.history.never_purchased)
    ids = then.customer_id[at_risk]
    place = align_customer_ids(ids, now.customer_id)
    known = place >= 0
    owner = np.full(len(ids), None, dtype=object)
    found = align_customer_ids(ids, pd.Index(customers["customer_id"]))
    names = customers[owner_column].astype(object).to_numpy()
    owner[found >= 0] = names[found[found >= 0]]
    return appraise_owners(
        owner,
        np.where(known, 1.0 - now.churn.churned[place], np.nan),
        stratum=np.array(then.tiers.scheme.names)[then.tiers.value_tier[at_risk]],
        movement=_steps_up(then.tiers.value_tier[at_risk], now.tiers.value_tier[place], known),
        profit=np.where(
            known, now.history.contribution[place] - then.history.contribution[at_risk], np.nan
        ),
    )


def _steps_up(before: Any, after: Any, known: Any) -> FloatArray:
    """Return the tiers each customer has risen; below 0 fallen, NaN where not known."""
    return np.where(known, before.astype(np.float64) - after, np.nan)
