"""Fits and predictions of purchase models beside lifetimes' on the same simulated customers.

Run: python -m pytest benchmarks/test_lifetime.py -s
Promises: BG/NBD on 1,000,000 customers at least 12 times faster than lifetimes' fit, and not
slower than its weighted fit on our distinct rows; Pareto/NBD on 100,000 at least 12 times;
P(alive), purchases of a year and lifetime value of 1,000,000 at least 8 times; the chance to exceed
three values at once at least 5 times faster than one value customer by customer and count by count.
"""

from __future__ import annotations

import resource
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.lifetime import (
    BgNbdModel,
    GammaGammaModel,
    PurchaseHistories,
    compress_histories,
    fit_bg_nbd,
    fit_mbg_nbd,
    fit_pareto_nbd,
    from_lifetimes,
    probability_value_exceeds_at,
    to_lifetimes,
)
from retainkit.simulate import make_purchase_histories
from retainkit.typing import FloatArray

MILLION = 1_000_000
SPEND = GammaGammaModel(p=6.25, q=3.74, gamma=15.44)
YEAR = 365.25 / 7


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = function()
    return perf_counter() - start, result


def best_of(rounds: int, function: Callable[[], Any]) -> tuple[float, Any]:
    runs = [timed(function) for _ in range(rounds)]
    return min(seconds for seconds, _ in runs), runs[-1][1]


def histories(n: int) -> PurchaseHistories:
    made = make_purchase_histories(n, seed=7)
    return PurchaseHistories(
        frequency=made.frequency, recency=made.recency, age=made.age, unit="week"
    )


@pytest.fixture(scope="module")
def million() -> PurchaseHistories:
    return histories(MILLION)


def lifetimes_fit(name: str, columns: tuple[FloatArray, ...], weights: Any = None) -> Any:
    import lifetimes

    return getattr(lifetimes, name)().fit(*columns, weights=weights)


def tell(what: str, ours: float, theirs: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\n{what}: ours {ours:.2f} s, lifetimes {theirs:.2f} s: x {theirs / ours:.1f}; "
        f"peak of the process so far {peak:,.0f} MiB"
    )


def test_bg_nbd_fit(million: PurchaseHistories) -> None:
    columns = (million.frequency, million.recency, million.age)
    ours, model = best_of(3, lambda: fit_bg_nbd(million))
    tell("BG/NBD fit, before lifetimes ran", ours, ours)
    raw, fitter = timed(lambda: lifetimes_fit("BetaGeoFitter", columns))
    tell("BG/NBD fit, 1,000,000 customers, raw", ours, raw)
    theirs = from_lifetimes(fitter, unit="week").log_likelihood
    assert model.log_likelihood is not None
    assert theirs is not None
    assert model.log_likelihood >= theirs
    assert raw >= 12.0 * ours

    def compressed() -> Any:
        rows = compress_histories(million)
        return lifetimes_fit(
            "BetaGeoFitter", (rows.frequency, rows.recency, rows.age), rows.weights
        )

    weighted, _ = timed(compressed)
    tell("BG/NBD fit, lifetimes with weights on our distinct rows", ours, weighted)
    assert ours <= weighted


def test_pareto_nbd_fit() -> None:
    base = histories(100_000)
    columns = (base.frequency, base.recency, base.age)
    ours, _ = best_of(3, lambda: fit_pareto_nbd(base))
    theirs, _ = timed(lambda: lifetimes_fit("ParetoNBDFitter", columns))
    tell("Pareto/NBD fit, 100,000 customers", ours, theirs)
    assert theirs >= 12.0 * ours


