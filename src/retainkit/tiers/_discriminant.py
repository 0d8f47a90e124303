"""Which observable traits tell segments apart, and whether they really do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from retainkit._core.arrays import check_length
from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenConfig
from retainkit._core.kernels.intervals import jeffreys
from retainkit._core.result import ResultTable
from retainkit.errors import NotComputableError
from retainkit.tiers import _kernel_movement as _kernel
from retainkit.tiers._extra import load, read_traits
from retainkit.typing import FloatArray

__all__ = ["Discrimination", "DiscriminationConfig", "discriminate_segments"]


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

    Examples
    --------
    >>> from retainkit.tiers import DiscriminationConfig
    >>> DiscriminationConfig(holdout=0.5).holdout
    0.5
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

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from retainkit.tiers import discriminate_segments
    >>> age = np.arange(100.0)
    >>> segment = np.where(age < 50, "young", "old")
    >>> found = discriminate_segments(pd.DataFrame({"age": age}), segment)
    >>> found.accuracy > 0.9, found.discriminates
    (True, True)
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

        Returns
        -------
        pandas.DataFrame
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
