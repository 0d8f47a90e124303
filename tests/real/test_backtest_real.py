"""CDNOW, 23,570 customers, 1997-09-30, 39 weeks ahead: measures beside independent ones."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retainkit as rk
from retainkit.errors import RetainkitWarning
from retainkit.pipeline import BacktestResult

pytestmark = pytest.mark.real

DATA = Path(os.environ.get("RETAINKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="module")
def tested() -> BacktestResult:
    path = DATA / "cdnow" / "cdnow_master.csv.gz"
    if not path.exists():
        pytest.skip("CDNOW is not here")
    rows = pd.read_csv(path).rename(columns={"date": "timestamp"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetainkitWarning)
        return rk.backtest(rows, as_of="1998-06-30", folds=("1997-09-30",))


@pytest.fixture(scope="module")
def scores(tested: BacktestResult) -> pd.DataFrame:
    return tested.summary().set_index("candidate")


def test_past_spend_has_the_figures_measured_elsewhere(scores: pd.DataFrame) -> None:
    # normalised Gini, decile MAPE, Spearman, R2, expected / actual of past spend, worked out for
    # the same customers and days by other code
    wanted = {
        **{"normalised_gini": 0.696, "decile_mape": 1.36, "spearman": 0.395},
        **{"r_squared": -0.07, "expected_over_actual": 2.22},
    }
    found = scores.loc["past_spend"]
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=0.005), name


def test_the_run_orders_better_than_bg_nbd_with_gamma_gamma(scores: pd.DataFrame) -> None:
    # .672 and .421 for the same customers and days
    assert float(scores["normalised_gini"]["run"]) > 0.672
    assert float(scores["spearman"]["run"]) > 0.421


def test_measures_agree_with_other_libraries(tested: BacktestResult, scores: pd.DataFrame) -> None:
    stats = pytest.importorskip("scipy.stats")
    metrics = pytest.importorskip("sklearn.metrics")
    frame = tested.to_frame()
    run = frame[frame["candidate"] == "run"]
    said, money = run["expected_value"].to_numpy(), run["actual_value"].to_numpy()
    ours = scores.loc["run"]
    auc = metrics.roc_auc_score(run["actual_active"], run["p_active"])
    assert ours["auc"] == pytest.approx(auc, abs=1e-12)
    assert ours["spearman"] == pytest.approx(stats.spearmanr(said, money).statistic, abs=1e-12)
    assert ours["r_squared"] == pytest.approx(metrics.r2_score(money, said), abs=1e-12)
    # noise floor: mean calibration error of draws from the forecast itself
    p = run["p_active"].to_numpy()
    draw = np.random.default_rng(0)
    groups = np.array_split(np.argsort(p, kind="stable"), 10)
    errors = []
    for _ in range(200):
        came = draw.random(len(p)) < p
        errors.append(sum(abs(p[g].mean() - came[g].mean()) * len(g) for g in groups) / len(p))
    assert ours["noise_floor"] == pytest.approx(np.mean(errors), rel=0.05)
