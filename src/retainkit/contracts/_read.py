"""The table of contracts, read once: the convention, the details of a term, one reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from retainkit._core.config import FrozenConfig
from retainkit._core.frame_columns import (
    amounts_of,
    days_of,
    number_customers,
    require_columns,
    wrong_column,
)
from retainkit.typing import BoolArray, FloatArray

Recognition = Literal["service_period_end", "cancel_requested", "billing_end"]
"""The day on which a loss is dated."""


class ContractConvention(FrozenConfig):
    """Say which contracts count, on which day each has ended, and what it brings.

    Churn detection, metrics, expected value and the pipeline read contracts under this one
    convention, so they date and count every loss alike.

    Parameters
    ----------
    recognition : {"service_period_end", "cancel_requested", "billing_end"}
        The day a loss is dated. The first day without service (the default, column `end`); the
        day notice was given (column `cancel_requested`), where that is earlier; or the end of the
        billing period (column `billing_end`) of a contract that has ended, where that is later.
        Where the column is empty, the end of service stands.
    billing_months : int or None, default None
        Length of a billing period [month]; fills in `billing_end` where it is empty.
    spell : {"service", "contract"}, default "service"
        Whether contracts without a day between them are one spell of being a customer, or each
        contract is one: who cancels and signs again on the same day has left and come back. A
        *customer* is lost in either case when none of its contracts goes on.
    grace_days : int, default 0
        Days "below which a gap is not churn": a gap between two contracts, or up to and including
        `as_of`, of fewer days is no loss; a gap of exactly so many days is one.
    same_day : {"count", "ignore"}, default "count"
        Whether a contract that ends on the day it starts was a contract. It covers no day: metrics
        see it where customers who join and leave within one period count.
    unpaid : {"count", "ignore"}, default "count"
        Whether a contract whose bill was never paid (`paid` is False) was a contract.
    past_due : {"active", "churned"}, default "active"
        Contracts whose `paid` is False: still running, or ended on `past_due_since` (default: the
        start of the contract).
    dunning_days : int, default 0
        Days past due after which an "active" one has ended [day]; 0 = never for that reason.
    paused : {"active", "zero", "lost"}, default "active"
        Whether a customer whose last contract ended in a pause is still one, and whether a paused
        contract brings its amount or 0; "lost" takes a pause for an end like any other.
    pause_reasons : tuple of str
        Texts of `end_reason` that mean a pause, in lower case; so does `paused` = True.
        A contract whose cancellation was requested did not end in a pause.
    zero_value : {"active", "churned"}, default "active"
        Whether a contract over amount 0 (free plan, full discount) is one.
    discounts : {"subtract", "permanent_only", "ignore"}, default "subtract"
        Which amounts of the column `discount` lower recurring revenue; permanent are those with
        `discount_permanent`.
    usage : {"include", "exclude"}, default "include"
        Whether the column `usage_amount` adds to recurring revenue.

    Notes
    -----
    Why a notice can only bring a loss forward and a billing period only postpone it, and why a
    billing period alone ends nothing, is in "How a contract's end is dated" of the documentation.

    References
    ----------
    ChartMogul Help Center: Churn recognition (three options). Stripe Docs: Billing metric
    definitions. Paddle Help: ProfitWell Metrics vs. Stripe. Recurly Docs: Subscriber retention.

    Examples
    --------
    >>> from retainkit.contracts import ContractConvention
    >>> ContractConvention(grace_days=30).replace(same_day="ignore").grace_days
    30
    """

    recognition: Recognition = "service_period_end"
    billing_months: int | None = Field(default=None, ge=1)
    spell: Literal["service", "contract"] = "service"
    grace_days: int = Field(default=0, ge=0)
    same_day: Literal["count", "ignore"] = "count"
    unpaid: Literal["count", "ignore"] = "count"
    past_due: Literal["active", "churned"] = "active"
    dunning_days: int = Field(default=0, ge=0)
    paused: Literal["active", "zero", "lost"] = "active"
    pause_reasons: tuple[str, ...] = ("pause", "paused", "subscription_paused")
    zero_value: Literal["active", "churned"] = "active"
    discounts: Literal["subtract", "permanent_only", "ignore"] = "subtract"
    usage: Literal["include", "exclude"] = "include"


DEFAULT_CONTRACTS = ContractConvention()

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


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Contracts:
    """Contracts as arrays, one element per row of the frame; days since 1970-01-01.

    Every function that takes a frame of contracts takes this instead, and reads nothing again.

    Attributes
    ----------
    frame : pandas.DataFrame
        The valid frame.
    customer_id : pandas.Index
        Customers in order of first appearance.
    customer, start, end : ndarray of int32
        Customer, first day and first day no longer covered; the largest int32 while it runs.
    amount : ndarray of float or None
        Amount per billing period [money]; None where the frame has no such column.
    details : ContractDetails
        Optional columns, by row.
    """

    frame: pd.DataFrame
    customer_id: pd.Index[Any]
    customer: _Int32
    start: _Int32
    end: _Int32
    amount: FloatArray | None
    details: ContractDetails

    def __len__(self) -> int:
        return len(self.start)

    @property
    def term_months(self) -> npt.NDArray[np.int64]:
        """Months between two chances to leave, per row; one where nothing is said [month]."""
        terms = self.details.term_months
        if terms is None:
            return np.ones(len(self), dtype=np.int64)
        return np.maximum(terms, 1).astype(np.int64)


def read_contracts(contracts: pd.DataFrame | Contracts) -> Contracts:
    """Read contracts once, for churn, metrics, value and the pipeline alike.

    Parameters
    ----------
    contracts : pandas.DataFrame or Contracts
        Valid contracts (`retainkit.tables.validate_contracts`): customer_id, start, end (naive
        datetimes; end empty while it runs); where known `amount` [money per billing period] and
        what `ContractDetails` lists. What has been read already comes back as it is.

    Returns
    -------
    Contracts
        Rows in the order of the frame.

    Raises
    ------
    SchemaError
        If a column is missing or has a wrong type, a customer or start is empty, or an end lies
        before its start.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.contracts import read_contracts
    >>> frame = pd.DataFrame({"customer_id": ["a"], "start": pd.to_datetime(["2026-01-01"]),
    ...                       "end": pd.to_datetime([None]), "amount": [30.0]})
    >>> contracts = read_contracts(frame)
    >>> read_contracts(contracts) is contracts
    True
    """
    if isinstance(contracts, Contracts):
        return contracts
    table = "contracts"
    require_columns(contracts, ("customer_id", "start", "end"), table=table)
    start = days_of(contracts, "start", table=table)
    end = days_of(contracts, "end", table=table, open_end=True)
    if (end < start).any():
        what = f"lies before the start in {int((end < start).sum()):,} rows"
        raise wrong_column("end", what, "no end before its start", table=table)
    customer, customer_id = number_customers(contracts["customer_id"], table=table)
    has_amount = "amount" in contracts.columns
    return Contracts(
        frame=contracts,
        customer_id=customer_id.rename("customer_id"),
        customer=customer,
        start=start.astype(np.int32, copy=False),
        end=end.astype(np.int32, copy=False),
        amount=amounts_of(contracts, "amount", table=table) if has_amount else None,
        details=read_details(contracts),
    )


def require_amounts(contracts: Contracts) -> FloatArray:
    """Return the amounts; refuse contracts without."""
    if contracts.amount is None:
        require_columns(contracts.frame, ("amount",), table="contracts")
    assert contracts.amount is not None
    return contracts.amount
