"""What cannot be fitted is refused with the column, the reason and the way out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import (
    AlignmentError,
    ConvergenceError,
    InvalidTableError,
    NotComputableError,
    RetainkitWarning,
    SchemaError,
)
from retainkit.lifetime import CovariateConfig, Covariates, PurchaseHistories, fit_with_covariates
from tests.lifetime import covariate_oracle as oracle

NONE = np.zeros(2)
HISTORY, Z = oracle.draw_beta_geometric(
    800, rate=np.array([0.4, -0.3]), a=NONE, b=NONE, first=True, seed=2
)
TABLE = pd.DataFrame(Z, columns=["group", "score"])
ODDS = CovariateConfig(dropout_effects="odds")


def test_texts_and_dates_are_no_covariates() -> None:
    for values in (["a", "b"] * 400, pd.date_range("2020-01-01", periods=800)):
        with pytest.raises(SchemaError, match="channel") as error:
            fit_with_covariates(HISTORY, TABLE.assign(channel=values))
        assert "get_dummies" in str(error.value)
    category = pd.Series([1, 2] * 400, dtype="category")
    with pytest.raises(SchemaError, match="category"):
        fit_with_covariates(HISTORY, TABLE.assign(channel=category))


def test_dummies_are() -> None:
    letters = pd.DataFrame({"channel": np.random.default_rng(0).choice(["a", "b", "c"], 800)})
    dummies = pd.get_dummies(letters, drop_first=True)
    model = fit_with_covariates(HISTORY, dummies, config=CovariateConfig(dropout=()))
    assert model.covariates == ("channel_b", "channel_c")
    with pytest.raises(NotComputableError, match="'channel_c' is a linear combination") as error:
        fit_with_covariates(HISTORY, pd.get_dummies(letters))
    assert "reference group" in str(error.value)


def test_any_table_will_do() -> None:
    import polars as pl
    import pyarrow as pa

    expected = fit_with_covariates(HISTORY, TABLE, config=ODDS)
    columns = {name: TABLE[name].to_numpy() for name in TABLE}
    nullable = TABLE.assign(group=TABLE["group"].astype("boolean")).convert_dtypes()
    tables: tuple[Any, ...] = (
        pl.DataFrame(columns),
        pa.table(columns),
        nullable,
        TABLE.set_index(np.arange(800)[::-1]),
        Covariates(Z, names=("group", "score")),
    )
    for table in tables:
        assert fit_with_covariates(HISTORY, table, config=ODDS) == expected


def test_gaps_are_counted() -> None:
    gaps = TABLE.copy()
    gaps.loc[[1, 5, 9], "score"] = np.nan
    with pytest.raises(InvalidTableError, match=r"score \(3\) of 800"):
        fit_with_covariates(HISTORY, gaps)
    with pytest.raises(InvalidTableError, match="infinite values in 'score'"):
        fit_with_covariates(HISTORY, gaps.fillna(np.inf))
    nullable = gaps.convert_dtypes()
    with pytest.raises(InvalidTableError, match="score"):
        fit_with_covariates(HISTORY, nullable)


@pytest.mark.parametrize("value", [0.0, 7.0, 1e12])
def test_a_constant_is_refused(value: float) -> None:
    with pytest.raises(NotComputableError, match="'same' is the same for all"):
        fit_with_covariates(HISTORY, TABLE.assign(same=value))


def test_a_constant_beside_customers_without_weight_is_refused() -> None:
    flag = np.zeros(800)
    flag[0] = 1.0
    weights = 1.0 - flag
    with pytest.raises(NotComputableError, match="'flag' is the same for all"):
        fit_with_covariates(HISTORY, TABLE.assign(flag=flag), weights=weights)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9, 1e200])
def test_a_linear_combination_is_refused(scale: float) -> None:
    both = TABLE.assign(both=scale * (TABLE["group"] - 3 * TABLE["score"] + 2))
    with pytest.raises(NotComputableError, match=r"'both' is .* of \['group', 'score'\]"):
        fit_with_covariates(HISTORY, both)


def test_the_same_column_may_act_on_rate_and_dropout() -> None:
    assert fit_with_covariates(HISTORY, TABLE, config=ODDS).log_likelihood is not None
    config = CovariateConfig(rate=("score",), dropout=("twin",), dropout_effects="odds")
    twin = TABLE.assign(twin=2 * TABLE["score"])
    assert len(fit_with_covariates(HISTORY, twin, config=config).effects) == 2


@pytest.mark.parametrize("law", ["mbg_nbd", "bg_nbd", "pareto_nbd"])
def test_a_group_without_repeat_purchase_is_refused_or_shrunk(law: Any) -> None:
    never = (HISTORY.frequency == 0) & (np.arange(800) % 3 == 0)
    table = pd.DataFrame({"never": never})
    config = CovariateConfig(law=law, dropout=())
    with pytest.raises(NotComputableError, match="with never = 1 bought again") as error:
        fit_with_covariates(HISTORY, table, config=config)
    assert "effect_prior_sd" in str(error.value)
    model = fit_with_covariates(HISTORY, table, config=config.replace(effect_prior_sd=0.5))
    assert model.effects[0].value < -1.0


def test_an_effect_without_bound_is_an_error_that_names_it() -> None:
    """Whoever has a high score never bought again: the rate falls without end."""
    score = np.where(HISTORY.frequency == 0, 1.0, 0.0) + np.arange(800) % 7 / 1e3
    with pytest.raises(ConvergenceError, match="rate:score") as error:
        fit_with_covariates(
            HISTORY, pd.DataFrame({"score": score}), config=CovariateConfig(dropout=())
        )
    assert "effect_prior_sd" in str(error.value)


def test_too_little_patience_is_an_error() -> None:
    with pytest.raises(ConvergenceError, match="1 iterations"):
        fit_with_covariates(HISTORY, TABLE, config=CovariateConfig(max_iterations=1))


def test_a_baseline_far_from_all_customers_is_refused() -> None:
    years = TABLE.assign(score=TABLE["score"] + 1e6)
    with pytest.raises(NotComputableError, match="covariates are all 0"):
        fit_with_covariates(HISTORY, years, config=ODDS)


def test_more_purchases_than_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retainkit.lifetime.covariates._search._MOST_CHANCES", 1000)
    with pytest.raises(NotComputableError, match="800 different profiles") as error:
        fit_with_covariates(HISTORY, TABLE, config=ODDS)
    assert "pareto_nbd" in str(error.value)
    assert fit_with_covariates(HISTORY, TABLE[["group"]], config=ODDS).n == 800


def test_heavy_buyers_are_fitted() -> None:
    """Rates 50 times higher, hundreds of purchases each: the effect is found all the same."""
    rng = np.random.default_rng(8)
    z = rng.normal(size=400)
    rate = rng.gamma(0.8, 8.0, 400) * np.exp(0.4 * z)
    chances = rng.geometric(rng.beta(0.9, 60.0, 400)) - 1
    count = rng.poisson(rate * 50.0)
    frequency = np.minimum(count, chances)
    recency = np.zeros(400)
    for i in range(400):
        times = np.sort(rng.uniform(0.0, 50.0, count[i]))
        recency[i] = times[frequency[i] - 1] if frequency[i] else 0.0
    history = PurchaseHistories(
        frequency=frequency, recency=recency, age=np.full(400, 50.0), unit="week"
    )
    config = CovariateConfig(dropout=())
    model = fit_with_covariates(history, pd.DataFrame({"z": z}), config=config)
    assert history.frequency.max() > 500
    effect = model.effect_table().iloc[0]
    assert abs(effect["effect"] - 0.4) < 3 * effect["standard_error"] < 0.3


def test_a_base_at_its_limit_is_told() -> None:
    """Nobody drops out: the base is at its limit, and effects on the rate are still found."""
    rng = np.random.default_rng(6)
    z = rng.random(1500) < 0.5
    rate = rng.gamma(1.5, 1 / 6.0, 1500) * np.exp(0.5 * z)
    count = rng.poisson(rate * 40.0)
    last = 40.0 * rng.random(1500) ** (1 / np.maximum(count, 1))
    history = PurchaseHistories(
        frequency=count,
        recency=np.where(count > 0, last, 0.0),
        age=np.full(1500, 40.0),
        unit="week",
    )
    table = pd.DataFrame({"z": z})
    with pytest.warns(RetainkitWarning, match="no_dropout") as caught:
        model = fit_with_covariates(
            history, table, config=CovariateConfig(law="bg_nbd", dropout=())
        )
    assert caught[0].filename == __file__
    assert "no_dropout" in model.boundary
    effect = model.effect_table().iloc[0]
    assert abs(effect["effect"] - 0.5) < 3 * effect["standard_error"]
    with pytest.raises(ConvergenceError, match="dropout"):
        fit_with_covariates(
            history, table, config=CovariateConfig(law="bg_nbd", dropout_effects="odds")
        )


def test_shapes_and_names_are_checked() -> None:
    with pytest.raises(AlignmentError, match="799 customers for 800"):
        fit_with_covariates(HISTORY, TABLE.iloc[1:])
    with pytest.raises(SchemaError, match="no covariate 'scor'"):
        fit_with_covariates(HISTORY, TABLE, config=CovariateConfig(rate=("scor",)))
    with pytest.raises(SchemaError, match="acts on anything"):
        fit_with_covariates(HISTORY, TABLE, config=CovariateConfig(rate=(), dropout=()))
    with pytest.raises(SchemaError, match="repeated"):
        Covariates(Z, names=("z", "z"))
    with pytest.raises(SchemaError, match="shape"):
        Covariates(Z, names=("z",))
    with pytest.raises(SchemaError, match="numbers"):
        Covariates([["a"]], names=("z",))
    with pytest.raises(SchemaError, match="no covariate"):
        Covariates.from_frame(TABLE, columns=("groop",))


def test_few_customers_are_refused() -> None:
    history = PurchaseHistories(
        frequency=HISTORY.frequency[:7],
        recency=HISTORY.recency[:7],
        age=HISTORY.age[:7],
        unit="week",
    )
    with pytest.raises(NotComputableError, match="7 customers"):
        fit_with_covariates(history, TABLE.iloc[:7], config=ODDS)
