"""list_charges: what contracts have brought so far, as transactions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import day_number, parse_as_of, to_day_numbers
from retainkit.errors import SchemaError
from retainkit.typing import AsOf, BoolArray
from retainkit.value._kernel_charges import charge_day, charges_due

_NEEDED = ("customer_id", "start", "end", "amount")
_RUNNING = np.iinfo(np.int32).max


def list_charges(contracts: pd.DataFrame, *, as_of: AsOf) -> pd.DataFrame:
    """List the monthly charges of contracts up to `as_of`, as transactions.

    A firm with contracts alone gets its history from here: `summarize_customers` reads the result.

    Parameters
    ----------
    contracts : pandas.DataFrame
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
    >>> from retainkit.value import list_charges
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
    _check(contracts)
    after = day_number(parse_as_of(as_of)) + 1
    start = to_day_numbers(contracts["start"].to_numpy()).astype(np.int64)
    end = _ends(contracts["end"])
    begun = np.flatnonzero(start < after)
    start, until = start[begun], np.minimum(end[begun], after)
    free = _unpaid(contracts)[begun] | (until <= start)
    months = np.where(free, 1, charges_due(start, until))
    row = np.repeat(np.arange(len(begun)), months)
    opening = np.cumsum(months) - months
    days = charge_day(start[row], np.arange(len(row)) - opening[row])
    amount = contracts["amount"].to_numpy(dtype=np.float64)[begun]
    columns: dict[str, Any] = {
        "customer_id": contracts["customer_id"].take(begun[row]).reset_index(drop=True),
        "timestamp": days.astype("datetime64[D]").astype("datetime64[s]"),
        "amount": np.where(free, 0.0, amount)[row],
    }
    if "plan" in contracts.columns:
        columns["business_line"] = contracts["plan"].take(begun[row]).reset_index(drop=True)
    return pd.DataFrame(columns)


def _check(contracts: pd.DataFrame) -> None:
    """Refuse a frame that is no contracts table, or mixes currencies."""
    missing = [name for name in _NEEDED if name not in contracts.columns]
    if missing or contracts["start"].isna().any():
        what = f"lack {missing}" if missing else "have an empty start"
        raise SchemaError(
            f"contracts {what}",
            rule=f"valid contracts have {', '.join(_NEEDED)}; only the end may be empty",
            where="contracts",
            fix="pass the frame through tables.validate_contracts first",
        )
    if "currency" in contracts.columns:
        seen = sorted(str(name) for name in contracts["currency"].dropna().unique())
        if len(seen) > 1:
            raise SchemaError(
                f"contracts are in {len(seen)} currencies, first {seen[:3]}",
                rule="charges are added up, so they are in one currency",
                where="contracts.currency",
                fix="convert the amounts, or run each currency on its own",
            )


def _ends(column: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """Return the first day without service; later than every day while the contract runs."""
    values = column.to_numpy(dtype="datetime64[s]")
    empty = np.isnat(values)
    days = to_day_numbers(np.where(empty, np.datetime64(0, "s"), values)).astype(np.int64)
    return np.where(empty, np.int64(_RUNNING), days)


def _unpaid(contracts: pd.DataFrame) -> BoolArray:
    """Return which contracts are known not to be paid for."""
    if "paid" not in contracts.columns:
        return np.zeros(len(contracts), dtype=np.bool_)
    paid: BoolArray = contracts["paid"].astype("boolean").fillna(True).to_numpy(dtype=np.bool_)
    return ~paid
