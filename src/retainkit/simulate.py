"""Seeded customer bases with known truth, to try things on and to test against.

Everything is drawn from numpy generators made of the `seed` given: no global state, no clock.
"""

from __future__ import annotations

from retainkit._simulate._base import SimulatedBase, make_customer_base, make_transactions
from retainkit._simulate._config import (
    PurchaseProcess,
    SimulationConfig,
)
from retainkit._simulate._dirt import DirtConfig, add_dirt
from retainkit._simulate._histories import make_purchase_histories

__all__ = [
    "DirtConfig",
    "PurchaseProcess",
    "SimulatedBase",
    "SimulationConfig",
    "add_dirt",
    "make_customer_base",
    "make_purchase_histories",
    "make_transactions",
]
