from __future__ import annotations

from typing import Any

import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import ActivityRate, PipelineConfig, RetentionPipeline, RetentionResult
from retainkit.simulate import SimulatedBase, SimulationConfig, make_customer_base
from retainkit.tables import CustomerColumns
from retainkit.value import BehaviorConfig

FLAGS = ("strategic_public_sector", "strategic_key_technology")
COLUMNS = CustomerColumns(
    strategic_flags=FLAGS, traits=("region",), protected_attributes=("age_band", "gender")
)


@pytest.fixture(scope="session")
def cdnow_result() -> RetentionResult:
    return RetentionPipeline().run(load_cdnow_sample(), as_of="1998-06-30")


@pytest.fixture(scope="session")
def base() -> SimulatedBase:
    return make_customer_base(900, seed=11, config=SimulationConfig(business_share=0.3))


@pytest.fixture(scope="session")
def full_config(base: SimulatedBase) -> PipelineConfig:
    names = sorted(base.activities["activity"].unique())
    return PipelineConfig(
        activity_rates=tuple(ActivityRate(activity=name, rate=2.5) for name in names),
        behavior=BehaviorConfig(),
    )


def tables_of(base: SimulatedBase) -> dict[str, Any]:
    """Return every table but the transactions, as arguments of a run."""
    return {
        "as_of": base.as_of,
        "customers": base.customers,
        "customer_columns": COLUMNS,
        "contracts": base.contracts,
        "events": base.events,
        "surveys": base.surveys,
        "activities": base.activities,
    }


@pytest.fixture(scope="session")
def full_result(base: SimulatedBase, full_config: PipelineConfig) -> RetentionResult:
    return RetentionPipeline(full_config).run(base.transactions, **tables_of(base))
