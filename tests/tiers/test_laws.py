"""Laws of tier schemes; money is whole numbers, so sums are exact and an oracle can be too."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.tiers import (
    ByCuts,
    ByHeadcount,
    ByValueShare,
    TierSchemeConfig,
    assign_tiers,
    fit_tier_scheme,
    tier_pyramid,
)
from retainkit.typing import FloatArray

LAW = settings(deadline=None, derandomize=True, max_examples=60)
MONEY = st.lists(
    st.one_of(st.integers(-50, 50), st.integers(-5_000, 100_000)), min_size=1, max_size=50
)
VALUES = MONEY.map(lambda numbers: np.array(numbers, dtype=np.float64))
SHARES = st.lists(st.integers(1, 100), min_size=1, max_size=4, unique=True).map(
    lambda percents: tuple(percent / 100 for percent in sorted(percents))
)


def config_of(rule: ByValueShare | ByHeadcount | ByCuts) -> TierSchemeConfig:
    return TierSchemeConfig(names=tuple(f"t{k}" for k in range(rule.n_cuts + 1)), rule=rule)


CONFIGS = st.one_of(
    SHARES.map(lambda shares: config_of(ByValueShare(shares=shares))),
    SHARES.map(lambda shares: config_of(ByValueShare(shares=shares, base="net"))),
    SHARES.map(lambda shares: config_of(ByHeadcount(shares=shares))),
    st.lists(st.integers(-100, 5_000), min_size=1, max_size=4, unique=True).map(
        lambda cuts: config_of(ByCuts(cuts=tuple(sorted(map(float, cuts), reverse=True))))
    ),
)


@LAW
@given(VALUES, CONFIGS)
def test_total(values: FloatArray, config: TierSchemeConfig) -> None:
    """Every customer is in exactly one tier of the scheme."""
    table = assign_tiers(values, fit_tier_scheme(values, config=config))
    assert ((table.tier >= 0) & (table.tier < len(config.names))).all()
    assert tier_pyramid(table).n == values.size


@LAW
@given(VALUES, CONFIGS)
def test_monotone_and_ties_together(values: FloatArray, config: TierSchemeConfig) -> None:
    """A customer worth more is never in a worse tier; customers worth the same share one."""
    codes = assign_tiers(values, fit_tier_scheme(values, config=config)).tier
    more = values[:, None] >= values[None, :]
    assert (codes[:, None] <= codes[None, :])[more].all()


@LAW
@given(VALUES, CONFIGS)
def test_cuts_descend(values: FloatArray, config: TierSchemeConfig) -> None:
    """A better tier never has a lower bound below that of a worse one."""
    bounds = fit_tier_scheme(values, config=config).lower_bounds
    assert np.isnan(bounds).all() or (np.diff(bounds) <= 0).all()


@LAW
@given(VALUES, CONFIGS)
def test_order_of_customers_does_not_matter(values: FloatArray, config: TierSchemeConfig) -> None:
    """Shuffling the customers shuffles their tiers and changes the scheme in no bit."""
    order = np.random.default_rng(values.size).permutation(values.size)
    scheme = fit_tier_scheme(values, config=config)
    shuffled = fit_tier_scheme(values[order], config=config)
    assert shuffled == scheme
    np.testing.assert_array_equal(
        assign_tiers(values[order], shuffled).tier, assign_tiers(values, scheme).tier[order]
    )


@LAW
@given(
    VALUES,
    SHARES,
    st.sampled_from(["positive", "net", "heads"]),
    st.sampled_from([0.01, 1 / 3, 7.1, 100.0, 1024.0]),
)
def test_scaling_money_changes_nothing_but_the_cuts(
    values: FloatArray, shares: tuple[float, ...], rule: str, factor: float
) -> None:
    """In another currency everybody is in the same tier and every cut is the cut converted."""
    rules: dict[str, ByValueShare | ByHeadcount] = {
        "positive": ByValueShare(shares=shares),
        "net": ByValueShare(shares=shares, base="net"),
        "heads": ByHeadcount(shares=shares),
    }
    config = config_of(rules[rule])
    before = fit_tier_scheme(values, config=config)
    if rule == "net" and before.total == 0:
        return  # whether 0 is positive is a matter of rounding in another currency
    after = fit_tier_scheme(values * factor, config=config)
    np.testing.assert_array_equal(after.lower_bounds, before.lower_bounds * factor)
    np.testing.assert_array_equal(
        assign_tiers(values * factor, after).tier, assign_tiers(values, before).tier
    )


@LAW
@given(VALUES, CONFIGS, st.integers(1, 1_000))
def test_a_new_customer_below_every_cut_promotes_nobody_under_a_fixed_scheme(
    values: FloatArray, config: TierSchemeConfig, below: int
) -> None:
    """A learnt scheme grades the others as if the newcomer were not there."""
    scheme = fit_tier_scheme(values, config=config)
    lowest = np.nanmin(scheme.lower_bounds) if scheme.cuts[0] is not None else 0.0
    joined = assign_tiers(np.append(values, lowest - below), scheme)
    assert joined.tier[-1] == len(config.names) - 1
    np.testing.assert_array_equal(joined.tier[:-1], assign_tiers(values, scheme).tier)


@LAW
@given(VALUES, SHARES, st.integers(0, 10_000))
def test_losses_move_no_cut(values: FloatArray, shares: tuple[float, ...], loss: int) -> None:
    """Measured on the positive total, a loss-making newcomer changes nobody's tier."""
    config = config_of(ByValueShare(shares=shares))
    joined = fit_tier_scheme(np.append(values, -float(loss)), config=config)
    assert joined.cuts == fit_tier_scheme(values, config=config).cuts


