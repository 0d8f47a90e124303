from __future__ import annotations

from typing import Any

import pytest

from retainkit.pipeline import ActivityRate, PipelineConfig, RetentionPipeline, RetentionResult
from retainkit.simulate import SimulatedBase, SimulationConfig, make_customer_base
from retainkit.tables import CustomerColumns
from retainkit.value import BehaviorConfig
from tests.runs import run_cdnow

FLAGS = ("strategic_public_sector", "strategic_key_technology")
COLUMNS = CustomerColumns(
    strategic_flags=FLAGS, traits=("region",), protected_attributes=("age_band", "gender")
)


@pytest.fixture(scope="session")
def cdnow_result() -> RetentionResult:
    return run_cdnow()


@pytest.fixture(scope="session")
def base() -> SimulatedBase:
    return make_customer_base(900, seed=11, config=SimulationConfig(business_share=0.3))


@pytest.fixture(scope="session")
def plain_result(base: SimulatedBase) -> RetentionResult:
    """Return the default run on the transactions alone."""
    return RetentionPipeline().run(base.transactions, as_of=base.as_of)


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
