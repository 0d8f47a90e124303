from __future__ import annotations

import pickle
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from retainkit.contracts import ContractConvention
from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    Period,
    build_cohorts,
    compute_metrics,
    index_contracts,
    index_purchases,
    retention_rate,
    revenue_movements,
)
from tests.metrics.builders import purchases

MARCH = Period.month(2026, 3)


def convention_with(**changes: Any) -> MetricConvention:
    """Return the convention with settings of metrics, of contracts, or of both."""
    own = {
        name: changes.pop(name) for name in list(changes) if name in ContractConvention.model_fields
    }
    return MetricConvention().replace(contracts=ContractConvention().replace(**own), **changes)


@pytest.fixture(scope="module")
def rich() -> ContractIndex:
    """Contracts that tell everything a convention may ask."""
    day = pd.to_datetime
    frame = pd.DataFrame(
        [
            ("pause", "2026-01-01", None, None, None, True, True, 50.0, 0.0, False, 0.0, 1),
            (
                "asked",
                "2026-01-01",
                "2026-04-05",
                "2026-03-10",
                None,
                True,
                False,
                60.0,
                0.0,
                False,
                0.0,
                1,
            ),
            (
                "paid up",
                "2026-01-01",
                "2026-03-20",
                None,
                "2026-04-20",
                True,
                False,
                70.0,
                0.0,
                False,
                0.0,
                1,
            ),
            ("unpaid", "2026-03-02", None, None, None, False, False, 80.0, 0.0, False, 0.0, 1),
            ("coupon", "2026-01-01", None, None, None, True, False, 90.0, 9.0, True, 0.0, 1),
            ("trial", "2026-01-01", None, None, None, True, False, 90.0, 5.0, False, 0.0, 1),
            ("meter", "2026-01-01", None, None, None, True, False, 90.0, 0.0, False, 7.0, 1),
            ("gap", "2026-01-01", "2026-02-27", None, None, True, False, 40.0, 0.0, False, 0.0, 1),
            ("gap", "2026-03-02", "2026-03-12", None, None, True, False, 40.0, 0.0, False, 0.0, 1),
            ("gap", "2026-03-14", None, None, None, True, False, 40.0, 0.0, False, 0.0, 1),
            ("gone", "2026-01-01", "2026-01-20", None, None, True, False, 30.0, 0.0, False, 0.0, 1),
            ("gone", "2026-03-03", None, None, None, True, False, 30.0, 0.0, False, 0.0, 1),
            ("less", "2026-01-01", "2026-03-09", None, None, True, False, 30.0, 0.0, False, 0.0, 1),
            ("less", "2026-03-09", None, None, None, True, False, 25.0, 0.0, False, 0.0, 12),
            (
                "flash",
                "2026-03-05",
                "2026-03-25",
                None,
                None,
                True,
                False,
                20.0,
                0.0,
                False,
                0.0,
                1,
            ),
            ("free", "2026-01-01", None, None, None, True, False, 0.0, 0.0, False, 0.0, 1),
        ],
        columns=[
            *("customer_id", "start", "end", "cancel_requested", "billing_end", "paid", "paused"),
            *("amount", "discount", "discount_permanent", "usage_amount", "term_months"),
        ],
    )
    days = {name: day(frame[name]) for name in ("start", "end", "cancel_requested", "billing_end")}
    return index_contracts(frame.assign(**days), as_of="2026-03-31")


CONTRACT_SETTINGS: dict[str, Any] = {
    "counting": "event",
    "denominator": "start_plus_new",
    "recognition": "cancel_requested",
    "past_due": "churned",
    "dunning_days": 15,
    "paused": "zero",
    "reactivation": "new",
    "reactivation_in_nrr": True,
    "contraction_in_nrr": False,
    "grace_days": 4,
    "zero_value": "churned",
    "same_period_join_leave": "count_both",
    "discounts": "ignore",
    "usage": "exclude",
    "term_change": "contraction",
}


