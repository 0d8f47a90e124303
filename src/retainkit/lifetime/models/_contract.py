"""Renewal of contracts: shifted-beta-geometric and beta-discrete-Weibull."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from retainkit._core.arrays import as_column
from retainkit.errors import AlignmentError, InvalidTableError, NotComputableError
from retainkit.lifetime._compress import check_weights, fingerprint_of
from retainkit.lifetime._config import FitConfig
from retainkit.lifetime._model import LikelihoodModel, as_count, fit_by_likelihood
from retainkit.lifetime.models import _kernel_contract as kernel
from retainkit.typing import ArrayLike1D, BoolArray, FloatArray, PositiveFloat


class ContractTenures(NamedTuple):
    """Contract periods of customers, ready to be fitted.

    Attributes
    ----------
    periods : ndarray of shape (m,)
        The period in which the customer left, or the last one survived; at least 1.
    ended : ndarray of bool, shape (m,)
        Whether the customer left in that period.
    weights : ndarray of shape (m,)
        Customers each row stands for.
    """

    periods: FloatArray
    ended: BoolArray
    weights: FloatArray


def tenures_from_survivors(survivors: ArrayLike1D) -> ContractTenures:
    """Turn the number of customers still there after 0, 1, 2, ... periods into tenures.

    Parameters
    ----------
    survivors : array-like of shape (k,)
        A cohort's size and how many were left after each period; never rising.

    Returns
    -------
    ContractTenures
        One row per period of loss, and one for those who were still there at the end.

    Raises
    ------
    InvalidTableError
        If there are fewer than two counts, or a count is negative or rises.

    Examples
    --------
    >>> from retainkit.lifetime import tenures_from_survivors
    >>> tenures_from_survivors([1000, 869, 743]).weights
    array([131., 126., 743.])
    """
    s = as_column(survivors, "survivors")
    if len(s) < 2 or not (np.isfinite(s).all() and (np.diff(s) <= 0).all() and s[-1] >= 0):
        raise InvalidTableError(
            f"{len(s)} survivor counts",
            rule="at least two counts, finite, not negative and never rising",
            where="survivors",
        )
    periods = np.arange(1.0, len(s))
    ended = np.append(np.ones(len(periods), dtype=np.bool_), False)
    return ContractTenures(np.append(periods, periods[-1]), ended, np.append(-np.diff(s), s[-1]))


class _ContractModel(LikelihoodModel):
    """What both contract models predict."""

    _next_step: ClassVar[str] = ".survival(periods)"
    _findings: ClassVar[dict[str, str]] = {"equal_customers": "tenure_homogeneous"}

    def _law(self) -> tuple[float, float, float]:
        raise NotImplementedError

    def survival(self, periods: ArrayLike1D) -> FloatArray:
        """Return the share of new customers who are still there after each number of periods.

        In [0, 1]; 1 at 0.

        Examples
        --------
        >>> from retainkit.lifetime import ShiftedBetaGeometricModel
        >>> ShiftedBetaGeometricModel(gamma=0.668, delta=3.806).survival([0, 1, 2]).round(3)
        array([1.   , 0.851, 0.747])
        """
        t = as_column(periods, "periods")
        check_not_below(t, 0.0, "periods")
        survival: FloatArray = np.exp(kernel.log_survival(*self._law(), t))
        return survival

    def retention_rate(self, periods: ArrayLike1D) -> FloatArray:
        """Return the share of customers who stay in a period, of those there at its beginning.

        S(t) / S(t - 1), with periods numbered from 1.

        Examples
        --------
        >>> from retainkit.lifetime import ShiftedBetaGeometricModel
        >>> ShiftedBetaGeometricModel(gamma=0.668, delta=3.806).retention_rate([1, 2]).round(3)
        array([0.851, 0.878])
        """
        t = as_column(periods, "periods")
        check_not_below(t, 1.0, "periods")
        law = self._law()
        later, now = kernel.log_survival(*law, t), kernel.log_survival(*law, t - 1.0)
        rate: FloatArray = np.exp(later - now)
        return rate

    def discounted_lifetime(self, *, discount_rate: float) -> float:
        """Return the periods a new customer is expected to pay for, discounted: DEL.

        Parameters
        ----------
        discount_rate : float
            Rate per contract period, above 0: 0.1 is 10 %.

        Returns
        -------
        float
            sum_{t >= 0} S(t) (1 + rate)^-t; the first payment is not discounted.

        Raises
        ------
        NotComputableError
            If the rate is not at least 1e-5.

        References
        ----------
        Fader, P. S. & Hardie, B. G. S. (2010). Customer-base valuation in a contractual setting:
        the perils of ignoring heterogeneity. Marketing Science 29(1), 85-93.

        Examples
        --------
        >>> from retainkit.lifetime import ShiftedBetaGeometricModel
        >>> model = ShiftedBetaGeometricModel(gamma=0.668, delta=3.806)
        >>> round(model.discounted_lifetime(discount_rate=0.1), 4)
        5.9226
        """
        _check_rate(discount_rate)
        # S(0) = 1, so that the rest is what a customer in the first period has before her
        rest = kernel.discounted_residual(*self._law(), np.ones(1), discount_rate)
        return float(1.0 + rest[0] / (1.0 + discount_rate))

    def discounted_residual_lifetime(
        self, active_for: ArrayLike1D, *, discount_rate: float
    ) -> FloatArray:
        """Return the periods known customers are expected still to pay for, discounted: DERL.

        Parameters
        ----------
        active_for : array-like of shape (n,)
            Periods the customer has paid for, at least 1; the next renewal is about to be decided.
        discount_rate : float
            Rate per contract period, above 0: 0.1 is 10 %.

        Returns
        -------
        ndarray of shape (n,)
            sum_{t >= n} S(t) / S(n - 1) (1 + rate)^-(t - n).

        Raises
        ------
        NotComputableError
            If the rate is not at least 1e-5.
        InvalidTableError
            If a number of periods is below 1.

        References
        ----------
        Fader, P. S. & Hardie, B. G. S. (2010). Marketing Science 29(1), 85-93, equation (6).

        Examples
        --------
        >>> from retainkit.lifetime import ShiftedBetaGeometricModel
        >>> model = ShiftedBetaGeometricModel(gamma=0.668, delta=3.806)
        >>> model.discounted_residual_lifetime([1, 5], discount_rate=0.1).round(4)
        array([5.4149, 6.8971])
        """
        _check_rate(discount_rate)
        n = as_column(active_for, "active_for")
        check_not_below(n, 1.0, "active_for")
        levels, place = np.unique(n, return_inverse=True)
        return kernel.discounted_residual(*self._law(), levels, discount_rate)[place]


class ShiftedBetaGeometricModel(_ContractModel):
    """How long contract customers stay: shifted-beta-geometric.

    Each customer leaves at each renewal with a probability that is Beta(gamma, delta) between
    customers; retention rises with tenure only because the weak leave first.

    Parameters
    ----------
    gamma, delta : float
        Leaving has mean gamma / (gamma + delta).
    log_likelihood, n, n_excluded, boundary, log_covariance, iterations, decrement, fingerprint
        Evidence from a fit: total log-likelihood; customers in it; rows left out (none); the
        limits the optimum lies on, out of `"equal_customers"` and `"polarised_customers"`;
        covariance of log(gamma, delta); Newton steps; distance to the optimum [standard errors];
        identity of the data.
    config : FitConfig
        Settings of the fit.
    kind : {"shifted_beta_geometric"}
        Tells the models apart in JSON.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2007). How to project customer retention. Journal of
    Interactive Marketing 21(1), 76-90.
    """

    _names: ClassVar[tuple[str, ...]] = ("gamma", "delta")

    kind: Literal["shifted_beta_geometric"] = "shifted_beta_geometric"
    gamma: PositiveFloat
    delta: PositiveFloat

    def _law(self) -> tuple[float, float, float]:
        return self.gamma, self.delta, 1.0


class BetaDiscreteWeibullModel(_ContractModel):
    """How long contract customers stay: beta-discrete-Weibull.

    As the shifted-beta-geometric, but each customer's own risk may rise (c > 1) or fall (c < 1)
    with tenure.

    Parameters
    ----------
    gamma, delta : float
        Leaving in the first period has mean gamma / (gamma + delta).
    c : float
        Shape of the individual risk over time; 1 is constant.
    log_likelihood, n, n_excluded, boundary, log_covariance, iterations, decrement, fingerprint
        Evidence from a fit, as in `ShiftedBetaGeometricModel`; covariance of log(gamma, delta, c).
    config : FitConfig
        Settings of the fit.
    kind : {"beta_discrete_weibull"}
        Tells the models apart in JSON.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Liu, Y., Davin, J. & Steenburgh, T. (2018). How to project
    customer retention revisited. Journal of Interactive Marketing 43, 1-16.

    Examples
    --------
    >>> from retainkit.lifetime import BetaDiscreteWeibullModel
    >>> BetaDiscreteWeibullModel(gamma=0.214, delta=1.427, c=1.724).survival([12]).round(2)
    array([0.4])
    """

    _names: ClassVar[tuple[str, ...]] = ("gamma", "delta", "c")

    kind: Literal["beta_discrete_weibull"] = "beta_discrete_weibull"
    gamma: PositiveFloat
    delta: PositiveFloat
    c: PositiveFloat

    def _law(self) -> tuple[float, float, float]:
        return self.gamma, self.delta, self.c


def check_not_below(values: FloatArray, lowest: float, name: str) -> None:
    """Refuse values below the lowest one that makes sense."""
    bad = ~(np.isfinite(values) & (values >= lowest))
    if bad.any():
        raise InvalidTableError(
            f"{np.count_nonzero(bad):,} unusable {name}, first {values[bad][0]:g}",
            rule=f"{name} are finite and not below {lowest:g}",
            where=name,
        )


def _check_rate(discount_rate: float) -> None:
    if not 1e-5 <= discount_rate < np.inf:
        raise NotComputableError(
            f"discount_rate is {discount_rate!r}",
            rule="an endless future has a value only if it is discounted, by at least 1e-5",
            where="discount_rate",
        )


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
    periods, ended, weights, config
        As in `fit_shifted_beta_geometric`, and so are errors and warnings.

    Returns
    -------
    BetaDiscreteWeibullModel
        Parameters, standard errors, log-likelihood, and the data's fingerprint.

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
