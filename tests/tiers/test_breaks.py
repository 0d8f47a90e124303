"""Natural breaks and head/tail breaks: all partitions tried, published example, laws."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.tiers import (
    ByHeadTailBreaks,
    ByNaturalBreaks,
    TierSchemeConfig,
    assign_tiers,
    fit_tier_scheme,
)
from retainkit.tiers.grading import _kernel as kernel
from retainkit.typing import FloatArray

LAW = settings(deadline=None, derandomize=True, max_examples=60)
VALUES = st.lists(st.integers(-50, 200), min_size=1, max_size=12).map(
    lambda numbers: np.array(numbers, dtype=np.float64)
)


def config_of(rule: ByNaturalBreaks | ByHeadTailBreaks) -> TierSchemeConfig:
    return TierSchemeConfig(names=tuple(f"t{k}" for k in range(rule.n_tiers)), rule=rule)


def inside(values: FloatArray, cuts: tuple[float, ...]) -> float:
    """Return the squared deviation inside the classes that descending cuts make."""
    codes = sum((values < cut).astype(int) for cut in cuts)
    parts = [values[codes == code] for code in range(len(cuts) + 1)]
    return float(sum(((part - part.mean()) ** 2).sum() for part in parts if part.size))


@LAW
@given(VALUES, st.integers(2, 4))
def test_no_partition_is_better(values: FloatArray, n_tiers: int) -> None:
    """Natural breaks reach the smallest squared deviation of all partitions."""
    distinct = np.unique(values)[::-1]
    n_cuts = min(n_tiers, distinct.size) - 1
    best = min(inside(values, cuts) for cuts in combinations(distinct[:-1], n_cuts))
    scheme = fit_tier_scheme(values, config=config_of(ByNaturalBreaks(n_tiers=n_tiers)))
    found = inside(values, tuple(cut for cut in scheme.cuts if cut is not None))
    assert found == pytest.approx(best, abs=1e-7)
    whole = ((values - values.mean()) ** 2).sum()
    if scheme.variance_explained is None:
        assert whole == 0
    else:
        assert scheme.variance_explained == pytest.approx(1 - best / whole)


@LAW
@given(VALUES, st.integers(2, 5), st.booleans())
def test_total_ordered_monotone_and_ties_together(
    values: FloatArray, n_tiers: int, natural: bool
) -> None:
    """Every customer has one tier, more value is never worse, equal values share a tier."""
    rule = (ByNaturalBreaks if natural else ByHeadTailBreaks)(n_tiers=n_tiers)
    scheme = fit_tier_scheme(values, config=config_of(rule))
    assert (np.diff(scheme.lower_bounds) <= 0).all()
    codes = assign_tiers(values, scheme).tier
    more = values[:, None] >= values[None, :]
    assert (codes[:, None] <= codes[None, :])[more].all()


@LAW
@given(VALUES, st.integers(2, 4), st.booleans(), st.sampled_from([0.25, 4.0, 1024.0]))
def test_scaling_money_scales_the_cuts(
    values: FloatArray, n_tiers: int, natural: bool, factor: float
) -> None:
    """In another currency the breaks lie between the same customers."""
    rule = (ByNaturalBreaks if natural else ByHeadTailBreaks)(n_tiers=n_tiers)
    before = fit_tier_scheme(values, config=config_of(rule))
    after = fit_tier_scheme(values * factor, config=config_of(rule))
    np.testing.assert_array_equal(after.lower_bounds, before.lower_bounds * factor)


def test_groups_that_anyone_would_see() -> None:
    values = [1.0, 2.0, 3.0, 48.0, 50.0, 98.0, 100.0]
    scheme = fit_tier_scheme(values, config=config_of(ByNaturalBreaks()))
    assert scheme.cuts == (98.0, 48.0)


def test_large_amounts_lose_no_digits() -> None:
    """Squares of amounts of ten digits would need twenty."""
    values = 1e10 + np.array([1.0, 2.0, 3.0, 48.0, 50.0, 98.0, 100.0])
    scheme = fit_tier_scheme(values, config=config_of(ByNaturalBreaks()))
    assert scheme.cuts == (1e10 + 98.0, 1e10 + 48.0)


def test_fewer_values_than_tiers_leave_tiers_empty() -> None:
    two = fit_tier_scheme([5.0, 1.0, 5.0], config=config_of(ByNaturalBreaks()))
    assert [tier.customers for tier in two.realised] == [2, 0, 1]
    one = fit_tier_scheme([5.0, 5.0], config=config_of(ByNaturalBreaks()))
    assert [tier.customers for tier in one.realised] == [2, 0, 0]
    none = fit_tier_scheme([], config=config_of(ByHeadTailBreaks()))
    assert none.cuts == (None, None)


def test_head_tail_breaks_by_hand() -> None:
    # mean of all 6.0: the head is {19, 8}; its mean 13.5: the head is {19}
    values = [19.0, 8.0, 3.0, 2.0, 2.0, 2.0]
    assert fit_tier_scheme(values, config=config_of(ByHeadTailBreaks())).cuts == (19.0, 8.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_binned_breaks_are_as_good_as_exact_ones(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.sort(np.random.default_rng(seed).lognormal(3.0, 1.5, size=2_500) - 5.0)
    binned = kernel.natural_breaks(values, 4)
    monkeypatch.setattr(kernel, "MOST_EXACT", 5_000)
    exact = kernel.natural_breaks(values, 4)
    assert binned.explained == pytest.approx(exact.explained, abs=5e-5)


def test_pareto_says_what_the_best_tier_really_holds() -> None:
    values = np.random.default_rng(5).lognormal(3.0, 1.5, size=5_000)
    scheme = fit_tier_scheme(values, config=config_of(ByNaturalBreaks()))
    frame = scheme.pareto().set_index("claim")["measured"]
    best = np.sort(values)[::-1]
    assert frame["value made by the best 20 % of customers"] == pytest.approx(
        best[:1_000].sum() / best.sum()
    )
    assert frame["customers in the best tier"] == scheme.realised[0].customers / 5_000
    assert fit_tier_scheme([]).pareto()["measured"].isna().all()
