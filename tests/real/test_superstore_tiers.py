"""Tiers of a real base: profit per customer of the Superstore order lines."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit.tiers import (
    ByCuts,
    ByHeadcount,
    ByHeadTailBreaks,
    ByNaturalBreaks,
    ByValueShare,
    TierSchemeConfig,
    assess_standing,
    assign_tiers,
    compare_tiers,
    fit_tier_scheme,
    tier_pyramid,
    whale_curve,
)

pytestmark = pytest.mark.real

# Published with the data set: 9,994 lines, 793 customers, total profit 286,397.02; 155 customers
# are unprofitable; the whale curve peaks at 124.87 % at 80.5 % of customers; the best 20 % make
# 81.7 %.
TOTAL = 286_397.02


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    default = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("RETAINKIT_DATA", default)) / "superstore"
    file = path / "Sample-Superstore.csv.gz"
    if not file.exists():
        pytest.skip(f"no {file.name} under {path}: set RETAINKIT_DATA to the data folder")
    lines = pd.read_csv(file, encoding="utf-8-sig")
    assert len(lines) == 9_994
    lines["year"] = pd.to_datetime(lines["Order Date"], format="%m/%d/%Y").dt.year
    return lines


@pytest.fixture(scope="module")
def profit(lines: pd.DataFrame) -> pd.Series[float]:
    return lines.groupby("Customer ID")["Profit"].sum()


def test_whale_curve(profit: pd.Series[float]) -> None:
    curve = whale_curve(profit)
    assert curve.n == 793
    assert curve.n_unprofitable == 155
    assert round(curve.total, 2) == TOTAL
    assert round(100 * curve.peak_share, 2) == 124.87
    assert round(100 * curve.peak_at, 1) == 80.5
    assert round(100 * curve.top_20_share, 1) == 81.7


@pytest.mark.parametrize(
    "config",
    [
        TierSchemeConfig(),
        TierSchemeConfig(rule=ByValueShare(base="net")),
        TierSchemeConfig(rule=ByHeadcount()),
        TierSchemeConfig(rule=ByCuts(cuts=(500.0, 0.0))),
        TierSchemeConfig(rule=ByNaturalBreaks()),
        TierSchemeConfig(rule=ByHeadTailBreaks()),
    ],
)
def test_profit_in_is_profit_out(profit: pd.Series[float], config: TierSchemeConfig) -> None:
    scheme = fit_tier_scheme(profit, config=config)
    late = pd.DataFrame({"customer_id": profit.index[::50], "days_overdue": 120.0})
    standing = assess_standing(late, customer_id=profit.index)
    table = assign_tiers(profit, scheme, standing=standing)
    pyramid = tier_pyramid(table)
    assert pyramid.reconciles
    assert pyramid.n == 793
    assert round(pyramid.total, 2) == round(scheme.total, 2) == TOTAL
    assert round(math.fsum(tier.value for tier in scheme.realised), 2) == TOTAL
    assert pyramid.customers[-1] == 16  # every 50th of 793
    assert pyramid.to_frame()["tier"].tolist() == ["key", "ordinary", "small", "bad"]


def test_key_tier_makes_80_percent_of_the_gains(profit: pd.Series[float]) -> None:
    scheme = fit_tier_scheme(profit)
    key = scheme.realised[0]
    gains = profit[profit > 0]
    cut = scheme.lower_bounds[0]
    assert gains[gains >= cut].sum() >= 0.8 * gains.sum() > gains[gains > cut].sum()
    assert key.positive_share is not None
    assert 0.8 <= key.positive_share < 0.81
    assert {note.code for note in scheme.notes} == {"negative_values"}
    assert scheme.notes[0].customers == 155


def test_the_80_20_hypothesis_is_measured(profit: pd.Series[float]) -> None:
    facts = fit_tier_scheme(profit).facts
    assert facts.top_20_share is not None
    assert facts.share_behind_80 is not None
    assert round(100 * facts.top_20_share, 1) == 81.7
    best_first = np.sort(profit.to_numpy())[::-1]
    behind = int((np.cumsum(best_first)[:638] < 0.8 * best_first.sum()).sum()) + 1
    assert facts.customers_behind_80 == behind
    assert facts.share_behind_80 < 0.2


def test_unprofitable_is_small_and_not_bad(profit: pd.Series[float]) -> None:
    nothing_known = pd.DataFrame({"customer_id": profit.index})
    standing = assess_standing(nothing_known, customer_id=profit.index)
    table = assign_tiers(profit, fit_tier_scheme(profit), standing=standing)
    losing = table.to_frame().loc[profit.to_numpy() < 0, "tier"]
    assert len(losing) == 155
    assert (losing == "small").all()
    assert not table.is_bad.any()


def test_movement_between_two_years_loses_nobody_and_no_profit(lines: pd.DataFrame) -> None:
    by_year = lines.groupby(["year", "Customer ID"])["Profit"].sum()
    scheme = fit_tier_scheme(by_year[2018])
    before, after = assign_tiers(by_year[2018], scheme), assign_tiers(by_year[2019], scheme)
    movement = compare_tiers(before, after)
    was, now = set(by_year[2018].index), set(by_year[2019].index)
    heads = movement.heads()
    assert heads.loc["total", "total"] == len(was | now)
    assert heads.loc["new", "total"] == len(now - was)
    assert heads.loc["total", "lapsed"] == len(was - now)
    assert round(movement.value_before.sum(), 2) == round(by_year[2018].sum(), 2)
    assert round(movement.value_after.sum(), 2) == round(by_year[2019].sum(), 2)
    shares = movement.probabilities[movement.counts.sum(axis=1) > 0]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
