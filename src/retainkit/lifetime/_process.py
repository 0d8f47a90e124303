"""What every model of buying predicts, from what is known of a history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias

import numpy as np
from pydantic import Field

from retainkit.errors import NotComputableError
from retainkit.lifetime._compress import CompressedHistories, compress_histories
from retainkit.lifetime._config import check_count, check_horizon, force_of_interest
from retainkit.lifetime._histories import PurchaseHistories, PurchaseHistory, history_columns
from retainkit.lifetime._kernel_shared import Known, expected_at
from retainkit.lifetime._model import FLAT_OPTIMUM, LikelihoodModel
from retainkit.typing import ArrayLike1D, FloatArray, IntArray, TimeUnit

_FEW = 1024
"""Customers times horizons up to which one call for all horizons is quicker."""
_COMPRESS_FROM = 200_000
"""Rows from which looking for identical ones costs less than it saves."""
_CHUNK = 1 << 16
"""Rows evaluated at a time: bounds the temporaries."""

Columns = tuple[FloatArray, FloatArray, FloatArray]


class PurchasePredictions:
    """Predictions from what is known of each customer; subclasses give the law and its parameters.

    A known customer who is alive buys like a new one with updated parameters, so each prediction
    is P(alive) times a function of what is known of the customer.
    """

    if TYPE_CHECKING:

        @property
        def unit(self) -> TimeUnit:
            """Unit of time of the parameters, of histories and of horizons."""

    def _know(self, x: FloatArray, t: FloatArray, T: FloatArray) -> Known:
        """Return what the histories say of these customers."""
        raise NotImplementedError

    def _know_new(self) -> Known:
        """Return what is known of new customers: one row, or one for each kind."""
        zero = np.zeros(1)
        return self._know(zero, zero, zero)

    def _of(self, rows: slice | IntArray) -> Self:  # noqa: ARG002
        """Return the model of some of the customers: here the same for everybody."""
        return self

    def _merge(
        self, history: PurchaseHistory, *, weights: ArrayLike1D | None = None
    ) -> tuple[Self, CompressedHistories]:
        """Return the distinct customers, and the model of them."""
        if isinstance(history, CompressedHistories) and weights is None:
            return self, history
        return self, compress_histories(history, weights=weights)

    def p_alive(self, history: PurchaseHistory, *, ahead: float = 0.0) -> FloatArray:
        """Return the probability that each customer is active at `as_of`, or some time later.

        Parameters
        ----------
        history : PurchaseHistory of n customers
            In the unit of the model.
        ahead : float, default 0.0
            Time after `as_of` [unit] asked about, from what is known at `as_of`.

        Returns
        -------
        ndarray of shape (n,)
            In [0, 1], in the order of the customers; NaN where age is NaN.

        Raises
        ------
        UnitError
            If the history is in another unit of time.
        NotComputableError
            If `ahead` is negative or not finite.
        InvalidTableError
            If a history is impossible.

        Examples
        --------
        >>> from retainkit.lifetime import MbgNbdModel, PurchaseHistories
        >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> history = PurchaseHistories(
        ...     frequency=[0, 2], recency=[0, 30.43], age=[38.86, 38.86], unit="week")
        >>> model.p_alive(history).round(4)
        array([0.3897, 0.7062])
        >>> model.p_alive(history, ahead=52).round(4)
        array([0.3447, 0.4927])
        """
        check_horizon(ahead, "ahead")
        if ahead == 0.0:
            return self._predict(history, lambda known: known.p)
        return self._predict(history, lambda known: known.p_alive_later(float(ahead)))

    def expected_purchases(self, history: PurchaseHistory, *, horizon: float) -> FloatArray:
        """Return the purchases each customer is expected to make after `as_of`.

        Parameters
        ----------
        history : PurchaseHistory of n customers
            As in `p_alive`, and so are the errors.
        horizon : float
            Length of the future considered [unit], not negative.

        Returns
        -------
        ndarray of shape (n,)
            Not negative, in the order of the customers; NaN where age is NaN.

        Examples
        --------
        >>> from retainkit.lifetime import MbgNbdModel, PurchaseHistories
        >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> history = PurchaseHistories(frequency=[2], recency=[30.43], age=[38.86], unit="week")
        >>> model.expected_purchases(history, horizon=39).round(5)
        array([1.26296])
        """
        check_horizon(horizon)
        return self._predict(history, lambda known: known.expected_purchases(float(horizon)))

    def expected_purchases_at(
        self, history: PurchaseHistory, *, horizons: ArrayLike1D
    ) -> FloatArray:
        """Return the purchases each customer is expected to make within each of several horizons.

        The same numbers as `expected_purchases` once per horizon, in the shape (n, k), but the
        history is read once.
        """
        ends = np.asarray(horizons, dtype=np.float64)
        for end in ends:
            check_horizon(float(end))
        if len(history.frequency) * len(ends) > _FEW:
            columns = [self.expected_purchases(history, horizon=float(end)) for end in ends]
            return np.column_stack(columns)
        x, t, T = self._columns(history)
        with np.errstate(all="ignore"):
            return expected_at(self._know(x, t, T), ends)

    def expected_purchases_new(self, horizon: float) -> float:
        """Return the repeat purchases expected of a customer who just made the first one.

        Parameters
        ----------
        horizon : float
            Time since the first purchase [unit]; NotComputableError if negative or not finite.

        Examples
        --------
        >>> from retainkit.lifetime import MbgNbdModel
        >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> round(model.expected_purchases_new(52), 5)
        1.41972
        """
        check_horizon(horizon)
        return float(self._know_new().expected_purchases(float(horizon)).mean())

    def purchase_probabilities(
        self, history: PurchaseHistory, *, horizon: float, max_count: int
    ) -> FloatArray:
        """Return how likely each customer is to make exactly 0, 1, ... purchases after `as_of`.

        Parameters
        ----------
        history, horizon
            As in `expected_purchases`.
        max_count : int
            Largest number of purchases asked about, from 0 to 100,000.

        Returns
        -------
        ndarray of shape (n, max_count + 1)
            Column j is the probability of exactly j purchases; the rest of a row, up to 1, is
            the probability of more than `max_count`. NaN where age is NaN.

        Examples
        --------
        >>> from retainkit.lifetime import MbgNbdModel, PurchaseHistories
        >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> history = PurchaseHistories(frequency=[2], recency=[30.43], age=[38.86], unit="week")
        >>> model.purchase_probabilities(history, horizon=39, max_count=3).round(4)
        array([[0.44  , 0.2342, 0.146 , 0.0839]])
        """
        check_horizon(horizon)
        check_count(max_count)
        columns = [
            self._predict(history, partial(_count_law, horizon=float(horizon), count=count))
            for count in range(max_count + 1)
        ]
        return np.stack(columns, axis=1)

    def purchase_probabilities_new(self, horizon: float, *, max_count: int) -> FloatArray:
        """Return how likely a new customer is to repeat exactly 0, 1, ... `max_count` times.

        `horizon` is the time since the first purchase [unit]. NotComputableError if it is negative
        or not finite, or `max_count` is not from 0 to 100,000.
        """
        check_horizon(horizon)
        check_count(max_count)
        known, end = self._know_new(), float(horizon)
        with np.errstate(all="ignore"):
            law = [known.count_probability(end, count).mean() for count in range(max_count + 1)]
        return np.array(law)

    def discounted_purchases(
        self,
        history: PurchaseHistory,
        *,
        annual_discount_rate: float,
        horizon: float | None = None,
    ) -> FloatArray:
        """Return expected purchases after `as_of`, each discounted from the moment it is made.

        Times the margin per purchase it is the residual lifetime value. The papers call it
        discounted expected residual transactions, DERT.

        Parameters
        ----------
        history : PurchaseHistory of n customers
            As in `p_alive`, and so are the errors.
        annual_discount_rate : float
            Yearly rate; at `horizon` None it must be above 0.
        horizon : float, optional
            Length of the future considered [unit]; None is all of it.

        Returns
        -------
        ndarray of shape (n,)
            Discounted purchases, in the order of the customers; NaN where age is NaN.

        Raises
        ------
        NotComputableError
            If the horizon is negative or not finite, the rate is negative, or both are absent.

        Notes
        -----
        int_0^h (1 + rate)^(-t / year) dE(t), with a year of 365.25 days whatever the unit.
        A continuous rate d per unit, as in the papers, is `exp(d * units_per_year) - 1` here.

        References
        ----------
        Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves
        for customer base analysis. Journal of Marketing Research 42(4), 415-430: equation 2.

        Examples
        --------
        >>> from retainkit.lifetime import MbgNbdModel, PurchaseHistories
        >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> history = PurchaseHistories(frequency=[2], recency=[30.43], age=[38.86], unit="week")
        >>> model.discounted_purchases(history, annual_discount_rate=0.15).round(3)
        array([4.933])
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
        return self._predict(history, lambda known: known.discounted_purchases(force, end))

    def _columns(self, history: PurchaseHistory) -> Columns:
        """Return the history as arrays; what was compressed or put together has been checked."""
        checked = isinstance(history, CompressedHistories | PurchaseHistories)
        return history_columns(history, unit=self.unit, checked=checked)

    def _predict(
        self, history: PurchaseHistory, value: Callable[[Known], FloatArray]
    ) -> FloatArray:
        """Evaluate on distinct customers where that is quicker, and in chunks."""
        columns = self._columns(history)
        if len(columns[0]) < _COMPRESS_FROM or isinstance(history, CompressedHistories):
            return self._evaluate(columns, value)
        model, rows = self._merge(history)
        return rows.expand(model._evaluate((rows.frequency, rows.recency, rows.age), value))

    def _evaluate(self, columns: Columns, value: Callable[[Known], FloatArray]) -> FloatArray:
        n = len(columns[0])
        with np.errstate(all="ignore"):
            if n <= _CHUNK:
                return value(self._know(*columns))
            result = np.empty(n)
            for start in range(0, n, _CHUNK):
                cut = slice(start, start + _CHUNK)
                x, t, T = (column[cut] for column in columns)
                result[cut] = value(self._of(cut)._know(x, t, T))
        return result


