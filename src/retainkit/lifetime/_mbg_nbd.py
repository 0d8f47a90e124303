"""The MBG/NBD model of repeat purchases: fit and predictions."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from retainkit.errors import InvalidTableError, NotComputableError
from retainkit.lifetime import _kernel_mbg_nbd as kernel
from retainkit.lifetime._compress import (
    CompressedHistories,
    compress_histories,
    compress_rows,
    fingerprint_of,
)
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._histories import history_columns
from retainkit.lifetime._model import LikelihoodModel, as_count, fit_by_likelihood
from retainkit.lifetime._protocols import PurchaseHistory
from retainkit.typing import ArrayLike1D, FloatArray, PositiveFloat, TimeUnit

_NAME = "MBG/NBD"
_COMPRESS_FROM = 200_000
"""Rows from which looking for identical ones costs less than it saves."""
_MOST_PURCHASES = 10_000_000
_FEWEST_CUSTOMERS = 4


class MbgNbdModel(LikelihoodModel):
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

    References
    ----------
    Batislam, E. P., Denizel, M. & Filiztekin, A. (2007). Empirical validation and comparison of
    models for customer base analysis. Int. J. of Research in Marketing 24(3), 201-209.

    Examples
    --------
    >>> from retainkit.lifetime import MbgNbdModel, PurchaseHistories
    >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> history = PurchaseHistories(frequency=[2], recency=[30.43], age=[38.86], unit="week")
    >>> model.expected_purchases(history, horizon=39).round(5)
    array([1.26296])
    """

    _names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    _next_step: ClassVar[str] = ".expected_purchases(history, horizon=...)"

    r: PositiveFloat
    alpha: PositiveFloat
    a: PositiveFloat
    b: PositiveFloat
    unit: TimeUnit = Field()

    def p_alive(self, history: PurchaseHistory) -> FloatArray:
        """Return the probability that each customer is still active at `as_of`.

        Parameters
        ----------
        history : PurchaseHistory of n customers
            In the unit of the model.

        Returns
        -------
        ndarray of shape (n,)
            In [0, 1], in the order of the customers; NaN where age is NaN.

        Raises
        ------
        UnitError
            If the history is in another unit of time.
        InvalidTableError
            If a history is impossible.

        Notes
        -----
        1 / (1 + a / (b + x) ((alpha + T) / (alpha + t_x))^(r + x)), through its log-odds.

        Examples
        --------
        >>> from retainkit.lifetime import MbgNbdModel, PurchaseHistories
        >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> history = PurchaseHistories(
        ...     frequency=[0, 2], recency=[0, 30.43], age=[38.86, 38.86], unit="week")
        >>> model.p_alive(history).round(4)
        array([0.3897, 0.7062])
        """
        x, t, T = history_columns(history, unit=self.unit)
        return kernel.p_alive(self.r, self.alpha, self.a, self.b, x, t, T)

    def expected_purchases(self, history: PurchaseHistory, *, horizon: float) -> FloatArray:
        """Return the purchases each customer is expected to make after `as_of`.

        Parameters
        ----------
        history : PurchaseHistory of n customers
            In the unit of the model.
        horizon : float
            Length of the future considered [unit].

        Returns
        -------
        ndarray of shape (n,)
            Not negative, in the order of the customers; NaN where age is NaN.

        Raises
        ------
        UnitError
            If the history is in another unit of time.
        NotComputableError
            If the horizon is negative or not finite.
        InvalidTableError
            If a history is impossible.

        Notes
        -----
        P(alive) E_p[(1 - (1 + p u)^-(r+x)) / p] with p ~ Beta(a, b + x + 1) and
        u = horizon / (alpha + T): accurate near a = 1 and for thousands of purchases.

        Examples
        --------
        >>> from retainkit.lifetime import MbgNbdModel, PurchaseHistories
        >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> history = PurchaseHistories(frequency=[2], recency=[30.43], age=[38.86], unit="week")
        >>> model.expected_purchases(history, horizon=39).round(5)
        array([1.26296])
        """
        _check_horizon(horizon)
        x, t, T = history_columns(history, unit=self.unit)
        if len(x) < _COMPRESS_FROM or isinstance(history, CompressedHistories):
            return self._expect(x, t, T, horizon)
        (x, t, T), _, inverse = compress_rows((x, t, T), weights=None, keep=~np.isnan(T))
        return np.append(self._expect(x, t, T, horizon), np.nan)[inverse]

    def expected_purchases_new(self, horizon: float) -> float:
        """Return the repeat purchases expected of a customer who just made the first one.

        Parameters
        ----------
        horizon : float
            Time since the first purchase [unit].

        Returns
        -------
        float
            Expected repeat purchases.

        Raises
        ------
        NotComputableError
            If the horizon is negative or not finite.

        Examples
        --------
        >>> from retainkit.lifetime import MbgNbdModel
        >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> round(model.expected_purchases_new(52), 5)
        1.41972
        """
        _check_horizon(horizon)
        zero = np.zeros(1)
        return float(self._expect(zero, zero, zero, horizon)[0])

    def _expect(self, x: FloatArray, t: FloatArray, T: FloatArray, horizon: float) -> FloatArray:
        return kernel.expected_purchases(
            self.r, self.alpha, self.a, self.b, x, t, T, float(horizon)
        )


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
        If no optimum is found, or the likelihood is flat without being at a known limit.
    InvalidTableError
        If a history is impossible.

    Warns
    -----
    RetainkitWarning
        If the optimum is at a limit of the model, which `boundary` then names.

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
    config = FitConfig() if config is None else config
    rows = compress_histories(history, weights=weights)
    excluded = float(np.count_nonzero(rows.inverse < 0))
    rows = _positive_weight(rows)
    _check_base(rows)
    data = kernel.prepare(rows.frequency, rows.recency, rows.age, rows.weights)
    fit = fit_by_likelihood(
        lambda theta: kernel.evaluate(theta, data),
        _starts(rows),
        name=_NAME,
        config=config,
        boundary_of=_boundary_of,
    )
    r, alpha, a, b = fit.parameters.tolist()
    columns = (rows.frequency, rows.recency, rows.age, rows.weights)
    return MbgNbdModel(
        r=r,
        alpha=alpha,
        a=a,
        b=b,
        unit=rows.unit,
        n=as_count(rows.weights.sum()),
        n_excluded=as_count(excluded),
        fingerprint=fingerprint_of(columns, rows.unit),
        **fit.evidence,
    )


