"""Tiers that change on evidence only: by hand, by law, and against a loop over customers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import AlignmentError, AsOfError, InvalidTableError, SchemaError
from retainkit.tiers import (
    ByCuts,
    StabilityConfig,
    TierOverride,
    TierScheme,
    TierSchemeConfig,
    TierState,
    TierTable,
    assess_standing,
    assign_tiers,
    fit_tier_scheme,
)

NAN = float("nan")
LAW = settings(deadline=None, derandomize=True, max_examples=60)
NAMES = ("key", "ordinary", "small")
SCHEME = fit_tier_scheme([], config=TierSchemeConfig(rule=ByCuts(cuts=(100.0, 10.0))))


def follow(values: list[float], **changes: Any) -> list[tuple[str, str]]:
    """Assess one customer month after month; return tier and reason of each month."""
    config, table, seen = StabilityConfig(**changes), None, []
    for value in values:
        table = assign_tiers([value], SCHEME, previous=table, stability=config)
        row = table.to_frame().iloc[0]
        seen.append((row["tier"], row["reason"]))
    return seen


def tiers_of(seen: list[tuple[str, str]]) -> list[str]:
    return [tier for tier, _ in seen]


def test_the_band_holds_up_to_its_edges() -> None:
    # the cut 100 with 15 % has the band 85 .. 115; the cut 10 has 8.5 .. 11.5
    assert follow([100.0, 99.0, 85.0, 84.99, 100.0, 114.99, 115.0]) == [
        ("key", "reaches_cut"),
        ("key", "held_by_band"),
        ("key", "held_by_band"),
        ("ordinary", "reaches_cut"),
        ("ordinary", "held_by_band"),
        ("ordinary", "held_by_band"),
        ("key", "reaches_cut"),
    ]


def test_two_tiers_at_once() -> None:
    assert tiers_of(follow([500.0, 2.0, 500.0])) == ["key", "small", "key"]
    # 9 is inside the band of the lower cut: down from key only to ordinary
    assert tiers_of(follow([500.0, 9.0, 9.0])) == ["key", "ordinary", "ordinary"]
    # 105 is inside the band of the upper cut: up from small only to ordinary
    assert tiers_of(follow([1.0, 105.0])) == ["small", "ordinary"]


def test_the_reason_is_true_of_the_tier() -> None:
    assert follow([500.0, 9.0])[1] == ("ordinary", "held_by_band")  # 9 does not reach 10
    assert follow([1.0, 105.0])[1] == ("ordinary", "held_by_band")  # 105 reaches 100
    seen = follow([1.0, 50.0, 500.0], promote_after=2)
    assert seen[2] == ("ordinary", "awaiting_evidence")  # for key, one month is not enough
    assert follow([50.0, 2.0])[1] == ("small", "below_every_cut")


def test_without_a_band_the_bare_cuts_decide() -> None:
    values = [100.0, 99.9, 100.0, 9.9, 10.0]
    hard = ["key", "ordinary", "key", "small", "ordinary"]
    assert tiers_of(follow(values, hysteresis=0.0)) == hard
    table = assign_tiers(values, SCHEME, stability=StabilityConfig.off())
    assert table.to_frame()["tier"].tolist() == hard


def test_promotion_after_evidence_in_consecutive_periods() -> None:
    seen = follow([50.0, 200.0, 50.0, 200.0, 200.0, 200.0], promote_after=3)
    assert [reason for _, reason in seen] == [
        "reaches_cut",
        "awaiting_evidence",
        "reaches_cut",  # the run is broken
        "awaiting_evidence",
        "awaiting_evidence",
        "reaches_cut",
    ]
    assert tiers_of(seen) == ["ordinary"] * 5 + ["key"]


def test_promotion_goes_as_far_as_every_period_spoke_for() -> None:
    assert tiers_of(follow([1.0, 50.0, 500.0], promote_after=2))[-1] == "ordinary"
    assert tiers_of(follow([1.0, 500.0, 50.0], promote_after=2))[-1] == "ordinary"
    assert tiers_of(follow([1.0, 500.0, 500.0], promote_after=2))[-1] == "key"
    assert tiers_of(follow([500.0, 1.0, 50.0], demote_after=2))[-1] == "ordinary"
    assert tiers_of(follow([500.0, 1.0, 1.0], demote_after=2))[-1] == "small"


def test_minimum_dwell() -> None:
    seen = follow([50.0, 500.0, 500.0, 500.0, 1.0, 1.0, 1.0, 1.0], minimum_dwell=3)
    assert seen[1:3] == [("ordinary", "held_by_dwell")] * 2
    assert tiers_of(seen) == ["ordinary"] * 3 + ["key"] * 3 + ["small"] * 2


def test_a_gap_in_the_values_changes_nothing() -> None:
    assert follow([500.0, NAN, 500.0])[1] == ("key", "kept_without_value")
    assert follow([NAN, 500.0]) == [("small", "value_not_computable"), ("key", "reaches_cut")]


def test_a_scheme_without_cuts_leaves_no_tier_to_keep() -> None:
    nothing = fit_tier_scheme([-1.0])
    before = assign_tiers([500.0], SCHEME)
    assert assign_tiers([500.0], nothing, previous=before).to_frame()["tier"][0] == "small"


def test_customers_are_joined_by_name_and_new_ones_start() -> None:
    before = assign_tiers([100.0, 1.0], SCHEME, customer_id=pd.Index(["17", "18"]))
    after = assign_tiers([90.0, 90.0, 12.0], SCHEME, customer_id=pd.Index([19, 17, 18]),
                         previous=before)  # fmt: skip
    assert after.to_frame()["tier"].tolist() == ["ordinary", "key", "ordinary"]
    assert after.to_frame()["periods_in_tier"].tolist() == [1, 2, 1]


def test_state_survives_storage_and_gives_the_same_next_assessment() -> None:
    rng = np.random.default_rng(3)
    config = StabilityConfig(minimum_dwell=2, promote_after=2, demote_after=2)
    ids = pd.Index([f"c{k}" for k in range(200)])
    table: TierTable | None = None
    for _ in range(5):
        values = rng.lognormal(3.0, 1.5, size=200)
        table = assign_tiers(values, SCHEME, customer_id=ids, previous=table, stability=config)
    assert table is not None
    stored = TierState.from_frame(table.state.to_frame(), names=NAMES)
    values = rng.lognormal(3.0, 1.5, size=200)
    direct = assign_tiers(values, SCHEME, customer_id=ids, previous=table, stability=config)
    again = assign_tiers(values, SCHEME, customer_id=ids, previous=stored, stability=config)
    pd.testing.assert_frame_equal(again.to_frame(), direct.to_frame())
    assert table.state.summary()["customers"].sum() == 200


def test_a_minimal_stored_state_counts_as_long_in_its_tier() -> None:
    frame = pd.DataFrame({"customer_id": [1], "tier": ["key"]})
    state = TierState.from_frame(frame, names=NAMES)
    config = StabilityConfig(minimum_dwell=12)
    table = assign_tiers([1.0], SCHEME, customer_id=pd.Index([1]), previous=state, stability=config)
    assert table.to_frame()["tier"][0] == "small"


@pytest.mark.parametrize(
    ("frame", "error", "text"),
    [
        ({"customer_id": [1]}, SchemaError, "tier"),
        ({"customer_id": [1], "tier": ["gold"]}, SchemaError, "gold"),
        ({"customer_id": [1, 1], "tier": ["key", "key"]}, InvalidTableError, "several rows"),
    ],
)
def test_refuses_a_broken_state(frame: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        TierState.from_frame(pd.DataFrame(frame), names=NAMES)


def test_refuses_other_tiers() -> None:
    other = TierSchemeConfig(names=("gold", "silver"), rule=ByCuts(cuts=(5.0,)))
    before = assign_tiers([1.0], fit_tier_scheme([], config=other))
    with pytest.raises(AlignmentError, match="gold"):
        assign_tiers([1.0], SCHEME, previous=before)


# --- the same rules once more, customer by customer, as an oracle -------------------------------


class Slow:
    """One customer's tier by the words of the documentation."""

    def __init__(self, config: StabilityConfig) -> None:
        self.config = config
        self.tier: int | None = None
        self.periods, self.wishes = 0, list[int]()

    def assess(self, value: float, cuts: tuple[float, ...]) -> int:
        h = self.config.hysteresis
        if self.tier is None:
            self.tier, self.periods = sum(value < cut for cut in cuts), 1
            return self.tier
        wish = self.tier
        while wish > 0 and value >= cuts[wish - 1] + h * abs(cuts[wish - 1]):
            wish -= 1
        while wish < len(cuts) and value < cuts[wish] - h * abs(cuts[wish]):
            wish += 1
        if self.wishes and (wish - self.tier) * (self.wishes[-1] - self.tier) <= 0:
            self.wishes = []
        if wish != self.tier:
            self.wishes.append(wish)
        up = wish < self.tier
        needed = self.config.promote_after if up else self.config.demote_after
        enough = len(self.wishes) >= needed and wish != self.tier
        if enough and self.periods >= self.config.minimum_dwell:
            self.tier = max(self.wishes) if up else min(self.wishes)
            self.periods, self.wishes = 1, []
        else:
            self.periods += 1
        return self.tier


