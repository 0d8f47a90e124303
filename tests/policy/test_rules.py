"""Rules: hand cases per row of the domain, totality, and configs that are refused."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace
from random import Random

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit._core.labels import Label
from retainkit.policy import (
    Circumstances,
    MeasureCatalog,
    PolicyConfig,
    RiskBands,
    Situation,
    Stance,
    StanceRule,
    decide_actions,
)
from retainkit.policy._states import allowed_by_kind
from tests.policy.helpers import POTENTIALS, STANDINGS, TIERS, Churn, potential_of, tiers_of

RISK = {"low": 0.1, "medium": 0.4, "high": 0.8, "unknown": float("nan")}

HAND_CASES = [
    # row, tier, standing, potential, risk -> stance, rule
    ("protecting key customers", "key", "good", "no", "low", "protect", "key"),
    ("protecting key customers", "key", "good", "unknown", "unknown", "protect", "key"),
    ("protecting key customers", "key", "good", "no", "high", "protect", "key_at_risk"),
    ("protecting key customers", "key", "watch", "no", "low", "protect", "key_on_watch"),
    ("protecting key customers", "key", "watch", "no", "high", "protect", "key_at_risk"),
    (
        "developing ordinary customers",
        "ordinary",
        "good",
        "yes",
        "low",
        "develop",
        "ordinary_with_potential",
    ),
    (
        "developing ordinary customers",
        "ordinary",
        "good",
        "yes",
        "high",
        "develop",
        "ordinary_with_potential",
    ),
    (
        "maintaining without added cost",
        "ordinary",
        "good",
        "no",
        "medium",
        "maintain",
        "ordinary_without_potential",
    ),
    (
        "maintaining without added cost",
        "ordinary",
        "watch",
        "yes",
        "low",
        "maintain",
        "ordinary_on_watch",
    ),
    ("nurturing small customers", "small", "good", "yes", "low", "nurture", "small_with_potential"),
    (
        "maintaining without added cost",
        "small",
        "watch",
        "yes",
        "low",
        "maintain",
        "small_on_watch_with_potential",
    ),
    (
        "making small customers profitable",
        "small",
        "good",
        "no",
        "low",
        "economise",
        "small_without_potential",
    ),
    (
        "making small customers profitable",
        "small",
        "watch",
        "no",
        "low",
        "economise",
        "small_without_potential",
    ),
    ("guard rails", "small", "good", "unknown", "low", "maintain", "potential_unknown"),
    ("guard rails", "ordinary", "good", "unknown", "low", "maintain", "potential_unknown"),
    # bad is poor credit *and* no prospect: with prospects, settle first
    ("ending bad relations", "small", "bad", "yes", "low", "maintain", "bad_with_prospects"),
    ("ending bad relations", "ordinary", "bad", "yes", "low", "maintain", "bad_with_prospects"),
    ("ending bad relations", "small", "bad", "no", "low", "exit", "bad_standing"),
    ("ending bad relations", "ordinary", "bad", "unknown", "low", "exit", "bad_standing"),
    ("ending bad relations", "key", "bad", "no", "high", "exit", "bad_standing"),
]


@pytest.mark.parametrize(
    ("row", "tier", "standing", "potential", "risk", "stance", "rule"), HAND_CASES
)
def test_hand_case(
    row: str, tier: str, standing: str, potential: str, risk: str, stance: str, rule: str
) -> None:
    tiers = tiers_of([tier], [standing])
    churn = Churn(tiers.customer_id, np.array([RISK[risk]]))
    decision = decide_actions(tiers, potential=potential_of([potential]), churn=churn).explain(0)
    assert (decision.stance, decision.rule) == (stance, rule)
    assert (decision.tier, decision.standing) == (tier, standing)
    assert (decision.potential, decision.risk) == (potential, risk)
    assert next(r.source for r in PolicyConfig().rules if r.id == rule) == row


EVERY_STATE = list(itertools.product(TIERS, STANDINGS, POTENTIALS, RISK))


def test_every_state_gets_one_stance_a_rule_a_reason_and_doing_nothing() -> None:
    """Totality: tier x standing x potential x risk, all 108 of them."""
    tiers = tiers_of([t for t, *_ in EVERY_STATE], [s for _, s, *_ in EVERY_STATE])
    table = decide_actions(
        tiers,
        potential=potential_of([p for _, _, p, _ in EVERY_STATE]),
        churn=Churn(tiers.customer_id, np.array([RISK[r] for *_, r in EVERY_STATE])),
    )
    assert len(EVERY_STATE) == 108
    assert len(set(table.case.tolist())) == 108
    config = PolicyConfig()
    for position, facts in enumerate(EVERY_STATE):
        decision = table.decision(position)
        assert (decision.tier, decision.standing, decision.potential, decision.risk) == facts
        matching = [
            rule
            for rule in config.rules
            if all(
                not asked or fact in asked
                for asked, fact in zip(
                    (rule.tiers, rule.standings, rule.potentials, rule.risks), facts, strict=True
                )
            )
            and (not rule.relations or "present" in rule.relations)
            and (not rule.contacts or "all" in rule.contacts)
            and (not rule.evidence or "ranked" in rule.evidence)
        ]
        assert decision.rule == matching[0].id
        assert decision.stance is matching[0].stance
        assert decision.reason
        assert table.decision(position, language="zh").reason == matching[0].reason.zh
        assert decision.measures[0] == "do_nothing"
        assert len(decision.measures) >= 2


def test_every_measure_of_the_default_catalogue_is_reachable() -> None:
    """Some customer, in some state and circumstances, gets each measure as one that is allowed."""
    n = 108
    overdue = [float((1, 45, 400)[place % 3]) for place in range(n)]
    tiers = tiers_of(
        [t for t, *_ in EVERY_STATE], [s for _, s, *_ in EVERY_STATE], days_overdue=overdue
    )
    potential = potential_of([p for _, _, p, _ in EVERY_STATE])
    churn = Churn(tiers.customer_id, np.array([RISK[r] for *_, r in EVERY_STATE]))
    used: set[str] = set()

    def everybody(code: int) -> npt.NDArray[np.int8]:
        return np.full(n, code, dtype=np.int8)

    told = [Circumstances()]
    told += [Circumstances(complaint=everybody(0)), Circumstances(renewal=everybody(0))]
    told += [Circumstances(cause=everybody(code)) for code in range(8)]
    told += [Circumstances(phase=everybody(code)) for code in range(4)]
    for state in range(6):
        for circumstances in told:
            situation = Situation(
                state=everybody(state),
                recoverable=np.ones(n, dtype=np.bool_),
                circumstances=circumstances,
            )
            table = decide_actions(tiers, potential=potential, churn=churn, situation=situation)
            allowed = allowed_by_kind(table.catalog, table.config, table.kinds).any(axis=1)
            used |= {table.catalog.measures[place].id for place in np.flatnonzero(allowed)}
    wallet = potential.reason_names.index("wallet_room")
    room = replace(potential, reason=np.full(n, wallet, dtype=np.int8))
    table = decide_actions(tiers, potential=room)
    allowed = allowed_by_kind(table.catalog, table.config, table.kinds).any(axis=1)
    used |= {table.catalog.measures[place].id for place in np.flatnonzero(allowed)}
    assert used == {measure.id for measure in MeasureCatalog().measures}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(TIERS),
            st.sampled_from(STANDINGS),
            st.sampled_from(POTENTIALS),
            st.floats(0.0, 1.0) | st.just(float("nan")),
        ),
        min_size=1,
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, derandomize=True, max_examples=25)
def test_order_of_customers_does_not_matter(
    facts: list[tuple[str, str, str, float]], random: Random
) -> None:
    """A permutation of the customers permutes the decisions and changes none."""
    order = list(range(len(facts)))
    random.shuffle(order)

    def decide(rows: list[int]) -> pd.DataFrame:
        ids = pd.Index(rows)
        tiers = tiers_of([facts[i][0] for i in rows], [facts[i][1] for i in rows], customer_id=ids)
        return decide_actions(
            tiers,
            potential=potential_of([facts[i][2] for i in rows], customer_id=ids),
            churn=Churn(ids, np.array([facts[i][3] for i in rows])),
        ).to_frame()

    straight = decide(list(range(len(facts))))
    shuffled = decide(order).set_index("customer_id").loc[list(range(len(facts)))].reset_index()
    # categories of texts are the same in both, so frames are equal to the last bit
    pd.testing.assert_frame_equal(straight, shuffled)


def test_a_customer_alone_gets_the_decision_it_gets_in_the_base() -> None:
    tiers = tiers_of([t for t, *_ in EVERY_STATE], [s for _, s, *_ in EVERY_STATE])
    potential = [p for _, _, p, _ in EVERY_STATE]
    base = decide_actions(tiers, potential=potential_of(potential))
    for position in range(0, 108, 7):
        tier, standing, state, _ = EVERY_STATE[position]
        ids = pd.Index([position])
        alone = decide_actions(
            tiers_of([tier], [standing], customer_id=ids),
            potential=potential_of([state], customer_id=ids),
        )
        assert alone.decision(0) == base.decision(position)


def test_without_standing_nothing_is_held_against_a_customer() -> None:
    table = decide_actions(tiers_of(list(TIERS)), potential=potential_of(["yes"] * 3))
    assert table.standing.tolist() == [0, 0, 0]
    assert [table.stances[code].value for code in table.stance] == ["protect", "develop", "nurture"]


def test_band_bounds_belong_to_the_band_above() -> None:
    tiers = tiers_of(["key"] * 5)
    churn = Churn(tiers.customer_id, np.array([0.0, 0.2999, 0.3, 0.5, 1.0]))
    table = decide_actions(tiers, potential=potential_of(["no"] * 5), churn=churn)
    assert table.risk.tolist() == [0, 0, 1, 2, 2]


def test_first_match_wins() -> None:
    rules = PolicyConfig().rules
    first = StanceRule(
        id="calm", stance=Stance.MAINTAIN, tiers=("key",), potentials=("no",), reason=_label()
    )
    config = PolicyConfig(rules=(first, *rules))
    table = decide_actions(tiers_of(["key"]), potential=potential_of(["no"]), config=config)
    assert table.decision(0).rule == "calm"


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (("key", "ordinary", "small"), ("key", "ordinary", "small")),
        (("gold", "silver", "iron", "lead"), ("key", "ordinary", "ordinary", "small")),
        (("a", "b"), ("key", "small")),
        (("small", "key"), ("small", "key")),
        (("all",), ("key",)),
    ],
)
def test_roles_follow_names_then_places(names: tuple[str, ...], roles: tuple[str, ...]) -> None:
    assert PolicyConfig().roles_of(names) == roles


def test_declared_roles_come_first() -> None:
    config = PolicyConfig(tier_roles=(("silver", "key"),))
    assert config.roles_of(("gold", "silver", "iron")) == ("key", "key", "small")


def _label() -> Label:
    return Label(en="reason", zh="理由")


def _rule(rule_id: str, stance: Stance, **when: tuple[str, ...]) -> StanceRule:
    return StanceRule.model_validate(
        {"id": rule_id, "stance": stance, "reason": {"en": "r", "zh": "理"}, **when}
    )


REST = _rule("rest", Stance.MAINTAIN)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ((), "at least 1"),
        ((_rule("a", Stance.MAINTAIN, tiers=("key",)),), "must match every customer"),
        ((REST, REST), "more than once"),
        ((_rule("a", Stance.MAINTAIN), REST), "can never match"),
        ((_rule("a", Stance.EXIT, tiers=("small",)), REST), "only a bad standing"),
        ((_rule("a", Stance.DEVELOP, standings=("bad",)), REST), "bad customers get no investment"),
        ((_rule("a", Stance.PROTECT, tiers=("key",)), REST), "bad customers get no investment"),
    ],
)
def test_rules_that_are_refused(rules: tuple[StanceRule, ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PolicyConfig(rules=rules)


def test_a_rule_cannot_ask_for_anything_but_the_four_facts() -> None:
    """Rules are typed: there is no field for a trait, and no expression to evaluate."""
    with pytest.raises(ValidationError, match="Extra inputs"):
        StanceRule.model_validate(
            {"id": "x", "stance": "exit", "reason": {"en": "", "zh": ""}, "gender": ["f"]}
        )
    with pytest.raises(ValidationError, match="tiers"):
        _rule("x", Stance.MAINTAIN, tiers=("age > 60",))


def test_risk_bands_must_ascend() -> None:
    with pytest.raises(ValidationError, match="must not exceed"):
        RiskBands(medium=0.6, high=0.5)


def test_config_round_trips_json_hashes_and_pickles() -> None:
    config = PolicyConfig(retention_cost=12.5, tier_roles=(("gold", "key"),))
    config.rule_by_case.sum()  # fill the cache: it must not take part in equality
    again = PolicyConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert hash(again) == hash(config)
    assert pickle.loads(pickle.dumps(config)) == config
