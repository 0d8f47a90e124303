"""The Gamma-Gamma model of the amount per purchase: fit and expected spend."""

from __future__ import annotations

import warnings
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from retainkit._core.arrays import as_column
from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError, RetainkitWarning
from retainkit.lifetime._compress import check_weights, compress_rows, fingerprint_of
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._model import (
    FLAT_OPTIMUM,
    LikelihoodModel,
    as_count,
    fit_by_likelihood,
    to_tuples,
)
from retainkit.lifetime.models import _kernel_gamma_gamma as kernel
from retainkit.typing import ArrayLike1D, FloatArray, PositiveFloat

Covariance: TypeAlias = tuple[tuple[float | None, ...], ...]

_NAME = "Gamma-Gamma"
_FEWEST_BUYERS = 3
_SAME_PRICE = 1e-9
"""Relative spread up to which mean amounts are one price: sums of one price differ by rounding."""
_DEPENDENT = 0.3
"""Correlation from which on independence of frequency and amount is a poor assumption."""


class GammaGammaModel(LikelihoodModel):
    """The amount per purchase of a customer base, Gamma-Gamma.

    Amounts vary around each customer's own mean (shape p) and the means vary between customers
    (q, gamma), independently of how often they buy.

    Parameters
    ----------
    p : float
        Shape of a customer's amounts.
    q : float
        Shape of the differences between customers; the population mean exists only for q > 1.
    gamma : float
        Scale of the differences between customers [money].
    frequency_correlation : float, optional
        Correlation of log frequency with log mean amount in the data of the fit; the model takes
        it as 0. None where all frequencies are equal, and for a model that was not fitted.
    log_likelihood, n, n_excluded, boundary, log_covariance, iterations, decrement, fingerprint
        Evidence from a fit: total log-likelihood; repeat buyers in it; repeat buyers left out
        because their mean amount is missing or not positive; the limits the optimum lies on, out
        of `"equal_customers"` (one mean for all) and `"equal_purchases"` (each customer always
        spends the same); covariance of log(p, q, gamma); Newton steps; distance to the optimum
        [standard errors]; identity of the data.
    config : FitConfig
        Settings of the fit.
    kind : {"gamma_gamma"}
        Tells the models apart in JSON.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2013). The Gamma-Gamma model of monetary value. Note 025,
    brucehardie.com/notes/025.

    Examples
    --------
    >>> from retainkit.lifetime import GammaGammaModel
    >>> model = GammaGammaModel(p=6.25, q=3.74, gamma=15.44)
    >>> round(model.population_mean, 4)
    35.219
    """

    _names: ClassVar[tuple[str, ...]] = ("p", "q", "gamma")
    _next_step: ClassVar[str] = ".expected_spend(frequency, monetary_value)"
    _findings: ClassVar[dict[str, str]] = {"equal_customers": "spend_homogeneous"}

    kind: Literal["gamma_gamma"] = "gamma_gamma"
    p: PositiveFloat
    q: PositiveFloat
    gamma: PositiveFloat
    frequency_correlation: float | None = None

    @property
    def population_mean(self) -> float:
        """Mean amount per purchase over all customers [money]; NaN where q <= 1: it is infinite."""
        return self.p * self.gamma / (self.q - 1.0) if self.q > 1.0 else float("nan")

    @property
    def is_identified(self) -> bool:
        """Whether the data tell customers' means apart; if not, all are predicted alike.

        False at the limit `"equal_customers"` and at a flat optimum: `expected_spend` then gives
        the population mean, whatever a customer spent, and a caller does better with each
        customer's own mean, shrunk. A model made by hand counts as identified.
        """
        return not {"equal_customers", FLAT_OPTIMUM} & set(self.boundary)

    @property
    def findings(self) -> tuple[str, ...]:
        """What the data could not tell, as codes; `"spend_mean_infinite"` where q <= 1."""
        endless = () if self.q > 1.0 else ("spend_mean_infinite",)
        return (*super().findings, *endless)

    def expected_spend(self, frequency: ArrayLike1D, monetary_value: ArrayLike1D) -> FloatArray:
        """Return the expected amount of each customer's next purchase.

        The customer's own mean is shrunk towards the population mean, the more the fewer
        repeat purchases stand behind it.

        Parameters
        ----------
        frequency : array-like of shape (n,)
            Repeat purchase occasions the mean is taken over [count].
        monetary_value : array-like of shape (n,)
            Mean amount per repeat purchase [money]; ignored where frequency is 0. A mean below
            zero counts as zero, the lowest value the model knows.

        Returns
        -------
        ndarray of shape (n,)
            In the order of the customers. The population mean where frequency is 0 or the
            amount is missing; NaN where frequency is missing and where the mean does not exist
            (p x + q <= 1).

        Raises
        ------
        AlignmentError
            If the two arrays differ in length.
        InvalidTableError
            If a frequency is negative.

        Notes
        -----
        E(M | x, m) = p (gamma + x m) / (p x + q - 1); note 025, equation (5).

        Examples
        --------
        >>> from retainkit.lifetime import GammaGammaModel
        >>> model = GammaGammaModel(p=6.25, q=3.74, gamma=15.44)
        >>> model.expected_spend([2, 1, 0], [22.35, 11.77, float("nan")]).round(2)
        array([24.66, 18.92, 35.22])
        """
        x, m = _columns(frequency, monetary_value)
        known = (x > 0.0) & ~np.isnan(m)
        total = np.where(known, x * np.maximum(m, 0.0), 0.0)
        return kernel.expected_spend(
            self.p, self.q, self.gamma, np.where(known | np.isnan(x), x, 0.0), total
        )


