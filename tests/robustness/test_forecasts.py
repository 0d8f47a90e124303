"""A default run on one small firm of each kind; `test_bars.py` asks the bars of many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import NotComputableError
from retainkit.forecast import ForecastModel, describe_trust, fit_forecast
from retainkit.lifetime import PurchaseHistories, fit_mbg_nbd
from retainkit.value import CustomerSummary, summarize_customers
from tests.robustness.firms import HISTORY, KINDS, Firm, make_firm
from tests.robustness.judge import (
    assess,
    forecast_of,
    forecast_part,
    run,
)
from tests.robustness.plain import auc

NAMES = tuple(KINDS)
QUICK = {"few": 150, "launch": 900, "late_entry": 1_000}
"""Customers of a quick run, where not 400."""


def model_and_words(firm: Firm) -> tuple[ForecastModel, tuple[str, ...]]:
    """Return what is learnt by default, and what is said of it."""
    day = str(firm.as_of.date())
    assert firm.transactions is not None
    model = fit_forecast(firm.transactions, as_of=day, horizon_days=firm.horizon_days)
    return model, describe_trust(model.apply(summary_of(firm)), model)


def summary_of(firm: Firm) -> CustomerSummary:
    """Return the summary of each customer on the day."""
    assert firm.transactions is not None
    return summarize_customers(firm.transactions, as_of=str(firm.as_of.date()))


@pytest.mark.parametrize("name", NAMES)
def test_a_small_firm_gets_an_answer_for_everybody(name: str) -> None:
    firm, forecast, _ = forecast_of(name, 0, QUICK.get(name, 400))
    verdict = assess(name, 0, firm, forecast)
    assert verdict.unexplained == 0
    assert verdict.worthless == 0
    assert verdict.ranks in ("yes", "no", "not known")
    known = ~np.isnan(forecast.p_active)
    assert ((forecast.p_active[known] >= 0) & (forecast.p_active[known] <= 1)).all()
    bound = ~np.isnan(forecast.low) & ~np.isnan(forecast.high)
    assert (forecast.low[bound] <= forecast.high[bound]).all()


@pytest.mark.parametrize("name", ["steady", "terms", "both"])
def test_the_forecast_judged_here_is_that_of_a_run(name: str) -> None:
    """As the result and the table of customers hold it, to the last bit."""
    firm = make_firm(name, 1, 400)
    part, result = forecast_part(firm), run(firm)
    assert result.forecast is not None
    pd.testing.assert_frame_equal(part.to_frame(), result.forecast.to_frame())
    assert part.notes == result.forecast.notes
    told = result.customers.to_frame()
    for column in ("p_active", "expected_value", "expected_value_low", "expected_value_high"):
        np.testing.assert_array_equal(told[column], part.to_frame()[column])


def test_a_fall_after_december_is_no_break_where_last_year_fell_too() -> None:
    """A collapse is one."""
    told = [
        any("the base has fallen" in note for note in forecast_of(name, 0, 800).forecast.notes)
        for name in ("after_december", "collapse")
    ]
    assert told == [False, True]


def test_a_new_regime_is_carried_on_in_the_order_of_its_own_windows() -> None:
    """Three months after a launch: customers are ranked better than by times in units of the
    horizon, which reach back before it; how many will buy stays as these tell."""
    firm = make_firm("launch", 0, 2_000)
    assert firm.transactions is not None
    day = str(firm.as_of.date())
    model = fit_forecast(firm.transactions, as_of=day, horizon_days=firm.horizon_days)
    assert model.carry is not None
    summary = summarize_customers(firm.transactions, as_of=day)
    active = firm.active[np.asarray(summary.customer_id, dtype=np.int64)]
    carried = model.apply(summary).p_active
    scaled = model.replace(carry=None).apply(summary).p_active
    assert auc(carried, active) > auc(scaled, active)
    assert carried.mean() == pytest.approx(scaled.mean(), rel=1e-9)


def test_a_window_without_a_lifetime_model_still_teaches() -> None:
    """Customers come back in all of this history: the whole horizon is tested, with the model or
    without it."""
    firm = make_firm("regular", 2, 800)
    assert firm.transactions is not None

    def fit(histories: PurchaseHistories) -> Any:
        if histories.age.max() * 7 < HISTORY - 100:
            raise NotComputableError("too early", rule="a rule", where="here", fix="wait")
        return fit_mbg_nbd(histories)

    model = fit_forecast(
        firm.transactions,
        as_of=str(firm.as_of.date()),
        horizon_days=firm.horizon_days,
        fit=fit,
    )
    assert model.tested_days == firm.horizon_days
    assert not any("carried on" in note for note in model.notes)


@pytest.mark.parametrize("name", ["before_december", "after_december"])
def test_a_season_seen_once_is_followed(name: str) -> None:
    """Four times as much is bought in December: the money that came is within a fifth of what the
    same days of last year foretell. Neither this nor the ratio to the last span is a warning."""
    firm = make_firm(name, 1, 800)
    model, told = model_and_words(firm)
    assert dict(model.weights) == {"season": 1.0}
    assert sum(1 for one in told if "last year's season" in one) == 1
    assert not model.notes
    assert 0.8 < model.apply(summary_of(firm)).expected_value.sum() / firm.money.sum() < 1.25


@pytest.mark.parametrize("name", ["steady", "growth", "returns", "collapse", "exchangeable"])
def test_no_season_is_seen_where_there_is_none(name: str) -> None:
    model, told = model_and_words(make_firm(name, 1, 800))
    assert len(model.weights) > 1
    assert not any("last year's season" in one for one in told)


def test_the_lifetime_model_speaks_where_little_happened() -> None:
    """Its weight is 40 / (40 + events): a fifth of 150 customers, little of 2,000; nothing where it
    misleads: after a launch it takes for dropped out whoever had nothing to buy again."""
    weight = {}
    for size in (150, 2_000):
        model, _ = model_and_words(make_firm("steady", 0, size))
        assert model.regressions is not None
        weight[size] = model.regressions.lifetime_weight
    assert 0.1 < weight[150] < 0.35
    assert 0.0 < weight[2_000] < 0.05


def test_little_happened_and_the_order_is_better_for_the_lifetime_model() -> None:
    """Over ten firms of 150 customers."""
    gained = []
    for seed in range(10):
        firm = make_firm("few", seed)
        model, _ = model_and_words(firm)
        assert model.regressions is not None
        alone = model.replace(regressions=model.regressions.replace(lifetime_weight=0.0))
        summary = summary_of(firm)
        active = firm.active[np.asarray(summary.customer_id, dtype=np.int64)]
        gained.append(
            auc(model.apply(summary).p_active, active) - auc(alone.apply(summary).p_active, active)
        )
    assert np.mean(gained) > 2.0 * np.std(gained) / np.sqrt(len(gained))


@pytest.mark.parametrize(("size", "noted"), [(150, True), (2_000, False)])
def test_few_customers_are_said_to_be_few(size: int, noted: bool) -> None:
    """A relative error of .15 to .25 by chance alone, and of .05."""
    model, _ = model_and_words(make_firm("steady", 0, size))
    assert any("few customers bring the money" in note for note in model.notes) == noted
