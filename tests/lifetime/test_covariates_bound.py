"""A bound model is a purchase model: it agrees with the plain model of each profile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import AlignmentError, SchemaError
from retainkit.lifetime import (
    CovariateModel,
    Covariates,
    GammaGammaModel,
    PurchaseHistories,
    PurchaseModel,
    compress_histories,
    delta_interval,
    draw_histories,
    predict_total,
    probability_value_exceeds,
)
from tests.lifetime.test_covariates_predict import BASES, N, customers, model_of, one, profile

SPEND = GammaGammaModel(p=6.25, q=3.74, gamma=15.44)


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.kind)
def test_totals_add_up_over_profiles(base: Any) -> None:
    history, traits = customers()
    model = model_of(base)
    found = predict_total(model.bind(traits), history, horizon=26.0)
    apart = [predict_total(model.at(profile(i)), one(history, i), horizon=26.0) for i in range(N)]
    assert found.estimate == pytest.approx(sum(total.estimate for total in apart), rel=1e-9)
    spread = np.sqrt(sum(total.sd_chance**2 for total in apart))
    assert found.sd_chance == pytest.approx(float(spread), rel=1e-6)


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.kind)
def test_the_distribution_of_value_is_that_of_the_profile(base: Any) -> None:
    history, traits = customers()
    model = model_of(base)
    money = np.linspace(5.0, 60.0, N)
    how: dict[str, Any] = {"spend_model": SPEND, "horizon": 26.0, "annual_discount_rate": 0.1}
    found = probability_value_exceeds(
        50.0, history, monetary_value=money, purchase_model=model.bind(traits), **how
    )
    for i in range(0, N, 9):
        alone = probability_value_exceeds(
            50.0,
            one(history, i),
            monetary_value=money[i : i + 1],
            purchase_model=model.at(profile(i)),
            **how,
        )
        assert found[i] == pytest.approx(alone[0], abs=3e-8)


def test_it_is_a_purchase_model_and_the_unbound_one_is_not() -> None:
    _, traits = customers()
    model = model_of(BASES[0])
    bound = model.bind(traits)
    assert isinstance(bound, PurchaseModel)
    unbound: object = model
    assert not isinstance(unbound, PurchaseModel)
    assert (bound.kind, bound.unit, bound.n, bound.log_likelihood) == (
        "covariates", "week", None, None,
    )  # fmt: skip
    assert bound.dropout_is_identified
    assert bound.findings == ()
    assert CovariateModel.from_json(bound.to_json()) == model
    assert repr(bound).startswith("<BoundCovariateModel: 40 customers, web, age, mbg_nbd")


def test_new_customers_are_the_mean_of_the_bound_ones() -> None:
    _, traits = customers()
    missing = traits.astype("float64")
    missing.loc[5, "age"] = np.nan
    model = model_of(BASES[1])
    each = model.expected_purchases_new(missing, horizon=52.0)
    bound = model.bind(missing)
    assert bound.expected_purchases_new(52.0) == pytest.approx(np.nanmean(each), rel=1e-12)
    law = bound.purchase_probabilities_new(52.0, max_count=3)
    apart = [
        model.at(profile(i)).purchase_probabilities_new(52.0, max_count=3)
        for i in range(N)
        if i != 5
    ]
    np.testing.assert_allclose(law, np.mean(apart, axis=0), rtol=1e-9)


def test_a_selection_follows_and_lengths_are_checked() -> None:
    history, traits = customers()
    bound = model_of(BASES[2]).bind(traits)
    rows = np.array([7, 3, 3])
    some = PurchaseHistories(
        frequency=history.frequency[rows],
        recency=history.recency[rows],
        age=history.age[rows],
        unit="week",
    )
    whole = bound.expected_purchases(history, horizon=9.0)
    np.testing.assert_allclose(bound.take(rows).expected_purchases(some, horizon=9.0), whole[rows])
    at = bound.expected_purchases_at(history, horizons=[3.0, 9.0])
    np.testing.assert_allclose(at[:, 1], whole, rtol=1e-12)
    with pytest.raises(AlignmentError, match="40 customers for 3"):
        bound.p_alive(some)
    with pytest.raises(AlignmentError, match="40 customers for 2"):
        draw_histories(bound, [9.0, 9.0], seed=1)
    with pytest.raises(AlignmentError, match="40 customers for 3"):
        bound.p_alive(compress_histories(some.__class__(
            frequency=[0, 1, 2], recency=[0, 1, 2], age=[3, 3, 3], unit="week"
        )))  # fmt: skip


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.kind)
def test_drawn_purchases_of_new_customers_have_the_expected_mean(base: Any) -> None:
    """Over 4,000 draws, within four standard errors of the mean."""
    model = model_of(base)
    web = np.arange(4000) % 2
    table = pd.DataFrame({"web": web, "age": 40.0})
    bound = model.bind(table)
    drawn = draw_histories(bound, np.full(4000, 39.0), seed=3).frequency
    expected = model.expected_purchases_new(table, horizon=39.0)
    for group in (0, 1):
        counts = drawn[web == group]
        error = counts.std() / np.sqrt(len(counts))
        assert abs(counts.mean() - expected[web == group][0]) < 4.0 * error


def test_intervals_move_the_learnt_parameters() -> None:
    history, traits = customers()
    size = 4 + len(model_of(BASES[0]).effects)
    covariance = tuple(tuple(0.01 * (i == j) for j in range(size)) for i in range(size))
    model = model_of(BASES[0]).replace(log_covariance=covariance)
    bound = delta_interval(model.bind(traits), lambda m: m.expected_purchases(history, horizon=9.0))
    free = delta_interval(model, lambda m: m.bind(traits).expected_purchases(history, horizon=9.0))
    np.testing.assert_allclose(bound.standard_error, free.standard_error, rtol=1e-12)
    assert predict_total(model.bind(traits), history, horizon=9.0).sd_parameters > 0.0


def test_covariates_by_customer_id_say_what_does_not_fit() -> None:
    table = pd.DataFrame({"customer_id": [1, 2, 2], "web": [0.0, 1.0, 1.0]})
    with pytest.raises(AlignmentError, match="several rows"):
        Covariates.from_customers(table, [1, 2])
    with pytest.raises(AlignmentError, match="none of the 2"):
        Covariates.from_customers(table.iloc[:2], ["1", "2"])
    with pytest.raises(SchemaError, match="no covariate 'customer_id'"):
        Covariates.from_customers(table[["web"]], [1])
    found = Covariates.from_customers(
        table.iloc[:2].rename(columns={"customer_id": "id"}), [2, 9], id_column="id"
    )
    np.testing.assert_array_equal(found.values, [[1.0], [np.nan]])
