from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import AlignmentError, SchemaError
from retainkit.typing import FloatArray
from retainkit.value import (
    BehaviorTable,
    compose_potential,
    fit_value_scheme,
    measure_wallet,
    score_value,
    summarize_behavior,
    summarize_customers,
)
from retainkit.value._config import ValueCriterion

AS_OF = "2024-12-31"


def make_behavior(trend: FloatArray, base: float = 0.0, error: float = 0.5) -> BehaviorTable:
    rows = pd.DataFrame(
        {
            "customer_id": np.arange(len(trend)),
            "timestamp": pd.Timestamp("2024-06-30"),
            "amount": 100.0,
        }
    )
    reach = 1.959963984540054 * error  # the two-sided 95 % point of the normal distribution
    return dataclasses.replace(
        summarize_behavior(rows, as_of=AS_OF),
        occasions=np.full(len(trend), 4, dtype=np.int32),
        spending_trend=trend,
        trend_low=(1.0 + trend) * np.exp(-reach) - 1.0,
        trend_high=(1.0 + trend) * np.exp(reach) - 1.0,
        base_trend=base,
    )


def make_rows(rng: np.random.Generator, early: FloatArray, recent: FloatArray) -> pd.DataFrame:
    """Poisson purchases of 10 each, at one mean number in the half-year and at another after it."""
    counts = np.column_stack([rng.poisson(early), rng.poisson(recent)])
    who = np.repeat(np.arange(len(early)), counts.sum(axis=1))
    day = np.concatenate(
        [
            np.concatenate([rng.integers(0, 90, a), rng.integers(90, 180, b)])
            for a, b in counts.tolist()
        ]
    )
    start = np.datetime64("2024-07-05")  # the 180 days that end at AS_OF
    first = pd.DataFrame({"customer_id": np.arange(len(early)), "timestamp": start, "amount": 10.0})
    rest = pd.DataFrame(
        {"customer_id": who, "timestamp": start + day.astype("timedelta64[D]"), "amount": 10.0}
    )
    return pd.concat([first, rest], ignore_index=True)


def test_growth_by_hand() -> None:
    # doubled: the recent level is 2/3 of both windows, 1/3 above their average; halved: 1/3 below
    potential = compose_potential(
        np.array([30.0, 30.0, 30.0, 30.0, np.nan]),
        make_behavior(np.array([1.0, -0.5, 0.0, np.nan, 1.0])),
    )
    npt.assert_allclose(potential.growth, [1.0, -0.5, 0.0, np.nan, 1.0])
    npt.assert_allclose(potential.growth_part, [5.0, -5.0, 0.0, 0.0, np.nan])
    npt.assert_allclose(potential.total, [35.0, 25.0, 30.0, 30.0, np.nan])
    npt.assert_allclose(potential.growth_error[:3], 0.5)


def test_growth_is_counted_beyond_that_of_the_base() -> None:
    # everybody doubled: that is the season's or the firm's, nobody's own
    potential = compose_potential(np.full(2, 30.0), make_behavior(np.array([1.0, 3.0]), base=1.0))
    npt.assert_allclose(potential.growth_part, [0.0, 5.0])


def test_growth_is_bounded() -> None:
    # 1 + growth within 1/4 and 4: of 30, half of 3/5 is added and half of -3/5 taken at most
    potential = compose_potential(np.full(3, 30.0), make_behavior(np.array([49.0, -0.99, 3.0])))
    npt.assert_allclose(potential.growth, [3.0, -0.75, 3.0])
    npt.assert_allclose(potential.growth_part, [9.0, -9.0, 9.0])


def test_growth_is_not_known_without_evidence() -> None:
    """One purchase is no change of spending; nor is one that chance explains up to a factor e."""
    trend = np.array([1.0, 1.0])
    once = dataclasses.replace(make_behavior(trend), occasions=np.array([1, 2], dtype=np.int32))
    potential = compose_potential(np.full(2, 30.0), once)
    npt.assert_array_equal(potential.growth, [np.nan, 1.0])
    npt.assert_allclose(potential.growth_part, [0.0, 5.0])
    vague = compose_potential(np.full(2, 30.0), make_behavior(trend, error=1.1))
    assert np.isnan(vague.growth).all()
    npt.assert_array_equal(vague.growth_part, 0.0)
    sure = compose_potential(np.full(2, 30.0), make_behavior(trend, error=0.9))
    assert np.isfinite(sure.growth).all()


def test_the_wallet_adds_its_attainable_room() -> None:
    behavior = make_behavior(np.array([1.0, 0.0]))
    customers = pd.DataFrame({"customer_id": [0], "category_spending": [500.0]})
    wallet = measure_wallet(behavior, customers)
    potential = compose_potential(
        np.full(2, 30.0), behavior, wallet=wallet, attainable=0.1, horizon_days=365.25 / 2
    )
    npt.assert_allclose(potential.wallet_part, [20.0, 0.0])  # (500 - 100) * 0.1 / 2
    npt.assert_allclose(potential.total, [55.0, 30.0])
    alone = compose_potential(np.full(2, 30.0), wallet=wallet, attainable=0.1)
    npt.assert_allclose(alone.total, [70.0, 30.0])
    assert np.isnan(alone.growth).all()
    assert np.isnan(alone.growth_error).all()
    npt.assert_array_equal(alone.growth_part, 0.0)


