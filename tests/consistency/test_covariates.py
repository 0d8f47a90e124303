"""A user's covariates and a user's estimator through the whole run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import SchemaError
from retainkit.lifetime import CovariateModel, Covariates, fit_with_covariates
from retainkit.pipeline import (
    CustomerFacts,
    FittedPipeline,
    PipelineConfig,
    RetentionPipeline,
    RetentionResult,
)
from retainkit.tables import CustomerColumns
from retainkit.typing import FloatArray
from retainkit.value import summarize_customers

AS_OF = "2024-12-31"
COLUMNS = CustomerColumns(covariates=("web", "size"))
SHOWN = ["p_active", "expected_value", "p_alive", "lifetime_value"]


def _firm(customers: int = 900) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Web customers buy four times as often as the others; `size` says nothing."""
    rng = np.random.default_rng(3)
    web = rng.random(customers) < 0.5
    start = rng.integers(0, 640, customers)
    rate = rng.gamma(2.0, np.where(web, 0.006, 0.0015))
    leaves = start + rng.exponential(500.0, customers)
    who, day = [np.arange(customers)], [start.astype(np.float64)]
    for one in range(customers):
        span = min(730.0, leaves[one]) - start[one]
        often = rng.poisson(rate[one] * max(span, 0.0))
        who.append(np.full(often, one))
        day.append(start[one] + rng.random(often) * max(span, 0.0))
    code, when = np.concatenate(who), np.floor(np.concatenate(day))
    rows = pd.DataFrame(
        {
            "customer_id": code + 1000,
            "timestamp": np.datetime64("2023-01-02") + when.astype("timedelta64[D]"),
            "amount": np.round(rng.gamma(3.0, 10.0, len(code)), 2),
        }
    )
    traits = pd.DataFrame(
        {"customer_id": np.arange(customers) + 1000, "web": web, "size": rng.normal(size=customers)}
    )
    return rows, traits


@pytest.fixture(scope="module")
def firm() -> tuple[pd.DataFrame, pd.DataFrame]:
    return _firm()


def _run(firm: tuple[pd.DataFrame, pd.DataFrame], **more: Any) -> RetentionResult:
    rows, traits = firm
    config = more.pop("config", PipelineConfig())
    more = {"customers": traits, "customer_columns": COLUMNS, **more}
    return RetentionPipeline(config).run(rows, as_of=AS_OF, **more)


@pytest.fixture(scope="module")
def result(firm: tuple[pd.DataFrame, pd.DataFrame]) -> RetentionResult:
    return _run(firm)


def test_the_lifetime_model_of_the_run_is_the_one_fitted_by_hand(
    firm: tuple[pd.DataFrame, pd.DataFrame], result: RetentionResult
) -> None:
    summary = summarize_customers(firm[0], as_of=AS_OF)
    table = Covariates.from_customers(firm[1], summary.customer_id)
    config = PipelineConfig().covariates
    by_hand = fit_with_covariates(summary, table, config=config)
    assert isinstance(result.model.purchase_model, CovariateModel)
    assert result.model.purchase_model.parameters == pytest.approx(by_hand.parameters, rel=1e-6)
    alive = by_hand.bind(table).p_alive(summary)
    np.testing.assert_allclose(result.customers.to_frame()["p_alive"], alive, rtol=1e-6)


def test_who_bought_once_is_told_apart_by_what_is_known(
    firm: tuple[pd.DataFrame, pd.DataFrame], result: RetentionResult
) -> None:
    plain = RetentionPipeline().run(firm[0], as_of=AS_OF)
    web = firm[1].set_index("customer_id")["web"]
    for found, told in ((result, True), (plain, False)):
        view = found.customers.to_frame()
        young = view[(view["frequency"] == 0) & (view["age"] < 15)]
        means = young.groupby(young["customer_id"].map(web))[["p_active", "lifetime_value"]].mean()
        ratio = means.loc[True] / means.loc[False]
        assert (ratio > 1.25).all() == told


