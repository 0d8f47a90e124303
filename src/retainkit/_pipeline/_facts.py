"""What is known of customers beside the summary: kind, background, standing, rhythm, wallet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import day_number, to_day_numbers
from retainkit.churn import CodeBook, StateFacts
from retainkit.churn.causes._coding import record_an_end
from retainkit.contracts import ContractState
from retainkit.contracts._spells import NO_DAY
from retainkit.lifetime import Covariates
from retainkit.tables import align_customer_ids, align_values
from retainkit.tiers import PaymentTable, StandingConfig, StandingTable, assess_standing
from retainkit.typing import BoolArray, FloatArray
from retainkit.value import BehaviorTable, CustomerSummary, WalletTable

_LATELY = 90
"""Days for which a request to cancel or a failed payment says something [day]."""
_OWING = {"credit_standing", "overdue_amount", "days_overdue"}
"""Columns that say how a customer pays."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CustomerFacts:
    """Facts about customers beside the summary of their purchases, aligned with it.

    Parameters
    ----------
    customer_id : pandas.Index
        Customers, in the order of the summary they belong to.
    is_business : numpy.ndarray of bool or None
        Whether each customer is a business; None where the table does not say.
    background : numpy.ndarray of float64 or None
        Number of strategic flags that hold; NaN for who is not in the table.
    standing : StandingTable or None
        How the customers pay; None where the table says nothing about it.
    behavior : BehaviorTable or None
        Rhythm, preference and trend of spending.
    wallet : WalletTable or None
        Share of wallet, where spending in the whole category is known.
    loss_reason : numpy.ndarray of int8 or None
        What costs an unprofitable customer most, as a position in `value.LOSS_REASONS`; -1 for
        the others. None where no profit is known. Without list prices a discount cannot be told
        from a dear product: `decompose_profit(list_amount=)` tells them apart.
    contracts : ContractState or None
        State of the contracts, where a firm has contracts and no purchases.
    contracts_beside : ContractState or None
        State of the contracts of a firm that has purchases too, of those who have any.
    on_record : StateFacts or None
        Ends, cancellations asked for, failed payments and open complaints; None without events.
    covariates : Covariates or None
        What does not change about the customers (`CustomerColumns.covariates`), a row each; NaN
        where unknown.
    contact : numpy.ndarray of int8 or None
        What a customer may be contacted for: 0 anything, 1 service only, 2 nothing; None where
        nobody said.
    complaint_since : numpy.ndarray of int32 or None
        Day since which the oldest open complaint waits [days since 1970-01-01]; int32 minimum:
        none is open. None without events that say when complaints were settled.
    cause : numpy.ndarray of int8 or None
        Why who left did, a position in `churn.ChurnCause`; -1 for the others.
    recoverable : numpy.ndarray of bool or None
        Whom an offer may win back by the cause of leaving; True where it is not known.
    channel : tuple of numpy.ndarray of int8 and tuple of str, or None
        Channel most is bought through, and the names of channels.
    days_to_renewal : numpy.ndarray of float64 or None
        Days until the running term of a contract ends [day]; NaN without one.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.pipeline import read_customer_facts
    >>> customers = pd.DataFrame({"customer_id": [2], "days_overdue": [120.0]})
    >>> read_customer_facts(customers, customer_id=pd.Index([1, 2])).standing.standing.tolist()
    [0, 2]
    """

    customer_id: pd.Index[Any]
    is_business: BoolArray | None = None
    background: FloatArray | None = None
    standing: StandingTable | None = None
    behavior: BehaviorTable | None = None
    wallet: WalletTable | None = None
    loss_reason: npt.NDArray[np.int8] | None = None
    contracts: ContractState | None = None
    contracts_beside: ContractState | None = None
    on_record: StateFacts | None = None
    covariates: Covariates | None = None
    contact: npt.NDArray[np.int8] | None = None
    complaint_since: npt.NDArray[np.int32] | None = None
    cause: npt.NDArray[np.int8] | None = None
    recoverable: npt.NDArray[np.bool_] | None = None
    channel: tuple[npt.NDArray[np.int8], tuple[str, ...]] | None = None
    days_to_renewal: FloatArray | None = None


