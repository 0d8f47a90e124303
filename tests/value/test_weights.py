from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.value import (
    ValueConfig,
    entropy_weights,
    fit_value_scheme,
    judge_weights,
    score_value,
    summarize_behavior,
    summarize_customers,
)
from retainkit.value._config import ValueCriterion
from retainkit.value.criteria._weights import JudgedWeights

LAWS = settings(deadline=None, derandomize=True, max_examples=60)

# Saaty (2008), table 2: which drink is consumed more in the USA, and its published result.
DRINKS = ("coffee", "wine", "tea", "beer", "sodas", "milk", "water")
JUDGED = (
    *(9, 5, 2, 1, 1, 1 / 2),
    *(1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 9),
    *(1 / 3, 1 / 4, 1 / 3, 1 / 9),
    *(1 / 2, 1, 1 / 3),
    *(2, 1 / 2),
    1 / 3,
)
PUBLISHED = (0.177, 0.019, 0.042, 0.116, 0.190, 0.129, 0.327)


def test_saaty_drinks() -> None:
    judged = judge_weights(dict(zip(combinations(DRINKS, 2), JUDGED, strict=True)))
    assert judged.names == DRINKS
    npt.assert_allclose(judged.weights, PUBLISHED, atol=0.0006)
    assert judged.consistency_ratio == pytest.approx(0.022, abs=0.0005)
    assert judged.is_consistent
    assert JudgedWeights.from_json(judged.to_json()) == judged


@LAWS
@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=8))
def test_consistent_judgements_give_their_weights_back(true: list[float]) -> None:
    """Judgements that are ratios of weights give the weights, with a consistency ratio of 0."""
    names = [f"c{i}" for i in range(len(true))]
    pairs = combinations(range(len(true)), 2)
    judged = judge_weights({(names[i], names[j]): true[i] / true[j] for i, j in pairs})
    npt.assert_allclose(judged.weights, np.array(true) / sum(true), rtol=1e-6)
    assert judged.consistency_ratio == pytest.approx(0.0, abs=1e-6)


def test_contradictions_are_named() -> None:
    judged = judge_weights({("a", "b"): 9.0, ("b", "c"): 9.0, ("c", "a"): 9.0})
    assert not judged.is_consistent
    assert judged.consistency_index > 1
    assert judged.most_contradicted is not None
    npt.assert_allclose(judged.weights, 1 / 3)


@pytest.mark.parametrize(
    ("judgements", "match"),
    [
        ({("a", "b"): 1.0, ("b", "c"): 1.0}, "not judged"),
        ({("a", "b"): 1.0, ("b", "a"): 1.0}, "twice"),
        ({("a", "b"): 0.0}, "above 0|is 0"),
        ({("a", "b"): float("nan")}, "nan"),
        ({}, "0 things"),
        ({("a", "a"): 1.0}, "1 things"),
    ],
)
def test_judgements_refused(judgements: dict[tuple[str, str], float], match: str) -> None:
    with pytest.raises(SchemaError, match=match):
        judge_weights(judgements)


def test_entropy_weights_by_hand() -> None:
    # entropies of (1/2, 1/2, 0, 0) and (3/4, 1/4, 0, 0) over ln 4
    half = 1 - np.log(2) / np.log(4)
    three = 1 + (0.75 * np.log(0.75) + 0.25 * np.log(0.25)) / np.log(4)
    weights = entropy_weights(
        {
            "a": np.array([2.0, 2.0, 0.0, -3.0, np.nan]),
            "b": np.array([3.0, 1.0, 0.0, 0.0, np.nan]),
            "c": np.ones(5),
            "d": np.full(5, np.nan),
        }
    )
    npt.assert_allclose(
        list(weights.values()), [half / (half + three), three / (half + three), 0, 0], atol=1e-12
    )
    with pytest.raises(NotComputableError):
        entropy_weights({"c": np.ones(5)})


def test_weights_go_into_the_config_and_parts_still_add_up() -> None:
    rows = load_cdnow_sample()
    summary = summarize_customers(rows, as_of="1997-09-30")
    future = summary.total_amount * 0.5
    weights = entropy_weights(
        {"historical_contribution": summary.total_amount, "future_potential": future}
    )
    config = ValueConfig().with_weights(weights)
    assert config.background.weight == 0.0
    assert config.future_potential.weight == weights["future_potential"]
    assert config.future_potential.quantile == 0.8
    table = score_value(
        summary, fit_value_scheme(summary, future_value=future, config=config), future_value=future
    )
    parts = table.parts()
    total = sum(np.nan_to_num(part) for part in parts.values())
    npt.assert_allclose(total, table.score)
    with pytest.raises(ValueError, match="no criteria"):
        ValueConfig().with_weights({"charm": 1.0})


def test_breadth_can_be_the_effective_number_of_lines() -> None:
    rows = pd.DataFrame(
        {
            "customer_id": [1, 1, 2, 2, 3],
            "timestamp": pd.Timestamp("2024-01-31"),
            "amount": [99.0, 1.0, 50.0, 50.0, 10.0],
            "business_line": ["a", "b", "a", "b", None],
        }
    )
    summary = summarize_customers(rows, as_of="2024-01-31")
    lines = summarize_behavior(rows, as_of="2024-01-31").lines
    assert lines is not None
    scheme = fit_value_scheme(summary, business_breadth=lines.effective)
    table = score_value(summary, scheme, business_breadth=lines.effective)
    entropy = -(0.99 * np.log(0.99) + 0.01 * np.log(0.01))
    npt.assert_allclose(table.business_breadth, [np.exp(entropy), 2.0, np.nan])
    assert table.business_breadth[0] < 1.06
    counted = score_value(summary, fit_value_scheme(summary))
    assert counted.business_breadth[0] == 2.0
    assert (
        table.parts()[ValueCriterion.BUSINESS_BREADTH][0]
        < counted.parts()[ValueCriterion.BUSINESS_BREADTH][0]
    )
    assert table.explain(3).loc["business_breadth", "reason"] == "no_business_line"
    with pytest.raises(AlignmentError, match="business_breadth"):
        score_value(summary, scheme, business_breadth=np.ones(2))
