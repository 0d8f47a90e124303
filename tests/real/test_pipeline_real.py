"""The whole pipeline on real bases: nothing is lost between the file and the tiers."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from retainkit.errors import RetainkitWarning
from retainkit.pipeline import PipelineConfig, RetentionPipeline, RetentionResult
from retainkit.tables import TransactionColumns

pytestmark = pytest.mark.real

DATA = Path(os.environ.get("RETAINKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def read(folder: str, name: str) -> pd.DataFrame:
    file = DATA / folder / name
    if not file.exists():
        pytest.skip(f"no {name} under {file.parent}: set RETAINKIT_DATA to the data folder")
    return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")


@pytest.fixture(scope="module")
def superstore() -> RetentionResult:
    lines = read("superstore", "Sample-Superstore.csv.gz")
    config = PipelineConfig.model_validate(
        {
            "tier_basis": "contribution",
            "rules": {"transactions": {"date_formats": ["%m/%d/%Y"]}},
        }
    )
    columns = TransactionColumns(
        customer_id="Customer ID",
        timestamp="Order Date",
        amount="Sales",
        profit="Profit",
        order_id="Order ID",
        business_line="Category",
        quantity="Quantity",
    )
    with pytest.warns(RetainkitWarning, match="boundary"):  # hardly anybody drops out here
        return RetentionPipeline(config).run(lines, as_of="2019-12-31", columns=columns)


# Published with the data set: 9,994 lines, 793 customers, profit 286,397.02, 155 unprofitable
# customers; the whale curve peaks at 124.87 % at 80.5 % of customers.
def test_superstore_profit_in_is_profit_out(superstore: RetentionResult) -> None:
    assert len(superstore) == 793
    assert superstore.history.basis == "profit"
    pyramid = superstore.pyramid.to_frame()
    assert round(pyramid["value"].sum(), 2) == 286_397.02
    assert round(superstore.customers.to_frame()["contribution"].sum(), 2) == 286_397.02
    assert pyramid["customers"].sum() == 793


def test_superstore_unprofitable_customers_are_seen(superstore: RetentionResult) -> None:
    assert superstore.whale.n_unprofitable == 155
    assert round(100 * superstore.whale.peak_share, 2) == 124.87
    assert round(100 * superstore.whale.peak_at, 1) == 80.5
    view = superstore.customers.to_frame()
    losses = view[view["contribution"] < 0]
    assert len(losses) == 155
    assert set(losses["tier"]) == {"small"}  # unprofitable is small, not bad
    assert set(losses["standing"]) == {"good"}
    assert "exit" not in set(view["stance"])


def test_superstore_ledger(superstore: RetentionResult) -> None:
    assert superstore.ledger.reconciles
    entries = superstore.ledger.to_frame().set_index(["kind", "reason"])["rows"]
    assert entries[("input", "")] == 9_994
    assert entries[("accepted", "")] == 9_994


@pytest.fixture(scope="module")
def online_retail() -> RetentionResult:
    lines = read("online_retail", "online_retail.csv.gz")
    lines["amount"] = lines["Quantity"].astype(float) * lines["UnitPrice"].astype(float)
    columns = TransactionColumns(
        customer_id="CustomerID", timestamp="InvoiceDate", amount="amount", order_id="InvoiceNo"
    )
    return RetentionPipeline().run(lines, as_of="2011-12-09", columns=columns)


# Published with the data set: 541,909 lines, 135,080 of them without a customer, 4,372 customers.
def test_online_retail_reconciles(online_retail: RetentionResult) -> None:
    ledger = online_retail.ledger
    assert ledger.reconciles
    assert ledger.counts()["missing_customer_id"] == 135_080
    entries = ledger.to_frame().set_index(["kind", "reason"])
    assert entries.loc[("input", ""), "rows"] == 541_909
    assert entries.loc[("accepted", ""), "rows"] == 541_909 - 135_080
    accepted = entries["amount"][("accepted", "")]
    assert online_retail.pyramid.to_frame()["value"].sum() == pytest.approx(accepted, abs=0.005)
    assert online_retail.history.total_amount.sum() == pytest.approx(accepted, abs=0.005)


def test_online_retail_knows_every_customer(online_retail: RetentionResult) -> None:
    assert len(online_retail) == 4_372
    view = online_retail.customers.to_frame()
    assert view["customer_id"].is_unique
    assert view["p_active"].isna().sum() == (online_retail.history.occasions == 0).sum()
    # mean dropout lies below its own standard error: nobody is told to be alive or not
    assert view["p_alive"].isna().all()
    assert view["stance"].notna().all()
