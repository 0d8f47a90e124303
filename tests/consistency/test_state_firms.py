"""States on simulated firms: whatever the horizon, without flapping, and sensible."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from retainkit.pipeline import PipelineConfig, RetentionPipeline, RetentionResult
from tests.consistency.state_firms import AS_OF, FIRMS, StateFirm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning"),
]
_ORDER = ("prospect", "new", "present", "quiet", "gone", "ended")


@cache
def _firm(name: str) -> StateFirm:
    return FIRMS[name]()


@cache
def _run(name: str, horizon: int = 365) -> RetentionResult:
    firm = _firm(name)
    config = PipelineConfig(horizon_days=horizon, look_back=False, trend_months=0, flows="none")
    return RetentionPipeline(config).run(
        firm.transactions, contracts=firm.contracts, as_of=AS_OF.date()
    )


def _states(result: RetentionResult) -> pd.Series[str]:
    view = result.customers.to_frame().set_index("customer_id")
    return view["state"].astype(str)


@pytest.mark.parametrize("name", FIRMS)
def test_a_state_depends_on_no_horizon(name: str) -> None:
    wanted = _states(_run(name))
    for horizon in (30, 90):
        pd.testing.assert_series_equal(_states(_run(name, horizon)), wanted)


@pytest.mark.parametrize("name", FIRMS)
def test_nobody_comes_nearer_by_sixty_silent_days(name: str) -> None:
    """The same rows read 60 days later, with the last run: nobody has bought since."""
    firm, before = _firm(name), _run(name)
    later = RetentionPipeline(before.config).run(
        firm.transactions,
        contracts=firm.contracts,
        as_of=(AS_OF + pd.Timedelta(days=60)).date(),
        previous=before,
    )
    was = _states(before).map(_ORDER.index)
    now = _states(later).map(_ORDER.index).reindex(was.index)
    grown_up = (was == 1) & (now == 2)  # who was new may have become present
    assert not ((now < was) & ~grown_up).any()


@pytest.mark.parametrize("name", ["monthly and yearly contracts", "contracts and purchases"])
def test_nobody_under_contract_is_gone(name: str) -> None:
    firm = _firm(name)
    contracts = firm.contracts
    assert contracts is not None
    running = contracts.loc[contracts["end"].isna(), "customer_id"]
    assert len(running) > 100
    assert set(_states(_run(name)).loc[running]) <= {"new", "present", "quiet"}


@pytest.mark.parametrize(
    ("name", "gone_of_left", "lost_of_here"),
    [
        ("yearly insurance", 0.9, 0.02),
        ("97 % one-time buyers", 0.7, 0.05),
        ("monthly and yearly contracts", 1.0, 0.0),
        ("contracts and purchases", 0.9, 0.02),
    ],
)
def test_states_are_sensible(name: str, gone_of_left: float, lost_of_here: float) -> None:
    """Most of those who have left are gone or quiet, and hardly anybody who is there is gone."""
    truth, state = _firm(name).truth, _states(_run(name))
    left = truth.reindex(state.index) == "left"
    away = state.isin(["quiet", "gone", "ended"])
    assert away[left].mean() >= gone_of_left
    assert (state[~left] == "gone").mean() <= lost_of_here


def test_who_pays_a_premium_within_the_year_is_there_at_any_horizon() -> None:
    """Silent for eleven months is no silence where everybody pays once a year."""
    rows = _firm("yearly insurance").transactions
    assert rows is not None
    silent = (AS_OF - rows.groupby("customer_id")["timestamp"].max()).dt.days
    state = _states(_run("yearly insurance", 30))
    assert set(state[silent.reindex(state.index) < 350]) <= {"new", "present"}


def test_a_business_of_one_time_buyers_is_called_so_and_wins_nobody_back() -> None:
    result = _run("97 % one-time buyers")
    assert result.model.one_time
    assert any(gap.id == "one_time" for gap in result.gaps)
    assert "win_back" not in set(result.customers.to_frame()["stance"].astype(str))
    assert not _run("yearly insurance").model.one_time


def test_a_hundred_accounts_have_a_call_list_with_reasons() -> None:
    result = _run("100 accounts")
    calls = result.call_list()
    assert calls is not None
    assert sorted(calls["customer_id"]) == list(range(100))
    assert calls["state_reason"].str.len().min() > 0
    quiet = calls["state"].astype(str) == "quiet"
    assert not quiet.iloc[int(quiet.sum()) :].any()  # first come those who have fallen quiet
    brought = calls.loc[quiet, "brought"].to_numpy()
    assert (np.diff(brought) <= 0).all()
    assert result.model.tier_basis == "historical_contribution"
    assert _run("yearly insurance").call_list() is None
    assert any(gap.id == "few_accounts" for gap in result.gaps)
