"""RetentionDriverModel: what satisfaction, perceived value and switching cost do for staying."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.kernels.intervals import percentile_bounds
from retainkit.churn._kernel_drivers import monotone_basis
from retainkit.errors import SchemaError
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

    Examples
    --------
    >>> from retainkit.churn import DriverConfig
    >>> DriverConfig(resamples=50).knots
    5
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

    Examples
    --------
    >>> from retainkit.churn import InteractionTest
    >>> InteractionTest(chi_square=9.2, degrees_of_freedom=4, p_value=0.056, customers=500).p_value
    0.056
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

    Examples
    --------
    >>> from retainkit.churn import RetentionDriverModel
    >>> RetentionDriverModel.model_fields["knots"].is_required()
    True
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
