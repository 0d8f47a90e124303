"""Online Retail: a base on which dropout cannot be seen, and lifetimes gives up."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import RetainkitWarning
from retainkit.lifetime import (
    compare_models,
    fit_bg_nbd,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
    split_histories,
)
from retainkit.lifetime._histories import HoldoutSplit

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def split() -> HoldoutSplit:
    default = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("RETAINKIT_DATA", default)) / "online_retail/online_retail.csv.gz"
    if not path.exists():
        pytest.skip("Online Retail is absent: set RETAINKIT_DATA to the folder of data sets")
    lines = pd.read_csv(path, usecols=["InvoiceNo", "CustomerID", "InvoiceDate"], dtype=str)
    kept = lines[lines["CustomerID"].notna() & ~lines["InvoiceNo"].str.startswith("C")]
    return split_histories(
        kept["CustomerID"],
        kept["InvoiceDate"],
        calibration_end="2011-07-31",
        holdout_end="2011-12-09",
    )


def test_lifetimes_gives_up(split: HoldoutSplit) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes import BetaGeoFitter
        from lifetimes.utils import ConvergenceError

        history = split.history
        with pytest.raises(ConvergenceError):
            BetaGeoFitter().fit(history.frequency, history.recency, history.age)


@pytest.mark.parametrize("fit", [fit_mbg_nbd, fit_bg_nbd, fit_pareto_nbd])
def test_the_optimum_without_dropout_is_returned_and_said(split: HoldoutSplit, fit: object) -> None:
    """The likelihood is the NBD's, and so are predictions."""
    assert callable(fit)
    baseline = fit_nbd(split.history)
    with pytest.warns(RetainkitWarning, match="no_dropout"):
        model = fit(split.history)
    assert "no_dropout" in model.boundary
    assert baseline.log_likelihood is not None
    assert model.log_likelihood == pytest.approx(baseline.log_likelihood, abs=1e-3)
    np.testing.assert_allclose(
        model.expected_purchases(split.history, horizon=19),
        baseline.expected_purchases(split.history, horizon=19),
        rtol=1e-3,
    )


def test_the_comparison_goes_on(split: HoldoutSplit) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)
        found = compare_models(split)
    assert found.chosen == "mbg_nbd"
    assert "is kept" in found.reason
    assert found.to_frame().notna().to_numpy().all()
