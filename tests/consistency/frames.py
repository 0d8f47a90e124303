"""The tables of a result by name, and how two sets of them are compared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from retainkit.pipeline import RetentionResult

ALL = (
    *("customers", "history", "value", "rfm", "lifecycle", "tiers", "churn", "potential"),
    *("policy", "pyramid", "value_pyramid", "whale", "contract_churn", "causes", "breakdown"),
    *("metrics", "contract_metrics", "cohorts", "scorecard", "ledger"),
)
ROWWISE = ("history", "value", "rfm", "lifecycle", "tiers", "churn", "potential", "policy")


def frames_of(result: RetentionResult) -> dict[str, pd.DataFrame | None]:
    """Return every table of a result as a frame; None where it was not computed."""
    scores = result.scores
    tables: dict[str, Any] = {
        "customers": result.customers,
        "history": result.history,
        "value": result.value,
        "rfm": scores.rfm,
        "lifecycle": scores.lifecycle,
        "tiers": result.tiers,
        "churn": result.churn,
        "potential": scores.potential,
        "policy": result.policy,
        "pyramid": result.pyramid,
        "value_pyramid": result.value_pyramid,
        "whale": result.whale,
        "contract_churn": result.contract_churn,
        "causes": result.causes,
        "breakdown": result.cause_breakdown,
        "metrics": result.metrics,
        "contract_metrics": result.contract_metrics,
        "cohorts": result.cohorts,
        "scorecard": result.scorecard,
        "ledger": result.ledger,
    }
    assert set(tables) == set(ALL)
    return {name: None if table is None else table.to_frame() for name, table in tables.items()}


def assert_same(
    got: dict[str, pd.DataFrame | None],
    wanted: dict[str, pd.DataFrame | None],
    *,
    names: Iterable[str] = ALL,
    relative: float | None = None,
) -> None:
    """Compare tables by name: bit for bit, or to a relative tolerance."""
    for name in names:
        left, right = got[name], wanted[name]
        if left is None or right is None:
            assert left is None, name
            assert right is None, name
            continue
        if relative is None:
            pd.testing.assert_frame_equal(left, right, check_exact=True, obj=name)
        else:
            pd.testing.assert_frame_equal(left, right, rtol=relative, atol=1e-9, obj=name)


def by_customer(frames: dict[str, pd.DataFrame | None]) -> dict[str, pd.DataFrame | None]:
    """Sort the tables that have one row per customer by customer."""
    return {
        name: frame.sort_values("customer_id", ignore_index=True)
        if frame is not None and "customer_id" in frame
        else frame
        for name, frame in frames.items()
    }
