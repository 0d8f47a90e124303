"""Causes of leaving at a million customers, each beside a plain yardstick of the same size.

`pytest benchmarks/test_churn.py --benchmark-only` shows the ratios.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from retainkit.churn import (
    ChurnTable,
    attribute_causes,
    cumulative_incidence,
    detect_churn,
    list_contract_spells,
    share_incidence,
)

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


def test_incidence_at_a_million_distinct_times_as_promised(losses: Losses) -> None:
    """Under 0.5 s of the processor, best of seven; what else runs on the machine is not counted."""

    def seconds() -> float:
        start = time.process_time()
        cumulative_incidence(losses.exact, cause=losses.cause)
        return time.process_time() - start

    best = min(seconds() for _ in range(7))
    print(f"\na million distinct times: {best:.3f} s of the processor, best of seven")
    assert best < 0.5


@pytest.mark.benchmark(group="incidence: 1,000,000 customers")
def test_incidence_with_shared_causes(benchmark: Any, losses: Losses) -> None:
    benchmark(share_incidence, losses.days, shares=losses.shares, causes=NAMES)


@pytest.mark.benchmark(group="incidence: 1,000,000 customers")
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_statsmodels(benchmark: Any, losses: Losses) -> None:
    from statsmodels.duration.survfunc import CumIncidenceRight

    benchmark.pedantic(CumIncidenceRight, (losses.days, losses.code + 1), rounds=2)


class Evidence(NamedTuple):
    """Events of customers of whom half left."""

    events: pd.DataFrame
    churn: ChurnTable


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    rng = np.random.default_rng(5)
    kinds = ["complaint", "payment_failed", "cancellation_request", "agent_note", "service_ended"]
    codes = ["moved", "switched_service", "expired_card", "low_quality", "payment_failed"]
    frame = pd.DataFrame(
        {
            "customer_id": rng.integers(0, N, N),
            "timestamp": np.datetime64("2025-01-01", "s") + rng.integers(0, 3 * 10**7, N),
            "kind": pd.Categorical.from_codes(rng.integers(0, 5, N), categories=pd.Index(kinds)),
            "code": pd.Categorical.from_codes(rng.integers(-1, 5, N), categories=pd.Index(codes)),
        }
    )
    churn = detect_churn((np.arange(N) % 2).astype(np.float64), customer_id=np.arange(N))
    return Evidence(frame, churn)


@pytest.mark.benchmark(group="attribution: 1,000,000 events, 500,000 leavers")
def test_yardstick_last_event_of_each(benchmark: Any, evidence: Evidence) -> None:
    benchmark.pedantic(lambda: evidence.events.groupby("customer_id")["timestamp"].max(), rounds=3)


@pytest.mark.benchmark(group="attribution: 1,000,000 events, 500,000 leavers")
def test_attribute(benchmark: Any, evidence: Evidence) -> None:
    causes = benchmark.pedantic(
        attribute_causes, (evidence.events,), {"churn": evidence.churn}, rounds=3
    )
    np.testing.assert_allclose(causes.posterior.sum(axis=1), 1.0)


@pytest.mark.benchmark(group="spells: 1,000,000 contracts")
def test_yardstick_sort_contracts(benchmark: Any, contracts: pd.DataFrame) -> None:
    benchmark.pedantic(lambda: contracts.sort_values(["customer_id", "start"]), rounds=3)


@pytest.mark.benchmark(group="spells: 1,000,000 contracts")
def test_spells(benchmark: Any, contracts: pd.DataFrame) -> None:
    benchmark.pedantic(list_contract_spells, (contracts,), {"as_of": "2026-12-31"}, rounds=3)


@pytest.fixture(scope="module")
def contracts() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    start = rng.integers(18_000, 20_000, N)
    frame = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 700_000, N),
            "start": start.astype("datetime64[D]").astype("datetime64[s]"),
            "end": (start + rng.integers(0, 900, N))
            .astype("datetime64[D]")
            .astype("datetime64[s]"),
        }
    )
    frame.loc[rng.random(N) < 0.3, "end"] = pd.NaT
    return frame
