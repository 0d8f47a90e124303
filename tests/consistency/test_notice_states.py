"""A customer whose loss is recognised at the request is gone in every field of the run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retainkit as rk
from retainkit.contracts import ContractConvention
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
