"""What was not computed is named; degenerate bases run or say why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import AsOfError, NotComputableError, RetainkitWarning, SchemaError
from retainkit.pipeline import PipelineConfig, RetentionPipeline, RetentionResult
from retainkit.simulate import SimulatedBase
from retainkit.tables import TransactionColumns
from tests.consistency.conftest import tables_of
from tests.runs import QUIET

ENABLES = {
    "customers": {"standing (bad payers)", "background of business customers", "share of wallet"},
    "contracts": {"contract retention, revenue retention"},
    "events": {"cause of leaving"},
    "surveys": {"satisfaction and recommendation"},
    "activities": {"cost to serve"},
}


def named(result: RetentionResult) -> set[str]:
    return {gap.what for gap in result.gaps}


def run(rows: list[tuple[Any, ...]], as_of: str = "2024-12-31", **tables: Any) -> RetentionResult:
    frame = pd.DataFrame(rows, columns=["customer_id", "timestamp", "amount"])
    return RetentionPipeline().run(frame, as_of=as_of, **tables)


def test_nothing_is_missing_when_everything_is_given(full_result: RetentionResult) -> None:
    # no action has a price in this configuration, and of 900 customers too few rose
    assert [gap.id for gap in full_result.gaps] == ["prices", "potential"]


@pytest.mark.parametrize("table", sorted(ENABLES))
def test_each_missing_table_is_named(
    table: str, base: SimulatedBase, full_config: PipelineConfig
) -> None:
    given = tables_of(base)
    given[table] = None
    if table == "customers":
        del given["customer_columns"]
    result = RetentionPipeline(full_config).run(base.transactions, **given)
    always = ("prices", "potential")  # no price is given, too few rose among 900
    missing = [gap for gap in result.gaps if gap.id not in always]
    assert {gap.what for gap in missing} == ENABLES[table]
    assert all(table in gap.enabled_by for gap in missing)


def test_missing_columns_and_rates_are_named(base: SimulatedBase) -> None:
    bare = base.transactions[["customer_id", "timestamp", "amount"]]
    result = RetentionPipeline(QUIET).run(bare, **tables_of(base))
    assert {"profit per customer", "business breadth", "cost to serve"} <= named(result)
    with_profit = RetentionPipeline(QUIET).run(base.transactions, **tables_of(base))
    (gap,) = [gap for gap in with_profit.gaps if gap.what == "cost to serve"]
    assert "activity_rates" in gap.enabled_by


def test_one_customer_one_purchase() -> None:
    result = run([("a", "2024-06-01", 50.0)])
    view = result.customers.to_frame()
    assert len(view) == 1
    assert result.model.purchase_model is None
    assert result.model.tier_basis == "historical_contribution"
    assert view["tier"].tolist() == ["ordinary"]  # a fifth of one head is nobody: none is key
    assert np.isnan(view["p_alive"]).all()
    assert any("no model of buying" in gap.why for gap in result.gaps)


def test_nobody_came_back() -> None:
    result = run([(i, f"2024-0{1 + i % 9}-01", 10.0 + i) for i in range(60)])
    assert len(result) == 60
    assert result.model.tier_basis in ("lifetime_value", "historical_contribution")
    assert result.pyramid.to_frame()["value"].sum() == pytest.approx(
        sum(10.0 + i for i in range(60))
    )
    assert not result.history.frequency.any()


def test_all_on_one_day() -> None:
    result = run([(i % 10, "2024-12-31", 5.0) for i in range(40)])
    assert len(result) == 10
    assert result.history.frequency.tolist() == [0] * 10
    assert set(result.customers.to_frame()["tier"]) == {
        "ordinary"
    }  # ten equal customers: none is key


def test_all_returns_say_why_not() -> None:
    with pytest.raises(NotComputableError, match="no customer has purchases above 0") as caught:
        run([(i, "2024-05-01", -5.0 - i) for i in range(4)])
    assert "positive amounts" in caught.value.fix


def test_one_customer_with_returns_only(base: SimulatedBase) -> None:
    row = base.transactions.iloc[[0]].assign(customer_id=99_999, amount=-9.0, profit=-4.0)
    result = RetentionPipeline().run(pd.concat([base.transactions, row]), as_of=base.as_of)
    view = result.customers.to_frame().set_index("customer_id")
    assert view.loc[[99_999], "age"].isna().all()
    assert view.loc[99_999, "contribution"] == -4.0
    assert view.loc[99_999, "tier"] == "small"
    assert view["contribution"].sum() == pytest.approx(
        base.transactions["profit"].sum() - 4.0, rel=1e-12
    )


def test_as_of_before_the_data() -> None:
    with pytest.raises(AsOfError, match="the first transaction is of 2024-06-01") as caught:
        run([("a", "2024-06-01", 50.0), ("b", "2024-07-01", 5.0)], as_of="2023-12-31")
    assert "2024-07-01" in caught.value.fix


def test_everything_rejected_says_why() -> None:
    with pytest.raises(SchemaError, match="no transaction was accepted") as caught:
        run([(None, "2024-06-01", 50.0), ("b", "yesterday", 5.0)])
    assert "missing_customer_id 1" in caught.value.wrong
    assert "unparsable_timestamp 1" in caught.value.wrong


def test_no_rows_at_all() -> None:
    with pytest.raises(SchemaError, match="transactions has no rows"):
        run([])


@pytest.mark.parametrize("as_of", ["31.12.2024", "soon", None, 20241231])
def test_as_of_is_a_day(as_of: Any) -> None:
    with pytest.raises(AsOfError, match="as_of"):
        run([("a", "2024-06-01", 50.0)], as_of=as_of)


def test_an_unknown_column_names_the_closest() -> None:
    frame = pd.DataFrame({"CustomerID": ["a"], "Date": ["2024-06-01"], "Amount": [1.0]})
    columns = TransactionColumns(customer_id="CustomerId", timestamp="Date", amount="Amount")
    with pytest.raises(SchemaError, match="CustomerId") as caught:
        RetentionPipeline().run(frame, as_of="2024-12-31", columns=columns)
    assert "CustomerID" in str(caught.value)


def test_tables_that_know_nobody(base: SimulatedBase, plain_result: RetentionResult) -> None:
    """Further tables about strangers change nothing."""
    strangers = base.customers.assign(customer_id=base.customers["customer_id"] + 10_000)
    result = RetentionPipeline().run(base.transactions, as_of=base.as_of, customers=strangers)
    plain = plain_result
    assert result.tiers.to_frame()["tier"].equals(plain.tiers.to_frame()["tier"])
    assert result.policy.to_frame()["stance"].equals(plain.policy.to_frame()["stance"])


def test_wide_ranges_stay_finite() -> None:
    """A daily buyer, tiny and huge amounts: no overflow; what is undefined is said."""
    rng = np.random.default_rng(2)
    days = pd.date_range("2023-01-01", "2024-12-31")
    rows = [(0, day, 1e9) for day in days]
    rows += [(1 + i, days[int(rng.integers(700))], 10.0 ** rng.integers(-4, 5)) for i in range(300)]
    rows += [(1 + i, days[int(rng.integers(700))], 1.0) for i in range(100)]
    with pytest.warns(RetainkitWarning, match="q <= 1"):
        result = run(rows)
    view = result.customers.to_frame()
    assert view["p_alive"].between(0, 1).all()
    assert np.isfinite(view["contribution"]).all()
    assert result.ledger.reconciles


def test_a_config_is_refused_as_a_whole() -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match="tier_bases"):
        PipelineConfig.model_validate({"tier_bases": "contribution"})
