"""Agreement beyond chance, contradicting sources, and columns that give the outcome away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.churn import ChurnCause, LeakConfig, attribute_causes, compare_sources, find_leaks
from retainkit.churn.learn._calibration import measure_agreement
from retainkit.errors import AlignmentError, NotComputableError, SchemaError
from tests.churn.events import make_churned, make_events

LAW = settings(deadline=None, derandomize=True, max_examples=60)
LEAVES = [str(cause) for cause in ChurnCause]


@pytest.mark.parametrize("seed", range(4))
def test_kappa_and_its_error_equal_statsmodels(seed: int) -> None:
    """statsmodels.stats.inter_rater.cohens_kappa, to 1e-12."""
    from statsmodels.stats.inter_rater import cohens_kappa

    rng = np.random.default_rng(seed)
    one = rng.integers(0, 4, 200)
    other = np.where(rng.random(200) < 0.6, one, rng.integers(0, 4, 200))
    found = measure_agreement([LEAVES[i] for i in one], [LEAVES[i] for i in other])
    oracle = cohens_kappa(found.confusion.to_numpy()[:4, :4])
    assert found.kappa == pytest.approx(oracle.kappa, abs=1e-12)
    assert found.standard_error == pytest.approx(oracle.std_kappa, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((oracle.kappa_low, oracle.kappa_upp), abs=1e-9)


@LAW
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=40))
def test_agreement_is_symmetric_and_perfect_with_itself(pairs: list[tuple[int, int]]) -> None:
    """kappa(x, y) = kappa(y, x); kappa(x, x) = 1, or undefined where only one leaf occurs."""
    one, other = ([LEAVES[pair[side]] for pair in pairs] for side in (0, 1))
    forth, back = measure_agreement(one, other), measure_agreement(other, one)
    assert forth.kappa == pytest.approx(back.kappa, abs=1e-12, nan_ok=True)
    own = measure_agreement(one, one)
    assert own.agreed == 1.0
    assert np.isnan(own.kappa) if len(set(one)) == 1 else own.kappa == pytest.approx(1.0)


def test_missing_and_unknown_readings() -> None:
    one = ["active.fault", None, "unknown", "active.fault"]
    other = ["active.fault", "active.fault", "active.fault", "active.natural"]
    assert measure_agreement(one, other).customers == 3
    known = measure_agreement(one, other, known_only=True)
    assert (known.customers, known.agreed) == (2, 0.5)
    nobody = measure_agreement([None], ["active.fault"])
    assert nobody.customers == 0
    assert np.isnan(nobody.kappa)
    with pytest.raises(SchemaError, match="no leaves"):
        measure_agreement(["fault"], ["active.fault"])
    with pytest.raises(AlignmentError, match="1 causes and 2"):
        measure_agreement(["unknown"], ["unknown"] * 2)


def test_conflicts_by_kind_and_shares() -> None:
    form = make_events(
        ("a", 0, "survey_reason", "moved"),
        ("b", 0, "survey_reason", "low_quality"),
        ("c", 0, "survey_reason", "low_quality"),
        ("d", 0, "survey_reason", "Moved "),
        ("e", 0, "survey_reason", "not_stated"),
        ("z", 0, "survey_reason", "moved"),
    )
    call = make_events(
        ("a", 0, "survey_reason", "switched_service"),
        ("b", 0, "survey_reason", "low_quality"),
        ("b", 0, "survey_reason", "staff_attitude"),
        ("c", 0, "survey_reason", "low_quality"),
        ("d", 0, "survey_reason", "moved"),
        ("e", 0, "survey_reason", "moved"),
    )
    churn = make_churned("a", "b", "c", "d", "e", "f")
    conflicts = compare_sources({"form": form, "call": call}, churn=churn)
    frame = conflicts.to_frame()
    assert frame[["customer_id", "kind"]].to_numpy().tolist() == [
        ["a", "other_leaf"],
        ["b", "same_leaf"],
        ["e", "one_unknown"],
    ]
    assert frame["second_said"].tolist() == [
        "switched_service",
        "low_quality; staff_attitude",
        "moved",
    ]
    assert conflicts.summary()["customers"].tolist() == [2, 1, 1, 1]
    shares = conflicts.shares().set_index("cause")
    assert list(shares.loc["active.natural"]) == pytest.approx([2 / 6, 2 / 6, 0.0])
    assert shares["difference"].sum() == pytest.approx(0.0)
    assert conflicts.agreement.customers == 5
    with pytest.raises(NotComputableError, match="3 sources"):
        compare_sources({"x": form, "y": call, "z": call}, churn=churn)


def test_an_event_without_a_code_is_compared_by_its_kind() -> None:
    one = make_events(("a", 0, "relocation"))
    two = make_events(("a", 0, "death"))
    conflicts = compare_sources({"one": one, "two": two}, churn=make_churned("a"))
    assert conflicts.to_frame()["kind"].tolist() == ["same_leaf"]


def test_contradictions_show_both_sides() -> None:
    """Only who has counted statements for different leaves is listed, the weightiest first."""
    events = make_events(
        ("a", 0, "agent_note", "low_quality"),
        ("a", 0, "survey_reason", "moved"),
        ("b", 0, "survey_reason", "moved"),
        ("c", 0, "contact"),
        ("ghost", 0, "fraud"),
    )
    causes = attribute_causes(events, churn=make_churned("c", "b", "a"))
    found = causes.contradictions(events)
    assert found["customer_id"].tolist() == ["a", "a"]
    assert found["statement"].tolist() == ["survey_reason: moved", "agent_note: low_quality"]
    assert found["points_to"].astype("str").tolist() == ["active.natural", "active.fault"]
    assert found["weight"].tolist() == [0.6, 0.4]
    with pytest.raises(AlignmentError, match="1 events"):
        causes.contradictions(events.iloc[:1])


def test_leaks_are_named_and_honest_predictors_are_not() -> None:
    """Two thousand customers: a score made after the fact, and features that merely predict."""
    rng = np.random.default_rng(3)
    n = 2000
    gone = rng.random(n) < 0.3
    frame = pd.DataFrame(
        {
            "closing_score": np.where(gone, rng.integers(60, 100, n), rng.integers(0, 80, n)),
            "reason": np.array([None, "x"], dtype=object)[gone.astype(int)],
            "tenure": rng.normal(np.where(gone, 10.0, 20.0), 10.0),
            "plan": rng.choice(["a", "b"], n),
            "customer_id": np.arange(n),
            "flag": gone & (rng.random(n) < 0.02),
            "constant": 1.0,
        }
    )
    leaks = find_leaks(frame, churned=gone)
    assert set(leaks.leaking) == {"closing_score", "reason"}
    detail = leaks.to_frame().set_index("column")["detail"]
    assert "none left at 0, 1" in detail["closing_score"]
    assert detail["reason"] == "all left at x; none left at missing"
    assert (leaks.auc[~np.isnan(leaks.auc)] >= 0.5).all()
    strict = find_leaks(frame, churned=gone, config=LeakConfig(min_share=0.9))
    assert strict.leaking == ("reason",)


def test_nothing_leaks_where_nothing_is_known() -> None:
    empty = find_leaks(pd.DataFrame({"x": pd.Series([], dtype="float64")}), churned=[])
    assert (len(empty), empty.leaking) == (1, ())
    same = find_leaks(pd.DataFrame({"x": [1, 2, 3]}), churned=[True] * 3)
    assert same.leaking == ()
    with pytest.raises(AlignmentError, match="3 rows"):
        find_leaks(pd.DataFrame({"x": [1, 2, 3]}), churned=[True])
