from __future__ import annotations

from math import exp, log1p
from typing import Any

import numpy as np
import numpy.testing as npt
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AlignmentError
from retainkit.typing import ArrayLike1D, FloatArray, TimeUnit
from retainkit.value import CustomerSummary, expected_lifetime_value, summarize_customers
from retainkit.value._kernel import discount_nodes, distinct_histories


class FadingBuyer:
    """Purchases come at a rate that fades: E(t) = (1 + x) * (1 - exp(-decay * t)) / decay."""

    n = None
    log_likelihood = None

    def __init__(self, *, decay: float, unit: TimeUnit) -> None:
        self.decay = decay
        self.unit: TimeUnit = unit
        self.rows: list[int] = []

    def p_alive(self, history: Any) -> FloatArray:
        return np.ones(len(history.age))

    def expected_purchases(self, history: Any, *, horizon: float) -> FloatArray:
        assert history.unit == self.unit
        self.rows.append(len(history.age))
        # age enters only so that a customer who never purchased gives NaN
        scale = 1.0 + history.frequency + 0.0 * history.age
        result: FloatArray = scale * -np.expm1(-self.decay * horizon) / self.decay
        return result

    def expected_purchases_new(self, horizon: float) -> float:
        return horizon

    def to_json(self) -> str:
        return "{}"


class FlatSpend:
    n = None
    log_likelihood = None

    def expected_spend(self, frequency: ArrayLike1D, monetary_value: ArrayLike1D) -> FloatArray:
        assert len(frequency) == len(monetary_value)
        return np.full(len(frequency), 7.0)

    def to_json(self) -> str:
        return "{}"


@pytest.fixture(scope="module")
def summary() -> CustomerSummary:
    return summarize_customers(load_cdnow_sample(), as_of="1997-09-30")


@pytest.mark.parametrize("years", [0.25, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.35])
@pytest.mark.parametrize("decay", [1e-9, 0.4, 2.0])
def test_discounting_equals_the_closed_form(years: float, rate: float, decay: float) -> None:
    """Int exp(-g t) exp(-c t) dt from 0 to H is (1 - exp(-(g + c) H)) / (g + c), in years."""
    force = log1p(rate)
    nodes = discount_nodes(years * 365.25, rate)
    ours = sum(w * -np.expm1(-decay * day / 365.25) / decay for day, w in nodes)
    exact = (1 - exp(-(force + decay) * years)) / (force + decay)
    npt.assert_allclose(ours, exact, rtol=2e-5)


def test_equals_daily_steps(summary: CustomerSummary) -> None:
    model = FadingBuyer(decay=0.03, unit="week")
    value = expected_lifetime_value(
        summary, model, spend_model=FlatSpend(), margin_rate=0.5, annual_discount_rate=0.1
    )
    steps = np.linspace(0.0, 365.25, 3654)
    expected = -np.expm1(-0.03 * steps / 7) / 0.03
    middle = (steps[1:] + steps[:-1]) / 2
    daily = float(np.diff(expected) @ 1.1 ** (-middle / 365.25))
    npt.assert_allclose(value, 0.5 * 7.0 * daily * (1 + summary.frequency), rtol=1e-6)
    assert len(model.rows) == 4


def test_distinct_histories_are_evaluated_once(summary: CustomerSummary) -> None:
    # shared facts: 1,016 unique (x, t_x, T) rows among 2,357 customers
    model = FadingBuyer(decay=0.03, unit="week")
    everyone = expected_lifetime_value(summary, model)
    assert set(model.rows) == {1016}
    for place in (0, 5, 2356):
        alone = expected_lifetime_value(summary.take(np.array([place])), model)
        npt.assert_array_equal(alone, everyone[[place]])


def test_units_of_model_and_summary_may_differ(summary: CustomerSummary) -> None:
    weeks = expected_lifetime_value(summary, FadingBuyer(decay=0.07, unit="week"))
    for unit, decay in (("day", 0.01), ("month", 0.304375)):
        # Per unit of time the same fading: purchases per day instead of per week.
        model = FadingBuyer(decay=decay, unit=unit)  # type: ignore[arg-type]
        npt.assert_allclose(expected_lifetime_value(summary, model) * decay, weeks * 0.07)


def test_own_mean_spend_and_own_margin(summary: CustomerSummary) -> None:
    model = FadingBuyer(decay=0.03, unit="week")
    flat = expected_lifetime_value(summary, model, spend_model=FlatSpend())
    margins = np.linspace(-0.2, 0.5, len(summary))
    own = expected_lifetime_value(summary, model, margin_rate=margins)
    npt.assert_allclose(own, flat / 7 * summary.purchase_amount / summary.occasions * margins)


def test_published_conditional_expectation(summary: CustomerSummary) -> None:
    # MBG/NBD at (.525, 6.183, .891, 1.614): E[X(39 weeks)] of (x = 2, t_x = 30.43, T = 38.86), the
    # first customer of the sample, is 1.26296 (recomputed from Batislam et al. 2007, equation 11).
    from retainkit.lifetime import MbgNbdModel

    model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    value = expected_lifetime_value(
        summary, model, spend_model=FlatSpend(), horizon_days=273.0, annual_discount_rate=0.0
    )
    npt.assert_allclose(value[0], 7 * 1.26296062327, rtol=3e-4)


def test_who_never_purchased_has_no_expectation() -> None:
    frame = load_cdnow_sample().iloc[:3].assign(amount=-1.0)
    value = expected_lifetime_value(
        summarize_customers(frame, as_of="1997-12-31"), FadingBuyer(decay=0.03, unit="week")
    )
    assert np.isnan(value).all()


def test_histories_that_do_not_fit_one_integer_are_kept_apart() -> None:
    wide = np.array([0, 2**31 - 1, 5], dtype=np.int64)
    positions, places = distinct_histories(wide, wide, wide)
    assert positions[places].tolist() == [0, 1, 2]
    narrow = np.array([3, 1, 3], dtype=np.int32)
    positions, places = distinct_histories(narrow, narrow, narrow)
    assert narrow[positions][places].tolist() == [3, 1, 3]
    assert len(positions) == 2


def test_refuses(summary: CustomerSummary) -> None:
    model = FadingBuyer(decay=0.03, unit="week")
    with pytest.raises(ValueError, match="horizon_days"):
        expected_lifetime_value(summary, model, horizon_days=0.0)
    with pytest.raises(ValueError, match="annual_discount_rate"):
        expected_lifetime_value(summary, model, annual_discount_rate=-0.1)
    with pytest.raises(AlignmentError, match="margin_rate"):
        expected_lifetime_value(summary, model, margin_rate=np.ones(3))
