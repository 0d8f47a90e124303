"""What every maximum-likelihood model of this room carries, and how a fit becomes one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from retainkit._core.config import FrozenModel
from retainkit._core.result import frame_html
from retainkit.errors import ConvergenceError, RetainkitWarning
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._kernel_newton import Evaluation, Optimum, log_covariance, maximise
from retainkit.typing import FloatArray

Count = Annotated[int | float, Field(ge=0)]
Objective = Callable[[FloatArray], Evaluation]

_STEP = 1e-4
"""Step of central differences, in log-parameters."""
_SETTLED = 1e-4
"""Distance to the optimum [standard errors] that is none, where the likelihood is flat."""
FLAT_OPTIMUM = "flat_optimum"
"""Boundary of optima that are flat without being near a known limit."""


class LikelihoodModel(FrozenModel):
    """Parameters with the evidence behind them; built by hand, the evidence is None.

    `log_covariance` belongs to the logarithms of the parameters (None where the data do not
    determine a parameter); `boundary` names the limits the optimum lies on, if any, or
    `"flat_optimum"` where the data leave a parameter open without any limit being near;
    `decrement` is the distance to the optimum [standard errors] the fit ended with.
    """

    _names: ClassVar[tuple[str, ...]] = ()
    _next_step: ClassVar[str] = ".summary()"
    _findings: ClassVar[dict[str, str]] = {}
    """What a boundary means for predictions, by its name."""

    log_likelihood: float | None = None
    n: Count | None = None
    n_excluded: Count = 0
    boundary: tuple[str, ...] = ()
    log_covariance: tuple[tuple[float | None, ...], ...] | None = None
    iterations: int | None = None
    decrement: float | None = None
    fingerprint: str | None = None
    config: FitConfig = FitConfig()

    @property
    def findings(self) -> tuple[str, ...]:
        """What the data could not tell, as codes; empty for a sound fit and a model by hand.

        `"dropout_unidentified"`: P(alive) has no meaning (models of purchases).
        `"spend_homogeneous"`: customers' means could not be told apart (Gamma-Gamma).
        `"spend_mean_infinite"`: q <= 1 (Gamma-Gamma). `"tenure_homogeneous"`: one probability of
        leaving for all (contracts). `"flat_optimum"`: parameters are not determined. Other names
        of `boundary` stand as they are: limits that leave predictions their meaning.
        """
        return tuple(dict.fromkeys(self._findings.get(name, name) for name in self.boundary))

    @property
    def aic(self) -> float | None:
        """Akaike's criterion, 2 k - 2 LL; None for a model that was not fitted."""
        ll = self.log_likelihood
        return None if ll is None else 2.0 * len(self.parameters) - 2.0 * ll

    @property
    def bic(self) -> float | None:
        """Schwarz's criterion, k log(n) - 2 LL; None for a model that was not fitted."""
        if self.log_likelihood is None or not self.n:
            return None
        return float(len(self.parameters) * np.log(self.n) - 2.0 * self.log_likelihood)

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters by name, in the order of the covariance."""
        return {name: getattr(self, name) for name in self._names}

    @property
    def covariance(self) -> FloatArray:
        """Covariance of the parameters, shape (k, k); delta method, NaN where undetermined."""
        k = len(self._names)
        if self.log_covariance is None:
            return np.full((k, k), np.nan)
        values = np.array(list(self.parameters.values()))
        of_logs = np.array(self.log_covariance, dtype=np.float64)
        return of_logs * np.outer(values, values)

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard error of each parameter by name; NaN where the data do not determine it."""
        errors = np.sqrt(np.diag(self.covariance))
        return dict(zip(self.parameters, errors.tolist(), strict=True))

    def _nudged(self, name: str, step: float) -> Self:
        """Return the model with the logarithm of one parameter moved by `step`."""
        return self.replace(**{name: getattr(self, name) * float(np.exp(step))})

    def _step_of(self, name: str) -> float:  # noqa: ARG002
        """Return a step of that size for a difference quotient."""
        return _STEP

    def summary(self) -> pd.DataFrame:
        """Return one row per parameter with its estimate and standard error.

        Index `parameter`; columns `estimate`, `standard_error` (NaN where undetermined).
        """
        return pd.DataFrame(
            {"estimate": self.parameters, "standard_error": self.standard_errors}
        ).rename_axis("parameter")

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:.6g}" for name, value in self.parameters.items())
        unit = f", unit {self.unit}" if hasattr(self, "unit") else ""
        n = f", n={self.n:,}" if self.n is not None else ""
        return f"<{type(self).__name__}: {values}{unit}{n}; next: {self._next_step}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return f"<p><code>{repr(self)[1:-1]}</code></p>{frame_html(self.summary())}"