CONFIGS = st.builds(
    StabilityConfig,
    hysteresis=st.sampled_from([0.0, 0.15, 0.5]),
    minimum_dwell=st.integers(0, 4),
    promote_after=st.integers(1, 3),
    demote_after=st.integers(1, 3),
)


@LAW
@given(st.lists(st.integers(-60, 60), min_size=1, max_size=20), CONFIGS)
def test_agrees_with_the_rules_applied_one_customer_at_a_time(
    values: list[int], config: StabilityConfig
) -> None:
    """The arrays do what the words say."""
    cuts = (40.0, 10.0, -20.0)
    rule = TierSchemeConfig(names=("a", "b", "c", "d"), rule=ByCuts(cuts=cuts))
    scheme, slow, table = fit_tier_scheme([], config=rule), Slow(config), None
    for value in values:
        table = assign_tiers([float(value)], scheme, previous=table, stability=config)
        assert table.value_tier[0] == slow.assess(float(value), cuts)


VALUES = st.lists(st.integers(-50, 5_000), min_size=1, max_size=40).map(
    lambda numbers: np.array(numbers, dtype=np.float64)
)


@LAW
@given(VALUES, st.integers(0, 1_000), CONFIGS)
def test_row_order_and_partition_do_not_matter(
    values: Any, seed: int, config: StabilityConfig
) -> None:
    """Each customer's tier depends on its own value and memory alone."""
    rng, n = np.random.default_rng(seed), values.size
    before = assign_tiers(rng.integers(-50, 200, size=n), SCHEME)
    whole = assign_tiers(values, SCHEME, previous=before, stability=config)
    order = rng.permutation(n)
    for part in (order[: n // 2], order[n // 2 :]):
        some = assign_tiers(
            values[part], SCHEME, customer_id=pd.Index(part), previous=before, stability=config
        )
        np.testing.assert_array_equal(some.value_tier, whole.value_tier[part])
        np.testing.assert_array_equal(some.reason, whole.reason[part])


@LAW
@given(VALUES, st.integers(0, 2), CONFIGS)
def test_monotone_in_value_for_customers_of_the_same_past(
    values: Any, past: int, config: StabilityConfig
) -> None:
    """Of two customers who come from the same tier, the one worth more is never graded worse."""
    before = assign_tiers(np.full(values.size, (500.0, 50.0, 1.0)[past]), SCHEME)
    after = assign_tiers(values, SCHEME, previous=before, stability=config).value_tier
    more = values[:, None] >= values[None, :]
    assert (after[:, None] <= after[None, :])[more].all()


@LAW
@given(VALUES, st.sampled_from([0.0, 0.15, 0.4]))
def test_a_band_never_relabels_more_than_bare_cuts(values: Any, hysteresis: float) -> None:
    """From the same tiers, a customer the band lets move, bare cuts move too, in that direction."""
    before = assign_tiers(np.roll(values, 1), SCHEME)
    config = StabilityConfig(hysteresis=hysteresis)
    after = assign_tiers(values, SCHEME, previous=before, stability=config)
    bare = assign_tiers(values, SCHEME).value_tier
    moved = after.value_tier != before.value_tier
    direction = np.sign(after.value_tier - before.value_tier)
    assert (np.sign(bare - before.value_tier) == direction)[moved].all()


@LAW
@given(VALUES, st.sampled_from([0.25, 4.0, 1024.0]), CONFIGS)
def test_scaling_money_changes_nothing(values: Any, factor: float, config: StabilityConfig) -> None:
    """In another currency everybody keeps or changes the tier alike, for the same reason."""
    first = fit_tier_scheme(values)
    cents = fit_tier_scheme(values * factor)
    before = assign_tiers(np.roll(values, 1), first)
    table = assign_tiers(values, first, previous=before, stability=config)
    before_cents = assign_tiers(np.roll(values, 1) * factor, cents)
    again = assign_tiers(values * factor, cents, previous=before_cents, stability=config)
    np.testing.assert_array_equal(again.tier, table.tier)
    np.testing.assert_array_equal(again.reason, table.reason)
    np.testing.assert_array_equal(again.borderline, table.borderline)


@LAW
@given(VALUES, st.integers(1, 1_000), CONFIGS)
def test_a_newcomer_below_every_cut_promotes_nobody(
    values: Any, below: int, config: StabilityConfig
) -> None:
    """Who joins at the bottom changes nobody's tier, previous assessment or not."""
    before = assign_tiers(np.roll(values, 1), SCHEME)
    alone = assign_tiers(values, SCHEME, previous=before, stability=config)
    joined = assign_tiers(
        np.append(values, 10.0 - below), SCHEME, previous=before, stability=config
    )
    np.testing.assert_array_equal(joined.tier[:-1], alone.tier)
    assert joined.tier[-1] == 2


# --- tiers set by hand ---------------------------------------------------------------------------


def by_hand(customer_id: str, tier: str = "key", expires: str = "2026-06-30") -> TierOverride:
    return TierOverride.model_validate(
        {
            "customer_id": customer_id,
            "tier": tier,
            "reason": "reference site",
            "owner": "A. Li",
            "expires": expires,
        }
    )


def graded(overrides: list[TierOverride], **options: Any) -> TierTable:
    ids = pd.Index([1, 2, 3])
    return assign_tiers(
        [1.0, 1.0, 1.0], SCHEME, customer_id=ids, overrides=overrides, as_of="2026-06-30", **options
    )


def test_an_override_shows_a_tier_and_leaves_the_value_tier() -> None:
    table = graded([by_hand("2"), by_hand("3", expires="2026-06-29"), by_hand("99")])
    frame = table.to_frame()
    assert frame["tier"].tolist() == ["small", "key", "small"]
    assert frame["value_tier"].tolist() == ["small"] * 3
    assert frame["reason"].tolist() == ["below_every_cut", "manual_override", "below_every_cut"]
    assert frame["override_owner"].tolist()[1] == "A. Li"
    assert frame["override_expires"].tolist()[1] == "2026-06-30"
    assert frame["override_reason"].isna().tolist() == [True, False, True]
    assert table.overrides is not None
    statuses = table.overrides.to_frame()["status"].tolist()
    assert statuses == ["applied", "expired", "other_customer"]
    assert table.overrides.summary()["overrides"].tolist() == [1, 1, 1, 0]


def test_bad_standing_outranks_an_override() -> None:
    record = pd.DataFrame({"customer_id": [2], "credit_standing": ["fraud"]})
    standing = assess_standing(record, customer_id=pd.Index([1, 2, 3]))
    table = graded([by_hand("2")], standing=standing)
    assert table.to_frame()["tier"].tolist() == ["small", "bad", "small"]
    assert table.overrides is not None
    assert table.overrides.to_frame()["status"].tolist() == ["bad_standing"]


def test_when_an_override_ends_the_tier_is_what_the_value_says() -> None:
    before = graded([by_hand("2")])
    after = assign_tiers([1.0, 1.0, 1.0], SCHEME, customer_id=pd.Index([1, 2, 3]), previous=before)
    assert after.to_frame()["tier"].tolist() == ["small"] * 3


def test_refuses_unclear_overrides() -> None:
    with pytest.raises(AsOfError, match="as_of"):
        assign_tiers([1.0], SCHEME, overrides=[by_hand("0")])
    with pytest.raises(SchemaError, match="platinum"):
        graded([by_hand("1", tier="platinum")])
    with pytest.raises(SchemaError, match="bad"):
        graded([by_hand("1", tier="bad")])
    with pytest.raises(InvalidTableError, match="several overrides"):
        graded([by_hand("1"), by_hand("1", tier="small")])
    graded([by_hand("1"), by_hand("1", tier="small", expires="2020-01-01")])


def test_overrides_travel_as_json(tmp_path: Any) -> None:
    one = by_hand("007")
    assert TierOverride.from_json(one.to_json()) == one
    assert isinstance(SCHEME, TierScheme)
