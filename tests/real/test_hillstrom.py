"""A real randomised e-mail trial: 64,000 customers, men's mail, women's mail, none.

Published with the data (K. Hillstrom, 2008): three arms of 21,306 to 21,387 customers. Average
effects on spend +0.770 (standard error .145) and +0.424 (.130), on visits +.0766 and +.0452.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from retainkit.policy import TLearner, evaluate_policy, recommend_policy
from retainkit.typing import FloatArray, IntArray

pytestmark = pytest.mark.real

NAMES = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
COSTS = (0.0, 0.1, 0.3, 0.5, 1.0)


class Hillstrom(NamedTuple):
    features: FloatArray
    action: IntArray
    spend: FloatArray
    visit: FloatArray
    share: FloatArray


@pytest.fixture(scope="module")
def trial() -> Hillstrom:
    default = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("RETAINKIT_DATA", default)) / "hillstrom" / "hillstrom.csv.gz"
    if not path.exists():
        pytest.skip(f"no {path}: set RETAINKIT_DATA to the data folder")
    frame = pd.read_csv(path)
    action = pd.Categorical(frame["segment"], categories=list(NAMES)).codes.astype(np.int64)
    assert np.bincount(action).tolist() == [21_306, 21_307, 21_387]
    known = frame[["recency", "mens", "womens", "newbie"]].assign(money=np.log(frame["history"]))
    places = pd.get_dummies(frame[["zip_code", "channel"]], dtype=float)
    return Hillstrom(
        known.join(places).to_numpy(dtype=np.float64),
        action,
        frame["spend"].to_numpy(dtype=np.float64),
        frame["visit"].to_numpy(dtype=np.float64),
        np.bincount(action) / len(frame),
    )


@pytest.mark.parametrize(
    ("arm", "spend", "error", "visit"), [(1, 0.770, 0.145, 0.0766), (2, 0.424, 0.130, 0.0452)]
)
def test_mail_everyone_reproduces_the_published_effects(
    trial: Hillstrom, arm: int, spend: float, error: float, visit: float
) -> None:
    def value(outcome: FloatArray, action: int) -> tuple[float, float]:
        wanted = np.full(64_000, action)
        result = evaluate_policy(
            wanted, trial.action, outcome=outcome, propensity=trial.share, measures=NAMES
        )
        return float(result.value[1]), float(result.standard_error[1])

    (mailed, a), (nothing, b) = value(trial.spend, arm), value(trial.spend, 0)
    assert mailed - nothing == pytest.approx(spend, abs=0.0005)
    assert np.hypot(a, b) == pytest.approx(error, abs=0.0005)
    gain = value(trial.visit, arm)[0] - value(trial.visit, 0)[0]
    assert gain == pytest.approx(visit, abs=0.00005)


@pytest.mark.parametrize("cost", COSTS)
def test_one_mail_for_all_is_recommended(trial: Hillstrom, cost: float) -> None:
    """Best single choices, net: men's mail 1.418, 1.318, 1.118, .918; none .654 at cost 1."""
    advice = recommend_policy(
        trial.action,
        trial.spend,
        features=trial.features,
        measures=NAMES,
        propensity=trial.share,
        cost=[0.0, cost, cost],
    )
    assert advice.kind == "uniform"
    assert advice.measures[advice.uniform] == ("No E-Mail" if cost == 1.0 else "Mens E-Mail")
    assert advice.value == pytest.approx(0.654 if cost == 1.0 else 1.418 - cost, abs=0.005)
    assert "for all" in advice.reason


@pytest.mark.slow
@pytest.mark.parametrize("folds", [2, 5, 10])
def test_held_out_value_is_not_below_the_best_uniform(trial: Hillstrom, folds: int) -> None:
    """Recommend on the other folds, judge on this one by inverse propensity; 5 seeds."""
    for cost in COSTS:
        costs = np.array([0.0, cost, cost])
        net = trial.spend - costs[trial.action]
        best = max(net[trial.action == j].mean() for j in range(3))
        short: list[float] = []
        naive: list[float] = []
        for seed in range(5):
            fold = np.random.default_rng(seed).integers(0, folds, 64_000)
            ours, greedy = np.zeros(64_000, int), np.zeros(64_000, int)
            for k in range(folds):
                train, test = fold != k, fold == k
                x, action, spend = trial.features[train], trial.action[train], trial.spend[train]
                advice = recommend_policy(
                    action, spend, features=x, measures=NAMES, propensity=trial.share, cost=costs
                )
                ours[test] = advice.choose(trial.features[test])
                wide = np.broadcast_to(trial.share, (len(x), 3))
                model = TLearner().fit_effects(x, action, spend, wide)
                greedy[test] = (model.effects(trial.features[test]) - costs).argmax(axis=1)
            for rule, losses in ((ours, short), (greedy, naive)):
                hit = rule == trial.action
                value = (hit * net / trial.share[trial.action]).mean()
                losses.append(best - value)
        print(  # noqa: T201
            f"{folds} folds, cost {cost}: below the best uniform by {np.mean(short):+.4f} "
            f"(ours), {np.mean(naive):+.4f} (ridge per arm)"
        )
        assert np.mean(short) <= 0.03
