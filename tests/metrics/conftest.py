from __future__ import annotations

import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.metrics import ContractIndex, PurchaseIndex, index_contracts, index_purchases


@pytest.fixture(scope="session")
def cdnow() -> pd.DataFrame:
    return load_cdnow_sample()


@pytest.fixture(scope="session")
def cdnow_base(cdnow: pd.DataFrame) -> PurchaseIndex:
    return index_purchases(cdnow, as_of="1998-06-30")


@pytest.fixture
def march_contracts() -> pd.DataFrame:
    """The golden month: nine customers, every kind of movement, amounts per month."""
    rows = [
        ("A", "2026-01-01", None, 100.0),
        ("B", "2026-01-01", "2026-03-15", 100.0),
        ("B", "2026-03-15", None, 150.0),
        ("C", "2026-01-01", "2026-03-10", 100.0),
        ("C", "2026-03-10", None, 60.0),
        ("D", "2026-01-01", "2026-03-20", 100.0),
        ("E", "2026-03-05", None, 80.0),
        ("F", "2026-03-05", "2026-03-25", 40.0),
        ("G", "2026-01-01", "2026-02-01", 70.0),
        ("G", "2026-03-12", None, 70.0),
        ("H", "2026-01-01", "2026-03-05", 100.0),
        ("H", "2026-03-20", None, 100.0),
        ("I", "2026-01-01", "2026-03-08", 100.0),
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "start", "end", "amount"])
    return frame.assign(start=pd.to_datetime(frame["start"]), end=pd.to_datetime(frame["end"]))


@pytest.fixture
def march(march_contracts: pd.DataFrame) -> ContractIndex:
    return index_contracts(march_contracts, as_of="2026-03-31")
