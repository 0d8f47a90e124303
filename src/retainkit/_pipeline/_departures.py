"""How customers leave: by tier, by month, by cause over the time since they joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from retainkit._core.time import from_day_numbers
from retainkit._pipeline._scores import CustomerScores
from retainkit.churn import (
    CauseBreakdown,
    CauseTable,
    ChurnTable,
    IncidenceTable,
    SpellTable,
    break_down_causes,
    cross_causes,
    cumulative_incidence,
    find_cause_alerts,
    label_spells,
)
from retainkit.contracts._spells import NO_DAY
from retainkit.tables import align_customer_ids

_OTHER = "unlabelled"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Departures:
    """The losses seen from four sides.

    Parameters
    ----------
    by_tier : pandas.DataFrame
        Losses per cause within each tier (`cross_causes`).
    by_month : Mapping of str to CauseBreakdown
        Losses per cause by the month they were recognised in; empty where leaving is not seen.
    alerts : pandas.DataFrame or None
        Causes whose share in the last complete month with a loss moved beyond chance; None with
        fewer than two months.
    incidence : IncidenceTable or None
        Probability of having left for each cause by the time since joining; None without
        contracts.

    Examples
    --------
    >>> import pandas as pd
    >>> import retainkit as rk
    >>> contracts = pd.DataFrame({
    ...     "customer_id": [1, 2, 3, 4, 5], "amount": 9.0, "start": "2025-01-01",
    ...     "end": ["2025-03-01", "2025-04-01", "2025-04-01", "", ""]})
    >>> events = pd.DataFrame({"customer_id": [1, 2], "kind": ["complaint", "relocation"],
    ...                        "timestamp": ["2025-02-20", "2025-03-20"]})
    >>> result = rk.RetentionPipeline().run(contracts=contracts, events=events, as_of="2025-12-31")
    >>> result.departures.incidence.at([60, 180])[["survival", "incidence(active.fault)"]]
       survival  incidence(active.fault)
    0       0.8                      0.2
    1       0.4                      0.2
    """

    by_tier: pd.DataFrame
    by_month: Mapping[str, CauseBreakdown]
    alerts: pd.DataFrame | None
    incidence: IncidenceTable | None


def examine_departures(
    causes: CauseTable | None,
    scores: CustomerScores,
    churn: ChurnTable | None,
    spells: SpellTable | None,
) -> Departures | None:
    """Look at the losses by tier, month and time since joining; None without any."""
    if causes is None or not len(causes):
        return None
    by_month = _by_month(causes, churn)
    after = scores.history.as_of + timedelta(days=1)
    complete = {month: found for month, found in by_month.items() if month < f"{after:%Y-%m}"}
    alerts = None
    if len(complete) > 1:
        alerts = find_cause_alerts(list(complete.values()), names=list(complete))
    return Departures(
        by_tier=cross_causes(
            causes, by=_tiers(causes, scores), value=worth_of_lost(causes, scores)
        ),
        by_month=by_month,
        alerts=alerts,
        incidence=None if spells is None else _incidence(causes, spells),
    )


def _tiers(causes: CauseTable, scores: CustomerScores) -> pd.Categorical[Any]:
    """Return the value tier of each customer who left; "unlabelled" for who was never graded."""
    tiers = scores.tiers
    names = [*tiers.scheme.names, _OTHER]
    place = align_customer_ids(causes.customer_id, scores.customer_id)
    code = np.where(place >= 0, tiers.value_tier[place], len(names) - 1)
    used = names if (place < 0).any() else names[:-1]
    return pd.Categorical.from_codes(code, categories=pd.Index(used), ordered=True)


def worth_of_lost(causes: CauseTable, scores: CustomerScores) -> Any:
    """Return what each customer who left had brought [money]; NaN where not known."""
    place = align_customer_ids(causes.customer_id, scores.customer_id)
    return np.where(place >= 0, scores.history.contribution[place], np.nan)


def _by_month(causes: CauseTable, churn: ChurnTable | None) -> dict[str, CauseBreakdown]:
    """Break the losses down by the month in which they were recognised."""
    if churn is None or churn.effective_day is None:
        return {}
    days = churn.effective_day[churn.customer_id.get_indexer(causes.customer_id)]
    known = days != NO_DAY
    months = from_day_numbers(np.where(known, days, 0)).astype("datetime64[M]").astype(str)
    month = months.astype(object)
    month[~known] = None
    return break_down_causes(causes, by=month)


def _incidence(causes: CauseTable, spells: SpellTable) -> IncidenceTable:
    """Estimate the incidence of each cause over the time since joining."""
    return cumulative_incidence(spells.duration, cause=label_spells(spells, causes=causes))
