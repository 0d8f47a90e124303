from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.metrics import MetricValue, gini, headcount_for_share, hhi, top_share

Measure = Callable[..., MetricValue]
LAWS = settings(deadline=None, derandomize=True, max_examples=60)
MONEY = st.integers(0, 100_000).map(lambda cents: cents / 100)
VALUES = st.lists(MONEY, min_size=1, max_size=40).filter(lambda x: sum(x) > 0)
ALL = (top_share, headcount_for_share, gini, hhi)


def test_small_cases_by_hand() -> None:
    values = [5.0, 60.0, 10.0, 5.0, 20.0]
    assert top_share(values).value == 0.6
    assert top_share(values, share=0.4).value == 0.8
    assert top_share(values, share=0.41).numerator == 90.0  # 2.05 heads round up to 3
    assert headcount_for_share(values).value == 2 / 5
    assert headcount_for_share(values, share=0.81).numerator == 3.0
    assert hhi(values).value == (3600 + 400 + 100 + 25 + 25) / 10_000
    # ascending 5 5 10 20 60: -4*5 - 2*5 + 0*10 + 2*20 + 4*60 = 250 over 5 * 100
    assert gini(values).value == 0.5


def test_a_loss_making_tail_lifts_the_top_above_the_total() -> None:
    result = top_share([80.0, 40.0, 0.0, -10.0, -10.0], share=0.4)
    assert (result.value, result.numerator, result.denominator) == (1.2, 120.0, 100.0)


@pytest.mark.parametrize("measure", ALL)
@pytest.mark.parametrize("values", [[], [0.0, 0.0]])
def test_a_zero_total_gives_no_value(measure: Measure, values: list[float]) -> None:
    result = measure(values)
    assert (result.value, result.reason, result.n) == (None, "zero_denominator", len(values))


@pytest.mark.parametrize("measure", [gini, hhi])
def test_inequality_of_negative_values_is_refused(measure: Measure) -> None:
    result = measure([5.0, -1.0])
    assert (result.value, result.reason) == (None, "negative_values")


@pytest.mark.parametrize("measure", [top_share, headcount_for_share])
def test_shares_of_a_negative_total_are_refused(measure: Measure) -> None:
    result = measure([5.0, -10.0])
    assert (result.value, result.reason) == (None, "non_positive_total")


@pytest.mark.parametrize("measure", ALL)
def test_infinite_values_have_no_share(measure: Measure) -> None:
    result = measure([1.0, np.inf])
    assert (result.value, result.reason) == (None, "non_finite_values")


@pytest.mark.parametrize("measure", ALL)
def test_unknown_values_are_left_out_and_noted(measure: Measure) -> None:
    result = measure([3.0, np.nan, 1.0])
    known = measure([3.0, 1.0])
    assert (result.value, result.n) == (known.value, 2)
    assert result.notes == ("1 customers of unknown value are left out",)


@pytest.mark.parametrize("share", [0.0, 1.01, -0.2])
def test_shares_outside_the_unit_interval_are_refused(share: float) -> None:
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        top_share([1.0], share=share)
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        headcount_for_share([1.0], share=share)


def test_a_table_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="dimensions"):
        gini(np.ones((2, 2)))


@LAWS
@given(values=VALUES, seed=st.integers(0, 99))
def test_order_and_currency_do_not_matter(values: list[float], seed: int) -> None:
    """Shuffling customers changes no bit; a power-of-two currency change changes nothing."""
    shuffled = np.random.default_rng(seed).permutation(values)
    for measure in ALL:
        assert measure(shuffled).value == measure(values).value
        assert measure(np.asarray(values) * 4.0).value == measure(values).value


@LAWS
@given(values=VALUES)
def test_gini_is_half_the_relative_mean_difference(values: list[float]) -> None:
    """The Gini coefficient is the mean absolute difference of all pairs over twice the mean."""
    x = np.asarray(values)
    pairs = np.abs(x[:, None] - x[None, :]).mean()
    result = gini(values).value
    assert result == pytest.approx(pairs / (2 * x.mean()), abs=1e-12)
    assert result is not None
    assert 0.0 <= result + 1e-15 <= (len(x) - 1) / len(x) + 1e-12


@LAWS
@given(values=VALUES, share=st.floats(0.01, 1.0))
def test_headcount_and_top_share_are_inverse(values: list[float], share: float) -> None:
    """The heads behind a share hold at least that share, and one head fewer holds less."""
    heads = int(headcount_for_share(values, share=share).numerator or 0)
    best_first = np.sort(values)[::-1]
    goal = share * np.sum(values)
    assert best_first[:heads].sum() >= goal - 1e-9 * np.sum(values)
    assert best_first[: heads - 1].sum() < goal + 1e-9 * np.sum(values)


@LAWS
@given(values=VALUES)
def test_concentration_stays_in_its_range(values: list[float]) -> None:
    """HHI lies in [1 / n, 1]; the top fifth holds at least its share of heads."""
    n = len(values)
    concentration = hhi(values).value
    top = top_share(values).value
    assert concentration is not None
    assert top is not None
    assert 1 / n - 1e-12 <= concentration <= 1 + 1e-12
    assert top >= min(np.ceil(0.2 * n - 1e-9) / n, 1.0) - 1e-12


@pytest.mark.real
def test_superstore_profit_is_as_concentrated_as_published() -> None:
    """Top 20 % of customers make 81.7 % of the profit; profit 286,397.02 (data set's own notes)."""
    root = os.environ.get("RETAINKIT_DATA", str(Path(__file__).parents[3] / "shared" / "data"))
    path = Path(root) / "superstore" / "Sample-Superstore.csv.gz"
    if not path.exists():
        pytest.skip("the superstore data are not here; set RETAINKIT_DATA to their folder")
    lines = pd.read_csv(path, encoding="utf-8-sig")
    profit = lines.groupby("Customer ID")["Profit"].sum().to_numpy()
    result = top_share(profit)
    assert result.value is not None
    assert round(result.value, 3) == 0.817
    assert result.denominator == pytest.approx(286_397.02, abs=0.005)
    assert result.n == 793
    assert gini(profit).reason == "negative_values"
