"""Losses by tier, month and time: counted again by hand from the single customer view."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit.pipeline import Departures, RetentionResult
from retainkit.simulate import SimulatedBase


@pytest.fixture(scope="module")
def departures(full_result: RetentionResult) -> Departures:
    assert full_result.departures is not None
    return full_result.departures


def test_by_tier_counts_everybody_once(
    departures: Departures, full_result: RetentionResult
) -> None:
    assert full_result.cause_breakdown is not None
    by_tier = departures.by_tier
    assert by_tier["customers"].sum() == full_result.cause_breakdown.total
    per_cause = by_tier.groupby("cause", sort=False)["customers"].sum()
    assert per_cause.tolist() == full_result.cause_breakdown.customers.tolist()
    view = full_result.customers.to_frame().dropna(subset="cause")
    in_key = by_tier[by_tier["group"] == "key"].set_index("cause")["customers"]
    assert in_key.sum() == (view["value_tier"] == "key").sum()


def test_months_are_those_of_the_last_day_of_service(
    departures: Departures, base: SimulatedBase, full_result: RetentionResult
) -> None:
    ends = pd.to_datetime(base.contracts.groupby("customer_id")["end"].max())
    assert full_result.causes is not None
    lost = ends.reindex(full_result.causes.customer_id)
    by_hand = lost.dt.strftime("%Y-%m").value_counts().sort_index()
    counted = {month: breakdown.total for month, breakdown in departures.by_month.items()}
    assert counted == by_hand.to_dict()


def test_incidences_and_survival_sum_to_one(departures: Departures) -> None:
    assert departures.incidence is not None
    table = departures.incidence.to_frame()
    at = table.groupby(["group", "time"], observed=True)
    total = at["survival"].first() + at["incidence"].sum()
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


def test_alerts_look_at_the_last_month(departures: Departures) -> None:
    assert departures.alerts is not None
    assert set(departures.alerts["period"]) == {list(departures.by_month)[-1]}


def test_there_is_nothing_to_see_without_events(cdnow_result: RetentionResult) -> None:
    assert cdnow_result.departures is None
