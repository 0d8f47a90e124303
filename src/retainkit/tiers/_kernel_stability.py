"""Arithmetic of tiers that do not flap: bands around cuts, dwell and evidence, on arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.tiers._kernel import tier_codes

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Int8 = npt.NDArray[np.int8]
Int16 = npt.NDArray[np.int16]

LONG = np.int16(32_000)
"""Counts of periods stop here."""
_MOST_EVIDENCE = 100


class Limits(NamedTuple):
    """The numbers that say when a tier changes."""

    hysteresis: float
    minimum_dwell: int
    promote_after: int
    demote_after: int


class State(NamedTuple):
    """What is remembered of each customer from one assessment to the next."""

    tier: Int8
    """Tier; -1: not assessed before."""
    periods: Int16
    """Assessments spent in it so far."""
    evidence: Int8
    """Assessments in a row that spoke for a better (positive) or worse (negative) tier."""
    candidate: Int8
    """The most that every one of them spoke for."""


class Move(NamedTuple):
    """What the assessment makes of it."""

    state: State
    hard: Int8
    """Tier by the bare cuts."""
    by_band: Bool
    """The bare cuts say another tier, the band holds."""
    by_evidence: Bool
    """The value speaks for a tier further away, but not for long enough."""
    by_dwell: Bool
    """It has, but the customer has not been in the tier for long enough."""
    without_value: Bool
    """No value, so no evidence for a change."""


def banded(values: Float, bounds: Float, previous: Int8, hysteresis: float) -> Int8:
    """Return the tier the value speaks for, seen from the previous tier.

    Up where it reaches a bound raised by the band, down where it misses a bound lowered by it.
    """
    margin = hysteresis * np.abs(bounds)
    reached = tier_codes(values, bounds + margin)
    kept = tier_codes(values, bounds - margin)
    target: Int8 = np.clip(previous, kept, reached)
    return target


def _keep_score(target: Int8, before: State) -> tuple[Int8, Int8]:
    """Return how often in a row, and what tier at most, a change has been spoken for."""
    up, down = target < before.tier, target > before.tier
    going_up, going_down = before.evidence > 0, before.evidence < 0
    evidence = np.zeros(target.size, dtype=np.int8)
    evidence[up] = np.where(going_up, before.evidence, 0)[up] + 1
    evidence[down] = np.where(going_down, before.evidence, 0)[down] - 1
    np.clip(evidence, -_MOST_EVIDENCE, _MOST_EVIDENCE, out=evidence)
    candidate = target.copy()
    more_up, more_down = up & going_up, down & going_down
    candidate[more_up] = np.maximum(target, before.candidate)[more_up]
    candidate[more_down] = np.minimum(target, before.candidate)[more_down]
    return evidence, candidate


def stabilise(values: Float, bounds: Float, before: State, limits: Limits) -> Move:
    """Change tiers only on evidence: each customer from its own value and memory alone."""
    hard = tier_codes(values, bounds)
    known = before.tier >= 0
    missing = np.isnan(values) & known
    previous = np.where(known, before.tier, hard).astype(np.int8)
    target = banded(values, bounds, previous, limits.hysteresis)
    target[missing] = previous[missing]
    evidence, candidate = _keep_score(target, before._replace(tier=previous))
    wanted = evidence != 0
    enough = (evidence >= limits.promote_after) | (-evidence >= limits.demote_after)
    rested = before.periods >= limits.minimum_dwell
    moved = wanted & enough & rested
    tier = np.where(moved, candidate, previous).astype(np.int8)
    periods = np.where(known & ~moved, np.minimum(before.periods, LONG - 1) + 1, 1)
    state = State(
        tier=tier,
        periods=periods.astype(np.int16),
        evidence=np.where(moved, 0, evidence).astype(np.int8),
        candidate=np.where(moved, tier, candidate).astype(np.int8),
    )
    by_dwell = wanted & enough & ~rested
    by_evidence = wanted & (tier != target) & ~by_dwell
    return Move(
        state=state,
        hard=hard,
        by_band=known & ~missing & (hard != tier) & ~by_evidence & ~by_dwell,
        by_evidence=by_evidence,
        by_dwell=by_dwell,
        without_value=missing,
    )
