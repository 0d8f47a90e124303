"""Rates by the tier at the start of the period, recounted; movement and its bridge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retainkit.datasets import load_cdnow_sample
from retainkit.pipeline import RetentionPipeline, RetentionResult
from tests.runs import QUIET, run_cdnow


@pytest.fixture(scope="module")
def march() -> RetentionResult:
    return run_cdnow("1998-03-31", QUIET)


@pytest.fixture(scope="module")
def june() -> RetentionResult:
    return run_cdnow()


@pytest.fixture(scope="module")
def held(march: RetentionResult) -> RetentionResult:
    """June, with what was published in March."""
    return RetentionPipeline().run(load_cdnow_sample(), as_of="1998-06-30", previous=march)


def _buyers(first: str, last: str) -> set[int]:
    rows = load_cdnow_sample()
    inside = rows["timestamp"].between(first, last) & (rows["amount"] >= 0)
    return set(rows.loc[inside, "customer_id"])


def test_retention_of_the_second_quarter_by_the_tiers_of_31_march(
    march: RetentionResult, june: RetentionResult
) -> None:
    """Bought in the 91 days to 31 March, and again in the second quarter; counted by pandas."""
    active = _buyers("1997-12-31", "1998-03-31")
    kept = active & _buyers("1998-04-01", "1998-06-30")
    view = march.customers.to_frame().set_index("customer_id")
    then = view["tier"].astype(str).replace({"lost": "gone_then"})
    now = june.customers.to_frame().set_index("customer_id")["tier"].astype(str)
    table = june.tier_retention.to_frame().set_index("tier")
    for group in ("key", "ordinary", "small", "gone_then"):
        who = set(then.index[then == group])
        row = table.loc[group]
        counted = (len(who), len(who & active), len(who & kept))
        assert (row["customers"], row["active"], row["kept"]) == counted
    for group in ("key", "ordinary", "small"):
        who = set(now.index[now == group])
        rate = len(who & kept) / len(who & active)
        assert table.loc[group, "retention_by_tier_now"] == pytest.approx(rate)
    assert table["retention"]["key"] < table["retention_by_tier_now"]["key"] - 0.1
    assert (table[["active", "kept"]].sum() == [len(active), len(kept)]).all()


def test_the_metrics_have_the_same_groups(june: RetentionResult) -> None:
    table = june.tier_retention.to_frame().set_index("tier")
    for group in ("key", "ordinary", "small"):
        found = june.metrics.get("retention_rate", group=group)
        assert found.value == pytest.approx(table.loc[group, "retention"])
        assert (found.numerator, found.denominator) == tuple(table.loc[group, ["kept", "active"]])


def test_every_customer_is_in_one_group_and_few_have_no_rank(june: RetentionResult) -> None:
    table = june.tier_retention
    assert table.customers.sum() == len(june)
    few = table.active < 30
    assert few.any()
    assert np.isnan(table.rank[few]).all()
    assert table.rank[:2].tolist() == [1.0, 2.0]
    known = table.active > 0
    assert ((table.lower <= table.retention) & (table.retention <= table.upper))[known].all()


def test_who_came_later_stands_apart() -> None:
    """By hand: on 31 March 1998 minus 91 days nobody of a later start was there."""
    rows = load_cdnow_sample()
    late = rows[rows["customer_id"] % 10 == 0].copy()
    late["timestamp"] += pd.Timedelta(days=400)
    late["customer_id"] += 1_000_000
    whole = pd.concat([rows, late[late["timestamp"] <= "1998-06-30"]])
    result = RetentionPipeline().run(whole, as_of="1998-06-30")
    table = result.tier_retention.to_frame().set_index("tier")
    first = whole.groupby("customer_id")["timestamp"].min()
    assert table.loc["entrants", "customers"] == (first > "1998-03-31").sum() > 0
    assert table.loc["entrants", "active"] == 0
    assert table["customers"].sum() == len(result)


@pytest.mark.parametrize("known", [True, False])
def test_movement_agrees_with_the_pyramid(
    march: RetentionResult, june: RetentionResult, held: RetentionResult, known: bool
) -> None:
    """With the last run and without one: the same people, and a bridge that adds up."""
    result = held if known else june
    assert result.movement is not None
    heads = result.movement.counts
    pyramid = result.value_pyramid
    assert heads.sum(axis=0).tolist() == pyramid.customers.tolist()
    assert heads.sum(axis=1)[:-1].tolist() == march.pyramid.customers.tolist()
    bridge = result.movement.bridge()
    for part in ("customers", "value"):
        steps = bridge[part]
        whole = steps["opening"] + steps["new"] + steps["won_back"] - steps["closing"]
        if part == "value":
            moved = steps[["risen", "same", "fallen", "lost"]].sum()
            assert whole + moved == pytest.approx(0.0, abs=1e-6)
        else:
            assert whole - steps["lost"] == 0
    assert bridge.loc["closing", "value"] == pytest.approx(pyramid.value[:-1].sum())
    assert bridge.loc["opening", "value"] == pytest.approx(march.value_pyramid.value[:-1].sum())


def test_won_back_is_who_was_gone_and_bought_again(
    march: RetentionResult, june: RetentionResult
) -> None:
    gone = set(march.tiers.customer_id[march.scores.states.is_lost])
    back = gone & _buyers("1998-04-01", "1998-06-30")
    here = set(june.tiers.customer_id[~june.scores.states.is_lost])
    assert june.movement is not None
    found = june.movement.bridge()["customers"]["won_back"]
    assert found == len(gone & here)
    assert found > 0
    assert gone & here <= back  # without a purchase nobody comes nearer


def test_cuts_of_the_last_run_are_held(march: RetentionResult, held: RetentionResult) -> None:
    rows = load_cdnow_sample()
    assert held.model.tier_scheme == march.model.tier_scheme
    assert held.model.own_scheme != march.model.tier_scheme
    free = RetentionPipeline(QUIET.replace(hold_cuts=False)).run(
        rows, as_of="1998-06-30", previous=march
    )
    assert free.model.tier_scheme == free.model.own_scheme == held.model.own_scheme
    shorter = RetentionPipeline(QUIET.replace(horizon_days=90)).run(
        rows, as_of="1998-06-30", previous=march
    )
    assert shorter.model.tier_scheme != march.model.tier_scheme  # another value is cut


def test_on_fixed_cuts_the_yardstick_stays(march: RetentionResult, june: RetentionResult) -> None:
    """Regraded by pandas with the cuts of March on both days, and with those of each day."""
    assert june.moves is not None
    assert june.movement is june.moves.published
    for moves, cuts in (
        (june.moves.fixed, march.model.tier_scheme.cuts),
        (june.moves.relative, june.model.own_scheme.cuts),
    ):
        before = _graded(march, march.model.tier_scheme.cuts)
        after = _graded(june, cuts).reindex(before.index)
        for i, old in enumerate(("key", "ordinary", "small")):
            for j, new in enumerate(("key", "ordinary", "small")):
                assert moves.counts[i, j] == ((before == old) & (after == new)).sum()


def _graded(result: RetentionResult, cuts: tuple[float | None, ...]) -> pd.Series[str]:
    """Return the tier of each current customer by bare cuts."""
    value = pd.Series(result.tiers.value, index=result.tiers.customer_id)
    tier = pd.Series("small", index=value.index)
    for name, cut in zip(("ordinary", "key"), cuts[::-1], strict=True):
        tier[value >= np.inf if cut is None else value >= cut] = name
    return tier.mask(result.scores.states.is_lost, "lost")


def test_without_a_look_back_the_gap_is_named() -> None:
    result = run_cdnow(config=QUIET)
    assert not result.tier_retention.at_start
    assert result.movement is None
    assert any(gap.id == "start" for gap in result.gaps)


def test_a_history_of_one_window_has_no_start() -> None:
    rows = load_cdnow_sample()
    result = RetentionPipeline().run(rows[rows["timestamp"] < "1997-03-01"], as_of="1997-02-28")
    assert not result.tier_retention.at_start
    assert any(gap.id == "start" for gap in result.gaps)
