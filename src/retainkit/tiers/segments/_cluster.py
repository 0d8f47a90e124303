"""cluster_customers and discriminate_segments: segments found, and tested."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from retainkit._core.arrays import check_length
from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenConfig
from retainkit._core.kernels.intervals import jeffreys, percentile_bounds
from retainkit._core.result import ResultTable
from retainkit.errors import MissingDependencyError, NotComputableError, SchemaError
from retainkit.tiers import _kernel
from retainkit.tiers.segments._cube import Dimension
from retainkit.typing import FloatArray


def load(module: str) -> Any:
    """Import a module of an optional package, or say which extra brings it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"{module.split('.')[0]} is not installed: {error}",
            rule="cluster, discriminant and conjoint analysis need scikit-learn and statsmodels",
            fix='pip install "retainkit[segments]"',
        ) from error


def read_traits(traits: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return one column of numbers per trait; refuse texts, gaps and infinities."""
    for name in traits.columns:
        if not pd.api.types.is_numeric_dtype(traits[name].dtype):
            raise SchemaError(
                f"trait {name!r} has type {traits[name].dtype}",
                rule="traits are numbers",
                where=f"traits.{name}",
                fix="pandas.get_dummies(...) makes numbers of levels",
            )
    values = traits.to_numpy(dtype=np.float64, na_value=np.nan)
    if not values.size or not np.isfinite(values).all():
        broken = [str(name) for name in traits.columns[~np.isfinite(values).all(axis=0)]]
        raise SchemaError(
            f"no customers, or gaps and infinities in {broken[:3]}",
            rule="every customer has a finite number for every trait",
            where="traits",
            fix="fill or leave out; what is not known cannot be compared",
        )
    return values


_MOST_FOR_SILHOUETTE = 2_000


class ClusterConfig(FrozenConfig):
    """Choose how customers are grouped and how the grouping is tested.

    Parameters
    ----------
    n_clusters : int, default 4
        Groups, at least 2.
    standardise : bool, default True
        Scale every trait to mean 0 and standard deviation 1 first.
    n_starts : int, default 10
        Random starts; the best is kept.
    n_resamples : int, default 20
        Bootstrap samples on which the grouping is repeated.
    seed : int, default 0
        Makes the same groups every time.
    """

    n_clusters: Annotated[int, Field(ge=2, le=1_000)] = 4
    standardise: bool = True
    n_starts: Annotated[int, Field(ge=1, le=1_000)] = 10
    n_resamples: Annotated[int, Field(ge=2, le=10_000)] = 20
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ClusterTable(ResultTable):
    """Hold the group of each customer, what the groups are like, and how stable they are.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers.
    traits : tuple of str
        What they were grouped by.
    cluster : ndarray of int16
        Group of each customer, the largest first.
    centres : ndarray of float, shape (n_clusters, n_traits)
        Mean of each trait in each group, in its own unit.
    agreement : ndarray of float
        Adjusted Rand index of the grouping with each repetition on a bootstrap sample: 1 - the
        same groups again, 0 - no more alike than by chance.
    silhouette : float
        Mean silhouette, on at most 2,000 customers: near 1 - compact and apart, near 0 - not.
    variance_explained : float
        Share of the (scaled) variance that lies between the groups.
    config : ClusterConfig
        As chosen.
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".summary() or segment_cube([table.to_dimension(), ...])"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id"),
        Column("cluster", lambda t: t.cluster + np.int16(1)),
    )

    customer_id: pd.Index[Any]
    traits: tuple[str, ...]
    cluster: npt.NDArray[np.int16]
    centres: npt.NDArray[np.float64]
    agreement: FloatArray
    silhouette: float
    variance_explained: float
    config: ClusterConfig

    def __len__(self) -> int:
        return self.cluster.size

    @property
    def stability(self) -> float:
        """Mean adjusted Rand index under resampling."""
        return float(self.agreement.mean())

    @property
    def stability_interval(self) -> tuple[float, float]:
        """The middle 95 % of the adjusted Rand indices."""
        low, high = percentile_bounds(self.agreement, 0.95)
        return float(low), float(high)

    def to_dimension(self, name: str = "cluster") -> Dimension:
        """Return the groups as a dimension of behaviour: levels "1", "2", ... by falling size."""
        levels = tuple(str(k + 1) for k in range(self.config.n_clusters))
        return Dimension(name, "behaviour", levels, self.cluster)

    def summary(self) -> pd.DataFrame:
        """Return one row per group: heads, share, and the mean of each trait.

        The largest group first.
        """
        heads = np.bincount(self.cluster, minlength=self.config.n_clusters)
        frame = pd.DataFrame({"cluster": np.arange(heads.size) + 1, "customers": heads})
        frame["customer_share"] = heads / len(self)
        return pd.concat([frame, pd.DataFrame(self.centres, columns=list(self.traits))], axis=1)


