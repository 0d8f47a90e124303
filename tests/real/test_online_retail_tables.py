"""Online Retail: every one of its 541,909 lines is accounted for, to the cent."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit.tables import TransactionColumns, TransactionRules, split_valid_transactions

pytestmark = pytest.mark.real

COLUMNS = TransactionColumns(
    customer_id="CustomerID", timestamp="InvoiceDate", quantity="Quantity", order_id="InvoiceNo"
)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    default = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("RETAINKIT_DATA", default)) / "online_retail/online_retail.csv.gz"
    if not path.exists():
        pytest.skip("Online Retail is absent: set RETAINKIT_DATA to the folder of data sets")
    frame = pd.read_csv(path, dtype={"InvoiceNo": str, "StockCode": str})
    return frame.assign(amount=frame["Quantity"] * frame["UnitPrice"])


def test_every_line_is_accepted_or_rejected_by_reason(lines: pd.DataFrame) -> None:
    # 541,909 lines, 135,080 without id, 5,268 exact duplicates, 4,372 customers: the data
    # set's own description. 5,225 of the duplicates have an id: lines without id, subtracted.
    rules = TransactionRules(duplicates="reject")
    valid, ledger = split_valid_transactions(lines, columns=COLUMNS, rules=rules)
    entries = {entry.reason: entry for entry in ledger.entries if entry.kind == "rejected"}
    with_id = lines["CustomerID"].notna()
    assert entries["missing_customer_id"].rows == 135_080
    assert entries["duplicate"].rows_matching == 5_268
    assert entries["duplicate"].rows == int((lines.duplicated() & with_id).sum())
    assert len(valid) + sum(ledger.counts().values()) == 541_909
    assert len(ledger.rejected) == sum(ledger.counts().values())
    assert ledger.reconciles
    assert valid["customer_id"].nunique() == 4_372
    assert valid["customer_id"].dtype == np.int64


def test_amounts_reconcile_to_the_cent(lines: pd.DataFrame) -> None:
    # 9,747,747.934 is the value sum of the data set's description.
    _, ledger = split_valid_transactions(lines, columns=COLUMNS)
    totals = {entry.kind: entry.amount for entry in ledger.entries if entry.kind != "notice"}
    accepted, rejected = totals["accepted"], totals["rejected"]
    assert totals["input"] == pytest.approx(9_747_747.934, abs=0.0005)
    assert accepted is not None
    assert rejected is not None
    assert accepted + rejected == pytest.approx(totals["input"], abs=1e-6)
    known = lines["CustomerID"].notna()
    assert accepted == pytest.approx(lines.loc[known, "amount"].sum(), abs=1e-4)


def test_returns_are_netted_and_noted(lines: pd.DataFrame) -> None:
    valid, ledger = split_valid_transactions(lines, columns=COLUMNS)
    notices = {entry.reason: entry for entry in ledger.entries if entry.kind == "notice"}
    assert notices["return"].rows == int((valid["amount"] < 0).sum())
    assert notices["return"].rows_matching == int((lines["amount"] < 0).sum())
