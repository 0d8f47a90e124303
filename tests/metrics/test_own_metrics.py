from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import retainkit as rk
from retainkit.errors import NotComputableError
from retainkit.metrics import (
    ContractIndex,
    MetricConvention,
    OwnMetric,
    Period,
    PurchaseIndex,
    compute_metric,
    compute_metrics,
    retention_rate,
)
from retainkit.report import render_report

QUARTER = Period.quarter(1998, 1)
TEXTS = {"en": "mine", "zh": "自定义指标"}


def own(**changes: Any) -> OwnMetric:
    fields: dict[str, Any] = {
        "name": "kept",
        "kind": "proportion",
        "unit": "share",
        "label": {"en": "Mine", "zh": "自定义"},
        "formula": TEXTS,
        "numerator": ("at_start", "at_end"),
        "denominator": ("at_start",),
    }
    return OwnMetric(**{**fields, **changes})


def test_written_in_its_terms_retention_is_retention(
    cdnow_base: PurchaseIndex, march: ContractIndex
) -> None:
    """Same numbers, same interval, same reason where there is no history."""
    convention = MetricConvention(own_metrics=(own(),))
    for base, period in ((cdnow_base, QUARTER), (march, Period.month(2026, 3))):
        mine = compute_metric(base, "kept", period=period, convention=convention)
        assert mine[1:7] == retention_rate(base, period=period)[1:7]
    early = compute_metric(cdnow_base, "kept", period=Period.month(1997, 1), convention=convention)
    assert early.reason == "insufficient_history"


def test_the_opposite_of_a_term_is_the_rest(cdnow_base: PurchaseIndex) -> None:
    lost = own(name="lost", numerator=("at_start", "not at_end"))
    table = compute_metrics(
        cdnow_base,
        metrics=("churn_rate", "lost"),
        period=QUARTER,
        convention=MetricConvention(own_metrics=(own(), lost)),
    )
    assert table.get("lost").numerator == table.get("churn_rate").numerator == 205.0


def test_a_product_with_money_is_a_sum(cdnow_base: PurchaseIndex) -> None:
    """Revenue of those who joined plus that of all others is all revenue."""
    parts = tuple(
        own(name=name, kind="count", unit="money", numerator=(*terms, "revenue"), denominator=())
        for name, terms in (("new", ("joined",)), ("old", ("not joined",)), ("all", ()))
    )
    table = compute_metrics(
        cdnow_base,
        metrics=("new", "old", "all"),
        period=Period.quarter(1997, 1),
        convention=MetricConvention(own_metrics=parts),
    )
    new, old, whole = (table.get(name).value or 0.0 for name in ("new", "old", "all"))
    assert new > 0
    assert new + old == pytest.approx(whole)


def test_terms_of_purchases_need_purchases(march: ContractIndex) -> None:
    buyers = own(numerator=("bought", "joined"), denominator=("bought",))
    with pytest.raises(NotComputableError, match="from contracts"):
        compute_metric(march, "kept", convention=MetricConvention(own_metrics=(buyers,)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "churn_rate"}, "built-in"),
        ({"numerator": ("at_start", "weather")}, "unknown terms"),
        ({"numerator": ("not revenue",), "kind": "ratio"}, "unknown terms"),
        ({"kind": "count"}, "a count with"),
        ({"kind": "distribution"}, "a distribution with"),
        ({"numerator": ("at_end",)}, "no proportion"),
        ({"numerator": ()}, "at least 1"),
    ],
)
def test_what_could_not_be_computed_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        own(**changes)


def test_names_are_given_once() -> None:
    with pytest.raises(ValidationError, match="each name once"):
        MetricConvention(own_metrics=(own(), own()))


def test_a_run_measures_own_metrics_and_shows_them() -> None:
    """From the configuration to the tables of the result and the page."""
    convention = MetricConvention(own_metrics=(own(),))
    again = MetricConvention.model_validate_json(convention.model_dump_json())
    assert again == convention
    config = rk.PipelineConfig(convention=again)
    result = rk.RetentionPipeline(config).run(rk.load_cdnow_sample(), as_of="1998-06-30")
    assert result.metrics.get("kept").value == result.metrics.get("retention_rate").value
    page = render_report(result)
    assert "Mine" in page
