"""What the contracts say of each customer: running or ended, price, charges, and what is ahead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import day_number, parse_as_of, to_day_numbers
from retainkit.churn import (
    ChurnTable,
    ContractChurnConfig,
    SpellTable,
    detect_contract_churn,
    list_contract_spells,
)
from retainkit.typing import AsOf, BoolArray, FloatArray
from retainkit.value._kernel_charges import charge_day, charges_due

_CONVENTIONS = ContractChurnConfig()
_ENDLESS = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ContractFacts:
    """State of each customer's contracts on the last observed day.

    Parameters
    ----------
    churn : ChurnTable
        Who has a contract, who has left; one row per customer, in the order of the summary.
    charged : numpy.ndarray of int64
        Monthly charges since the customer joined, or came back [count]; 0 where no contract runs.
    price : numpy.ndarray of float64
        What the running contracts bring [money/month].
    term_months : numpy.ndarray of int64
        Months between two chances to leave: the shortest term that runs [month].
    days_to_next : numpy.ndarray of float64
        Days until the next charge [day].
    charges_left : numpy.ndarray of float64
        Charges until the last known end [count]; infinite without one.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.pipeline import read_contract_facts
    >>> contracts = pd.DataFrame({"customer_id": ["a"], "start": pd.to_datetime(["2026-01-15"]),
    ...                           "end": pd.to_datetime([None]), "amount": [30.0]})
    >>> facts = read_contract_facts(contracts, as_of="2026-03-31", customer_id=pd.Index(["a"]))
    >>> facts.charged.tolist(), facts.price.tolist(), facts.days_to_next.tolist()
    ([3], [30.0], [15.0])
    """

    churn: ChurnTable
    charged: npt.NDArray[np.int64]
    price: FloatArray
    term_months: npt.NDArray[np.int64]
    days_to_next: FloatArray
    charges_left: FloatArray

    def __len__(self) -> int:
        return len(self.churn)


def read_contract_facts(
    contracts: pd.DataFrame,
    *,
    as_of: AsOf,
    customer_id: pd.Index[Any],
    config: ContractChurnConfig | None = None,
) -> ContractFacts:
    """Read the state of each customer's contracts, aligned with a summary.

    Parameters
    ----------
    contracts : pandas.DataFrame
        Valid contracts: customer_id, start, end, amount [money per month]; `paid` and
        `term_months` where known.
    as_of : str, date, datetime or numpy.datetime64
        Last observed day, inclusive.
    customer_id : pandas.Index
        Customers of the summary, in order; each has a contract.
    config : ContractChurnConfig, optional
        When a contract counts as ended.

    Returns
    -------
    ContractFacts
        One entry per customer asked for.

    Raises
    ------
    AlignmentError
        If a customer has no contract.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.pipeline import read_contract_facts
    >>> contracts = pd.DataFrame({"customer_id": [1, 1], "amount": [30.0, 5.0],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-02-01"]),
    ...     "end": pd.to_datetime([None, "2026-06-01"])})
    >>> facts = read_contract_facts(contracts, as_of="2026-03-31", customer_id=pd.Index([1]))
    >>> facts.price.tolist(), facts.charges_left.tolist()
    ([35.0], [inf])
    """
    config = config or _CONVENTIONS
    today = day_number(parse_as_of(as_of))
    churn = detect_contract_churn(contracts, as_of=as_of, config=config)
    spells = list_contract_spells(contracts, as_of=as_of, config=config)
    place = _places(churn.customer_id, customer_id)
    running, start = _last_spells(spells, len(churn))
    code = churn.customer_id.get_indexer(pd.Index(contracts["customer_id"]))
    live, until = _live_rows(contracts, today)
    live &= running[code]
    size = len(churn)
    amount = contracts["amount"].to_numpy(dtype=np.float64)
    price = np.bincount(code[live], amount[live], minlength=size).astype(np.float64)
    term = np.full(size, _ENDLESS)
    np.minimum.at(term, code[live], read_terms(contracts)[live])
    term[term == _ENDLESS] = 1
    last = np.zeros(size, dtype=np.int64)
    np.maximum.at(last, code[live], until[live])
    charged, days, left = _count(start, running, last, today)
    return ContractFacts(
        churn=_take(churn, place),
        charged=charged[place],
        price=price[place],
        term_months=term[place],
        days_to_next=days[place],
        charges_left=left[place],
    )


def read_terms(contracts: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the months between two chances to leave, per contract; one where nothing is said."""
    if "term_months" not in contracts.columns:
        return np.ones(len(contracts), dtype=np.int64)
    terms = contracts["term_months"].fillna(1.0).to_numpy(dtype=np.float64)
    months: npt.NDArray[np.int64] = np.maximum(np.rint(terms), 1.0).astype(np.int64)
    return months


def _places(known: pd.Index[Any], wanted: pd.Index[Any]) -> npt.NDArray[np.intp]:
    from retainkit.errors import AlignmentError

    place = known.get_indexer(wanted)
    if (place < 0).any():
        lost = [str(name) for name in wanted[place < 0][:3]]
        raise AlignmentError(
            f"{int((place < 0).sum()):,} customers have no contract, first {lost}",
            rule="contract facts are read for customers who have a contract",
            where="customer_id",
            fix="pass the customers of summarize_customers(list_charges(contracts))",
        )
    return place


def _last_spells(spells: SpellTable, size: int) -> tuple[BoolArray, npt.NDArray[np.int64]]:
    """Return whether each customer's last spell runs, and the day it began."""
    final = np.flatnonzero(~spells.returned)
    running = np.zeros(size, dtype=np.bool_)
    running[spells.customer[final]] = ~spells.has_end[final]
    start = np.zeros(size, dtype=np.int64)
    start[spells.customer[final]] = spells.start_day[final]
    return running, start


def _live_rows(contracts: pd.DataFrame, today: int) -> tuple[BoolArray, npt.NDArray[np.int64]]:
    """Return which contracts run on the last observed day, and the first day without service."""
    ends = contracts["end"].to_numpy(dtype="datetime64[s]")
    until = np.full(len(contracts), _ENDLESS)
    until[~np.isnat(ends)] = to_day_numbers(ends[~np.isnat(ends)])
    begun = to_day_numbers(contracts["start"].to_numpy()) <= today
    live = begun & (until > today)
    if "paid" in contracts.columns:
        live &= contracts["paid"].astype("boolean").fillna(True).to_numpy(dtype=np.bool_)
    return live, until


def _count(
    start: npt.NDArray[np.int64],
    running: BoolArray,
    last: npt.NDArray[np.int64],
    today: int,
) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray]:
    """Return charges so far, days to the next one, and charges left before a known end."""
    charged = np.zeros(len(start), dtype=np.int64)
    days, left = np.zeros(len(start)), np.full(len(start), np.inf)
    charged[running] = charges_due(start[running], np.full(int(running.sum()), today + 1))
    days[running] = charge_day(start[running], charged[running]) - today
    bound = running & (last > today) & (last < _ENDLESS)
    left[bound] = charges_due(start[bound], last[bound]) - charged[bound]
    left[running & (last <= today)] = 0.0
    return charged, days, left


def _take(churn: ChurnTable, place: npt.NDArray[np.intp]) -> ChurnTable:
    """Return the churn table of these customers, in this order."""
    return replace(
        churn,
        customer_id=churn.customer_id[place],
        p_churned=churn.p_churned[place],
        churned=churn.churned[place],
        reason_code=churn.reason_code[place],
        effective_day=None if churn.effective_day is None else churn.effective_day[place],
        spells=None if churn.spells is None else churn.spells[place],
    )
