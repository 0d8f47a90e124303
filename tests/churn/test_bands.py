"""Bounds of whole incidence curves: published critical values, coverage, laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from retainkit.churn import cover_incidence, cumulative_incidence, share_incidence
from retainkit.churn.incidence._kernel_incidence import greatest_ratios, hazards
from retainkit.errors import SchemaError


def critical_by_formula(a: float, b: float, alpha: float) -> float:
    """Solve the tail of the greatest |W0(x)| / sqrt(x (1 - x)) over [a, b] for its quantile.

    Miller, R. & Siegmund, D. (1982), Biometrics 38, 1011-1016: the tail is about
    4 phi(c) / c + phi(c) (c - 1 / c) log(b (1 - a) / (a (1 - b))).
    """
    spread = np.log(b * (1.0 - a) / (a * (1.0 - b)))

    def tail(c: float) -> float:
        density = stats.norm.pdf(c)
        return float(4.0 * density / c + density * (c - 1.0 / c) * spread - alpha)

    return float(optimize.brentq(tail, 2.0, 5.0))


@pytest.mark.parametrize(("a", "b"), [(0.1, 0.9), (0.25, 0.75)])
def test_critical_value_is_the_published_one_with_one_cause(a: float, b: float) -> None:
    """Without censoring x = F: one cause, equal precision between two levels of the curve."""
    n = 5000
    table = cumulative_incidence(np.arange(1, n + 1), cause=["left"] * n)
    whole = cover_incidence(table, between=(a * n, b * n), draws=4000, seed=1)
    expected = critical_by_formula(a, b, 0.05)
    assert whole["critical_value"].iloc[0] == pytest.approx(expected, abs=0.07)


def test_drawn_curves_stray_as_far_as_the_standard_error_says() -> None:
    """At one single time the greatest ratio is the absolute value of a standard normal number."""
    rng = np.random.default_rng(2)
    time = np.ceil(rng.exponential(20.0, 400))
    cause = np.array(["a", "b", None], dtype=object)[rng.integers(0, 3, 400)]
    shares = rng.dirichlet((2.0, 1.0), 400)
    shares[cause == None] = 0.0  # noqa: E711 - element by element
    for table in (
        cumulative_incidence(time, cause=cause),
        share_incidence(time, shares=shares, causes=["a", "b"]),
    ):
        se, place = table.standard_error, 15
        for k in range(2):
            inside = np.arange(len(table)) == place
            inside &= table.events.sum(axis=1) > 0
            ratios = greatest_ratios(
                hazards(table.counts(0)),
                table.incidence,
                k,
                deviation=se[:, k],
                inside=inside,
                draws=20_000,
                rng=np.random.default_rng(k),
            )
            assert np.mean(ratios**2) == pytest.approx(1.0, abs=0.04)
            assert np.quantile(ratios, 0.95) == pytest.approx(1.96, abs=0.05)


def test_whole_bounds_enclose_the_pointwise_ones() -> None:
    rng = np.random.default_rng(3)
    time = np.ceil(rng.exponential(30.0, 500))
    cause = np.array(["a", "b", None], dtype=object)[rng.integers(0, 3, 500)]
    group = np.array(["x", "y"])[rng.integers(0, 2, 500)]
    table = cumulative_incidence(time, cause=cause, by=group)
    whole = cover_incidence(table)
    frame = table.to_frame()
    for cause_name in ("a", "b"):
        part = whole[whole["cause"] == cause_name]
        alone = frame[frame["cause"] == cause_name]
        beside = part.merge(alone, on=["group", "time"], how="left", suffixes=("", "_alone"))
        assert (beside["low"] < beside["low_alone"]).all()
        assert (beside["high"] > beside["high_alone"]).all()
        np.testing.assert_array_equal(beside["incidence"], beside["incidence_alone"])
    assert whole["low"].between(0.0, 1.0).all()
    assert whole["high"].between(0.0, 1.0).all()
    assert whole["critical_value"].between(2.3, 3.6).all()
    assert cover_incidence(table).equals(whole)


def coverage(runs: int, n: int = 400) -> tuple[float, float]:
    """Return how often the true curve lies inside everywhere: whole bounds, pointwise bounds."""
    rng = np.random.default_rng(7)
    whole = pointwise = 0
    for _ in range(runs):
        time = rng.exponential(1.0, n)
        first = rng.random(n) < 0.4
        end = rng.exponential(2.5, n)
        cause = np.where(first, "a", "b").astype(object)
        cause[end < time] = None
        table = cumulative_incidence(np.minimum(time, end), cause=cause)
        band = cover_incidence(table, between=(0.1, 1.5), draws=300)
        band = band[band["cause"] == "a"]
        truth = 0.4 * (1.0 - np.exp(-band["time"].to_numpy()))
        whole += bool(((band["low"] <= truth) & (truth <= band["high"])).all())
        low, high = (bound[:, table.causes.index("a")] for bound in table.band)
        rows = np.isin(table.time, band["time"])
        pointwise += bool(((low[rows] <= truth) & (truth <= high[rows])).all())
    return whole / runs, pointwise / runs


def test_the_true_curve_lies_inside_as_often_as_promised() -> None:
    inside, pointwise = coverage(150)
    assert inside >= 0.90
    assert pointwise < 0.85


@pytest.mark.slow
def test_coverage_is_the_confidence() -> None:
    """Within three standard errors of 95 % over 1,000 samples."""
    inside, _ = coverage(1000)
    assert inside == pytest.approx(0.95, abs=0.021)


def test_nothing_in_range_has_no_rows() -> None:
    table = cumulative_incidence([1, 2, 3], cause=["a", "b", None])
    assert len(cover_incidence(table)) == 0
    assert list(cover_incidence(table).columns)[-1] == "critical_value"


def test_bad_input_is_refused() -> None:
    table = cumulative_incidence([1, 2], cause=["a", "a"])
    with pytest.raises(SchemaError, match="earlier to a later"):
        cover_incidence(table, between=(2.0, 1.0))
    with pytest.raises(SchemaError, match="100 draws"):
        cover_incidence(table, draws=10)
