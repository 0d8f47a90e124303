"""Runs on the sample of CDNOW that many tests ask: each is worked out once in a process."""

from __future__ import annotations

from functools import cache

from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import PipelineConfig, RetentionPipeline, RetentionResult

QUIET = PipelineConfig(look_back=False, trend_months=0)
"""No run at the start of the period and no trend: half the work, the same forecasts and states."""


@cache
def run_cdnow(as_of: str = "1998-06-30", config: PipelineConfig | None = None) -> RetentionResult:
    """Run on the whole sample, as it was known on a day."""
    return RetentionPipeline(config or PipelineConfig()).run(load_cdnow_sample(), as_of=as_of)