@LAW
@given(VALUES, CONFIGS)
def test_assigning_the_same_base_reproduces_the_scheme(
    values: FloatArray, config: TierSchemeConfig
) -> None:
    """Heads and value that the scheme reports are those that assignment finds."""
    scheme = fit_tier_scheme(values, config=config)
    pyramid = tier_pyramid(assign_tiers(values, scheme))
    assert [tier.customers for tier in scheme.realised] == pyramid.customers[:-1].tolist()
    assert [tier.value for tier in scheme.realised] == pyramid.value[:-1].tolist()
    assert pyramid.total == scheme.total
    assert pyramid.reconciles


@LAW
@given(VALUES, SHARES)
def test_smallest_set_that_makes_the_share(values: FloatArray, shares: tuple[float, ...]) -> None:
    """A cut is the largest value at which the customers at or above it make the share."""
    scheme = fit_tier_scheme(values, config=config_of(ByValueShare(shares=shares)))
    gains = [Fraction(int(value)) for value in values if value > 0]
    if not gains:
        assert scheme.cuts == (None,) * len(shares)
        return
    for share, cut in zip(shares, scheme.cuts, strict=True):
        wanted = Fraction(round(share * 100), 100) * sum(gains)
        made = {v: sum(g for g in gains if g >= v) for v in gains}
        assert cut == max(v for v in gains if made[v] >= wanted)


@LAW
@given(VALUES, SHARES)
def test_smallest_headcount(values: FloatArray, shares: tuple[float, ...]) -> None:
    """A cut is the largest value at which at least the share of heads is at or above it."""
    scheme = fit_tier_scheme(values, config=config_of(ByHeadcount(shares=shares)))
    for share, cut in zip(shares, scheme.cuts, strict=True):
        wanted = Fraction(round(share * 100), 100) * values.size
        assert cut == max(v for v in values if (values >= v).sum() >= wanted)


@pytest.mark.parametrize("base", ["positive", "net"])
def test_a_large_base_makes_its_shares(base: str) -> None:
    values = np.random.default_rng(11).lognormal(3.0, 1.5, size=20_000) - 8.0
    config = TierSchemeConfig.model_validate({"rule": {"kind": "value_share", "base": base}})
    scheme = fit_tier_scheme(values, config=config)
    whole = values[values > 0].sum() if base == "positive" else values.sum()
    for share, cut in zip((0.8, 0.95), scheme.lower_bounds, strict=True):
        assert values[values >= cut].sum() >= share * whole
        assert values[values > cut].sum() < share * whole