@given(
    st.lists(st.tuples(st.floats(0.0, 1e6), st.floats(-1.0, 50.0)), min_size=1, max_size=20),
    st.floats(0.0, 1.0),
)
@settings(deadline=None, derandomize=True, max_examples=60)
def test_parts_sum_to_the_potential_and_the_score(
    customers: list[tuple[float, float]], weight: float
) -> None:
    """Expected, growth and wallet add up to the total, and their scores to the criterion's."""
    expected, trend = (np.array(column) for column in zip(*customers, strict=True))
    potential = compose_potential(expected, make_behavior(trend), growth_weight=weight)
    parts = potential.expected + potential.growth_part + potential.wallet_part
    assert (np.abs(parts - potential.total) <= 1e-15 * expected).all()
    assert (np.abs(potential.growth_part) <= weight * expected * (1.0 + 1e-12)).all()
    score = np.linspace(0.0, 0.4, len(expected)) * (potential.total != 0.0)
    split = potential.split(score)
    # Where growth takes nearly all, large parts of opposite signs cancel.
    assert (np.abs(split.sum(axis=1) - score) <= 1e-14 * split.abs().sum(axis=1)).all()


def test_the_score_of_four_criteria_still_decomposes() -> None:
    rng = np.random.default_rng(4)
    rows = make_rows(rng, np.full(60, 4.0), rng.choice([2.0, 8.0], 60))
    summary, behavior = (
        summarize_customers(rows, as_of=AS_OF),
        summarize_behavior(rows, as_of=AS_OF),
    )
    potential = compose_potential(summary.total_amount, behavior)
    scheme = fit_value_scheme(summary, future_value=potential.total)
    table = score_value(summary, scheme, future_value=potential.total)
    parts = table.parts()
    future = parts[ValueCriterion.FUTURE_POTENTIAL]
    split = potential.split(future)
    npt.assert_allclose(split.sum(axis=1), future, rtol=1e-12)
    others = parts[ValueCriterion.HISTORICAL_CONTRIBUTION]
    npt.assert_allclose(others + split.sum(axis=1), table.score, rtol=1e-12)
    assert ((split["growth"] > 0) == (potential.growth > 0)).all()


def test_growth_that_is_real_foretells() -> None:
    """Where half the customers grow and half shrink, what comes is nearer with growth."""
    rng = np.random.default_rng(11)
    early, recent = np.full(400, 12.0), np.repeat([4.0, 36.0], 200)
    rows = make_rows(rng, early, recent)
    comes = 10.0 * rng.poisson(recent)  # the next 90 days, at the recent level
    behavior = summarize_behavior(rows, as_of=AS_OF)
    average = (behavior.recent_spend + behavior.earlier_spend) / 2.0

    def miss(weight: float) -> float:
        total = compose_potential(average, behavior, growth_weight=weight).total
        return float(np.abs(total - comes).mean())

    assert miss(1.0) < miss(0.5) < miss(0.0)
    chance = float(np.abs(10.0 * recent - comes).mean())  # what nobody can foretell
    assert miss(1.0) - chance < 0.5 * (miss(0.0) - chance)


def test_growth_by_chance_adds_next_to_nothing() -> None:
    """Where nobody's rate changes, the differences are chance, and the shrinkage says so."""
    rows = make_rows(np.random.default_rng(12), np.full(2000, 3.0), np.full(2000, 3.0))
    behavior = summarize_behavior(rows, as_of=AS_OF)
    potential = compose_potential(np.full(2000, 100.0), behavior, growth_weight=1.0)
    own = behavior.recent_spend / (behavior.recent_spend + behavior.earlier_spend)
    assert np.nanstd(own) > 0.15  # as they look, without shrinkage
    assert np.abs(potential.growth_part).mean() < 1.5


def test_refuses() -> None:
    behavior = make_behavior(np.array([1.0, 0.0]))
    with pytest.raises(AlignmentError, match="behavior"):
        compose_potential(np.ones(3), behavior)
    with pytest.raises(SchemaError, match="growth_weight"):
        compose_potential(np.ones(2), behavior, growth_weight=1.5)
    with pytest.raises(SchemaError, match="neither"):
        compose_potential(np.ones(2))
    with pytest.raises(AlignmentError, match="part"):
        compose_potential(np.ones(2), behavior).split(np.ones(3))


def test_shows_itself() -> None:
    potential = compose_potential(np.array([30.0, 0.0]), make_behavior(np.array([1.0, 0.0])))
    assert list(potential.to_frame()) == [
        "customer_id", "expected", "growth", "growth_error", "growth_part", "wallet_part", "total",
    ]  # fmt: skip
    table = potential.summary()
    assert table["money"].to_dict() == {
        "expected": 30.0,
        "growth": 5.0,
        "wallet": 0.0,
        "total": 35.0,
    }
    assert table["customers"].to_dict() == {"expected": 1, "growth": 1, "wallet": 0, "total": 1}
    again = pickle.loads(pickle.dumps(potential))
    npt.assert_array_equal(again.total, potential.total)
