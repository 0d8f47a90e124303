"""Which measures of the strategy map a run can fill."""

from __future__ import annotations

import numpy as np

from retainkit._pipeline._scores import CustomerScores
from retainkit._pipeline._tables import ValidTables
from retainkit.metrics import MetricTable
from retainkit.scorecard import Scorecard, build_scorecard, measure_tables
from retainkit.scorecard._build import Computed
from retainkit.tiers import TierPyramid, WhaleCurve


def fill_scorecard(
    scores: CustomerScores,
    metrics: MetricTable,
    pyramid: TierPyramid,
    whale: WhaleCurve,
    tables: ValidTables,
) -> Scorecard:
    """Fill the strategy map with what was computed; the rest stays missing, with its source."""
    shown: dict[str, Computed] = {
        "premium_customers": float(pyramid.customers[0]),
        "customer_lifetime_value": _mean_lifetime_value(scores),
    }
    for name in ("retention_rate", "average_revenue_per_customer"):
        if name in set(metrics.to_frame()["metric"]):  # contracts have no average revenue
            shown[name] = metrics.get(name)
    if scores.history.basis == "profit":
        shown["profit_per_customer"] = whale.total / whale.n if whale.n else None
        shown["unprofitable_share"] = whale.n_unprofitable / whale.n if whale.n else None
    if scores.history.breadth is not None:
        shown["products_per_customer"] = float(scores.history.breadth.mean())
    held = measure_tables(
        period=metrics.period,
        customers=tables.customers,
        events=tables.events,
        surveys=tables.surveys,
    )
    return build_scorecard({**held, **shown}, as_of=scores.history.as_of)


def _mean_lifetime_value(scores: CustomerScores) -> float | None:
    values = scores.value.future_potential
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
