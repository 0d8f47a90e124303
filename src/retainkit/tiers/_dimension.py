"""One basis of segmentation: a typed, named scale and everybody's place on it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_column
from retainkit.errors import SchemaError
from retainkit.tiers._tier_table import TierTable
from retainkit.typing import ArrayLike1D

__all__ = ["UNKNOWN", "Dimension", "DimensionKind"]

DimensionKind: TypeAlias = Literal[
    "behaviour", "demographics", "value", "use", "benefit", "loyalty", "attitude", "stage", "other"
]
"""What a dimension says about customers."""

UNKNOWN = "unknown"


class Dimension(NamedTuple):
    """One basis of segmentation: a named scale of levels, and the level of each customer.

    Parameters
    ----------
    name : str
        Name of the dimension.
    kind : str
        What it is about: behaviour, demographics, value, use (intensity), benefit (sought),
        loyalty, attitude, stage (of the lifecycle) or other.
    levels : tuple of str
        The levels, in order where there is one.
    codes : ndarray of int16
        Position in `levels` of each customer; -1: not known.

    Examples
    --------
    >>> from retainkit.tiers import Dimension
    >>> Dimension.from_labels("region", "demographics", ["north", "south", None, "north"]).codes
    array([ 0,  1, -1,  0], dtype=int16)
    """

    name: str
    kind: DimensionKind
    levels: tuple[str, ...]
    codes: npt.NDArray[np.int16]

    @classmethod
    def from_labels(cls, name: str, kind: DimensionKind, labels: Any) -> Dimension:
        """Take the levels from labels: a categorical keeps its order, texts are sorted.

        Parameters
        ----------
        name : str
            Name of the dimension.
        kind : str
            What it is about.
        labels : array_like, shape (n_customers,)
            Texts or a categorical; missing: not known.

        Returns
        -------
        Dimension
            In the order of `labels`.

        Raises
        ------
        SchemaError
            If the kind is unknown, or a label is "unknown".

        Examples
        --------
        >>> from retainkit.tiers import Dimension
        >>> Dimension.from_labels("use", "use", ["heavy", "light"]).levels
        ('heavy', 'light')
        """
        series = pd.Series(labels)
        if not isinstance(series.dtype, pd.CategoricalDtype):
            series = series.astype("str").where(series.notna()).astype("category")
        levels = tuple(str(level) for level in series.cat.categories)
        return _checked(cls(name, kind, levels, np.asarray(series.cat.codes, dtype=np.int16)))

    @classmethod
    def from_numbers(
        cls,
        name: str,
        kind: DimensionKind,
        values: ArrayLike1D,
        *,
        edges: Sequence[float],
        levels: Sequence[str] = (),
    ) -> Dimension:
        """Cut numbers into levels.

        Parameters
        ----------
        name : str
            Name of the dimension.
        kind : str
            What it is about.
        values : array_like of float, shape (n_customers,)
            NaN: not known.
        edges : sequence of float
            Where a level ends and the next begins, ascending; a value equal to an edge belongs to
            the upper level.
        levels : sequence of str, default ()
            Names of the levels, one more than edges; by default the intervals.

        Returns
        -------
        Dimension
            In the order of `values`.

        Raises
        ------
        SchemaError
            If edges do not ascend or levels are of another number.

        Examples
        --------
        >>> from retainkit.tiers import Dimension
        >>> Dimension.from_numbers("age", "demographics", [17, 30, 65], edges=(18, 65)).levels
        ('< 18', '18 - 65', '>= 65')
        """
        bounds = np.asarray(edges, dtype=np.float64)
        if not bounds.size or not np.isfinite(bounds).all() or (np.diff(bounds) <= 0).any():
            raise SchemaError(f"edges {list(edges)}", rule="at least one, ascending", where=name)
        between = [f"{low:g} - {high:g}" for low, high in pairwise(bounds)]
        names = tuple(levels) or (f"< {bounds[0]:g}", *between, f">= {bounds[-1]:g}")
        array = as_column(values, name)
        codes = np.searchsorted(bounds, array, side="right").astype(np.int16)
        codes[np.isnan(array)] = -1
        if len(names) != bounds.size + 1:
            raise SchemaError(
                f"{len(names)} levels for {bounds.size} edges", rule="one more", where=name
            )
        return _checked(cls(name, kind, names, codes))

    @classmethod
    def from_tiers(cls, tiers: TierTable) -> Dimension:
        """Take the tiers shown as the dimension of value: named "tier", best first, "bad" last."""
        return cls("tier", "value", tiers.categories, tiers.tier.astype(np.int16))

    @property
    def has_unknown(self) -> bool:
        """Whether the level of any customer is not known."""
        return bool((self.codes < 0).any())


def _checked(dimension: Dimension) -> Dimension:
    """Return the dimension, refusing unknown kinds and doubled levels."""
    if dimension.kind not in get_args(DimensionKind):
        raise SchemaError(
            f"kind {dimension.kind!r}", rule=f"one of {get_args(DimensionKind)}", where="Dimension"
        )
    if UNKNOWN in dimension.levels or len(set(dimension.levels)) < len(dimension.levels):
        raise SchemaError(
            f"levels {dimension.levels}",
            rule=f"unique, and {UNKNOWN!r} is kept for what is not known (pass it as missing)",
            where=dimension.name,
        )
    return dimension
