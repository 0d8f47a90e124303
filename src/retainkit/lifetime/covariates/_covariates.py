"""Covariates of customers: settings, effects, the table."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.config import FrozenConfig
from retainkit._core.frames import column_names, read_columns
from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError, SchemaError
from retainkit.lifetime._config import FitConfig
from retainkit.typing import BoolArray, FloatArray, IntoFrame, PositiveFloat

Target: TypeAlias = Literal["rate", "dropout", "a", "b"]


class CovariateConfig(FitConfig):
    """Which law is fitted with covariates, which covariates act on what, and how hard to try.

    Parameters
    ----------
    law : {"mbg_nbd", "bg_nbd", "pareto_nbd"}, default "mbg_nbd"
        The model whose parameters the covariates move.
    rate : tuple of str, optional
        Covariates that act on the purchase rate; None is all of them, () none.
    dropout : tuple of str, optional
        Covariates that act on dropout; None is all of them, () none.
    dropout_effects : {"shapes", "odds"}, default "shapes"
        Only for BG/NBD and MBG/NBD. `"shapes"`, as published: each covariate has one effect on
        a and one on b. `"odds"`: one effect, on the logarithm of a / b, the odds of the mean
        dropout probability; half as many numbers, each with a meaning of its own.
    effect_prior_sd : float, optional
        Standard deviation of a normal prior on each effect, centred on 0: a ridge of
        1 / (2 sd^2). The effect meant is that of one standard deviation of the covariate, so that
        units do not matter. None, the default, is plain maximum likelihood.
    tolerance, max_iterations, prior_sd
        As in `FitConfig`; `prior_sd` concerns the parameters of the average customer.

    Examples
    --------
    >>> from retainkit.lifetime import CovariateConfig
    >>> CovariateConfig(law="pareto_nbd", dropout=()).dropout
    ()
    """

    law: Literal["mbg_nbd", "bg_nbd", "pareto_nbd"] = "mbg_nbd"
    rate: tuple[str, ...] | None = None
    dropout: tuple[str, ...] | None = None
    dropout_effects: Literal["shapes", "odds"] = "shapes"
    effect_prior_sd: PositiveFloat | None = None


class CovariateEffect(FrozenConfig):
    """What one more unit of a covariate does to a logarithm of a parameter.

    Parameters
    ----------
    on : {"rate", "dropout", "a", "b"}
        `"rate"`: the mean purchase rate (alpha falls). `"dropout"`: the mean dropout rate of
        Pareto/NBD (beta falls); of BG/NBD and MBG/NBD the odds a / b (half each). `"a"`, `"b"`:
        that shape of the dropout probabilities.
    covariate : str
        Name of the column.
    value : float
        Change of the logarithm per unit of the covariate.
    """

    on: Target
    covariate: str
    value: float

    @property
    def name(self) -> str:
        """Name of the effect among the parameters."""
        return f"{self.on}:{self.covariate}"


def loading_of(on: Target, law: str) -> tuple[float, float, float, float]:
    """Return the change of each log-parameter per unit of effect times covariate."""
    if on == "rate":
        return (0.0, -1.0, 0.0, 0.0)
    if on == "a":
        return (0.0, 0.0, 1.0, 0.0)
    if on == "b":
        return (0.0, 0.0, 0.0, 1.0)
    return (0.0, 0.0, 0.0, -1.0) if law == "pareto_nbd" else (0.0, 0.0, 0.5, -0.5)


def planned_effects(config: CovariateConfig, names: tuple[str, ...]) -> tuple[CovariateEffect, ...]:
    """Return the effects to be estimated, all 0."""
    rate = names if config.rate is None else config.rate
    dropout = names if config.dropout is None else config.dropout
    shapes = config.law != "pareto_nbd" and config.dropout_effects == "shapes"
    targets: tuple[Target, ...] = ("a", "b") if shapes else ("dropout",)
    plan = [("rate", name) for name in rate]
    plan += [(target, name) for target in targets for name in dropout]
    return tuple(
        CovariateEffect.model_validate({"on": on, "covariate": name, "value": 0.0})
        for on, name in plan
    )


_NUMBERS = 'pandas.get_dummies(frame, columns=["..."], drop_first=True) makes numbers of categories'
_TINY = 1e-9
"""Share of its largest value below which a column's spread is rounding."""
_DEPENDENT = 1e-10
"""Share of a column's variance that the others leave, below which it says nothing new."""


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class Covariates:
    """What does not change about n customers: named columns of numbers, row by row.

    Row i belongs to customer i of the history, whatever index a frame has.

    Parameters
    ----------
    values : array-like of shape (n, q)
        Numbers or truth values; NaN where unknown: such customers cannot be fitted, and their
        predictions are NaN.
    names : sequence of str
        Name of each column.

    Raises
    ------
    SchemaError
        If the values are not numbers in two dimensions, or names are missing or repeated.
    InvalidTableError
        If a value is infinite.

    Examples
    --------
    >>> from retainkit.lifetime import Covariates
    >>> Covariates([[1, 0.5], [0, 2.0]], names=["web", "amount"])
    <Covariates: 2 customers, web, amount; next: fit_with_covariates(history, covariates)>
    """

    values: FloatArray
    names: tuple[str, ...]

    def __init__(self, values: npt.ArrayLike, *, names: Any) -> None:
        try:
            table = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise SchemaError(
                "covariates cannot be read as numbers", where="covariates", fix=_NUMBERS
            ) from None
        columns = tuple(str(name) for name in names)
        if table.ndim != 2 or table.shape[1] != len(columns):
            raise SchemaError(
                f"covariates have shape {table.shape} and {len(columns)} names",
                rule="one row per customer, one named column per covariate",
                where="covariates",
            )
        if len(set(columns)) < len(columns):
            raise SchemaError(
                f"names are repeated in {columns}", rule="names are unique", where="covariates"
            )
        infinite: BoolArray = np.isinf(table).any(axis=0).reshape(-1)
        if infinite.any():
            raise InvalidTableError(
                f"infinite values in {_listed(columns, infinite)}",
                rule="a covariate is a finite number, or NaN where it is unknown",
                where="covariates",
            )
        object.__setattr__(self, "values", table)
        object.__setattr__(self, "names", columns)

    @classmethod
    def from_frame(cls, frame: IntoFrame, *, columns: tuple[str, ...] | None = None) -> Self:
        """Read covariates from the columns of a table.

        Parameters
        ----------
        frame : pandas, Polars, PyArrow or DuckDB table of n rows
            One row per customer, in the order of the history.
        columns : tuple of str, optional
            Columns to read; None is all of them.

        Returns
        -------
        Covariates
            In the order of the rows; missing values become NaN.

        Raises
        ------
        SchemaError
            If a column is missing, or holds texts or dates.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.lifetime import Covariates
        >>> frame = pd.DataFrame({"id": [7, 8], "web": [True, False]})
        >>> Covariates.from_frame(frame, columns=("web",)).values.tolist()
        [[1.0], [0.0]]
        """
        present = column_names(frame, table="covariates")
        wanted = tuple(present if columns is None else columns)
        _require(wanted, tuple(str(name) for name in present))
        series = read_columns(frame, wanted, table="covariates")
        values = [_as_numbers(series[name], str(name)) for name in wanted]
        empty = np.empty((len(frame) if hasattr(frame, "__len__") else 0, 0))
        return cls(np.column_stack(values) if values else empty, names=wanted)

    @classmethod
    def from_customers(
        cls,
        frame: IntoFrame,
        customer_id: Any,
        *,
        columns: tuple[str, ...] | None = None,
        id_column: str = "customer_id",
    ) -> Self:
        """Read the covariates of given customers, in their order, from a table by customer id.

        Parameters
        ----------
        frame : pandas, Polars, PyArrow or DuckDB table
            One row per customer, in any order; customers who are not asked for are ignored.
        customer_id : array-like of shape (n,)
            The customers, in the order of the history: `summary.customer_id`.
        columns : tuple of str, optional
            Columns to read; None is all but the id.
        id_column : str, default "customer_id"
            Column of the ids.

        Returns
        -------
        Covariates
            One row per customer asked for; NaN for customers the table does not know.

        Raises
        ------
        SchemaError
            If a column is missing, or holds texts or dates.
        AlignmentError
            If the table has several rows of one customer, or knows none of those asked for.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.lifetime import Covariates
        >>> frame = pd.DataFrame({"customer_id": ["b", "a", "x"], "web": [True, False, True]})
        >>> Covariates.from_customers(frame, ["a", "b", "c"]).values.tolist()
        [[0.0], [1.0], [nan]]
        """
        present = [str(name) for name in column_names(frame, table="covariates")]
        _require((id_column,), tuple(present))
        wanted = tuple(n for n in present if n != id_column) if columns is None else columns
        table = cls.from_frame(frame, columns=wanted)
        ids = pd.Index(read_columns(frame, (id_column,), table="covariates")[id_column])
        if ids.has_duplicates:
            repeated = ids[ids.duplicated()].unique()
            raise AlignmentError(
                f"{len(repeated):,} customers with several rows of covariates, first "
                f"{repeated[0]!r}",
                rule="one row per customer: covariates do not change over time",
                where=f"covariates, column {id_column!r}",
            )
        asked = pd.Index(customer_id)
        place = ids.get_indexer(asked)
        if len(asked) and (place < 0).all():
            raise AlignmentError(
                f"covariates of none of the {len(asked):,} customers",
                rule="ids of the covariates are those of the customers, in the same type",
                where=f"covariates, column {id_column!r}",
                fix=f"ids there are {ids.dtype}, of the customers {asked.dtype}",
            )
        values = np.where((place < 0)[:, None], np.nan, table.values[place])
        return cls(values, names=wanted)

    def columns(self, names: tuple[str, ...]) -> FloatArray:
        """Return a copy of the named columns, in that order; SchemaError if one is unknown."""
        _require(names, self.names)
        picked: FloatArray = self.values[:, [self.names.index(name) for name in names]] + 0.0
        return picked

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {len(self):,} customers, {', '.join(self.names)}; "
            "next: fit_with_covariates(history, covariates)>"
        )


