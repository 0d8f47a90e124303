"""Movement between assessments: by hand, by law, published numbers and independent oracles."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from retainkit.tiers import (
    ByCuts,
    TierChain,
    TierMovement,
    TierSchemeConfig,
    TierTable,
    assess_standing,
    assign_tiers,
    compare_tiers,
    fit_tier_chain,
    fit_tier_scheme,
)
from retainkit.tiers._config import MOVEMENT_LABELS, MOVEMENTS

LAW = settings(deadline=None, derandomize=True, max_examples=25)
SCHEME = fit_tier_scheme([], config=TierSchemeConfig(rule=ByCuts(cuts=(100.0, 10.0))))
WORTH = {"key": 200.0, "ordinary": 50.0, "small": 1.0, "bad": 5.0}


def table(**customers: str) -> TierTable:
    """Return an assessment in which each customer has the tier named."""
    ids = pd.Index(list(customers))
    values = [WORTH[tier] for tier in customers.values()]
    record = pd.DataFrame(
        {"customer_id": ids, "credit_standing": ["fraud" if t == "bad" else "good"
                                                 for t in customers.values()]}
    )  # fmt: skip
    standing = assess_standing(record, customer_id=ids)
    return assign_tiers(values, SCHEME, customer_id=ids, standing=standing)


BEFORE = table(a="key", b="key", c="key", d="ordinary", e="ordinary", f="small", g="bad")
AFTER = table(h="small", g="small", f="ordinary", e="bad", d="key", b="ordinary", a="key")


def test_every_move_by_hand() -> None:
    heads = compare_tiers(BEFORE, AFTER).heads()
    expected = {
        #           key ordinary small bad lapsed total
        "key": [1, 1, 0, 0, 1, 3],  # a stayed, b fell, c left
        "ordinary": [1, 0, 0, 1, 0, 2],  # d rose, e turned bad
        "small": [0, 1, 0, 0, 0, 1],  # f rose
        "bad": [0, 0, 1, 0, 0, 1],  # g was cured
        "lapsed": [0, 0, 0, 0, 0, 0],
        "new": [0, 0, 1, 0, 0, 1],  # h came
        "total": [2, 2, 2, 1, 1, 8],
    }
    assert heads.T.to_dict(orient="list") == expected


def test_rates_by_hand() -> None:
    wide = compare_tiers(BEFORE, AFTER).summary().set_index("tier")
    assert wide["before"].tolist() == [3, 2, 1, 1]
    assert wide["after"].tolist() == [2, 2, 2, 1]
    nan = float("nan")
    expected = {  # promotion, retention, demotion, bad among those present; exit among all
        "key": [nan, 0.5, 0.5, 0.0, 1 / 3],
        "ordinary": [0.5, 0.0, 0.0, 0.5, 0.0],
        "small": [1.0, 0.0, nan, 0.0, 0.0],
        "bad": [1.0, 0.0, nan, nan, 0.0],
    }
    for tier, rates in expected.items():
        np.testing.assert_allclose(wide.loc[tier, list(MOVEMENTS)].to_numpy(float), rates)
    assert compare_tiers(BEFORE, AFTER).relabelled == pytest.approx(5 / 6)
    assert set(MOVEMENT_LABELS) == set(MOVEMENTS)


def test_intervals_are_jeffreys() -> None:
    """9 of 10 retained has the 95 % interval [0.619, 0.989]."""
    before = table(**{f"c{k}": "key" for k in range(10)})
    after = table(**{f"c{k}": "key" if k else "small" for k in range(10)})
    rates = compare_tiers(before, after).rates()
    kept = rates[(rates["tier"] == "key") & (rates["movement"] == "retention")].iloc[0]
    assert (round(kept["lower"], 3), round(kept["upper"], 3)) == (0.619, 0.989)
    low, high = stats.beta(9.5, 1.5).ppf([0.025, 0.975])
    assert (kept["lower"], kept["upper"]) == pytest.approx((low, high))
    left = rates[(rates["tier"] == "key") & (rates["movement"] == "exit")].iloc[0]
    assert left["lower"] == 0.0
    assert rates[rates["tier"] == "small"]["upper"].isna().all()


def test_a_row_without_customers_is_unknown_whatever_the_smoothing() -> None:
    for smoothing in (0.0, 0.5):
        movement = compare_tiers(table(a="key"), table(a="small"), smoothing=smoothing)
        matrix = movement.matrix()
        assert matrix.loc["ordinary", "key":"lapsed"].isna().all()
        assert movement.smoothing == smoothing
    # one customer, five states, half a customer added to each: 1.5 / 3.5
    assert matrix.loc["key", "small"] == pytest.approx(1.5 / 3.5)
    assert movement.heads().loc["key", "small"] == 1


def test_customers_who_are_listed_but_gone() -> None:
    before, after = table(a="key", b="small", c="key"), table(a="key", b="small", c="key")
    movement = compare_tiers(
        before, after, lapsed_before=[False, True, True], lapsed_after=[True, True, False]
    )
    heads = movement.heads()
    assert heads.loc["key", "lapsed"] == 1
    assert heads.loc["lapsed", "lapsed"] == 1
    assert heads.loc["lapsed", "key"] == 1  # won back


def test_value_moves_with_the_customers() -> None:
    movement = compare_tiers(BEFORE, AFTER)
    assert movement.value_before.sum() == BEFORE.value.sum()
    assert movement.value_after.sum() == AFTER.value.sum()
    frame = movement.to_frame().set_index(["before", "after"])
    assert frame.loc[("ordinary", "key"), "value_before"] == 50.0
    assert frame.loc[("ordinary", "key"), "value_after"] == 200.0
    assert frame.loc[("key", "lapsed"), "value_before"] == 200.0
    assert frame.loc[("key", "lapsed"), "value_after"] == 0.0
    assert frame.loc[("new", "small"), "value_before"] == 0.0
    assert frame.loc[("new", "small"), "value_after"] == 1.0


TIERS = st.lists(
    st.tuples(
        st.sampled_from(["key", "ordinary", "small", "bad", "absent"]),
        st.sampled_from(["key", "ordinary", "small", "bad", "absent"]),
    ),
    min_size=1,
    max_size=30,
)


def tables(moves: list[tuple[str, str]]) -> tuple[TierTable, TierTable]:
    before = {f"c{k}": was for k, (was, _) in enumerate(moves) if was != "absent"}
    after = {f"c{k}": now for k, (_, now) in enumerate(moves) if now != "absent"}
    return table(**before), table(**after)


@LAW
@given(TIERS, st.sampled_from([0.0, 0.5, 3.0]))
def test_rows_sum_to_one_or_are_unknown(moves: list[tuple[str, str]], smoothing: float) -> None:
    """Each known row of the migration matrix sums to 1; an unknown one is NaN throughout."""
    before, after = tables(moves)
    movement = compare_tiers(before, after, smoothing=smoothing)
    for row, heads in zip(movement.probabilities, movement.counts.sum(axis=1), strict=True):
        assert np.isnan(row).all() if heads == 0 else row.sum() == pytest.approx(1.0)


@LAW
@given(TIERS)
def test_nobody_is_lost(moves: list[tuple[str, str]]) -> None:
    """Heads and value of both assessments come back, entrants and exits included."""
    before, after = tables(moves)
    movement = compare_tiers(before, after)
    np.testing.assert_array_equal(
        movement.counts[:4].sum(axis=1), np.bincount(before.tier, minlength=4)
    )
    np.testing.assert_array_equal(
        movement.counts[:, :4].sum(axis=0), np.bincount(after.tier, minlength=4)
    )
    assert movement.counts.sum() == len(set(before.customer_id) | set(after.customer_id))
    assert movement.value_before.sum() == pytest.approx(before.value.sum())
    assert movement.value_after.sum() == pytest.approx(after.value.sum())


@LAW
@given(TIERS, st.randoms(use_true_random=False))
def test_order_of_customers_does_not_matter(moves: list[tuple[str, str]], random: Any) -> None:
    """Either assessment may list its customers in any order."""
    before, after = tables(moves)
    shuffled = list(enumerate(moves))
    random.shuffle(shuffled)
    other = table(**{f"c{k}": was for k, (was, _) in shuffled if was != "absent"})
    np.testing.assert_array_equal(
        compare_tiers(other, after).counts, compare_tiers(before, after).counts
    )


@LAW
@given(TIERS)
def test_agrees_with_a_cross_table(moves: list[tuple[str, str]]) -> None:
    """pandas.crosstab counts the same."""
    before, after = tables(moves)
    movement = compare_tiers(before, after)
    present = [(was, now) for was, now in moves if (was, now) != ("absent", "absent")]
    was = ["new" if one == "absent" else one for one, _ in present]
    now = ["lapsed" if one == "absent" else one for _, one in present]
    oracle = pd.crosstab(np.array(was, dtype=object), np.array(now, dtype=object))
    oracle = oracle.reindex(index=list(movement.sources), columns=list(movement.states))
    np.testing.assert_array_equal(movement.counts, oracle.fillna(0))


def test_refuses_what_cannot_be_compared() -> None:
    other = TierSchemeConfig(names=("gold", "silver"), rule=ByCuts(cuts=(5.0,)))
    with pytest.raises(AlignmentError, match="same tiers"):
        compare_tiers(BEFORE, assign_tiers([1.0], fit_tier_scheme([], config=other)))
    twice = assign_tiers([1.0, 2.0], SCHEME, customer_id=pd.Index([1, 1]))
    with pytest.raises(AlignmentError, match="twice"):
        compare_tiers(twice, twice)
    with pytest.raises(SchemaError, match="smoothing"):
        compare_tiers(BEFORE, AFTER, smoothing=-1.0)
    with pytest.raises(SchemaError, match="True or False"):
        compare_tiers(BEFORE, AFTER, lapsed_after=[0.1] * 7)
    with pytest.raises(AlignmentError, match="lapsed_after"):
        compare_tiers(BEFORE, AFTER, lapsed_after=[True])


def test_pickles() -> None:
    movement = compare_tiers(BEFORE, AFTER)
    again: TierMovement = pickle.loads(pickle.dumps(movement))
    pd.testing.assert_frame_equal(again.to_frame(), movement.to_frame())


# --- chains --------------------------------------------------------------------------------------

# Pfeifer & Carraway (2000), Journal of Interactive Marketing 14(2), 43-55: recency states 1..4
# and former customers; NC = $40, M = $4, d = 20 %, p = .3, .2, .15, .05, with the vectors commonly
# quoted from it (not checked against the printed article). The tests below solve the same chain
# again by its equation and by simulation.
P = np.array(
    [[0.3, 0.7, 0, 0, 0], [0.2, 0, 0.8, 0, 0], [0.15, 0, 0, 0.85, 0], [0.05, 0, 0, 0, 0.95],
     [0, 0, 0, 0, 1.0]]
)  # fmt: skip
R = np.array([36.0, -4.0, -4.0, -4.0, 0.0])
RECENCY = TierChain.from_matrix(("r1", "r2", "r3", "r4", "former"), P, absorbing=("former",))


def test_pfeifer_and_carraway() -> None:
    four = RECENCY.value(R, discount_rate=0.2, periods=4)
    np.testing.assert_allclose(four, [50.115, 4.220, 0.592, -1.980, 0.0], atol=5e-4)
    for_ever = RECENCY.value(R, discount_rate=0.2)
    np.testing.assert_allclose(for_ever, [52.320, 5.554, 1.251, -1.820, 0.0], atol=5e-4)
    by_name = RECENCY.value({"r1": 36.0, "r2": -4.0, "r3": -4.0, "r4": -4.0}, discount_rate=0.2)
    pd.testing.assert_series_equal(by_name, for_ever)


def test_value_satisfies_its_equation_and_is_the_limit_of_finite_ones() -> None:
    value = RECENCY.value(R, discount_rate=0.2).to_numpy()
    np.testing.assert_allclose(value, R + P @ value / 1.2, atol=1e-12)
    np.testing.assert_allclose(RECENCY.value(R, discount_rate=0.2, periods=400), value, atol=1e-9)


def test_value_by_simulation() -> None:
    rng = np.random.default_rng(1)
    state, total, n = np.zeros(40_000, dtype=int), np.zeros(40_000), 40_000
    steps = np.cumsum(P, axis=1)
    for period in range(60):
        total += R[state] / 1.2**period
        state = (rng.random(n)[:, None] > steps[state]).sum(axis=1)
    error = total.std() / np.sqrt(n)
    assert total.mean() == pytest.approx(RECENCY.value(R, discount_rate=0.2)["r1"], abs=4 * error)


def test_without_discounting_a_closed_gain_has_no_finite_value() -> None:
    chain = TierChain.from_matrix(("a", "b", "c"), [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]])
    value = chain.value([1.0, 0.0, 3.0], discount_rate=0.0)
    np.testing.assert_array_equal(value, [2.0, 0.0, np.nan])
    assert chain.value([1.0, 1.0, 0.0], discount_rate=0.0).isna().tolist() == [True, True, False]


def test_what_leads_to_the_unknown_is_unknown() -> None:
    nan = float("nan")
    matrix = [[0.5, 0.5, 0, 0], [0.0, 0.0, 1.0, 0.0], [nan] * 4, [0, 0, 0, 1.0]]
    chain = TierChain.from_matrix(("a", "b", "c", "d"), matrix)
    gains = [1.0, 1.0, 1.0, 1.0]
    for_ever = chain.value(gains, discount_rate=1.0)
    np.testing.assert_allclose(for_ever, [np.nan, np.nan, np.nan, 2.0])
    assert chain.value(gains, discount_rate=1.0, periods=0).tolist()[:2] == [1.0, 1.0]
    with pytest.raises(NotComputableError, match="c"):
        chain.project({"b": 1.0}, periods=2)
    assert chain.project({"b": 1.0}, periods=1)["c"].tolist() == [0.0, 1.0]


def test_projection_by_powers() -> None:
    heads = np.array([100.0, 0.0, 10.0, 0.0, 0.0])
    ahead = RECENCY.project(heads, periods=3)
    np.testing.assert_allclose(ahead.loc[3], heads @ np.linalg.matrix_power(P, 3))
    np.testing.assert_allclose(ahead.sum(axis=1), 110.0)
    joined = RECENCY.project(heads, periods=3, entrants={"r1": 5.0})
    np.testing.assert_allclose(joined.sum(axis=1), [110.0, 115.0, 120.0, 125.0])


def test_a_chain_is_learnt_from_counts() -> None:
    movement = compare_tiers(BEFORE, AFTER)
    chain = fit_tier_chain(movement)
    assert list(chain.matrix().loc["key"]) == pytest.approx([1 / 3, 1 / 3, 0, 0, 1 / 3])
    assert list(chain.matrix().loc["bad"]) == [0, 0, 0, 1, 0]
    assert list(chain.matrix().loc["lapsed"]) == [0, 0, 0, 0, 1]
    assert chain.n == (3, 2, 1, 1, 0)
    cured = fit_tier_chain([movement, movement], absorbing=("lapsed",))
    assert list(cured.matrix().loc["bad"]) == [0, 0, 1, 0, 0]
    assert cured.n == (6, 4, 2, 2, 0)
    assert TierChain.from_json(cured.to_json()) == cured


def test_a_chain_with_an_unknown_row_goes_through_json() -> None:
    chain = fit_tier_chain(compare_tiers(table(a="key"), table(a="key")))
    assert chain.matrix().loc["small"].isna().all()
    assert TierChain.from_json(chain.to_json()) == chain


def test_refuses_what_is_no_chain() -> None:
    with pytest.raises(ValidationError, match="sum to 1"):
        TierChain.from_matrix(("a", "b"), [[0.5, 0.4], [0.0, 1.0]])
    with pytest.raises(ValidationError, match="absorbing"):
        TierChain.from_matrix(("a", "b"), [[0.5, 0.5], [0.5, 0.5]], absorbing=("b",))
    with pytest.raises(ValidationError, match="rows"):
        TierChain.from_matrix(("a", "b"), [[1.0]])
    with pytest.raises(SchemaError, match="discount_rate"):
        RECENCY.value(R, discount_rate=-0.1)
    with pytest.raises(SchemaError, match="r2"):
        RECENCY.value({"r1": 1.0}, discount_rate=0.1)
    with pytest.raises(SchemaError, match="4 entries"):
        RECENCY.value([1.0] * 4, discount_rate=0.1)
    with pytest.raises(SchemaError, match="at least one"):
        fit_tier_chain([])
