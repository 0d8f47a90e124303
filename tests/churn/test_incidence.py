"""Cause-specific incidence: by hand, against an oracle, by law, and by simulation."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.churn import (
    IncidenceTable,
    compare_incidence,
    cumulative_incidence,
    share_incidence,
)
from retainkit.errors import AlignmentError, NotComputableError, SchemaError

LAW = settings(deadline=None, derandomize=True, max_examples=60)
LABELS = np.array(["a", "b", "c", None], dtype=object)


def draw(seed: int, n: int = 300, top: int = 12) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Draw tied times, some of them 0, and one of three causes or none."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, top, n).astype(np.float64), rng.integers(-1, 3, n)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("top", [3, 12, 200])
def test_equals_statsmodels_on_tied_data(seed: int, top: int) -> None:
    """CumIncidenceRight of statsmodels 0.14, estimates and standard errors, to 1e-12."""
    from statsmodels.duration.survfunc import CumIncidenceRight

    time, code = draw(seed, top=top)
    table = cumulative_incidence(time, cause=LABELS[code], causes=["a", "b", "c"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its last standard error is 0 * inf
        oracle = CumIncidenceRight(time, code + 1)
    np.testing.assert_array_equal(table.time, oracle.times)
    for k in range(3):
        np.testing.assert_allclose(table.incidence[:, k], oracle.cinc[k], rtol=0, atol=1e-12)
        known = ~np.isnan(oracle.cinc_se[k])
        np.testing.assert_allclose(
            table.standard_error[known, k], oracle.cinc_se[k][known], rtol=0, atol=1e-12
        )
    assert np.isfinite(table.standard_error).all()


def test_by_hand_with_ties_a_loss_at_time_zero_and_late_entry() -> None:
    """Seven customers; the third column is the entry.

    t=0: Y = 5 (two enter later), one lost to a: F_a = 1/5, S = 4/5.
    t=2: Y = 4 + 1 (entry 1; the entry at 2 is not yet at risk), a and b lost: h = 1/5 each,
         F_a = 1/5 + 4/25, F_b = 4/25, S = 4/5 * 3/5.
    t=5: Y = 4, one lost to b: F_b = 4/25 + 12/25 * 1/4.
    """
    rows = [(0, "a", 0), (2, "a", 0), (2, "b", 1), (5, "b", 2), (5, None, 0), (9, None, 0)]
    rows.append((9, None, 0))
    time, cause, entry = zip(*rows, strict=True)
    table = cumulative_incidence(time, cause=cause, entry=entry)
    np.testing.assert_array_equal(table.at_risk, [5, 5, 4, 2])
    np.testing.assert_allclose(table.survival, [0.8, 0.48, 0.36, 0.36], rtol=1e-15)
    np.testing.assert_allclose(table.incidence[:, 0], [0.2, 0.36, 0.36, 0.36], rtol=1e-15)
    np.testing.assert_allclose(table.incidence[:, 1], [0.0, 0.16, 0.28, 0.28], rtol=1e-15)
    assert table.never_at_risk == 0


def test_a_late_entry_on_the_last_day_is_never_at_risk_and_counted() -> None:
    table = cumulative_incidence([3, 4], cause=["a", None], entry=[3, 0])
    assert table.never_at_risk == 1
    assert table.events.sum() == 0


def test_one_minus_kaplan_meier_is_wrong_where_causes_compete() -> None:
    """Each month a quarter leaves for a and a quarter for b: after 7 months, of 4**7 customers,

    1 - KM says 1 - (3/4)**7 = 0.867 for each cause, 1.73 together; the truth is
    (1 - (1/2)**7) / 2 = 0.496 for each.
    """
    alive = 4**7
    time: list[int] = []
    cause: list[str | None] = []
    for month in range(1, 8):
        for name in ("a", "b"):
            time += [month] * (alive // 4)
            cause += [name] * (alive // 4)
        alive //= 2
    time += [7] * alive
    cause += [None] * alive
    table = cumulative_incidence(time, cause=cause)
    np.testing.assert_allclose(table.incidence[-1], (1 - 0.5**7) / 2, rtol=1e-14)
    np.testing.assert_allclose(table.naive[-1], 1 - 0.75**7, rtol=1e-14)
    assert table.naive[-1].sum() > 1.7


def test_naive_is_right_without_competition() -> None:
    time, code = draw(3)
    alone = np.where(code == 0, 0, -1)
    table = cumulative_incidence(time, cause=LABELS[alone])
    np.testing.assert_allclose(table.naive, table.incidence, rtol=1e-12)
    np.testing.assert_allclose(1 - table.survival, table.incidence[:, 0], rtol=1e-12)


@LAW
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(-1, 2), st.integers(0, 9)), min_size=1, max_size=60
    )
)
def test_survival_and_incidences_sum_to_one(rows: list[tuple[int, int, int]]) -> None:
    """S(t) + sum of F_k(t) = 1 at every time, whatever the ties and late entries."""
    time = np.array([max(t, e) for t, _, e in rows], dtype=np.float64)
    code = np.array([c for _, c, _ in rows])
    entry = np.array([e for _, _, e in rows], dtype=np.float64)
    table = cumulative_incidence(time, cause=LABELS[code], causes=["a", "b", "c"], entry=entry)
    np.testing.assert_allclose(table.survival + table.incidence.sum(axis=1), 1.0, atol=1e-12)
    assert (np.diff(table.incidence, axis=0) >= -1e-15).all()
    assert (table.variance >= 0).all()


@LAW
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    """Shuffling customers changes no bit."""
    time, code = draw(seed, n=50)
    order = np.random.default_rng(seed).permutation(50)
    one = cumulative_incidence(time, cause=LABELS[code])
    two = cumulative_incidence(time[order], cause=LABELS[code][order])
    np.testing.assert_array_equal(one.incidence, two.incidence)
    np.testing.assert_array_equal(one.variance, two.variance)


@LAW
@given(seed=st.integers(0, 10_000))
def test_whole_shares_are_whole_causes(seed: int) -> None:
    """Shares of 0 and 1 give the very same table, variance included."""
    time, code = draw(seed, n=80)
    shares = np.eye(4)[code][:, :3]
    hard = cumulative_incidence(time, cause=LABELS[code], causes=["a", "b", "c"])
    soft = share_incidence(time, shares=shares, causes=["a", "b", "c"])
    np.testing.assert_allclose(soft.incidence, hard.incidence, rtol=1e-13)
    np.testing.assert_allclose(soft.variance, hard.variance, rtol=1e-9, atol=1e-15)


def test_groups_equal_each_group_alone() -> None:
    time, code = draw(8)
    by = np.where(np.arange(300) % 3 == 0, "key", "small")
    both = cumulative_incidence(time, cause=LABELS[code], by=by, causes=["a", "b", "c"])
    assert both.groups == ("key", "small")
    for number, group in enumerate(both.groups):
        own = by == group
        alone = cumulative_incidence(time[own], cause=LABELS[code][own], causes=["a", "b", "c"])
        rows = both.group_code == number
        np.testing.assert_array_equal(both.incidence[rows], alone.incidence)
        np.testing.assert_array_equal(both.variance[rows], alone.variance)


def test_time_lost_is_the_area_under_the_curve() -> None:
    """The times lost and the time kept (the area under survival) sum to the horizon."""
    time, code = draw(4)
    table = cumulative_incidence(time, cause=LABELS[code])
    lost = table.time_lost(10.0)
    edges = np.append(table.time[table.time < 10.0], 10.0)
    widths = np.diff(edges)
    kept = edges[0] + float((widths * table.survival[: len(widths)]).sum())
    assert lost["time_lost"].sum() + kept == pytest.approx(10.0)
    area = float((widths * table.incidence[: len(widths), 1]).sum())
    assert lost["time_lost"].iloc[1] == pytest.approx(area)


def resample(seed: int, time: npt.NDArray[Any], shares: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return incidence at 6 and time lost by 10 of 400 resamples of the customers."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(400):
        rows = rng.integers(0, len(time), len(time))
        table = share_incidence(time[rows], shares=shares[rows], causes=["a", "b", "c"])
        place = np.searchsorted(table.time, 6.0, side="right") - 1
        out.append([*table.incidence[place], *table.time_lost(10.0)["time_lost"]])
    return np.array(out)


def test_variances_with_shares_agree_with_the_bootstrap() -> None:
    """Analytic standard errors within 12 % of 400 bootstrap resamples (noise 3.5 %)."""
    rng = np.random.default_rng(11)
    time, code = draw(11, n=400)
    shares = rng.dirichlet([1.0, 1.0, 1.0], size=400)
    shares[code < 0] = 0.0
    table = share_incidence(time, shares=shares, causes=["a", "b", "c"])
    place = np.searchsorted(table.time, 6.0, side="right") - 1
    analytic = [*table.standard_error[place], *table.time_lost(10.0)["se"]]
    np.testing.assert_allclose(analytic, resample(1, time, shares).std(axis=0), rtol=0.12)


def test_bands_lie_within_the_unit_interval_around_the_curve() -> None:
    time, code = draw(2)
    table = cumulative_incidence(time, cause=LABELS[code])
    low, high = table.band
    known = ~np.isnan(low)
    assert ((low <= table.incidence) | ~known).all()
    assert ((high >= table.incidence) | ~known).all()
    assert (low[known] >= 0).all()
    assert (high[known] <= 1).all()
    assert (table.incidence[~known] == 0).all()


def test_at_is_a_step_function_and_stops_where_sight_stops() -> None:
    table = cumulative_incidence([1, 2, 2, 3], cause=["a", "a", None, None])
    rows = table.at([0.5, 1.0, 2.9, 3.0, 3.1])
    np.testing.assert_allclose(rows["incidence(a)"], [0.0, 0.25, 0.5, 0.5, np.nan])
    np.testing.assert_allclose(rows["survival"], [1.0, 0.75, 0.5, 0.5, np.nan])
    np.testing.assert_allclose(rows["at_risk"], [4, 4, 1, 1, 0])


def test_comparison_without_other_causes_is_the_log_rank_score() -> None:
    """The excess of a group is observed minus expected of the log-rank test, to 1e-10."""
    rng = np.random.default_rng(5)
    time = np.floor(rng.exponential(10.0, 400))
    lost = rng.random(400) < 0.7
    by = np.where(rng.random(400) < 0.4, "x", "y")
    test = compare_incidence(time, cause=LABELS[np.where(lost, 0, -1)], by=by)
    excess = 0.0
    for moment in np.unique(time[lost]):
        at_risk = time >= moment
        d = lost & (time == moment)
        excess += (d & (by == "x")).sum() - d.sum() * (at_risk & (by == "x")).sum() / at_risk.sum()
    assert test["excess(x)"].iloc[0] == pytest.approx(excess, abs=1e-10)
    from statsmodels.duration.survfunc import survdiff

    chi, _ = survdiff(time, lost.astype(int), by)
    assert test["chi_square"].iloc[0] == pytest.approx(chi, rel=0.1)


def simulate_p_values(runs: int, *, same: bool) -> npt.NDArray[np.float64]:
    """Cause a alike in both groups (or not), while cause b and censoring differ."""
    rng = np.random.default_rng(77)
    out = []
    for _ in range(runs):
        by = np.repeat(["x", "y"], 150)
        of_a = rng.random(300) < np.where(by == "y", 0.3 if same else 0.55, 0.3)
        time_a = rng.exponential(5.0, 300)  # given cause a
        time_b = rng.exponential(np.where(by == "x", 3.0, 12.0))
        gone = np.where(of_a, time_a, time_b)
        seen = rng.uniform(2.0, np.where(by == "x", 20.0, 14.0))
        time = np.ceil(2.0 * np.minimum(gone, seen)) / 2.0
        cause = LABELS[np.where(gone <= seen, np.where(of_a, 0, 1), -1)]
        out.append(compare_incidence(time, cause=cause, by=by)["p_value"].iloc[0])
    return np.array(out)


def test_comparison_finds_a_difference() -> None:
    assert (simulate_p_values(40, same=False) < 0.05).mean() >= 0.8


@pytest.mark.slow
def test_comparison_keeps_its_level_when_other_causes_differ() -> None:
    """Under equal incidence of a, 5 % of 2,000 simulations are below 0.05 (within 3 errors)."""
    level = (simulate_p_values(2000, same=True) < 0.05).mean()
    assert abs(level - 0.05) < 3 * (0.05 * 0.95 / 2000) ** 0.5


def test_three_groups_have_two_degrees_of_freedom() -> None:
    time, code = draw(9)
    by = np.array(["x", "y", "z"])[np.arange(300) % 3]
    test = compare_incidence(time, cause=LABELS[code], by=by)
    assert list(test["degrees_of_freedom"]) == [2, 2, 2]
    excess = test[["excess(x)", "excess(y)", "excess(z)"]].sum(axis=1)
    np.testing.assert_allclose(excess, 0.0, atol=1e-9)
    assert test["p_value"].between(0, 1).all()


def test_taxonomy_order_and_categories_are_kept() -> None:
    table = cumulative_incidence([1, 2], cause=["passive.malicious", "active.fault"])
    assert table.causes == ("active.fault", "passive.malicious")
    given_order: Any = pd.Categorical(["b", "a"], categories=["b", "a", "unused"])
    assert cumulative_incidence([1, 2], cause=given_order).causes == ("b", "a")


def test_empty_and_all_there() -> None:
    nothing = cumulative_incidence([], cause=[], causes=["a"])
    assert len(nothing) == 0
    assert nothing.summary()["customers"].tolist() == [0]
    stayed = cumulative_incidence([5.0, 6.0], cause=[None, None])
    assert stayed.causes == ()
    assert stayed.survival.tolist() == [1.0, 1.0]


def test_bad_input_is_refused() -> None:
    with pytest.raises(SchemaError, match="no usable duration"):
        cumulative_incidence([1.0, np.nan], cause=["a", None])
    with pytest.raises(SchemaError, match="no usable duration"):
        cumulative_incidence([1.0], cause=["a"], entry=[2.0])
    with pytest.raises(SchemaError, match="not listed"):
        cumulative_incidence([1.0], cause=["z"], causes=["a"])
    with pytest.raises(SchemaError, match="level"):
        cumulative_incidence([1.0], cause=["a"], level=1.0)
    with pytest.raises(AlignmentError, match="sizes differ"):
        cumulative_incidence([1.0, 2.0], cause=["a"])
    with pytest.raises(AlignmentError, match="causes"):
        share_incidence([1.0], shares=np.array([[1.0, 0.0]]), causes=["a"])
    with pytest.raises(SchemaError, match="sum to 1"):
        share_incidence([1.0], shares=np.array([[0.5]]), causes=["a"])
    with pytest.raises(NotComputableError, match="two groups"):
        compare_incidence([1.0], cause=["a"], by=["x"])
    table = cumulative_incidence([1.0, 2.0], cause=["a", None])
    with pytest.raises(NotComputableError, match="observed up to 2"):
        table.time_lost(3.0)
    with pytest.raises(SchemaError, match="positive"):
        table.time_lost(0.0)


def test_pickles() -> None:
    table = cumulative_incidence([1, 2], cause=["a", None])
    again: IncidenceTable = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(again.to_frame(), table.to_frame())
