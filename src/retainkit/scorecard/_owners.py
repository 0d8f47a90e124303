"""appraise_runs: what became of each owner's customers between two assessments."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from retainkit.churn import ChurnTable
from retainkit.scorecard._appraisal import OwnerAppraisal, appraise_owners
from retainkit.tables import align_customer_ids, align_values
from retainkit.tiers import TierTable
from retainkit.value import CustomerSummary


class AssessedCustomers(Protocol):
    """Summary, tiers and churn of the same customers in the same order."""

    @property
    def history(self) -> CustomerSummary:
        """What they bought."""

    @property
    def tiers(self) -> TierTable:
        """How they were graded."""

    @property
    def churn(self) -> ChurnTable:
        """Who had left."""


def appraise_runs(
    before: AssessedCustomers, after: AssessedCustomers, *, owner: pd.Series
) -> OwnerAppraisal:
    """Appraise account owners on what became of their customers between two assessments.

    Parameters
    ----------
    before, after : AssessedCustomers
        For example the `scores` of two runs: `history`, `tiers` and `churn` of the same customers
        in the same order.
    owner : pandas.Series
        Who answers for each customer, by customer id; missing = nobody.

    Returns
    -------
    OwnerAppraisal
        Of the customers who had bought and not left at the first assessment. Kept: not left by the
        second. Comparable: in the same tier then. Movement: tiers risen. Profit: contribution
        since. Customers who are not in the second assessment are not known.

    Examples
    --------
    >>> import pandas as pd
    >>> import retainkit as rk
    >>> from retainkit.scorecard import appraise_runs
    >>> purchases, pipeline = rk.load_cdnow_sample(), rk.RetentionPipeline()
    >>> before = pipeline.run(purchases, as_of="1997-12-31")
    >>> after = pipeline.run(purchases, as_of="1998-06-30")
    >>> owner = pd.Series("Li", index=before.tiers.customer_id)
    >>> appraise_runs(before.scores, after.scores, owner=owner)
    <OwnerAppraisal: 1 owners; next: .summary(); read FAIRNESS_NOTE before judging anybody>
    """
    at_risk = np.flatnonzero(~before.churn.churned & ~before.history.never_purchased)
    ids = before.tiers.customer_id[at_risk]
    place = align_customer_ids(ids, after.tiers.customer_id)
    known = place >= 0
    tier_then, tier_now = before.tiers.value_tier[at_risk], after.tiers.value_tier[place]
    earned = after.history.contribution[place] - before.history.contribution[at_risk]
    return appraise_owners(
        align_values(owner.astype(object), owner.index, to=ids, missing=None),
        np.where(known, 1.0 - after.churn.churned[place], np.nan),
        stratum=np.array(before.tiers.scheme.names)[tier_then],
        movement=np.where(known, tier_then.astype(np.float64) - tier_now, np.nan),
        profit=np.where(known, earned, np.nan),
    )
