"""Months, budget, audit and owners of a run are what their functions give, and close."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import PolicyStoppedError, SchemaError
from retainkit.metrics import Period
from retainkit.pipeline import BudgetConfig, PipelineConfig, RetentionPipeline, RetentionResult
from retainkit.policy import (
    AuditConfig,
    CostModel,
    Goal,
    MeasureCatalog,
    MeasureEffect,
    PlanGoals,
    catalog_limits,
    measure_gains,
)
from retainkit.simulate import SimulatedBase
from tests.consistency.conftest import tables_of
from tests.runs import QUIET, run_cdnow


def priced() -> MeasureCatalog:
    catalog = MeasureCatalog()
    return catalog.with_measures(
        catalog.measure("personal_ties").replace(
            cost=CostModel(per_contact=1.5, contacts=2),
            effect=MeasureEffect(retention=0.06),
            capacity=20,
        ),
        catalog.measure("trade_up").replace(
            cost=CostModel(per_customer=0.5, incentive=4.0, acceptance=0.3),
            effect=MeasureEffect(spend=0.15),
        ),
    )


CONFIG = PipelineConfig(
    measures=priced(),
    budget=BudgetConfig(amount=90.0),
    goals=PlanGoals(year="2026", tiers=(Goal(name="key", retention=0.9),)),
    flows="all",
    owner_column="region",
    cost_to_win=40.0,
)


@pytest.fixture(scope="module")
def before(base: SimulatedBase) -> RetentionResult:
    early = str((pd.Timestamp(base.as_of) - pd.Timedelta(days=365)).date())
    return RetentionPipeline(CONFIG).run(base.transactions, **{**tables_of(base), "as_of": early})


@pytest.fixture(scope="module")
def after(base: SimulatedBase, before: RetentionResult) -> RetentionResult:
    return RetentionPipeline(CONFIG).run(base.transactions, previous=before, **tables_of(base))


@pytest.mark.parametrize(
    ("first", "last", "months", "years"),
    [
        (date(2025, 1, 1), date(2025, 3, 31), ["2025-01", "2025-02", "2025-03"], []),
        (date(2025, 1, 2), date(2025, 3, 30), ["2025-02"], []),
        (date(2023, 1, 2), date(2025, 1, 30), ["2024-10", "2024-11", "2024-12"], ["2024"]),
        (date(2025, 3, 5), date(2025, 3, 20), [], []),
    ],
)
def test_only_complete_months_and_years(
    first: date, last: date, months: list[str], years: list[str]
) -> None:
    found = Period.complete("month", since=first, as_of=last, most=3)
    assert [str(period) for period in found] == months
    assert [str(period) for period in Period.complete("year", since=first, as_of=last)] == years


def test_the_bucket_closes_and_counts_who_is_there(after: RetentionResult) -> None:
    assert after.flows is not None
    assert after.flows.bucket is not None
    flows = after.flows.bucket.summary()
    closing = flows["opening"] + flows["new"] + flows["reactivation"] - flows["lost"]
    assert closing.tolist() == flows["closing"].tolist()
    assert flows["closing"].tolist()[:-1] == flows["opening"].tolist()[1:]
    assert (flows["refill_cost"] == 40.0 * flows["lost"]).all()
    reasons = flows[[name for name in flows.columns if str(name).startswith("lost: ")]]
    assert reasons.sum(axis=1).tolist() == flows["lost"].tolist()


def test_the_bucket_by_hand() -> None:
    """Active at a month's end: bought in the 91 days before it."""
    rows = load_cdnow_sample()
    config = PipelineConfig(flows="all", trend_months=3)
    result = RetentionPipeline(config).run(rows, as_of="1998-06-30")
    assert result.flows is not None
    assert result.flows.bucket is not None
    shown = result.flows.bucket.summary()[["opening", "lost", "closing"]].to_numpy(dtype=int)
    ends = [pd.Timestamp(day) for day in ("1998-04-01", "1998-05-01", "1998-06-01", "1998-07-01")]
    active = [
        set(
            rows.loc[
                (rows["timestamp"] < end) & (rows["timestamp"] >= end - timedelta(days=91)),
                "customer_id",
            ]
        )
        for end in ends
    ]
    by_hand = [(len(a), len(a - b), len(b)) for a, b in pairwise(active)]
    assert shown.tolist() == [list(row) for row in by_hand]


