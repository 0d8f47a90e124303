"""Bad standings of real late payers: 2,466 invoices of 100 business customers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit.tiers import (
    InvoiceColumns,
    StandingConfig,
    assess_standing,
    assign_tiers,
    fit_tier_scheme,
    summarize_invoices,
    tier_pyramid,
)

pytestmark = pytest.mark.real

COLUMNS = InvoiceColumns(
    customer_id="customerID",
    amount="InvoiceAmount",
    invoiced="InvoiceDate",
    due="DueDate",
    settled="SettledDate",
    invoice_id="invoiceNumber",
)
STRICT = StandingConfig(seriously_late_days=14, watch_after_days=14, bad_after_days=30)


@pytest.fixture(scope="module")
def invoices() -> pd.DataFrame:
    default = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("RETAINKIT_DATA", default)) / "accounts_receivable"
    file = path / "WA_Fn-UseC_-Accounts-Receivable.csv.gz"
    if not file.exists():
        pytest.skip(f"no {file.name} under {path}: set RETAINKIT_DATA to the data folder")
    frame = pd.read_csv(file)
    for column in ("InvoiceDate", "DueDate", "SettledDate"):
        frame[column] = pd.to_datetime(frame[column], format="%m/%d/%Y")
    frame["disputed"] = frame["Disputed"] == "Yes"
    assert (len(frame), frame["customerID"].nunique()) == (2_466, 100)
    return frame


def test_lateness_is_that_of_the_file(invoices: pd.DataFrame) -> None:
    """The file has its own column of days late: 35.6 % of the invoices, 22.7 % disputed."""
    everything = StandingConfig(window_days=10_000)
    table = summarize_invoices(invoices, as_of="2014-12-31", columns=COLUMNS, config=everything)
    assert (table.late_share * table.judged).sum() / 2_466 == pytest.approx(0.356, abs=5e-4)
    assert (table.disputed_share * table.judged).sum() / 2_466 == pytest.approx(0.227, abs=5e-4)
    by_customer = invoices.groupby("customerID")["DaysLate"].mean().reindex(table.customer_id)
    np.testing.assert_allclose(table.average_days_late, by_customer)
    assert table.open_amount.sum() == 0.0


@pytest.mark.parametrize("day", ["2012-06-30", "2012-12-31", "2013-09-30"])
def test_balances_reconcile(invoices: pd.DataFrame, day: str) -> None:
    table = summarize_invoices(invoices, as_of=day, columns=COLUMNS)
    issued = invoices[invoices["InvoiceDate"] <= day]
    unpaid = issued[issued["SettledDate"] > day]
    assert table.reconciles
    assert table.billed.sum() == pytest.approx(issued["InvoiceAmount"].sum())
    assert table.open_amount.sum() == pytest.approx(unpaid["InvoiceAmount"].sum())
    assert table.after_as_of == len(invoices) - len(issued)
    overdue = unpaid[(unpaid["DueDate"] < day) & ~unpaid["disputed"]]
    assert table.overdue_amount.sum() == pytest.approx(overdue["InvoiceAmount"].sum())


def test_bad_payers_by_the_books(invoices: pd.DataFrame) -> None:
    """Whoever pays a quarter of a year's invoices more than 14 days late, counted with pandas."""
    day = "2012-12-31"
    table = summarize_invoices(invoices, as_of=day, columns=COLUMNS, config=STRICT)
    standing = assess_standing(None, customer_id=table.customer_id, payments=table, config=STRICT)
    today = pd.Timestamp(day)
    in_window = invoices["DueDate"].between(today - pd.Timedelta(days=364), today)
    due = invoices[in_window & (invoices["InvoiceDate"] <= today)]
    paid = due["SettledDate"].where(due["SettledDate"] <= today, today)
    late = ((paid - due["DueDate"]).dt.days > 14).groupby(due["customerID"])
    expected = late.mean()[(late.mean() >= 0.25) & (late.size() >= 6)].index
    bad = standing.to_frame().loc[standing.standing == 2, "customer_id"]
    assert set(bad) == set(expected)
    reasons = standing.to_frame().loc[standing.standing == 2, "standing_reason"]
    assert set(reasons) == {"chronically_late"}


def test_nobody_here_is_bad_by_the_limits_of_banking(invoices: pd.DataFrame) -> None:
    table = summarize_invoices(invoices, as_of="2013-09-30", columns=COLUMNS)
    standing = assess_standing(None, customer_id=table.customer_id, payments=table)
    assert not (standing.standing == 2).any()


def test_the_bad_are_shown_beside_their_value(invoices: pd.DataFrame) -> None:
    table = summarize_invoices(invoices, as_of="2012-12-31", columns=COLUMNS, config=STRICT)
    standing = assess_standing(None, customer_id=table.customer_id, payments=table, config=STRICT)
    billed = pd.Series(table.billed, index=table.customer_id)
    tiers = assign_tiers(billed, fit_tier_scheme(billed), standing=standing)
    pyramid = tier_pyramid(tiers)
    assert pyramid.reconciles
    assert pyramid.customers[-1] == int((standing.standing == 2).sum()) > 0
    assert pyramid.total == pytest.approx(table.billed.sum())