def as_covariates(covariates: Covariates | IntoFrame, n: int | None = None) -> Covariates:
    """Return the table, one row for each of n customers."""
    table = covariates if isinstance(covariates, Covariates) else Covariates.from_frame(covariates)
    if n is not None and len(table) != n:
        raise AlignmentError(
            f"covariates of {len(table):,} customers for {n:,} histories",
            rule="one row per customer, in the order of the history",
            where="covariates",
            fix="Covariates.from_customers(frame, summary.customer_id) gives that order",
        )
    return table


def check_known(z: FloatArray, names: tuple[str, ...]) -> None:
    """Refuse gaps: a customer with an unknown covariate has no likelihood."""
    unknown = np.isnan(z)
    if unknown.any():
        counts = ", ".join(
            f"{name} ({count:,})"
            for name, count in zip(names, unknown.sum(axis=0).tolist(), strict=True)
            if count
        )
        raise InvalidTableError(
            f"unknown values in {counts} of {len(z):,} customers with a history",
            rule="a fit needs every covariate of every customer who purchased",
            where="covariates",
            fix="fill the gaps and add a column that is 1 where one was; or fit without these rows",
        )


def check_columns(z: FloatArray, w: FloatArray, names: tuple[str, ...]) -> None:
    """Refuse columns that are constant, or that the others determine."""
    sizes = np.abs(z).max(axis=0, initial=0.0)
    deviations = z / np.where(sizes > 0.0, sizes, 1.0)
    deviations -= np.average(deviations, axis=0, weights=w)
    spread = np.sqrt(np.average(deviations**2, axis=0, weights=w))
    constant = spread <= _TINY
    if constant.any():
        raise NotComputableError(
            f"{_listed(names, constant)} is the same for all customers of the fit",
            rule="a covariate that does not vary has no effect that could be told from the base",
            where="covariates",
            fix="leave it out; if it varies around a large number, subtract that number",
        )
    scaled = deviations / spread * np.sqrt(w / w.sum())[:, None]
    kept: list[int] = []
    for column in range(len(names)):
        others = scaled[:, kept]
        weight, *_ = np.linalg.lstsq(others, scaled[:, column], rcond=None)
        left = scaled[:, column] - others @ weight
        if float(left @ left) <= _DEPENDENT:
            from_ = [names[k] for k, v in zip(kept, weight, strict=True) if abs(v) > 1e-6]
            raise NotComputableError(
                f"{names[column]!r} is a linear combination of {from_}",
                rule="no covariate is determined by the others: their effects could not be told "
                "apart",
                where="covariates",
                fix="leave one out; of a category's columns, the one of the reference group",
            )
        kept.append(column)


