from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError
from retainkit.lifetime import _kernel_shared as kernel
from retainkit.lifetime import compare_models, fit_mbg_nbd, fit_nbd, split_histories
from retainkit.lifetime._histories import HoldoutSplit
from tests.lifetime.bases import cdnow

DAYS = pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-08", "2024-02-01", "2024-01-15"])


def split_of(**changes: object) -> HoldoutSplit:
    given: dict[str, object] = {
        "customer_id": ["a", "a", "a", "a", "b"],
        "timestamp": DAYS,
        "calibration_end": "2024-01-31",
        "holdout_end": "2024-02-29",
        "unit": "day",
    }
    given |= changes
    return split_histories(given.pop("customer_id"), given.pop("timestamp"), **given)  # type: ignore[arg-type]


def test_a_split_by_hand() -> None:
    """Customer a: 1 and 8 January, the latter twice, then February; b: 15 January alone."""
    split = split_of()
    assert split.customer_id.tolist() == ["a", "b"]
    assert split.history.frequency.tolist() == [1, 0]
    assert split.history.recency.tolist() == [7, 0]
    assert split.history.age.tolist() == [30, 16]
    assert split.purchases.tolist() == [1, 0]
    assert split.horizon == 29
    assert split.joined.tolist() == [0, 14]
    assert split.repeat_days.tolist() == [7, 31]
    assert (split.calibration_days, split.total_days) == (30, 59)


def test_who_comes_later_and_what_comes_later_are_left_out() -> None:
    split = split_of(calibration_end="2024-01-10", holdout_end="2024-01-20")
    assert split.customer_id.tolist() == ["a"]
    assert split.purchases.tolist() == [0]


def test_the_split_of_cdnow_is_the_papers() -> None:
    """1,882 purchases in the 39 weeks of the hold-out; histories as summarised by hand."""
    data = load_cdnow_sample()
    split = split_histories(
        data["customer_id"],
        data["timestamp"],
        calibration_end="1997-09-30",
        holdout_end="1998-06-30",
    )
    assert split.purchases.sum() == 1882
    assert split.horizon == 39
    np.testing.assert_array_equal(split.history.frequency, cdnow().history.frequency)
    np.testing.assert_array_equal(split.history.recency, cdnow().history.recency)
    np.testing.assert_array_equal(split.history.age, cdnow().history.age)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"customer_id": ["a"]}, AlignmentError, "1 ids and 5 timestamps"),
        ({"timestamp": [*DAYS[:4], pd.NaT]}, InvalidTableError, "1 missing timestamps"),
        ({"holdout_end": "2024-01-31"}, NotComputableError, "the hold-out ends on"),
        ({"calibration_end": "2023-12-31"}, NotComputableError, "nobody purchased"),
    ],
)
def test_a_split_refuses(changes: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        split_of(**changes)


def test_a_base_without_an_end_of_buying_is_the_baselines() -> None:
    """The choice keeps the first of those the evidence cannot tell apart, and says so."""
    data = load_cdnow_sample()
    split = split_histories(
        data["customer_id"],
        data["timestamp"],
        calibration_end="1997-09-30",
        holdout_end="1998-06-30",
    )
    found = compare_models(split, fits=(fit_nbd, fit_mbg_nbd))
    assert found.chosen == "mbg_nbd"
    assert "best log score" in found.reason
    assert found.best is found.models[1]
    assert found.summary()["chosen"].tolist() == [False, True]
    twins = compare_models(split, fits=(fit_mbg_nbd, fit_mbg_nbd))
    assert twins.chosen == "mbg_nbd"
    score = found.to_frame().loc["nbd", "log_score"]
    rates = (found.models[0].parameters["r"] + split.history.frequency) / 1.0
    scale = found.models[0].parameters["alpha"] + split.history.age
    from scipy.stats import nbinom

    terms = nbinom.logpmf(split.purchases, rates, scale / (scale + split.horizon))
    oracle = float(np.sum(terms))
    assert score == pytest.approx(oracle, rel=1e-10)


def test_what_cannot_be_fitted_is_named() -> None:
    with pytest.raises(NotComputableError, match="fit_mbg_nbd: 2 customers"):
        compare_models(split_of(), fits=(fit_mbg_nbd,))


def test_errors_by_customer_by_hand() -> None:
    mae, rmse, correlation, gini, lift = kernel.customer_errors(
        np.array([4.0, 0.0, 1.0, 0.0, 0.0]), np.array([4.0, 1.0, 0.0, 0.0, 0.0])
    )
    assert mae == pytest.approx(0.4)
    assert rmse == pytest.approx(np.sqrt(0.4))
    assert correlation == pytest.approx(np.corrcoef([4, 0, 1, 0, 0], [4, 1, 0, 0, 0])[0, 1])
    # gains 4/5 after one of five heads; then 0, then the last 1/5 shared by three equal guesses
    area = 0.2 * 0.4 + 0.2 * 0.8 + 0.6 * 0.9 - 0.5
    perfect = 0.2 * 0.4 + 0.2 * 0.9 + 0.6 - 0.5
    assert gini == pytest.approx(area / perfect)
    assert lift == pytest.approx((4 / 5) / 0.2)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.integers(0, 9), min_size=3, max_size=30).filter(lambda v: len(set(v)) > 1))
def test_a_perfect_ranking_has_gini_one_and_the_worst_minus_one(actual: list[int]) -> None:
    """1 for the truth itself, -1 for its opposite; equal guesses rank nobody: 0."""
    truth = np.array(actual, dtype=float)
    assert kernel.customer_errors(truth, truth)[3] == pytest.approx(1.0)
    assert kernel.customer_errors(-truth, truth)[3] == pytest.approx(-1.0)
    assert kernel.customer_errors(0.0 * truth, truth)[3] == pytest.approx(0.0, abs=1e-12)
