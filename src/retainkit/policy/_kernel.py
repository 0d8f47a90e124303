"""Arrays in, arrays out: states, potential, expected gain and guard-rail amounts."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]
Cases = npt.NDArray[np.int16]

STATE_SHAPE: Final = (3, 3, 3, 4)
"""Tier role x standing x potential x risk band; everything a measure can depend on."""

N_STATES: Final = 108
"""Number of states of a customer who is there."""

SITUATION_SHAPE: Final = (8, 3, 5)
"""Relation x contact x evidence: what a stance depends on beside the state."""

N_SITUATIONS: Final = 120
N_CASES: Final = 12960
"""Number of cases: situation x state, everything a stance can depend on."""

UNKNOWN_RISK: Final = 3

(
    REACHES_NEXT_TIER,
    STRATEGIC_BACKGROUND,
    WALLET_ROOM,
    RISING_TREND,
    NEAR_NEXT_TIER,
    BELOW_REACH,
    NO_HIGHER_TIER,
    NO_CUT,
    VALUE_NOT_COMPUTABLE,
    LIKELY_TO_RISE,
    UNLIKELY_TO_RISE,
) = range(11)
"""Codes of the reasons for a potential, as positions in the list of reasons."""


def encode_states(role: Codes, standing: Codes, potential: Codes, risk: Codes) -> Codes:
    """Return one code per customer: the position in the table of all states."""
    state = role * np.int8(3)
    state += standing
    state *= np.int8(3)
    state += potential
    state *= np.int8(4)
    state += risk
    return state


def decode_states() -> tuple[Codes, Codes, Codes, Codes]:
    """Return tier role, standing, potential and risk band of each of the 108 states."""
    parts = np.unravel_index(np.arange(N_STATES), STATE_SHAPE)
    role, standing, potential, risk = (part.astype(np.int8) for part in parts)
    return role, standing, potential, risk


def encode_cases(relation: Codes, contact: Codes, evidence: Codes, state: Codes) -> Cases:
    """Return one code per customer: the position in the table of all cases."""
    case = relation.astype(np.int16)
    case *= np.int16(SITUATION_SHAPE[1])
    case += contact
    case *= np.int16(SITUATION_SHAPE[2])
    case += evidence
    case *= np.int16(N_STATES)
    case += state
    return case


def decode_cases() -> tuple[Codes, Codes, Codes, npt.NDArray[np.int16]]:
    """Return relation, contact, evidence and state of each case."""
    parts = np.unravel_index(np.arange(N_CASES), (*SITUATION_SHAPE, N_STATES))
    relation, contact, evidence, state = parts
    told = (part.astype(np.int8) for part in (relation, contact, evidence))
    return (*told, state.astype(np.int16))  # type: ignore[return-value]


def case_mask(
    relations: Bools, contacts: Bools, evidence: Bools, states: Bools
) -> npt.NDArray[np.bool_]:
    """Return which cases meet a condition given as one mask per fact."""
    mask = (
        relations[:, None, None, None]
        & contacts[None, :, None, None]
        & evidence[None, None, :, None]
        & states[None, None, None, :]
    )
    return mask.reshape(N_CASES)


def state_mask(
    roles: Bools, standings: Bools, potentials: Bools, risks: Bools
) -> npt.NDArray[np.bool_]:
    """Return which states meet a condition given as one mask per fact."""
    mask = (
        roles[:, None, None, None]
        & standings[None, :, None, None]
        & potentials[None, None, :, None]
        & risks[None, None, None, :]
    )
    return mask.reshape(N_STATES)


def risk_bands(p_churned: Floats, medium: float, high: float) -> Codes:
    """Return the band of each churn probability; a bound belongs to the band above it."""
    bands = (p_churned >= medium).astype(np.int8)
    bands += p_churned >= high
    bands[np.isnan(p_churned)] = UNKNOWN_RISK
    return bands


class PotentialEvidence(NamedTuple):
    """What speaks for a rise, per customer; NaN where not known."""

    predicted: Floats
    next_cut: Floats
    is_top: Bools
    share_of_wallet: Floats | None
    trend: Floats | None
    strategic: Bools | None
    probability: Floats | None = None


class PotentialLimits(NamedTuple):
    """How much of each kind of evidence is enough."""

    reach: float
    max_wallet_share: float
    min_trend: float
    trend_reach: float
    min_probability: float = 0.5


def potential_reasons(evidence: PotentialEvidence, limits: PotentialLimits) -> Codes:
    """Return the first reason that holds for each customer."""
    predicted, cut = evidence.predicted, evidence.next_cut
    with np.errstate(invalid="ignore"):
        positive = cut > 0.0
        met: list[tuple[int, Bools]] = [
            (NEAR_NEXT_TIER, positive & (predicted >= limits.reach * cut))
        ]
        if evidence.trend is not None:
            close = positive & (predicted >= limits.trend_reach * cut)
            met.append((RISING_TREND, close & (evidence.trend >= limits.min_trend)))
        if evidence.share_of_wallet is not None:
            share = evidence.share_of_wallet
            # the whole wallet, predicted / share, would reach the cut
            room = positive & (share <= limits.max_wallet_share) & (predicted >= share * cut)
            met.append((WALLET_ROOM, room & (predicted > 0.0)))
    reason = np.full(predicted.shape, BELOW_REACH, dtype=np.int8)
    reason[np.isnan(predicted)] = VALUE_NOT_COMPUTABLE
    reason[np.isnan(cut)] = NO_CUT
    for code, mask in met:
        reason[mask] = code
    if evidence.probability is not None:
        known = ~np.isnan(evidence.probability) & ~np.isnan(cut)
        likely = evidence.probability >= limits.min_probability
        reason[known & likely] = LIKELY_TO_RISE
        reason[known & ~likely] = UNLIKELY_TO_RISE
    if evidence.strategic is not None:
        reason[evidence.strategic] = STRATEGIC_BACKGROUND
    with np.errstate(invalid="ignore"):
        reason[predicted >= cut] = REACHES_NEXT_TIER
    reason[evidence.is_top] = NO_HIGHER_TIER
    return reason


def insert(
    best: list[tuple[npt.NDArray[np.int16], Floats, Floats]], code: int, gain: Floats, cost: Floats
) -> None:
    """Put a measure in its place among the best so far, by gain; ties keep the first."""
    codes = np.full(gain.shape, code, dtype=np.int16)
    gain, cost = gain.copy(), np.array(np.broadcast_to(cost, gain.shape))
    for measure, best_gain, best_cost in best:
        with np.errstate(invalid="ignore"):
            better = gain > best_gain
        if not better.any():
            return
        for mine, theirs in ((codes, measure), (gain, best_gain), (cost, best_cost)):
            mine[better], theirs[better] = theirs[better], mine[better]


def undefined(n: int) -> Floats:
    """Return `n` NaN that take no memory; read-only."""
    return np.broadcast_to(np.float64(np.nan), (n,))


def undefined_measure(n: int) -> npt.NDArray[np.int16]:
    """Return `n` times the code -1 (no measure ranked) that take no memory; read-only."""
    return np.broadcast_to(np.int16(-1), (n,))


def constant_codes(n: int, code: int) -> Codes:
    """Return `n` times one code that take no memory; read-only."""
    return np.broadcast_to(np.int8(code), (n,))


def debt_steps(days_overdue: Floats, after: Floats) -> Codes:
    """Return the last step whose first day has come; -1 = none is due or nothing is known."""
    step = np.searchsorted(after, np.nan_to_num(days_overdue, nan=-1.0), side="right") - 1
    return step.astype(np.int8)
