from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from retainkit.errors import SchemaError
from retainkit.tiers import (
    ByCuts,
    ByHeadcount,
    ByValueShare,
    TierScheme,
    TierSchemeConfig,
    fit_tier_scheme,
)
from retainkit.tiers._config import SCHEME_NOTES
from retainkit.typing import ArrayLike1D

NAN = float("nan")
NET = TierSchemeConfig(rule=ByValueShare(base="net"))
HEADS = TierSchemeConfig(rule=ByHeadcount())


def codes_of(scheme: TierScheme) -> dict[str, int]:
    return {note.code: note.customers for note in scheme.notes}


def test_value_share_by_hand() -> None:
    # 60 + 25 = 85 >= 80 and 85 + 10 = 95 >= 95 of 100
    scheme = fit_tier_scheme([3.0, 60.0, 10.0, 2.0, 25.0])
    assert scheme.cuts == (25.0, 10.0)
    assert [tier.customers for tier in scheme.realised] == [2, 1, 2]
    assert [tier.value for tier in scheme.realised] == [85.0, 10.0, 5.0]
    assert [tier.value_share for tier in scheme.realised] == [0.85, 0.1, 0.05]
    assert scheme.notes == ()
    assert (scheme.n, scheme.total) == (5, 100.0)


def test_a_share_reached_exactly_is_reached() -> None:
    # ten times 0.1 sums to 0.9999999999999999 and 0.8 of it is reached by eight of them
    values = np.full(10, 0.1) + np.arange(10) * 1e-14
    scheme = fit_tier_scheme(values)
    assert scheme.realised[0].customers == 8


def test_negative_values_do_not_move_a_positive_cut() -> None:
    gains = [60.0, 25.0, 10.0, 3.0, 2.0]
    with_losses = fit_tier_scheme([*gains, -30.0, -50.0])
    assert with_losses.cuts == fit_tier_scheme(gains).cuts
    assert with_losses.total == 20.0
    assert with_losses.facts.positive_total == 100.0
    assert with_losses.realised[0].value_share == pytest.approx(85 / 20)
    assert with_losses.realised[0].positive_share == 0.85
    assert with_losses.realised[2].value == -75.0
    assert with_losses.realised[2].positive_share == 0.05
    assert codes_of(with_losses) == {"negative_values": 2}


def test_net_shares_are_shares_of_what_is_left() -> None:
    # net total 50: 80 % = 40 and 95 % = 47.5 are both reached by the first customer's 60
    scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0, -50.0], config=NET)
    assert scheme.cuts == (60.0, 60.0)
    assert codes_of(scheme) == {"negative_values": 1, "empty_tier": 0}


@pytest.mark.parametrize("loss", [-100.0, -150.0])
def test_net_falls_back_to_positive_and_says_so(loss: float) -> None:
    gains = [60.0, 25.0, 10.0, 3.0, 2.0]
    scheme = fit_tier_scheme([*gains, loss], config=NET)
    assert scheme.cuts == (25.0, 10.0)
    assert codes_of(scheme) == {
        "negative_values": 1,
        "total_not_positive": 6,
        "net_replaced_by_positive": 6,
    }
    assert [tier.value_share for tier in scheme.realised] == [None, None, None]
    assert scheme.facts.top_20_share is None
    assert scheme.facts.customers_behind_80 is None
    assert scheme.facts.share_behind_80 is None
    assert scheme.summary()["value_share"].isna().all()


@pytest.mark.parametrize("values", [[0.0, 0.0], [-1.0, -2.0], [0.0, -2.0, NAN]])
def test_nobody_profitable_means_no_cuts(values: list[float]) -> None:
    scheme = fit_tier_scheme(values)
    assert scheme.cuts == (None, None)
    assert np.isnan(scheme.lower_bounds).all()
    assert [tier.customers for tier in scheme.realised] == [0, 0, len(values)]
    assert {"no_positive_value", "total_not_positive"} <= set(codes_of(scheme))
    assert TierScheme.from_json(scheme.to_json()) == scheme


@pytest.mark.parametrize("config", [TierSchemeConfig(), NET, HEADS])
@pytest.mark.parametrize("values", [[], [NAN, NAN]])
def test_empty_base(values: list[float], config: TierSchemeConfig) -> None:
    scheme = fit_tier_scheme(values, config=config)
    assert scheme.cuts == (None, None)
    assert "empty_base" in codes_of(scheme)
    assert scheme.realised[2].customers == len(values)
    assert scheme.facts.top_20_share is None


