"""Our MBG/NBD fit beside lifetimes' on the same histories.

Run: python -m pytest benchmarks/test_lifetime_fit.py -s
Promise: at least 10 times faster, with a log-likelihood that is not lower.
"""

from __future__ import annotations

import warnings
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from retainkit.lifetime import fit_mbg_nbd
from retainkit.simulate import make_transactions
from retainkit.value import CustomerSummary, summarize_customers

AS_OF = "2025-12-31"
CUSTOMERS = 100_000


@pytest.fixture(scope="module")
def histories() -> CustomerSummary:
    return summarize_customers(make_transactions(CUSTOMERS, seed=2, as_of=AS_OF), as_of=AS_OF)


def fit_lifetimes(histories: CustomerSummary) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes import ModifiedBetaGeoFitter

        return ModifiedBetaGeoFitter().fit(histories.frequency, histories.recency, histories.age)


def judge(fitter: Any, histories: CustomerSummary, parameters: list[float]) -> float:
    """Return the log-likelihood of parameters by lifetimes' own function."""
    columns = (histories.frequency, histories.recency, histories.age)
    weights = np.ones(len(histories))
    mean = fitter._negative_log_likelihood(np.log(parameters), *columns, weights, 0.0)
    return -float(mean) * len(histories)


@pytest.mark.benchmark(group="MBG/NBD: 100,000 customers")
def test_own_fit(benchmark: Any, histories: CustomerSummary) -> None:
    assert benchmark.pedantic(fit_mbg_nbd, args=(histories,), rounds=5, warmup_rounds=1).n


@pytest.mark.benchmark(group="MBG/NBD: 100,000 customers")
def test_lifetimes_fit(benchmark: Any, histories: CustomerSummary) -> None:
    benchmark.pedantic(fit_lifetimes, args=(histories,), rounds=1)


def test_promised_ratio(histories: CustomerSummary) -> None:
    fit_mbg_nbd(histories)
    own, theirs = [], []
    for _ in range(3):
        start = perf_counter()
        model = fit_mbg_nbd(histories)
        own.append(perf_counter() - start)
        start = perf_counter()
        fitter = fit_lifetimes(histories)
        theirs.append(perf_counter() - start)
    reached = judge(fitter, histories, [model.r, model.alpha, model.a, model.b])
    wanted = judge(fitter, histories, fitter.params_[["r", "alpha", "a", "b"]].tolist())
    print(
        f"\nours {median(own):.3f} s, log-likelihood {reached:.4f}; "
        f"lifetimes {median(theirs):.3f} s, {wanted:.4f}: x {median(theirs) / median(own):.0f}"
    )
    assert reached >= wanted - 1e-9 * abs(wanted)
    assert median(theirs) >= 10.0 * median(own)
