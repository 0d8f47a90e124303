"""Attribution on simulated bases whose true causes are known.

The setting is the simulator's default: 15 % of leavers are silent by design, traces are recorded by
chance, a tenth of the traces mislead, and events that mean nothing are strewn in; so about 28 % of
those who left have no event at all. Causes are attributed from events, contracts, credit standing
and surveys, the tables a firm has. The default path knows no label: gather, attribute by rule,
learn from agreement, judge. It was developed on seeds 1-4 and 11 (the latter with other noise and
silence); the seeds it is held to here, 2001-2005, 2011 and 2021, played no part in that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from retainkit.churn import (
    CauseTable,
    ChurnCause,
    ChurnTable,
    assess_causes,
    attribute_causes,
    compare_sources,
    cumulative_incidence,
    detect_churn,
    fit_cause_model,
    fit_evidence_model,
    gather_evidence,
    share_incidence,
)
from retainkit.simulate import SimulatedBase, SimulationConfig, make_customer_base

LEAVES = [str(cause) for cause in ChurnCause]
LABELLED = 1500


class World(NamedTuple):
    """A base, its causes by rule, without labels, by what labels taught, and the truth."""

    base: SimulatedBase
    churn: ChurnTable
    ruled: CauseTable
    judged: CauseTable
    learnt: CauseTable
    truth: npt.NDArray[np.object_]
    held_out: npt.NDArray[np.bool_]


class Found(NamedTuple):
    """A base, who left, their causes by rule and without labels, and the truth."""

    base: SimulatedBase
    churn: ChurnTable
    ruled: CauseTable
    judged: CauseTable
    truth: npt.NDArray[np.object_]


def find_causes(seed: int, config: SimulationConfig) -> Found:
    """Go the default path: gather, attribute by rule, learn from agreement, judge."""
    base = make_customer_base(20_000, seed=seed, config=config)
    truth = base.truth.set_index("customer_id")["cause"].astype("object")
    gone = truth.notna().to_numpy(dtype=np.bool_)
    churn = detect_churn(np.where(gone, 0.0, 1.0), customer_id=truth.index)
    events = gather_evidence(
        base.events,
        churn=churn,
        as_of=base.as_of,
        contracts=base.contracts,
        customers=base.customers,
        surveys=base.surveys,
    )
    ruled = attribute_causes(events, churn=churn)
    judged = fit_evidence_model(ruled).apply(ruled)
    return Found(base, churn, ruled, judged, truth[gone].to_numpy(dtype=object))


def make_world(seed: int, config: SimulationConfig) -> World:
    """Learn from 1,500 leavers drawn by lot as well; the others are held out."""
    base, churn, ruled, judged, causes = find_causes(seed, config)
    held_out = np.ones(len(causes), dtype=np.bool_)
    held_out[np.random.default_rng(seed).permutation(len(causes))[:LABELLED]] = False
    labels = pd.Series(causes, dtype="object").mask(held_out)
    answers = base.surveys.sort_values("timestamp").drop_duplicates("customer_id", keep="last")
    features = answers.set_index("customer_id").reindex(ruled.customer_id)
    features = features[["satisfaction", "perceived_value", "switching_cost"]].reset_index(
        drop=True
    )
    model = fit_cause_model(ruled, labels=labels, features=features)
    learnt = model.apply(ruled, features=features)
    return World(base, churn, ruled, judged, learnt, causes, held_out)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(5, SimulationConfig())


def named(causes: CauseTable, world: World) -> tuple[float, float]:
    """Return the share abstained and the accuracy of the others, on the held-out leavers."""
    said = np.asarray(causes.cause)[world.held_out]
    right = said == world.truth[world.held_out]
    abstains = said == "unknown"
    return float(abstains.mean()), float(right[~abstains].mean())


def test_setting_has_many_leavers_without_an_event(world: World) -> None:
    with_event = world.ruled.customer_id.isin(world.base.events["customer_id"])
    assert 0.25 < 1.0 - with_event.mean() < 0.31


def test_rules_alone_are_right_where_they_speak(world: World) -> None:
    """Without a single label: at least 85 % right; about 23 % abstain, as nothing is on record."""
    abstention, accuracy = named(world.ruled, world)
    assert accuracy >= 0.85
    assert abstention <= 0.25
    silent = world.ruled.summary().set_index("rule")["share"]
    hopeless = silent["abstain.no_evidence"] + silent["abstain.cause_not_stated"]
    assert hopeless > 0.8 * abstention


class Marks(NamedTuple):
    """How causes compare with the truth; shares as the greatest distance of any leaf."""

    abstention: float
    accuracy: float
    calibration_error: float
    in_parts: float
    likeliest: float
    named_only: float


def judge(causes: CauseTable, truth: npt.NDArray[np.object_]) -> Marks:
    """Hold causes against the truth, with no regard to how they were found."""
    said = np.asarray(causes.cause)
    abstains, right = said == "unknown", said == truth
    real = shares_of(truth)
    hard = np.bincount(causes.posterior.argmax(axis=1), minlength=8) / len(truth)
    return Marks(
        abstention=float(abstains.mean()),
        accuracy=float(right[~abstains].mean()),
        calibration_error=assess_causes(causes, truth=truth).expected_error,
        in_parts=float(np.abs(causes.posterior.mean(axis=0) - real).max()),
        likeliest=float(np.abs(hard - real).max()),
        named_only=float(np.abs(shares_of(said[~abstains]) - real).max()),
    )


@pytest.mark.parametrize("seed", [2001, 2002, 2003, 2004, 2005])
def test_default_path_meets_all_marks_without_a_label(seed: int) -> None:
    """At least 85 % right, at most 20 % abstained, calibrated to 0.05, shares within 2 points."""
    found = find_causes(seed, SimulationConfig())
    marks = judge(found.judged, found.truth)
    assert marks.accuracy >= 0.85
    assert marks.abstention <= 0.20
    assert marks.calibration_error < 0.05
    assert marks.in_parts < 0.02 < min(marks.likeliest, marks.named_only)
    ruled = assess_causes(found.ruled, truth=found.truth)
    assert assess_causes(found.judged, truth=found.truth).log_loss < ruled.log_loss / 10


@pytest.mark.parametrize("noise", [0.05, 0.15])
def test_default_path_meets_all_marks_under_other_noise(noise: float) -> None:
    """The same marks with half the noise and with half as much again."""
    found = find_causes(2011, SimulationConfig(evidence_noise=noise))
    marks = judge(found.judged, found.truth)
    assert marks.accuracy >= 0.85
    assert marks.abstention <= 0.20
    assert marks.calibration_error < 0.05
    assert marks.in_parts < 0.02 < marks.likeliest


def test_default_path_is_calibrated_whoever_is_silent() -> None:
    """With 30 % silent by design it must abstain on more, and still knows what it does not know."""
    found = find_causes(2021, SimulationConfig(silent_share=0.3))
    marks = judge(found.judged, found.truth)
    assert marks.accuracy >= 0.85
    assert marks.abstention > 0.20
    assert marks.calibration_error < 0.05
    assert marks.in_parts < 0.03 < marks.likeliest


def test_no_name_rests_on_the_mix_of_causes_alone(world: World) -> None:
    """Who has nothing on record stays unknown, though every loss has a likeliest cause."""
    silent = (world.ruled.evidence_count == 0) & (world.ruled.set_aside_count == 0)
    silent &= world.ruled.mechanism_code < 0
    assert silent.sum() > 1000
    assert (np.asarray(world.judged.cause)[silent] == "unknown").all()
    assert (world.judged.posterior[silent].max(axis=1) < 0.5).all()


def test_rules_alone_with_few_silent_leavers_abstain_seldom() -> None:
    """With 5 % silent by design instead of 15 %, the rules alone abstain on less than a fifth."""
    base = make_world(6, SimulationConfig(silent_share=0.05))
    abstention, accuracy = named(base.ruled, base)
    assert accuracy >= 0.85
    assert abstention <= 0.20


def test_learnt_causes_meet_all_marks(world: World) -> None:
    """At least 85 % right, at most 20 % abstained, calibration error under 0.05."""
    abstention, accuracy = named(world.learnt, world)
    assert accuracy >= 0.85
    assert abstention <= 0.20
    truth = pd.Series(world.truth, dtype="object").where(world.held_out)
    assert assess_causes(world.learnt, truth=truth).expected_error < 0.05
    by_rule = assess_causes(world.ruled, truth=truth)
    assert assess_causes(world.learnt, truth=truth).log_loss < by_rule.log_loss


def shares_of(labels: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    return np.array([(labels == leaf).mean() for leaf in LEAVES])


def test_fractional_shares_are_within_two_points_where_hard_labels_are_not(world: World) -> None:
    """Hard labels give the doubtful to the likeliest cause, abstaining ones drop them."""
    truth = shares_of(world.truth[world.held_out])
    posterior = world.learnt.posterior[world.held_out]
    fractional = np.abs(posterior.mean(axis=0) - truth).max()
    hard = np.abs(np.bincount(posterior.argmax(axis=1), minlength=8) / len(posterior) - truth).max()
    said = np.asarray(world.learnt.cause)[world.held_out]
    kept = np.abs(shares_of(said[said != "unknown"]) - truth).max()
    assert fractional < 0.02
    assert hard > 0.02
    assert kept > 0.02


def test_fractional_incidence_follows_the_true_curves(world: World) -> None:
    """At every month of two years each cause's curve is within 2 points; hard ones are not."""
    frame = world.base.truth.set_index("customer_id")
    left = frame["dropout_day"].loc[world.ruled.customer_id]
    joined = world.base.transactions.groupby("customer_id")["timestamp"].min()
    duration = (left - joined.loc[world.ruled.customer_id]).dt.days.to_numpy(dtype=np.float64)
    rows = world.held_out
    times = np.arange(30.0, 361.0, 30.0)
    columns = [f"incidence({leaf})" for leaf in LEAVES]
    real = cumulative_incidence(duration[rows], cause=world.truth[rows], causes=LEAVES)
    soft = share_incidence(duration[rows], shares=world.learnt.posterior[rows])
    best = np.array(LEAVES, dtype=object)[world.learnt.posterior[rows].argmax(axis=1)]
    hard = cumulative_incidence(duration[rows], cause=best, causes=LEAVES)
    curves = [table.at(times)[columns].to_numpy() for table in (real, soft, hard)]
    assert np.abs(curves[1] - curves[0]).max() < 0.02
    assert np.abs(curves[2] - curves[0]).max() > 0.04


