"""The rows that money is counted from, as a run counts it."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pandas as pd

from retainkit._pipeline._histories import ContractHistory
from retainkit._pipeline._history import PurchaseHistory
from retainkit.contracts import list_charges
from retainkit.tables import align_customer_ids

RowHistory: TypeAlias = PurchaseHistory | ContractHistory
"""A history with rows."""


def money_rows(
    history: RowHistory, *, of_profit: bool, margin_rate: float, charges_apart: bool
) -> pd.DataFrame:
    """Return customer (row among the history's ids), timestamp, money, amount, bought or not.

    Money is profit where that is counted, else amounts times the margin; charges of contracts come
    on top where they are not among the rows.
    """
    rows = history.rows
    amount = rows["amount"].to_numpy(dtype=np.float64)
    money = rows["profit"] if of_profit else amount * margin_rate
    found = rows[["customer_id", "timestamp"]].assign(
        money=money, amount=amount, bought=amount >= 0.0
    )
    record = history.contracts
    if record is None or history.contracts_alone or not charges_apart:
        return found
    charges = list_charges(record.table, as_of=history.as_of)
    place = align_customer_ids(charges["customer_id"], history.customer_id)
    due = pd.DataFrame(
        {
            "customer_id": place,
            "timestamp": charges["timestamp"],
            "money": charges["amount"] * margin_rate,
            "amount": charges["amount"],
            "bought": False,
        }
    )
    return pd.concat([found, due[place >= 0]], ignore_index=True)
