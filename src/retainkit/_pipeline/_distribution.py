"""How far the future value of each customer scatters."""

from __future__ import annotations

from retainkit._pipeline._config import PipelineConfig, TierBasis
from retainkit._pipeline._models import Models, scatter_of
from retainkit.tiers import LifetimeValues
from retainkit.value import CustomerSummary, ValueTable, expected_lifetime_value


def distribution_of(
    models: Models,
    summary: CustomerSummary,
    value: ValueTable,
    basis: TierBasis,
    config: PipelineConfig,
) -> LifetimeValues | None:
    """Return how future values scatter; None where it is not asked for or says nothing of tiers."""
    scatter = scatter_of(models, summary, config) if config.tier_confidence else None
    if models.purchase is None or scatter is None or basis != "expected_value":
        return None
    expected = expected_lifetime_value(
        summary,
        models.purchase,
        spend_model=models.spend,
        horizon_days=float(config.horizon_days),
        annual_discount_rate=config.annual_discount_rate,
        margin_rate=scatter["margin_rate"],
    )
    values = LifetimeValues(summary.with_unit(models.purchase.unit), **scatter)
    return values.moved_to(value.future_potential, expected=expected)
