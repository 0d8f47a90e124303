"""What contracts may tell beside start, end and amount: optional columns, read once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.metrics._frame import amounts_of, days_of
from retainkit.typing import BoolArray, FloatArray

_Int32 = npt.NDArray[np.int32]


class ContractDetails(NamedTuple):
    """Optional columns of contracts, one element per row; None where the table has no such column.

    Attributes
    ----------
    cancel_requested, billing_end : ndarray of int32 or None
        Day of the request to cancel and end of the paid cycle; the largest int32 for none.
    unpaid : ndarray of bool or None
        From `paid`: known not to be paid.
    past_due_since : ndarray of int32 or None
        First day past due.
    paused : ndarray of bool or None
        The row is a pause.
    discount, usage_amount : ndarray of float or None
        Off and on top of the amount [money per billing period].
    discount_permanent : ndarray of bool or None
        The discount has no end.
    term_months : ndarray of int32 or None
        Length of the commitment [month].
    currency : ndarray of int16 or None
        Position in `currencies`.
    makes_active : ndarray of bool or None
        Whether the row makes its customer active; a return of goods does not.
    currencies : tuple of str
        Currencies that occur, sorted.

    Examples
    --------
    >>> from retainkit.metrics import ContractDetails
    >>> ContractDetails().currencies
    ()
    """

    cancel_requested: _Int32 | None = None
    billing_end: _Int32 | None = None
    unpaid: BoolArray | None = None
    past_due_since: _Int32 | None = None
    paused: BoolArray | None = None
    discount: FloatArray | None = None
    discount_permanent: BoolArray | None = None
    usage_amount: FloatArray | None = None
    term_months: _Int32 | None = None
    currency: npt.NDArray[np.int16] | None = None
    makes_active: BoolArray | None = None
    currencies: tuple[str, ...] = ()


NO_DETAILS = ContractDetails()
_NO_TERM = -1.0


def read_details(contracts: pd.DataFrame, seen: BoolArray) -> ContractDetails:
    """Return the optional columns that the frame has, for the rows that were seen."""
    known: dict[str, Any] = {}
    for name in ("cancel_requested", "billing_end", "past_due_since"):
        if name in contracts.columns:
            days = days_of(contracts, name, table="contracts", open_end=True)
            known[name] = days[seen].astype(np.int32)
    if "paid" in contracts.columns:
        known["unpaid"] = ~_flags(contracts["paid"], missing=True)[seen]
    for name in ("paused", "discount_permanent"):
        if name in contracts.columns:
            known[name] = _flags(contracts[name], missing=False)[seen]
    for name in ("discount", "usage_amount"):
        if name in contracts.columns:
            known[name] = _recorded(contracts, name, blank=0.0)[seen]
    if "term_months" in contracts.columns:
        terms = _recorded(contracts, "term_months", blank=_NO_TERM)
        known["term_months"] = np.rint(terms[seen]).astype(np.int32)
    if "currency" in contracts.columns:
        codes, names = pd.factorize(contracts["currency"][seen].astype(str), sort=True)
        known["currency"] = codes.astype(np.int16)
        known["currencies"] = tuple(map(str, names))
    return ContractDetails(**known)


def _recorded(contracts: pd.DataFrame, name: str, *, blank: float) -> FloatArray:
    """Return the numbers of a column; a blank discount or usage is none, a blank term its own."""
    return amounts_of(contracts[[name]].fillna(blank), name, table="contracts")


def _flags(column: pd.Series[Any], *, missing: bool) -> BoolArray:
    """Return truth values; missing ones as told."""
    if column.dtype == bool:
        return np.asarray(column.to_numpy())
    return np.asarray(column.astype("boolean").fillna(missing).to_numpy(dtype=np.bool_))
