"""Laws that hold for every model of purchases, known and new customers alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from retainkit.errors import NotComputableError
from retainkit.lifetime import (
    BgNbdModel,
    MbgNbdModel,
    NbdModel,
    ParetoNbdModel,
    PurchaseHistories,
    PurchaseModelUnion,
    compress_histories,
    fit_bg_nbd,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
)
from retainkit.lifetime._process import ProcessModel
from tests.lifetime.bases import simulate_histories

LAW = settings(deadline=None, derandomize=True, max_examples=60)
POSITIVE = st.floats(0.02, 30)
MODELS = st.one_of(
    *(
        st.builds(kind, r=POSITIVE, alpha=POSITIVE, a=POSITIVE, b=POSITIVE, unit=st.just("week"))
        for kind in (MbgNbdModel, BgNbdModel)
    ),
    st.builds(
        ParetoNbdModel, r=POSITIVE, alpha=POSITIVE, s=POSITIVE, beta=POSITIVE, unit=st.just("week")
    ),
    st.builds(NbdModel, r=POSITIVE, alpha=POSITIVE, unit=st.just("week")),
)
FITS = [fit_mbg_nbd, fit_bg_nbd, fit_pareto_nbd, fit_nbd]
FIT = pytest.mark.parametrize("fit", FITS)


@st.composite
def customers(draw: st.DrawFn) -> PurchaseHistories:
    x = draw(st.integers(0, 60))
    age = draw(st.floats(0.5, 300))
    recency = age * draw(st.floats(0.01, 1)) if x else 0.0
    return PurchaseHistories(frequency=[x], recency=[recency], age=[age], unit="week")


@settings(LAW, max_examples=25)
@given(MODELS, customers(), st.floats(0.1, 60))
def test_probabilities_of_counts_add_up_and_have_the_expectation_as_mean(
    model: ProcessModel, history: PurchaseHistories, horizon: float
) -> None:
    """They are not negative, add up to 1, and their mean is the expected number of purchases."""
    most = 150
    law = model.purchase_probabilities(history, horizon=horizon, max_count=most)[0]
    expected = model.expected_purchases(history, horizon=horizon)[0]
    assert (law >= 0.0).all()
    assert law.sum() <= 1.0 + 1e-9
    mean = float(law @ np.arange(most + 1))
    assert mean <= expected * (1 + 1e-8) + 1e-12
    if expected < 40.0 and law[-30:].sum() < 1e-14:
        assert law.sum() == pytest.approx(1.0, abs=1e-9)
        assert mean == pytest.approx(expected, rel=1e-7, abs=1e-12)


@LAW
@given(MODELS, customers(), st.floats(0.01, 100), st.floats(0.01, 100))
def test_nobody_comes_back(
    model: ProcessModel, history: PurchaseHistories, one: float, two: float
) -> None:
    """P(alive) falls with the time ahead, from what it is now."""
    path = [model.p_alive(history, ahead=t)[0] for t in (0.0, one, one + two)]
    assert 1.0 >= path[0] >= path[1] * (1 - 1e-9) >= path[2] * (1 - 2e-9) >= 0.0


@LAW
@given(MODELS, customers(), st.floats(0.5, 200), st.floats(0.01, 0.5))
def test_discounting_lowers_and_the_horizon_raises(
    model: ProcessModel, history: PurchaseHistories, horizon: float, rate: float
) -> None:
    """Undiscounted is the expectation; value falls in the rate and rises to the endless one."""

    def value(rate: float, end: float | None = horizon) -> float:
        return float(model.discounted_purchases(history, annual_discount_rate=rate, horizon=end)[0])

    expected = model.expected_purchases(history, horizon=horizon)[0]
    assert value(0.0) == pytest.approx(expected, rel=1e-9)
    assert value(0.0) * (1 + 1e-9) >= value(rate) >= value(2 * rate) * (1 - 1e-9)
    assert value(rate) <= value(rate, 2 * horizon) * (1 + 1e-9)
    assert value(rate, 2 * horizon) <= value(rate, None) * (1 + 1e-9)


@LAW
@given(MODELS)
def test_a_model_is_told_apart_in_json(model: ProcessModel) -> None:
    """Any of the purchase models comes back from JSON as itself."""
    adapter: TypeAdapter[ProcessModel] = TypeAdapter(PurchaseModelUnion)
    assert adapter.validate_json(model.to_json()) == model


@FIT
def test_the_unit_of_time_does_not_matter(fit: Callable[..., ProcessModel]) -> None:
    """Days for weeks shift the log-likelihood by -sum(x) log 7 and scale times alone."""
    weeks = simulate_histories(2_000, seed=13)
    days = PurchaseHistories(
        frequency=weeks.frequency, recency=weeks.recency * 7, age=weeks.age * 7, unit="day"
    )
    one, two = fit(weeks), fit(days)
    assert one.log_likelihood is not None
    shift = -weeks.frequency.sum() * np.log(7)
    assert two.log_likelihood == pytest.approx(one.log_likelihood + shift, abs=1e-6)
    for name, value in one.parameters.items():
        scale = 7.0 if name in ("alpha", "beta") else 1.0
        assert two.parameters[name] == pytest.approx(value * scale, rel=1e-6)
    np.testing.assert_allclose(
        two.discounted_purchases(days, annual_discount_rate=0.1, horizon=364),
        one.discounted_purchases(weeks, annual_discount_rate=0.1, horizon=52),
        rtol=1e-6,
    )


@FIT
def test_order_weights_and_compression_do_not_matter(fit: Callable[..., ProcessModel]) -> None:
    """Shuffled rows, repeated rows as weights, and compressed rows give the same model."""
    history = simulate_histories(400, seed=12)
    order = np.random.default_rng(1).permutation(400)
    counts = np.random.default_rng(2).integers(1, 4, 400)

    def rows(positions: np.ndarray) -> PurchaseHistories:
        return PurchaseHistories(
            frequency=history.frequency[positions],
            recency=history.recency[positions],
            age=history.age[positions],
            unit="week",
        )

    assert fit(rows(order)) == fit(history) == fit(compress_histories(history))
    assert fit(history, weights=counts) == fit(rows(np.repeat(np.arange(400), counts)))


def test_what_has_no_answer_is_refused() -> None:
    model = MbgNbdModel(r=0.5, alpha=6, a=0.9, b=1.6, unit="week")
    history = PurchaseHistories(frequency=[1], recency=[3], age=[9], unit="week")
    with pytest.raises(NotComputableError, match="neither a horizon nor a discount rate"):
        model.discounted_purchases(history, annual_discount_rate=0.0)
    with pytest.raises(NotComputableError, match=r"annual_discount_rate is -0\.1"):
        model.discounted_purchases(history, annual_discount_rate=-0.1)
    with pytest.raises(NotComputableError, match="max_count is -1"):
        model.purchase_probabilities(history, horizon=1, max_count=-1)
    with pytest.raises(NotComputableError, match="ahead is -1"):
        model.p_alive(history, ahead=-1)
