"""detect_contract_churn: who left, where contracts say so."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retainkit._core.time import day_number, parse_as_of
from retainkit.churn._churn_table import REASON_CODE, ChurnReason, ChurnTable
from retainkit.churn._spells import SpellTable
from retainkit.contracts import (
    ContractConvention,
    Contracts,
    ContractState,
    read_contract_state,
    read_contracts,
)
from retainkit.contracts._convention import DEFAULT_CONTRACTS
from retainkit.contracts._spells import NO_DAY
from retainkit.contracts._state import STATUSES, date_and_join
from retainkit.typing import AsOf

_REASON_OF = {
    "not_started": ChurnReason.NOT_STARTED,
    "running": ChurnReason.CONTRACT_RUNNING,
    "paused": ChurnReason.PAUSED,
    "in_grace": ChurnReason.IN_GRACE,
    "ended": ChurnReason.CONTRACT_ENDED,
}
_REASON_OF_STATUS = np.array([REASON_CODE[_REASON_OF[name]] for name in STATUSES], dtype=np.int8)


def detect_contract_churn(
    contracts: pd.DataFrame | Contracts,
    *,
    as_of: AsOf,
    config: ContractConvention = DEFAULT_CONTRACTS,
) -> ChurnTable:
    """Judge who has left from the contracts each customer had.

    A contract covers [start, end): `end` is the first day without service, empty while it runs.
    Several contracts of a customer may overlap or follow each other; it has left when none covers
    `as_of` and the gap is no shorter than the grace. By default a contract that ends after `as_of`
    still runs, even if notice has been given: the loss is recognised at the end of service.

    Parameters
    ----------
    contracts : pandas.DataFrame or Contracts
        Valid contracts: customer_id, start, end (naive datetimes), and where known what the
        convention asks for.
    as_of : str, date or datetime
        Last observed day, inclusive.
    config : ContractConvention, optional
        The conventions.

    Returns
    -------
    ChurnTable
        Customers in order of first appearance. `p_churned` is 1 or 0; NaN while in grace (reason
        `in_grace`) and for customers with no contract begun by `as_of` (`not_started`).
        `effective_day` is the day the loss is recognised. `spells` counts how often a customer
        joined; a gap shorter than the grace does not part two spells.

    Raises
    ------
    SchemaError
        If a column is missing, a start is empty or an end lies before its start.

    See Also
    --------
    list_contract_spells : The spells themselves, for incidence and reactivation.

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
    return churn_of_contracts(read_contract_state(contracts, as_of=as_of, convention=config))


def churn_of_contracts(state: ContractState) -> ChurnTable:
    """Return who has left by the state of the contracts, in its order."""
    gone = state.is_in("ended")
    stays = state.is_in("running") | state.is_in("paused")
    return ChurnTable(
        customer_id=state.customer_id,
        p_churned=np.where(gone, 1.0, np.where(stays, 0.0, np.nan)),
        churned=gone,
        reason_code=_REASON_OF_STATUS[state.status],
        effective_day=state.ended_on,
        spells=state.spells,
        config=state.convention,
    )


def list_contract_spells(
    contracts: pd.DataFrame | Contracts,
    *,
    as_of: AsOf,
    config: ContractConvention = DEFAULT_CONTRACTS,
) -> SpellTable:
    """List every spell of every customer: from joining, or returning, to leaving.

    Parameters
    ----------
    contracts : pandas.DataFrame or Contracts
        As in `detect_contract_churn`.
    as_of : str, date or datetime
        Last observed day, inclusive; spells that still run then are censored on it.
    config : ContractConvention, optional
        The conventions; `spell="contract"` makes each contract a spell of its own, so that who
        cancels and subscribes again on the same day comes back.

    Returns
    -------
    SpellTable
        Customers in order of first appearance, spells in order of time.

    Raises
    ------
    SchemaError
        As `detect_contract_churn`.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import list_contract_spells
    >>> contracts = pd.DataFrame({
    ...     "customer_id": ["a", "b", "b"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-01"]),
    ...     "end": pd.to_datetime([None, "2026-02-01", None])})
    >>> spells = list_contract_spells(contracts, as_of="2026-03-31")
    >>> spells.to_frame()[["customer_id", "spell", "duration_days", "ended", "absent_days"]]
      customer_id  spell  duration_days  ended  absent_days
    0           a      1             90  False          NaN
    1           b      1             31   True         28.0
    2           b      2             31  False          NaN
    """
    today = day_number(parse_as_of(as_of))
    rows = read_contracts(contracts)
    _, spells = date_and_join(rows, today=today, convention=config)
    return SpellTable(
        customer_id=rows.customer_id,
        customer=spells.customer,
        number=spells.number,
        start_day=spells.start,
        end_day=np.where(spells.ended, spells.end, NO_DAY).astype(np.int32),
        contracts=spells.contracts,
        last_contract=spells.last_contract,
        is_pause=spells.pause,
        as_of_day=today,
        config=config,
    )
