from __future__ import annotations

import pandas as pd
import pytest

from retainkit._core.labels import Label
from retainkit.pipeline import PipelineConfig, RetentionPipeline, RetentionResult
from retainkit.policy import PolicyConfig
from retainkit.report import render_report
from retainkit.tiers import ByValueShare, TierSchemeConfig
from tests.runs import run_cdnow

HOSTILE = "<script>alert('x')</script>&\"$x_1$"
"""What a customer id, a tier or a reason might hold to break out of a page, or of mathtext."""


@pytest.fixture(scope="session")
def cdnow() -> RetentionResult:
    return run_cdnow()


@pytest.fixture(scope="session")
def english(cdnow: RetentionResult) -> str:
    return render_report(cdnow)


@pytest.fixture(scope="session")
def chinese(cdnow: RetentionResult) -> str:
    return render_report(cdnow, language="zh")


def small_base() -> pd.DataFrame:
    """Return three customers; one bought twice, one makes a loss."""
    return pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "a"],
            "timestamp": pd.to_datetime(["2025-01-02", "2025-02-01", "2025-02-20", "2025-02-25"]),
            "amount": [10.0, 20.0, 30.0, 40.0],
            "profit": [5.0, 8.0, -3.0, 10.0],
        }
    )


@pytest.fixture(scope="session")
def small() -> RetentionResult:
    return _run(small_base(), PipelineConfig(tier_basis="contribution"))


@pytest.fixture(scope="session")
def losing() -> RetentionResult:
    """Return a base whose total profit is negative."""
    base = small_base().assign(profit=[5.0, -8.0, -30.0, 1.0])
    return _run(base, PipelineConfig(tier_basis="contribution"))


@pytest.fixture(scope="session")
def hostile() -> RetentionResult:
    base = small_base()
    base["customer_id"] = HOSTILE + base["customer_id"]
    base["business_line"] = HOSTILE
    rules = tuple(
        rule.replace(reason=Label(en=HOSTILE, zh=HOSTILE)) for rule in PolicyConfig().rules
    )
    return _run(
        base,
        PipelineConfig(
            tier_basis="contribution",
            tiers=TierSchemeConfig(names=(HOSTILE, "rest"), rule=ByValueShare(shares=(0.8,))),
            policy=PolicyConfig(rules=rules),
        ),
    )


def _run(base: pd.DataFrame, config: PipelineConfig) -> RetentionResult:
    return RetentionPipeline(config).run(base, as_of="2025-03-01")
