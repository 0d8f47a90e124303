"""One total table: state of the relation x contact x evidence x tier x standing x potential."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from retainkit.policy import (
    Circumstances,
    DecisionTable,
    PolicyConfig,
    Situation,
    Stance,
    decide_actions,
    tabulate_stances,
)
from retainkit.policy._circumstances import FACTS
from retainkit.policy._states import allowed_by_kind
from retainkit.policy._vocabulary import (
    CONTACTS,
    EVIDENCE,
    POTENTIALS,
    RELATIONS,
    STANDINGS,
    Evidence,
)
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
    state: str,
    *,
    recoverable: bool = False,
    unanswered: bool = False,
    contact: str = "all",
    evidence: Evidence = "ranked",
    circumstances: Circumstances | None = None,
) -> DecisionTable:
    """Everybody of tier x standing x potential in one state of the relation."""
    n = len(EVERYBODY)
    return decide_actions(
        tiers_of([tier for tier, *_ in EVERYBODY], [standing for _, standing, _ in EVERYBODY]),
        potential=potential_of([potential for *_, potential in EVERYBODY]),
        situation=Situation(
            state=np.full(n, STATES.index(state), dtype=np.int8),
            recoverable=np.full(n, recoverable),
            unanswered=np.full(n, unanswered),
            contact=np.full(n, CONTACTS.index(contact), dtype=np.int8),
            evidence=evidence,
            circumstances=circumstances or Circumstances(),
        ),
    )


def stances(table: DecisionTable) -> list[Stance]:
    return [Stance(value) for value in table.to_frame()["stance"]]


CASES = list(itertools.product(STATES, (False, True), CONTACTS, EVIDENCE))


@pytest.mark.parametrize(("state", "tried", "contact", "evidence"), CASES)
def test_the_table_is_total(state: str, tried: bool, contact: str, evidence: Evidence) -> None:
    """Every combination has one rule, a reason in both languages, and one action it allows."""
    table = decide(state, recoverable=tried, unanswered=tried, contact=contact, evidence=evidence)
    names = [measure.id for measure in table.catalog.measures]
    action, others = table.action, table.alternatives
    said, rules = stances(table), [table.config.rules[code] for code in table.rule.tolist()]
    allowed = allowed_by_kind(table.catalog, table.config, table.kinds)
    for place, (_, standing, potential) in enumerate(EVERYBODY):
        assert rules[place].reason.en
        assert rules[place].reason.zh
        assert allowed[action[place], table.kind[place]]
        more = [code for code in others[place].tolist() if code >= 0]
        assert len(more) <= 3
        assert len({*more, int(action[place])}) == len(more) + 1
        assert names.index("do_nothing") not in more
        assert all(allowed[code, table.kind[place]] for code in more)
        if state == "ended":
            assert said[place] is Stance.NO_CONTACT
        elif standing == "bad" and potential != "yes":
            assert said[place] is Stance.EXIT
        elif contact == "none":
            assert said[place] in {Stance.NO_CONTACT, Stance.EXIT}
        if evidence != "ranked":
            assert said[place] is not Stance.ECONOMISE


def good(table: DecisionTable) -> list[tuple[str, str, Stance]]:
    """Tier, potential and stance of who has no bad standing."""
    rows = zip(EVERYBODY, stances(table), strict=True)
    return [(tier, pot, said) for (tier, standing, pot), said in rows if standing == "good"]


def test_size_of_the_table() -> None:
    # relations, contacts, kinds of evidence; tiers, standings, potentials, risks
    size = len(RELATIONS) * len(CONTACTS) * len(EVIDENCE) * 3 * 3 * 3 * 4
    assert PolicyConfig().rule_by_case.size == size == 12960


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
    table = decide("present", evidence="not_ranked")
    bad = table.standing == STANDINGS.index("bad")
    assert not table.is_adverse[~bad].any()
    without_prospects = bad & (table.potential != POTENTIALS.index("yes"))
    assert table.is_adverse[without_prospects].all()
    assert Stance.ECONOMISE in stances(decide("present"))


def test_who_has_ended_or_refuses_contact_is_not_contacted() -> None:
    assert {stance for *_, stance in good(decide("ended"))} == {Stance.NO_CONTACT}
    for state in STATES:
        assert {stance for *_, stance in good(decide(state, contact="none"))} == {Stance.NO_CONTACT}


def test_present_is_what_it_was_without_a_situation() -> None:
    tiers = tiers_of([tier for tier, *_ in EVERYBODY], [standing for _, standing, _ in EVERYBODY])
    bare = decide_actions(tiers, potential=potential_of([p for *_, p in EVERYBODY]))
    assert bare.case.tolist() == decide("present").case.tolist()


def told(**facts: str) -> Circumstances:
    """Everybody in the same circumstances, given in words."""
    n = len(EVERYBODY)
    codes: dict[str, Any] = {
        name: np.full(n, FACTS[name].index(word), dtype=np.int8) for name, word in facts.items()
    }
    return Circumstances(**codes)


def actions(table: DecisionTable) -> dict[tuple[str, str, str], str]:
    names = [measure.id for measure in table.catalog.measures]
    return dict(zip(EVERYBODY, [names[code] for code in table.action.tolist()], strict=True))


def test_an_open_complaint_comes_before_everything_else() -> None:
    for state in ("new", "present", "quiet", "gone"):
        table = decide(state, recoverable=True, circumstances=told(complaint="open"))
        assert set(actions(table).values()) == {"settle_complaint"}
        assert (table.alternatives == -1).all()
    assert "settle_complaint" not in actions(decide("present")).values()
    ended = decide("ended", circumstances=told(complaint="open"))
    assert set(actions(ended).values()) == {"stop_contact"}


@pytest.mark.parametrize(
    ("cause", "key", "ordinary"),
    [
        ("active.fault", "win_back_mend_in_person", "win_back_mend"),
        ("active.competitive", "win_back_match_in_person", "win_back_match"),
        ("passive.non_malicious", "win_back_help_to_pay", "win_back_help_to_pay"),
        ("unknown", "ask_why_left", "ask_why_left"),
    ],
)
def test_who_is_won_back_is_won_back_by_worth_and_cause(
    cause: str, key: str, ordinary: str
) -> None:
    table = decide("gone", recoverable=True, circumstances=told(cause=cause))
    found = actions(table)
    assert found["key", "good", "no"] == key
    assert found["ordinary", "good", "no"] == ordinary
    assert found["small", "good", "no"] == "stop_spending"


def test_missing_data_means_the_condition_is_not_met() -> None:
    unknown = Circumstances(complaint=np.full(len(EVERYBODY), -1, dtype=np.int8))
    assert actions(decide("present", circumstances=unknown)) == actions(decide("present"))


def test_a_renewal_that_is_due_is_prepared() -> None:
    found = actions(decide("present", circumstances=told(renewal="due")))
    assert found["key", "good", "no"] == "prepare_renewal"
    later = actions(decide("present", circumstances=told(renewal="later")))
    assert "prepare_renewal" not in later.values()


def test_the_reason_of_a_loss_chooses_what_is_changed() -> None:
    wanted = {
        "price_or_product": "raise_price",
        "mix": "sell_high_margin",
        "returns": "charge_returns",
        "service": "fee_with_choice",
    }
    for reason, action in wanted.items():
        found = actions(decide("present", circumstances=told(loss_reason=reason)))
        assert found["small", "good", "no"] == action


@pytest.mark.parametrize("state", ["new", "present", "quiet", "gone"])
@pytest.mark.parametrize("reason", ["price_or_product", "mix", "returns", "service"])
def test_who_costs_more_than_it_brings_is_not_urged_to_buy_on(state: str, reason: str) -> None:
    """No marketing that leaves prices, mix and service as they are."""
    for phase in FACTS["phase"]:
        table = decide(state, recoverable=True, circumstances=told(loss_reason=reason, phase=phase))
        for code in np.unique([table.action, *table.alternatives.T]).tolist():
            if code < 0:
                continue
            measure = table.catalog.measures[code]
            asks = measure.condition.loss_reasons or measure.fits.loss_reasons
            changes = {"price", "cost_to_serve"} & set(measure.changes)
            sells = {"spend", "retention"} & set(measure.changes)
            assert measure.purpose == "service" or not sells or changes or asks, measure.id


def test_who_wants_service_only_gets_no_marketing() -> None:
    for state in STATES:
        table = decide(state, recoverable=True, contact="service_only")
        for code in np.unique(table.action).tolist():
            measure = table.catalog.measures[code]
            assert measure.purpose == "service" or measure.id == "do_nothing"
    gone = decide("gone", recoverable=True, contact="service_only")
    assert {stance for *_, stance in good(gone)} == {Stance.LET_GO}


def test_who_was_asked_three_times_in_vain_gets_the_free_reminder() -> None:
    table = decide("quiet", unanswered=True)
    assert {stance for *_, stance in good(table)} == {Stance.MAINTAIN}
    assert actions(table)["key", "good", "no"] == "free_reminder"


def test_in_its_rhythm_a_key_customer_is_cared_for() -> None:
    for phase in ("before", "during", "after"):
        found = actions(decide("present", circumstances=told(phase=phase)))
        assert found["key", "good", "no"] == f"care_{phase}_purchase"


@pytest.mark.parametrize(("contact", "evidence"), list(itertools.product(CONTACTS, EVIDENCE)))
def test_the_table_that_is_shown_is_the_table_that_decides(
    contact: str, evidence: Evidence
) -> None:
    shown = tabulate_stances(contact=contact, evidence=evidence)  # type: ignore[arg-type]
    shown = shown.set_index(["relation", "tier", "standing"])
    assert shown.index.is_unique
    assert len(shown) == len(RELATIONS) * 3 * 3
    for state in STATES:
        table = decide(state, contact=contact, evidence=evidence)
        for said, (tier, standing, potential) in zip(stances(table), EVERYBODY, strict=True):
            assert shown.loc[(state, tier, standing), potential] == said.value
