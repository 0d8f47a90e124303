"""What the lists promise and what came: money of the next period, three past days each."""

from __future__ import annotations

import os
import warnings
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

import retainkit as rk
from retainkit.errors import RetainkitWarning

pytestmark = [pytest.mark.real, pytest.mark.slow]

DATA = Path(os.environ.get("RETAINKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))
FEWEST = 20
LISTS = ("rescue", "win_back", "let_go", "economise")


def _cdnow() -> pd.DataFrame:
    rows = pd.read_csv(DATA / "cdnow/cdnow_master.csv.gz")
    return rows.rename(columns={"date": "timestamp"})[["customer_id", "timestamp", "amount"]]


def _online_retail() -> pd.DataFrame:
    rows = pd.read_csv(DATA / "online_retail/online_retail.csv.gz").dropna(subset=["CustomerID"])
    rows["amount"] = rows["Quantity"] * rows["UnitPrice"]
    names = {"CustomerID": "customer_id", "InvoiceDate": "timestamp"}
    return rows.rename(columns=names)[["customer_id", "timestamp", "amount"]]


def _apparel() -> pd.DataFrame:
    rows = pd.read_csv(DATA / "apparel/apparel_transactions.csv")
    names = {"Id": "customer_id", "Date": "timestamp", "Price": "amount"}
    return rows.rename(columns=names)[["customer_id", "timestamp", "amount"]]


def _grocery() -> pd.DataFrame:
    rows = pd.read_csv(DATA / "grocery/grocery_elog.csv").assign(amount=1.0)
    names = {"cust": "customer_id", "date": "timestamp"}
    return rows.rename(columns=names)[["customer_id", "timestamp", "amount"]]


BASES = {
    "cdnow": _cdnow,
    "online_retail": _online_retail,
    "apparel": _apparel,
    "grocery": _grocery,
}
MISSED = (
    *(("online_retail", "rescue"), ("apparel", "rescue"), ("apparel", "win_back")),
    ("apparel", "let_go"),
)
"""Lists known to miss the bound of .8 to 1.25; the page on trust says by how much."""
CASES = [
    pytest.param(
        base,
        stance,
        marks=[pytest.mark.xfail(reason="missed, as the page on trust says")]
        if (base, stance) in MISSED
        else [],
    )
    for base in BASES
    for stance in LISTS
]


@cache
def measure_lists(base: str) -> pd.DataFrame:
    """Return customers, expected and actual money of each list, pooled over three past days."""
    rows = BASES[base]()
    rows = rows.assign(timestamp=pd.to_datetime(rows["timestamp"]))
    first, last = (day.normalize() for day in (rows["timestamp"].min(), rows["timestamp"].max()))
    days = [(first + (last - first) * share).date() for share in (0.55, 0.70, 0.85)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)
        tested = rk.backtest(rows, as_of=last.date(), folds=days).to_frame()
    run = tested[tested["candidate"] == "run"]
    found = run.groupby("stance", observed=True)[["expected_value", "actual_value"]].sum()
    found.insert(0, "customers", run.groupby("stance", observed=True).size())
    found["ratio"] = found["expected_value"] / found["actual_value"]
    return found[found.index.isin(LISTS)]


@pytest.mark.parametrize(("base", "stance"), CASES)
def test_lists_bring_what_they_promise(base: str, stance: str) -> None:
    if not DATA.exists():
        pytest.skip(f"no {DATA}: set RETAINKIT_DATA to the data folder")
    found = measure_lists(base)
    if stance not in found.index or found["customers"][stance] < FEWEST:
        pytest.skip(f"fewer than {FEWEST} customers on this list")
    assert 0.8 <= found["ratio"][stance] <= 1.25, found
