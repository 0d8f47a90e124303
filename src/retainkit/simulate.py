"""Seeded customer bases with known truth, to try things on and to test against.

Everything is drawn from numpy generators made of the `seed` given: no global state, no clock.
"""

from __future__ import annotations

from retainkit._simulate._base import SimulatedBase, make_customer_base, make_transactions
from retainkit._simulate._config import (
    BusinessLine,
    CauseShare,
    PurchaseProcess,
    SalesChannel,
    ServiceActivity,
    SimulationConfig,
    SpendProcess,
)
from retainkit._simulate._dirt import DirtConfig, DirtyTransactions, add_dirt
from retainkit._simulate._histories import SimulatedHistories, make_purchase_histories

__all__ = [
    "BusinessLine",
    "CauseShare",
    "DirtConfig",
    "DirtyTransactions",
    "PurchaseProcess",
    "SalesChannel",
    "ServiceActivity",
    "SimulatedBase",
    "SimulatedHistories",
    "SimulationConfig",
    "SpendProcess",
    "add_dirt",
    "make_customer_base",
    "make_purchase_histories",
    "make_transactions",
]
