"""Pareto/NBD, and the NBD model, its limit when nobody leaves."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from retainkit.lifetime._compress import CompressedHistories, compress_rows
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._fit_process import Law, fit_process
from retainkit.lifetime._histories import PurchaseHistory
from retainkit.lifetime._kernel_shared import Known
from retainkit.lifetime._process import Parameters, ProcessModel
from retainkit.lifetime.models import _kernel_nbd as nbd
from retainkit.lifetime.models import _kernel_pareto_nbd as pareto
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
    unit, config
        As in `MbgNbdModel`.
    log_likelihood, n, n_excluded, boundary, log_covariance, iterations, decrement, fingerprint
        Evidence from a fit, as in `MbgNbdModel`; the one limit is `"equal_rates"`.
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
        return nbd.know((r, alpha), x, T)


def fit_nbd(
    history: PurchaseHistory,
    *,
    weights: ArrayLike1D | None = None,
    config: FitConfig | None = None,
) -> NbdModel:
    """Fit the NBD model to purchase histories by maximum likelihood.

    Rows, errors and warnings are treated as in `fit_mbg_nbd`, with two customers at least.

    Parameters
    ----------
    history, weights, config
        As in `fit_mbg_nbd`.

    Returns
    -------
    NbdModel
        Parameters, standard errors, log-likelihood, and the data's fingerprint.

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


def _prepare_nbd(rows: CompressedHistories) -> nbd.NbdData:
    (x, T), w, _ = compress_rows(
        (rows.frequency, rows.age), weights=rows.weights, keep=np.ones(len(rows), dtype=np.bool_)
    )
    return nbd.NbdData(x, T, w, nbd.count_at_least(x, w))


def _nbd_starts(time_per_purchase: float) -> tuple[FloatArray, ...]:
    return tuple(np.log([r, r * time_per_purchase]) for r in (1.0, 0.1, 10.0))


def _nbd_limits(parameters: FloatArray, longest: float) -> dict[str, bool]:  # noqa: ARG001
    return {"equal_rates": bool(parameters[0] > 1e3)}


NBD = Law("NBD", _prepare_nbd, nbd.evaluate, _nbd_starts, _nbd_limits)


class ParetoNbdModel(ProcessModel):
    """Repeat purchases and silent dropout of a customer base, Pareto/NBD.

    Purchase rates are Gamma(r, alpha) and dropout rates Gamma(s, beta), independently; a customer
    may drop out at any moment, so that a long silence always lowers the chance of being alive.

    Parameters
    ----------
    r : float
        Shape of the purchase rates.
    alpha : float
        Scale of the purchase rates [unit]; the mean rate is r / alpha.
    s : float
        Shape of the dropout rates.
    beta : float
        Scale of the dropout rates [unit]; the mean dropout rate is s / beta.
    unit, config
        As in `MbgNbdModel`.
    log_likelihood, n, n_excluded, boundary, log_covariance, iterations, decrement, fingerprint
        Evidence from a fit, as in `MbgNbdModel`; covariance of log(r, alpha, s, beta).
    kind : {"pareto_nbd"}
        Tells the models apart in JSON.

    Notes
    -----
    With A = (alpha+T)^-(r+x) (beta+T)^-s and D the integral over the time of dropout y from t_x
    to T of s (alpha+y)^-(r+x) (beta+y)^-(s+1): P(alive) = A / (A + D). Expected purchases =
    P(alive) (r+x) / (alpha+T) int_0^h ((beta+T) / (beta+T+t))^s dt.

    References
    ----------
    Schmittlein, D. C., Morrison, D. G. & Colombo, R. (1987). Counting your customers: who are
    they and what will they do next? Management Science 33(1), 1-24.
    Fader, P. S. & Hardie, B. G. S. (2005). A note on deriving the Pareto/NBD model and related
    expressions. brucehardie.com/notes/009.

    Examples
    --------
    >>> from retainkit.lifetime import ParetoNbdModel, PurchaseHistories
    >>> model = ParetoNbdModel(r=0.553, alpha=10.578, s=0.606, beta=11.669, unit="week")
    >>> history = PurchaseHistories(frequency=[2], recency=[30.43], age=[38.86], unit="week")
    >>> model.expected_purchases(history, horizon=39).round(5)
    array([1.45512])
    """

    _names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    _dropout: ClassVar[tuple[str, ...]] = ("s", "beta")

    kind: Literal["pareto_nbd"] = "pareto_nbd"
    r: PositiveFloat
    alpha: PositiveFloat
    s: PositiveFloat
    beta: PositiveFloat

    def _know_as(
        self, parameters: Parameters, x: FloatArray, t: FloatArray, T: FloatArray
    ) -> Known:
        r, alpha, s, beta = parameters
        return pareto.know((r, alpha, s, beta), x, t, T)


def fit_pareto_nbd(
    history: PurchaseHistory,
    *,
    weights: ArrayLike1D | None = None,
    config: FitConfig | None = None,
) -> ParetoNbdModel:
    """Fit the Pareto/NBD model to purchase histories by maximum likelihood.

    Rows, errors and warnings are treated as in `fit_mbg_nbd`.

    Parameters
    ----------
    history, weights, config
        As in `fit_mbg_nbd`.

    Returns
    -------
    ParetoNbdModel
        Parameters, standard errors, log-likelihood, and the data's fingerprint.

    References
    ----------
    Schmittlein, D. C., Morrison, D. G. & Colombo, R. (1987). Management Science 33(1), 1-24.

    Examples
    --------
    >>> from retainkit.lifetime import PurchaseHistories, fit_pareto_nbd
    >>> history = PurchaseHistories(
    ...     frequency=[0, 1, 2, 9, 1, 9], recency=[0, 3, 20, 38, 12, 4],
    ...     age=[39, 35, 38, 39, 30, 36], unit="week")
    >>> model = fit_pareto_nbd(history, weights=[600, 80, 100, 50, 80, 90])
    >>> model.n, model.unit, model.boundary
    (1000, 'week', ())
    """
    return fit_process(ParetoNbdModel, PARETO_NBD, history, weights, config)


def _prepare(rows: CompressedHistories) -> pareto.ParetoNbdData:
    return pareto.prepare(rows.frequency, rows.recency, rows.age, rows.weights)


def _starts(time_per_purchase: float) -> tuple[FloatArray, ...]:
    """Start from even rates at the observed time per purchase; then slower and rarer dropout."""
    return tuple(
        np.log([r, r * time_per_purchase * share, s, life * time_per_purchase])
        for r, share, s, life in ((1.0, 0.5, 1.0, 1.0), (0.3, 0.3, 0.3, 0.5), (3.0, 1.0, 0.5, 20.0))
    )


def _limits(parameters: FloatArray, longest: float) -> dict[str, bool]:
    """Name the limits of the model, given the longest time anyone was observed."""
    r, _, s, beta = parameters
    lost = s * np.log1p(longest / beta)
    return {
        "no_dropout": bool(lost < 3e-3),
        "equal_dropout": bool(s > 5.0),
        "polarised_dropout": bool(lost >= 3e-3 and beta < 1e-3 * longest and s < 0.1),
        "equal_rates": bool(r > 50.0),
    }


PARETO_NBD = Law("Pareto/NBD", _prepare, pareto.evaluate, _starts, _limits)