def cluster_customers(
    traits: pd.DataFrame,
    *,
    customer_id: pd.Index[Any] | None = None,
    config: ClusterConfig | None = None,
) -> ClusterTable:
    """Group customers who are alike (k-means), and test whether the groups hold.

    Needs the extra `segments`. Groups are always found, also where there are none: read
    `stability` before using them.

    Parameters
    ----------
    traits : pandas.DataFrame
        One row per customer, one column of numbers per trait.
    customer_id : pandas.Index, optional
        The customers; by default the index of `traits`.
    config : ClusterConfig, optional
        Number of groups, scaling, resampling.

    Returns
    -------
    ClusterTable
        In the order of `traits`.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed.
    SchemaError
        If a trait is not a number everywhere, or there are fewer distinct customers than groups.

    Notes
    -----
    Stability: k-means is repeated on each bootstrap sample, every customer of the base is put
    into the nearest of its centres, and the adjusted Rand index compares that with the groups.

    References
    ----------
    Hubert, L. & Arabie, P. (1985). Comparing partitions. Journal of Classification 2, 193-218.
    Hennig, C. (2007). Cluster-wise assessment of cluster stability. Computational Statistics &
    Data Analysis 52(1), 258-271.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tiers import ClusterConfig, cluster_customers
    >>> traits = pd.DataFrame({"visits": [1, 2, 1, 30, 31, 33, 2.0]})
    >>> cluster_customers(traits, config=ClusterConfig(n_clusters=2)).summary()
       cluster  customers  customer_share     visits
    0        1          4        0.571429   1.500000
    1        2          3        0.428571  31.333333
    """
    cluster, metrics = load("sklearn.cluster"), load("sklearn.metrics")
    config = ClusterConfig() if config is None else config
    raw = read_traits(traits)
    if np.unique(raw, axis=0).shape[0] < config.n_clusters:
        raise SchemaError(
            f"fewer than {config.n_clusters} different customers",
            rule="at least as many as groups",
            where="traits",
        )
    values = _scaled(raw) if config.standardise else raw
    rng = np.random.default_rng(config.seed)

    def grouped(rows: FloatArray) -> Any:
        """Return the clusters of some rows, begun from a seed of their own."""
        seed = int(rng.integers(2**31))
        means = cluster.KMeans(config.n_clusters, n_init=config.n_starts, random_state=seed)
        return means.fit(rows)

    found = grouped(values)
    order = np.argsort(-np.bincount(found.labels_, minlength=config.n_clusters), kind="stable")
    codes = np.argsort(order)[found.labels_].astype(np.int16)
    agreement = []
    for _ in range(config.n_resamples):
        again = grouped(values[rng.integers(0, len(values), size=len(values))])
        agreement.append(metrics.adjusted_rand_score(codes, again.predict(values)))
    some = rng.permutation(len(values))[:_MOST_FOR_SILHOUETTE]
    several = 1 < np.unique(codes[some]).size < some.size
    whole = float(((values - values.mean(axis=0)) ** 2).sum())
    return ClusterTable(
        customer_id=traits.index if customer_id is None else customer_id,
        traits=tuple(str(name) for name in traits.columns),
        cluster=codes,
        centres=np.array([raw[codes == k].mean(axis=0) for k in range(config.n_clusters)]),
        agreement=np.array(agreement),
        silhouette=float(metrics.silhouette_score(values[some], codes[some]))
        if several
        else np.nan,
        variance_explained=1.0 - float(found.inertia_) / whole,
        config=config,
    )


def _scaled(values: FloatArray) -> FloatArray:
    """Return columns of mean 0 and deviation 1."""
    spread = values.std(axis=0)
    scaled: FloatArray = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled


