"""The model of purchases whose parameters depend on covariates, and its predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retainkit.errors import NotComputableError
from retainkit.lifetime._arguments import check_count, check_horizon, force_of_interest
from retainkit.lifetime._compress import compress_rows
from retainkit.lifetime._covariates import Covariates, as_covariates
from retainkit.lifetime._covariates_evidence import CovariateEvidence
from retainkit.lifetime._histories import history_columns
from retainkit.lifetime._protocols import PurchaseHistory
from retainkit.typing import FloatArray, IntoFrame

_COMPRESS_FROM = 200_000
"""Rows from which looking for identical ones costs less than it saves."""
_CHUNK = 1 << 16
"""Rows evaluated at a time: bounds the temporaries."""
_FIRST_CHANCES = {"bg_nbd": 0.0, "mbg_nbd": 1.0}

Columns = tuple[FloatArray, ...]


class CovariateModel(CovariateEvidence):
    """Repeat purchases and dropout of customers who differ in what is known of them.

    Parameters
    ----------
    base : MbgNbdModel, BgNbdModel or ParetoNbdModel
        The law, with the parameters of a customer whose covariates are all 0.
    effects : tuple of CovariateEffect
        What one unit of each covariate adds to the logarithm of a parameter.
    plain_log_likelihood : float, optional
        Of the same law without covariates, on the same data.
    log_likelihood, n, n_excluded, boundary, log_covariance, iterations, decrement, fingerprint
        Evidence from a fit, as in the base's class. `log_covariance` belongs to the logarithms of
        the base's parameters and to the effects themselves, in the order of `parameters`.
    config : CovariateConfig
        Settings of the fit.
    kind : {"covariates"}
        Tells the models apart in JSON.

    Notes
    -----
    For a customer with covariates z: alpha_i = alpha exp(-sum g z) with the effects on the rate;
    beta_i = beta exp(-sum g z) with those on dropout (Pareto/NBD); a_i = a exp(sum g z) and
    b_i = b exp(sum g z) with those on a and on b, or a_i = a exp(sum g z / 2) and
    b_i = b exp(-sum g z / 2) with those on dropout (BG/NBD, MBG/NBD). Everything else is as in the
    base: at fixed covariates, `at(profile)` is a model of the plain kind.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2007). Incorporating time-invariant covariates into the
    Pareto/NBD and BG/NBD models. brucehardie.com/notes/019.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.lifetime import (
    ...     CovariateEffect, CovariateModel, MbgNbdModel, PurchaseHistories)
    >>> base = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> effect = CovariateEffect(on="rate", covariate="web", value=0.2)
    >>> model = CovariateModel(base=base, effects=(effect,))
    >>> history = PurchaseHistories(
    ...     frequency=[2, 2], recency=[30.43, 30.43], age=[38.86, 38.86], unit="week")
    >>> web = pd.DataFrame({"web": [0, 1]})
    >>> model.expected_purchases(history, web, horizon=39).round(4)
    array([1.263 , 1.2841])
    """

    def p_alive(
        self,
        history: PurchaseHistory,
        covariates: Covariates | IntoFrame,
        *,
        ahead: float = 0.0,
    ) -> FloatArray:
        """Return the probability that each customer is active at `as_of`, or some time later.

        Parameters
        ----------
        history : PurchaseHistory of n customers
            In the unit of the model.
        covariates : Covariates or table of n rows
            With the columns `model.covariates`, in the order of the history.
        ahead : float, default 0.0
            Time after `as_of` [unit] asked about, from what is known at `as_of`.

        Returns
        -------
        ndarray of shape (n,)
            In [0, 1], in the order of the customers; NaN where age or a covariate is.

        Raises
        ------
        UnitError
            If the history is in another unit of time.
        SchemaError, AlignmentError
            If a covariate is missing or not numeric, or there is not one row per customer.
        NotComputableError
            If `ahead` is negative or not finite.
        InvalidTableError
            If a history is impossible.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.lifetime import (
        ...     CovariateEffect, CovariateModel, MbgNbdModel, PurchaseHistories)
        >>> base = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> effect = CovariateEffect(on="rate", covariate="web", value=0.2)
        >>> model = CovariateModel(base=base, effects=(effect,))
        >>> history = PurchaseHistories(
        ...     frequency=[2, 2], recency=[30.43, 30.43], age=[38.86, 38.86], unit="week")
        >>> web = pd.DataFrame({"web": [0, 1]})
        >>> model.p_alive(history, web).round(4)
        array([0.7062, 0.7031])
        """
        check_horizon(ahead, "ahead")
        if ahead == 0.0:
            return self._predict(history, covariates, lambda known: known.p)
        later = self.base._kernel.p_alive_later
        return self._predict(history, covariates, lambda known: later(known, float(ahead)))

    def expected_purchases(
        self,
        history: PurchaseHistory,
        covariates: Covariates | IntoFrame,
        *,
        horizon: float,
    ) -> FloatArray:
        """Return the purchases each customer is expected to make after `as_of`.

        Parameters
        ----------
        history : PurchaseHistory of n customers
            In the unit of the model.
        covariates : Covariates or table of n rows
            With the columns `model.covariates`, in the order of the history.
        horizon : float
            Length of the future considered [unit].

        Returns
        -------
        ndarray of shape (n,)
            Not negative, in the order of the customers; NaN where age or a covariate is.

        Raises
        ------
        UnitError
            If the history is in another unit of time.
        SchemaError, AlignmentError
            If a covariate is missing or not numeric, or there is not one row per customer.
        NotComputableError
            If the horizon is negative or not finite.
        InvalidTableError
            If a history is impossible.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.lifetime import (
        ...     CovariateEffect, CovariateModel, MbgNbdModel, PurchaseHistories)
        >>> base = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> effect = CovariateEffect(on="rate", covariate="web", value=0.2)
        >>> model = CovariateModel(base=base, effects=(effect,))
        >>> history = PurchaseHistories(
        ...     frequency=[2, 2], recency=[30.43, 30.43], age=[38.86, 38.86], unit="week")
        >>> web = pd.DataFrame({"web": [0, 1]})
        >>> model.expected_purchases(history, web, horizon=39).round(4)
        array([1.263 , 1.2841])
        """
        check_horizon(horizon)
        expected = self.base._kernel.expected_purchases
        return self._predict(history, covariates, lambda known: expected(known, float(horizon)))

    def expected_purchases_new(
        self, covariates: Covariates | IntoFrame, *, horizon: float
    ) -> FloatArray:
        """Return the repeat purchases expected of customers who just made their first one.

        Parameters
        ----------
        covariates : Covariates or table of n rows
            With the columns `model.covariates`.
        horizon : float
            Time since the first purchase [unit].

        Returns
        -------
        ndarray of shape (n,)
            Not negative, in the order of the rows; NaN where a covariate is unknown.

        Raises
        ------
        SchemaError
            If a covariate is missing or not numeric.
        NotComputableError
            If the horizon is negative or not finite.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.lifetime import CovariateEffect, CovariateModel, MbgNbdModel
        >>> base = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> effect = CovariateEffect(on="rate", covariate="web", value=0.2)
        >>> model = CovariateModel(base=base, effects=(effect,))
        >>> model.expected_purchases_new(pd.DataFrame({"web": [0, 1]}), horizon=52).round(4)
        array([1.4197, 1.6021])
        """
        check_horizon(horizon)
        expected = self.base._kernel.expected_purchases
        z = as_covariates(covariates).columns(self.covariates)
        zero = np.zeros(len(z))
        return self._evaluate((zero, zero, zero), z, lambda known: expected(known, float(horizon)))

    def purchase_probabilities(
        self,
        history: PurchaseHistory,
        covariates: Covariates | IntoFrame,
        *,
        horizon: float,
        max_count: int,
    ) -> FloatArray:
        """Return how likely each customer is to make exactly 0, 1, ... purchases after `as_of`.

        Parameters
        ----------
        history : PurchaseHistory of n customers
            In the unit of the model.
        covariates : Covariates or table of n rows
            With the columns `model.covariates`, in the order of the history.
        horizon : float
            Length of the future considered [unit].
        max_count : int
            Largest number of purchases asked about.

        Returns
        -------
        ndarray of shape (n, max_count + 1)
            Column j is the probability of exactly j purchases; the rest of a row, up to 1, is
            the probability of more than `max_count`. NaN where age or a covariate is.

        Raises
        ------
        UnitError
            If the history is in another unit of time.
        SchemaError, AlignmentError
            If a covariate is missing or not numeric, or there is not one row per customer.
        NotComputableError
            If the horizon is negative or not finite, or `max_count` is not from 0 to 100,000.
        InvalidTableError
            If a history is impossible.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.lifetime import (
        ...     CovariateEffect, CovariateModel, MbgNbdModel, PurchaseHistories)
        >>> base = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> effect = CovariateEffect(on="rate", covariate="web", value=0.2)
        >>> model = CovariateModel(base=base, effects=(effect,))
        >>> history = PurchaseHistories(
        ...     frequency=[2, 2], recency=[30.43, 30.43], age=[38.86, 38.86], unit="week")
        >>> web = pd.DataFrame({"web": [0, 1]})
        >>> model.purchase_probabilities(history, web, horizon=39, max_count=2).round(4)
        array([[0.44  , 0.2342, 0.146 ],
               [0.4382, 0.2316, 0.1458]])
        """
        check_horizon(horizon)
        check_count(max_count)
        table = as_covariates(covariates, len(history.frequency))
        columns = [
            self._predict(history, table, self._count_law(float(horizon), count))
            for count in range(max_count + 1)
        ]
        return np.stack(columns, axis=1)

    def discounted_purchases(
        self,
        history: PurchaseHistory,
        covariates: Covariates | IntoFrame,
        *,
        annual_discount_rate: float,
        horizon: float | None = None,
    ) -> FloatArray:
        """Return expected purchases after `as_of`, each discounted from the moment it is made.

        Parameters
        ----------
        history : PurchaseHistory of n customers
            In the unit of the model.
        covariates : Covariates or table of n rows
            With the columns `model.covariates`, in the order of the history.
        annual_discount_rate : float
            Yearly rate; at `horizon` None it must be above 0.
        horizon : float, optional
            Length of the future considered [unit]; None is all of it.

        Returns
        -------
        ndarray of shape (n,)
            Discounted purchases, in the order of the customers; NaN where age or a covariate is.

        Raises
        ------
        UnitError
            If the history is in another unit of time.
        SchemaError, AlignmentError
            If a covariate is missing or not numeric, or there is not one row per customer.
        NotComputableError
            If the horizon is negative or not finite, the rate is negative, or both are absent.
        InvalidTableError
            If a history is impossible.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.lifetime import (
        ...     CovariateEffect, CovariateModel, MbgNbdModel, PurchaseHistories)
        >>> base = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> effect = CovariateEffect(on="rate", covariate="web", value=0.2)
        >>> model = CovariateModel(base=base, effects=(effect,))
        >>> history = PurchaseHistories(
        ...     frequency=[2, 2], recency=[30.43, 30.43], age=[38.86, 38.86], unit="week")
        >>> web = pd.DataFrame({"web": [0, 1]})
        >>> model.discounted_purchases(history, web, annual_discount_rate=0.15).round(3)
        array([4.933, 4.976])
        """
        force = force_of_interest(annual_discount_rate, self.unit)
        if horizon is not None:
            check_horizon(horizon)
        elif force == 0.0:
            raise NotComputableError(
                "neither a horizon nor a discount rate",
                rule="an endless future has a value only if it is discounted",
                fix="annual_discount_rate=0.1, or horizon=...",
            )
        end = np.inf if horizon is None else float(horizon)
        discounted = self.base._kernel.discounted_purchases
        return self._predict(history, covariates, lambda known: discounted(known, force, end))

    def _count_law(self, horizon: float, count: int) -> Callable[[Any], FloatArray]:
        """Return the probability of `count` purchases as a function of what is known."""
        return lambda known: self.base._kernel.count_probability(known, horizon, count)

    def _predict(
        self,
        history: PurchaseHistory,
        covariates: Covariates | IntoFrame,
        value: Callable[[Any], FloatArray],
    ) -> FloatArray:
        """Evaluate customer by customer, or on distinct ones where that is quicker."""
        columns = history_columns(history, unit=self.unit)
        z = as_covariates(covariates, len(columns[0])).columns(self.covariates)
        if len(z) < _COMPRESS_FROM:
            return self._evaluate(columns, z, value)
        known = ~np.isnan(columns[2]) & ~np.isnan(z).any(axis=1)
        distinct, _, place = compress_rows((*z.T, *columns), weights=None, keep=known)
        profiles = np.stack(distinct[:-3], axis=1) if z.size else z[: len(distinct[-1])]
        values = self._evaluate(distinct[-3:], profiles, value)
        expanded: FloatArray = np.append(values, np.nan)[place]
        return expanded

    def _evaluate(
        self, columns: Columns, z: FloatArray, value: Callable[[Any], FloatArray]
    ) -> FloatArray:
        """Evaluate in chunks."""
        result = np.empty(len(z))
        with np.errstate(all="ignore"):
            for start in range(0, len(z), _CHUNK):
                rows = slice(start, start + _CHUNK)
                x, t, T = (column[rows] for column in columns)
                T = np.where(np.isnan(z[rows]).any(axis=1), np.nan, T)
                result[rows] = value(self._know(self._scales(z[rows]), x, t, T))
        return result

    def _know(self, scales: FloatArray, x: FloatArray, t: FloatArray, T: FloatArray) -> Any:
        """Return what histories say of customers with these parameters."""
        kernel = self.base._kernel
        _, alpha, third, fourth = scales
        if self.base.kind == "pareto_nbd":
            return kernel.know((self.base.r, alpha, self.base.s, fourth), x, t, T)
        chances = _FIRST_CHANCES[self.base.kind]
        return kernel.know((self.base.r, alpha, third, fourth), x, t, T, first=chances)
