"""What must not matter does not matter: row order, id names, currency, unit, kind of frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.pipeline import PipelineConfig, RetentionPipeline, RetentionResult
from retainkit.simulate import SimulatedBase
from tests.consistency.conftest import COLUMNS, tables_of
from tests.consistency.frames import ROWWISE, assert_same, by_customer, frames_of

AGGREGATES = ("pyramid", "value_pyramid", "whale", "metrics", "cohorts", "scorecard")
MONEY_FREE = (
    *("tier", "standing", "stance", "rule", "potential", "stage", "p_alive", "state"),
    *("rfm", "frequency", "recency", "age", "inactive_for", "business_breadth", "cause"),
)


def shuffled(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    order = np.random.default_rng(seed).permutation(len(frame))
    return frame.iloc[order].reset_index(drop=True)


def test_row_order(
    base: SimulatedBase, full_config: PipelineConfig, full_result: RetentionResult
) -> None:
    given = tables_of(base)
    for name in ("customers", "contracts", "events", "surveys", "activities"):
        given[name] = shuffled(given[name], seed=len(name))
    again = RetentionPipeline(full_config).run(shuffled(base.transactions, seed=1), **given)
    got, wanted = by_customer(frames_of(again)), by_customer(frames_of(full_result))
    exact = ("tiers", "policy", "lifecycle", "rfm", "churn", "causes", "contract_churn")
    labels = ["customer_id", "tier", "stance", "rule", "stage", "rfm", "cause", "state"]
    left, right = got["customers"], wanted["customers"]
    assert left is not None
    assert right is not None
    pd.testing.assert_frame_equal(left[labels], right[labels], check_exact=True)
    # sums of money run in another order: equal but for the last bits
    assert_same(got, wanted, names=(*ROWWISE, *exact, *AGGREGATES), relative=1e-9)


def test_names_of_customers(
    base: SimulatedBase, full_config: PipelineConfig, full_result: RetentionResult
) -> None:
    def rename(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(customer_id="C" + frame["customer_id"].astype(str).str.zfill(6))

    given: dict[str, Any] = {
        name: rename(table) if isinstance(table, pd.DataFrame) else table
        for name, table in tables_of(base).items()
    }
    again = RetentionPipeline(full_config).run(rename(base.transactions), **given)
    left, right = again.customers.to_frame(), full_result.customers.to_frame()
    assert left["customer_id"].tolist() == rename(right)["customer_id"].tolist()
    pd.testing.assert_frame_equal(
        left.drop(columns="customer_id"), right.drop(columns="customer_id"), check_exact=True
    )
    assert_same(frames_of(again), frames_of(full_result), names=AGGREGATES)
    assert again.model == full_result.model


@pytest.mark.parametrize("rate", [4.0, 0.01])
def test_currency(base: SimulatedBase, plain_result: RetentionResult, rate: float) -> None:
    """Grades and stances do not depend on the currency; money scales with it."""
    scaled = base.transactions.assign(
        amount=base.transactions["amount"] * rate, profit=base.transactions["profit"] * rate
    )
    one = plain_result.customers.to_frame()
    two = RetentionPipeline().run(scaled, as_of=base.as_of).customers.to_frame()
    same = [name for name in MONEY_FREE if name in one]
    pd.testing.assert_frame_equal(one[same], two[same], rtol=1e-9)
    for name in ("lifetime_value", "contribution", "monetary_value", "profit", "margin_to_cut"):
        np.testing.assert_allclose(two[name], one[name] * rate, rtol=1e-6, atol=1e-6 * rate)


@pytest.mark.parametrize("unit", ["day", "month"])
def test_unit_of_time(base: SimulatedBase, plain_result: RetentionResult, unit: str) -> None:
    """The unit is a scale: it changes how time is written, and no decision."""
    config = PipelineConfig.model_validate({"unit": unit})
    one = plain_result.customers.to_frame()
    two = RetentionPipeline(config).run(base.transactions, as_of=base.as_of).customers.to_frame()
    days = {"day": 1.0, "week": 7.0, "month": 30.4375}
    for name in ("recency", "age", "inactive_for"):
        np.testing.assert_allclose(two[name] * days[unit], one[name] * 7.0, rtol=1e-12)
    same = [name for name in MONEY_FREE if name in one and name not in ("recency", "age")]
    same.remove("inactive_for")
    pd.testing.assert_frame_equal(one[same], two[same], rtol=1e-6)
    np.testing.assert_allclose(two["lifetime_value"], one["lifetime_value"], rtol=1e-6, atol=1e-6)


def test_moving_everything_in_time(base: SimulatedBase, plain_result: RetentionResult) -> None:
    """Only differences of days count: 28 days later is the same base."""
    later = base.transactions.assign(timestamp=base.transactions["timestamp"] + pd.Timedelta("28D"))
    two = RetentionPipeline().run(later, as_of=base.as_of + pd.Timedelta("28D"))
    left, right = plain_result.customers.to_frame(), two.customers.to_frame()
    ahead = ["next_purchase", "next_purchase_low", "next_purchase_high"]
    for name in ahead:
        assert (right[name] - left[name]).dropna().eq(pd.Timedelta("28D")).all()
        assert right[name].isna().equals(left[name].isna())
    since = right["state_since"] - left["state_since"]
    assert since.notna().all()
    assert since.eq(pd.Timedelta("28D")).all()
    days = ["first_day", "last_day", "state_since", *ahead]
    pd.testing.assert_frame_equal(
        left.drop(columns=days), right.drop(columns=days), check_exact=True
    )


def polars(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("polars").from_pandas(frame)


def polars_lazy(frame: pd.DataFrame) -> Any:
    return polars(frame).lazy()


def pyarrow(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("pyarrow").Table.from_pandas(frame, preserve_index=False)


def duckdb(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("duckdb").from_arrow(pyarrow(frame))


@pytest.mark.parametrize("convert", [polars, polars_lazy, pyarrow, duckdb])
def test_kind_of_frame(
    convert: Any, base: SimulatedBase, full_config: PipelineConfig, full_result: RetentionResult
) -> None:
    pytest.importorskip("pyarrow")
    given = {
        name: convert(table) if isinstance(table, pd.DataFrame) else table
        for name, table in tables_of(base).items()
    }
    again = RetentionPipeline(full_config).run(convert(base.transactions), **given)
    names = [name for name in frames_of(full_result) if name != "ledger"]
    assert_same(frames_of(again), frames_of(full_result), names=names)
    counts = ["table", "kind", "reason", "rows", "amount"]
    pd.testing.assert_frame_equal(
        again.ledger.to_frame()[counts], full_result.ledger.to_frame()[counts], check_exact=True
    )


def test_protected_attributes_never_decide(
    base: SimulatedBase, full_config: PipelineConfig, full_result: RetentionResult
) -> None:
    """Whatever stands in a protected column, every table stays the same bit for bit."""
    given = tables_of(base)
    rng = np.random.default_rng(5)
    given["customers"] = base.customers.assign(
        age_band=rng.permutation(base.customers["age_band"].to_numpy()),
        gender=rng.choice(["x", "y"], len(base.customers)),
    )
    assert given["customer_columns"] is COLUMNS
    again = RetentionPipeline(full_config).run(base.transactions, **given)
    assert_same(frames_of(again), frames_of(full_result))
    shown = again.customers.to_frame().columns
    assert not {"age_band", "gender"} & set(shown)
    assert "age_band" not in again.to_document().model.to_json()


def test_nobody_else_moves_the_money(full_result: RetentionResult) -> None:
    """Contribution in = contribution out over the tiers."""
    pyramid, view = full_result.pyramid.to_frame(), full_result.customers.to_frame()
    assert pyramid["value"].sum() == pytest.approx(view["contribution"].sum(), rel=1e-12)
    assert int(pyramid["customers"].sum()) == len(view)
