"""segment_cube: dimensions of customers, crossed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.arrays import as_column, as_floats, check_length
from retainkit._core.result import ResultTable
from retainkit.errors import SchemaError
from retainkit.tiers import _kernel
from retainkit.tiers._config import DIMENSION_KINDS
from retainkit.tiers.grading._assign import TierTable
from retainkit.typing import ArrayLike1D, FloatArray

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


_MOST_CELLS = 100_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SegmentCube(ResultTable):
    """Hold customers and value per cell of the crossed dimensions.

    Parameters
    ----------
    dimensions : tuple of Dimension
        The axes.
    customer_id : pandas.Index
        The customers.
    value : ndarray of float
        What each is worth [money]; NaN: not computable.
    heads : ndarray of int, one axis per dimension
        Customers per cell; an axis with unknown levels has "unknown" as its last place.
    valued : ndarray of int
        Of these, with a computable value.
    sums : ndarray of float
        Sum of their values [money].
    """

    _what: ClassVar[str] = "cells"
    _next_step: ClassVar[str] = ".to_frame(), .pairs() or .drill_down({...})"

    dimensions: tuple[Dimension, ...]
    customer_id: pd.Index[Any]
    value: FloatArray
    heads: npt.NDArray[np.int64]
    valued: npt.NDArray[np.int64]
    sums: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return self.heads.size

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the dimensions."""
        return tuple(dimension.name for dimension in self.dimensions)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per cell, empty ones included.

        One column per dimension, then `customers`, `customer_share`, `value`, `value_share`
        (NaN where the total is not positive) and `average` (NaN where nobody has a value).
        """
        places = np.indices(self.heads.shape).reshape(len(self.dimensions), -1)
        columns: dict[str, Any] = {}
        for dimension, codes in zip(self.dimensions, places, strict=True):
            levels = pd.Index(_places(dimension))
            columns[dimension.name] = pd.Categorical.from_codes(codes, levels, ordered=True)
        heads, sums, valued = self.heads.ravel(), self.sums.ravel(), self.valued.ravel()
        n, total = int(heads.sum()), float(sums.sum())
        average = np.full(heads.size, np.nan)
        np.divide(sums, valued, out=average, where=valued > 0)
        columns["customers"] = heads
        columns["customer_share"] = heads / n if n else np.nan
        columns["value"] = sums
        columns["value_share"] = sums / total if total > 0 else np.nan
        columns["average"] = average
        return pd.DataFrame(columns)

    def pairs(self) -> pd.DataFrame:
        """Return how strongly each pair of dimensions goes together.

        Returns
        -------
        pandas.DataFrame
            One row per pair, over the customers whose levels are both known: `n`, Pearson's
            `chi_square` with `degrees_of_freedom` and `p_value`, `cramers_v`,
            `mutual_information` [bit], the same as a share of the smaller entropy, and the share
            of cells whose expected count is below 5 (there the p-value is rough). NaN where one
            of the two does not vary.

        Examples
        --------
        >>> from retainkit.tiers import Dimension, segment_cube
        >>> a = Dimension.from_labels("a", "use", ["x", "x", "y", "y"])
        >>> b = Dimension.from_labels("b", "benefit", ["p", "p", "q", "q"])
        >>> segment_cube([a, b]).pairs()[["chi_square", "cramers_v", "mutual_information"]]
           chi_square  cramers_v  mutual_information
        0         4.0        1.0                 1.0
        """
        rows = []
        for first, second in combinations(range(len(self.dimensions)), 2):
            others = tuple(k for k in range(len(self.dimensions)) if k not in (first, second))
            one, two = self.dimensions[first], self.dimensions[second]
            table = self.heads.sum(axis=others)[: len(one.levels), : len(two.levels)]
            rows.append(
                {"first": one.name, "second": two.name, **_kernel.associate(table)._asdict()}
            )
        fields = ["first", "second", *_kernel.Association._fields]
        return pd.DataFrame(rows, columns=fields)

    def drill_down(self, cell: Mapping[str, str]) -> pd.DataFrame:
        """Return customer, value and all levels of the customers of a cell, or of a slice.

        `cell` gives a level by dimension; dimensions not named are not restricted. SchemaError if
        there is no such dimension or level.

        Examples
        --------
        >>> from retainkit.tiers import Dimension, segment_cube
        >>> region = Dimension.from_labels("region", "demographics", ["n", "s", "n"])
        >>> segment_cube([region], value=[9.0, 2.0, 1.0]).drill_down({"region": "n"})
           customer_id  value region
        0            0    9.0      n
        1            2    1.0      n
        """
        inside = np.ones(self.value.size, dtype=bool)
        for name, level in cell.items():
            dimension = self._named(name)
            if level not in _places(dimension):
                raise SchemaError(
                    f"no level {level!r}", rule=f"one of {_places(dimension)}", where=name
                )
            code = -1 if level == UNKNOWN else dimension.levels.index(level)
            inside &= dimension.codes == code
        columns: dict[str, Any] = {
            "customer_id": self.customer_id[inside],
            "value": self.value[inside],
        }
        for dimension in self.dimensions:
            levels = pd.Index([*dimension.levels, UNKNOWN])
            codes = np.where(dimension.codes < 0, len(dimension.levels), dimension.codes)[inside]
            text = pd.Categorical.from_codes(codes, levels, ordered=True)
            columns[dimension.name] = text.remove_unused_categories()
        return pd.DataFrame(columns)

    def roll_up(self, names: Sequence[str]) -> SegmentCube:
        """Return the cube of the dimensions named, in that order, of the same customers.

        SchemaError if there is no such dimension.
        """
        kept = [self._named(name) for name in names]
        return segment_cube(kept, value=self.value, customer_id=self.customer_id)

    def summary(self) -> pd.DataFrame:
        """Return one row per dimension and level: customers and value with their shares.

        In the order of the dimensions and levels.
        """
        parts = []
        for dimension in self.dimensions:
            frame = self.roll_up([dimension.name]).to_frame()
            frame = frame.rename(columns={dimension.name: "level"}).astype({"level": object})
            frame.insert(0, "dimension", dimension.name)
            frame.insert(1, "kind", dimension.kind)
            frame.insert(2, "kind_en", DIMENSION_KINDS[dimension.kind].en)
            frame.insert(3, "kind_zh", DIMENSION_KINDS[dimension.kind].zh)
            parts.append(frame)
        return pd.concat(parts, ignore_index=True)

    def _named(self, name: str) -> Dimension:
        """Return the dimension of that name."""
        for dimension in self.dimensions:
            if dimension.name == name:
                return dimension
        raise SchemaError(f"no dimension {name!r}", rule=f"one of {self.names}", where="cube")


def segment_cube(
    dimensions: Sequence[Dimension],
    *,
    value: ArrayLike1D | None = None,
    customer_id: pd.Index[Any] | None = None,
) -> SegmentCube:
    """Cross dimensions: count the customers and add up the value of every cell.

    Parameters
    ----------
    dimensions : sequence of Dimension
        Usually three: behaviour, demographics and value. All of the same customers in the same
        order.
    value : array_like of float, shape (n_customers,), optional
        What each customer is worth [money]; NaN: not computable, counted as a head only.
    customer_id : pandas.Index, optional
        The customers; by default 0 .. n - 1.

    Returns
    -------
    SegmentCube
        Every customer is in exactly one cell; levels not known have a place of their own.

    Raises
    ------
    SchemaError
        If there is no dimension, two have the same name, or there would be more than 100,000
        cells.
    AlignmentError
        If they describe different numbers of customers.

    Examples
    --------
    >>> from retainkit.tiers import Dimension, segment_cube
    >>> region = Dimension.from_labels("region", "demographics", ["n", "s", "n"])
    >>> use = Dimension.from_labels("use", "use", ["heavy", "light", "light"])
    >>> segment_cube([region, use], value=[9.0, 2.0, 1.0]).to_frame()[
    ...     ["region", "use", "customers", "value"]]
      region    use  customers  value
    0      n  heavy          1    9.0
    1      n  light          1    1.0
    2      s  heavy          0    0.0
    3      s  light          1    2.0
    """
    axes = tuple(dimensions)
    if not axes or len({axis.name for axis in axes}) < len(axes):
        raise SchemaError("no dimension, or two of one name", rule="distinct", where="dimensions")
    n = axes[0].codes.size
    for axis in axes:
        check_length(axis.codes.size, n, axis.name)
    shape = tuple(len(_places(axis)) for axis in axes)
    if np.prod(shape, dtype=np.float64) > _MOST_CELLS:
        raise SchemaError(
            f"{shape} levels", rule=f"at most {_MOST_CELLS:,} cells", where="dimensions",
            fix="use fewer dimensions or coarser levels",
        )  # fmt: skip
    values = np.full(n, np.nan) if value is None else as_floats(value, "value")
    check_length(values.size, n, "value")
    ids = pd.RangeIndex(n) if customer_id is None else customer_id
    check_length(len(ids), n, "customer_id")
    cells, size = _kernel.cell_numbers([axis.codes for axis in axes], shape), int(np.prod(shape))
    known = ~np.isnan(values)
    sums = np.bincount(cells, weights=np.nan_to_num(values), minlength=size).astype(np.float64)
    return SegmentCube(
        dimensions=axes,
        customer_id=ids,
        value=values,
        heads=np.bincount(cells, minlength=size).reshape(shape).astype(np.int64),
        valued=np.bincount(cells[known], minlength=size).reshape(shape).astype(np.int64),
        sums=sums.reshape(shape),
    )


def _places(dimension: Dimension) -> tuple[str, ...]:
    """Return the levels, the unknown one last where there is any."""
    return (*dimension.levels, UNKNOWN) if dimension.has_unknown else dimension.levels
