"""Key is few: behind the first 80 % of value, at most a fifth of heads, twice the mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit.tiers import ByValueShare, TierSchemeConfig, assign_tiers, fit_tier_scheme

FEW = TierSchemeConfig(rule=ByValueShare.few_key())


def key_of(values: list[float]) -> int:
    return fit_tier_scheme(values, config=FEW).realised[0].customers


def test_the_fifth_of_heads_limits() -> None:
    # mean 13.6, twice 27.2; 80 % of 136 takes four (30 x 3 + 28): a fifth of ten is two
    values = [32.0, 31.0, 30.0, 28.0, 5.0, 4.0, 3.0, 1.0, 1.0, 1.0]
    assert fit_tier_scheme(values, config=FEW).cuts[0] == 31.0
    assert key_of(values) == 2


def test_twice_the_mean_limits() -> None:
    # mean 10.5, twice 21: of the best two of ten only the first is worth it
    values = [30.0, 20.0, 10.0, 10.0, 9.0, 8.0, 6.0, 5.0, 4.0, 3.0]
    assert fit_tier_scheme(values, config=FEW).cuts[0] == pytest.approx(21.0)
    assert key_of(values) == 1


def test_the_share_of_value_limits() -> None:
    assert key_of([90.0, 5.0, *[0.6] * 8]) == 1


def test_ties_that_do_not_fit_go_down() -> None:
    # three at 20 where two fit, the mean is 6.7: none is key; with one at 30 she alone
    assert key_of([20.0, 20.0, 20.0, *[1.0] * 7]) == 0
    assert key_of([30.0, 20.0, 20.0, *[1.0] * 7]) == 1


def test_no_key_group_is_a_finding_in_numbers() -> None:
    scheme = fit_tier_scheme([12.0, 11.0, 10.0, 10.0, 10.0, 10.0, 10.0, 9.0, 9.0, 9.0], config=FEW)
    # 12 + 11 + 5 x 10 = 73, and 9 more is 82 of 100: eight of ten heads make 80 %
    assert scheme.finding() == (
        "80 % of value takes 80 % of heads: value is not concentrated here, nobody is key"
    )
    assert "nobody_in_best" in [note.code for note in scheme.notes]
    assert "80%" in scheme.finding("zh")


@given(st.lists(st.floats(0.01, 1e4), min_size=5, max_size=60))
def test_key_is_few_whatever_the_values(values: list[float]) -> None:
    """Law: at most a fifth of heads, each at least twice the mean; alone as in the base."""
    scheme = fit_tier_scheme(values, config=FEW)
    tiers = assign_tiers(values, scheme)
    key = tiers.value_tier == 0
    assert key.sum() <= 0.2 * len(values)
    assert (np.array(values)[key] >= 2.0 * np.mean(values) * (1.0 - 1e-9)).all()
    for place, value in enumerate(values):
        assert assign_tiers([value], scheme).value_tier[0] == tiers.value_tier[place]


def test_lost_customers_show_the_tier_they_had() -> None:
    scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])
    tiers = assign_tiers([60.0, 2.0, 12.0], scheme)
    lost = tiers.with_lost(np.array([False, True, False]), np.array([0, 0, 0], dtype=np.int8))
    frame = lost.to_frame()
    assert frame["tier"].astype(str).tolist() == ["key", "lost", "ordinary"]
    assert frame["value_tier"].astype(str).tolist() == ["key", "key", "ordinary"]
    assert frame["reason"].astype(str).tolist()[1] == "lost"
    assert frame[["margin", "to_next_tier"]].iloc[1].isna().all()
    assert lost.categories == ("key", "ordinary", "small", "bad", "lost")