def test_flows_can_be_left_out() -> None:
    config = PipelineConfig(trend_months=0)
    result = RetentionPipeline(config).run(load_cdnow_sample(), as_of="1998-06-30")
    assert result.flows is None
    plain = run_cdnow()
    assert plain.flows is not None
    assert plain.flows.bucket is None
    assert len(plain.flows.trend.periods) == 12


def test_the_plan_is_the_functions_by_hand(after: RetentionResult) -> None:
    assert after.budget is not None
    gains = measure_gains(after.policy, churn=after.churn)
    chosen = gains.allocate(90.0, limits=catalog_limits(priced()))
    np.testing.assert_array_equal(after.budget.allocation.measure, chosen.measure)
    assert after.budget.allocation.cost <= 90.0
    assert after.budget.frontier["gain"].is_monotonic_increasing
    same = after.budget.frontier.set_index("budget").loc[90.0]
    assert same["gain"] == pytest.approx(chosen.gain, rel=1e-12)
    ties = chosen.measures.index("personal_ties")
    assert np.count_nonzero(chosen.measure == ties) <= 20
    rows = after.plan.to_frame().set_index("customer_id")
    held = rows.index[rows["arm"] == "held_out"]
    planned = after.policy.customer_id[chosen.measure >= 0]
    budgeted = rows[rows["action"].isin(chosen.measures)]
    assert set(budgeted.index[budgeted["arm"] == "treated"]) <= set(planned)
    assert len(held)


def test_the_year_follows_the_plan(after: RetentionResult) -> None:
    assert after.annual_plan is not None
    assert after.budget is not None
    lines = after.annual_plan.to_frame().set_index("name")
    assert lines.loc["key", "target_retention"] == 0.9
    assert lines["budget"].sum() == pytest.approx(after.budget.allocation.cost)


def test_protected_groups_are_audited_and_can_stop_a_run(
    base: SimulatedBase, after: RetentionResult
) -> None:
    assert after.audit is not None
    assert {row.attribute for row in after.audit.rows} == {"age_band", "gender"}
    counted = after.audit.to_frame().query("attribute == 'gender' and stance == 'exit'")
    known = base.customers["customer_id"].isin(after.customers.scores.customer_id)
    assert counted["customers"].sum() == len(after)
    assert known.any()
    strict = CONFIG.replace(audit=AuditConfig(min_ratio=0.999, on_breach="stop"))
    with pytest.raises(PolicyStoppedError):
        RetentionPipeline(strict).run(base.transactions, **tables_of(base))


def test_owners_answer_for_the_customers_they_had(
    base: SimulatedBase, before: RetentionResult, after: RetentionResult
) -> None:
    assert after.owners is not None
    region = base.customers.set_index("customer_id")["region"]
    then = before.scores
    there = pd.Series(~then.churn.churned & ~then.history.never_purchased, then.customer_id)
    gone = pd.Series(after.churn.churned, after.scores.customer_id)
    for row in after.owners.to_frame().to_dict("records"):
        own = there[there & (region.reindex(there.index) == row["owner"])].index
        assert row["customers"] == len(own)
        assert row["retention"] == pytest.approx(1.0 - gone.reindex(own).mean())


def test_an_unknown_owner_column_is_refused(base: SimulatedBase, before: RetentionResult) -> None:
    wrong = QUIET.replace(owner_column="account_manager")
    with pytest.raises(SchemaError, match="account_manager"):
        RetentionPipeline(wrong).run(base.transactions, previous=before, **tables_of(base))


def test_without_budget_goals_owners_there_is_nothing(full_result: RetentionResult) -> None:
    assert full_result.budget is None
    assert full_result.annual_plan is None
    assert full_result.owners is None
    assert full_result.audit is not None


def test_the_document_holds_them(after: RetentionResult) -> None:
    document = after.to_document()
    assert len(document.months) == len(document.contract_months) == 12 * 7
    assert [row["lost"] for row in document.flows]
    assert document.budget[-1]["measure"] == "total"
    assert [row["budget"] for row in document.frontier] == [22.5, 45.0, 90.0, 180.0, 360.0]
    assert {row["attribute"] for row in document.audit} == {"age_band", "gender"}
    assert document.owners
    assert document.annual_plan
    assert document.causes_by_tier
    assert type(document).from_json(document.to_json()) == document
