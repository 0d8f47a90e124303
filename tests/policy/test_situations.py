"""One total table: state of the relation x contact x evidence x tier x standing x potential."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from retainkit.policy import DecisionTable, PolicyConfig, Situation, Stance, decide_actions
from retainkit.policy._vocabulary import CONTACTS, EVIDENCE, POTENTIALS, RELATIONS, STANDINGS
from tests.policy.helpers import TIERS, potential_of, tiers_of

STATES = ("prospect", "new", "present", "quiet", "gone", "ended")
EVERYBODY = list(itertools.product(TIERS, STANDINGS, POTENTIALS))
FOR_WHO_IS_THERE = {
    Stance.PROTECT,
    Stance.DEVELOP,
    Stance.MAINTAIN,
    Stance.NURTURE,
    Stance.ECONOMISE,
}


def decide(
    state: str, *, recoverable: bool = False, closed: bool = False, ranked: bool = True
) -> DecisionTable:
    """Everybody of tier x standing x potential in one state of the relation."""
    n = len(EVERYBODY)
    return decide_actions(
        tiers_of([tier for tier, *_ in EVERYBODY], [standing for _, standing, _ in EVERYBODY]),
        potential=potential_of([potential for *_, potential in EVERYBODY]),
        situation=Situation(
            state=np.full(n, STATES.index(state), dtype=np.int8),
            recoverable=np.full(n, recoverable),
            contact=np.full(n, int(closed), dtype=np.int8),
            ranked=ranked,
        ),
    )


def stances(table: DecisionTable) -> list[Stance]:
    return [Stance(value) for value in table.to_frame()["stance"]]


CASES = list(itertools.product(STATES, (False, True), (False, True), (False, True)))


@pytest.mark.parametrize(("state", "recoverable", "closed", "ranked"), CASES)
def test_the_table_is_total(state: str, recoverable: bool, closed: bool, ranked: bool) -> None:
    """Every combination has one rule, a reason in both languages, and one action it allows."""
    table = decide(state, recoverable=recoverable, closed=closed, ranked=ranked)
    for place, (_, standing, _) in enumerate(EVERYBODY):
        decision = table.decision(place)
        assert decision.rule
        assert decision.reason
        assert table.decision(place, language="zh").reason
        action = table.catalog.measures[int(table.action[place])].id
        assert action in decision.measures
        if standing == "bad":
            assert decision.stance is Stance.EXIT


def good(table: DecisionTable) -> list[tuple[str, str, Stance]]:
    """Tier, potential and stance of who has no bad standing."""
    rows = zip(EVERYBODY, stances(table), strict=True)
    return [(tier, pot, said) for (tier, standing, pot), said in rows if standing == "good"]


def test_size_of_the_table() -> None:
    # relations, contacts, kinds of evidence; tiers, standings, potentials, risks
    size = len(RELATIONS) * len(CONTACTS) * len(EVIDENCE) * 3 * 3 * 3 * 4
    assert PolicyConfig().rule_by_case.size == size == 3024


def test_who_is_gone_is_never_told_to_pay_more_or_stay() -> None:
    for recoverable in (False, True):
        said = {stance for *_, stance in good(decide("gone", recoverable=recoverable))}
        assert not said & FOR_WHO_IS_THERE
    by_tier = {tier: stance for tier, _, stance in good(decide("gone", recoverable=True))}
    assert by_tier == {"key": Stance.WIN_BACK, "ordinary": Stance.WIN_BACK, "small": Stance.LET_GO}
    assert {stance for *_, stance in good(decide("gone"))} == {Stance.LET_GO}


def test_quiet_is_rescued_where_it_is_worth_it_and_else_reminded() -> None:
    table = decide("quiet")
    by_tier = {tier: stance for tier, _, stance in good(table)}
    assert by_tier == {"key": Stance.RESCUE, "ordinary": Stance.RESCUE, "small": Stance.MAINTAIN}
    small = EVERYBODY.index(("small", "good", "no"))
    assert table.catalog.measures[int(table.action[small])].id == "free_reminder"


@pytest.mark.parametrize("state", ["prospect", "new", "quiet", "gone", "ended"])
def test_economise_is_for_who_is_present(state: str) -> None:
    assert Stance.ECONOMISE not in stances(decide(state, recoverable=True))


@pytest.mark.parametrize("state", ["prospect", "new", "quiet"])
def test_nothing_is_taken_from_who_is_new_or_quiet(state: str) -> None:
    table = decide(state)
    bad = table.standing == STANDINGS.index("bad")
    assert not table.is_adverse[~bad].any()


def test_without_ranking_evidence_only_dated_facts_allow_something_adverse() -> None:
    table = decide("present", ranked=False)
    bad = table.standing == STANDINGS.index("bad")
    assert not table.is_adverse[~bad].any()
    assert table.is_adverse[bad].all()
    assert Stance.ECONOMISE in stances(decide("present"))


def test_who_has_ended_or_refuses_contact_is_not_contacted() -> None:
    assert {stance for *_, stance in good(decide("ended"))} == {Stance.NO_CONTACT}
    for state in STATES:
        assert {stance for *_, stance in good(decide(state, closed=True))} == {Stance.NO_CONTACT}


def test_present_is_what_it_was_without_a_situation() -> None:
    tiers = tiers_of([tier for tier, *_ in EVERYBODY], [standing for _, standing, _ in EVERYBODY])
    bare = decide_actions(tiers, potential=potential_of([p for *_, p in EVERYBODY]))
    assert bare.case.tolist() == decide("present").case.tolist()
