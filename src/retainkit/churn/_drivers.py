"""fit_retention_drivers: what goes with staying, and what depends on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special
from scipy.special import expit

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.kernels.glm import fit_logistic
from retainkit._core.kernels.intervals import percentile_bounds
from retainkit.churn._kernel import fit_free_logit, monotone_basis
from retainkit.errors import AlignmentError, ConvergenceError, NotComputableError, SchemaError
from retainkit.typing import ArrayLike1D, FloatArray, NonNegativeFloat, PositiveInt

DRIVERS = ("satisfaction", "perceived_value", "switching_cost")


class DriverConfig(FrozenConfig):
    """Say how retention drivers are fitted.

    Parameters
    ----------
    knots : int, default 5
        Knots of the satisfaction curve, at quantiles of the answers; at most one per distinct
        answer.
    penalty : float, default 0.1
        Ridge penalty on the coefficients.
    resamples : int, default 200
        Bootstrap resamples behind the bands.
    seed : int, default 0
        Seed of the resamples; the same seed gives the same bands bit for bit.
    level : float, default 0.95
        Level of the bands.
    """

    knots: PositiveInt = 5
    penalty: NonNegativeFloat = 0.1
    resamples: PositiveInt = 200
    seed: int = 0
    level: float = 0.95


class InteractionTest(FrozenModel):
    """Whether satisfaction works differently from stage to stage: a likelihood-ratio test.

    Parameters
    ----------
    chi_square : float
        Twice the gain in log-likelihood of a curve per stage over one curve for all.
    degrees_of_freedom : int
        Coefficients the curves have more; 0 where the answers cannot tell.
    p_value : float or None
        Probability of such a gain or a greater one if the curves were one; None without degrees of
        freedom.
    customers : int
        Customers it was computed from.
    """

    chi_square: float
    degrees_of_freedom: int
    p_value: float | None
    customers: int


class RetentionDriverModel(FrozenModel):
    """The learnt drivers of staying; see `fit_retention_drivers`.

    Parameters
    ----------
    drivers : tuple of str
        Columns it was learnt from, satisfaction first.
    centers : tuple of float
        Means of the other drivers.
    knots : tuple of float
        Knots of the satisfaction curve.
    stages : tuple of str
        Lifecycle stages, each with a curve of its own; () = one curve for all.
    coefficients : tuple of float
        Intercepts per stage, then the other drivers, then the curve of each stage.
    draws : tuple of tuple of float
        The same for each bootstrap resample.
    customers, incomplete : int
        Customers it was learnt from, and those left out because an answer was missing.
    log_likelihood, linear_log_likelihood : float
        Of the model, and of one that is linear in satisfaction.
    stage_test : InteractionTest or None
        Whether the stages need curves of their own; None without stages.
    config : DriverConfig
        The settings used.
    """

    drivers: tuple[str, ...]
    centers: tuple[float, ...]
    knots: tuple[float, ...]
    stages: tuple[str, ...]
    coefficients: tuple[float, ...]
    draws: tuple[tuple[float, ...], ...]
    customers: int
    incomplete: int
    log_likelihood: float
    linear_log_likelihood: float
    config: DriverConfig
    stage_test: InteractionTest | None = None

    def probability(self, drivers: pd.DataFrame, *, stage: ArrayLike1D | None = None) -> FloatArray:
        """Return the probability that each customer stays; NaN where an answer is missing.

        `drivers` has the columns the model was learnt from; `stage`, the lifecycle stage of each
        customer, is needed where it was learnt with stages.
        """
        chance: FloatArray = expit(self._design(drivers, stage) @ np.array(self.coefficients))
        return chance

    def curve(
        self, *, grid: Sequence[float] | None = None, driver: str = "satisfaction"
    ) -> pd.DataFrame:
        """Return how the probability of staying changes with one driver, the others at their mean.

        Columns stage ("all" without stages), the driver, probability, low, high. `grid` holds
        values of the driver: by default 41 over the range of satisfaction; other drivers need one.
        """
        if driver not in self.drivers or (grid is None and driver != DRIVERS[0]):
            raise SchemaError(
                f"no curve over {driver!r}",
                rule=f"the driver is one of {list(self.drivers)}; all but the first need a grid",
            )
        values = np.linspace(self.knots[0], self.knots[-1], 41) if grid is None else grid
        middle = dict(zip(self.drivers, self.centers, strict=True))
        parts = []
        for stage in self.stages or ("all",):
            frame = pd.DataFrame({name: [middle[name]] * len(values) for name in self.drivers})
            frame[driver] = np.asarray(values, dtype=np.float64)
            stages = [stage] * len(values) if self.stages else None
            design = self._design(frame, stages)
            low, high = self._band(expit(design @ np.array(self.draws).T).T)
            fitted = expit(design @ np.array(self.coefficients))
            part = {"stage": stage, driver: frame[driver], "probability": fitted}
            parts.append(pd.DataFrame(part | {"low": low, "high": high}))
        return pd.concat(parts, ignore_index=True)

    def marginal_effects(
        self, drivers: pd.DataFrame, *, stage: ArrayLike1D | None = None, step: float = 1.0
    ) -> pd.DataFrame:
        """Return what `step` more points of each driver do on average over these customers.

        Columns driver, effect (mean change of the probability), low, high. Satisfaction stops at
        the end of its range. `drivers` and `stage` as in `probability`.
        """
        rows = []
        for name in self.drivers:
            changed = self.what_if(drivers, change={name: step}, stage=stage).iloc[0]
            rows.append((name, changed["difference"], changed["low"], changed["high"]))
        return pd.DataFrame(rows, columns=["driver", "effect", "low", "high"])

    def what_if(
        self,
        drivers: pd.DataFrame,
        *,
        change: Mapping[str, float],
        stage: ArrayLike1D | None = None,
    ) -> pd.DataFrame:
        """Return the retention expected if drivers changed for these customers.

        It says what the model predicts for customers who answer so, not what raising the answers
        by a measure would do: for that, compare with a hold-out.
        `change` holds the points added to each driver; satisfaction stays within the range of the
        answers seen. `drivers` and `stage` as in `probability`. One row: customers, before, after
        (mean probabilities), difference, low, high, kept (customers expected to stay who would else
        have left).
        """
        unknown = sorted(set(change) - set(self.drivers))
        if unknown:
            raise SchemaError(f"no drivers {unknown}", rule=f"drivers are {list(self.drivers)}")
        base, moved = self._design(drivers, stage), drivers.copy()
        for name, points in change.items():
            moved[name] = moved[name] + points
        after = self._design(moved, stage)
        known = ~np.isnan(base).any(axis=1)
        base, after = base[known], after[known]
        beta, draws = np.array(self.coefficients), np.array(self.draws)
        gains = np.array([(expit(after @ b) - expit(base @ b)).mean() for b in draws])
        before, then = float(expit(base @ beta).mean()), float(expit(after @ beta).mean())
        low, high = self._band(gains[:, None])
        row = {"customers": int(known.sum()), "before": before, "after": then}
        row |= {"difference": then - before, "low": low[0], "high": high[0]}
        row["kept"] = (then - before) * int(known.sum())
        return pd.DataFrame([row])

    def _band(self, draws: npt.NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
        """Return the bounds of the bootstrap draws."""
        return percentile_bounds(draws, self.config.level)

    def _design(self, drivers: pd.DataFrame, stage: Any) -> npt.NDArray[np.float64]:
        """Return the columns of the regression for these customers."""
        return driver_design(
            drivers,
            stage,
            names=self.drivers,
            centers=np.array(self.centers),
            knots=np.array(self.knots),
            stages=self.stages,
        )


def driver_design(
    drivers: pd.DataFrame,
    stage: Any,
    *,
    names: tuple[str, ...],
    centers: FloatArray,
    knots: FloatArray,
    stages: tuple[str, ...],
) -> npt.NDArray[np.float64]:
    """Return the columns of the regression: intercepts, other drivers, curve per stage."""
    missing = [name for name in names if name not in drivers.columns]
    if missing:
        raise SchemaError(
            f"drivers lack the columns {missing}",
            rule=f"the columns are {list(names)}",
            where="drivers",
        )
    values = drivers[list(names)].to_numpy(dtype=np.float64, na_value=np.nan)
    curve = monotone_basis(values[:, 0], knots)
    others = values[:, 1:] - centers[1:]
    group = _stage_matrix(stage, stages, len(values))
    curves = (group[:, :, None] * curve[:, None, :]).reshape(len(values), -1)
    return np.column_stack([group, others, curves])


def _stage_matrix(stage: Any, stages: tuple[str, ...], n: int) -> npt.NDArray[np.float64]:
    """Return one column per stage with 1 where the customer is in it; NaN in an unseen stage."""
    if not stages:
        return np.ones((n, 1))
    if stage is None:
        raise SchemaError(
            "no stages were given", rule=f"the model was learnt with the stages {list(stages)}"
        )
    code = pd.Index(stages).get_indexer(pd.Index(pd.Series(stage).astype("str")))
    out: npt.NDArray[np.float64] = np.equal.outer(code, np.arange(len(stages))).astype(float)
    out[code < 0] = np.nan
    return out


_LEAST = 20


def fit_retention_drivers(
    drivers: pd.DataFrame,
    *,
    retained: ArrayLike1D,
    stage: ArrayLike1D | None = None,
    config: DriverConfig = DriverConfig(),  # noqa: B008 - frozen
) -> RetentionDriverModel:
    """Learn how satisfaction, perceived value and switching cost bear on staying.

    Satisfaction enters by a curve that may bend but never falls; the other drivers enter
    linearly. With lifecycle stages each stage has its own curve. The answers must be older than
    the outcome; `find_leaks` names answers that were not.

    Parameters
    ----------
    drivers : pandas.DataFrame
        satisfaction, and perceived_value and switching_cost where there are any [points]; one row
        per customer, such as the last survey before the period judged.
    retained : array_like of bool, shape (n,)
        Whether the customer was still there at the end of the period.
    stage : array_like of str, shape (n,), optional
        Lifecycle stage of each customer at the survey.
    config : DriverConfig, optional
        The settings.

    Returns
    -------
    RetentionDriverModel
        `.curve()`, `.marginal_effects(...)`, `.what_if(...)`, `.probability(...)`; with stages,
        `.stage_test` says whether they need curves of their own.

    Raises
    ------
    SchemaError
        If there is no column satisfaction.
    AlignmentError
        If lengths differ.
    NotComputableError
        If fewer than 20 customers stayed or left, or all give the same answer.
    ConvergenceError
        If the optimum was not reached.

    Notes
    -----
    Logistic regression on quadratic I-splines of satisfaction with coefficients >= 0 (so the curve
    is monotone), bands by bootstrap of the customers. The test of the stages compares two free fits
    on the same splines (no penalty, no sign, so that the ratio of likelihoods is chi-square
    distributed): a curve per stage against one curve, an intercept per stage in both.

    References
    ----------
    Ramsay, J. O. (1988). Monotone regression splines in action. Statistical Science 3.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from retainkit.churn import DriverConfig, fit_retention_drivers
    >>> answers = np.tile([1, 2, 3, 4, 5], 100)
    >>> stays = np.arange(500) % 50 < answers * 8
    >>> model = fit_retention_drivers(pd.DataFrame({"satisfaction": answers}), retained=stays,
    ...                               config=DriverConfig(resamples=20))
    >>> bool(model.curve()["probability"].is_monotonic_increasing)
    True
    """
    if DRIVERS[0] not in drivers.columns:
        raise SchemaError(
            "drivers lack the column 'satisfaction'",
            rule=f"columns are satisfaction and any of {list(DRIVERS[1:])}",
            where="drivers",
        )
    stays = np.asarray(retained, dtype=np.bool_)
    group = None if stage is None else pd.Series(stage).reset_index(drop=True)
    if stays.shape != (len(drivers),) or (group is not None and len(group) != len(drivers)):
        raise AlignmentError(
            f"{len(drivers)} rows of drivers, retained of shape {stays.shape}",
            rule="one row of drivers, one outcome (and one stage) per customer, in one order",
            where="fit_retention_drivers",
        )
    names = tuple(name for name in DRIVERS if name in drivers.columns)
    values = drivers[list(names)].to_numpy(dtype=np.float64, na_value=np.nan)
    known = ~np.isnan(values).any(axis=1)
    if group is not None:
        known &= group.notna().to_numpy(dtype=np.bool_)
    _require_enough(values[known], stays[known])
    return _fit(
        drivers.reset_index(drop=True)[known],
        stays[known],
        None if group is None else group[known].astype("str"),
        names,
        int((~known).sum()),
        config,
    )


def _require_enough(values: npt.NDArray[np.float64], stays: npt.NDArray[np.bool_]) -> None:
    """Refuse too few customers on either side, and answers that are all the same."""
    few = min(int(stays.sum()), int((~stays).sum()))
    if few < _LEAST or np.unique(values[:, 0]).size < 2:
        raise NotComputableError(
            f"{int(stays.sum())} stayed and {int((~stays).sum())} left, with "
            f"{np.unique(values[:, 0]).size if len(values) else 0} distinct answers",
            rule=f"{_LEAST} or more stayed, {_LEAST} or more left, and the answers differ",
            where="drivers, retained",
        )


def _fit(
    drivers: pd.DataFrame,
    stays: npt.NDArray[np.bool_],
    stage: pd.Series[str] | None,
    names: tuple[str, ...],
    incomplete: int,
    config: DriverConfig,
) -> RetentionDriverModel:
    """Fit the curve, its bootstrap and the yardsticks beside it to complete rows."""
    values = drivers[list(names)].to_numpy(dtype=np.float64)
    shares = np.linspace(0.0, 1.0, max(config.knots, 2))
    points = np.unique(values[:, 0])
    knots = points if len(points) <= config.knots else np.unique(np.quantile(values[:, 0], shares))
    stages = () if stage is None else tuple(sorted(stage.unique()))
    centers = values.mean(axis=0)
    design = driver_design(drivers, stage, names=names, centers=centers, knots=knots, stages=stages)
    width = max(len(stages), 1)
    bounded = np.arange(design.shape[1]) >= width + len(names) - 1
    penalty = np.full(design.shape[1], config.penalty)
    penalty[:width] = 1e-6
    cells, place = np.unique(design, axis=0, return_inverse=True)
    place = place.reshape(-1)
    start = np.where(bounded, 0.1, 0.0)

    def solve(rows: npt.NDArray[np.int64] | slice, at: FloatArray) -> tuple[FloatArray, float]:
        """Return the coefficients and log-likelihood for some rows."""
        size = np.bincount(place[rows], minlength=len(cells)).astype(np.float64)
        hits = np.bincount(place[rows], weights=stays[rows], minlength=len(cells))
        kept = hits.astype(np.float64)
        fit = fit_logistic(cells, kept, size, penalty=penalty, nonnegative=bounded, start=at)
        if not fit.converged:
            raise ConvergenceError(
                f"log-likelihood {fit.log_likelihood:.6g}", rule="the optimum is reached"
            )
        return fit.coefficients, fit.log_likelihood

    beta, likelihood = solve(slice(None), start)
    rng = np.random.default_rng(config.seed)
    n = len(stays)
    draws = [solve(rng.integers(0, n, n), beta)[0] for _ in range(config.resamples)]
    return RetentionDriverModel(
        drivers=names,
        centers=tuple(centers.tolist()),
        knots=tuple(knots.tolist()),
        stages=stages,
        coefficients=tuple(beta.tolist()),
        draws=tuple(tuple(draw.tolist()) for draw in draws),
        customers=n,
        incomplete=incomplete,
        log_likelihood=likelihood,
        linear_log_likelihood=_fit_linear(values, stays, design[:, :width]),
        config=config,
        stage_test=_compare_curves(design, stays, width, len(names) - 1) if stages else None,
    )


def _compare_curves(
    design: FloatArray, stays: npt.NDArray[np.bool_], stages: int, others: int
) -> InteractionTest:
    """Test a curve per stage against one curve for all, by the ratio of the likelihoods."""
    shared = design[:, : stages + others]
    curves = design[:, stages + others :]
    common = curves.reshape(len(design), stages, -1).sum(axis=1)
    one, small = fit_free_logit(np.column_stack([shared, common]), stays)
    each, large = fit_free_logit(np.column_stack([shared, curves]), stays)
    freedom = large - small
    chi = max(2.0 * (each - one), 0.0)
    return InteractionTest(
        chi_square=chi,
        degrees_of_freedom=freedom,
        p_value=float(special.chdtrc(freedom, chi)) if freedom else None,
        customers=len(stays),
    )


def _fit_linear(
    values: npt.NDArray[np.float64], stays: npt.NDArray[np.bool_], group: npt.NDArray[np.float64]
) -> float:
    """Return the log-likelihood with satisfaction as a straight line per stage."""
    centred = values - values.mean(axis=0)
    x = np.column_stack([group, centred[:, 1:], group * centred[:, :1]])
    return fit_logistic(x, stays.astype(np.float64), penalty=np.zeros(x.shape[1])).log_likelihood