def fit_gamma_gamma(
    frequency: ArrayLike1D,
    monetary_value: ArrayLike1D,
    *,
    weights: ArrayLike1D | None = None,
    config: FitConfig | None = None,
) -> GammaGammaModel:
    """Fit the Gamma-Gamma model to mean amounts by maximum likelihood.

    Customers without a repeat purchase say nothing about it and are not counted; repeat buyers
    whose mean amount is missing or not positive are left out and counted.

    Parameters
    ----------
    frequency : array-like of shape (n,)
        Repeat purchase occasions [count].
    monetary_value : array-like of shape (n,)
        Mean amount per repeat purchase [money].
    weights : array-like of shape (n,), optional
        Customers each row stands for; default 1.
    config : FitConfig, optional
        Tolerance and patience.

    Returns
    -------
    GammaGammaModel
        Parameters, standard errors, log-likelihood, and the data's fingerprint.

    Raises
    ------
    NotComputableError
        If fewer than three repeat buyers have a positive mean amount, or all means are equal (to
        a billionth: rounding): the likelihood then has no upper limit.
    ConvergenceError
        If no optimum is found.
    AlignmentError
        If the arrays differ in length.

    Warns
    -----
    RetainkitWarning
        If q <= 1, where the population mean does not exist; if the amount clearly depends on
        the frequency (correlation of the logs beyond 0.3); or if the optimum is at a limit.

    Notes
    -----
    Customers who are all alike have no finite q, and customers who always spend the same no
    finite p: the search goes on until the log-likelihood is within 0.001 of its supremum,
    whatever the number of customers, and `boundary` names the limit. It runs over log(p, q, mu),
    mu = p gamma / q, where no digit is lost on the way; a prior, if any, is on these.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2013). Note 025, equation (1a).

    Examples
    --------
    >>> from retainkit.lifetime import fit_gamma_gamma
    >>> model = fit_gamma_gamma(
    ...     [1, 1, 1, 8, 8, 3, 0], [6.0, 20.0, 80.0, 12.0, 40.0, 20.0, float("nan")],
    ...     weights=[30, 20, 10, 20, 10, 10, 900])
    >>> model.n, model.n_excluded, model.q > 1
    (100, 0, True)
    """
    config = FitConfig() if config is None else config
    x, m = _columns(frequency, monetary_value)
    w = check_weights(weights, len(x))
    repeat = x > 0.0 if w is None else (x > 0.0) & (w > 0.0)
    keep = repeat & (m > 0.0) & np.isfinite(m)
    (x, m), totals, _ = compress_rows((x, m), weights=w, keep=keep)
    _check_base(m, totals)
    correlation = _log_correlation(x, m, totals)
    data = kernel.prepare(x, m, totals)
    fit = fit_by_likelihood(
        lambda theta: kernel.evaluate_centred(theta, data),
        _starts(x, m, totals),
        name=_NAME,
        config=config,
        boundary_of=_boundary_of,
    )
    p, q, mu = fit.parameters.tolist()
    evidence = fit.evidence | {"log_covariance": _of_gamma(fit.evidence["log_covariance"])}
    if q <= 1.0:  # the worse of the two
        _warn_infinite_mean(q)
    else:
        _warn_dependence(correlation)
    return GammaGammaModel(
        p=p,
        q=q,
        gamma=mu * (q / p),
        frequency_correlation=correlation,
        n=as_count(totals.sum()),
        n_excluded=int(np.count_nonzero(repeat & ~keep)),
        fingerprint=fingerprint_of((x, m, totals), "money"),
        **evidence,
    )


