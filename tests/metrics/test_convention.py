from __future__ import annotations

import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from retainkit.errors import NotComputableError
from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    Period,
    PurchaseIndex,
    build_cohorts,
    follow_cohorts,
    retention_rate,
    tabulate_metrics,
)
from tests.metrics.builders import purchases

MARCH = Period.month(2026, 3)
NOT_YET: dict[str, Any] = {
    "counting": "event",
    "denominator": "start_plus_new",
    "churn_recognition": "cancel_requested",
    "past_due": "churned",
    "dunning_days": 15,
    "paused": "zero",
    "reactivation": "new",
    "reactivation_in_nrr": True,
    "reactivated_cohort": "new",
    "grace_days": 3,
    "discounts": "ignore",
    "usage": "exclude",
    "term_change": "contraction",
    "month": "30_days",
}


@pytest.mark.parametrize("field", NOT_YET)
def test_a_setting_that_is_not_honoured_is_refused(march: ContractIndex, field: str) -> None:
    convention = MetricConvention().replace(**{field: NOT_YET[field]})
    with pytest.raises(NotComputableError, match=field) as caught:
        retention_rate(march, period=MARCH, convention=convention)
    assert "convention.replace" in caught.value.fix


def test_tables_and_cohorts_refuse_it_too(cdnow_base: PurchaseIndex) -> None:
    convention = MetricConvention(counting="event")
    with pytest.raises(NotComputableError, match="counting"):
        tabulate_metrics(cdnow_base, convention=convention)
    with pytest.raises(NotComputableError, match="counting"):
        follow_cohorts(cdnow_base, convention=convention)


def test_every_setting_is_honoured_or_refused() -> None:
    """No field of the convention is decoration: each is refused above or tested by name."""
    honoured = {
        "window_days",
        "young_customers",
        "incomplete_period",
        "zero_value",
        "same_period_join_leave",
        "refunds",
        "week_start",
        "interval_method",
        "interval_level",
    }
    statements = {"name", "time_zone"}
    assert set(MetricConvention.model_fields) == honoured | statements | set(NOT_YET)


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
            frame,
            as_of="2026-03-08",
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
