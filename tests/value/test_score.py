from __future__ import annotations

import pickle
from datetime import date
from typing import Any

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AlignmentError, SchemaError
from retainkit.typing import FloatArray
from retainkit.value import (
    CriterionConfig,
    CustomerSummary,
    ValueConfig,
    ValueScheme,
    ValueTable,
    fit_value_scheme,
    score_value,
    summarize_customers,
)
from retainkit.value._config import CRITERION_LABELS, VALUE_REASONS, ValueCriterion

LAWS = settings(deadline=None, derandomize=True, max_examples=30)
AS_OF = date(2024, 12, 31)


def make_summary(
    amounts: list[float], *, age_days: list[int] | None = None, breadth: list[int] | None = None
) -> CustomerSummary:
    """Customers with one purchase each, `age_days` before `AS_OF` (default: 2 years)."""
    ages = [730] * len(amounts) if age_days is None else age_days
    frame = pd.DataFrame(
        {
            "customer_id": range(len(amounts)),
            "timestamp": [pd.Timestamp(AS_OF) - pd.Timedelta(days=d) for d in ages],
            "amount": amounts,
        }
    ).astype({"amount": "float64"})
    if breadth is not None:
        frame = frame.loc[frame.index.repeat(np.maximum(breadth, 1))].reset_index(drop=True)
        lines = [None if b == 0 else f"line {k}" for b in breadth for k in range(max(b, 1))]
        first = ~frame.duplicated("customer_id")
        frame = frame.assign(
            business_line=pd.Series(lines), amount=frame["amount"].where(first, 0.0)
        )
    return summarize_customers(frame, as_of=AS_OF)


def add_up(table: ValueTable) -> FloatArray:
    """Parts from first to last, NaN left out."""
    total = np.zeros(len(table))
    for part in table.parts().values():
        total = np.where(np.isnan(part), total, total + part)
    return total


PLAIN = ValueConfig(
    historical_contribution=CriterionConfig(weight=4, threshold=100),
    business_breadth=CriterionConfig(weight=1, threshold=1),
    future_potential=CriterionConfig(weight=4, threshold=50),
    background=CriterionConfig(weight=1, threshold=0),
)


# ------------------------------------------------------------------ hand calculation


def test_hand_calculation_of_all_four_criteria() -> None:
    # 2 years = 730 days: yearly contribution = amount * 365.25 / 730.
    summary = make_summary([200.0, 200.0, 200.0], breadth=[3, 3, 0])
    future = np.array([150.0, 150.0, 150.0])
    scheme = fit_value_scheme(summary, future_value=future, config=PLAIN)
    table = score_value(
        summary,
        scheme,
        future_value=future,
        background=np.array([1.0, 1.0, np.nan]),
        is_business=np.array([True, False, True]),
    )
    yearly = 200 * 365.25 / 730
    npt.assert_allclose(table.historical_contribution, yearly)
    past, breadth, later, known = yearly / (yearly + 100), 3 / 4, 150 / 200, 1.0
    npt.assert_allclose(
        table.score,
        [
            0.4 * past + 0.1 * breadth + 0.4 * later + 0.1 * known,
            (4 * past + breadth + 4 * later) / 9,  # a person: background's weight is shared out
            (4 * past + 4 * later) / 8,  # neither line nor background is known
        ],
    )
    parts = table.parts()
    npt.assert_array_equal(np.isnan(parts[ValueCriterion.BACKGROUND]), [False, True, True])
    why = [VALUE_REASONS[k] for k in table.reasons(ValueCriterion.BACKGROUND)]
    assert why == ["scored", "not_a_business", "not_known"]
    why = [VALUE_REASONS[k] for k in table.reasons(ValueCriterion.BUSINESS_BREADTH)]
    assert why == ["scored", "scored", "no_business_line"]
    npt.assert_array_equal(table.background, [1.0, np.nan, np.nan])
    npt.assert_array_equal(table.business_breadth, [3.0, 3.0, np.nan])
    assert table.passes(ValueCriterion.HISTORICAL_CONTRIBUTION).all()


def test_short_relations_are_not_multiplied_up_to_a_year() -> None:
    summary = make_summary([100.0, 100.0, 100.0], age_days=[21, 365, 1461])
    table = score_value(summary, fit_value_scheme(summary))
    npt.assert_allclose(table.historical_contribution, [100.0, 100.0, 25.0])
    monthly = ValueConfig(min_relation_days=30.4375)
    table = score_value(summary, fit_value_scheme(summary, config=monthly))
    npt.assert_allclose(table.historical_contribution, [1200.0, 100 * 365.25 / 365, 25.0])