def check_levels(z: FloatArray, x: FloatArray, w: FloatArray, names: tuple[str, ...]) -> None:
    """Refuse groups nobody of whom bought again: their effect has no finite estimate."""
    for column, name in enumerate(names):
        levels = np.unique(z[:, column])
        if len(levels) > 2:
            continue
        for level in levels.tolist():
            group = z[:, column] == level
            if not x[group].any():
                size = float(w[group].sum())
                raise NotComputableError(
                    f"none of the {size:g} customers with {name} = {level:g} bought again",
                    rule="the effect of such a group has no finite estimate",
                    where="covariates",
                    fix="merge the group with another, leave the covariate out, or keep its effect "
                    "finite with CovariateConfig(effect_prior_sd=1.0)",
                )


def _as_numbers(series: pd.Series[Any], name: str) -> FloatArray:
    """Return the column as float64; refuse what only looks like a number."""
    kind = series.dtype
    numeric = pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)
    if isinstance(kind, pd.CategoricalDtype) or not numeric:
        raise SchemaError(
            f"{name!r} has type {kind}",
            rule="covariates are numbers or truth values",
            where="covariates",
            fix=f"{_NUMBERS}; leave columns such as the customer id out with "
            "Covariates.from_frame(frame, columns=...)",
        )
    numbers: FloatArray = series.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers


def _require(wanted: tuple[str, ...], present: tuple[str, ...]) -> None:
    for name in wanted:
        if name not in present:
            close = get_close_matches(name, present, n=3) or list(present[:10])
            raise SchemaError(
                f"no covariate {name!r}",
                rule="each covariate is a column",
                where=f"the table has {', '.join(map(repr, close)) or 'none'}",
            )


def _listed(names: tuple[str, ...], which: BoolArray) -> str:
    return ", ".join(repr(name) for name, one in zip(names, which.tolist(), strict=True) if one)
