"""The hold-out: portable, stable, random, per tier and measure."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from retainkit.errors import AlignmentError, InvalidTableError, SchemaError
from retainkit.policy import assign_holdout

IDS = pd.RangeIndex(20_000)
PLAN = np.arange(20_000) % 3 - 1


def _unit(text: str) -> float:
    """The documented hash in plain Python integers."""
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = ((state ^ (state >> shift)) * factor) % 2**64
    state ^= state >> 31
    return (state >> 11) / 2**53


def test_hash_is_the_documented_one() -> None:
    ids = pd.Index(["7", "42", "客户甲", "a longer identifier 0017"])
    held = assign_holdout(ids, [0] * 4, salt="s", share=0.5, measures=("letter",))
    assert held.held_out.tolist() == [_unit(f"s\x1fletter\x00{i}") < 0.5 for i in ids]


def test_fnv_known_answer() -> None:
    """Published test vectors of FNV-1a 64."""
    from retainkit.policy._kernel_hash import fnv1a

    assert fnv1a(b"") == 0xCBF29CE484222325
    assert fnv1a(b"a") == 0xAF63DC4C8601EC8C
    assert fnv1a(b"foobar") == 0x85944171F73967E8


def test_share_is_met_in_every_tier_and_measure() -> None:
    tier = np.arange(20_000) // 10_000
    held = assign_holdout(
        IDS,
        PLAN,
        salt="s",
        share={"key": 0.05, "small": 0.2},
        tier=tier,
        tier_names=("key", "small"),
    )
    table = held.summary()
    assert len(table) == 4
    wanted = table["tier"].map({"key": 0.05, "small": 0.2})
    error = np.sqrt(wanted * (1 - wanted) / table["customers"])
    assert ((table["share"] - wanted).abs() < 3.5 * error).all()
    assert not held.held_out[PLAN < 0].any()
    assert (held.treated[held.held_out] == -1).all()
    np.testing.assert_array_equal(held.treated[~held.held_out], PLAN[~held.held_out])


def test_new_customers_order_and_kind_of_id_change_nothing() -> None:
    """Stable under new customers; the order of rows; 17 and "17" are one customer."""
    plan = np.zeros(20_000, dtype=int)
    held = assign_holdout(IDS, plan, salt="s").held_out
    fewer = assign_holdout(IDS[:5_000], plan[:5_000], salt="s").held_out
    np.testing.assert_array_equal(held[:5_000], fewer)
    order = np.random.default_rng(0).permutation(20_000)
    mixed = assign_holdout(pd.Index(order), plan, salt="s").held_out
    np.testing.assert_array_equal(held[order], mixed)
    text = assign_holdout(IDS.astype(str), plan, salt="s").held_out
    np.testing.assert_array_equal(held, text)
    more = assign_holdout(IDS, plan, salt="s", share=0.3).held_out
    assert more[held].all()


def test_salts_and_measures_draw_independently() -> None:
    plan = np.zeros(20_000, dtype=int)
    first = assign_holdout(IDS, plan, salt="a", share=0.5).held_out
    for other in (
        assign_holdout(IDS, plan, salt="b", share=0.5).held_out,
        assign_holdout(IDS, plan, salt="a", share=0.5, measures=("visit",)).held_out,
    ):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.03


def test_a_plan_without_hold_out_is_refused() -> None:
    for share in (0.0, 1.0, -0.1):
        with pytest.raises(InvalidTableError, match="shares"):
            assign_holdout(IDS, PLAN, salt="s", share=share)
    with pytest.raises(SchemaError, match="no share"):
        assign_holdout(IDS, PLAN, salt="s", share={"x": 0.1})
    with pytest.raises(AlignmentError):
        assign_holdout(IDS, PLAN[:5], salt="s")


def test_frame_and_pickle() -> None:
    held = pickle.loads(pickle.dumps(assign_holdout(IDS, PLAN, salt="s")))
    frame = held.to_frame()
    assert frame["propensity"].isna().equals(pd.Series(PLAN < 0, name="propensity"))
    assert len(frame) == len(held) == 20_000