def test_headcount_by_hand() -> None:
    # 20 % of 11 = 2.2 -> 3 heads, 50 % = 5.5 -> 6 heads
    scheme = fit_tier_scheme(list(range(11)), config=HEADS)
    assert scheme.cuts == (8.0, 5.0)
    assert [tier.customers for tier in scheme.realised] == [3, 3, 5]


def test_headcount_tells_when_losers_are_in_upper_tiers() -> None:
    scheme = fit_tier_scheme([5.0, 0.0, -1.0, -2.0], config=HEADS)
    assert scheme.cuts == (5.0, 0.0)
    assert codes_of(scheme)["cut_not_positive"] == 1


def test_given_cuts_stand_whatever_the_base() -> None:
    config = TierSchemeConfig(rule=ByCuts(cuts=(100.0, 10.0)))
    assert fit_tier_scheme([], config=config).cuts == (100.0, 10.0)
    scheme = fit_tier_scheme([100.0, 99.0, 10.0, NAN], config=config)
    assert [tier.customers for tier in scheme.realised] == [1, 2, 1]


def test_ties_are_not_split() -> None:
    scheme = fit_tier_scheme([10.0] * 10)
    assert scheme.cuts == (10.0, 10.0)
    assert [tier.customers for tier in scheme.realised] == [10, 0, 0]
    assert codes_of(scheme) == {"empty_tier": 0}


def test_missing_values_are_counted_and_play_no_part() -> None:
    scheme = fit_tier_scheme([NAN, 60.0, 25.0, NAN, 10.0, 3.0, 2.0])
    assert scheme.cuts == (25.0, 10.0)
    assert codes_of(scheme) == {"values_not_computable": 2}
    assert [tier.customers for tier in scheme.realised] == [2, 1, 4]
    assert scheme.facts.share_behind_80 == 0.4


def test_pareto_facts_by_hand() -> None:
    # the best 2 of 7 are the smallest number that is at least 20 % (1.4)
    facts = fit_tier_scheme([50.0, 20.0, 10.0, 10.0, 5.0, 5.0, -10.0]).facts
    assert facts.top_20_share == pytest.approx(70 / 90)
    assert facts.customers_behind_80 == 3  # 70 < 72 <= 80
    assert facts.share_behind_80 == 3 / 7
    assert facts.n_negative == 1


def test_one_tier_holds_everybody() -> None:
    config = TierSchemeConfig(names=("all",), rule=ByValueShare(shares=()))
    scheme = fit_tier_scheme([1.0, -1.0], config=config)
    assert scheme.cuts == ()
    assert scheme.realised[0].customers == 2


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([3.0, None, 1.0], dtype="Float64"),
        pd.Series([3, None, 1], dtype="Int64"),
        np.array([3.0, NAN, 1.0], dtype=np.float32),
        (3, NAN, 1),
    ],
)
def test_reads_any_numbers(values: ArrayLike1D) -> None:
    facts = fit_tier_scheme(values).facts
    assert (facts.n, facts.n_missing, facts.total) == (3, 1, 4.0)


def test_refuses_infinity_with_its_place() -> None:
    with pytest.raises(SchemaError, match="1 infinite entries, the first at position 2") as caught:
        fit_tier_scheme([1.0, 2.0, float("inf")])
    assert "NaN" in str(caught.value)


@pytest.mark.parametrize("wrong", [["a"], np.ones((2, 2)), [[1.0], [2.0]]])
def test_refuses_what_is_no_column_of_numbers(wrong: ArrayLike1D) -> None:
    with pytest.raises(SchemaError):
        fit_tier_scheme(wrong)


def test_summary_reads_like_a_table() -> None:
    frame = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0]).summary()
    assert frame["tier"].tolist() == ["key", "ordinary", "small"]
    assert frame["lower_bound"].tolist()[:2] == [25.0, 10.0]
    assert np.isnan(frame["lower_bound"].iloc[2])
    assert frame["customer_share"].sum() == pytest.approx(1.0)


def test_survives_pickle_and_json_bit_for_bit() -> None:
    values = np.random.default_rng(5).lognormal(size=100)
    scheme = fit_tier_scheme(values)
    assert pickle.loads(pickle.dumps(scheme)) == scheme
    assert TierScheme.from_json(scheme.to_json()) == scheme


def test_a_tampered_scheme_is_refused() -> None:
    scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])
    for cuts in [(10.0, 25.0), (25.0,), (25.0, None)]:
        with pytest.raises(ValidationError):
            scheme.replace(cuts=cuts)


def test_every_note_has_words_in_both_languages() -> None:
    scheme = fit_tier_scheme([0.0, -1.0, NAN])
    assert scheme.notes
    for note in scheme.notes:
        assert note.label == SCHEME_NOTES[note.code]
        assert note.label.en != note.label.zh
