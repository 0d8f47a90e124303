"""All 34 metrics of the reference list exist, each under a public name with an example."""

from __future__ import annotations

import importlib

import pytest

ALL = {
    1: ("metrics.retention_rate",),
    2: ("metrics.churn_rate",),
    3: ("metrics.textbook_retention_rate",),
    4: ("metrics.MetricConvention.stripe", "metrics.churn_rate"),
    5: ("metrics.churn_rate",),  # denominator="daily"
    6: ("metrics.churn_rate",),  # denominator="exposure"
    7: ("metrics.rescale_rate", "metrics.rescale_retention"),
    8: ("metrics.gross_revenue_retention", "metrics.gross_revenue_churn"),
    9: ("metrics.net_revenue_retention",),
    10: ("metrics.MetricConvention.chartmogul",),
    11: ("metrics.MetricConvention.baremetrics",),
    12: ("metrics.revenue_movements",),
    13: ("metrics.MovementTable.quick_ratio",),
    14: ("metrics.build_cohorts", "metrics.follow_cohorts"),
    15: ("metrics.follow_cohorts",),
    16: ("metrics.follow_cohorts",),
    17: ("metrics.CohortTable.summary", "metrics.CohortTable.balanced"),
    18: ("metrics.retention_curve", "metrics.retention_curve_of"),
    19: ("churn.cumulative_incidence",),
    20: ("metrics.repeat_rate", "metrics.reactivation_rate", "metrics.resurrection_latency"),
    21: ("metrics.churn_rate", "metrics.index_purchases"),
    22: ("metrics.RetentionCurve.mean_lifetime", "metrics.expected_lifetime"),
    23: (
        "metrics.recurring_revenue_per_customer",
        "metrics.average_sale_price",
        "metrics.simple_lifetime_value",
    ),
    24: ("metrics.share_of_wallet", "metrics.mean_share_of_wallet"),
    25: ("metrics.wallet_allocation_rule", "metrics.allocate_wallet"),
    26: ("metrics.net_promoter_score",),
    27: (
        "metrics.top_share",
        "metrics.headcount_for_share",
        "metrics.gini",
        "metrics.hhi",
    ),
    28: ("tiers.whale_curve",),
    29: ("metrics.margin_multiple", "metrics.retention_elasticity"),
    30: ("tiers.compare_tiers",),
    31: ("tiers.fit_tier_chain", "tiers.TierChain.value"),
    32: ("tiers.compare_tiers",),
    33: ("metrics.save_rate", "metrics.win_back_rate", "metrics.incremental_rate"),
    34: ("metrics.health_score",),
}


@pytest.mark.parametrize("number", range(1, 35))
def test_the_metric_exists_with_an_example(number: int) -> None:
    for path in ALL[number]:
        room, *names = path.split(".")
        thing = importlib.import_module(f"retainkit.{room}")
        for name in names:
            thing = getattr(thing, name)
        assert callable(thing)
        if not path.endswith(".summary"):
            assert ">>>" in (thing.__doc__ or ""), path
