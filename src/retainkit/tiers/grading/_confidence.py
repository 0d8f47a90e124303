"""How sure a tier is, from a distribution of each value."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from retainkit._core.arrays import as_column, check_length
from retainkit.errors import AlignmentError, SchemaError
from retainkit.tiers.grading import _kernel
from retainkit.tiers.grading._scheme import TierScheme
from retainkit.typing import ArrayLike1D, FloatArray


class ValueDistribution(Protocol):
    """What is known about the uncertain value of each customer.

    Any object with this method will do; `NormalValues`, `GammaValues`, `QuantileValues` and
    `LifetimeValues` are ready made. An object that also has `exceeds_each(amounts)`, shape
    (n_customers, n_amounts), is asked for all cuts at once.
    """

    def exceeds(self, amount: float) -> FloatArray:
        """Return the probability that each customer's value reaches `amount`; NaN: unknown."""


@runtime_checkable
class _AtOnce(Protocol):
    """A distribution that works out several amounts together."""

    def exceeds_each(self, amounts: ArrayLike1D) -> FloatArray:
        """Return the probability that each customer's value reaches each amount."""


class NormalValues(NamedTuple):
    """Values that scatter symmetrically about a mean; they may be negative.

    Parameters
    ----------
    mean : array_like of float, shape (n_customers,)
        Predicted value [money].
    sd : array_like of float, shape (n_customers,)
        Its standard deviation [money]; 0: certain, NaN: not known.

    Examples
    --------
    >>> from retainkit.tiers import NormalValues
    >>> NormalValues(mean=[100.0, 120.0], sd=[10.0, 20.0]).exceeds(100.0).round(3)
    array([0.5  , 0.841])
    """

    mean: ArrayLike1D
    sd: ArrayLike1D

    def exceeds(self, amount: float) -> FloatArray:
        """Return the probability that each value reaches an amount [money].

        In the order of `mean`; NaN where mean or sd is not known.
        """
        return _kernel.normal_exceeds(*_moments(self.mean, self.sd), amount)


class GammaValues(NamedTuple):
    """Values that are never negative and scatter with a long right tail, as spending does.

    Parameters
    ----------
    mean : array_like of float, shape (n_customers,)
        Predicted value [money].
    sd : array_like of float, shape (n_customers,)
        Its standard deviation [money]; 0: certain, NaN: not known.

    Examples
    --------
    >>> from retainkit.tiers import GammaValues
    >>> GammaValues(mean=[100.0], sd=[100.0]).exceeds(100.0).round(3)  # exponential: exp(-1)
    array([0.368])
    """

    mean: ArrayLike1D
    sd: ArrayLike1D

    def exceeds(self, amount: float) -> FloatArray:
        """Return the probability that each value reaches an amount [money].

        In the order of `mean`; NaN where mean or sd is not known.
        """
        return _kernel.gamma_exceeds(*_moments(self.mean, self.sd), amount)


class QuantileValues(NamedTuple):
    """Values known by quantiles, straight lines in between.

    Parameters
    ----------
    levels : array_like of float, shape (n_levels,)
        Probabilities of the quantiles, ascending, at least two.
    quantiles : array_like of float, shape (n_customers, n_levels)
        The quantiles of each customer's value [money], not descending. What lies beyond the
        outermost ones counts as lying at them.

    Examples
    --------
    >>> from retainkit.tiers import QuantileValues
    >>> QuantileValues([0.1, 0.5, 0.9], [[10.0, 50.0, 90.0]]).exceeds(70.0).round(3)
    array([0.3])
    """

    levels: ArrayLike1D
    quantiles: ArrayLike1D

    def exceeds(self, amount: float) -> FloatArray:
        """Return the probability that each value reaches an amount [money].

        In the order of `quantiles`; NaN where one of them is missing. SchemaError if levels do not
        ascend, or a customer's quantiles descend.
        """
        levels = as_column(self.levels, "levels")
        quantiles = np.asarray(self.quantiles, dtype=np.float64)
        if quantiles.ndim != 2 or quantiles.shape[1] != levels.size or levels.size < 2:
            raise SchemaError(
                f"quantiles of shape {quantiles.shape} for {levels.size} levels",
                rule="one row per customer, one column per level, at least two levels",
                where="quantiles",
            )
        if not ((levels >= 0) & (levels <= 1)).all() or (np.diff(levels) <= 0).any():
            raise SchemaError("levels do not ascend in [0, 1]", rule="they do", where="levels")
        if (np.diff(quantiles, axis=1) < 0).any():
            raise SchemaError(
                "quantiles that descend", rule="higher levels have higher values", where="quantiles"
            )
        return _kernel.quantile_exceeds(levels, quantiles, amount)


def tier_probabilities(scheme: TierScheme, distribution: ValueDistribution) -> FloatArray:
    """Give the probability that each customer's value lies in each tier.

    Parameters
    ----------
    scheme : TierScheme
        The cuts.
    distribution : ValueDistribution
        What is known about each value: a mean and a standard deviation (`NormalValues`,
        `GammaValues`), quantiles (`QuantileValues`), models (`LifetimeValues`), or any object
        with `exceeds`.

    Returns
    -------
    ndarray of float, shape (n_customers, n_tiers)
        Best tier first; rows sum to 1. NaN where the distribution is not known. Without cuts
        (nobody had a positive value) everybody is surely in the lowest tier.

    Raises
    ------
    AlignmentError
        If `distribution` gives probabilities of different length.

    Examples
    --------
    >>> from retainkit.tiers import NormalValues, fit_tier_scheme, tier_probabilities
    >>> scheme = fit_tier_scheme([60.0, 25.0, 10.0, 3.0, 2.0])  # cuts 25 and 10
    >>> tier_probabilities(scheme, NormalValues(mean=[25.0, 40.0], sd=[5.0, 5.0])).round(3)
    array([[0.5  , 0.499, 0.001],
           [0.999, 0.001, 0.   ]])
    """
    known = [float(bound) for bound in scheme.lower_bounds if bound == bound]
    if known and isinstance(distribution, _AtOnce):
        chances = np.asarray(distribution.exceeds_each(known), dtype=np.float64)
        return _kernel.tier_probabilities(list(chances.T), len(chances))
    reaching = [np.asarray(distribution.exceeds(bound), dtype=np.float64) for bound in known]
    if not known:
        n = np.asarray(distribution.exceeds(0.0)).size
        reaching = [np.zeros(n)] * (len(scheme.names) - 1)
        return _kernel.tier_probabilities(reaching, n)
    if len({array.shape for array in reaching}) > 1:
        raise AlignmentError("probabilities of different length", rule="one per customer")
    return _kernel.tier_probabilities(reaching, reaching[0].size)


def _moments(mean: ArrayLike1D, sd: ArrayLike1D) -> tuple[FloatArray, FloatArray]:
    """Return means and deviations as arrays of one length."""
    means, deviations = as_column(mean, "mean"), as_column(sd, "sd")
    check_length(deviations.size, means.size, "sd")
    if (deviations < 0).any():
        raise SchemaError("a negative standard deviation", rule="0 or more", where="sd")
    return means, deviations
