"""Maven's 3,069 subscriptions: figures counted again in plain pandas."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit.churn import list_contract_spells
from retainkit.contracts import ContractConvention
from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    Period,
    build_cohorts,
    churn_rate,
    explain,
    index_contracts,
    retention_rate,
    revenue_movements,
)
from retainkit.tables import ContractColumns, validate_contracts

DEFAULT = Path(__file__).parents[2].parent / "shared" / "data"
FILE = Path(os.environ.get("RETAINKIT_DATA", DEFAULT)) / "maven_subscription"
FILE = FILE / "subscription_cohort.csv"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"no {FILE.name}: set RETAINKIT_DATA")
MONTHS = tuple(Period.month(2022 + (m - 1) // 12, (m - 1) % 12 + 1) for m in range(9, 21))


@pytest.fixture(scope="module")
def contracts() -> pd.DataFrame:
    columns = ContractColumns(
        start="created_date",
        end="canceled_date",
        amount="subscription_cost",
        paid="was_subscription_paid",
    )
    return validate_contracts(pd.read_csv(FILE), columns=columns, as_of="2023-09-08")


@pytest.fixture(scope="module")
def base(contracts: pd.DataFrame) -> ContractIndex:
    return index_contracts(contracts, as_of="2023-09-08")


def active_on(contracts: pd.DataFrame, day: str) -> set[int]:
    """Customers with a contract that covers the day before."""
    eve = pd.Timestamp(day) - pd.Timedelta(days=1)
    running = (contracts["start"] <= eve) & (contracts["end"].isna() | (contracts["end"] > eve))
    return set(contracts.loc[running, "customer_id"])


def test_known_totals(contracts: pd.DataFrame, base: ContractIndex) -> None:
    assert len(contracts) == 3069
    assert len(base) == 2877
    assert contracts["end"].isna().sum() == 1065


def test_movements_of_every_month_by_sets(contracts: pd.DataFrame, base: ContractIndex) -> None:
    table = revenue_movements(base, periods=MONTHS)
    assert table.unexplained.tolist() == [0.0] * 12
    heads = table.heads()
    real = contracts[contracts["end"].isna() | (contracts["end"] > contracts["start"])]
    first = real.groupby("customer_id")["start"].min()
    for period in MONTHS:
        start, end = active_on(contracts, str(period.start)), active_on(contracts, str(period.end))
        joined = set(first[(first >= str(period.start)) & (first < str(period.end))].index)
        row = heads.loc[str(period)]
        expected = [
            len(start),
            len((end - start) & joined),
            len((end - start) - joined),
            len(start - end),
            len(end),
        ]
        names = ("opening", "new", "reactivation", "churn", "closing")
        assert row.loc[list(names)].to_numpy().tolist() == expected
    money = table.summary()
    np.testing.assert_array_equal(money["closing"], 39.0 * heads["closing"])


def test_unpaid_customers_leave_after_dunning(contracts: pd.DataFrame, base: ContractIndex) -> None:
    patient = retention_rate(base, period=MONTHS[-1])
    strict = MetricConvention(contracts=ContractConvention(dunning_days=15))
    result = retention_rate(base, period=MONTHS[-1], convention=strict)
    late = contracts[~contracts["paid"].astype("boolean").fillna(True).astype(bool)]
    assert len(late) == 133
    eve = pd.Timestamp("2023-07-31")
    running = late[(late["start"] <= eve) & (late["end"].isna() | (late["end"] > eve))]
    gone = running[running["start"] + pd.Timedelta(days=15) <= eve]
    assert patient.denominator is not None
    assert result.denominator == patient.denominator - gone["customer_id"].nunique()


def test_churn_and_metrics_count_the_same_losses_each_month(
    contracts: pd.DataFrame, base: ContractIndex
) -> None:
    """Seven contracts of August 2023 end on the day they start: both count them."""
    spells = list_contract_spells(contracts, as_of="2023-09-08").to_frame()
    lost = spells.loc[spells["ended"], "end"].dt.strftime("%Y-%m").value_counts()
    convention = MetricConvention.chartmogul()
    for period in MONTHS:
        rate = churn_rate(base, period=period, convention=convention)
        assert rate.numerator in (None, lost.get(str(period), 0))
    august = contracts[contracts["start"].dt.strftime("%Y-%m") == "2023-08"]
    assert int((august["start"] == august["end"]).sum()) == 7


def test_exposure_is_the_sum_of_covered_days(contracts: pd.DataFrame, base: ContractIndex) -> None:
    """Counted day by day with sets."""
    august = Period.month(2023, 8)
    result = churn_rate(base, period=august, convention=MetricConvention(denominator="exposure"))
    days = pd.date_range("2023-08-02", "2023-09-01")
    assert result.denominator == sum(len(active_on(contracts, str(day.date()))) for day in days)
    why = explain(
        "churn_rate", base, period=august, convention=MetricConvention(denominator="exposure")
    )
    assert why.customers["denominator"].sum() == result.denominator


def test_cohorts_by_sets(contracts: pd.DataFrame, base: ContractIndex) -> None:
    table = build_cohorts(base)
    real = contracts[contracts["end"].isna() | (contracts["end"] > contracts["start"])]
    first = real.groupby("customer_id")["start"].min().dt.strftime("%Y-%m")
    cohort = set(first[first == "2022-12"].index)
    row = table.labels.index("2022-12")
    assert table.sizes[row] == len(cohort)
    for column, end in ((1, "2023-02-01"), (5, "2023-06-01"), (8, "2023-09-01")):
        assert table.heads[row, column] == len(cohort & active_on(contracts, end))
    assert bool(table.incomplete[row, 9])  # September 2023 is observed for eight days


def test_cohorts_by_anniversary_and_on_or_after_by_sets(
    contracts: pd.DataFrame, base: ContractIndex
) -> None:
    """Who is there n months after the own first day, and who on that month's end or later."""
    real = contracts[contracts["end"].isna() | (contracts["end"] > contracts["start"])]
    first = real.groupby("customer_id")["start"].min()
    last = pd.Timestamp("2023-09-08")
    ends = real["end"].fillna(pd.Timestamp("2100-01-01"))
    rolling = build_cohorts(base, clock="rolling")
    convention = MetricConvention(incomplete_period="mark")
    later = build_cohorts(base, activity="on_or_after", convention=convention)
    bracket = build_cohorts(base, activity="bracket", brackets=((1, 3),))
    assert rolling.sizes.sum() == len(first)
    assert rolling.customers_without_purchase == 2877 - len(first) == 90
    since = real["customer_id"].map(first)
    for column in (1, 2, 3, 6, 11):
        day = first + pd.DateOffset(months=column)
        seen = day[day <= last]
        look = real["customer_id"].map(day)
        there = set(real.loc[(real["start"] <= look) & (ends > look), "customer_id"]) & set(
            seen.index
        )
        assert rolling.eligible[column] == len(seen)
        assert rolling.retained[column] == len(there)
        month_start = since.dt.to_period("M").dt.start_time
        eve = month_start + pd.DateOffset(months=column + 1) - pd.Timedelta(days=1)
        begun = month_start + pd.DateOffset(months=column) <= last
        alive = real[(ends > eve.clip(upper=last)) & begun]
        assert (
            later.heads[:, column][~np.isnan(later.heads[:, column])].sum()
            == alive["customer_id"].nunique()
        )
    september = real[since.dt.strftime("%Y-%m") == "2022-09"]
    hit: set[int] = set()
    for eve_day in ("2022-11-01", "2022-12-01", "2023-01-01"):
        hit |= active_on(contracts, eve_day)
    assert bracket.heads[0, 0] == len(hit & set(september["customer_id"]))


def test_a_return_opens_a_cohort_of_its_own_if_asked(
    contracts: pd.DataFrame, base: ContractIndex
) -> None:
    """A gap of 14 days or more begins a new member; shorter ones are bridged."""
    real = contracts[contracts["end"].isna() | (contracts["end"] > contracts["start"])]
    own = real.sort_values(["customer_id", "start"])
    until = own["end"].fillna(pd.Timestamp("2100-01-01"))
    reach = until.groupby(own["customer_id"]).cummax().groupby(own["customer_id"]).shift()
    gap = (own["start"] - reach).dt.days
    convention = MetricConvention(
        reactivated_cohort="new", contracts=ContractConvention(grace_days=14, same_day="ignore")
    )
    table = build_cohorts(base, convention=convention)
    opens = own[reach.isna() | (gap >= 14)]
    assert table.sizes.sum() == len(opens)
    by_month = opens["start"].dt.strftime("%Y-%m").value_counts().sort_index()
    assert table.sizes[table.sizes > 0].tolist() == by_month.tolist()
