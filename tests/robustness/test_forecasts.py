"""A default run on simulated firms: what it says beside what came, over many seeds.

The bars are the same for every firm. `python -m tests.robustness.table` prints the figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from tests.robustness.firms import KINDS, make_firm
from tests.robustness.judge import (
    Verdict,
    assess,
    forecast_of,
    forecast_part,
    judge,
    judge_recorded,
    run,
)

SEEDS, MANY = 20, 200
NAMES = tuple(KINDS)
RANKABLE = tuple(name for name in NAMES if not KINDS[name].alike)
ALIKE = tuple(name for name in NAMES if KINDS[name].alike)
UNBROKEN = tuple(name for name in NAMES if KINDS[name].breaks is False)
UNDER_CONTRACT = ("late_entry", "terms", "both", "monthly_yearly", "exchangeable_contracts")
QUICK = {"few": 150, "launch": 900, "late_entry": 1_000}
"""Customers of a quick run, where not 400."""


def verdicts(name: str, seeds: int = SEEDS) -> list[Verdict]:
    return [judge(name, seed) for seed in range(seeds)]


def share(test: Callable[[Verdict], bool], of: Sequence[Verdict]) -> float:
    return float(np.mean([test(one) for one in of]))


# ---------------------------------------------------------------- one seed, few customers
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


# ---------------------------------------------------------------- twenty seeds a firm
@pytest.mark.slow
@pytest.mark.parametrize("name", RANKABLE)
def test_ranks_as_well_as_the_best_plain_rule(name: str) -> None:
    """An AUC at most .01 behind, in nine of ten seeds."""
    found = verdicts(name)
    behind = sorted(round(one.behind, 3) for one in found)
    assert share(lambda one: one.behind <= 0.01, found) >= 0.9, f"{behind}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_money_is_right_or_a_note_names_the_cause(name: str) -> None:
    """Expected over actual within .67 to 1.5, or a reason, in nine of ten seeds."""
    found = verdicts(name)
    ratios = sorted(round(one.expected_over_actual, 2) for one in found)
    said = {note for one in found for note in one.notes}
    assert share(lambda one: one.money_is_right or one.named, found) >= 0.9, f"{ratios}, {said}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_no_value_is_empty_without_a_reason(name: str) -> None:
    assert max(one.unexplained for one in verdicts(name)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", UNDER_CONTRACT)
def test_no_running_contract_is_worth_nothing(name: str) -> None:
    assert sum(one.worthless for one in verdicts(name)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", RANKABLE)
def test_says_that_it_ranks_where_the_truth_does(name: str) -> None:
    """Where the hidden truth ranks better than chance by two standard errors, in nine of ten."""
    able = [one for one in verdicts(name) if one.oracle_beyond_chance > 2]
    if not able:
        pytest.skip("the truth itself has no power here")
    assert share(lambda one: one.ranks == "yes", able) >= 0.9, f"{[one.ranks for one in able]}"


@pytest.mark.slow
def test_flags_are_rare_where_nothing_breaks() -> None:
    """At most one run in ten, over all firms whose future is like their past."""
    seeds = -(-MANY // len(UNBROKEN))
    flagged = {name: share(lambda one: one.flagged, verdicts(name, seeds)) for name in UNBROKEN}
    assert np.mean(list(flagged.values())) <= 0.1, f"{flagged}"


@pytest.mark.slow
def test_late_entry_is_said() -> None:
    found = verdicts("late_entry")
    said = {note for one in found for note in one.notes}
    assert share(lambda one: one.named, found) >= 0.9, f"{said}"


@pytest.mark.slow
def test_late_entry_is_calibrated_once_the_recorded_window_is_named() -> None:
    """A calibration error of at most .05, in nine of ten seeds."""
    found = [judge_recorded("late_entry", seed) for seed in range(SEEDS)]
    named = [one for one in found if one is not None]
    assert len(named) == SEEDS, "no choice names since when ends are on record"
    errors = sorted(round(one.calibration, 3) for one in named)
    assert share(lambda one: one.calibration <= 0.05 and one.empty == 0, named) >= 0.9, f"{errors}"


# ---------------------------------------------------------------- two hundred seeds
@pytest.mark.slow
@pytest.mark.parametrize("name", ALIKE)
def test_customers_who_are_alike_are_not_ranked(name: str) -> None:
    """ "no" or "not known" in 95 of 100 runs."""
    found = verdicts(name, MANY)
    words = Counter(one.ranks for one in found)
    assert share(lambda one: one.ranks in ("no", "not known"), found) >= 0.95, f"{words}"
