"""What contracts may tell beside start, end and amount: optional columns, read once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.frame_columns import amounts_of, days_of
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
    currency, end_reason : ndarray of int16 or None
        Position in `currencies` and `end_reasons`; -1 for no reason.
    makes_active : ndarray of bool or None
        Whether the row makes its customer active; a return of goods does not.
    currencies, end_reasons : tuple of str
        Currencies and reasons that occur; reasons in lower case.

    Examples
    --------
    >>> from retainkit.contracts import ContractDetails
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
    end_reason: npt.NDArray[np.int16] | None = None
    makes_active: BoolArray | None = None
    currencies: tuple[str, ...] = ()
    end_reasons: tuple[str, ...] = ()

    def take(self, rows: npt.NDArray[Any]) -> ContractDetails:
        """Return the columns for some rows: a mask, or positions in the order wanted."""
        parts = {k: v[rows] for k, v in self._asdict().items() if isinstance(v, np.ndarray)}
        return self._replace(**parts)


NO_DETAILS = ContractDetails()
_NO_TERM = -1.0


def read_details(contracts: pd.DataFrame) -> ContractDetails:
    """Return the optional columns that the frame has."""
    known: dict[str, Any] = {}
    for name in ("cancel_requested", "billing_end", "past_due_since"):
        if name in contracts.columns:
            days = days_of(contracts, name, table="contracts", open_end=True)
            known[name] = days.astype(np.int32, copy=False)
    if "paid" in contracts.columns:
        known["unpaid"] = ~_flags(contracts["paid"], missing=True)
    for name in ("paused", "discount_permanent"):
        if name in contracts.columns:
            known[name] = _flags(contracts[name], missing=False)
    for name in ("discount", "usage_amount"):
        if name in contracts.columns:
            known[name] = _recorded(contracts, name, blank=0.0)
    if "term_months" in contracts.columns:
        terms = _recorded(contracts, "term_months", blank=_NO_TERM)
        known["term_months"] = np.rint(terms).astype(np.int32)
    if "currency" in contracts.columns:
        codes, names = pd.factorize(contracts["currency"].astype(str), sort=True)
        known["currency"] = codes.astype(np.int16)
        known["currencies"] = tuple(map(str, names))
    if "end_reason" in contracts.columns:
        known["end_reason"], known["end_reasons"] = _reasons(contracts["end_reason"])
    return ContractDetails(**known)


def _reasons(column: pd.Series[Any]) -> tuple[npt.NDArray[np.int16], tuple[str, ...]]:
    """Return each text as a number, -1 for none, and the different texts in lower case."""
    codes, written = pd.factorize(column)
    place, names = pd.factorize(np.array([str(text).strip().casefold() for text in written]))
    return np.append(place, -1)[codes].astype(np.int16), tuple(map(str, names))


def _recorded(contracts: pd.DataFrame, name: str, *, blank: float) -> FloatArray:
    """Return the numbers of a column; a blank discount or usage is none, a blank term its own."""
    return amounts_of(contracts[[name]].fillna(blank), name, table="contracts")


def _flags(column: pd.Series[Any], *, missing: bool) -> BoolArray:
    """Return truth values; missing ones as told."""
    if column.dtype == bool:
        return np.asarray(column.to_numpy())
    return np.asarray(column.astype("boolean").fillna(missing).to_numpy(dtype=np.bool_))
