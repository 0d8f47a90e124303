"""A customer whose loss is recognised at the request is gone in every field of the run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retainkit as rk
from retainkit.contracts import ContractConvention, list_charges
from retainkit.metrics import MetricConvention


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")
def test_charges_after_a_recognised_loss_bring_nobody_back() -> None:
    n = 120
    start = pd.Timestamp("2024-01-03") + pd.to_timedelta(np.arange(n) * 3, unit="D")
    contracts = pd.DataFrame({"customer_id": np.arange(n), "start": start, "amount": 30.0})
    contracts["end"] = pd.NaT
    contracts["cancel_requested"] = pd.Series(pd.NaT, index=contracts.index).mask(
        contracts["customer_id"] % 3 == 0, pd.Timestamp("2025-05-20")
    )
    convention = MetricConvention(contracts=ContractConvention(recognition="cancel_requested"))
    pipeline = rk.RetentionPipeline(rk.PipelineConfig(convention=convention))

    view = pipeline.run(contracts=contracts, as_of="2025-06-30").customers.to_frame()

    asked = view["customer_id"] % 3 == 0
    assert view.loc[asked, "churned"].astype(bool).all()
    assert (view.loc[asked, "state"] == "gone").all()
    assert not (view.loc[~asked, "state"] == "gone").any()


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")
def test_charges_of_the_paid_term_bring_nobody_back_and_a_later_purchase_does() -> None:
    """Charges are among the purchases: who gave notice is charged for the term, and is out."""
    n = 180
    ids = pd.Series(np.arange(n))
    start = pd.Timestamp("2024-01-03") + pd.to_timedelta(ids * 2, unit="D")
    asked, back = ids % 3 == 0, ids % 15 == 0
    notice = (start + pd.to_timedelta(60 + 37 * ids % 480, unit="D")).where(asked)
    contracts = pd.DataFrame({"customer_id": ids, "start": start, "amount": 30.0})
    contracts = contracts.assign(term_months=12, cancel_requested=notice)
    contracts["end"] = pd.NaT
    first_year, second_year = (start + pd.DateOffset(years=k) for k in (1, 2))
    renewal = first_year.where(notice < first_year, second_year)
    paid_through = renewal - pd.Timedelta(days=1)
    as_of = pd.Timestamp("2027-01-31")
    charges = list_charges(contracts, as_of=as_of)
    ends = charges["customer_id"].map(paid_through.where(asked, as_of))
    charges = charges[charges["timestamp"] <= ends]
    assert (charges["timestamp"] > charges["customer_id"].map(notice)).any()
    later = pd.DataFrame({"customer_id": np.flatnonzero(back), "timestamp": as_of, "amount": 30.0})
    convention = MetricConvention(contracts=ContractConvention(recognition="cancel_requested"))
    pipeline = rk.RetentionPipeline(rk.PipelineConfig(convention=convention))

    result = pipeline.run(pd.concat([charges, later]), contracts=contracts, as_of=as_of.date())

    view = result.customers.to_frame().set_index("customer_id")
    out = asked & ~back
    assert (view.loc[out, "state"] == "gone").all()
    assert (view.loc[out, "state_since"] == notice[out]).all()
    assert not (view.loc[~out, "state"] == "gone").any()
    assert (view.loc[out, ["expected_value", "p_active"]] == 0.0).all(axis=None)
    assert (view.loc[~out, "expected_value"] > 0.0).all()
