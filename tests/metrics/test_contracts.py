"""The golden month: figures from the published definitions, computed by hand for nine customers."""

from __future__ import annotations

import pandas as pd
import pytest

from retainkit.contracts import ContractConvention
from retainkit.errors import NotComputableError, SchemaError
from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    Period,
    churn_rate,
    compute_metric,
    compute_metrics,
    index_contracts,
    net_revenue_retention,
    reactivation_rate,
    retention_rate,
)

MARCH = Period.month(2026, 3)


def test_logo_retention_and_churn(march: ContractIndex) -> None:
    kept = retention_rate(march, period=MARCH)
    assert (kept.numerator, kept.denominator, kept.n) == (4.0, 6.0, 6)  # A B C H of A B C D H I
    assert kept.value == 4 / 6
    lost = churn_rate(march, period=MARCH)
    assert lost.numerator == 2.0  # D and I
    assert round(lost.value or 0.0, 4) == 0.3333


def test_textbook_formula_counts_the_returned_customer(march: ContractIndex) -> None:
    result = compute_metric(march, "textbook_retention_rate", period=MARCH)
    assert (result.numerator, result.denominator) == (5.0, 6.0)  # A B C G H
    assert round(result.value or 0.0, 4) == 0.8333


def test_revenue_retention(march: ContractIndex) -> None:
    gross = compute_metric(march, "gross_revenue_retention", period=MARCH)
    net = net_revenue_retention(march, period=MARCH)
    assert (gross.numerator, gross.denominator, gross.value) == (360.0, 600.0, 0.6)
    assert (net.numerator, net.denominator) == (410.0, 600.0)
    assert round(net.value or 0.0, 4) == 0.6833


def test_reactivation(march: ContractIndex) -> None:
    result = reactivation_rate(march, period=MARCH)
    assert (result.numerator, result.denominator) == (1.0, 1.0)  # G; H was never dormant at t0


def test_join_and_leave_in_one_period_counts_by_convention(march: ContractIndex) -> None:
    both = MetricConvention(same_period_join_leave="count_both")
    assert compute_metric(march, "new_customers", period=MARCH).value == 1.0  # E
    assert (
        compute_metric(march, "new_customers", period=MARCH, convention=both).value == 2.0
    )  # E and F


def test_splitting_a_plan_in_two_changes_nothing(march_contracts: pd.DataFrame) -> None:
    """A customer with two contracts of half the amount is one customer."""
    halves = pd.concat([march_contracts, march_contracts], ignore_index=True)
    halves["amount"] /= 2
    split = compute_metrics(index_contracts(halves, as_of="2026-03-31"), period=MARCH)
    whole = compute_metrics(index_contracts(march_contracts, as_of="2026-03-31"), period=MARCH)
    pd.testing.assert_frame_equal(split.to_frame(), whole.to_frame())


def test_a_contract_over_nothing_is_active_by_convention(march_contracts: pd.DataFrame) -> None:
    free = march_contracts.copy()
    free.loc[free["customer_id"] == "A", "amount"] = 0.0
    base = index_contracts(free, as_of="2026-03-31")
    assert retention_rate(base, period=MARCH).denominator == 6.0
    strict = MetricConvention(contracts=ContractConvention(zero_value="churned"))
    assert retention_rate(base, period=MARCH, convention=strict).denominator == 5.0


def test_the_first_day_of_a_month_belongs_to_that_month() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["old", "new"],
            "start": pd.to_datetime(["2026-01-01", "2026-03-01"]),
            "end": [pd.Timestamp("2026-03-01"), pd.NaT],
            "amount": [10.0, 10.0],
        }
    )
    base = index_contracts(frame, as_of="2026-04-30")
    assert churn_rate(base, period=Period.month(2026, 2)).value == 0.0
    assert churn_rate(base, period=MARCH).value == 1.0
    assert compute_metric(base, "new_customers", period=Period.month(2026, 2)).value == 0.0
    assert compute_metric(base, "new_customers", period=MARCH).value == 1.0
    assert retention_rate(base, period=Period.month(2026, 4)).value == 1.0


def test_negative_amounts_have_no_revenue_retention(march_contracts: pd.DataFrame) -> None:
    wrong = march_contracts.copy()
    wrong.loc[0, "amount"] = -1.0
    base = index_contracts(wrong, as_of="2026-03-31")
    result = compute_metric(base, "gross_revenue_retention", period=MARCH)
    assert (result.value, result.reason) == (None, "negative_values")
    assert retention_rate(base, period=MARCH).value == 4 / 6


def test_contracts_that_start_after_as_of_are_unobserved(march_contracts: pd.DataFrame) -> None:
    base = index_contracts(march_contracts, as_of="2026-03-10")
    assert base.rows_after_as_of == 3  # B from 15 March, G from 12 March, H from 20 March
    assert retention_rate(base, period=MARCH).reason == "incomplete_period"


def test_a_month_before_the_first_contract_is_not_observed(march: ContractIndex) -> None:
    result = retention_rate(march, period=Period.month(2025, 12))
    assert (result.value, result.reason) == (None, "not_observed")
    result = compute_metric(march, "gross_revenue_retention", period=Period.month(2026, 1))
    assert (result.value, result.reason) == (None, "zero_denominator")


def test_purchase_metrics_are_not_for_contracts(march: ContractIndex) -> None:
    with pytest.raises(NotComputableError, match="'repeat_rate' from contracts"):
        compute_metrics(march, metrics=["repeat_rate"])
    with pytest.raises(NotComputableError, match="no metric 'loyalty'"):
        compute_metrics(march, metrics=["loyalty"])


def test_a_contract_without_start_is_no_valid_contract(march_contracts: pd.DataFrame) -> None:
    march_contracts.loc[0, "start"] = pd.NaT
    with pytest.raises(SchemaError, match="'start' is missing in 1 rows"):
        index_contracts(march_contracts, as_of="2026-03-31")


def test_row_order_and_names_do_not_matter(march_contracts: pd.DataFrame) -> None:
    shuffled = march_contracts.sample(frac=1.0, random_state=3)
    shuffled["customer_id"] = shuffled["customer_id"].map(ord)
    before = compute_metrics(index_contracts(march_contracts, as_of="2026-03-31"), period=MARCH)
    after = compute_metrics(index_contracts(shuffled, as_of="2026-03-31"), period=MARCH)
    pd.testing.assert_frame_equal(before.to_frame(), after.to_frame())


def test_the_index_shows_itself(march: ContractIndex) -> None:
    assert repr(march).startswith("<ContractIndex: 9 customers")
    assert march.to_frame()["contracts"].tolist() == [1, 2, 2, 1, 1, 1, 2, 2, 1]
    assert march.summary().loc[0, "contracts"] == 13