def _columns(frequency: ArrayLike1D, monetary_value: ArrayLike1D) -> tuple[FloatArray, FloatArray]:
    x, m = as_column(frequency, "frequency"), as_column(monetary_value, "monetary_value")
    if len(x) != len(m):
        raise AlignmentError(
            f"{len(x)} frequencies and {len(m)} monetary values", rule="one each per customer"
        )
    if (x < 0.0).any() or np.isinf(x).any():
        raise InvalidTableError(
            f"{np.count_nonzero((x < 0.0) | np.isinf(x)):,} negative or infinite frequencies",
            rule="a frequency is a count of repeat purchases",
            where="frequency",
        )
    return x, m


def _check_base(m: FloatArray, w: FloatArray) -> None:
    n = float(w.sum())
    if n < _FEWEST_BUYERS:
        raise NotComputableError(
            f"{n:g} repeat buyers with a positive mean amount",
            rule=f"{_NAME} has three parameters: at least {_FEWEST_BUYERS} repeat buyers are "
            "needed, and hundreds for useful precision",
            fix="pool more customers, observe longer, or apply a model fitted on a larger base",
        )
    if m.max() - m.min() <= _SAME_PRICE * m.max():
        raise NotComputableError(
            f"all {n:g} repeat buyers have the mean amount {m[0]:g}",
            rule=f"{_NAME} learns from differences of spend",
            fix="with one fixed price the expected amount is that price: no model is needed",
        )


def _starts(x: FloatArray, m: FloatArray, w: FloatArray) -> tuple[FloatArray, ...]:
    mean = float(np.sum(w * x * m) / np.sum(w * x))
    return tuple(
        np.log([p, q, mean * max(q - 1.0, 0.2) / q])
        for p, q in ((2.0, 3.0), (10.0, 2.0), (0.5, 10.0), (100.0, 50.0))
    )


def _of_gamma(covariance: Covariance) -> Covariance:
    """Turn the covariance of log(p, q, mu), mu = p gamma / q, into that of log(p, q, gamma)."""
    given = np.array(covariance, dtype=np.float64)
    with_gamma = given[2] + given[1] - given[0]
    given[2] = given[:, 2] = with_gamma
    given[2, 2] = with_gamma[2] + with_gamma[1] - with_gamma[0]
    return to_tuples(given)


def _boundary_of(parameters: FloatArray) -> tuple[str, ...]:
    """Name the limits of the model the parameters have run to."""
    p, q, _ = parameters
    limits = {"equal_customers": q > 1e3, "equal_purchases": p > 1e3}
    return tuple(name for name, reached in limits.items() if reached)


def _log_correlation(x: FloatArray, m: FloatArray, w: FloatArray) -> float | None:
    """Return the weighted correlation of log(x) and log(m); None where one does not vary."""
    a, b = np.log(x), np.log(m)
    a, b = a - np.average(a, weights=w), b - np.average(b, weights=w)
    spread = float(np.sqrt(np.sum(w * a * a) * np.sum(w * b * b)))
    return float(np.sum(w * a * b)) / spread if spread > 0.0 else None


def _warn_dependence(correlation: float | None) -> None:
    if correlation is not None and abs(correlation) > _DEPENDENT:
        warnings.warn(
            f"{_NAME}: frequency and amount are correlated ({correlation:.2f} between their "
            "logs), and the model takes them as independent: the value of "
            f"{'frequent' if correlation > 0 else 'rare'} buyers comes out too low; fit groups of "
            "customers apart",
            RetainkitWarning,
            stacklevel=3,
        )


def _warn_infinite_mean(q: float) -> None:
    warnings.warn(
        f"{_NAME}: q is {q:.4g}; at q <= 1 the mean amount over all customers is infinite, "
        "so the expected spend of one-time buyers is NaN: cap outlying amounts or fit "
        "groups of customers apart",
        RetainkitWarning,
        stacklevel=3,
    )
