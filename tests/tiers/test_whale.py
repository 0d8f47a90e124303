from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.tiers import whale_curve

NAN = float("nan")


def test_by_hand() -> None:
    curve = whale_curve([-20.0, 10.0, NAN, 60.0, 0.0, 50.0])
    assert (curve.n, curve.n_missing, curve.n_unprofitable) == (5, 1, 1)
    assert (curve.total, curve.peak, curve.lost) == (100.0, 120.0, 20.0)
    assert (curve.peak_share, curve.peak_at, curve.top_20_share) == (1.2, 0.6, 0.6)
    frame = curve.to_frame()
    assert frame["customers"].tolist() == [0, 1, 2, 3, 4, 5]
    assert frame["cumulative_value"].tolist() == [0.0, 60.0, 110.0, 120.0, 120.0, 100.0]
    assert frame["cumulative_share"].tolist() == [0.0, 0.6, 1.1, 1.2, 1.2, 1.0]
    assert frame["customer_share"].tolist() == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


@pytest.mark.parametrize("values", [[5.0, -5.0], [5.0, -10.0], [-1.0, -2.0], [0.0]])
def test_shares_of_a_loss_are_undefined_and_amounts_stand(values: list[float]) -> None:
    curve = whale_curve(values)
    assert np.isnan([curve.peak_share, curve.top_20_share]).all()
    assert curve.to_frame()["cumulative_share"].isna().all()
    assert curve.peak == sum(value for value in values if value > 0)
    assert curve.cumulative[-1] == sum(values)


def test_nobody() -> None:
    for curve in (whale_curve([]), whale_curve([NAN])):
        assert np.isnan([curve.peak_share, curve.peak_at, curve.top_20_share]).all()
        assert curve.total == 0.0
        assert len(curve.to_frame()) == 1


def test_without_losses_the_peak_is_the_end() -> None:
    curve = whale_curve([3.0, 2.0, 1.0])
    assert (curve.peak_share, curve.peak_at, curve.lost) == (1.0, 1.0, 0.0)


def test_a_long_curve_is_thinned_but_its_facts_are_exact() -> None:
    values = np.random.default_rng(3).normal(1.0, 3.0, size=12_345)
    curve = whale_curve(values)
    frame = curve.to_frame()
    assert len(frame) <= 1_000
    best_first = np.sort(values)[::-1]
    running = np.concatenate([[0.0], np.cumsum(best_first)])
    np.testing.assert_allclose(frame["cumulative_value"], running[frame["customers"]], rtol=1e-12)
    assert {0, 2_469, curve.peak_customers, 12_345} <= set(frame["customers"])
    assert curve.peak == pytest.approx(running.max(), rel=1e-12)
    assert curve.peak_customers == int(running.argmax())


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.integers(-1_000, 1_000), min_size=1, max_size=60))
def test_law(values: list[int]) -> None:
    """The curve starts at 0, is concave, ends at the total and peaks at the sum of the gains."""
    curve = whale_curve(np.array(values, dtype=np.float64))
    steps = np.diff(curve.cumulative)
    assert curve.cumulative[0] == 0.0
    assert (np.diff(steps) <= 0).all()
    assert curve.cumulative[-1] == curve.total == sum(values)
    assert curve.cumulative.max() == curve.peak == sum(v for v in values if v > 0)
    assert curve.n_unprofitable == sum(v < 0 for v in values)


def test_shows_itself_and_pickles() -> None:
    curve = whale_curve([2.0, -1.0])
    assert repr(curve) == "<WhaleCurve: 3 points; next: .summary() or .to_frame()>"
    assert "unprofitable" in curve._repr_html_()
    again = pickle.loads(pickle.dumps(curve))
    pd.testing.assert_frame_equal(again.summary(), curve.summary())
