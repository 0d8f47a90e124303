from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.metrics import (
    METRIC_DEFINITIONS,
    MetricConvention,
    Period,
    PurchaseIndex,
    compute_metric,
    compute_metrics,
    gini,
    index_purchases,
)
from retainkit.metrics._formulas import FORMULAS, available_metrics
from tests.metrics.builders import purchases

QUARTER = Period.quarter(1998, 1)
DISTRIBUTIONS = ("top_share", "headcount_for_share", "gini", "hhi")


@pytest.fixture(scope="module")
def labels(cdnow_base: PurchaseIndex) -> pd.Series[Any]:
    ids = cdnow_base.customer_id
    names = np.array(["key", "ordinary", "small"])[np.asarray(ids) % 3]
    categories = pd.CategoricalDtype(["key", "ordinary", "small", "bad"], ordered=True)
    return pd.Series(names, index=ids).astype(categories)


def test_overall_equals_the_functions(cdnow_base: PurchaseIndex) -> None:
    table = compute_metrics(cdnow_base, period=QUARTER)
    for name in table.metrics:
        if name not in DISTRIBUTIONS:
            single = compute_metric(cdnow_base, name, period=QUARTER)
            assert table.get(name)._replace(notes=()) == single._replace(notes=())


def test_each_group_equals_the_functions_on_its_own_rows(
    cdnow: pd.DataFrame, cdnow_base: PurchaseIndex, labels: pd.Series[Any]
) -> None:
    table = compute_metrics(cdnow_base, period=QUARTER, by=labels)
    for k, group in enumerate(("key", "ordinary", "small")):
        rows = cdnow[cdnow["customer_id"] % 3 == k]
        alone = compute_metrics(
            index_purchases(rows, as_of="1998-06-30", observed_from="1997-01-01"), period=QUARTER
        )
        for name in table.metrics:
            assert table.get(name, group=group)[1:7] == alone.get(name)[1:7]


def test_heads_and_money_of_the_groups_sum_to_the_whole(
    cdnow_base: PurchaseIndex, labels: pd.Series[Any]
) -> None:
    names = [name for name in available_metrics(cdnow_base) if name not in DISTRIBUTIONS]
    frame = compute_metrics(cdnow_base, metrics=names, period=QUARTER, by=labels).to_frame()
    whole = frame[frame["group"] == "overall"].set_index("metric")
    parts = frame[frame["group"] != "overall"].groupby("metric", observed=True)
    pd.testing.assert_series_equal(parts["n"].sum(), whole["n"])
    np.testing.assert_allclose(parts["numerator"].sum(), whole["numerator"], rtol=1e-12)


def test_an_empty_group_is_shown_without_a_rate(
    cdnow_base: PurchaseIndex, labels: pd.Series[Any]
) -> None:
    table = compute_metrics(cdnow_base, period=QUARTER, by=labels)
    assert table.groups == ("overall", "key", "ordinary", "small", "bad")
    empty = table.get("retention_rate", group="bad")
    assert (empty.value, empty.reason, empty.n) == (None, "zero_denominator", 0)
    assert table.get("active_customers", group="bad").value == 0.0
    assert table.get("gini", group="bad").reason == "zero_denominator"


def test_concentration_is_that_of_the_revenue_of_the_buyers(
    cdnow: pd.DataFrame, cdnow_base: PurchaseIndex
) -> None:
    inside = cdnow["timestamp"].between("1998-01-01", "1998-03-31")
    revenue = cdnow[inside].groupby("customer_id")["amount"].sum()
    found = compute_metrics(cdnow_base, metrics=["gini"], period=QUARTER).get("gini")
    assert found.value == pytest.approx(gini(revenue).value, rel=1e-12)
    assert found.n == 384


def test_labels_are_matched_by_customer_not_by_position(
    cdnow_base: PurchaseIndex, labels: pd.Series[Any]
) -> None:
    shuffled = labels.sample(frac=1.0, random_state=1)
    extra = pd.concat([shuffled, pd.Series(["bad"], index=[10_000_000])]).astype(labels.dtype)
    before = compute_metrics(cdnow_base, period=QUARTER, by=labels)
    for other in (shuffled, extra):
        after = compute_metrics(cdnow_base, period=QUARTER, by=other)
        pd.testing.assert_frame_equal(after.to_frame(), before.to_frame())


def test_customers_without_a_label_are_a_group(
    cdnow_base: PurchaseIndex, labels: pd.Series[Any]
) -> None:
    partly = labels.astype(object).where(labels != "small").iloc[50:]
    table = compute_metrics(cdnow_base, metrics=["active_customers"], by=partly, period=QUARTER)
    assert table.groups == ("overall", "key", "ordinary", "unlabelled")
    assert table.numerator[0] == table.numerator[1:].sum() == 384.0


