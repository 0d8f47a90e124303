"""Spells under contract, and the charges they bring."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import day_number, parse_as_of
from retainkit.contracts._kernel import chain_spans, charge_day, charges_due
from retainkit.contracts._read import ContractConvention, Contracts, read_contracts, require_amounts
from retainkit.errors import SchemaError
from retainkit.typing import AsOf, BoolArray

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


def list_charges(contracts: pd.DataFrame | Contracts, *, as_of: AsOf) -> pd.DataFrame:
    """List the monthly charges of contracts up to `as_of`, as transactions.

    A firm with contracts alone gets its history from here: `summarize_customers` reads the result.

    Parameters
    ----------
    contracts : pandas.DataFrame or Contracts
        Valid contracts (`validate_contracts`): customer_id, start, end (NaT while it runs),
        amount [money per month]; `paid` where known.
    as_of : str, date, datetime or numpy.datetime64
        Last observed day, inclusive.

    Returns
    -------
    pandas.DataFrame
        customer_id, timestamp, amount, and `business_line` where the contracts name a plan. One
        row per contract and month begun, the first on the day of the start, the others on the same
        day of the later months (or the month's last day). A contract that is not paid for, or ends
        on the day it starts, brings one row of 0, so that nobody disappears. Contracts in order;
        those that start after `as_of` bring none.

    Raises
    ------
    SchemaError
        If a column is missing, a start is empty, or the amounts are in several currencies.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.contracts import list_charges
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b"], "start": pd.to_datetime(["2026-01-31", "2026-03-10"]),
    ...     "end": pd.to_datetime(["2026-03-31", None]), "amount": [30.0, 12.0]})
    >>> list_charges(contracts, as_of="2026-04-10")
      customer_id  timestamp  amount
    0           a 2026-01-31    30.0
    1           a 2026-02-28    30.0
    2           b 2026-03-10    12.0
    3           b 2026-04-10    12.0
    """
    rows = read_contracts(contracts)
    amounts = require_amounts(rows)
    _refuse_currencies(rows.frame)
    after = day_number(parse_as_of(as_of)) + 1
    begun = np.flatnonzero(rows.start < after)
    start = rows.start[begun].astype(np.int64)
    until = np.minimum(rows.end[begun].astype(np.int64), after)
    free = until <= start
    if rows.details.unpaid is not None:
        free |= rows.details.unpaid[begun]
    months = np.where(free, 1, charges_due(start, until))
    row = np.repeat(np.arange(len(begun)), months)
    opening = np.cumsum(months) - months
    days = charge_day(start[row], np.arange(len(row)) - opening[row])
    columns: dict[str, Any] = {
        "customer_id": rows.frame["customer_id"].take(begun[row]).reset_index(drop=True),
        "timestamp": days.astype("datetime64[D]").astype("datetime64[s]"),
        "amount": np.where(free, 0.0, amounts[begun])[row],
    }
    if "plan" in rows.frame.columns:
        columns["business_line"] = rows.frame["plan"].take(begun[row]).reset_index(drop=True)
    return pd.DataFrame(columns)


def _refuse_currencies(contracts: pd.DataFrame) -> None:
    """Refuse contracts in several currencies."""
    if "currency" in contracts.columns:
        seen = sorted(str(name) for name in contracts["currency"].dropna().unique())
        if len(seen) > 1:
            raise SchemaError(
                f"contracts are in {len(seen)} currencies, first {seen[:3]}",
                rule="charges are added up, so they are in one currency",
                where="contracts.currency",
                fix="convert the amounts, or run each currency on its own",
            )
