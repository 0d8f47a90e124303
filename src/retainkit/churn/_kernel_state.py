"""Whether customers are still there, from what tells their activity: arrays in, arrays out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

PROSPECT, NEW, PRESENT, QUIET, GONE, ENDED = range(6)
"""States, from before the relation to after it."""

(
    NEVER_BOUGHT,
    FIRST_LATELY,
    IN_RHYTHM,
    NOT_JUDGED,
    CHANCE_FELL,
    BEYOND_RHYTHM,
    CHANCE_LOW,
    LONG_SILENT,
    CONTRACT_NOT_STARTED,
    CONTRACT_RUNNING,
    CONTRACT_IN_GRACE,
    CANCELLATION_REQUESTED,
    PAYMENT_FAILED,
    COMPLAINT_OPEN,
    LIKELY_TO_END,
    CONTRACT_ENDED,
    END_ON_RECORD,
    HELD,
    OVERDUE,
    UNPROVEN,
) = range(20)
"""Reasons of a state, as positions in the catalogue."""


class Signs(NamedTuple):
    """One value per customer; NaN without a purchase."""

    p_state: Float
    kept: Float
    silent: Float
    own_gap: Float
    age: Float


class Limits(NamedTuple):
    """Where one state ends and the next begins."""

    gone_below: float
    gone_kept: float
    gone_surely_below: float
    gone_gaps: float
    quiet_kept: float
    quiet_below: float
    quiet_gaps: float
    new_gaps: float
    base_gap: float


def judge(signs: Signs, limits: Limits) -> tuple[Codes, Codes]:
    """Return state and reason by activity alone; every claim is believed."""
    with np.errstate(invalid="ignore"):
        fell = (signs.p_state < limits.gone_below) & (signs.kept < limits.gone_kept)
        silent = signs.silent > limits.gone_gaps * limits.base_gap
        low = (signs.p_state < limits.gone_surely_below) & silent
        waits = signs.silent > limits.quiet_gaps * signs.own_gap
        rules = (
            (np.isnan(signs.silent), PROSPECT, NEVER_BOUGHT),
            (signs.age <= limits.new_gaps * limits.base_gap, NEW, FIRST_LATELY),
            (np.isnan(signs.p_state), PRESENT, NOT_JUDGED),
            (fell, GONE, CHANCE_LOW),
            (low, GONE, LONG_SILENT),
            (signs.kept < limits.quiet_kept, QUIET, CHANCE_FELL),
            (waits & (signs.p_state < limits.quiet_below), QUIET, BEYOND_RHYTHM),
            (waits, PRESENT, OVERDUE),
        )
    met = [rule[0] for rule in rules]
    state = np.select(met, [rule[1] for rule in rules], PRESENT).astype(np.int8)
    reason = np.select(met, [rule[2] for rule in rules], IN_RHYTHM).astype(np.int8)
    return state, reason


def milder(state: Codes, *, gone: bool, quiet: bool) -> Codes:
    """Return the states with the claims that are not believed fallen to the next milder one."""
    said = state.copy()
    if not gone:
        said[said == GONE] = QUIET
    if not quiet:
        said[said == QUIET] = PRESENT
    return said


def days_reached(
    state: Codes, last: Float, first: Float, own_gap: Float, window: float, limits: Limits
) -> Float:
    """Return the day each state was reached, as far as activity tells [day number].

    New since the first purchase, present since the last one; quiet from the day the silence left
    the own rhythm, gone from the day it outlasted the window.
    """
    return np.select(
        [state == NEW, state == PRESENT, state == QUIET, state == GONE],
        [first, last, last + np.ceil(limits.quiet_gaps * own_gap), last + window],
        np.nan,
    )
