"""detect_contract_churn: who left, where contracts say so."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._internal.time import day_number, parse_as_of, to_day_numbers
from retainkit.churn._churn_table import NO_DAY, REASON_CODE, ChurnReason, ChurnTable
from retainkit.churn._config import ContractChurnConfig
from retainkit.churn._kernel import NEVER, cover
from retainkit.errors import SchemaError
from retainkit.typing import AsOf

_RUNNING = 2**31
"""End day of a contract without end: later than every calendar day number."""


class _Contracts(NamedTuple):
    customer_id: pd.Index
    group: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]


def detect_contract_churn(
    contracts: pd.DataFrame,
    *,
    as_of: AsOf,
    config: ContractChurnConfig = ContractChurnConfig(),  # noqa: B008 - frozen
) -> ChurnTable:
    """Judge who has left from the contracts each customer had.

    A contract covers [start, end): `end` is the first day without service, empty while it runs.
    Several contracts of a customer may overlap or follow each other; it has left when none covers
    `as_of` and the gap is no shorter than the grace. A contract that ends after `as_of` still
    runs, even if notice has been given: the loss is recognised at the end of the period.

    Parameters
    ----------
    contracts : pandas.DataFrame
        Valid contracts: customer_id, start, end (naive datetimes).
    as_of : str, date or datetime
        Last observed day, inclusive.
    config : ContractChurnConfig, optional
        The conventions.

    Returns
    -------
    ChurnTable
        Customers in order of first appearance. `p_churned` is 1 or 0; NaN while in grace (reason
        `in_grace`) and for customers with no contract begun by `as_of` (`not_started`).
        `effective_day` is the first day without service. `spells` counts how often a customer
        joined; a gap shorter than the grace does not part two spells.

    Raises
    ------
    SchemaError
        If a column is missing, a start is empty or an end lies before its start.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import detect_contract_churn
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b", "b", "c"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-01", "2026-01-01"]),
    ...     "end": pd.to_datetime([None, "2026-02-01", None, "2026-03-20"])})
    >>> detect_contract_churn(contracts, as_of="2026-03-31").to_frame()
      customer_id  p_churned  churned            reason effective_at  spells
    0           a        0.0    False  contract_running          NaT       1
    1           b        0.0    False  contract_running          NaT       2
    2           c        1.0     True    contract_ended   2026-03-20       1
    """
    today = day_number(parse_as_of(as_of))
    rows = _read(contracts)
    counts = rows.start <= today
    if config.same_day == "ignore":
        counts &= rows.end > rows.start
    n, gap = len(rows.customer_id), max(config.grace_days, 1)
    reach = cover(rows.group[counts], rows.start[counts], rows.end[counts], min_gap=gap, n=n)
    begun, running = reach.end > -NEVER, reach.end > today
    gone = begun & ~running & (today + 1 - reach.end >= gap)
    reason = np.full(n, REASON_CODE[ChurnReason.NOT_STARTED], dtype=np.int8)
    reason[begun] = REASON_CODE[ChurnReason.IN_GRACE]
    reason[running] = REASON_CODE[ChurnReason.CONTRACT_RUNNING]
    reason[gone] = REASON_CODE[ChurnReason.CONTRACT_ENDED]
    return ChurnTable(
        customer_id=rows.customer_id,
        p_churned=np.where(gone, 1.0, np.where(running, 0.0, np.nan)),
        churned=gone,
        reason_code=reason,
        effective_day=np.where(gone, reach.end, NO_DAY).astype(np.int32),
        spells=reach.spells,
        config=config,
    )


def _read(contracts: pd.DataFrame) -> _Contracts:
    missing = [name for name in ("customer_id", "start", "end") if name not in contracts.columns]
    if missing:
        raise _schema_error(f"contracts lack the columns {missing}")
    group, unique = pd.factorize(contracts["customer_id"], use_na_sentinel=True)
    start, end = _days(contracts["start"]), _days(contracts["end"])
    end = np.where(end == -NEVER, _RUNNING, end)
    empty = (start == -NEVER) | (group < 0)
    if empty.any():
        raise _schema_error(f"{int(empty.sum())} contracts have no customer or no start")
    if (end < start).any():
        raise _schema_error(f"{int((end < start).sum())} contracts end before they start")
    return _Contracts(pd.Index(unique, name="customer_id"), group.astype(np.int64), start, end)


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
    return SchemaError(
        wrong,
        rule="a contract has a customer, a start, and an end that is empty or not before it",
        where="contracts",
        fix="pass the frame that validate_contracts returns",
    )
