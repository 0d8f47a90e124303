"""fit_cause_hazards: what makes customers leave for each cause, period by period."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field
from scipy import special

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.kernels.glm import fit_softmax
from retainkit._core.kernels.intervals import normal_bounds
from retainkit.churn.incidence._incidence_table import Labels, check_sample, read_causes
from retainkit.errors import ConvergenceError, NotComputableError, SchemaError
from retainkit.typing import ArrayLike1D, NonNegativeFloat, PositiveFloat

_SLIGHT = 1e-8


class HazardConfig(FrozenConfig):
    """Say how cause-specific hazards are fitted.

    Parameters
    ----------
    period : float, default 30
        Length of a period [unit of the durations].
    periods : int, default 24
        Periods observed; who stays longer is censored after the last.
    penalty : float, default 0
        Ridge penalty on the effects of the covariates.

    Examples
    --------
    >>> from retainkit.churn import HazardConfig
    >>> HazardConfig(period=7, periods=52).period
    7.0
    """

    period: PositiveFloat = 30.0
    periods: Annotated[int, Field(ge=1)] = 24
    penalty: NonNegativeFloat = 0.0


class CauseHazardModel(FrozenModel):
    """Chances per period of leaving for each cause, given covariates; see `fit_cause_hazards`.

    Parameters
    ----------
    causes, covariates : tuple of str
        Causes and covariates in the order of the coefficients.
    baselines : tuple of tuple of float
        One row per period, one entry per cause: log odds against staying.
    effects, standard_errors : tuple of tuple of float
        One row per covariate, one entry per cause: change of the log odds for one more of it.
    at_risk : tuple of int
        Customers at risk in each period.
    log_likelihood : float
        Log-likelihood of the person-periods.
    config : HazardConfig
        The settings used.

    Examples
    --------
    >>> from retainkit.churn import HazardConfig, fit_cause_hazards
    >>> model = fit_cause_hazards([10, 40, 40, 70], cause=["a", "a", "b", None],
    ...                           config=HazardConfig(periods=2))
    >>> model.incidence().round(3)[["period", "survival", "incidence(a)", "incidence(b)"]]
       period  survival  incidence(a)  incidence(b)
    0       1      0.75          0.25          0.00
    1       2      0.25          0.50          0.25
    """

    causes: tuple[str, ...]
    covariates: tuple[str, ...]
    baselines: tuple[tuple[float, ...], ...]
    effects: tuple[tuple[float, ...], ...]
    standard_errors: tuple[tuple[float, ...], ...]
    at_risk: tuple[int, ...]
    log_likelihood: float
    config: HazardConfig

    def to_frame(self) -> pd.DataFrame:
        """Return the effects.

        Returns
        -------
        pandas.DataFrame
            One row per covariate and cause: covariate, cause, effect (log odds against staying),
            se, odds_ratio, low, high (95 %, of the odds ratio), p_value (Wald).
        """
        rows = []
        for name, betas, errors in zip(
            self.covariates, self.effects, self.standard_errors, strict=True
        ):
            for cause, beta, se in zip(self.causes, betas, errors, strict=True):
                p = 2.0 * float(special.ndtr(-abs(beta / se))) if se > 0.0 else np.nan
                odds = np.exp([beta, *normal_bounds(beta, se, 0.95)]).tolist()
                rows.append((name, cause, beta, se, *odds, p))
        columns = ["covariate", "cause", "effect", "se", "odds_ratio", "low", "high", "p_value"]
        return pd.DataFrame(rows, columns=columns)

    def incidence(self, covariates: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the incidence of each cause by the end of each period.

        Columns period (1 = first), survival, incidence(c) per cause; survival and incidences sum to
        1. The curves are averaged over the customers of `covariates`; without it, all are 0.
        """
        x = np.zeros((1, len(self.covariates)))
        if covariates is not None:
            x = read_covariates(covariates, self.covariates)
        effects = np.array(self.effects).reshape(len(self.covariates), len(self.causes))
        shift = x @ effects
        alive = np.ones(len(x))
        lost = np.zeros((len(x), len(self.causes)))
        rows = []
        for number, base in enumerate(np.array(self.baselines), start=1):
            chances = special.softmax(np.column_stack([np.zeros(len(x)), shift + base]), axis=1)
            lost += alive[:, None] * chances[:, 1:]
            alive = alive * chances[:, 0]
            rows.append([number, alive.mean(), *lost.mean(axis=0)])
        names = ["period", "survival", *(f"incidence({cause})" for cause in self.causes)]
        return pd.DataFrame(rows, columns=names).astype({"period": "int64"})


