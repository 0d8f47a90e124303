"""The measures, against calculations by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.robustness.firms import KINDS, Firm, make_firm
from tests.robustness.judge import Forecast, assess, calibration_error, noise
from tests.robustness.plain import auc, beyond_chance, plain_scores, survival


def truth_of(firm: Firm) -> Forecast:
    return Forecast(
        p_active=firm.p_active,
        order=firm.p_active,
        value=firm.expected_money,
        low=np.full(len(firm), -np.inf),
        high=np.full(len(firm), np.inf),
        note=[""] * len(firm),
        notes=(),
        ranks="yes",
    )


def test_auc_counts_pairs() -> None:
    """Of the pairs (.9, .5), (.9, .1), (.5, .5), (.5, .1) three are in order and one is a tie."""
    score = np.array([0.9, 0.5, 0.5, 0.1])
    active = np.array([True, True, False, False])
    assert auc(score, active) == 3.5 / 4
    assert np.isnan(auc(score, np.ones(4, dtype=np.bool_)))


def test_beyond_chance_is_in_standard_errors() -> None:
    """Two and two: the error is sqrt(5 / 48), so a perfect order is .5 / .3227 = 1.549 beyond."""
    active = np.array([True, True, False, False])
    score = np.array([4.0, 3.0, 2.0, 1.0])
    assert beyond_chance(score, active) == pytest.approx(1.549, abs=1e-3)


def test_calibration_error_is_the_mean_distance() -> None:
    """Ten bins of two: nine are right on average, one is .5 off."""
    p = np.repeat(np.arange(10) / 10, 2)
    p[:] = 0.5
    active = np.tile([True, False], 10)
    active[:2] = True
    assert calibration_error(p, active) == pytest.approx(0.05)


def test_a_perfect_forecast_has_the_calibration_error_of_chance() -> None:
    firm = make_firm("steady", 1)
    error = calibration_error(firm.p_active, firm.active)
    assert error == pytest.approx(noise(firm.p_active), abs=0.01)


def test_survival_by_hand() -> None:
    """Of 40 who reached day 10 ten left: three in four stay 10 days more, and then all."""
    start = pd.Timestamp("2024-01-01")
    end = [start + pd.Timedelta(days=10)] * 10 + [pd.NaT] * 30
    contracts = pd.DataFrame(
        {"customer_id": range(40), "start": start, "end": end, "amount": 1.0, "term_months": 1}
    )
    blank = make_firm("terms", 0, 40)
    running = contracts["end"].isna().to_numpy()
    today = replace(blank, contracts=contracts, running=running, as_of=pd.Timestamp("2024-01-31"))
    assert survival(today, by_term=False)[running] == pytest.approx(1.0)
    young = replace(today, as_of=pd.Timestamp("2024-01-11"), horizon_days=10)
    assert survival(young, by_term=True)[~running] == pytest.approx(0.0)


@pytest.mark.parametrize("name", list(KINDS))
def test_the_truth_meets_the_bars(name: str) -> None:
    """Nothing is asked of a forecast that the hidden truth does not reach."""
    firm = make_firm(name, 0)
    verdict = assess(name, 0, firm, truth_of(firm))
    assert not verdict.flagged
    assert verdict.unexplained == verdict.empty == verdict.worthless == 0
    assert verdict.coverage == verdict.coverage_top == 1.0
    assert verdict.calibration - verdict.noise < 0.02
    if KINDS[name].alike:
        assert verdict.oracle_beyond_chance < 2
    else:
        assert verdict.behind < 0
        assert verdict.oracle_beyond_chance > 2
        assert verdict.money_is_right


def test_an_empty_value_needs_a_note() -> None:
    firm = make_firm("few", 0)
    value = firm.expected_money.copy()
    value[:30] = np.nan
    note = ["too few"] * 15 + [""] * 135
    verdict = assess("few", 0, firm, truth_of(firm)._replace(value=value, note=note))
    assert (verdict.empty, verdict.unexplained) == (30 / 150, 15 / 150)
    assert verdict.flagged is False
    assert verdict.named


def test_a_contract_worth_nothing_is_counted() -> None:
    firm = make_firm("terms", 0)
    value = np.where(np.cumsum(firm.running) <= 3, 0.0, firm.expected_money)
    assert assess("terms", 0, firm, truth_of(firm)._replace(value=value)).worthless == 3


def test_plain_rules_rank() -> None:
    scores = plain_scores(make_firm("steady", 0))
    assert list(scores) == ["silence", "regression"]
    active = make_firm("steady", 0).active
    assert all(auc(score, active) > 0.75 for score in scores.values())
