"""Arithmetic of spans [start, end) of customers: which belong together, which gaps are short."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_NEVER = int(np.iinfo(np.int32).max)
_Array = npt.NDArray[Any]


class Chains(NamedTuple):
    """Spans by customer and start, and where a new chain of them opens."""

    order: _Array
    """Rows by customer, start and end."""
    reach: _Array
    """Latest end of the customer so far, in that order."""
    opens: npt.NDArray[np.bool_]
    """Whether a row starts `gap` days or more after everything before it has ended."""


def chain_spans(customer: _Array, start: _Array, end: _Array, *, gap: int = 1) -> Chains:
    """Sort spans and join those of a customer that overlap or follow each other closely."""
    order = np.lexsort((end, _pair(customer, start)))
    who, begin = customer[order], start[order]
    reach = np.maximum.accumulate(_pair(who, end[order])) - (who.astype(np.int64) << 32)
    opens = np.ones(len(order), dtype=np.bool_)
    opens[1:] = (who[1:] != who[:-1]) | (begin[1:] - reach[:-1] >= gap)
    return Chains(order, reach, opens)


def merge_spells(customer: _Array, start: _Array, end: _Array) -> tuple[_Array, _Array, _Array]:
    """Return customer, start and end of the unions of each customer's spans, in order of time.

    Spans that overlap, or of which one starts on the day the other ends, are one.
    """
    order, reach, opens = chain_spans(customer, start, end)
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(order))[: len(first)] - 1
    return customer[order][first], start[order][first], reach[last]


def bridge_gaps(
    customer: _Array, start: _Array, end: _Array, *, grace_days: int, last_day: int
) -> tuple[_Array, int]:
    """Return ends moved to the return where a gap is short, and the ends too fresh to judge.

    A gap is short below `grace_days`; an end after which fewer days were observed is open.
    """
    if len(customer) == 0:
        return end, 0
    order, reach, _ = chain_spans(customer, start, end)
    who, begin = customer[order], start[order].astype(np.int64)
    away = begin[1:] - reach[:-1]
    gap_at = np.flatnonzero((who[1:] == who[:-1]) & (away > 0) & (away < grace_days))
    last = np.append(np.flatnonzero(who[1:] != who[:-1]), len(who) - 1)
    fresh = last[(reach[last] <= last_day) & (reach[last] > last_day + 1 - grace_days)]
    moved_key = _pair(np.append(who[gap_at], who[fresh]), np.append(reach[gap_at], reach[fresh]))
    moved_to = np.append(begin[gap_at + 1], np.full(len(fresh), _NEVER))
    by_key = np.argsort(moved_key)
    own = _pair(customer, end)
    place = np.minimum(np.searchsorted(moved_key[by_key], own), max(len(by_key) - 1, 0))
    moved = end.copy()
    if len(by_key):
        hit = moved_key[by_key][place] == own
        moved[hit] = moved_to[by_key][place[hit]]
    return moved, len(fresh)


def _pair(customer: _Array, day: _Array) -> npt.NDArray[np.int64]:
    """Return customer and day as one number that sorts like both."""
    pair: npt.NDArray[np.int64] = (customer.astype(np.int64) << 32) + day
    return pair
