"""Laws of the purchase model that hold for every base and every model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.lifetime import MbgNbdModel, PurchaseHistories, fit_mbg_nbd
from retainkit.typing import TimeUnit
from tests.lifetime.bases import simulate_histories

LAW = settings(deadline=None, derandomize=True, max_examples=60)
FEW = settings(deadline=None, derandomize=True, max_examples=8)
POSITIVE = st.floats(0.01, 50)
MODELS = st.builds(
    MbgNbdModel,
    r=POSITIVE,
    alpha=POSITIVE,
    a=st.one_of(st.just(1.0), POSITIVE),
    b=POSITIVE,
    unit=st.just("week"),
)
TRIPLES = st.tuples(st.integers(0, 200), st.floats(0.01, 1), st.floats(0.1, 500))


def history_of(x: int, share: float, age: float) -> PurchaseHistories:
    recency = share * age if x else 0.0
    return PurchaseHistories(frequency=[x], recency=[recency], age=[age], unit="week")


@LAW
@given(MODELS, TRIPLES)
def test_p_alive_is_a_probability_and_falls_with_inactivity(
    model: MbgNbdModel, triple: tuple[int, float, float]
) -> None:
    """0 <= P(alive) <= 1, and a longer silence never raises it."""
    x, share, age = triple
    recency = share * age if x else 0.0
    later = PurchaseHistories(
        frequency=[x] * 3, recency=[recency] * 3, age=[age, age + 1, age + 100], unit="week"
    )
    alive = model.p_alive(later)
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (np.diff(alive) <= 0).all()


@LAW
@given(MODELS, TRIPLES, st.floats(0.1, 500))
def test_expected_purchases_start_at_zero_and_rise_with_the_horizon(
    model: MbgNbdModel, triple: tuple[int, float, float], horizon: float
) -> None:
    """E[0] = 0, and more time never means fewer purchases."""
    history = history_of(*triple)
    path = [model.expected_purchases(history, horizon=h)[0] for h in (0.0, horizon, horizon * 1.1)]
    assert path[0] == 0.0
    assert 0.0 <= path[1] <= path[2] * (1 + 1e-12)


@LAW
@given(MODELS, st.floats(0.1, 200))
def test_a_new_customer_is_a_history_without_time(model: MbgNbdModel, horizon: float) -> None:
    """Someone whose age is 0 is a new customer."""
    fresh = PurchaseHistories(frequency=[0], recency=[0], age=[0], unit="week")
    found = model.expected_purchases(fresh, horizon=horizon)[0]
    assert found == model.expected_purchases_new(horizon)


@LAW
@given(MODELS, st.floats(1.0, 100), st.floats(1.0, 100))
def test_expectation_now_is_the_expectation_of_later_knowledge(
    model: MbgNbdModel, one: float, two: float
) -> None:
    """The tower law: the first part and the second part of a horizon add up for rates alone."""
    total = model.expected_purchases_new(one + two)
    first = model.expected_purchases_new(one)
    assert first <= total <= first + model.r / model.alpha * two * (1 + 1e-9)


@FEW
@given(st.integers(0, 2**31))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    """Shuffled rows give the same model, bit for bit, and the same data fingerprint."""
    history = simulate_histories(400, seed=11)
    order = np.random.default_rng(seed).permutation(400)
    shuffled = PurchaseHistories(
        frequency=history.frequency[order],
        recency=history.recency[order],
        age=history.age[order],
        unit="week",
    )
    assert fit_mbg_nbd(shuffled) == fit_mbg_nbd(history)


@FEW
@given(st.integers(0, 2**31))
def test_a_weight_is_a_repeated_row(seed: int) -> None:
    """Weight k gives what k equal rows give, bit for bit."""
    history = simulate_histories(400, seed=12)
    counts = np.random.default_rng(seed).integers(0, 4, 400)
    repeated = PurchaseHistories(
        frequency=np.repeat(history.frequency, counts),
        recency=np.repeat(history.recency, counts),
        age=np.repeat(history.age, counts),
        unit="week",
    )
    assert fit_mbg_nbd(history, weights=counts) == fit_mbg_nbd(repeated)


@pytest.mark.parametrize(("unit", "scale"), [("day", 7.0), ("month", 7 / 30.4375)])
def test_the_unit_of_time_does_not_matter(unit: TimeUnit, scale: float) -> None:
    """Another unit shifts the log-likelihood by sum(x) log(scale) and rescales alpha alone."""
    weeks = simulate_histories(2000, seed=13)
    other = PurchaseHistories(
        frequency=weeks.frequency, recency=weeks.recency * scale, age=weeks.age * scale, unit=unit
    )
    one, two = fit_mbg_nbd(weeks), fit_mbg_nbd(other)
    shift = -weeks.frequency.sum() * np.log(scale)
    assert one.log_likelihood is not None
    assert two.log_likelihood == pytest.approx(one.log_likelihood + shift, abs=1e-6)
    assert two.alpha == pytest.approx(one.alpha * scale, rel=1e-7)
    for name in ("r", "a", "b"):
        assert two.parameters[name] == pytest.approx(one.parameters[name], rel=1e-7)
        assert two.standard_errors[name] == pytest.approx(one.standard_errors[name], rel=1e-5)
    np.testing.assert_allclose(two.p_alive(other), one.p_alive(weeks), rtol=1e-6)


def test_json_keeps_every_bit() -> None:
    """A model read back equals the one written and predicts the same bits."""
    history = simulate_histories(500, seed=14)
    model = fit_mbg_nbd(history)
    again = MbgNbdModel.from_json(model.to_json())
    assert again == model
    assert hash(again) == hash(model)
    assert again.to_json() == model.to_json()
    np.testing.assert_array_equal(
        again.expected_purchases(history, horizon=52), model.expected_purchases(history, horizon=52)
    )


def test_other_data_have_another_fingerprint() -> None:
    prints = {fit_mbg_nbd(simulate_histories(400, seed=seed)).fingerprint for seed in (15, 16)}
    assert len(prints) == 2