def test_quantiles_are_values_of_the_base() -> None:
    # 80 % of (10, 20, 30, 40, 50) have at most 40; only 50 is above.
    summary = make_summary([10.0, 20.0, 30.0, 40.0, 50.0], age_days=[100] * 5)
    scheme = fit_value_scheme(summary)
    assert scheme.historical_contribution == 40.0
    table = score_value(summary, scheme)
    assert table.passes(ValueCriterion.HISTORICAL_CONTRIBUTION).tolist() == [False] * 4 + [True]
    assert table.score[3] == 0.5


def test_who_never_purchased_is_seen() -> None:
    frame = pd.DataFrame(
        {"customer_id": [1], "timestamp": [pd.Timestamp(AS_OF)], "amount": [-40.0]}
    )
    summary = summarize_customers(frame, as_of=AS_OF)
    future = np.array([np.nan])
    table = score_value(summary, fit_value_scheme(summary, config=PLAIN), future_value=future)
    assert table.historical_contribution.tolist() == [-40.0]
    assert table.score.tolist() == [0.0]
    assert VALUE_REASONS[table.reasons(ValueCriterion.FUTURE_POTENTIAL)[0]] == "never_purchased"
    assert np.isnan(table.future_potential).all()


def test_nothing_to_judge_is_undefined_with_reasons() -> None:
    only_future = PLAIN.replace(
        historical_contribution=CriterionConfig(weight=0, threshold=1),
        future_potential=CriterionConfig(quantile=0.5),
    )
    summary = make_summary([10.0])
    table = score_value(summary, fit_value_scheme(summary, config=only_future))
    assert np.isnan(table.score).all()
    explained = table.explain(0)
    assert explained["reason"].tolist() == ["no_weight"] + ["not_supplied"] * 3
    assert explained["passes"].isna().all()


def test_thresholds_learnt_on_losses_are_zero() -> None:
    config = PLAIN.replace(future_potential=CriterionConfig(quantile=0.5))
    summary = make_summary([1.0, 1.0, 1.0])
    future = np.array([-5.0, -2.0, 3.0])
    scheme = fit_value_scheme(summary, future_value=future, config=config)
    assert scheme.future_potential == 0.0
    table = score_value(summary, scheme, future_value=future)
    assert table.passes(ValueCriterion.FUTURE_POTENTIAL).tolist() == [False, False, True]


# ------------------------------------------------------------------ laws

money = st.floats(-1e6, 1e6).map(lambda x: round(x, 2))
bases = st.lists(
    st.tuples(st.floats(0, 1e6), money, st.integers(0, 5), st.integers(0, 3), st.booleans()),
    min_size=1,
    max_size=12,
)


def judge(base: list[tuple[float, float, int, int, bool]], config: ValueConfig) -> ValueTable:
    amounts, future, breadth, background, business = (list(c) for c in zip(*base, strict=True))
    summary = make_summary(amounts, breadth=breadth)
    futures, facts = np.array(future), np.array(background, dtype=np.float64)
    scheme = fit_value_scheme(summary, future_value=futures, background=facts, config=config)
    return score_value(
        summary,
        scheme,
        future_value=futures,
        background=facts,
        is_business=np.array(business),
    )


@LAWS
@given(base=bases)
def test_parts_sum_exactly_to_the_score(base: Any) -> None:
    """The parts, added from first to last, are the score bit for bit, and it lies in [0, 1]."""
    table = judge(base, ValueConfig())
    npt.assert_array_equal(add_up(table), table.score)
    assert ((table.score >= 0) & (table.score <= 1 + 1e-15)).all()


@LAWS
@given(base=bases)
def test_passing_is_half_of_the_weight(base: Any) -> None:
    """A criterion is passed exactly if its part is more than half of its share of weight."""
    table = judge(base, PLAIN)
    parts = table.parts()
    weights = {c: table.scheme.weight(c) for c in ValueCriterion}
    applied = np.zeros(len(table))
    for criterion, part in parts.items():
        applied += weights[criterion] * ~np.isnan(part)
    for criterion, part in parts.items():
        share = part * applied / weights[criterion]
        clear = np.abs(share - 0.5) > 1e-12  # at the threshold itself rounding decides
        known = ~np.isnan(part) & clear
        npt.assert_array_equal(table.passes(criterion)[known], share[known] > 0.5)


