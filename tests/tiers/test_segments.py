"""Cluster, discriminant and conjoint analysis: planted truths, theory, and nothing from noise."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from retainkit.errors import AlignmentError, MissingDependencyError, NotComputableError, SchemaError
from retainkit.tiers import (
    ClusterConfig,
    ConjointConfig,
    DiscriminationConfig,
    cluster_customers,
    discriminate_segments,
    estimate_part_worths,
    segment_cube,
)

pytest.importorskip("sklearn", reason="needs the extra segments")
pytest.importorskip("statsmodels", reason="needs the extra segments")

FEW = ClusterConfig(n_clusters=3, n_resamples=5, n_starts=2)


def blobs(spread: float, n: int = 240, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1, 2], [n // 2, n // 3, n - n // 2 - n // 3])
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = centres[truth] + rng.normal(scale=spread, size=(n, 2))
    return pd.DataFrame(points, columns=["visits", "spend"]), truth


# --- cluster analysis ----------------------------------------------------------------------------


def test_groups_that_are_there_are_found_again() -> None:
    traits, truth = blobs(1.0)
    table = cluster_customers(traits, config=FEW)
    np.testing.assert_array_equal(table.cluster, truth)  # the largest group is the first
    assert table.stability == 1.0
    assert table.silhouette > 0.7
    assert table.summary()["customers"].tolist() == [120, 80, 40]
    np.testing.assert_allclose(table.centres[1], traits[truth == 1].mean(), rtol=1e-12)


def test_groups_that_are_not_there_do_not_hold() -> None:
    noise = pd.DataFrame(np.random.default_rng(1).normal(size=(200, 6)))
    table = cluster_customers(noise, config=FEW.replace(n_clusters=5))
    assert table.stability < 0.6
    assert table.silhouette < 0.25
    low, high = table.stability_interval
    assert low <= table.stability <= high


def test_the_same_groups_every_time_and_in_any_unit() -> None:
    traits, _ = blobs(3.0)
    first = cluster_customers(traits, config=FEW)
    np.testing.assert_array_equal(cluster_customers(traits, config=FEW).cluster, first.cluster)
    cents = traits.assign(spend=traits["spend"] * 128)
    np.testing.assert_array_equal(cluster_customers(cents, config=FEW).cluster, first.cluster)


def test_variance_explained_by_hand() -> None:
    traits = pd.DataFrame({"x": [0.0, 2.0, 10.0, 12.0]})
    table = cluster_customers(traits, config=ClusterConfig(n_clusters=2, n_resamples=2))
    # within: 4 x 1; whole: 2 x (36 + 16) = 104
    assert table.variance_explained == pytest.approx(1 - 4 / 104)


def test_clusters_are_a_dimension_of_the_cube() -> None:
    traits, _ = blobs(1.0)
    table = cluster_customers(traits, config=FEW)
    cube = segment_cube([table.to_dimension()])
    assert cube.heads.tolist() == [120, 80, 40]
    again = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(again.to_frame(), table.to_frame())


def test_refuses_what_cannot_be_grouped() -> None:
    with pytest.raises(SchemaError, match="fewer than 3"):
        cluster_customers(pd.DataFrame({"x": [1.0, 1.0, 2.0]}), config=FEW)
    with pytest.raises(SchemaError, match="gaps"):
        cluster_customers(pd.DataFrame({"x": [1.0, float("nan")]}), config=FEW)
    with pytest.raises(SchemaError, match="get_dummies"):
        cluster_customers(pd.DataFrame({"x": ["a", "b"]}), config=FEW)


# --- discriminant analysis -----------------------------------------------------------------------


def test_accuracy_is_that_of_theory() -> None:
    """Two normal groups 2 sd apart: the best rule is right with probability Phi(1) = .841."""
    rng = np.random.default_rng(2)
    segment = rng.integers(0, 2, size=20_000)
    traits = pd.DataFrame(
        {"tells": rng.normal(loc=2.0 * segment), "noise": rng.normal(size=20_000)}
    )
    found = discriminate_segments(traits, segment)
    assert found.n_holdout == 6_000
    assert found.accuracy == pytest.approx(stats.norm.cdf(1.0), abs=0.015)
    assert found.discriminates
    frame = found.to_frame()
    assert frame["trait"].tolist() == ["tells", "noise"]
    assert abs(frame["structure"][0]) > 0.99
    assert abs(frame["gain_over_baseline"][1]) < 0.03


def test_noise_does_not_discriminate() -> None:
    rng = np.random.default_rng(3)
    verdicts = [
        discriminate_segments(
            pd.DataFrame(rng.normal(size=(300, 3))), rng.choice(["a", "b", "c"], size=300)
        ).discriminates
        for _ in range(20)
    ]
    assert sum(verdicts) <= 2


def test_a_large_segment_is_no_proof() -> None:
    """90 % are in one segment: 90 % right is what anyone gets."""
    rng = np.random.default_rng(4)
    segment = np.where(rng.random(600) < 0.9, "big", "small")
    found = discriminate_segments(pd.DataFrame({"x": rng.normal(size=600)}), segment)
    assert found.accuracy > 0.85
    assert not found.discriminates
    assert found.summary()["baseline"][0] == pytest.approx(found.accuracy, abs=0.02)


def test_refuses_what_cannot_be_told_apart() -> None:
    traits = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})
    with pytest.raises(NotComputableError, match="1 segments"):
        discriminate_segments(traits, ["a"] * 4)
    with pytest.raises(NotComputableError, match="segments of"):
        discriminate_segments(traits, ["a", "a", "a", "b"])
    with pytest.raises(AlignmentError, match="segment"):
        discriminate_segments(traits, ["a", "b"])
    assert DiscriminationConfig().holdout == 0.3


# --- conjoint analysis ---------------------------------------------------------------------------


def offers(n: int, rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "brand": rng.choice(["own", "other"], size=n),
            "price": rng.choice(["a low", "b middle", "c high"], size=n),
        }
    )


TRUTH = {"own": 0.5, "other": -0.5, "a low": 1.5, "b middle": 0.0, "c high": -1.5}


def utility(profiles: pd.DataFrame) -> Any:
    return profiles["brand"].map(TRUTH).to_numpy() + profiles["price"].map(TRUTH).to_numpy()


def test_in_a_balanced_design_part_worths_are_differences_of_means() -> None:
    grid = pd.DataFrame([(b, p) for b in "xy" for p in "pqr"] * 3, columns=["brand", "price"])
    ratings = np.random.default_rng(5).normal(size=18)
    table = estimate_part_worths(grid, ratings)
    for attribute, level, worth in zip(table.attribute, table.level, table.part_worth, strict=True):
        mean = ratings[(grid[attribute] == level).to_numpy()].mean()
        assert worth == pytest.approx(mean - ratings.mean(), abs=1e-12)


def test_standard_errors_by_formula() -> None:
    """Balanced, one attribute of k levels with m ratings each: se = s sqrt((k - 1) / (k m))."""
    ratings = np.random.default_rng(6).normal(size=30)
    levels = np.tile(["p", "q", "r"], 10)
    table = estimate_part_worths(pd.DataFrame({"price": levels}), ratings)
    means = pd.Series(ratings).groupby(levels).transform("mean").to_numpy()
    s = np.sqrt(((ratings - means) ** 2).sum() / 27)
    np.testing.assert_allclose(table.standard_error, s * np.sqrt(2 / 30))
    reach = stats.t.ppf(0.975, 27) * table.standard_error
    np.testing.assert_allclose(table.upper - table.part_worth, reach)


def test_intervals_cover_the_truth() -> None:
    """Of 95 % intervals about 95 % hold the true part-worth."""
    rng = np.random.default_rng(7)
    held, tried = 0, 0
    config = ConjointConfig(n_draws=100)
    for _ in range(120):
        profiles = offers(40, rng)
        table = estimate_part_worths(
            profiles, utility(profiles) + rng.normal(scale=1.5, size=40), config=config
        )
        truth = np.array([TRUTH[level] for level in table.level])
        held += int(((table.lower <= truth) & (truth <= table.upper)).sum())
        tried += truth.size
    assert held / tried == pytest.approx(0.95, abs=0.035)


def test_importances() -> None:
    profiles = offers(2_000, np.random.default_rng(8))
    noise = np.random.default_rng(9).normal(size=2_000)
    summary = estimate_part_worths(profiles, utility(profiles) + noise).summary()
    assert summary["importance"].sum() == pytest.approx(1.0)
    assert summary["importance"].tolist() == pytest.approx([0.25, 0.75], abs=0.03)  # 1 of 4, 3 of 4
    assert (summary["lower"] < summary["importance"]).all()
    assert (summary["importance"] < summary["upper"]).all()


def test_respondents_have_levels_of_their_own() -> None:
    rng = np.random.default_rng(10)
    profiles = offers(400, rng)
    person = np.repeat(np.arange(40), 10)
    ratings = utility(profiles) + rng.normal(scale=5.0, size=40)[person] + rng.normal(size=400)
    plain = estimate_part_worths(profiles, ratings)
    table = estimate_part_worths(profiles, ratings, respondent=person)
    assert (table.standard_error < plain.standard_error / 2).all()
    truth = np.array([TRUTH[level] for level in table.level])
    np.testing.assert_allclose(table.part_worth, truth, atol=0.3)


def test_refuses_designs_that_say_nothing() -> None:
    both = pd.DataFrame({"a": ["x", "x", "y", "y"] * 3, "b": ["p", "p", "q", "q"] * 3})
    with pytest.raises(NotComputableError, match="independently"):
        estimate_part_worths(both, np.arange(12.0))
    with pytest.raises(SchemaError, match="1 levels"):
        estimate_part_worths(pd.DataFrame({"a": ["x", "x"]}), [1.0, 2.0])
    with pytest.raises(SchemaError, match="missing"):
        estimate_part_worths(both, [float("nan")] * 12)
    with pytest.raises(AlignmentError, match="rating"):
        estimate_part_worths(both, [1.0])


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from retainkit.tiers.segments import _cluster as _extra

    def gone(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(_extra, "import_module", gone)
    with pytest.raises(MissingDependencyError, match=r"sklearn is not installed"):
        cluster_customers(pd.DataFrame({"x": [1.0, 2.0]}))
    with pytest.raises(MissingDependencyError, match="statsmodels"):
        estimate_part_worths(pd.DataFrame({"x": ["a", "b"]}), [1.0, 2.0])
