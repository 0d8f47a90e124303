"""The whole table of stances, to be read: state x tier x standing x potential."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit.policy import _kernel
from retainkit.policy._config import PolicyConfig
from retainkit.policy._vocabulary import (
    CONTACTS,
    EVIDENCE,
    POTENTIALS,
    RELATIONS,
    RISKS,
    STANCES,
    STANDINGS,
    TIER_ROLES,
    Contact,
    Evidence,
    RiskBand,
)


def tabulate_stances(
    config: PolicyConfig | None = None,
    *,
    contact: Contact = "all",
    evidence: Evidence = "ranked",
    risk: RiskBand = "unknown",
) -> pd.DataFrame:
    """Return the stance of every customer there can be: the rules as one total table.

    Parameters
    ----------
    config : PolicyConfig, optional
        The rules; default `PolicyConfig()`.
    contact : {"all", "service_only", "none"}, default "all"
        What the customers may be contacted for.
    evidence : {"ranked", "too_few", "not_ranked", "too_large", "guarded"}, default "ranked"
        Whether something may be taken away.
    risk : {"low", "medium", "high", "unknown"}, default "unknown"
        Band of the churn probability.

    Returns
    -------
    pandas.DataFrame
        One row per relation, tier and standing: the stance with potential "yes", "no", "unknown".

    Examples
    --------
    >>> from retainkit.policy import tabulate_stances
    >>> table = tabulate_stances()
    >>> len(table), table[["yes", "no", "unknown"]].notna().all().all()
    (72, np.True_)
    >>> table.query("relation == 'present' and standing == 'good'").drop(columns="standing")
       relation      tier      yes         no   unknown
    18  present       key  protect    protect   protect
    21  present  ordinary  develop   maintain  maintain
    24  present     small  nurture  economise  maintain
    """
    rules = config or PolicyConfig()
    shape = (*_kernel.SITUATION_SHAPE, *_kernel.STATE_SHAPE)
    stances = np.array([stance.value for stance in STANCES], dtype=object)[rules.stance_by_case]
    at = stances.reshape(shape)[
        :, CONTACTS.index(contact), EVIDENCE.index(evidence), ..., RISKS.index(risk)
    ]
    rows = pd.MultiIndex.from_product(
        [RELATIONS, TIER_ROLES, STANDINGS], names=["relation", "tier", "standing"]
    )
    frame = pd.DataFrame(at.reshape(len(rows), len(POTENTIALS)), index=rows, columns=POTENTIALS)
    return frame.reset_index()
