"""Homogeneous groups found in the data, and whether they would be found again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from retainkit._core.columns import Column
from retainkit._core.config import FrozenConfig
from retainkit._core.kernels.intervals import percentile_bounds
from retainkit._core.result import ResultTable
from retainkit.errors import SchemaError
from retainkit.tiers._dimension import Dimension
from retainkit.tiers._extra import load, read_traits
from retainkit.typing import FloatArray

__all__ = ["ClusterConfig", "ClusterTable", "cluster_customers"]

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

    Examples
    --------
    >>> from retainkit.tiers import ClusterConfig
    >>> ClusterConfig(n_clusters=3).n_resamples
    20
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

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tiers import ClusterConfig, cluster_customers
    >>> traits = pd.DataFrame(
    ...     {"visits": [1, 2, 1, 30, 31, 33, 2.0], "spend": [5, 6, 5, 90, 95, 91, 7]})
    >>> table = cluster_customers(traits, config=ClusterConfig(n_clusters=2))
    >>> table.cluster, table.stability
    (array([0, 0, 0, 1, 1, 1, 0], dtype=int16), 1.0)
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

        Returns
        -------
        pandas.DataFrame
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