def _positive_weight(rows: CompressedHistories) -> CompressedHistories:
    """Leave out histories of weight zero: nobody has them."""
    if (rows.weights > 0).all():
        return rows
    keep = rows.weights > 0
    return CompressedHistories(
        frequency=rows.frequency[keep],
        recency=rows.recency[keep],
        age=rows.age[keep],
        unit=rows.unit,
        weights=rows.weights[keep],
        inverse=rows.inverse[:0],
    )


def _check_base(rows: CompressedHistories) -> None:
    """Refuse bases that no setting could make sense of."""
    n = float(rows.weights.sum())
    if n < _FEWEST_CUSTOMERS:
        raise NotComputableError(
            f"{n:g} customers with a purchase",
            rule=f"{_NAME} has four parameters: at least {_FEWEST_CUSTOMERS} customers are needed, "
            "and hundreds for useful precision",
            fix="pool more customers, or apply a model fitted on a larger base",
        )
    if not rows.frequency.any():
        raise NotComputableError(
            f"none of the {n:g} customers bought again",
            rule=f"{_NAME} learns the rate of buying from repeat purchases",
            fix="observe longer (a later as_of), check that repeat purchases are not collapsed "
            "into one occasion, or apply a model fitted on another base",
        )
    if rows.frequency.max() > _MOST_PURCHASES:
        raise InvalidTableError(
            f"a frequency of {rows.frequency.max():g}",
            rule=f"a frequency is a count of purchase occasions, at most {_MOST_PURCHASES:,}",
            where="frequency",
        )


def _starts(rows: CompressedHistories) -> tuple[FloatArray, ...]:
    """Start from even dropout at the observed rate; then from slower and from rarer dropout."""
    exposure, purchases = (float(np.sum(rows.weights * c)) for c in (rows.age, rows.frequency))
    time_per_purchase = exposure / purchases
    return tuple(
        np.log([r, r * time_per_purchase * share, a, b])
        for r, share, a, b in ((1.0, 0.5, 1.0, 2.0), (0.3, 0.3, 0.2, 1.0), (3.0, 1.0, 0.5, 10.0))
    )


def _boundary_of(parameters: FloatArray) -> tuple[str, ...]:
    """Name the limits of the model the parameters have run to."""
    r, _, a, b = parameters
    limits = {
        "no_dropout": a / (a + b) < 1e-3,
        "equal_dropout": a + b > 1e3,
        "polarised_dropout": a + b < 1e-3,
        "equal_rates": r > 1e3,
    }
    return tuple(name for name, reached in limits.items() if reached)


def _check_horizon(horizon: float) -> None:
    if not 0.0 <= horizon < np.inf:
        raise NotComputableError(
            f"horizon is {horizon!r}",
            rule="a horizon is a finite length of time, not negative, in the unit of the model",
            where="horizon",
        )
