"""Fits with covariates beside the plain fit of the same histories.

Run: python -m pytest benchmarks/test_lifetime_covariates.py -s
Promise: 100,000 customers with one category cost at most 10 plain fits; no run takes 30 seconds.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.lifetime import (
    CovariateConfig,
    MbgNbdModel,
    ParetoNbdModel,
    PurchaseHistories,
    draw_histories,
    fit_mbg_nbd,
    fit_pareto_nbd,
    fit_with_covariates,
)

CUSTOMERS = 100_000
LAWS: dict[str, tuple[Any, Any]] = {
    "mbg_nbd": (MbgNbdModel(r=0.525, alpha=6.2, a=0.9, b=1.6, unit="week"), fit_mbg_nbd),
    "pareto_nbd": (
        ParetoNbdModel(r=0.55, alpha=10.6, s=0.6, beta=11.7, unit="week"),
        fit_pareto_nbd,
    ),
}


def histories(law: str) -> tuple[PurchaseHistories, pd.DataFrame]:
    """Draw on the grid of days, two groups of which one buys at twice the rate."""
    rng = np.random.default_rng(1)
    age, fast = rng.integers(100, 400, CUSTOMERS) / 7.0, rng.random(CUSTOMERS) < 0.4
    base, _ = LAWS[law]
    x, t = np.empty(CUSTOMERS), np.empty(CUSTOMERS)
    for group, model in ((~fast, base), (fast, base.replace(alpha=base.alpha / 2))):
        drawn = draw_histories(model, age[group], seed=2)
        x[group], t[group] = drawn.frequency, np.ceil(drawn.recency * 7.0) / 7.0
    traits = pd.DataFrame({"fast": fast, "score": rng.normal(size=CUSTOMERS)})
    history = PurchaseHistories(frequency=x, recency=np.minimum(t, age), age=age, unit="week")
    return history, traits


def timed(call: Any, rounds: int = 3) -> tuple[float, Any]:
    seconds, result = [], call()
    for _ in range(rounds):
        start = perf_counter()
        result = call()
        seconds.append(perf_counter() - start)
    return min(seconds), result


@pytest.mark.parametrize("law", LAWS)
def test_promised_ratio(law: str) -> None:
    history, traits = histories(law)
    config = CovariateConfig.model_validate({"law": law, "dropout_effects": "odds"})
    plain, _ = timed(lambda: LAWS[law][1](history))
    one, model = timed(lambda: fit_with_covariates(history, traits[["fast"]], config=config))
    two, _ = timed(lambda: fit_with_covariates(history, traits, config=config))
    predicted, _ = timed(lambda: model.expected_purchases(history, traits, horizon=52.0))
    print(
        f"\n{law}: plain {plain:.2f} s; one category {one:.2f} s ({one / plain:.1f} times); with a "
        f"number that differs for all {two:.2f} s ({two / plain:.1f} times); a year's purchases "
        f"{predicted:.2f} s"
    )
    assert abs(model.effects[0].value - np.log(2.0)) < 0.1
    assert one < 10 * plain
    assert two < 30.0
