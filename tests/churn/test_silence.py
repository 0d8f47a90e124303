"""Silence against one's own rhythm, its calibration on a hold-out, and thresholds by cost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.churn import (
    RhythmModel,
    assess_calibration,
    choose_threshold,
    detect_churn,
    fit_calibration,
    fit_rhythm,
)
from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.typing import FloatArray, TimeUnit
from retainkit.value import summarize_customers

LAW = settings(deadline=None, derandomize=True, max_examples=60)


class History(NamedTuple):
    """A purchase history by hand."""

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    unit: TimeUnit = "week"


def test_the_rhythm_of_a_known_process_is_found() -> None:
    """Rates gamma(2, 10); five gaps each: r and alpha within a tenth."""
    rng = np.random.default_rng(1)
    rate = rng.gamma(2.0, 1.0 / 10.0, 20_000)
    gaps = rng.exponential(1.0, (20_000, 5)) / rate[:, None]
    total = gaps.sum(axis=1)
    model = fit_rhythm(History(np.full(20_000, 5.0), total, total + 1.0))
    assert model.r == pytest.approx(2.0, rel=0.1)
    assert model.alpha == pytest.approx(10.0, rel=0.1)


def test_silence_by_hand() -> None:
    """x = 3 gaps in 10 weeks, silent for 5: 1 - (15 / 20)**4 with r = 1, alpha = 5."""
    model = RhythmModel(r=1.0, alpha=5.0, unit="week", n=10)
    level = model.silence(
        History(
            np.array([3.0, 0.0, 2.0]), np.array([10.0, 0.0, np.nan]), np.array([15.0, 0.0, 9.0])
        )
    )
    assert level[0] == pytest.approx(1 - (15 / 20) ** 4)
    assert level[1] == 0.0
    assert np.isnan(level[2])


@LAW
@given(st.integers(0, 20), st.floats(0.1, 50.0), st.floats(0.0, 100.0), st.floats(0.1, 50.0))
def test_silence_rises_with_time_and_with_the_pace_before(
    x: int, t: float, silent: float, more: float
) -> None:
    """Longer silence is more unusual, and the more so the denser the purchases were."""
    model = RhythmModel(r=0.8, alpha=4.0, unit="week", n=10)
    recency = np.full(3, t)
    history = History(
        np.array([x, x, x + 5.0]), recency, recency + np.array([silent, silent + more, silent])
    )
    short, long, dense = model.silence(history)
    assert 0.0 <= short <= long <= 1.0
    assert dense >= short


def test_a_rhythm_needs_repeat_purchases_and_one_unit() -> None:
    with pytest.raises(NotComputableError, match="0 customers"):
        fit_rhythm(History(np.zeros(20), np.zeros(20), np.ones(20)))
    model = RhythmModel(r=1.0, alpha=5.0, unit="day", n=10)
    with pytest.raises(SchemaError, match="unit"):
        model.silence(History(np.ones(1), np.ones(1), np.ones(1)))
    assert RhythmModel.from_json(model.to_json()) == model


def test_calibrated_silence_on_the_cdnow_hold_out() -> None:
    """Judged on 1997-09-30, seen until 1998-06-30: learnt on one half, calibrated on the other.

    The raw level is no probability; the calibrated one is within 5 points on new customers.
    """
    transactions = load_cdnow_sample()
    before = summarize_customers(transactions, as_of="1997-09-30")
    later = transactions[transactions["timestamp"] > pd.Timestamp("1997-09-30")]
    away = ~before.customer_id.isin(later["customer_id"])
    rhythm = fit_rhythm(before)
    level = rhythm.silence(before)
    half = np.arange(len(level)) % 2 == 0
    learnt = fit_calibration(level[half], outcome=away[half])
    probability = learnt.apply(level[~half])
    raw = assess_calibration(level[~half], outcome=away[~half]).expected_error
    after = assess_calibration(probability, outcome=away[~half])
    assert after.expected_error < 0.05 < raw
    churn = detect_churn(1.0 - probability, customer_id=before.customer_id[~half])
    choice = choose_threshold(
        probability, outcome=away[~half], cost_missed=1.0, cost_false_alarm=2.0
    )
    assert choice.calibrated_threshold == pytest.approx(2 / 3)
    verdict = np.asarray(churn.p_churned) >= choice.threshold
    cost = (2.0 * (verdict & ~away[~half]) + (~verdict & away[~half])).mean()
    assert cost == pytest.approx(choice.cost)


@LAW
@given(
    st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=30),
    st.floats(0.1, 10.0),
    st.floats(0.1, 10.0),
)
def test_no_threshold_is_cheaper(rows: list[tuple[int, bool]], missed: float, false: float) -> None:
    """The chosen threshold costs no more than any other, "nobody" and "everybody" among them."""
    p = np.array([row[0] / 10 for row in rows])
    gone = np.array([row[1] for row in rows])
    choice = choose_threshold(p, outcome=gone, cost_missed=missed, cost_false_alarm=false)
    for threshold in (*np.linspace(0, 1, 21), np.inf, choice.threshold):
        alarm = p >= threshold
        cost = (missed * (gone & ~alarm) + false * (alarm & ~gone)).mean()
        assert choice.cost <= cost + 1e-12
    assert choice.table["alarms"].iloc[-1] == 0


def test_thresholds_refuse_bad_input() -> None:
    with pytest.raises(SchemaError, match="costs"):
        choose_threshold([0.1], outcome=[True], cost_missed=0.0, cost_false_alarm=0.0)
    with pytest.raises(AlignmentError, match="shape"):
        choose_threshold([0.1], outcome=[True, False], cost_missed=1.0, cost_false_alarm=1.0)
    with pytest.raises(NotComputableError, match="no probability"):
        choose_threshold([np.nan], outcome=[True], cost_missed=1.0, cost_false_alarm=1.0)
