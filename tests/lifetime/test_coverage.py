from __future__ import annotations

import numpy as np
import pytest

from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError
from retainkit.lifetime import (
    NbdModel,
    PurchaseHistories,
    draw_histories,
    fit_mbg_nbd,
    measure_coverage,
)
from tests.lifetime.bases import simulate_two_periods

HISTORY = PurchaseHistories(
    frequency=[0, 2, 2, 9, 0],
    recency=[0, 20, 20, 30, np.nan],
    age=[39, 39, 39, 39, np.nan],
    unit="week",
)
MODEL = NbdModel(r=0.385, alpha=12.07, unit="week")


def test_coverage_against_the_negative_binomial_by_hand() -> None:
    """scipy's law of each customer's count; the part of (F(y-1), F(y)) between 5 and 95 %."""
    from scipy.stats import nbinom

    y = np.array([0.0, 1.0, 8.0, 40.0, 3.0])
    found = measure_coverage(MODEL, HISTORY, purchases=y, horizon=26.0)
    law = nbinom(0.385 + HISTORY.frequency[:4], (12.07 + 39) / (12.07 + 39 + 26))
    upper, lower = law.cdf(y[:4]), law.cdf(y[:4] - 1)
    part = np.clip(np.minimum(upper, 0.95) - np.maximum(lower, 0.05), 0, None) / (upper - lower)
    assert found.exact == pytest.approx(part.mean(), rel=1e-10)
    assert found.n == 4
    assert found.above == np.mean(lower >= 0.95) == 0.5
    assert (found.below, found.inside) == (0.0, 0.5)


def test_the_level_is_held_exactly_where_the_model_is_true() -> None:
    """The part counted for ends makes 80 % hold 80 %, however few the counts."""
    ages = np.full(60_000, 26.0)
    later = draw_histories(MODEL, ages, seed=3).frequency
    nobody = PurchaseHistories(
        frequency=np.zeros(60_000), recency=np.zeros(60_000), age=np.zeros(60_000), unit="week"
    )
    found = measure_coverage(MODEL, nobody, purchases=later, horizon=26.0, level=0.8)
    assert found.exact == pytest.approx(0.8, abs=5 * np.sqrt(0.16 / 60_000))
    assert found.inside > found.exact


@pytest.mark.parametrize("seed", range(4))
def test_nine_in_ten_customers_fall_into_their_interval(seed: int) -> None:
    """5,000 simulated customers, fitted at as_of, held against the next 26 weeks: 88 to 92 %."""
    base = simulate_two_periods(5_000, seed=seed)
    model = fit_mbg_nbd(base.history)
    found = measure_coverage(model, base.history, purchases=base.later, horizon=26.0)
    assert 0.88 <= found.exact <= 0.92


def test_what_is_refused() -> None:
    with pytest.raises(AlignmentError, match="1 purchases for 5 histories"):
        measure_coverage(MODEL, HISTORY, purchases=[1], horizon=1.0)
    with pytest.raises(InvalidTableError, match=r"1 unusable .* first 0\.5"):
        measure_coverage(MODEL, HISTORY, purchases=[1, 0.5, 0, 0, np.nan], horizon=1.0)
    with pytest.raises(NotComputableError, match="level is 90"):
        measure_coverage(MODEL, HISTORY, purchases=[1] * 5, horizon=1.0, level=90)
    nobody = PurchaseHistories(frequency=[0], recency=[np.nan], age=[np.nan], unit="week")
    with pytest.raises(NotComputableError, match="no customer has an age"):
        measure_coverage(MODEL, nobody, purchases=[0], horizon=1.0)