def fit_cause_hazards(
    duration: ArrayLike1D,
    *,
    cause: Labels,
    covariates: pd.DataFrame | None = None,
    entry: ArrayLike1D | None = None,
    config: HazardConfig = HazardConfig(),  # noqa: B008 - frozen
) -> CauseHazardModel:
    """Learn how covariates bear on leaving for each cause, all causes at once.

    In every period a customer stays or leaves for one of the causes: a multinomial logistic
    regression on person-periods. As the causes compete within it, the incidences it predicts never
    sum to more than 1.

    Parameters
    ----------
    duration : array_like, shape (n,)
        Time to leaving, or to last sight [any unit].
    cause : array_like, shape (n,)
        Why the customer left; missing where it was still there.
    covariates : pandas.DataFrame, optional
        Numbers or truth values known at the origin, one row per customer.
    entry : array_like, shape (n,), optional
        Time at which observation began; such a customer is at risk from the period it falls in.
    config : HazardConfig, optional
        Periods and penalty.

    Returns
    -------
    CauseHazardModel
        `.to_frame()` holds the effects, `.incidence(covariates)` the predicted curves.

    Raises
    ------
    AlignmentError, SchemaError
        As `cumulative_incidence`, or if a covariate is not a number.
    NotComputableError
        If nobody left within the periods.
    ConvergenceError
        If the optimum was not reached.

    Notes
    -----
    Each period has a baseline of its own per cause; without covariates the curves are those of
    `cumulative_incidence` at whole periods. A customer last seen within a period is at risk in it,
    as there. A period without a loss gets a chance of 1e-8 per head or less, and not 0.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import fit_cause_hazards
    >>> model = fit_cause_hazards(
    ...     [10] * 30 + [20] * 30, cause=["a"] * 20 + [None] * 10 + ["a"] * 10 + [None] * 20,
    ...     covariates=pd.DataFrame({"discount": [0] * 30 + [1] * 30}))
    >>> model.to_frame()[["covariate", "cause", "odds_ratio"]].round(2)
      covariate cause  odds_ratio
    0  discount     a        0.25
    """
    code, names = read_causes(cause, None)
    time = np.asarray(duration, dtype=np.float64)
    check_sample(time, entry, code, None, names, None)
    x = np.zeros((len(time), 0))
    columns: tuple[str, ...] = ()
    if covariates is not None:
        columns = tuple(str(name) for name in covariates.columns)
        x = read_covariates(covariates, columns, n=len(time))
    begin = np.zeros(len(time)) if entry is None else np.asarray(entry, dtype=np.float64)
    cells = _expand(time, begin, code, x, len(names), config)
    if not len(names) or not cells.counts[:, 1:].sum():
        raise NotComputableError(
            "nobody left within the periods", rule="hazards are learnt from losses", where="cause"
        )
    return _fit(cells, names, columns, config)


class _Cells(NamedTuple):
    """Distinct (period, covariates) with how often each outcome followed."""

    period: npt.NDArray[np.int64]
    covariates: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]


