"""Default features of rising, by hand; a model over them against the migration matrix."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError
from retainkit.lifetime import fit_gamma_gamma, fit_mbg_nbd, probability_value_exceeds
from retainkit.policy import (
    PotentialConfig,
    UpgradeFeatures,
    UpgradeModel,
    assess_potential,
    fit_upgrades,
    next_cuts,
    upgrade_features,
)
from retainkit.tiers import (
    TierScheme,
    TierTable,
    assign_tiers,
    fit_lifecycle_scheme,
    fit_tier_scheme,
    lifecycle_stage,
)
from retainkit.typing import FloatArray
from retainkit.value import CustomerSummary, expected_lifetime_value, summarize_customers
from tests.policy.helpers import scheme


def _history() -> CustomerSummary:
    """Customers a to d: bought twice, 9 days apart, on 1 and 10 January; seen until 31 January."""
    days = pd.to_datetime(["2024-01-01", "2024-01-10"] * 4)
    rows = pd.DataFrame({"customer_id": list("aabbccdd"), "timestamp": days, "amount": [10.0] * 8})
    return summarize_customers(rows, as_of="2024-01-31")


def _tiers(history: CustomerSummary, value: list[float]) -> TierTable:
    """Cuts 1000 and 100: key, ordinary, small."""
    return assign_tiers(value, scheme(), customer_id=history.customer_id)


def test_features_by_hand() -> None:
    history = _history()
    tiers = _tiers(history, [2000.0, 500.0, 50.0, -3.0])
    features = upgrade_features(
        tiers,
        history,
        chance=[0.5, 0.5, 0.2, np.nan],
        trend=[0.0, 1.0, -1.0, np.nan],
        share_of_wallet=[1.0, 0.5, np.nan, 0.25],
        lifecycle=lifecycle_stage(
            history, fit_lifecycle_scheme(history), customer_id=history.customer_id
        ),
    )
    assert features.open.tolist() == [False, True, True, True]
    frame = features.to_frame().set_index("customer_id").loc[["b", "c", "d"]]
    expected = {
        "reach": [np.log(0.5), np.log(0.5), np.log(0.001)],
        "tier_ordinary": [1.0, 0.0, 0.0],
        "reach_ordinary": [np.log(0.5), 0.0, 0.0],
        "tenure": [np.log(31.0)] * 3,
        "inactive": [np.log(22.0)] * 3,
        "purchases": [np.log(2.0)] * 3,
        "chance": [0.0, np.log(0.2 / 0.8), 0.0],
        "chance_known": [1.0, 1.0, 0.0],
        "trend": [np.log(2.0), np.log(0.05), 0.0],
        "trend_known": [1.0, 1.0, 0.0],
        "wallet_room": [np.log(2.0), 0.0, np.log(4.0)],
        "wallet_room_known": [1.0, 0.0, 1.0],
        "silence": [np.log1p(21.0 / 9.0)] * 3,
        "silence_known": [1.0] * 3,
    }
    assert features.names == tuple(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(frame[name], values, rtol=1e-9, err_msg=name)
    assert features.summary()["feature"].tolist() == list(expected)
    np.testing.assert_array_equal(next_cuts(tiers), [np.nan, 1000.0, 100.0, 100.0])


def test_the_unit_of_time_does_not_matter() -> None:
    history = _history()
    tiers = _tiers(history, [500.0] * 4)
    one = upgrade_features(tiers, history.with_unit("week"))
    other = upgrade_features(tiers, history.with_unit("month"))
    np.testing.assert_allclose(one.table, other.table, rtol=1e-12)


def test_what_does_not_fit_is_refused() -> None:
    history = _history()
    tiers = _tiers(history, [500.0] * 4)
    with pytest.raises(AlignmentError, match="order"):
        upgrade_features(tiers, history.take(np.array([1, 0, 2, 3])))
    with pytest.raises(InvalidTableError, match="outside"):
        upgrade_features(tiers, history, chance=[1.5] * 4)
    top = _tiers(history, [5000.0] * 4)
    with pytest.raises(NotComputableError, match="nobody can rise"):
        fit_upgrades([(upgrade_features(top, history), top)])
    plain = upgrade_features(tiers, history)
    rich = upgrade_features(tiers, history, trend=[0.1] * 4)
    with pytest.raises(AlignmentError, match="in the first"):
        fit_upgrades([(plain, tiers), (rich, tiers)])
    with pytest.raises(NotComputableError, match="rose"):
        fit_upgrades([(upgrade_features(tiers, history), tiers)])


class Origin(NamedTuple):
    features: UpgradeFeatures
    tiers: TierTable
    history: CustomerSummary
    value: FloatArray


@pytest.fixture(scope="module")
def origins() -> list[Origin]:
    """CDNOW, value of the coming year, models and cuts of the first of three quarters."""
    rows = load_cdnow_sample()
    days = ("1997-12-30", "1998-03-31", "1998-06-30")
    first = summarize_customers(rows, as_of=days[0])
    model = fit_mbg_nbd(first)
    spend = fit_gamma_gamma(first.frequency, first.monetary_value)
    found: list[Origin] = []
    cuts: TierScheme | None = None
    for day in days:
        history = summarize_customers(rows, as_of=day)
        value = expected_lifetime_value(
            history,
            model,
            spend_model=spend,
            horizon_days=364.0,
            annual_discount_rate=0.0,
            margin_rate=1.0,
        )
        cuts = cuts or fit_tier_scheme(value)
        tiers = assign_tiers(value, cuts, customer_id=history.customer_id)
        chance = probability_value_exceeds(
            next_cuts(tiers),
            history,
            monetary_value=history.monetary_value,
            purchase_model=model,
            spend_model=spend,
            horizon=52.0,
        )
        found.append(Origin(upgrade_features(tiers, history, chance=chance), tiers, history, value))
    return found


def test_customers_held_out_are_predicted_better_than_by_the_migration_matrix(
    origins: list[Origin],
) -> None:
    model = fit_upgrades([(origins[0].features, origins[1].tiers)])
    assert model.matrix_brier is not None
    assert model.matrix_log_loss is not None
    assert model.log_loss is not None
    assert model.calibration_error is not None
    assert model.brier < model.matrix_brier <= model.base_brier * 1.02
    assert model.log_loss < model.matrix_log_loss
    assert model.calibration_error < 0.05
    table = model.reliability()
    by_hand = (table["customers"] * (table["predicted"] - table["observed"]).abs()).sum()
    assert model.calibration_error == pytest.approx(by_hand / table["customers"].sum())
    assert UpgradeModel.from_json(model.to_json()) == model


def test_several_origins_and_another_order(origins: list[Origin]) -> None:
    one = fit_upgrades([(origins[0].features, origins[1].tiers)])
    two = fit_upgrades(
        [(origins[0].features, origins[1].tiers), (origins[1].features, origins[2].tiers)]
    )
    assert two.n == int(origins[0].features.open.sum() + origins[1].features.open.sum())
    order = np.random.default_rng(0).permutation(len(origins[1].tiers))
    mixed = assign_tiers(
        origins[1].value[order],
        origins[1].tiers.scheme,
        customer_id=origins[1].tiers.customer_id[order],
    )
    assert fit_upgrades([(origins[0].features, mixed)]) == one


def test_probabilities_decide_the_potential(origins: list[Origin]) -> None:
    now = origins[1]
    model = fit_upgrades([(origins[0].features, now.tiers)])
    p = now.features.probability(model)
    table = assess_potential(
        now.tiers.value,
        now.tiers.scheme,
        customer_id=now.tiers.customer_id,
        tier=now.tiers.value_tier,
        probability=p,
        share_rose=model.share_rose,
        config=PotentialConfig(min_lift=3.0),
    )
    names = np.array(table.reason_names)[table.reason]
    likely = names == "likely_to_rise"
    assert likely.any()
    assert model.share_rose is not None
    enough = 3.0 * model.share_rose
    assert enough < 0.5
    assert (likely == (now.features.open & (p >= enough) & (table.headroom < 0.0))).all()
    with pytest.raises(InvalidTableError, match="share_rose"):
        assess_potential([1.0], now.tiers.scheme, share_rose=1.5)
    with pytest.raises(AlignmentError, match="model knows"):
        upgrade_features(now.tiers, now.history).probability(model)


def test_predictions_do_not_reach_beyond_what_was_seen(origins: list[Origin]) -> None:
    model = fit_upgrades([(origins[0].features, origins[1].tiers)])
    features = origins[0].features
    assert model.low is not None
    assert model.high is not None
    edge = np.where(np.array(model.coefficients[1:]) > 0, model.high, model.low)
    far = edge + np.sign(model.coefficients[1:]) * 100.0
    rows = np.vstack([edge, far])
    both = UpgradeFeatures(
        customer_id=pd.RangeIndex(2),
        names=features.names,
        table=rows,
        tier=np.array([1, 1]),
        open=np.array([True, True]),
    ).probability(model)
    assert both[0] == both[1] == pytest.approx(both.max())
