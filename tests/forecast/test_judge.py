"""Measures of a forecast: every expectation is worked out by hand in the comment beside it."""

from __future__ import annotations

import numpy as np
import pytest

from retainkit.errors import AlignmentError
from retainkit.forecast import ForecastMeasures, judge_forecast
from retainkit.forecast._judge import lift_word

EXPECTED = [40.0, 10.0, 20.0, 0.0, 5.0]
ACTUAL = [60.0, 0.0, 20.0, 0.0, 0.0]
CHANCE = [0.9, 0.4, 0.5, 0.1, 0.2]


@pytest.fixture
def judged() -> ForecastMeasures:
    return judge_forecast(
        EXPECTED, ACTUAL, p_active=CHANCE, low=[0.0] * 5, high=[50.0, 0.0, 30.0, 0.0, 10.0]
    )


def test_totals(judged: ForecastMeasures) -> None:
    assert (judged.customers, judged.buyers, judged.unanswered) == (5, 2, 0.0)
    assert (judged.expected, judged.actual) == (75.0, 80.0)
    assert judged.expected_over_actual == 75.0 / 80.0


def test_calibration(judged: ForecastMeasures) -> None:
    # five customers are five groups: (.1 + .4 + .5 + .1 + .2) / 5
    assert judged.calibration_error == pytest.approx(0.26)
    # sqrt(2 / pi) (sqrt(.09) + sqrt(.24) + sqrt(.25) + sqrt(.09) + sqrt(.16)) / 5
    roots = 0.3 + 0.24**0.5 + 0.5 + 0.3 + 0.4
    assert judged.noise_floor == pytest.approx((2.0 / np.pi) ** 0.5 * roots / 5.0)


def test_ranking(judged: ForecastMeasures) -> None:
    assert (judged.auc, judged.lift_quality, judged.lift_word) == (1.0, 1.0, "excellent")
    # the top fifth is one customer: the best one, who brought 60 of 80
    assert (judged.found, judged.captured) == (1.0, 0.75)
    # ranks 5 3 4 1 2 and 5 2 4 2 2: 8 / sqrt(10 * 8)
    assert judged.spearman == pytest.approx(8.0 / 80.0**0.5)
    assert judged.normalised_gini == pytest.approx(1.0)


def test_amounts(judged: ForecastMeasures) -> None:
    # residuals 20 10 0 0 5; around the mean of 16: 44 16 4 16 16
    assert judged.r_squared == pytest.approx(1.0 - 525.0 / 2720.0)
    # groups of one: |40 - 60| / 60 and |20 - 20| / 20; groups that brought nothing are left out
    assert judged.decile_mape == pytest.approx(1.0 / 6.0)


def test_intervals(judged: ForecastMeasures) -> None:
    # 60 lies above 50, the others inside; the top fifth is that one customer
    assert (judged.coverage, judged.coverage_top) == (0.8, 0.0)


def test_a_wrong_order_costs() -> None:
    judged = judge_forecast([20.0, 40.0, 10.0, 0.0, 5.0], ACTUAL)
    # cumulative shares 0 .75 1 1 1 against .75 1 1 1 1: (.75 - .6) / (.95 - .6)
    assert judged.normalised_gini == pytest.approx(0.15 / 0.35)
    # of six pairs of one who brought money and one who did not, 40 stands above both who did
    assert judged.auc == pytest.approx(4.0 / 6.0)
    assert judged.lift_quality == pytest.approx(1.0 / 3.0)
    assert judged.lift_word == "fair"
    assert judged.captured == 0.0


def test_who_has_no_forecast_stands_last() -> None:
    judged = judge_forecast([np.nan, 10.0, 20.0, 0.0, 5.0], ACTUAL, p_active=[np.nan, *CHANCE[1:]])
    assert judged.unanswered == pytest.approx(0.2)
    assert judged.expected == 35.0
    # 20 stands above three who brought nothing, the customer without a forecast above none
    assert judged.auc == pytest.approx(3.0 / 6.0)
    # (.4 + .5 + .1 + .2) / 4: only those with a probability
    assert judged.calibration_error == pytest.approx(0.3)


def test_a_rule_without_money_is_judged_by_its_order() -> None:
    judged = judge_forecast([np.nan] * 5, ACTUAL, score=[-1.0, -9.0, -2.0, -30.0, -40.0])
    assert judged.auc == 1.0
    assert judged.unanswered == 0.0
    for undefined in (
        *(judged.expected, judged.expected_over_actual, judged.r_squared),
        *(judged.decile_mape, judged.calibration_error, judged.coverage),
    ):
        assert np.isnan(undefined)


def test_nothing_came() -> None:
    judged = judge_forecast([1.0, 2.0], [0.0, 0.0])
    assert judged.actual == 0.0
    assert np.isnan(judged.expected_over_actual)
    assert np.isnan(judged.auc)
    assert judged.lift_word == "none"


@pytest.mark.parametrize(
    ("quality", "word"),
    [
        *((-0.1, "none"), (0.0, "none"), (0.2, "poor"), (0.21, "fair"), (0.4, "fair")),
        *((0.6, "good"), (0.61, "excellent"), (float("nan"), "none")),
    ],
)
def test_words(quality: float, word: str) -> None:
    assert lift_word(quality) == word


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(AlignmentError, match="p_active has 1 values, actual 5"):
        judge_forecast(EXPECTED, ACTUAL, p_active=[0.5])
    with pytest.raises(AlignmentError, match="actual_active has 1 values"):
        judge_forecast(EXPECTED, ACTUAL, actual_active=[True])


def test_nobody_is_refused() -> None:
    with pytest.raises(AlignmentError, match="0 values"):
        judge_forecast([], [])
