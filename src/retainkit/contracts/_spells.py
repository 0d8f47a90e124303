"""Spells: each stretch of being a customer, from the contracts as a convention dates them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retainkit.contracts._convention import ContractConvention
from retainkit.contracts._kernel_spells import chain_spans
from retainkit.typing import BoolArray

NO_DAY = np.int32(np.iinfo(np.int32).min)
"""Day number of a day that is not known."""

_Int32 = npt.NDArray[np.int32]


class Spells(NamedTuple):
    """Per spell, sorted by customer and start; days since 1970-01-01."""

    customer: _Int32
    number: _Int32
    start: _Int32
    end: _Int32
    contracts: _Int32
    last_contract: _Int32
    """Row of the contract that ends the spell."""
    ended: BoolArray
    pause: BoolArray
    """Whether the spell ended in a pause, which is no loss."""


def find_spells(
    customer: _Int32,
    start: _Int32,
    end: _Int32,
    *,
    counts: BoolArray,
    paused: BoolArray,
    today: int,
    convention: ContractConvention,
) -> Spells:
    """Join the contracts [start, end) of each customer into spells.

    A new spell begins where a contract starts at least the grace (one day or more) after
    everything before it has ended; counting contracts, every contract is one.
    """
    used = np.flatnonzero(counts)
    gap = max(convention.grace_days, 1)
    chains = chain_spans(customer[used], start[used], end[used], gap=gap)
    order = used[chains.order]
    opens = np.ones_like(chains.opens) if convention.spell == "contract" else chains.opens
    first = np.flatnonzero(opens)
    spell = np.cumsum(opens) - 1
    ends = end[order]
    last_day = np.maximum.reduceat(ends, first) if len(first) else ends
    last = np.full(len(first), -1, dtype=np.int32)
    at_end = np.flatnonzero(ends == last_day[spell])
    last[spell[at_end]] = order[at_end]  # the last one written is the one begun last
    who = customer[order][first]
    ended = last_day <= today
    return Spells(
        who,
        (np.arange(len(first)) - np.searchsorted(who, who) + 1).astype(np.int32),
        start[order][first],
        last_day,
        np.bincount(spell, minlength=len(first)).astype(np.int32),
        last,
        ended,
        ended & paused[last],
    )


def last_spell(spells: Spells, size: int) -> npt.NDArray[Any]:
    """Return, per customer, the spell that reaches furthest, the later one of two; -1 for none."""
    chosen = np.full(size, -1, dtype=np.int64)
    by_end = np.argsort(spells.end, kind="stable")
    chosen[spells.customer[by_end]] = by_end
    return chosen
