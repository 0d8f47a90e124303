"""The NBD model of repeat purchases: fit and predictions."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from retainkit.lifetime import _kernel_nbd as kernel
from retainkit.lifetime._compress import CompressedHistories, compress_rows
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._fit_process import Law, fit_process
from retainkit.lifetime._kernel_law import Known
from retainkit.lifetime._process import Parameters, ProcessModel
from retainkit.lifetime._protocols import PurchaseHistory
from retainkit.typing import ArrayLike1D, FloatArray, PositiveFloat


class NbdModel(ProcessModel):
    """Repeat purchases of a customer base nobody leaves, NBD: the baseline.

    Purchase rates are Gamma(r, alpha) and last for ever. It is the limit of the other models
    without dropout, and what they must beat.

    Parameters
    ----------
    r : float
        Shape of the purchase rates.
    alpha : float
        Scale of the purchase rates [unit]; the mean rate is r / alpha.
    unit : {"day", "week", "month"}
        Unit of time of alpha, histories and horizons.
    log_likelihood, n, n_excluded, boundary, log_covariance, iterations, decrement, fingerprint
        Evidence from a fit: total log-likelihood in `unit`; customers in it; rows left out for
        lack of an age; the limits the optimum lies on (`"equal_rates"`); covariance of
        log(r, alpha); Newton steps; distance to the optimum [standard errors]; identity of the
        data.
    config : FitConfig
        Settings of the fit.
    kind : {"nbd"}
        Tells the models apart in JSON.

    Notes
    -----
    P(alive) = 1. Expected purchases = (r + x) / (alpha + T) h.

    References
    ----------
    Ehrenberg, A. S. C. (1959). The pattern of consumer purchases. Applied Statistics 8(1), 26-41.

    Examples
    --------
    >>> from retainkit.lifetime import NbdModel, PurchaseHistories
    >>> model = NbdModel(r=0.385, alpha=12.07, unit="week")
    >>> history = PurchaseHistories(frequency=[2], recency=[30.43], age=[38.86], unit="week")
    >>> model.expected_purchases(history, horizon=39).round(5)
    array([1.82633])
    """

    _names: ClassVar[tuple[str, ...]] = ("r", "alpha")

    kind: Literal["nbd"] = "nbd"
    r: PositiveFloat
    alpha: PositiveFloat

    def _know_as(
        self,
        parameters: Parameters,
        x: FloatArray,
        t: FloatArray,  # noqa: ARG002
        T: FloatArray,
    ) -> Known:
        r, alpha = parameters
        return kernel.know((r, alpha), x, T)


def fit_nbd(
    history: PurchaseHistory,
    *,
    weights: ArrayLike1D | None = None,
    config: FitConfig | None = None,
) -> NbdModel:
    """Fit the NBD model to purchase histories by maximum likelihood.

    Identical histories are merged first, so cost follows the number of distinct ones. Rows
    without an age are left out and counted. The result does not depend on the order of rows.

    Parameters
    ----------
    history : PurchaseHistory of n customers
        Frequency, recency and age in one unit of time, which becomes the model's.
    weights : array-like of shape (n,), optional
        Customers each row stands for; default 1.
    config : FitConfig, optional
        Tolerance and patience.

    Returns
    -------
    NbdModel
        Parameters, standard errors, log-likelihood, and the data's fingerprint.

    Raises
    ------
    NotComputableError
        If nobody bought again, nobody was observed for any time, or there are fewer than two
        customers.
    ConvergenceError
        If no optimum is found.
    InvalidTableError
        If a history is impossible.

    Warns
    -----
    RetainkitWarning
        If the optimum is at a limit of the model, or flat: `boundary` and `findings` then say so.

    References
    ----------
    Ehrenberg, A. S. C. (1959). The pattern of consumer purchases. Applied Statistics 8(1), 26-41.

    Examples
    --------
    >>> from retainkit.lifetime import PurchaseHistories, fit_nbd
    >>> history = PurchaseHistories(
    ...     frequency=[0, 1, 2, 9, 1, 4], recency=[0, 3, 20, 38, 12, 9],
    ...     age=[39, 35, 38, 39, 30, 36], unit="week")
    >>> model = fit_nbd(history, weights=[600, 100, 100, 50, 100, 50])
    >>> model.n, model.unit, model.boundary
    (1000, 'week', ())
    """
    return fit_process(NbdModel, NBD, history, weights, config)


def _prepare(rows: CompressedHistories) -> kernel.NbdData:
    (x, T), w, _ = compress_rows(
        (rows.frequency, rows.age), weights=rows.weights, keep=np.ones(len(rows), dtype=np.bool_)
    )
    return kernel.NbdData(x, T, w, kernel.count_at_least(x, w))


def _starts(time_per_purchase: float) -> tuple[FloatArray, ...]:
    return tuple(np.log([r, r * time_per_purchase]) for r in (1.0, 0.1, 10.0))


def _limits(parameters: FloatArray, longest: float) -> dict[str, bool]:  # noqa: ARG001
    return {"equal_rates": bool(parameters[0] > 1e3)}


NBD = Law("NBD", _prepare, kernel.evaluate, _starts, _limits)
