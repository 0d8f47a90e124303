"""Long runs: breaks against every partition, intervals against their promise, bands in noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit.tiers import (
    ByCuts,
    ConjointConfig,
    StabilityConfig,
    TierSchemeConfig,
    assign_tiers,
    compare_tiers,
    estimate_part_worths,
    fit_tier_scheme,
)
from retainkit.tiers.grading import _kernel as breaks
from retainkit.typing import FloatArray

pytestmark = pytest.mark.slow


def draw(rng: np.random.Generator, kind: int, n: int) -> FloatArray:
    if kind == 0:
        return rng.lognormal(3.0, 1.5, size=n) - 5.0
    if kind == 1:
        return rng.normal(size=n)
    if kind == 2:
        return rng.pareto(1.5, size=n)
    return np.concatenate([rng.normal(centre, 1.0, size=n // 4) for centre in (0, 5, 9, 30)])


@pytest.mark.parametrize("kind", range(4))
def test_binned_breaks_lose_next_to_nothing(kind: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 100 bases of each kind, 2 to 6 tiers: within 0.00005 of the best variance explained."""
    rng, worst = np.random.default_rng(kind), 0.0
    for _ in range(100):
        values = np.sort(draw(rng, kind, int(rng.integers(1_200, 2_400))))
        n_classes = int(rng.integers(2, 7))
        monkeypatch.setattr(breaks, "MOST_EXACT", 1_000)
        binned = breaks.natural_breaks(values, n_classes)
        monkeypatch.setattr(breaks, "MOST_EXACT", 10_000)
        exact = breaks.natural_breaks(values, n_classes)
        worst = max(worst, exact.explained - binned.explained)
        assert binned.explained <= exact.explained + 1e-12
    assert worst < 5e-5


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5])
def test_rates_are_covered_by_their_intervals(rate: float) -> None:
    """Over 2,000 bases of 150 key customers the 95 % interval of the demotion rate holds it."""
    rng, scheme = np.random.default_rng(5), fit_tier_scheme(
        [], config=TierSchemeConfig(names=("key", "small"), rule=ByCuts(cuts=(10.0,)))
    )  # fmt: skip
    before, held = assign_tiers(np.full(150, 20.0), scheme), 0
    for _ in range(2_000):
        after = assign_tiers(np.where(rng.random(150) < rate, 1.0, 20.0), scheme)
        rates = compare_tiers(before, after).rates()
        row = rates[(rates["tier"] == "key") & (rates["movement"] == "demotion")].iloc[0]
        held += row["lower"] <= rate <= row["upper"]
    assert 0.92 < held / 2_000 < 0.99


def test_part_worths_are_covered_by_their_intervals() -> None:
    """Over 400 studies of 40 ratings the 95 % intervals hold the true part-worths."""
    rng, held, tried = np.random.default_rng(6), 0, 0
    truth = {"own": 0.5, "other": -0.5, "low": 1.5, "middle": 0.0, "high": -1.5}
    for _ in range(400):
        offers = pd.DataFrame(
            {
                "brand": rng.choice(["own", "other"], size=40),
                "price": rng.choice(["low", "middle", "high"], size=40),
            }
        )
        worth = offers["brand"].map(truth) + offers["price"].map(truth)
        rating = worth.to_numpy() + rng.normal(scale=1.5, size=40)
        table = estimate_part_worths(offers, rating, config=ConjointConfig(n_draws=100))
        true = np.array([truth[level] for level in table.level])
        held += int(((table.lower <= true) & (true <= table.upper)).sum())
        tried += true.size
    assert held / tried == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("error", [0.1, 0.2, 0.3, 0.4])
def test_where_the_truth_does_not_change_the_band_keeps_the_tiers(error: float) -> None:
    """20,000 customers of constant worth seen with noise, 24 months: all relabelling is false."""
    rng = np.random.default_rng(15)
    truth = rng.normal(3.0, 1.5, size=20_000)
    shares: dict[str, list[float]] = {"bare": [], "band": [], "monthly": []}
    tables = dict.fromkeys(shares, assign_tiers(np.exp(truth), fit_tier_scheme(np.exp(truth))))
    rules = dict(zip(shares, (StabilityConfig.off(), StabilityConfig(), StabilityConfig.monthly()),
                     strict=True))  # fmt: skip
    for _ in range(24):
        value = np.exp(truth + rng.normal(0.0, error, size=truth.size))
        scheme = fit_tier_scheme(value)
        for name, rule in rules.items():
            now = assign_tiers(value, scheme, previous=tables[name], stability=rule)
            shares[name].append(compare_tiers(tables[name], now).relabelled)
            tables[name] = now
    means = {name: float(np.mean(found)) for name, found in shares.items()}
    assert means["monthly"] < 0.5 * means["band"] < 0.5 * means["bare"]
