"""Who rises: CDNOW and Online Retail, judged on customers held out and on a later quarter."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from retainkit.pipeline import FittedPipeline, fit_pipeline
from retainkit.policy import UpgradeFeatures, UpgradeModel, fit_upgrades, upgrade_features
from retainkit.tables import validate_transactions
from retainkit.tiers import TierTable
from retainkit.value import summarize_behavior, summarize_customers

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning"),
]


class Case(NamedTuple):
    file: str
    origins: tuple[str, ...]


CASES = {
    "cdnow": Case("cdnow_master.csv.gz", ("1997-09-30", "1997-12-30", "1998-03-31", "1998-06-30")),
    "online_retail": Case(
        "online_retail.csv.gz", ("2011-03-14", "2011-06-12", "2011-09-10", "2011-12-09")
    ),
}


def _rows(name: str) -> pd.DataFrame:
    default = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("RETAINKIT_DATA", default)) / name / CASES[name].file
    if not path.exists():
        pytest.skip(f"no {path}: set RETAINKIT_DATA to the data folder")
    frame = pd.read_csv(path)
    if name == "cdnow":
        return validate_transactions(frame.rename(columns={"date": "timestamp"}))
    frame = frame[frame["CustomerID"].notna()]
    return validate_transactions(
        pd.DataFrame(
            {
                "customer_id": frame["CustomerID"].astype(int),
                "timestamp": frame["InvoiceDate"],
                "amount": frame["Quantity"] * frame["UnitPrice"],
            }
        )
    )


def _assess(
    model: FittedPipeline, rows: pd.DataFrame, day: str
) -> tuple[UpgradeFeatures, TierTable]:
    history = summarize_customers(rows, as_of=day)
    scores = model.score(history)
    trend = summarize_behavior(rows, as_of=day).trend_beyond_base
    features = upgrade_features(scores.tiers, history, trend=trend, lifecycle=scores.lifecycle)
    return features, scores.tiers


@pytest.fixture(scope="module", params=list(CASES))
def learnt(
    request: pytest.FixtureRequest,
) -> tuple[UpgradeModel, list[tuple[UpgradeFeatures, TierTable]]]:
    """Model of two quarters; assessments at four days by the models and cuts of the first."""
    rows, days = _rows(request.param), CASES[request.param].origins
    fitted = fit_pipeline(summarize_customers(rows, as_of=days[0]))
    found = [_assess(fitted, rows, day) for day in days]
    pairs = [(found[i][0], found[i + 1][1]) for i in (0, 1)]
    return fit_upgrades(pairs), found


def test_customers_held_out(
    learnt: tuple[UpgradeModel, list[tuple[UpgradeFeatures, TierTable]]],
) -> None:
    model = learnt[0]
    assert model.matrix_brier is not None
    assert model.matrix_log_loss is not None
    assert model.log_loss is not None
    assert model.calibration_error is not None
    assert model.brier < model.matrix_brier
    assert model.log_loss < model.matrix_log_loss
    bins = model.reliability()
    spread = np.sqrt(bins["predicted"] * (1 - bins["predicted"]) / bins["customers"])
    chance = float(np.sqrt(2 / np.pi) * spread.mean())  # mean |error| of a calibrated model
    assert model.calibration_error < 2.0 * chance


def test_the_quarter_after(
    learnt: tuple[UpgradeModel, list[tuple[UpgradeFeatures, TierTable]]],
) -> None:
    """Out of time, the migration matrix of the same two quarters does worse."""
    model, found = learnt
    moved = np.concatenate([found[i + 1][1].value_tier[: len(found[i][0])] for i in (0, 1)])
    tier = np.concatenate([found[i][0].tier for i in (0, 1)])
    able = np.concatenate([found[i][0].open for i in (0, 1)])
    (now, _), (_, after) = found[2], found[3]
    rose = (after.value_tier[: len(now)] < now.tier)[now.open]
    shares = np.array(
        [(moved < tier)[able & (tier == t)].mean() if t else np.nan for t in range(3)]
    )
    matrix, p = shares[now.tier[now.open]], now.probability(model)[now.open]
    assert np.mean((p - rose) ** 2) < np.mean((matrix - rose) ** 2)
