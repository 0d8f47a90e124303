"""The BG/NBD and MBG/NBD models of repeat purchases: fits and predictions."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from retainkit.lifetime import _kernel_beta_geometric as kernel
from retainkit.lifetime._compress import CompressedHistories
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._fit_process import Law, fit_process
from retainkit.lifetime._histories import PurchaseHistory
from retainkit.lifetime._kernel_shared import Known
from retainkit.lifetime._process import Parameters, ProcessModel
from retainkit.typing import ArrayLike1D, FloatArray, PositiveFloat


class BetaGeometricModel(ProcessModel):
    """What the two models share: both may end after a purchase, the first one in MBG/NBD only."""

    _names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    _dropout: ClassVar[tuple[str, ...]] = ("a", "b")
    _first: ClassVar[float]
    """Chances to drop out before any repeat purchase."""

    r: PositiveFloat
    alpha: PositiveFloat
    a: PositiveFloat
    b: PositiveFloat

    def _know_as(
        self, parameters: Parameters, x: FloatArray, t: FloatArray, T: FloatArray
    ) -> Known:
        r, alpha, a, b = parameters
        return kernel.know((r, alpha, a, b), x, t, T, first=self._first)


class MbgNbdModel(BetaGeometricModel):
    """Repeat purchases and silent dropout of a customer base, MBG/NBD.

    Purchase rates are Gamma(r, alpha), dropout probabilities Beta(a, b), and a customer may drop
    out after every purchase, the first included: so a one-time buyer is not certain to be alive,
    as BG/NBD would have it.

    Parameters
    ----------
    r : float
        Shape of the purchase rates.
    alpha : float
        Scale of the purchase rates [unit]; the mean rate is r / alpha.
    a, b : float
        Dropout after a purchase has mean a / (a + b).
    unit : {"day", "week", "month"}
        Unit of time of alpha, histories and horizons.
    log_likelihood, n, n_excluded, boundary, log_covariance, iterations, decrement, fingerprint
        Evidence from a fit: total log-likelihood in `unit`; customers in it; rows left out for
        lack of an age; the limits the optimum lies on, out of `"no_dropout"`, `"equal_dropout"`
        (one probability for all), `"polarised_dropout"` (at once or never) and `"equal_rates"`;
        covariance of log(r, alpha, a, b); Newton steps; distance to the optimum [standard
        errors]; identity of the data.
    config : FitConfig
        Settings of the fit.
    kind : {"mbg_nbd"}
        Tells the models apart in JSON.

    Notes
    -----
    P(alive) = 1 / (1 + a / (b + x) ((alpha + T) / (alpha + t_x))^(r + x)), through its log-odds.
    Expected purchases = P(alive) E_p[(1 - (1 + p u)^-(r+x)) / p] with p ~ Beta(a, b + x + 1) and
    u = horizon / (alpha + T): accurate near a = 1 and for thousands of purchases.

    References
    ----------
    Batislam, E. P., Denizel, M. & Filiztekin, A. (2007). Empirical validation and comparison of
    models for customer base analysis. Int. J. of Research in Marketing 24(3), 201-209.
    """

    _first: ClassVar[float] = 1.0

    kind: Literal["mbg_nbd"] = "mbg_nbd"


class BgNbdModel(BetaGeometricModel):
    """Repeat purchases and silent dropout of a customer base, BG/NBD.

    Purchase rates are Gamma(r, alpha), dropout probabilities Beta(a, b), and a customer may drop
    out after every *repeat* purchase. So whoever bought once is certain to be alive, for ever:
    where that matters, and for a default, prefer `MbgNbdModel`.

    Parameters
    ----------
    r, alpha, a, b, unit, config
        As in `MbgNbdModel`.
    log_likelihood, n, n_excluded, boundary, log_covariance, iterations, decrement, fingerprint
        Evidence from a fit, as in `MbgNbdModel`.
    kind : {"bg_nbd"}
        Tells the models apart in JSON.

    Notes
    -----
    P(alive) = 1 / (1 + a / (b + x - 1) ((alpha + T) / (alpha + t_x))^(r + x)) for x > 0, else 1.
    Expected purchases = P(alive) E_p[(1 - (1 + p u)^-(r+x)) / p] with p ~ Beta(a, b + x) and
    u = horizon / (alpha + T): accurate near a = 1 and for thousands of purchases.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way: an
    alternative to the Pareto/NBD model. Marketing Science 24(2), 275-284.

    Examples
    --------
    >>> from retainkit.lifetime import BgNbdModel, PurchaseHistories
    >>> model = BgNbdModel(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> history = PurchaseHistories(frequency=[2], recency=[30.43], age=[38.86], unit="week")
    >>> model.expected_purchases(history, horizon=39).round(5)
    array([1.22603])
    """

    _first: ClassVar[float] = 0.0

    kind: Literal["bg_nbd"] = "bg_nbd"


def fit_mbg_nbd(
    history: PurchaseHistory,
    *,
    weights: ArrayLike1D | None = None,
    config: FitConfig | None = None,
) -> MbgNbdModel:
    """Fit the MBG/NBD model to purchase histories by maximum likelihood.

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
    MbgNbdModel
        Parameters, standard errors, log-likelihood, and the data's fingerprint.

    Raises
    ------
    NotComputableError
        If nobody bought again, nobody was observed for any time, or there are fewer than four
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
    Batislam, E. P., Denizel, M. & Filiztekin, A. (2007). Int. J. of Research in Marketing 24(3),
    201-209; erratum: Wagner, U. & Hoppe, D. (2008), 25(3), 225-226.

    Examples
    --------
    >>> from retainkit.lifetime import PurchaseHistories, fit_mbg_nbd
    >>> history = PurchaseHistories(
    ...     frequency=[0, 1, 2, 9, 1, 4], recency=[0, 3, 20, 38, 12, 9],
    ...     age=[39, 35, 38, 39, 30, 36], unit="week")
    >>> model = fit_mbg_nbd(history, weights=[600, 100, 100, 50, 100, 50])
    >>> model.n, model.unit, model.boundary
    (1000, 'week', ())
    """
    return fit_process(MbgNbdModel, MBG_NBD, history, weights, config)


def fit_bg_nbd(
    history: PurchaseHistory,
    *,
    weights: ArrayLike1D | None = None,
    config: FitConfig | None = None,
) -> BgNbdModel:
    """Fit the BG/NBD model to purchase histories by maximum likelihood.

    Rows, errors and warnings are treated as in `fit_mbg_nbd`.

    Parameters
    ----------
    history, weights, config
        As in `fit_mbg_nbd`.

    Returns
    -------
    BgNbdModel
        Parameters, standard errors, log-likelihood, and the data's fingerprint.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). Marketing Science 24(2), 275-284, equation
    (6).

    Examples
    --------
    >>> from retainkit.lifetime import PurchaseHistories, fit_bg_nbd
    >>> history = PurchaseHistories(
    ...     frequency=[0, 1, 2, 9, 1, 4], recency=[0, 3, 20, 38, 12, 9],
    ...     age=[39, 35, 38, 39, 30, 36], unit="week")
    >>> model = fit_bg_nbd(history, weights=[600, 100, 100, 50, 100, 50])
    >>> model.n, model.unit, model.boundary
    (1000, 'week', ())
    """
    return fit_process(BgNbdModel, BG_NBD, history, weights, config)


def _law(name: str, first: float) -> Law:
    def prepare(rows: CompressedHistories) -> kernel.BetaGeometricData:
        return kernel.prepare(rows.frequency, rows.recency, rows.age, rows.weights, first=first)

    return Law(name, prepare, kernel.evaluate, _starts, _limits)


def _starts(time_per_purchase: float) -> tuple[FloatArray, ...]:
    """Start from even dropout at the observed rate; then from slower and from rarer dropout."""
    return tuple(
        np.log([r, r * time_per_purchase * share, a, b])
        for r, share, a, b in ((1.0, 0.5, 1.0, 2.0), (0.3, 0.3, 0.2, 1.0), (3.0, 1.0, 0.5, 10.0))
    )


def _limits(parameters: FloatArray, longest: float) -> dict[str, bool]:  # noqa: ARG001
    """Name the limits of BG/NBD and MBG/NBD."""
    r, _, a, b = parameters
    return {
        "no_dropout": bool(a / (a + b) < 1e-3),
        "equal_dropout": bool(a + b > 100.0),
        "polarised_dropout": bool(a + b < 1e-3),
        "equal_rates": bool(r > 50.0),
    }


MBG_NBD = _law("MBG/NBD", MbgNbdModel._first)
BG_NBD = _law("BG/NBD", BgNbdModel._first)
