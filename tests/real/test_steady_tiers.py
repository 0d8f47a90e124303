"""Tiers re-scored month after month on real bases: what each rule of stability takes away."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest

from retainkit.tiers import (
    ByHeadTailBreaks,
    ByNaturalBreaks,
    StabilityConfig,
    TierScheme,
    TierSchemeConfig,
    assign_tiers,
    compare_tiers,
    fit_tier_scheme,
    tier_pyramid,
)

pytestmark = pytest.mark.real

Purchases: TypeAlias = pd.DataFrame
Values: TypeAlias = "list[pd.Series[float]]"

DATA = Path(os.environ.get("RETAINKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def read(name: str, file: str, **options: Any) -> pd.DataFrame:
    path = DATA / name / file
    if not path.exists():
        pytest.skip(f"no {file} under {path.parent}: set RETAINKIT_DATA to the data folder")
    frame: pd.DataFrame = pd.read_csv(path, **options)
    return frame


@pytest.fixture(scope="module")
def cdnow() -> Purchases:
    frame = read("cdnow", "cdnow_master.csv.gz")
    assert len(frame) == 69_659
    days = pd.to_datetime(frame["date"])
    return pd.DataFrame({"id": frame["customer_id"], "day": days, "amount": frame["amount"]})


@pytest.fixture(scope="module")
def retail() -> Purchases:
    columns = ["CustomerID", "InvoiceDate", "Quantity", "UnitPrice"]
    frame = read("online_retail", "online_retail.csv.gz", usecols=columns)
    assert len(frame) == 541_909
    frame = frame[frame["CustomerID"].notna()]
    return pd.DataFrame(
        {
            "id": frame["CustomerID"].astype(np.int64),
            "day": pd.to_datetime(frame["InvoiceDate"]).dt.normalize(),
            "amount": frame["Quantity"] * frame["UnitPrice"],
        }
    )


def spending(purchases: Purchases, first: str, last: str, days: int) -> Values:
    """Return net spending of the last days per customer seen so far, at each month's end."""
    found = []
    for month in pd.date_range(first, last, freq="ME"):
        seen = purchases[purchases["day"] <= month]
        recent = seen[seen["day"] > month - pd.Timedelta(days=days)]
        everybody = pd.Index(seen["id"].unique())
        found.append(recent.groupby("id")["amount"].sum().reindex(everybody, fill_value=0.0))
    return found


def relabelled(values: Values, stability: StabilityConfig, scheme: TierScheme | None) -> float:
    table, shares = None, []
    for value in values:
        once = fit_tier_scheme(value) if scheme is None else scheme
        now = assign_tiers(value, once, previous=table, stability=stability)
        if table is not None:
            movement = compare_tiers(table, now)
            assert movement.value_after.sum() == pytest.approx(value.sum())
            shares.append(movement.relabelled)
        table = now
    return float(np.mean(shares))


@pytest.mark.parametrize("learnt", ["anew", "once"])
@pytest.mark.parametrize("days", [182, 365])
@pytest.mark.parametrize(
    ("base", "first", "last"),
    [("cdnow", "1997-06-30", "1998-06-30"), ("retail", "2011-03-31", "2011-11-30")],
)
def test_each_rule_takes_relabelling_away(
    base: str, first: str, last: str, days: int, learnt: str, request: pytest.FixtureRequest
) -> None:
    values = spending(request.getfixturevalue(base), first, last, days)
    scheme = fit_tier_scheme(values[0]) if learnt == "once" else None
    rules = (
        StabilityConfig.off(),
        StabilityConfig(),
        StabilityConfig(promote_after=2),
        StabilityConfig.monthly(),
    )
    shares = [relabelled(values, rule, scheme) for rule in rules]
    assert shares == sorted(shares, reverse=True)
    assert shares[1] < 0.97 * shares[0]
    assert shares[3] < 0.85 * shares[0]


def test_bare_cuts_count_what_pandas_counts(retail: Purchases) -> None:
    """Without a band, relabelling is the share of customers whose two gradings differ."""
    first, second = spending(retail, "2011-05-31", "2011-06-30", 182)
    scheme = fit_tier_scheme(first)
    before, after = assign_tiers(first, scheme), assign_tiers(second, scheme)
    was = before.to_frame().set_index("customer_id")["tier"].astype(str)
    now = after.to_frame().set_index("customer_id")["tier"].astype(str)
    both = was.index.intersection(now.index)
    expected = float((was[both] != now[both]).mean())
    assert compare_tiers(before, after).relabelled == pytest.approx(expected)


def test_breaks_reconcile_and_natural_ones_fit_best(cdnow: Purchases) -> None:
    total, explained = cdnow.groupby("id")["amount"].sum(), []
    for rule in (ByHeadTailBreaks(), ByNaturalBreaks()):
        scheme = fit_tier_scheme(total, config=TierSchemeConfig(rule=rule))
        pyramid = tier_pyramid(assign_tiers(total, scheme))
        assert pyramid.reconciles
        assert pyramid.n == 23_570
        assert pyramid.total == pytest.approx(cdnow["amount"].sum())
        assert scheme.variance_explained is not None
        explained.append(scheme.variance_explained)
    assert 0 < explained[0] < explained[1] < 1