def test_no_veto_is_broken_by_what_was_learnt(world: World) -> None:
    for table in (world.learnt, world.judged):
        code = table.cause_code
        assert table.permitted[np.arange(len(code)), code].all()


def test_intent_before_the_failed_payment_wins_over_what_was_learnt(world: World) -> None:
    intent = np.asarray(world.ruled.to_frame()["rule"]) == "intent_before_payment"
    said = pd.Series(np.asarray(world.judged.cause)[intent])
    assert intent.sum() > 50
    assert said.map(lambda name: name == "unknown" or name.startswith("active.")).all()


def test_most_true_retaliation_is_found(world: World) -> None:
    """Of those with any evidence; a bill complaint without a payment record looks like a fault."""
    real = world.held_out & (world.truth == "passive.retaliatory")
    said = np.asarray(world.learnt.cause)
    spoken = real & (said != "unknown")
    assert (said[spoken] == world.truth[spoken]).mean() > 0.75
    assert (said[real] == world.truth[real]).mean() > 0.66


def test_two_records_of_the_same_losses(world: World) -> None:
    """The rules on the events alone and with the contracts beside: both accounts side by side."""
    contracts_only = gather_evidence(
        world.base.events.iloc[:0],
        churn=world.churn,
        as_of=world.base.as_of,
        contracts=world.base.contracts,
    )
    found = compare_sources(
        {"events": world.base.events, "contracts": contracts_only}, churn=world.churn
    )
    assert 0 < len(found) <= len(found.customer_id)
    frame = found.to_frame()
    assert (frame["first_said"] != frame["second_said"]).all()
    sums = found.shares()[["share(events)", "share(contracts)"]].sum()
    np.testing.assert_allclose(sums, 1.0)
    assert isinstance(found.summary(), pd.DataFrame)
