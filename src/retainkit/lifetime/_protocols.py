"""What a purchase history, a model of purchases and a model of spend must offer."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from retainkit.typing import ArrayLike1D, FloatArray, TimeUnit


@runtime_checkable
class PurchaseHistory(Protocol):
    """Three numbers per customer and the unit of time they are in.

    `retainkit.value.CustomerSummary` and `PurchaseHistories` satisfy it. A customer who never
    purchased has age NaN: left out of fits, NaN in every prediction.

    Examples
    --------
    >>> from retainkit.lifetime import PurchaseHistories, PurchaseHistory
    >>> history = PurchaseHistories(frequency=[2], recency=[30.43], age=[38.86], unit="week")
    >>> isinstance(history, PurchaseHistory)
    True
    """

    @property
    def frequency(self) -> npt.NDArray[Any]:
        """Repeat purchase occasions, shape (n,) [count]; x in the papers."""

    @property
    def recency(self) -> FloatArray:
        """Time from first to last purchase, shape (n,) [unit]; t_x in the papers."""

    @property
    def age(self) -> FloatArray:
        """Time from first purchase to `as_of`, shape (n,) [unit]; T in the papers."""

    @property
    def unit(self) -> TimeUnit:
        """Unit of recency and age."""


@runtime_checkable
class PurchaseModel(Protocol):
    """A fitted model of purchasing and dropout; the rooms above are written against this.

    Examples
    --------
    >>> from retainkit.lifetime import MbgNbdModel, PurchaseModel
    >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> isinstance(model, PurchaseModel)
    True
    """

    @property
    def unit(self) -> TimeUnit:
        """Unit of time of the parameters, of histories and of horizons."""

    @property
    def n(self) -> float | None:
        """Customers in the fit (total weight); None for a model that was not fitted."""

    @property
    def log_likelihood(self) -> float | None:
        """Total log-likelihood in `unit`; None for a model that was not fitted."""

    def p_alive(self, history: PurchaseHistory) -> FloatArray:
        """Return the probability of being an active customer at `as_of`, shape (n,)."""

    def expected_purchases(self, history: PurchaseHistory, *, horizon: float) -> FloatArray:
        """Return expected purchases in the `horizon` [unit] after `as_of`, shape (n,)."""

    def expected_purchases_new(self, horizon: float) -> float:
        """Return expected repeat purchases of a new customer within `horizon` [unit]."""

    def to_json(self) -> str:
        """Return the model as JSON."""


@runtime_checkable
class SpendModel(Protocol):
    """A fitted model of the money spent per purchase.

    Examples
    --------
    >>> from retainkit.lifetime import GammaGammaModel, SpendModel
    >>> isinstance(GammaGammaModel(p=6.25, q=3.74, gamma=15.44), SpendModel)
    True
    """

    @property
    def n(self) -> float | None:
        """Customers in the fit (total weight); None for a model that was not fitted."""

    @property
    def log_likelihood(self) -> float | None:
        """Total log-likelihood; None for a model that was not fitted."""

    def expected_spend(self, frequency: ArrayLike1D, monetary_value: ArrayLike1D) -> FloatArray:
        """Return the expected amount per future purchase [money], shape (n,)."""

    def to_json(self) -> str:
        """Return the model as JSON."""
