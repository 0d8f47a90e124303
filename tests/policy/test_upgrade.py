"""Upgrade or maintain: Markov values by hand; probabilities that hold on other customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy.special import expit

from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError, SchemaError
from retainkit.policy import (
    MigrationEffect,
    PotentialConfig,
    UpgradeModel,
    assess_potential,
    compare_upgrades,
    decide_actions,
    fit_upgrade_model,
)
from retainkit.tiers import TierChain
from retainkit.typing import BoolArray, FloatArray
from tests.policy.helpers import scheme, tiers_of

# V(key) = 420, V(ordinary) = 160 solve V = R + P V / 1.1
CHAIN = TierChain.from_matrix(
    ("key", "ordinary", "lost"),
    [[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0, 0, 1]],
    absorbing=("lost",),
)
REWARD = {"key": 100.0, "ordinary": 20.0}


def _effect(points: float, cost: float, lasts: str = "once") -> MigrationEffect:
    return MigrationEffect.model_validate(
        {
            "measure": "course",
            "state": "ordinary",
            "shifts": (("key", points), ("ordinary", -points)),
            "cost": cost,
            "lasts": lasts,
        }
    )


def test_once_by_hand() -> None:
    table = compare_upgrades(CHAIN, [_effect(0.1, 5.0)], reward=REWARD, discount_rate=0.1)
    assert table["maintain"].tolist() == pytest.approx([160.0, 160.0])
    assert table["delta"].tolist() == pytest.approx([0.0, 0.1 * 260 / 1.1])
    assert table["gain"].tolist() == pytest.approx([0.0, 0.1 * 260 / 1.1 - 5.0])


def test_always_is_the_difference_of_two_chains() -> None:
    table = compare_upgrades(CHAIN, [_effect(0.1, 5.0, "always")], reward=REWARD, discount_rate=0.1)
    p = np.array([[0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0, 0, 1.0]])
    value = np.linalg.solve(np.eye(3) - p / 1.1, [100.0, 15.0, 0.0])
    assert table["gain"].iloc[1] == pytest.approx(value[1] - 160.0)


def test_maintain_wins_when_the_upgrade_costs_more_than_it_brings() -> None:
    dear = compare_upgrades(CHAIN, [_effect(0.1, 30.0)], reward=REWARD, discount_rate=0.1)
    assert dear.loc[dear["best"], "measure"].tolist() == ["do_nothing"]
    cheap = compare_upgrades(
        CHAIN, [_effect(0.1, 5.0), _effect(0.2, 20.0, "once")], reward=REWARD, discount_rate=0.1
    )
    assert cheap["best"].sum() == 1


def test_impossible_shifts_are_refused() -> None:
    with pytest.raises(SchemaError, match="probabilities"):
        compare_upgrades(CHAIN, [_effect(0.8, 1.0)], reward=REWARD, discount_rate=0.1)
    with pytest.raises(SchemaError, match="no state"):
        compare_upgrades(
            CHAIN, [_effect(0.1, 1.0).replace(state="gold")], reward=REWARD, discount_rate=0.1
        )
    with pytest.raises(ValidationError, match="sum to"):
        MigrationEffect(measure="course", state="x", shifts=(("key", 0.1),))


def test_what_the_chain_does_not_know_stays_unknown() -> None:
    blank = [float("nan")] * 3
    chain = TierChain.from_matrix(
        ("key", "ordinary", "lost"), [blank, [0.1, 0.7, 0.2], [0, 0, 1]], absorbing=("lost",)
    )
    table = compare_upgrades(chain, [_effect(0.1, 5.0)], reward=REWARD, discount_rate=0.1)
    assert table["gain"].isna().all()
    assert not table["best"].any()


def _base(seed: int, n: int = 30_000) -> tuple[FloatArray, BoolArray, FloatArray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    truth = expit(-2.0 + 1.2 * x[:, 0] - 0.5 * x[:, 1])
    return x, rng.random(n) < truth, truth


def test_probabilities_hold_on_customers_held_out() -> None:
    x, rose, truth = _base(0)
    model = fit_upgrade_model(x, rose)
    fresh, later, chance = _base(1)
    p = model.probability(fresh)
    assert np.abs(p - chance).mean() < 0.02
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 1.0)):
        inside = (p >= low) & (p < high)
        assert later[inside].mean() == pytest.approx(p[inside].mean(), abs=0.03)
    table = model.reliability()
    assert table["customers"].sum() == pytest.approx(6_000, rel=0.05)
    error = np.sqrt(table["predicted"] * (1 - table["predicted"]) / table["customers"])
    assert ((table["observed"] - table["predicted"]).abs() < 4 * error).all()
    assert model.skill == pytest.approx(1 - np.mean(truth * (1 - truth)) / rose.var(), abs=0.03)


def test_model_round_trips_and_ignores_the_order_of_rows() -> None:
    x, rose, _ = _base(2, 4_000)
    model = fit_upgrade_model(pd.DataFrame(x, columns=["a", "b"]), rose)
    assert model.features == ("a", "b")
    assert UpgradeModel.from_json(model.to_json()) == model
    order = np.random.default_rng(0).permutation(4_000)
    mixed = fit_upgrade_model(x[order], rose[order], customer_id=pd.Index(order))
    np.testing.assert_allclose(mixed.coefficients, model.coefficients, rtol=1e-12)
    with pytest.raises(AlignmentError):
        model.probability(x[:, :1])
    with pytest.raises(NotComputableError, match="rose"):
        fit_upgrade_model(x, np.zeros(4_000, dtype=bool))


def test_a_known_probability_decides_the_potential() -> None:
    """Cuts 1000 and 100; ordinary customers; NaN falls back to closeness to the cut."""
    table = assess_potential(
        [500.0, 500.0, 950.0, 500.0],
        scheme(),
        tier=np.array([1, 1, 1, 1]),
        probability=[0.7, 0.2, np.nan, np.nan],
        config=PotentialConfig(min_probability=0.6),
    )
    names = [table.reason_names[code] for code in table.reason]
    assert names == ["likely_to_rise", "unlikely_to_rise", "near_next_tier", "below_reach"]
    assert table.has_potential.tolist() == [True, False, True, False]
    np.testing.assert_allclose(table.expected_rise[:2], [350.0, 100.0])
    np.testing.assert_allclose(table.confidence[:2], [0.7, 0.8])
    with pytest.raises(InvalidTableError, match="outside"):
        assess_potential([500.0], scheme(), probability=[1.2])
    assert np.isnan(assess_potential([500.0], scheme()).confidence).all()


def test_a_decision_says_how_sure_its_potential_is() -> None:
    values = [500.0, 500.0, 5000.0]
    tiers = tiers_of(["ordinary", "ordinary", "key"])
    potential = assess_potential(
        values, scheme(), tier=np.array([1, 1, 0]), probability=[0.7, 0.2, 0.9]
    )
    decisions = decide_actions(tiers, potential=potential)
    assert [decisions.decision(i).confidence for i in range(3)] == [0.7, 0.8, None]
    assert [decisions.decision(i).stance.value for i in range(3)] == [
        "develop",
        "maintain",
        "protect",
    ]
    assert decisions.to_frame()["confidence"].isna().tolist() == [False, False, True]
