"""Returns are taken off once: the forecast knows them, so its margin does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit.pipeline import PipelineConfig, RetentionPipeline
from retainkit.value import ValueConfig

pytestmark = pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")


def firm() -> pd.DataFrame:
    """300 customers over two years; one in five purchases comes back in full a week later."""
    rng = np.random.default_rng(5)
    rate = rng.gamma(2.0, 0.02, 300)
    who = np.repeat(np.arange(300), rng.poisson(730 * rate) + 1)
    day = rng.integers(0, 724, len(who))
    amount = rng.lognormal(3.0, 0.5, len(who)).round(2)
    back = rng.random(len(who)) < 0.2
    return pd.DataFrame(
        {
            "customer_id": np.concatenate([who, who[back]]),
            "timestamp": pd.Timestamp("2022-01-01")
            + pd.to_timedelta(np.concatenate([day, day[back] + 7]), unit="D"),
            "amount": np.concatenate([amount, -amount[back]]),
        }
    )


@pytest.mark.parametrize(("assumed", "each"), [(None, 1.0), (0.3, 0.3)])
def test_what_is_expected_loses_its_returns_once(assumed: float | None, each: float) -> None:
    config = PipelineConfig(
        value=ValueConfig(margin_rate=assumed), annual_discount_rate=0.0, look_back=False
    )
    result = RetentionPipeline(config).run(firm(), as_of="2023-12-31")
    margin, forecast = result.model.margin, result.model.forecast
    assert margin.net_share == pytest.approx(0.8, abs=0.02)
    assert forecast is not None
    net = forecast.apply(result.history).expected_value.sum()
    told = result.customers.to_frame()["expected_value"].sum()
    assert told == pytest.approx(net * each, rel=1e-9)
    # rates are steady: a year ahead brings about what the last one did, returns taken off
    rows = firm()
    last = rows.loc[rows["timestamp"] > "2022-12-31", "amount"].sum()
    assert told == pytest.approx(last * each, rel=0.1)