def test_predictions(million: PurchaseHistories) -> None:
    model = BgNbdModel(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    money = np.random.default_rng(1).gamma(6.0, 6.0, MILLION)

    def predict() -> tuple[FloatArray, FloatArray, FloatArray]:
        rows = compress_histories(million)
        alive, expected = model.p_alive(rows), model.expected_purchases(rows, horizon=YEAR)
        discounted = model.discounted_purchases(rows, annual_discount_rate=0.1, horizon=YEAR)
        spend = SPEND.expected_spend(million.frequency, money)
        return rows.expand(alive), rows.expand(expected), rows.expand(discounted) * spend

    fitter, spend = to_lifetimes(model), to_lifetimes(SPEND)
    frame = [pd.Series(c) for c in (million.frequency, million.recency, million.age)]

    def predict_theirs() -> Any:
        alive = fitter.conditional_probability_alive(*frame)
        expected = fitter.conditional_expected_number_of_purchases_up_to_time(YEAR, *frame)
        value = spend.customer_lifetime_value(
            fitter, *frame, pd.Series(money), time=12, discount_rate=0.1 / 12, freq="W"
        )
        return alive, expected, value

    ours, (alive, expected, _) = best_of(3, predict)
    theirs, (their_alive, their_expected, _) = timed(predict_theirs)
    np.testing.assert_allclose(alive, their_alive, rtol=1e-9)
    np.testing.assert_allclose(expected, their_expected, rtol=1e-7)
    tell("P(alive), purchases of a year, lifetime value; 1,000,000 customers", ours, theirs)
    assert theirs >= 8.0 * ours


def test_chance_of_a_value(million: PurchaseHistories) -> None:
    """The plain sum is taken on the first 20,000 customers, and is proportional to their number."""
    from scipy.special import betainc

    model, share = fit_mbg_nbd(million), 20_000
    money = np.random.default_rng(1).gamma(6.0, 6.0, MILLION)
    few = PurchaseHistories(
        frequency=million.frequency[:share],
        recency=million.recency[:share],
        age=million.age[:share],
        unit="week",
    )

    def at_once() -> FloatArray:
        return probability_value_exceeds_at(
            [50.0, 100.0, 400.0],
            million,
            monetary_value=money,
            purchase_model=model,
            spend_model=SPEND,
            horizon=YEAR,
            annual_discount_rate=0.0,
        )

    def plainly() -> FloatArray:
        x = few.frequency
        scale = SPEND.gamma + x * money[:share]
        total, left = np.zeros(share), np.ones(share)
        law = model.purchase_probabilities(few, horizon=YEAR, max_count=400)
        left -= law[:, 0]
        for count in range(1, 401):
            here = np.flatnonzero(left > 1e-9)
            ratio = scale[here] / (scale[here] + 100.0)
            over = betainc(SPEND.q + SPEND.p * x[here], SPEND.p * count, ratio)
            total[here] += law[here, count] * over
            left -= law[:, count]
        return total

    ours, found = best_of(2, at_once)
    part, truth = timed(plainly)
    plain = part * MILLION / share
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\nchance to exceed three values, 1,000,000 customers: {ours:.2f} s, one by the plain "
        f"sum {plain:.1f} s: x {plain / ours:.1f}; peak of the process so far {peak:,.0f} MiB"
    )
    np.testing.assert_allclose(found[:share, 1], truth, atol=1e-7)
    assert plain >= 5.0 * ours


def test_a_base_of_equal_customers() -> None:
    """Rates equal, dropout equal: the optimum lies at infinity, and is found in seconds."""
    rng = np.random.default_rng(5)
    age = rng.integers(182, 364, MILLION)
    gaps = np.ceil(7 * rng.exponential(1 / 0.3, (12, MILLION))).cumsum(axis=0)
    stays = (rng.random((12, MILLION)) > 0.2).cumprod(axis=0)
    bought = (gaps <= age) & (stays > 0)
    base = PurchaseHistories(
        frequency=bought.sum(axis=0),
        recency=(gaps * bought).max(axis=0) / 7,
        age=age / 7,
        unit="week",
    )
    seconds, model = timed(lambda: fit_mbg_nbd(base))
    print(f"\nequal customers: {seconds:.2f} s, {model.iterations} steps, {model.boundary}")
    assert model.boundary
