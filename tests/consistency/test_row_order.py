"""What is learnt from a base is the same to the last bit whatever the order of its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit import load_cdnow_sample
from retainkit.churn import fit_rhythm
from retainkit.forecast import fit_forecast
from retainkit.lifetime import (
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
)
from retainkit.simulate import make_transactions
from retainkit.tiers import fit_lifecycle_scheme, fit_tier_scheme
from retainkit.value import (
    CustomerSummary,
    fit_margin,
    fit_rfm_scheme,
    fit_value_scheme,
    summarize_customers,
)

FITS: dict[str, Callable[[CustomerSummary], Any]] = {
    "margin": fit_margin,
    "assumed margin": lambda summary: fit_margin(summary, assumed_rate=0.3),
    "value": fit_value_scheme,
    "rfm": fit_rfm_scheme,
    "tiers": lambda summary: fit_tier_scheme(summary.contribution),
    "lifecycle": fit_lifecycle_scheme,
    "rhythm": fit_rhythm,
    "mbg/nbd": fit_mbg_nbd,
    "bg/nbd": fit_bg_nbd,
    "pareto/nbd": fit_pareto_nbd,
    "nbd": fit_nbd,
    "gamma-gamma": lambda summary: fit_gamma_gamma(summary.frequency, summary.monetary_value),
}


def _simulated() -> tuple[pd.DataFrame, str]:
    rows = make_transactions(800, seed=5)
    return rows, str(rows["timestamp"].max().date())


BASES: dict[str, Callable[[], tuple[pd.DataFrame, str]]] = {
    "cdnow": lambda: (load_cdnow_sample(), "1998-06-30"),
    "simulated": _simulated,
}


@pytest.fixture(scope="module", params=list(BASES))
def orders(request: pytest.FixtureRequest) -> tuple[list[pd.DataFrame], str]:
    """The same base in three orders of its rows."""
    rows, as_of = BASES[request.param]()
    rng = np.random.default_rng(3)
    shuffled = [rows.iloc[rng.permutation(len(rows))].reset_index(drop=True) for _ in range(2)]
    return [rows, *shuffled], as_of


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")
@pytest.mark.parametrize("name", FITS)
def test_models_of_a_summary(orders: tuple[list[pd.DataFrame], str], name: str) -> None:
    tables, as_of = orders
    models = [FITS[name](summarize_customers(rows, as_of=as_of)) for rows in tables]
    assert models[1] == models[0]
    assert models[2] == models[0]


@pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")
def test_forecast(orders: tuple[list[pd.DataFrame], str]) -> None:
    tables, as_of = orders
    models = [fit_forecast(rows, as_of=as_of) for rows in tables]
    assert models[1] == models[0]
    assert models[2] == models[0]
