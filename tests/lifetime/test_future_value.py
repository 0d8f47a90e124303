from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc, expit
from scipy.stats import betaprime

from retainkit.errors import AlignmentError, NotComputableError
from retainkit.lifetime import (
    BgNbdModel,
    GammaGammaModel,
    MbgNbdModel,
    NbdModel,
    ParetoNbdModel,
    PurchaseHistories,
    probability_value_exceeds,
    probability_value_exceeds_at,
)
from retainkit.lifetime import _kernel_shared as kernel
from retainkit.lifetime._process import ProcessModel
from retainkit.typing import FloatArray

MODELS: list[ProcessModel] = [
    MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week"),
    BgNbdModel(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week"),
    ParetoNbdModel(r=0.553, alpha=10.578, s=0.606, beta=11.669, unit="week"),
    NbdModel(r=0.385, alpha=12.07, unit="week"),
]
SPEND = GammaGammaModel(p=6.25, q=3.74, gamma=15.44)
NAN = float("nan")


class Base:
    """Customers of whom many share a frequency, and a few are heavy; a fifth never bought again."""

    def __init__(self, n: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        x = rng.choice([0, 1, 2, 8, 40, 60], n, p=[0.2, 0.4, 0.2, 0.15, 0.04, 0.01]).astype(float)
        age = rng.integers(7, 280, n) / 7
        recency = np.where(x > 0, age * rng.choice([0.2, 0.5, 0.9, 1.0], n), 0.0)
        self.history = PurchaseHistories(frequency=x, recency=recency, age=age, unit="week")
        self.money = np.where(x > 0, rng.gamma(6.0, 6.0, n), NAN)

    def chance(self, cuts: Any, model: ProcessModel = MODELS[0], **options: Any) -> FloatArray:
        return probability_value_exceeds_at(
            cuts,
            self.history,
            monetary_value=self.money,
            purchase_model=model,
            spend_model=SPEND,
            horizon=options.pop("horizon", 52.0),
            **options,
        )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
def test_every_chance_against_the_plain_sum(model: ProcessModel) -> None:
    """sum_n P(N = n) P(S_n > c), S_n / (gamma + x m) beta prime: scipy's, count by count."""
    base = Base(150)
    x, money = base.history.frequency, np.nan_to_num(base.money)
    law = model.purchase_probabilities(base.history, horizon=12.0, max_count=250)
    assert law.sum(axis=1).min() > 1.0 - 1e-9
    cuts = np.array([3.0, 60.0, 500.0])
    found = base.chance(cuts, model, horizon=12.0)
    truth = np.zeros_like(found)
    for count in range(1, 251):
        for j, cut in enumerate(cuts):
            over = betaprime.sf(cut / (15.44 + x * money), 6.25 * count, 3.74 + 6.25 * x)
            truth[:, j] += law[:, count] * over
    np.testing.assert_allclose(found, truth, atol=1.4e-8)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.floats(0.3, 2e3), st.floats(0.3, 2e4), st.floats(0.001, 1.0), st.integers(0, 999))
def test_between_nodes_the_error_is_within_its_bound(
    a: float, largest: float, share: float, seed: int
) -> None:
    """|interpolated - I(a, b; z)| <= tolerance for every b up to the largest."""
    step = kernel.spacing(a, largest, 1e-8)
    b = np.array([max(share * largest, 0.3), largest])
    centre = np.log(a / b[0])
    nodes = centre - 20 * step + step * np.arange(41)
    z = np.random.default_rng(seed).uniform(nodes[0], nodes[-1], 200)
    tables = (kernel.above(a, b, nodes), *kernel.slopes(a, b, nodes))
    for i in range(2):
        row = np.full(len(z), i, dtype=np.intp)
        found = kernel.read(tables, float(nodes[0]), step, row, z)
        np.testing.assert_allclose(found, betainc(a, b[i], expit(z)), atol=1.01e-8)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
@pytest.mark.parametrize("horizon", [0.0, 0.5, 52.0, 5000.0])
def test_all_counts_at_once_are_the_counts_one_by_one(model: ProcessModel, horizon: float) -> None:
    history = PurchaseHistories(
        frequency=[0, 0, 1, 30, 800], recency=[0, 0, 3, 30, 39], age=[0, 39, 3, 39, 39], unit="week"
    )
    with np.errstate(all="ignore"):
        known = model._know(history.frequency, history.recency, history.age)
        found = known.count_probabilities(horizon, 150)
    one_by_one = model.purchase_probabilities(history, horizon=horizon, max_count=149)
    np.testing.assert_allclose(found, one_by_one, atol=1e-11)


def test_counts_at_once_where_nodes_do_not_suffice() -> None:
    """A dropout rate that may be huge: the density has its mass at the very beginning."""
    model = ParetoNbdModel(r=0.5, alpha=40.0, s=0.3, beta=0.001, unit="week")
    history = PurchaseHistories(frequency=[0, 2], recency=[0, 0.01], age=[0, 0.02], unit="week")
    known = model._know(history.frequency, history.recency, history.age)
    found = known.count_probabilities(52.0, 20)
    one_by_one = model.purchase_probabilities(history, horizon=52.0, max_count=19)
    np.testing.assert_allclose(found, one_by_one, atol=1e-11)


def test_cuts_together_are_cuts_alone_and_fall() -> None:
    base = Base(3_000)
    cuts = [0.0, 10.0, 100.0, 1e4, -5.0, NAN]
    together = base.chance(cuts, annual_discount_rate=0.1)
    for j, cut in enumerate(cuts):
        alone = base.chance([cut], annual_discount_rate=0.1)[:, 0]
        np.testing.assert_allclose(together[:, j], alone, atol=2.1e-8)
    assert (np.diff(together[:, :4], axis=1) <= 2e-8).all()
    assert (together[:, 4] == 1.0).all()
    assert np.isnan(together[:, 5]).all()
    nothing = MODELS[0].purchase_probabilities(base.history, horizon=52.0, max_count=0)[:, 0]
    np.testing.assert_allclose(together[:, 0], 1.0 - nothing, atol=1e-8)


def test_cuts_and_margins_of_each_customer() -> None:
    """A margin of 25 % is a cut four times as high; a margin not known gives NaN."""
    base = Base(2_000)
    rng = np.random.default_rng(1)
    margin = rng.choice([0.25, 0.5, NAN], 2_000)
    cuts = rng.uniform(5, 300, (2_000, 2))
    found = base.chance(cuts, margin_rate=margin)
    by_cut = base.chance(cuts / margin[:, None])
    np.testing.assert_allclose(found, by_cut, atol=2e-8)
    assert np.isnan(found[np.isnan(margin)]).all()
    assert not np.isnan(found[~np.isnan(margin)]).any()
    single = probability_value_exceeds(
        cuts[:, 0],
        base.history,
        monetary_value=base.money,
        purchase_model=MODELS[0],
        spend_model=SPEND,
        horizon=52.0,
        margin_rate=margin,
    )
    np.testing.assert_allclose(single, found[:, 0], atol=2.1e-8)


def test_the_order_of_customers_changes_nothing() -> None:
    base, turned = Base(2_000), Base(2_000)
    order = np.random.default_rng(2).permutation(2_000)
    h = base.history
    turned.history = PurchaseHistories(
        frequency=h.frequency[order], recency=h.recency[order], age=h.age[order], unit="week"
    )
    turned.money = base.money[order]
    np.testing.assert_array_equal(turned.chance([50.0, 90.0]), base.chance([50.0, 90.0])[order])


def test_no_time_and_nobody() -> None:
    assert (Base(50).chance([1.0], horizon=0.0) == 0.0).all()
    nobody = PurchaseHistories(frequency=[0], recency=[NAN], age=[NAN], unit="week")
    found = probability_value_exceeds(
        1.0,
        nobody,
        monetary_value=[NAN],
        purchase_model=MODELS[0],
        spend_model=SPEND,
        horizon=52.0,
    )
    assert np.isnan(found).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"margin_rate": 0.0}, NotComputableError, r"margin_rate is 0\.0"),
        ({"margin_rate": NAN}, NotComputableError, "margin_rate is nan"),
        ({"margin_rate": [0.3] * 4}, AlignmentError, "4 margin rates for 5"),
        ({"margin_rate": [0.3, 0.3, -1.0, 0.3, 0.3]}, NotComputableError, r"is -1\.0"),
        ({"cuts": np.ones((3, 2))}, AlignmentError, "5 monetary values and 3 rows of cuts for 5"),
        ({"horizon": -1.0}, NotComputableError, r"horizon is -1\.0"),
    ],
)
def test_what_is_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Base(5).chance(options.pop("cuts", [1.0]), **options)


def test_one_cut_for_each_customer_or_for_all() -> None:
    base = Base(5)
    with pytest.raises(AlignmentError, match="2 cuts for 5 histories"):
        probability_value_exceeds(
            [1.0, 2.0],
            base.history,
            monetary_value=base.money,
            purchase_model=MODELS[0],
            spend_model=SPEND,
            horizon=52.0,
        )