def _count_law(known: Known, *, horizon: float, count: int) -> FloatArray:
    return known.count_probability(horizon, count)


Parameters: TypeAlias = Sequence[float | FloatArray]
"""Of one law, in the order of its names: one number for all customers, or one each."""


class ProcessModel(PurchasePredictions, LikelihoodModel):
    """Repeat purchases and dropout of a customer base; subclasses give the law."""

    _next_step: ClassVar[str] = ".expected_purchases(history, horizon=...)"
    _dropout: ClassVar[tuple[str, ...]] = ()
    """Parameters of dropout; none where nobody drops out."""

    unit: TimeUnit = Field()

    def _know(self, x: FloatArray, t: FloatArray, T: FloatArray) -> Known:
        return self._know_as(tuple(self.parameters.values()), x, t, T)

    def _know_as(
        self, parameters: Parameters, x: FloatArray, t: FloatArray, T: FloatArray
    ) -> Known:
        """Return what histories say under these parameters of the law."""
        raise NotImplementedError

    @property
    def dropout_is_identified(self) -> bool:
        """Whether the data tell who is still active; if not, `p_alive` is an assumption.

        False at the limits `"no_dropout"` and `"polarised_dropout"`, at a flat optimum that leaves
        a parameter of dropout open, and for `NbdModel`, which lets nobody leave; also where mean
        dropout is smaller than its own standard error, so that none explains the data as well.
        `p_alive` gives its number all the same; a caller that shows or uses it should take NaN
        instead. A model made by hand counts as identified, as its parameters are given.
        """
        if not self._dropout or {"no_dropout", "polarised_dropout"} & set(self.boundary):
            return False
        if self.log_covariance is None:
            return True
        shape, scale = (list(self.parameters).index(name) for name in self._dropout)
        known = np.array(self.log_covariance, dtype=np.float64)
        spread = known[shape, shape] + known[scale, scale] - 2.0 * known[shape, scale]
        if spread > 1.0:  # of the log of mean dropout: the relative standard error, squared
            return False
        if FLAT_OPTIMUM not in self.boundary:
            return True
        errors = self.standard_errors
        return all(np.isfinite(errors[name]) for name in self._dropout)

    @property
    def findings(self) -> tuple[str, ...]:
        """What the data could not tell, as codes: `"dropout_unidentified"` before all others."""
        lost = () if self.dropout_is_identified else ("dropout_unidentified",)
        return (*lost, *super().findings)