def read_customer_facts(
    customers: pd.DataFrame | None,
    *,
    customer_id: pd.Index[Any],
    strategic_flags: tuple[str, ...] = (),
    payments: PaymentTable | None = None,
    config: StandingConfig | None = None,
) -> CustomerFacts:
    """Align a valid customers table with the customers of a summary.

    Protected attributes are never read here, so no score and no decision can depend on them.

    Parameters
    ----------
    customers : pandas.DataFrame or None
        Accepted rows from `split_valid_table`; None where only payments are known.
    customer_id : pandas.Index
        Customers of the summary, in order.
    strategic_flags : tuple of str, default ()
        Yes/no columns that make up the background of a business customer.
    payments : PaymentTable, optional
        How customers pay, from `summarize_invoices`.
    config : StandingConfig, optional
        From when on a debt counts.

    Returns
    -------
    CustomerFacts
        One value per customer asked for; who is not in the table is unknown, not "no".

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.pipeline import read_customer_facts
    >>> customers = pd.DataFrame({"customer_id": ["b"], "kind": ["business"], "ministry": [True]})
    >>> facts = read_customer_facts(
    ...     customers, customer_id=pd.Index(["a", "b"]), strategic_flags=("ministry",))
    >>> facts.is_business.tolist(), facts.background.tolist()
    ([False, True], [nan, 1.0])
    """
    settings = config or StandingConfig()
    standing = None
    if payments is not None or (customers is not None and _OWING & set(customers.columns)):
        standing = assess_standing(
            customers, customer_id=customer_id, payments=payments, config=settings
        )
    if customers is None:
        return CustomerFacts(customer_id=customer_id, standing=standing)
    known = pd.Index(customers["customer_id"])
    is_business = background = None
    if "kind" in customers:
        is_business = align_values(
            customers["kind"] == "business", known, to=customer_id, missing=False
        )
    if strategic_flags and is_business is not None:
        flags = customers[list(strategic_flags)].to_numpy(dtype=np.float64)
        background = align_values(flags.sum(axis=1), known, to=customer_id)
    return CustomerFacts(
        customer_id=customer_id, is_business=is_business, background=background, standing=standing
    )


def read_records(
    events: pd.DataFrame,
    summary: CustomerSummary,
    code_books: tuple[CodeBook, ...] = (),
) -> StateFacts:
    """Return what events say of each customer's state on the last observed day.

    An end is final, be it an event of its own or the reason coded in one. A request to cancel and a
    failed payment count for 90 days, the payment unless one was recovered since; a complaint while
    no day of settling is known.
    """
    place = np.asarray(align_customer_ids(events["customer_id"], summary.customer_id))
    days = to_day_numbers(events["timestamp"].to_numpy()).astype(np.int64)
    kind = events["kind"].astype(str).to_numpy()
    lately = day_number(summary.as_of) - _LATELY

    def latest(met: BoolArray) -> npt.NDArray[np.int32]:
        met = met & (place >= 0)
        last = np.full(len(summary), NO_DAY, dtype=np.int32)
        np.maximum.at(last, place[met], days[met].astype(np.int32))
        return last

    failed = latest(kind == "payment_failed")
    ended_on = latest(record_an_end(events, code_books=code_books))
    complaint = None
    if "resolved_at" in events:
        unsettled = (kind == "complaint") & events["resolved_at"].isna().to_numpy() & (place >= 0)
        complaint = np.zeros(len(summary), dtype=np.bool_)
        complaint[place[unsettled]] = True
    return StateFacts(
        ended=ended_on != NO_DAY,
        ended_on=ended_on,
        cancellation_requested=latest(kind == "cancellation_request") > lately,
        payment_failed=(failed > lately) & (latest(kind == "payment_recovered") < failed),
        complaint_open=complaint,
    )