def _all_figures(base: ContractIndex, convention: MetricConvention) -> str:
    table = compute_metrics(base, period=MARCH, convention=convention)
    moves = revenue_movements(base, periods=MARCH, convention=convention)
    assert moves.unexplained.tolist() == [0.0]
    return f"{table.summary().to_json()}{moves.summary().to_json()}{moves.heads().to_json()}"


@pytest.mark.parametrize("field", CONTRACT_SETTINGS)
def test_every_setting_of_contracts_changes_a_figure(rich: ContractIndex, field: str) -> None:
    """No field of the convention is decoration."""
    changed = convention_with(**{field: CONTRACT_SETTINGS[field]})
    assert _all_figures(rich, changed) != _all_figures(rich, MetricConvention())


def test_every_setting_is_tested_by_name() -> None:
    elsewhere = {
        *("window_days", "young_customers", "incomplete_period", "refunds", "week_start"),
        *("interval_method", "interval_level", "reactivated_cohort", "month"),
        *("bootstrap_resamples", "bootstrap_seed", "own_metrics"),
    }
    statements = {"name", "time_zone"}
    of_spells = {"billing_months", "spell", "same_day", "unpaid", "pause_reasons"}
    fields = set(MetricConvention.model_fields) | set(ContractConvention.model_fields)
    named = elsewhere | statements | of_spells | set(CONTRACT_SETTINGS)
    assert fields - {"contracts"} == named


def test_settings_on_the_rows_by_hand(rich: ContractIndex) -> None:
    """Each setting moves what it names, by the amount in the row."""

    def closing(**changes: Any) -> float:
        convention = convention_with(**changes)
        moves = revenue_movements(rich, periods=MARCH, convention=convention)
        return float(moves.summary()["closing"].iloc[0])

    # pause 50, asked 60, unpaid 80, coupon 81, trial 85, meter 97, gap 40, gone 30, less 25
    assert closing() == 548.0
    assert closing(paused="zero") == 548.0 - 50.0
    assert closing(recognition="cancel_requested") == 548.0 - 60.0
    assert closing(recognition="billing_end") == 548.0 + 70.0
    assert closing(past_due="churned") == 548.0 - 80.0
    assert closing(dunning_days=15) == 548.0 - 80.0
    assert closing(dunning_days=60) == 548.0
    assert closing(discounts="permanent_only") == 548.0 + 5.0
    assert closing(discounts="ignore") == 548.0 + 9.0 + 5.0
    assert closing(usage="exclude") == 548.0 - 7.0


def test_a_setting_without_its_column_leaves_a_note(march: ContractIndex) -> None:
    asked = convention_with(recognition="cancel_requested")
    (note,) = retention_rate(march, period=MARCH, convention=asked).notes
    assert note.startswith("no column 'cancel_requested': the end stands for it in 7")


@pytest.mark.parametrize(
    "wrong",
    [{"window_days": 0}, {"interval_level": 1.0}, {"counting": "both"}, {"colour": "red"}],
)
def test_a_wrong_setting_is_refused_when_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MetricConvention.model_validate(wrong)


def test_conventions_hash_compare_pickle_and_survive_json() -> None:
    convention = MetricConvention(window_days=30, name="monthly")
    again = MetricConvention.model_validate_json(convention.model_dump_json())
    assert again == convention
    assert hash(again) == hash(convention)
    assert pickle.loads(pickle.dumps(convention)) == convention


def test_weeks_begin_on_the_chosen_day() -> None:
    # 2026-03-01 is a Sunday, 2026-03-02 a Monday
    frame = purchases([("a", "2026-03-01", 1.0), ("b", "2026-03-02", 1.0)])
    starts = {
        day: build_cohorts(
            index_purchases(frame, as_of="2026-03-08"),
            unit="week",
            convention=MetricConvention().replace(week_start=day),
        ).labels
        for day in ("monday", "sunday", "saturday")
    }
    assert starts == {
        "monday": ("2026-02-23", "2026-03-02"),
        "sunday": ("2026-03-01",),
        "saturday": ("2026-02-28",),
    }