def test_one_customer_alone_from_json(
    firm: tuple[pd.DataFrame, pd.DataFrame], result: RetentionResult
) -> None:
    model = FittedPipeline.from_json(result.model.to_json())
    assert model == result.model
    one = result.history.take(np.array([7]))
    known = firm[1].set_index("customer_id").loc[one.customer_id, ["web", "size"]]
    facts = CustomerFacts(
        customer_id=one.customer_id,
        covariates=Covariates(known.to_numpy(dtype=np.float64), names=("web", "size")),
    )
    alone = model.score(one, facts=facts).to_frame()[SHOWN].iloc[0]
    together = result.customers.to_frame()[SHOWN].iloc[7]
    np.testing.assert_allclose(alone, together, rtol=1e-9)
    with pytest.raises(SchemaError, match="web, size"):
        model.score(one)


def test_the_order_of_the_customers_table_does_not_matter(
    firm: tuple[pd.DataFrame, pd.DataFrame], result: RetentionResult
) -> None:
    shuffled = firm[1].sample(frac=1.0, random_state=1)
    again = _run((firm[0], shuffled)).customers.to_frame()[SHOWN]
    pd.testing.assert_frame_equal(again, result.customers.to_frame()[SHOWN], check_exact=True)


def test_unknown_covariates_stand_at_the_mean_and_are_counted(
    firm: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    rows, traits = firm
    found = _run((rows, traits.iloc[:850]))
    assert any("covariates of 50 customers are unknown" in note for note in found.model.notes)
    assert dict(found.model.covariate_means)["web"] == traits["web"].iloc[:850].mean()
    assert found.customers.to_frame()[SHOWN].notna().all(axis=None)


def test_what_cannot_be_used_is_said(firm: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    rows, traits = firm
    alike = traits.assign(web=True, size=1.0)
    found = _run((rows, alike))
    assert found.model.covariate_means == ()
    assert any(gap.why.startswith("no covariates") for gap in found.gaps)
    nbd = _run(firm, config=PipelineConfig(purchase_model="nbd"))
    assert any("NBD takes none" in note for note in nbd.model.notes)


def test_a_protected_attribute_is_no_covariate(firm: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    columns = CustomerColumns(covariates=("web",), protected_attributes=("web",))
    with pytest.raises(SchemaError, match="protected"):
        _run(firm, customer_columns=columns)


def test_contracts_alone_say_that_covariates_are_not_used() -> None:
    start = pd.date_range("2023-01-01", periods=60, freq="7D")
    contracts = pd.DataFrame({"customer_id": range(60), "start": start, "end": "", "amount": 9.0})
    traits = pd.DataFrame({"customer_id": range(60), "web": np.arange(60) % 2})
    found = RetentionPipeline().run(
        contracts=contracts,
        customers=traits,
        customer_columns=CustomerColumns(covariates=("web",)),
        as_of=AS_OF,
    )
    assert any("covariates are not used" in gap.why for gap in found.gaps)


class OwnRate:
    """Least squares on the logarithm of money."""

    def fit(self, features: FloatArray, money: FloatArray, weights: FloatArray) -> None:
        x = np.column_stack([np.ones(len(features)), features])
        root = np.sqrt(weights)[:, None]
        self.beta = np.linalg.lstsq(x * root, np.log1p(money) * root[:, 0], rcond=1e-6)[0]

    def predict(self, features: FloatArray) -> FloatArray:
        fitted = np.column_stack([np.ones(len(features)), features]) @ self.beta
        return np.asarray(np.expm1(np.clip(fitted, 0.0, 12.0)))


def test_an_estimator_of_the_users_own_through_the_run(
    firm: tuple[pd.DataFrame, pd.DataFrame], result: RetentionResult
) -> None:
    own = OwnRate()
    found = _run(firm, estimator=own)
    forecast, plain = found.model.forecast, result.model.forecast
    assert forecast is not None
    assert plain is not None
    trial = forecast.estimator
    assert trial is not None
    assert trial.origins > 0
    money = found.customers.to_frame()["expected_value"]
    before = result.customers.to_frame()["expected_value"]
    assert trial.chosen != money.equals(before)
    model = FittedPipeline.from_json(found.model.to_json())
    again = model.score(found.history, facts=found.scores.facts, estimator=own)
    np.testing.assert_array_equal(again.to_frame()["expected_value"], money)
