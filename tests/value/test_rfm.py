from __future__ import annotations

import pickle

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import NotComputableError
from retainkit.value import RfmConfig, RfmScheme, fit_rfm_scheme, score_rfm, summarize_customers
from retainkit.value._kernel import bin_scores

LAWS = settings(deadline=None, derandomize=True, max_examples=60)


def test_hand_calculation() -> None:
    # Ten customers, last purchase 1..10 days before as_of, money 100..1000: fifths of two each.
    frame = pd.DataFrame(
        {
            "customer_id": range(1, 11),
            "timestamp": pd.Timestamp("2024-01-11") - pd.to_timedelta(np.arange(1, 11), "D"),
            "amount": np.arange(100.0, 1001.0, 100.0),
        }
    )
    summary = summarize_customers(frame, as_of="2024-01-11", unit="day")
    scheme = fit_rfm_scheme(summary)
    assert scheme.money_edges == (200.0, 400.0, 600.0, 800.0)
    assert scheme.inactive_for_edges == (9.0, 7.0, 5.0, 3.0)
    assert scheme.frequency_edges == (0.0, 0.0, 0.0, 0.0)
    table = score_rfm(summary, scheme)
    assert table.money_score.tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert table.recency_score.tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert set(table.frequency_score.tolist()) == {3}  # all equal: the neutral middle
    assert table.cell[0] == 531
    assert table.total[0] == 9
    # Learnt once, applied to another day and unit.
    later = summarize_customers(frame, as_of="2024-01-13", unit="week")
    assert score_rfm(later, scheme).recency_score.tolist() == [4, 4, 3, 3, 2, 2, 1, 1, 1, 1]


def test_who_never_purchased_is_not_scored() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [1, 2],
            "timestamp": pd.Timestamp("2024-01-11"),
            "amount": [50.0, -10.0],
        }
    )
    summary = summarize_customers(frame, as_of="2024-01-11")
    table = score_rfm(summary, fit_rfm_scheme(summary))
    assert table.cell.tolist() == [333, 0]
    shown = table.to_frame()
    assert shown["total"].isna().tolist() == [False, True]
    assert shown["reason"].tolist() == ["scored", "never_purchased"]
    assert table.summary().iloc[-1].tolist() == [1, 1, 1]
    with pytest.raises(NotComputableError, match="purchased"):
        fit_rfm_scheme(summary.take(np.array([1])))


@LAWS
@given(
    values=st.lists(st.integers(-20, 20), min_size=1, max_size=50),
    bins=st.integers(2, 9),
)
def test_scores_rise_with_the_value_and_ties_stay_together(values: list[int], bins: int) -> None:
    """Equal values score equally, higher values never lower, and all scores lie in 1..bins."""
    x = np.array(values, dtype=np.float64)
    edges = np.quantile(x, np.arange(1, bins) / bins, method="inverted_cdf")
    scores = bin_scores(x, edges)
    order = np.argsort(x, kind="stable")
    assert (np.diff(scores[order]) >= 0).all()
    assert pd.Series(scores).groupby(x).nunique().eq(1).all()
    assert scores.min() >= 1
    assert scores.max() <= bins


@LAWS
@given(n=st.integers(1, 12), bins=st.integers(2, 9))
def test_distinct_values_fill_bins_evenly(n: int, bins: int) -> None:
    """Without ties every bin holds the same number of customers."""
    x = np.arange(n * bins, dtype=np.float64)
    edges = np.quantile(x, np.arange(1, bins) / bins, method="inverted_cdf")
    assert set(np.bincount(bin_scores(x, edges))[1:].tolist()) == {n}


@pytest.mark.parametrize("money", ["total_amount", "mean_amount", "contribution"])
def test_money_on_real_purchases(money: str) -> None:
    summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    scheme = fit_rfm_scheme(summary, config=RfmConfig.model_validate({"money": money}))
    table = score_rfm(summary, scheme)
    # Money has few ties here: each fifth of 2,357 customers holds 471 or so.
    npt.assert_allclose(np.bincount(table.money_score)[1:], 2357 / 5, rtol=0.12)
    assert RfmScheme.from_json(scheme.to_json()) == scheme
    again = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(again.to_frame(), table.to_frame())


def test_config_refuses() -> None:
    for bins in (1, 10):
        with pytest.raises(ValidationError):
            RfmConfig(bins=bins)
