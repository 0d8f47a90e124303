"""What benefits are worth to customers: part-worths from ratings of whole offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from retainkit._core.arrays import as_column, check_length
from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenConfig
from retainkit._core.kernels.intervals import percentile_bounds
from retainkit._core.result import ResultTable
from retainkit.errors import NotComputableError, SchemaError
from retainkit.tiers.segments._cluster import load
from retainkit.typing import ArrayLike1D, FloatArray


class ConjointConfig(FrozenConfig):
    """Choose intervals of part-worths.

    Parameters
    ----------
    level : float, default 0.95
        Confidence level.
    n_draws : int, default 2000
        Draws from the estimates' distribution for the intervals of importances.
    seed : int, default 0
        Makes the same draws every time.
    """

    level: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.95
    n_draws: Annotated[int, Field(ge=100, le=1_000_000)] = 2_000
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PartWorths(ResultTable):
    """Hold the part-worth of each level of each attribute, with intervals.

    Parameters
    ----------
    attribute, level : tuple of str
        Names, one entry per level.
    part_worth, standard_error, lower, upper : ndarray of float
        Worth of the level against the mean of its attribute [rating]; they sum to 0 within an
        attribute.
    importances : tuple of (str, float, float, float)
        Attribute, its range of part-worths as a share of all ranges, and the interval.
    r_squared : float
        Share of the variance of the ratings explained.
    n : int
        Ratings.
    """

    _what: ClassVar[str] = "levels"
    _next_step: ClassVar[str] = ".to_frame() or .summary()"
    _schema: ClassVar[tuple[Column, ...]] = (
        *plain("attribute", "level", "part_worth", "standard_error", "lower", "upper"),
    )

    attribute: tuple[str, ...]
    level: tuple[str, ...]
    part_worth: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    importances: tuple[tuple[str, float, float, float], ...]
    r_squared: float
    n: int

    def __len__(self) -> int:
        return len(self.level)

    def summary(self) -> pd.DataFrame:
        """Return one row per attribute: its importance with the interval.

        In the order of the attributes; importances sum to 1.
        """
        return pd.DataFrame(self.importances, columns=["attribute", "importance", "lower", "upper"])


def estimate_part_worths(
    profiles: pd.DataFrame,
    rating: ArrayLike1D,
    *,
    respondent: Any = None,
    config: ConjointConfig | None = None,
) -> PartWorths:
    """Estimate what each level of each attribute is worth (ratings-based conjoint analysis).

    Needs the extra `segments`.

    Parameters
    ----------
    profiles : pandas.DataFrame
        One row per rating: the offer that was rated, one column of levels per attribute.
    rating : array_like of float, shape (n_ratings,)
        The ratings; higher is better.
    respondent : array_like, optional
        Who gave each rating. Then each respondent has a level of its own, and standard errors
        allow for the answers of one person going together.
    config : ConjointConfig, optional
        Level of the intervals.

    Returns
    -------
    PartWorths
        Levels in the order of the attributes, sorted unless categorical.

    Raises
    ------
    MissingDependencyError
        If statsmodels is not installed.
    SchemaError
        If a rating or a level is missing, or an attribute has one level only.
    AlignmentError
        If there is another number of ratings.
    NotComputableError
        If the offers rated do not tell the levels apart, or there are too few ratings.

    Notes
    -----
    Least squares on effect-coded levels; the part-worth of the last level of an attribute is
    minus the sum of the others, with the standard error that follows. Importances are ranges of
    part-worths over their sum (Green & Srinivasan 1978); their intervals are quantiles over draws
    from the estimates' normal distribution.

    References
    ----------
    Green, P. E. & Srinivasan, V. (1978). Conjoint analysis in consumer research: issues and
    outlook. Journal of Consumer Research 5(2), 103-123.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tiers import estimate_part_worths
    >>> offers = pd.DataFrame({"price": ["low", "low", "high", "high"] * 3,
    ...                        "service": ["basic", "full"] * 6})
    >>> ratings = [7, 9, 3, 5, 8, 9, 3, 6, 7, 8, 2, 5]
    >>> estimate_part_worths(offers, ratings).summary().round(1)
      attribute  importance  lower  upper
    0     price         0.7    0.6    0.8
    1   service         0.3    0.2    0.4
    """
    models = load("statsmodels.api")
    config = ConjointConfig() if config is None else config
    ratings = as_column(rating, "rating")
    check_length(ratings.size, len(profiles), "rating")
    if not np.isfinite(ratings).all():
        raise SchemaError("ratings are missing", rule="every offer was rated", where="rating")
    design, contrasts, names = _effects(profiles)
    k = design.shape[1]
    base, groups = np.ones((ratings.size, 1)), None
    if respondent is not None:
        people = pd.Series(respondent).reset_index(drop=True)
        check_length(len(people), ratings.size, "respondent")
        groups = pd.factorize(people)[0]
        base = (groups[:, None] == np.arange(groups.max() + 1)).astype(np.float64)
    whole = np.column_stack([design, base])
    if np.linalg.matrix_rank(whole) < whole.shape[1] or ratings.size <= whole.shape[1]:
        raise NotComputableError(
            f"{ratings.size} ratings for {whole.shape[1]} unknowns",
            rule="the offers vary every attribute independently, with more ratings than unknowns",
            where="profiles",
            fix="rate more different offers, or leave an attribute out",
        )
    model = models.OLS(ratings, whole)
    if groups is None:
        fit = model.fit()
    else:
        fit = model.fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    beta, covariance = np.asarray(fit.params)[:k], np.asarray(fit.cov_params())[:k, :k]
    worth = contrasts @ beta
    error = np.sqrt(np.einsum("ij,jk,ik->i", contrasts, covariance, contrasts))
    reach = _t_quantile(config.level, fit, groups) * error
    return PartWorths(
        attribute=tuple(name for name, _ in names),
        level=tuple(level for _, level in names),
        part_worth=worth,
        standard_error=error,
        lower=worth - reach,
        upper=worth + reach,
        importances=_importances(beta, covariance, contrasts, [name for name, _ in names], config),
        r_squared=float(fit.rsquared),
        n=ratings.size,
    )


def _effects(
    profiles: pd.DataFrame,
) -> tuple[FloatArray, npt.NDArray[np.float64], list[tuple[str, str]]]:
    """Return the effect-coded design, the part-worths as combinations of it, and their names."""
    blocks, names, sizes = [], [], []
    for attribute in profiles.columns:
        levels = profiles[attribute].astype("category").cat.remove_unused_categories().cat
        codes, n = levels.codes.to_numpy(), len(levels.categories)
        if n < 2 or (codes < 0).any():
            raise SchemaError(
                f"attribute {attribute!r} has {n} levels, or gaps",
                rule="at least two levels, one for every offer",
                where=f"profiles.{attribute}",
            )
        effects = np.vstack([np.eye(n - 1), -np.ones(n - 1)])
        blocks.append(effects[codes])
        sizes.append(effects)
        names += [(str(attribute), str(level)) for level in levels.categories]
    contrasts = np.zeros((len(names), sum(one.shape[1] for one in sizes)))
    row = column = 0
    for effects in sizes:
        contrasts[row : row + len(effects), column : column + effects.shape[1]] = effects
        row, column = row + len(effects), column + effects.shape[1]
    return np.column_stack(blocks), contrasts, names


def _t_quantile(level: float, fit: Any, groups: npt.NDArray[np.int64] | None) -> float:
    """Return the two-sided quantile of Student's t for this fit."""
    from scipy.special import stdtrit

    freedom = float(fit.df_resid) if groups is None else float(np.unique(groups).size - 1)
    return float(stdtrit(freedom, (1.0 + level) / 2.0))


def _importances(
    beta: FloatArray,
    covariance: npt.NDArray[np.float64],
    contrasts: npt.NDArray[np.float64],
    attributes: list[str],
    config: ConjointConfig,
) -> tuple[tuple[str, float, float, float], ...]:
    """Return the share of each attribute in the range of utilities, with its interval."""
    rng = np.random.default_rng(config.seed)
    draws = rng.multivariate_normal(beta, covariance, size=config.n_draws, method="eigh")
    names = list(dict.fromkeys(attributes))

    def shares(worths: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return each attribute's range of worths as a share of all ranges."""
        rows = [np.array(attributes) == name for name in names]
        ranges = np.array([np.ptp(worths[mask], axis=0) for mask in rows])
        whole = ranges.sum(axis=0)
        return np.asarray(ranges / np.where(whole > 0, whole, np.nan))

    point, drawn = shares(contrasts @ beta), shares(contrasts @ draws.T)
    low, high = percentile_bounds(drawn, config.level, axis=1)
    rows = zip(names, point, low, high, strict=True)
    return tuple((name, float(p), float(a), float(b)) for name, p, a, b in rows)