def test_rows_are_metric_by_metric_overall_first(
    cdnow_base: PurchaseIndex, labels: pd.Series[Any]
) -> None:
    names = ("repeat_rate", "churn_rate")
    frame = compute_metrics(cdnow_base, metrics=names, by=labels, period=QUARTER).to_frame()
    assert frame.columns.tolist() == [
        "period",
        "metric",
        "group",
        "value",
        "numerator",
        "denominator",
        "n",
        "lower",
        "upper",
        "reason",
    ]
    assert frame["metric"].tolist() == ["repeat_rate"] * 5 + ["churn_rate"] * 5
    assert frame["group"].tolist()[:5] == ["overall", "key", "ordinary", "small", "bad"]
    assert frame["reason"].isna().tolist() == frame["value"].notna().tolist()


def test_the_default_period_is_the_window_that_ends_with_as_of(cdnow: pd.DataFrame) -> None:
    table = compute_metrics(index_purchases(cdnow, as_of="1998-06-30"), window_days=30)
    assert table.period == Period.last_days(30, as_of="1998-06-30")
    assert table.convention == MetricConvention(window_days=30)
    assert table.missing() == {}


def test_what_cannot_be_computed_has_a_reason_in_every_row(cdnow: pd.DataFrame) -> None:
    table = compute_metrics(index_purchases(cdnow, as_of="1997-01-31"), window_days=31)
    assert table.missing() == {"insufficient_history": 7}
    assert np.isnan(table.value[table.reason >= 0]).all()
    assert table.get("retention_rate").reason == "insufficient_history"
    assert table.get("retention_rate").numerator is None


def test_row_order_changes_no_bit(cdnow: pd.DataFrame) -> None:
    first = compute_metrics(index_purchases(cdnow, as_of="1998-06-30"))
    second = compute_metrics(
        index_purchases(cdnow.sample(frac=1.0, random_state=5), as_of="1998-06-30")
    )
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame(), check_exact=True)


@pytest.mark.parametrize(
    ("by", "message"),
    [
        (pd.Series(["x", "y"], index=["a", "a"]), "more than one label"),
        (pd.Series(["x", "y"], index=[1, 2]), "no label belongs to a customer"),
    ],
)
def test_labels_that_do_not_align_are_refused(by: pd.Series[Any], message: str) -> None:
    frame = purchases([("a", "2026-01-01", 1.0), ("b", "2026-01-02", 1.0)])
    with pytest.raises(AlignmentError, match=message):
        compute_metrics(index_purchases(frame, as_of="2026-01-31"), by=by)


@pytest.mark.parametrize("names", [["overall", "x"], ["unlabelled", "x"], ["1", 1]])
def test_group_names_that_clash_are_refused(names: list[object]) -> None:
    frame = purchases([("a", "2026-01-01", 1.0), ("b", "2026-01-02", 1.0)])
    by = pd.Series(pd.Categorical(names), index=["a", "b"])
    with pytest.raises(SchemaError, match="group names"):
        compute_metrics(index_purchases(frame, as_of="2026-01-31"), by=by)


@pytest.mark.parametrize("metrics", [(), ("hhi", "hhi")])
def test_metrics_are_asked_for_once(cdnow_base: PurchaseIndex, metrics: tuple[str, ...]) -> None:
    with pytest.raises(SchemaError, match="metrics are"):
        compute_metrics(cdnow_base, metrics=metrics)


def test_a_table_knows_only_what_it_holds(cdnow_base: PurchaseIndex) -> None:
    table = compute_metrics(cdnow_base, metrics=["hhi"])
    with pytest.raises(NotComputableError, match="no metric 'gini'"):
        table.get("gini")
    with pytest.raises(NotComputableError, match="no group 'key'"):
        table.get("hhi", group="key")


def test_an_empty_base_gives_a_full_table_of_reasons() -> None:
    empty = purchases([]).assign(timestamp=pd.to_datetime([]))
    table = compute_metrics(index_purchases(empty, as_of="2026-01-31"))
    assert table.missing() == {"not_observed": len(table)}


def test_the_table_shows_itself_and_pickles(cdnow_base: PurchaseIndex) -> None:
    table = compute_metrics(cdnow_base, period=QUARTER)
    assert repr(table) == f'<MetricTable: {len(table)} values; next: .get("retention_rate")>'
    assert "retention_rate" in table._repr_html_()
    assert table.summary().loc["active_customers", "overall"] == 384.0
    again = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(again.to_frame(), table.to_frame())
    index = pickle.loads(pickle.dumps(cdnow_base))
    assert index.customer_id.equals(cdnow_base.customer_id)


def test_every_formula_has_a_definition() -> None:
    assert list(METRIC_DEFINITIONS) == list(FORMULAS)
    for name, definition in METRIC_DEFINITIONS.items():
        assert definition.name == name
        assert definition.label.en
        assert definition.label.zh
        assert (definition.kind == "distribution") == (FORMULAS[name].distribution is not None)
