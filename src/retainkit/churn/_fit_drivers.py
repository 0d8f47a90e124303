"""fit_retention_drivers: learn what keeps customers, with a curve that never falls."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from retainkit._core.kernels.glm import fit_logistic
from retainkit.churn._drivers import (
    DRIVERS,
    DriverConfig,
    InteractionTest,
    RetentionDriverModel,
    driver_design,
)
from retainkit.churn._kernel_drivers import fit_free_logit
from retainkit.errors import AlignmentError, ConvergenceError, NotComputableError, SchemaError
from retainkit.typing import ArrayLike1D, FloatArray

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