def _expand(
    time: npt.NDArray[np.float64],
    begin: npt.NDArray[np.float64],
    code: npt.NDArray[np.int64],
    x: npt.NDArray[np.float64],
    causes: int,
    config: HazardConfig,
) -> _Cells:
    """Write one row per customer and period at risk, and count equal ones."""
    last = np.floor(time / config.period).astype(np.int64)
    first = np.floor(begin / config.period).astype(np.int64)
    code = np.where(last >= config.periods, -1, code)
    last = np.minimum(last, config.periods - 1)
    spans = np.maximum(last - first + 1, 0)
    profiles, profile = np.unique(x, axis=0, return_inverse=True)
    profile = profile.reshape(-1)
    owner = np.repeat(np.arange(len(time)), spans)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(spans) - spans, spans)
    period = first[owner] + offset
    outcome = np.where(period == last[owner], code[owner], -1) + 1
    cell = period * len(profiles) + profile[owner]
    kept, place = np.unique(cell, return_inverse=True)
    flat = np.bincount(
        place.reshape(-1) * (causes + 1) + outcome, minlength=len(kept) * (causes + 1)
    )
    counts = flat.reshape(-1, causes + 1).astype(np.float64)
    return _Cells(kept // len(profiles), profiles[kept % len(profiles)], counts)


def _fit(
    cells: _Cells, names: tuple[str, ...], columns: tuple[str, ...], config: HazardConfig
) -> CauseHazardModel:
    """Fit the regression to counted cells; refuse one that does not converge."""
    seen = int(cells.period.max()) + 1
    dummies = np.equal.outer(cells.period, np.arange(seen)).astype(np.float64)
    center = cells.covariates.mean(axis=0)
    spread = cells.covariates.std(axis=0)
    spread = np.where(spread > 1e-12, spread, 1.0)
    design = np.column_stack([dummies, (cells.covariates - center) / spread])
    penalty = np.full(design.shape[1], _SLIGHT)
    penalty[seen:] += config.penalty * spread**2
    fit = fit_softmax(design, cells.counts, penalty=penalty, max_iterations=200)
    if not fit.converged:
        raise ConvergenceError(
            f"gradient {fit.gradient:.1e} after {fit.iterations} steps",
            rule="the gradient is near 0",
            fix="use fewer periods, or a penalty",
        )
    effects = fit.coefficients[seen:] / spread[:, None]
    width = design.shape[1]
    variance = np.diagonal(fit.covariance).reshape(len(names), width).T[seen:]
    errors = np.sqrt(np.maximum(variance, 0.0)) / spread[:, None]
    baselines = fit.coefficients[:seen] - center @ effects
    at_risk = np.bincount(cells.period, weights=cells.counts.sum(axis=1), minlength=seen)
    return CauseHazardModel(
        causes=names,
        covariates=columns,
        baselines=tuple(tuple(row) for row in baselines.tolist()),
        effects=tuple(tuple(row) for row in effects.tolist()),
        standard_errors=tuple(tuple(row) for row in errors.tolist()),
        at_risk=tuple(int(count) for count in at_risk),
        log_likelihood=fit.log_likelihood,
        config=config,
    )


def read_covariates(
    frame: pd.DataFrame, names: tuple[str, ...], *, n: int | None = None
) -> npt.NDArray[np.float64]:
    """Return the named columns as numbers; refuse missing ones."""
    absent = [name for name in names if name not in frame.columns]
    if absent or (n is not None and len(frame) != n):
        raise SchemaError(
            f"covariates of {len(frame)} rows lack {absent}",
            rule=f"one row per customer with the columns {list(names)}",
            where="covariates",
        )
    try:
        values = frame[list(names)].astype("float64").to_numpy()
    except (TypeError, ValueError):
        values = np.full((len(frame), len(names)), np.nan)
    if not np.isfinite(values).all():
        wrong = [name for i, name in enumerate(names) if not np.isfinite(values[:, i]).all()]
        raise SchemaError(
            f"covariates are missing or no numbers in {wrong}",
            rule="covariates are finite numbers or truth values",
            where="covariates",
            fix="make texts into truth values per category, and fill gaps",
        )
    return np.asarray(values, dtype=np.float64)
