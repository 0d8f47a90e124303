"""Read contracts under the conventions: which count, and on which day each ends."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import to_day_numbers
from retainkit.churn._config import ContractChurnConfig
from retainkit.churn._kernel import NEVER
from retainkit.errors import SchemaError
from retainkit.typing import BoolArray

RUNNING = 2**31
"""End day of a contract without end: later than every calendar day number."""


class ContractRows(NamedTuple):
    """The contracts as arrays, in the order of the frame; days since 1970-01-01."""

    customer_id: pd.Index
    group: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    counts: BoolArray
    """Whether the conventions let the contract count."""
    paused: BoolArray


def read_contracts(
    contracts: pd.DataFrame, *, today: int, config: ContractChurnConfig
) -> ContractRows:
    """Return the contracts with their ends on the day the convention recognises."""
    missing = [name for name in ("customer_id", "start", "end") if name not in contracts.columns]
    if missing:
        raise _schema_error(f"contracts lack the columns {missing}")
    group, unique = pd.factorize(contracts["customer_id"], use_na_sentinel=True)
    start, end = _days(contracts["start"]), _days(contracts["end"])
    end = np.where(end == -NEVER, RUNNING, end)
    empty = (start == -NEVER) | (group < 0)
    if empty.any():
        raise _schema_error(f"{int(empty.sum())} contracts have no customer or no start")
    if (end < start).any():
        raise _schema_error(f"{int((end < start).sum())} contracts end before they start")
    counts = start <= today
    if config.same_day == "ignore":
        counts &= end > start
    if config.unpaid == "ignore":
        counts &= ~_flags(contracts, "paid", wanted=False)
    paused = (end < RUNNING) & _is_pause(contracts, config)
    end = np.maximum(_recognise(contracts, start, end, today=today, config=config), start)
    ids = pd.Index(unique, name="customer_id")
    return ContractRows(ids, group.astype(np.int64), start, end, counts, paused)


def _recognise(
    contracts: pd.DataFrame,
    start: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    *,
    today: int,
    config: ContractChurnConfig,
) -> npt.NDArray[np.int64]:
    """Return the day each contract counts as ended; the column `end` where nothing else is told.

    A request dated after `today` is not known yet.
    """
    if config.recognition == "cancel_requested":
        told = _days_if_any(contracts, "cancel_requested", len(start))
        known = (told != -NEVER) & (told <= today)
        return np.where(known, np.minimum(told, end), end)
    if config.recognition == "billing_end":
        told = _days_if_any(contracts, "billing_end", len(start))
        if config.billing_months is not None:
            told = np.where(told == -NEVER, _paid_until(start, end, config.billing_months), told)
        return np.where((told != -NEVER) & (end < RUNNING), np.maximum(told, end), end)
    return end


def _paid_until(
    start: npt.NDArray[np.int64], end: npt.NDArray[np.int64], months: int
) -> npt.NDArray[np.int64]:
    """Return the end of the billing period in which each contract ended; at least one is billed.

    Periods begin on the day of the month of the start, or on the month's last day where it has
    no such day.
    """
    finite = np.where(end < RUNNING, end, start)
    begun = start.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    day = start - begun.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    reached = finite.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    periods = np.maximum((reached - begun) // months, 1)
    due = _same_day(begun + periods * months, day)
    return np.where(due < finite, _same_day(begun + (periods + 1) * months, day), due)


def _same_day(month: npt.NDArray[np.int64], day: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the same day of the month in a month, or its last day."""
    first = month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (month + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    due: npt.NDArray[np.int64] = np.minimum(first + day, following - 1)
    return due


def _is_pause(contracts: pd.DataFrame, config: ContractChurnConfig) -> BoolArray:
    """Return which contracts ended in a pause that is no loss."""
    if config.paused == "lost":
        return np.zeros(len(contracts), dtype=np.bool_)
    pauses = _flags(contracts, "paused", wanted=True)
    if "end_reason" in contracts.columns:
        reason = contracts["end_reason"].astype("str").str.strip().str.casefold()
        pauses |= reason.isin(config.pause_reasons).to_numpy(dtype=np.bool_)
    return pauses


def _flags(contracts: pd.DataFrame, name: str, *, wanted: bool) -> BoolArray:
    """Return where a column of truth values is known to be `wanted`; nowhere without the column."""
    if name not in contracts.columns:
        return np.zeros(len(contracts), dtype=np.bool_)
    values = contracts[name].astype("boolean")
    known: BoolArray = values.fillna(not wanted).to_numpy(dtype=np.bool_) == wanted
    return known


def _days_if_any(contracts: pd.DataFrame, name: str, size: int) -> npt.NDArray[np.int64]:
    """Return day numbers of a column; -NEVER where empty, or without the column."""
    if name in contracts.columns:
        return _days(contracts[name])
    return np.full(size, -NEVER, dtype=np.int64)


def _days(column: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """Return day numbers; -NEVER where empty."""
    if column.isna().all():
        return np.full(len(column), -NEVER, dtype=np.int64)
    values = column.to_numpy()
    if values.dtype.kind != "M":
        raise _schema_error(f"column {column.name!r} is {column.dtype}, not naive datetimes")
    empty = np.isnat(values)
    days = to_day_numbers(np.where(empty, np.datetime64(0, "s"), values)).astype(np.int64)
    return np.where(empty, -NEVER, days)


def _schema_error(wrong: str) -> SchemaError:
    """Return the error of a frame that is not one of valid contracts."""
    return SchemaError(
        wrong,
        rule="a contract has a customer, a start, and an end that is empty or not before it",
        where="contracts",
        fix="pass the frame that validate_contracts returns",
    )
