"""Small bases of known tier, standing and potential, built through the public functions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from retainkit.policy import PotentialTable
from retainkit.tiers import (
    ByCuts,
    StandingConfig,
    StandingTable,
    TierScheme,
    TierSchemeConfig,
    TierTable,
    assign_tiers,
    fit_tier_scheme,
)
from retainkit.typing import FloatArray

TIERS = ("key", "ordinary", "small")
STANDINGS = ("good", "watch", "bad")
POTENTIALS = ("yes", "no", "unknown")
# one reason of each state: reaches_next_tier, below_reach, value_not_computable
REASON_OF = {"yes": 0, "no": 5, "unknown": 8}
VALUE_OF = {"key": 2000.0, "ordinary": 500.0, "small": 50.0}


@dataclass(frozen=True)
class Churn:
    customer_id: pd.Index[Any]
    p_churned: FloatArray


@dataclass(frozen=True)
class Value:
    customer_id: pd.Index[Any]
    future_potential: FloatArray


def scheme(names: tuple[str, ...] = TIERS, cuts: tuple[float, ...] = (1000.0, 100.0)) -> TierScheme:
    return fit_tier_scheme(
        [2000.0, 500.0, 50.0], config=TierSchemeConfig(names=names, rule=ByCuts(cuts=cuts))
    )


def tiers_of(
    tiers: Sequence[str],
    standings: Sequence[str] | None = None,
    *,
    customer_id: pd.Index[Any] | None = None,
    days_overdue: Sequence[float] | None = None,
) -> TierTable:
    ids = pd.RangeIndex(len(tiers)) if customer_id is None else customer_id
    standing = None
    if standings is not None:
        days = [np.nan] * len(tiers) if days_overdue is None else days_overdue
        parts: dict[str, Any] = {
            "customer_id": ids,
            "standing": np.array([STANDINGS.index(s) for s in standings], dtype=np.int8),
            "reason": np.zeros(len(tiers), dtype=np.int8),
            "overdue_amount": np.full(len(tiers), np.nan),
            "days_overdue": np.array(days, dtype=np.float64),
            "config": StandingConfig(),
            "evidence": np.zeros(len(tiers), dtype=np.uint16),
            "clear_since": np.zeros(len(tiers), dtype=np.int32),
        }
        known = {field.name for field in dataclasses.fields(StandingTable)}
        standing = StandingTable(**{name: parts[name] for name in parts if name in known})
    values = np.array([VALUE_OF[tier] for tier in tiers])
    return assign_tiers(values, scheme(), customer_id=ids, standing=standing)


def potential_of(
    states: Sequence[str], *, customer_id: pd.Index[Any] | None = None
) -> PotentialTable:
    n = len(states)
    return PotentialTable(
        customer_id=pd.RangeIndex(n) if customer_id is None else customer_id,
        predicted=np.full(n, np.nan),
        tier=np.zeros(n, dtype=np.int8),
        cuts=scheme().cuts,
        reason=np.array([REASON_OF[state] for state in states], dtype=np.int8),
    )
