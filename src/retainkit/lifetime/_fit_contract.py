"""Fits of the contract models."""

from __future__ import annotations

from typing import Any

import numpy as np

from retainkit._core.arrays import as_column
from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError
from retainkit.lifetime import _kernel_contract as kernel
from retainkit.lifetime._compress import check_weights, fingerprint_of
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._contract import (
    BetaDiscreteWeibullModel,
    ShiftedBetaGeometricModel,
    check_not_below,
)
from retainkit.lifetime._model import as_count, fit_by_likelihood
from retainkit.typing import ArrayLike1D, FloatArray


def fit_shifted_beta_geometric(
    periods: ArrayLike1D,
    ended: ArrayLike1D,
    *,
    weights: ArrayLike1D | None = None,
    config: FitConfig | None = None,
) -> ShiftedBetaGeometricModel:
    """Fit the shifted-beta-geometric model to contract tenures by maximum likelihood.

    Parameters
    ----------
    periods : array-like of shape (n,)
        The period in which the customer left, or the last one survived [count]; at least 1.
    ended : array-like of bool, shape (n,)
        Whether the customer left in that period.
    weights : array-like of shape (n,), optional
        Customers each row stands for; default 1.
    config : FitConfig, optional
        Tolerance and patience.

    Returns
    -------
    ShiftedBetaGeometricModel
        Parameters, standard errors, log-likelihood, and the data's fingerprint.

    Raises
    ------
    NotComputableError
        If nobody left, or everybody left in the first period.
    ConvergenceError
        If no optimum is found.
    InvalidTableError
        If a number of periods is not whole or below 1.

    Warns
    -----
    RetainkitWarning
        If the optimum is at a limit of the model, or flat: `boundary` and `findings` then say so.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2007). Journal of Interactive Marketing 21(1), 76-90, (B3).

    Examples
    --------
    >>> from retainkit.lifetime import fit_shifted_beta_geometric, tenures_from_survivors
    >>> periods, ended, weights = tenures_from_survivors([1000, 869, 743, 653, 593])
    >>> model = fit_shifted_beta_geometric(periods, ended, weights=weights)
    >>> model
    <ShiftedBetaGeometricModel: gamma=1.28098, delta=7.79038, n=1,000; next: .survival(periods)>
    """
    fields = _fit("shifted-beta-geometric", ("gamma", "delta"), periods, ended, weights, config)
    return ShiftedBetaGeometricModel.model_validate(fields)


def fit_beta_discrete_weibull(
    periods: ArrayLike1D,
    ended: ArrayLike1D,
    *,
    weights: ArrayLike1D | None = None,
    config: FitConfig | None = None,
) -> BetaDiscreteWeibullModel:
    """Fit the beta-discrete-Weibull model to contract tenures by maximum likelihood.

    Parameters
    ----------
    periods : array-like of shape (n,)
        The period in which the customer left, or the last one survived [count]; at least 1.
    ended : array-like of bool, shape (n,)
        Whether the customer left in that period.
    weights : array-like of shape (n,), optional
        Customers each row stands for; default 1.
    config : FitConfig, optional
        Tolerance and patience.

    Returns
    -------
    BetaDiscreteWeibullModel
        Parameters, standard errors, log-likelihood, and the data's fingerprint.

    Raises
    ------
    NotComputableError
        If nobody left, or everybody left in the first period.
    ConvergenceError
        If no optimum is found.
    InvalidTableError
        If a number of periods is not whole or below 1.

    Warns
    -----
    RetainkitWarning
        If the optimum is at a limit of the model, or flat: `boundary` and `findings` then say so.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Liu, Y., Davin, J. & Steenburgh, T. (2018). Journal of
    Interactive Marketing 43, 1-16.

    Examples
    --------
    >>> from retainkit.lifetime import fit_beta_discrete_weibull, tenures_from_survivors
    >>> periods, ended, weights = tenures_from_survivors([1000, 869, 743, 653, 593])
    >>> model = fit_beta_discrete_weibull(periods, ended, weights=weights)
    >>> round(model.c, 3)
    1.584
    """
    name, names = "beta-discrete-Weibull", ("gamma", "delta", "c")
    return BetaDiscreteWeibullModel.model_validate(
        _fit(name, names, periods, ended, weights, config)
    )


def _fit(
    name: str,
    names: tuple[str, ...],
    periods: ArrayLike1D,
    ended: ArrayLike1D,
    weights: ArrayLike1D | None,
    config: FitConfig | None,
) -> dict[str, Any]:
    data = _aggregate(periods, ended, weights)
    if not data.left.any() or not (data.stayed.any() or (data.left * (data.t > 1.0)).any()):
        raise NotComputableError(
            "nobody left" if not data.left.any() else "everybody left in the first period",
            rule=f"{name} learns from differences in how long customers stay",
            fix="observe more periods, or apply a model fitted on another base",
        )
    fit = fit_by_likelihood(
        lambda theta: kernel.evaluate(theta, data),
        tuple(
            np.log(s[: len(names)]) for s in ((1.0, 3.0, 1.0), (0.3, 1.0, 1.3), (3.0, 30.0, 0.7))
        ),
        name=name,
        config=FitConfig() if config is None else config,
        boundary_of=_boundary_of,
        stacklevel=6,
    )
    return {
        **dict(zip(names, fit.parameters.tolist(), strict=True)),
        "n": as_count(float(data.left.sum() + data.stayed.sum())),
        "fingerprint": fingerprint_of(tuple(data), "period"),
        **fit.evidence,
    }


def _aggregate(
    periods: ArrayLike1D, ended: ArrayLike1D, weights: ArrayLike1D | None
) -> kernel.ContractData:
    t = as_column(periods, "periods")
    gone = as_column(ended, "ended")
    if len(gone) != len(t):
        raise AlignmentError(f"{len(t)} periods and {len(gone)} ends", rule="one each per customer")
    w = check_weights(weights, len(t))
    check_not_below(t, 1.0, "periods")
    if not np.array_equal(t, np.rint(t)) or not np.isin(gone, (0.0, 1.0)).all():
        raise InvalidTableError(
            "periods that are not whole, or ends that are neither true nor false",
            rule="tenure is counted in whole contract periods",
            where="periods, ended",
        )
    levels, place = np.unique(t, return_inverse=True)
    w = np.ones(len(t)) if w is None else w
    left, stayed = (
        np.bincount(place, weights=w * part, minlength=len(levels)).astype(np.float64)
        for part in (gone, 1.0 - gone)
    )
    return kernel.ContractData(levels, left, stayed)


def _boundary_of(parameters: FloatArray) -> tuple[str, ...]:
    total = float(parameters[0] + parameters[1])
    limits = {"equal_customers": total > 100.0, "polarised_customers": total < 1e-3}
    return tuple(name for name, reached in limits.items() if reached)
