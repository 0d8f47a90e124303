"""Causes of leaving at a million customers, each beside a plain yardstick of the same size.

`pytest benchmarks/test_churn.py --benchmark-only` shows the ratios.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from retainkit.churn import cumulative_incidence, share_incidence

N = 1_000_000
NAMES = ("fault", "competitive", "non_malicious")


class Losses(NamedTuple):
    """Days until leaving, as whole days and as exact times; causes; shares of causes."""

    days: npt.NDArray[np.float64]
    exact: npt.NDArray[np.float64]
    code: npt.NDArray[np.int64]
    cause: pd.Categorical[Any]
    shares: npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def losses() -> Losses:
    rng = np.random.default_rng(4)
    exact = rng.exponential(500.0, N)
    code = rng.integers(-1, len(NAMES), N)
    shares = rng.dirichlet(np.ones(len(NAMES)), N)
    shares[code < 0] = 0.0
    cause: pd.Categorical[Any] = pd.Categorical.from_codes(code, categories=pd.Index(NAMES))
    return Losses(np.floor(exact), exact, code, cause, shares)


@pytest.mark.benchmark(group="incidence: 1,000,000 customers")
def test_yardstick_sort(benchmark: Any, losses: Losses) -> None:
    benchmark(np.sort, losses.exact)


@pytest.mark.benchmark(group="incidence: 1,000,000 customers")
def test_incidence_in_days(benchmark: Any, losses: Losses) -> None:
    table = benchmark(cumulative_incidence, losses.days, cause=losses.cause)
    np.testing.assert_allclose(table.survival + table.incidence.sum(axis=1), 1.0, atol=1e-12)


@pytest.mark.benchmark(group="incidence: 1,000,000 customers")
def test_incidence_with_standard_errors(benchmark: Any, losses: Losses) -> None:
    def run() -> Any:
        return cumulative_incidence(losses.days, cause=losses.cause).standard_error

    assert np.isfinite(benchmark(run)).all()


@pytest.mark.benchmark(group="incidence: 1,000,000 customers")
def test_incidence_at_a_million_distinct_times(benchmark: Any, losses: Losses) -> None:
    benchmark(cumulative_incidence, losses.exact, cause=losses.cause)


@pytest.mark.benchmark(group="incidence: 1,000,000 customers")
def test_incidence_with_shared_causes(benchmark: Any, losses: Losses) -> None:
    benchmark(share_incidence, losses.days, shares=losses.shares, causes=NAMES)


@pytest.mark.benchmark(group="incidence: 1,000,000 customers")
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_statsmodels(benchmark: Any, losses: Losses) -> None:
    from statsmodels.duration.survfunc import CumIncidenceRight

    benchmark.pedantic(CumIncidenceRight, (losses.days, losses.code + 1), rounds=2)