class DiscriminationConfig(FrozenConfig):
    """Choose how discrimination is tested.

    Parameters
    ----------
    holdout : float, default 0.3
        Share of the customers kept out of the fit and predicted.
    level : float, default 0.95
        Confidence level of the accuracy.
    seed : int, default 0
        Makes the same split every time.
    """

    holdout: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.3
    level: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.95
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Discrimination(ResultTable):
    """Hold how well traits predict the segment of customers never seen.

    Parameters
    ----------
    traits, segments : tuple of str
        The names.
    confusion : ndarray of int, shape (n_segments, n_segments)
        Held-out customers: true segment (rows) by predicted segment.
    baseline : float
        Accuracy of always naming the segment that is largest in the training part.
    structure : ndarray of float
        Correlation of each trait with the first discriminant, on the training part.
    accuracy_alone : ndarray of float
        Held-out accuracy of each trait by itself.
    config : DiscriminationConfig
        As chosen.
    """

    _what: ClassVar[str] = "traits"
    _next_step: ClassVar[str] = ".summary() or .to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("trait", "traits"),
        *plain("structure", "accuracy_alone"),
        Column("gain_over_baseline", lambda t: t.accuracy_alone - t.baseline),
    )

    traits: tuple[str, ...]
    segments: tuple[str, ...]
    confusion: npt.NDArray[np.int64]
    baseline: float
    structure: FloatArray
    accuracy_alone: FloatArray
    config: DiscriminationConfig

    def __len__(self) -> int:
        return len(self.traits)

    @property
    def n_holdout(self) -> int:
        """Customers held out."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of the held-out customers whose segment was predicted."""
        return float(np.trace(self.confusion) / self.n_holdout)

    @property
    def interval(self) -> tuple[float, float]:
        """Jeffreys interval of the accuracy."""
        hits = np.array([float(np.trace(self.confusion))])
        n = np.array([float(self.n_holdout)])
        low, high = jeffreys(hits, n, self.config.level)
        return float(low[0]), float(high[0])

    @property
    def discriminates(self) -> bool:
        """Whether the traits beat the baseline beyond chance: the whole interval is above it."""
        return self.interval[0] > self.baseline

    def to_frame(self) -> pd.DataFrame:
        """Return one row per trait, the most telling first."""
        return self._frame("en").sort_values(
            "accuracy_alone", ascending=False, ignore_index=True, kind="stable"
        )

    def summary(self) -> pd.DataFrame:
        """Return the verdict, one row.

        Held-out customers, accuracy with its interval, baseline, verdict.
        """
        low, high = self.interval
        return pd.DataFrame(
            {
                "n_holdout": [self.n_holdout],
                "accuracy": [self.accuracy],
                "lower": [low],
                "upper": [high],
                "baseline": [self.baseline],
                "discriminates": [self.discriminates],
            }
        )


def discriminate_segments(
    traits: pd.DataFrame, segment: Any, *, config: DiscriminationConfig | None = None
) -> Discrimination:
    """Tell whether observable traits predict the segment (linear discriminant analysis).

    Needs the extra `segments`. Observable traits only stand in for preferences: where they do
    not discriminate, a segment cannot be addressed by them.

    Parameters
    ----------
    traits : pandas.DataFrame
        One row per customer, one column of numbers per trait.
    segment : array_like, shape (n_customers,)
        Segment of each customer.
    config : DiscriminationConfig, optional
        Size of the hold-out.

    Returns
    -------
    Discrimination
        Accuracy on customers not used in the fit, against the baseline.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed.
    SchemaError
        If a trait is not a number everywhere.
    AlignmentError
        If there is another number of segments.
    NotComputableError
        If there are fewer than two segments, or one has fewer than two customers.

    References
    ----------
    Fisher, R. A. (1936). The use of multiple measurements in taxonomic problems. Annals of
    Eugenics 7(2), 179-188.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from retainkit.tiers import discriminate_segments
    >>> rng = np.random.default_rng(0)
    >>> traits = pd.DataFrame({"height": rng.normal(size=400)})
    >>> segment = rng.choice(["price", "service"], size=400)
    >>> discriminate_segments(traits, segment).discriminates
    False
    """
    select, analysis = load("sklearn.model_selection"), load("sklearn.discriminant_analysis")
    config = DiscriminationConfig() if config is None else config
    values, label = read_traits(traits), pd.Series(segment).astype("category")
    check_length(len(label), len(values), "segment")
    codes, names = label.cat.codes.to_numpy(), tuple(str(one) for one in label.cat.categories)
    heads = np.bincount(codes[codes >= 0], minlength=len(names))
    if len(names) < 2 or (heads < 2).any() or (codes < 0).any():
        raise NotComputableError(
            f"{len(names)} segments of {heads.tolist()} customers",
            rule="at least two segments of at least two customers, and everybody has one",
            where="segment",
        )
    train, test = select.train_test_split(
        np.arange(len(values)), test_size=config.holdout, stratify=codes, random_state=config.seed
    )

    def predicted(columns: FloatArray) -> tuple[Any, npt.NDArray[Any]]:
        """Fit on the training rows; return the model and its guesses for the others."""
        model = analysis.LinearDiscriminantAnalysis(solver="svd", tol=1e-9)
        model.fit(columns[train], codes[train])
        return model, model.predict(columns[test])

    model, guess = predicted(values)
    truth, k = codes[test].astype(np.int64), len(names)
    confusion = _kernel.count_moves(truth, guess.astype(np.int64), k, k)
    score = model.transform(values[train])[:, 0]
    alone = [float((predicted(values[:, [j]])[1] == truth).mean()) for j in range(values.shape[1])]
    return Discrimination(
        traits=tuple(str(name) for name in traits.columns),
        segments=names,
        confusion=confusion,
        baseline=float((truth == np.bincount(codes[train]).argmax()).mean()),
        structure=_correlations(values[train], score),
        accuracy_alone=np.array(alone),
        config=config,
    )


def _correlations(values: FloatArray, score: FloatArray) -> FloatArray:
    """Return the correlation of each trait with each function."""
    centred, line = values - values.mean(axis=0), score - score.mean()
    size = np.sqrt((centred**2).sum(axis=0) * (line**2).sum())
    found = np.full(values.shape[1], np.nan)
    np.divide(centred.T @ line, size, out=found, where=size > 0)
    return found
