"""Whether small customers brought little: hand calculation and what follows from it."""

from __future__ import annotations

import numpy as np
import pytest

from retainkit._pipeline._small_check import SmallCheck, check_small
from retainkit.churn import fit_state_scheme
from retainkit.forecast import Activity
from retainkit.forecast._activity import PastActivity
from retainkit.tiers import ByCuts, TierSchemeConfig

TIERS = TierSchemeConfig(names=("key", "ordinary", "small"), rule=ByCuts(cuts=(100.0, 10.0)))
STATES = fit_state_scheme((), window_days=90, base_gap=30.0)


def past(size: list[float], money: list[float]) -> PastActivity:
    n = len(size)
    told = Activity(*(np.full(n, x) for x in (0.9, 1.0, 5.0, 30.0, 400.0)))  # all are present
    return PastActivity(told, np.ones(n, dtype=np.bool_), 30.0, np.array(size), np.array(money))


def test_the_ratio_and_its_limit_by_hand() -> None:
    """30 small bring 2 each, 30 others 18 each: the mean is 10, the ratio .2, without spread."""
    check = check_small([past([1.0] * 30 + [50.0] * 30, [2.0] * 30 + [18.0] * 30)], STATES, TIERS)
    assert check.customers == 30
    assert check.figure == pytest.approx(0.2)
    # only the mean of all scatters: -.2 (m - 10) / 60 each, m - 10 = +-8
    error = np.sqrt(60 * (0.2 * 8.0 / 60.0) ** 2) / 10.0
    assert check.upper == pytest.approx(0.2 + 1.6448536 * error)
    assert check.holds
    assert check.evidence("yes") == "ranked"
    assert check.evidence("no") == "not_ranked"
    assert check.evidence("not known") == "too_few"


def test_small_ones_who_bring_much_are_left_alone() -> None:
    check = check_small([past([1.0] * 30 + [50.0] * 30, [9.0] * 30 + [11.0] * 30)], STATES, TIERS)
    assert check.figure == pytest.approx(0.9)
    assert check.evidence("yes") == "too_large"
    assert "nothing is taken away" in check.words()
    assert "不削减服务" in check.words("zh")


def test_too_few_are_not_judged() -> None:
    check = check_small([past([1.0] * 15 + [50.0] * 30, [0.0] * 15 + [18.0] * 30)], STATES, TIERS)
    assert check.customers == 15
    assert check.evidence("yes") == "too_few"
    assert SmallCheck().evidence("yes") == "too_few"
    assert check_small((), None, TIERS) == SmallCheck()
