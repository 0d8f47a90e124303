"""What a run takes over from the one before, and what it compares itself with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeAlias

from retainkit._pipeline._config import PipelineConfig
from retainkit._pipeline._customers import CustomerScores
from retainkit._pipeline._fitted import FittedPipeline
from retainkit._pipeline._learn import HeldScheme
from retainkit._pipeline._moves import TierMoves, compare_moves
from retainkit._pipeline._previous import PreviousRun
from retainkit._pipeline._remember import RememberedFits
from retainkit._pipeline._result import RetentionResult
from retainkit._pipeline._start import PeriodStart, begin_period
from retainkit._pipeline._tables import ValidTables
from retainkit.tiers import TierMovement, TierState, TierTable, compare_tiers

Previous: TypeAlias = "RetentionResult | PreviousRun | TierTable | TierState | None"


def carried(previous: Previous) -> PreviousRun:
    """Return what a run takes over, in one shape."""
    if isinstance(previous, RetentionResult):
        return PreviousRun(
            tiers=previous.tiers,
            states=previous.scores.states,
            plan=previous.plan,
            prices=previous.prices,
            model=previous.model,
        )
    return previous if isinstance(previous, PreviousRun) else PreviousRun(tiers=previous)


def look_back(
    tables: ValidTables,
    day: date,
    config: PipelineConfig,
    previous: PreviousRun,
    announce: Callable[[str], None],
    fits: RememberedFits,
) -> PeriodStart | str:
    """Return the scores of the day before the period: the last run's where it is of that day."""
    tiers, states = previous.tiers, previous.states
    window = config.convention.window_days
    ago = None if states is None else (day - states.as_of).days
    if isinstance(tiers, TierTable) and states is not None and ago == window:
        return PeriodStart.of(states.as_of, tiers, states)
    if not config.look_back:
        return "not asked for"
    return begin_period(tables, day, config, announce, fits)


def held_scheme(previous: PreviousRun, config: PipelineConfig) -> HeldScheme | None:
    """Return the cuts of the last run, where they are held and cut the same value."""
    if not config.hold_cuts or previous.model is None:
        return None
    last = previous.model.config
    same = all(
        getattr(last, name) == getattr(config, name)
        for name in ("tiers", "horizon_days", "annual_discount_rate", "value")
    )
    return HeldScheme(previous.model.tier_scheme, previous.model.tier_basis) if same else None


def compare(
    before: PreviousRun, start: PeriodStart | None, after: CustomerScores, model: FittedPipeline
) -> TierMoves | TierMovement | None:
    """Compare with the last run, or without one with the first day of the period."""
    if isinstance(before.tiers, TierTable):
        if before.states is None:
            return compare_tiers(before.tiers, after.tiers)
        return compare_moves(before.states.as_of, before.tiers, after.tiers, model.own_scheme)
    if before.tiers is None and start is not None:
        return compare_moves(start.day, start.tiers, after.tiers, model.own_scheme)
    return None