class Fit(NamedTuple):
    """Parameters at the optimum and the fields of `LikelihoodModel` that describe it."""

    parameters: FloatArray
    evidence: dict[str, Any]


def fit_by_likelihood(
    objective: Objective,
    starts: tuple[FloatArray, ...],
    *,
    name: str,
    config: FitConfig,
    boundary_of: Callable[[FloatArray], tuple[str, ...]],
    stacklevel: int = 5,
) -> Fit:
    """Climb from each start until one converges; a boundary is told, a failure raises."""
    tried: list[Optimum] = []
    for start in starts:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            optimum = maximise(
                _with_prior(objective, starts[0], config.prior_sd),
                start,
                tolerance=config.tolerance,
                max_iterations=config.max_iterations,
            )
        tried.append(optimum)
        if optimum.converged:
            break
    best = next((o for o in tried if o.converged or _settled(o)), None)
    if best is not None and config.prior_sd is not None:
        best = best._replace(at=best.at._replace(value=objective(best.theta).value))
    if best is None:
        raise _no_convergence(name, max(tried, key=lambda o: o.at.value), len(tried))
    return Fit(np.exp(best.theta), _evidence(best, name, config, boundary_of, stacklevel))


def _settled(optimum: Optimum) -> bool:
    """Tell whether only rounding keeps a search along a flat ridge from its tolerance."""
    flat = np.isnan(log_covariance(-optimum.at.hessian)).any()
    return bool(flat and optimum.decrement <= _SETTLED)


def _with_prior(objective: Objective, centre: FloatArray, sd: float | None) -> Objective:
    """Add the log-density of a normal prior on the log-parameters."""
    if sd is None:
        return objective

    def penalised(theta: FloatArray) -> Evaluation:
        at, apart = objective(theta), (theta - centre) / sd
        return Evaluation(
            at.value - 0.5 * float(apart @ apart),
            at.gradient - apart / sd,
            at.hessian - np.eye(len(theta)) / sd**2,
        )

    return penalised


def _evidence(
    optimum: Optimum,
    name: str,
    config: FitConfig,
    boundary_of: Callable[[FloatArray], tuple[str, ...]],
    stacklevel: int,
) -> dict[str, Any]:
    covariance = log_covariance(-optimum.at.hessian)
    boundary: tuple[str, ...] = ()
    if np.isnan(covariance).any():
        boundary = boundary_of(np.exp(optimum.theta))
        boundary = boundary or (FLAT_OPTIMUM,)
        warn_boundary(name, boundary, stacklevel)
    return {
        "log_likelihood": optimum.at.value,
        "iterations": optimum.iterations,
        "decrement": optimum.decrement,
        "log_covariance": to_tuples(covariance),
        "boundary": boundary,
        "config": config,
    }


def warn_boundary(name: str, boundary: tuple[str, ...], stacklevel: int) -> None:
    """Tell that the optimum is at a limit or flat, and what that means."""
    where = f"lies on the boundary ({', '.join(boundary)})"
    if boundary == (FLAT_OPTIMUM,):
        where = f"is flat ({FLAT_OPTIMUM}): much different parameters explain the data as well"
    warnings.warn(
        f"{name}: the optimum {where}; the fit is "
        "within 0.001 of the supremum of the log-likelihood and predictions are its limit, but "
        "the parameters concerned have no standard error: fit on more customers if that matters",
        RetainkitWarning,
        stacklevel=stacklevel,
    )


def _no_convergence(name: str, optimum: Optimum, starts: int) -> ConvergenceError:
    values = ", ".join(f"{value:.6g}" for value in np.exp(optimum.theta))
    return ConvergenceError(
        f"{name} did not converge from {starts} starting point(s): {optimum.iterations} "
        f"iterations, log-likelihood {optimum.at.value:.6f}, distance to the optimum "
        f"{optimum.decrement:.3g} standard errors, largest gradient "
        f"{np.abs(optimum.at.gradient).max():.3g}, parameters ({values})",
        rule="a fit is used only when its optimum is found and the data determine it",
        fix="fit on more customers or a longer observation period; pool similar groups; raise "
        "FitConfig(max_iterations=...); or apply a model fitted on a larger base",
    )


def to_tuples(matrix: npt.NDArray[np.float64]) -> tuple[tuple[float | None, ...], ...]:
    """Return the matrix as nested tuples with None for NaN, as JSON needs it."""
    return tuple(tuple(None if np.isnan(v) else float(v) for v in row) for row in matrix)


def as_count(total: float) -> int | float:
    """Return a whole total as int."""
    return int(total) if float(total).is_integer() else float(total)
