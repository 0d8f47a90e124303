"""Lifetime value at any horizon equals the integral of its density, by mpmath."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pandas as pd
import pytest

from retainkit.lifetime import (
    BgNbdModel,
    CovariateEffect,
    CovariateModel,
    Covariates,
    MbgNbdModel,
    NbdModel,
    ParetoNbdModel,
    PurchaseModel,
)
from retainkit.value import CustomerSummary, expected_lifetime_value, summarize_customers

MODELS: tuple[Any, ...] = (
    MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week"),
    BgNbdModel(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week"),
    ParetoNbdModel(r=0.553, alpha=10.578, s=0.606, beta=11.669, unit="week"),
    NbdModel(r=0.385, alpha=12.07, unit="week"),
)
DAYS = (
    ("once", "2026-01-05"), ("twice", "2026-01-05"), ("twice", "2026-08-03"),
    *(("weekly", str(day.date())) for day in pd.date_range("2026-01-05", periods=40, freq="7D")),
)  # fmt: skip


def customers() -> CustomerSummary:
    """Three customers who spend 1 on each purchase."""
    frame = pd.DataFrame(DAYS, columns=["customer_id", "timestamp"]).assign(amount=1.0)
    frame["timestamp"] = pd.to_datetime(frame["timestamp"])
    return summarize_customers(frame, as_of="2026-10-12", unit="week")


def density(model: Any, x: float, T: float) -> Any:
    """Return purchases per week of a customer alive at T, as a function of the weeks after."""
    s, c = model.r + x, model.alpha + T
    if model.kind == "nbd":
        return lambda t: s / c  # noqa: ARG005
    if model.kind == "pareto_nbd":
        e = model.beta + T
        return lambda t: s / c * (e / (e + t)) ** model.s
    b = model.b + x + (1.0 if model.kind == "mbg_nbd" else 0.0)
    # E[(1 + p u)^-(s + 1)] over p ~ Beta(a, b) is 2F1(s + 1, a; a + b; -u)
    return lambda t: s / c * mp.hyp2f1(s + 1.0, model.a, model.a + b, -t / c)


RATES = (0.02, 0.1, 0.5)
HORIZONS = (365.25, 4_000.0, 100_000.0, 1e7)
PAIRS = [
    pytest.param(model, RATES[(i + j) % 3], days, id=f"{model.kind}-{RATES[(i + j) % 3]}-{days:g}")
    for i, model in enumerate(MODELS)
    for j, days in enumerate(HORIZONS)
]
"""Every model at every horizon and rate, every rate at every horizon."""


@pytest.mark.parametrize(("model", "rate", "days"), PAIRS)
def test_value_is_the_discounted_density_of_purchases(model: Any, rate: float, days: float) -> None:
    summary = customers()
    found = expected_lifetime_value(summary, model, horizon_days=days, annual_discount_rate=rate)
    alive = model.p_alive(summary)
    force = float(np.log1p(rate)) * 7.0 / 365.25
    end = min(days / 7.0, 60.0 / force)
    edges = [0.0, *(float(e) for e in 2.0 ** np.arange(2, 20) if e < end), end]
    for i in range(len(summary)):
        flow = density(model, float(summary.frequency[i]), float(summary.age[i]))
        exact = mp.quad(lambda t, f=flow: mp.exp(-force * t) * f(t), edges, maxdegree=4)
        assert found[i] == pytest.approx(float(alive[i] * exact), rel=1e-5)


def test_value_rises_with_the_horizon_up_to_its_limit() -> None:
    """Nothing is lost beyond the decades in which the discount has eaten the rest."""
    summary = customers()
    values = np.array(
        [
            expected_lifetime_value(summary, MODELS[0], horizon_days=days)
            for days in (3_000.0, 3_652.5, 3_653.0, 10_000.0, 1e5, 1e6, 1e7)
        ]
    )
    assert (np.diff(values, axis=0) >= -1e-7 * values[1:]).all()
    endless = MODELS[0].discounted_purchases(summary, annual_discount_rate=0.1)
    np.testing.assert_allclose(values[-3:], np.tile(endless, (3, 1)), rtol=1e-9)


def test_a_bound_model_values_each_customer_by_its_profile() -> None:
    summary = customers()
    effects = (CovariateEffect(on="rate", covariate="web", value=0.4),)
    model = CovariateModel(base=MODELS[0], effects=effects)
    table = pd.DataFrame(
        {"customer_id": ["weekly", "other", "once", "twice"], "web": [1.0, 0.0, 0.0, 1.0]}
    )
    bound = model.bind(Covariates.from_customers(table, summary.customer_id))
    assert isinstance(bound, PurchaseModel)
    unbound: object = model
    assert not isinstance(unbound, PurchaseModel)
    found = expected_lifetime_value(summary, bound)
    webs = table.set_index("customer_id")["web"][summary.customer_id]
    for i, web in enumerate(webs):
        alone = expected_lifetime_value(summary.take(np.array([i])), model.at({"web": web}))
        assert found[i] == pytest.approx(alone[0], rel=1e-9)


def test_equal_histories_with_different_covariates_are_kept_apart() -> None:
    """3,000 customers, more than are evaluated one by one, with two profiles."""
    n = 3_000
    frame = pd.DataFrame(
        {"customer_id": np.arange(n), "amount": 1.0, "timestamp": pd.Timestamp("2026-01-05")}
    )
    summary = summarize_customers(frame, as_of="2026-10-12", unit="week")
    effects = (CovariateEffect(on="rate", covariate="web", value=0.4),)
    model = CovariateModel(base=MODELS[0], effects=effects)
    web = (np.arange(n) % 2).astype(np.float64)
    found = expected_lifetime_value(summary, model.bind(pd.DataFrame({"web": web})))
    for profile in (0.0, 1.0):
        plain = model.at({"web": profile})
        alone = expected_lifetime_value(summary.take(np.array([0])), plain)[0]
        np.testing.assert_allclose(found[web == profile], alone, rtol=1e-9)
