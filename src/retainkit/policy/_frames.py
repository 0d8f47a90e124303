"""Decisions as pandas frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.policy._vocabulary import STANCES


def coded_texts(codes: npt.NDArray[Any], texts: Sequence[str]) -> pd.Categorical[str]:
    """Return coded texts that need not be unique."""
    unique = list(dict.fromkeys(texts))
    position = np.array([unique.index(text) for text in texts], dtype=np.int16)
    return pd.Categorical.from_codes(position[codes], pd.Index(unique))


def joined_texts(codes: npt.NDArray[np.int16], texts: Sequence[str]) -> list[str]:
    """Return rows of coded texts as one text each; -1 ends a row."""
    key = np.zeros(len(codes), dtype=np.int64)
    for column in codes.T:
        key *= len(texts) + 1
        key += column + 1
    kind, keys = pd.factorize(key)
    first = np.empty(len(keys), dtype=np.int64)
    first[kind[::-1]] = np.arange(len(codes))[::-1]  # one row of each kind
    rows = ["; ".join(texts[i] for i in codes[row].tolist() if i >= 0) for row in first]
    joined: list[str] = np.array([*rows, ""], dtype=object)[kind].tolist()
    return joined


def stance_summary(table: Any) -> pd.DataFrame:
    """Return customers and value of a `DecisionTable` by stance and tier, in any row order."""
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
