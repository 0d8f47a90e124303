"""Decisions as pandas frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.policy._states import allowed_by_case
from retainkit.policy._vocabulary import POTENTIALS, RISKS, STANCES, STANDINGS
from retainkit.typing import Language

if TYPE_CHECKING:
    from retainkit.policy._decisions import DecisionTable


def _ordered(codes: npt.NDArray[np.int8], words: Sequence[str]) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(codes, pd.Index([str(word) for word in words]), ordered=True)


def _texts(codes: npt.NDArray[Any], texts: Sequence[str]) -> pd.Categorical[str]:
    """Return coded texts that need not be unique."""
    unique = list(dict.fromkeys(texts))
    position = np.array([unique.index(text) for text in texts], dtype=np.int16)
    return pd.Categorical.from_codes(position[codes], pd.Index(unique))


def _texts_or_none(codes: npt.NDArray[Any], texts: Sequence[str]) -> pd.Categorical[str]:
    """Return coded texts; code -1 is missing."""
    return pd.Categorical.from_codes(codes, pd.Index(list(texts)))


def decision_frame(table: DecisionTable, language: Language) -> pd.DataFrame:
    """Return one row per customer."""
    rules, measures = table.config.rules, table.catalog.measures
    allowed = allowed_by_case(table.catalog, table.config)
    kinds, kind = np.unique(allowed.T, axis=0, return_inverse=True)  # few lists serve all cases
    lists = ["; ".join(m.id for m, yes in zip(measures, row, strict=True) if yes) for row in kinds]
    return pd.DataFrame(
        {
            "customer_id": table.customer_id,
            "tier": _ordered(table.value_tier, table.tier_names),
            "standing": _ordered(table.standing, STANDINGS),
            "potential": _ordered(table.potential, POTENTIALS),
            "churn_risk": _ordered(table.risk, RISKS),
            "stance": _ordered(table.stance, STANCES),
            "rule": _texts(table.rule, [rule.id for rule in rules]),
            "reason": _texts(table.rule, [rule.reason.text(language) for rule in rules]),
            "action": _texts(table.action, [m.id for m in measures]),
            "measures": _texts(kind.ravel()[table.case], lists),
            "measure": _texts_or_none(table.measure, [m.id for m in measures]),
            "expected_gain": table.expected_gain,
            "expected_cost": table.expected_cost,
            "economics": _texts(table.economics, table.economics_names),
            "debt_step": _ordered(table.debt_step, [step.id for step in table.catalog.debt_steps]),
            "is_adverse": table.is_adverse,
            "lost_contribution": table.lost_contribution,
            "replacement_cost": table.replacement_cost,
            "confidence": np.nan if table.confidence is None else table.confidence,
        }
    )


def stance_summary(table: DecisionTable) -> pd.DataFrame:
    """Return customers and future value by stance and tier; sums do not depend on row order."""
    n_tiers = len(table.tier_names)
    cell = table.stance.astype(np.int16) * n_tiers + table.value_tier
    known = ~np.isnan(table.future_value)
    rows: list[dict[str, Any]] = []
    for code in np.unique(cell).tolist():
        inside = cell == code
        values = table.future_value[inside & known]
        customers = int(inside.sum())
        rows.append(
            {
                "stance": STANCES[code // n_tiers].value,
                "tier": table.tier_names[code % n_tiers],
                "customers": customers,
                "share": customers / len(table),
                "future_value": math.fsum(values.tolist()) if values.size else np.nan,
                "without_value": customers - values.size,
            }
        )
    columns = ["stance", "tier", "customers", "share", "future_value", "without_value"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["stance"] = pd.Categorical(frame["stance"], [s.value for s in STANCES], ordered=True)
    frame["tier"] = pd.Categorical(frame["tier"], table.tier_names, ordered=True)
    return frame
