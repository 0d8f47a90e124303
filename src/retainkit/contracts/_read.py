"""read_contracts: the contracts table as arrays, read once for every room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.frame_columns import (
    amounts_of,
    days_of,
    number_customers,
    require_columns,
    wrong_column,
)
from retainkit.contracts._details import ContractDetails, read_details
from retainkit.typing import FloatArray

_Int32 = npt.NDArray[np.int32]


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

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.contracts import read_contracts
    >>> contracts = read_contracts(pd.DataFrame({
    ...     "customer_id": ["a", "b", "a"],
    ...     "start": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-01"]),
    ...     "end": pd.to_datetime(["2026-02-01", None, None])}))
    >>> len(contracts), contracts.customer.tolist(), contracts.amount is None
    (3, [0, 1, 0], True)
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