@LAWS
@given(base=bases, power=st.integers(-6, 6))
def test_scaling_money_changes_nothing(base: Any, power: int) -> None:
    """Scores with learnt money thresholds are the same in any currency."""
    scaled = [(a * 2.0**power, f * 2.0**power, *rest) for a, f, *rest in base]
    npt.assert_array_equal(judge(base, ValueConfig()).score, judge(scaled, ValueConfig()).score)


@LAWS
@given(base=bases, gain=st.floats(0, 1e6))
def test_more_future_never_lowers_the_score(base: Any, gain: float) -> None:
    """With fixed thresholds the score rises with each criterion."""
    better = [(a, f + gain, *rest) for a, f, *rest in base]
    assert (judge(better, PLAIN).score >= judge(base, PLAIN).score - 1e-15).all()


def test_one_customer_scores_as_in_the_base() -> None:
    summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    future = summary.total_amount / 2
    scheme = fit_value_scheme(summary, future_value=future)
    everyone = score_value(summary, scheme, future_value=future)
    for place in (0, 7, 2356):
        at = np.array([place])
        alone = score_value(summary.take(at), scheme, future_value=future[at])
        npt.assert_array_equal(alone.score, everyone.score[at])


# ------------------------------------------------------------------ form


def test_scheme_survives_json_and_table_survives_pickle() -> None:
    summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    scheme = fit_value_scheme(summary, future_value=summary.total_amount)
    assert ValueScheme.from_json(scheme.to_json()) == scheme
    table = score_value(summary, scheme, future_value=summary.total_amount)
    again = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(again.to_frame(), table.to_frame())


def test_threshold_equals_a_quantile_taken_by_hand() -> None:
    frame = load_cdnow_sample()
    totals = frame[frame["timestamp"] <= "1997-09-30"].groupby("customer_id")["amount"].sum()
    rank = int(np.ceil(0.8 * len(totals))) - 1
    summary = summarize_customers(frame, as_of="1997-09-30")
    scheme = fit_value_scheme(summary)
    assert scheme.historical_contribution == pytest.approx(totals.sort_values().iloc[rank])


def test_table_shows_itself() -> None:
    summary = make_summary([200.0, 50.0], breadth=[2, 0])
    table = score_value(summary, fit_value_scheme(summary))
    frame = table.to_frame()
    assert frame["business_breadth_passes"].dtype == "boolean"
    assert frame["business_breadth_reason"].tolist() == ["scored", "no_business_line"]
    assert list(frame["background_reason"].cat.categories) == list(VALUE_REASONS)
    overview = table.summary()
    assert overview["passing"].tolist() == [0, 1, 0, 0]  # 2 lines are more than 1
    assert overview.loc["background", "scored"] == 0
    assert overview["mean_part"].isna().tolist() == [False, False, True, True]
    assert table.explain(1, language="zh")["label"].tolist()[0] == "历史贡献额"
    assert set(CRITERION_LABELS) == set(ValueCriterion)


def test_refuses_what_does_not_fit() -> None:
    summary = make_summary([200.0, 50.0])
    scheme = fit_value_scheme(summary)
    with pytest.raises(AlignmentError, match="future_value"):
        score_value(summary, scheme, future_value=np.zeros(3))
    with pytest.raises(AlignmentError, match="background"):
        fit_value_scheme(summary, background=np.zeros(3))
    with pytest.raises(SchemaError, match="is_business"):
        score_value(summary, scheme, background=np.zeros(2))
    with pytest.raises(SchemaError, match="revenue"):
        score_value(summary, ValueScheme.model_validate({**scheme.model_dump(), "basis": "profit"}))
    with pytest.raises(AlignmentError, match="no customer"):
        score_value(summary, scheme).explain(99)


@pytest.mark.parametrize(
    "wrong",
    [
        {"historical_contribution": {"threshold": 1.0, "quantile": 0.5}},
        {"historical_contribution": {"weight": 1.0}},
        {"historical_contribution": {"threshold": -1.0}},
        {"min_relation_days": 0.0},
        {"margin_rate": 1.5},
        {name: {"weight": 0.0, "threshold": 1.0} for name in map(str, ValueCriterion)},
    ],
)
def test_config_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ValueConfig.model_validate(wrong)
