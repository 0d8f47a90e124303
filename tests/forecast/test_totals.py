"""The total of the base: weights of the ways to tell it, by hand."""

from __future__ import annotations

import numpy as np
import numpy.testing as npt

from retainkit.forecast._totals import combine_totals, spread_of, weigh_totals


def test_who_was_never_judged_weighs_the_same() -> None:
    assert weigh_totals((), ["regression", "trailing"]) == {"regression": 0.5, "trailing": 0.5}


def test_weights_by_hand() -> None:
    """1 / (mean squared log error, a prior of .12 counting as one, + .15 squared)."""
    errors = [(1.0, {"regression": 0.1, "trailing": 0.5}), (0.5, {"regression": -0.2})]
    regression = 1.0 / ((0.12 + 0.01 + 0.5 * 0.04) / 2.5 + 0.0225)
    trailing = 1.0 / ((0.12 + 0.25) / 2.0 + 0.0225)
    weights = weigh_totals(errors, ["regression", "trailing"])
    npt.assert_allclose(weights["regression"], regression / (regression + trailing))
    npt.assert_allclose(sum(weights.values()), 1.0)


def test_a_miss_counts_up_to_a_factor_e() -> None:
    one = weigh_totals([(1.0, {"a": 1.0, "b": 0.0})], ["a", "b"])
    assert weigh_totals([(1.0, {"a": 9.0, "b": 0.0})], ["a", "b"]) == one


def test_the_total_is_the_weighted_geometric_mean() -> None:
    npt.assert_allclose(combine_totals({"a": 100.0, "b": 400.0}, {"a": 0.5, "b": 0.5}), 200.0)
    npt.assert_allclose(combine_totals({"a": 100.0}, {"a": 0.2, "b": 0.8}), 100.0)
    assert np.isnan(combine_totals({}, {"a": 1.0}))


def test_spread_by_hand() -> None:
    assert spread_of({"a": 100.0, "b": 300.0}) == 3.0
    assert spread_of({"a": 100.0}) == spread_of({}) == 1.0
