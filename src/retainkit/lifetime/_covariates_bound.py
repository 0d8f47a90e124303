"""A model with covariates and the customers it is asked about: a purchase model like any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import numpy as np

from retainkit.errors import AlignmentError
from retainkit.lifetime._compress import CompressedHistories, check_weights, compress_rows
from retainkit.lifetime._covariates import Covariates
from retainkit.lifetime._kernel_law import Known
from retainkit.lifetime._predictions import PurchasePredictions
from retainkit.lifetime._protocols import PurchaseHistory
from retainkit.typing import ArrayLike1D, FloatArray, IntArray, TimeUnit


class _Learnt(Protocol):
    """What a `CovariateModel` offers; its module builds what stands here, and is not imported."""

    @property
    def kind(self) -> Literal["covariates"]: ...

    @property
    def base(self) -> Any: ...

    @property
    def dropout_is_identified(self) -> bool: ...

    @property
    def findings(self) -> tuple[str, ...]: ...

    @property
    def unit(self) -> TimeUnit: ...

    @property
    def n(self) -> float | None: ...

    @property
    def log_likelihood(self) -> float | None: ...

    @property
    def parameters(self) -> dict[str, float]: ...

    @property
    def log_covariance(self) -> tuple[tuple[float | None, ...], ...] | None: ...

    def to_json(self) -> str: ...

    def _know(self, z: FloatArray, x: FloatArray, t: FloatArray, T: FloatArray) -> Known: ...

    def _nudged(self, name: str, step: float) -> Any: ...

    def _scales(self, z: FloatArray) -> Any: ...

    def _step_of(self, name: str) -> float: ...


@dataclass(frozen=True, eq=False, repr=False)
class BoundCovariateModel(PurchasePredictions):
    """A model with covariates, of n customers whose covariates are known: what `bind` returns.

    It predicts as a plain model does, customer i by its own parameters. Predictions for a new
    customer are means over the bound ones. Histories have n rows in the order of the covariates;
    `take` follows a selection of customers.

    Parameters
    ----------
    model : CovariateModel
        What was learnt.
    covariates : Covariates of n customers
        One row per customer; where a value is NaN, predictions are NaN.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from retainkit.lifetime import (
    ...     CovariateEffect, CovariateModel, MbgNbdModel, PurchaseHistories)
    >>> base = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> effect = CovariateEffect(on="rate", covariate="web", value=0.2)
    >>> bound = CovariateModel(base=base, effects=(effect,)).bind(pd.DataFrame({"web": [0, 1]}))
    >>> len(bound), bound.covariates.names
    (2, ('web',))
    >>> second = PurchaseHistories(frequency=[2], recency=[30.43], age=[38.86], unit="week")
    >>> bound.take(np.array([1])).expected_purchases(second, horizon=39).round(4)
    array([1.2841])
    """

    model: _Learnt
    covariates: Covariates

    @property
    def kind(self) -> Literal["covariates"]:
        """Tells the models apart."""
        return self.model.kind

    @property
    def unit(self) -> TimeUnit:
        """Unit of time of the parameters, of histories and of horizons."""
        return self.model.unit

    @property
    def n(self) -> float | None:
        """Customers in the fit (total weight); None for a model that was not fitted."""
        return self.model.n

    @property
    def log_likelihood(self) -> float | None:
        """Total log-likelihood in `unit`; None for a model that was not fitted."""
        return self.model.log_likelihood

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters of a customer whose covariates are all 0, then the effects, by name."""
        return self.model.parameters

    @property
    def log_covariance(self) -> tuple[tuple[float | None, ...], ...] | None:
        """Covariance of log-parameters and effects; None for a model that was not fitted."""
        return self.model.log_covariance

    @property
    def dropout_is_identified(self) -> bool:
        """Whether the data tell who is still active; if not, `p_alive` is an assumption."""
        return self.model.dropout_is_identified

    @property
    def findings(self) -> tuple[str, ...]:
        """What the data could not tell, as codes."""
        return self.model.findings

    def take(self, rows: IntArray) -> Self:
        """Return the model of the customers at positions `rows`, as `CustomerSummary.take` does."""
        return self._of(rows)

    def to_json(self) -> str:
        """Return what was learnt, the model without its customers, as JSON.

        Returns
        -------
        str
            Text that `CovariateModel.from_json` reads; then `bind` again.
        """
        return self.model.to_json()

    def __len__(self) -> int:
        return len(self.covariates)

    def __repr__(self) -> str:
        names = "".join(f", {name}" for name in self.covariates.names)
        return (
            f"<{type(self).__name__}: {len(self):,} customers{names}, {self.model.base.kind}; "
            "next: .expected_purchases(history, horizon=...)>"
        )

    def _know(self, x: FloatArray, t: FloatArray, T: FloatArray) -> Known:
        self._check_length(len(x))
        return self.model._know(self.covariates.values, x, t, T)

    def _know_new(self) -> Known:
        known = self._of(np.flatnonzero(~np.isnan(self.covariates.values).any(axis=1)))
        zero = np.zeros(len(known))
        return known._know(zero, zero, zero)

    def _of(self, rows: slice | IntArray) -> Self:
        values = self.covariates.values[rows]
        return type(self)(self.model, Covariates(values, names=self.covariates.names))

    def _merge(
        self, history: PurchaseHistory, *, weights: ArrayLike1D | None = None
    ) -> tuple[Self, CompressedHistories]:
        x, t, T = self._columns(history)
        if weights is None and isinstance(history, CompressedHistories):
            return self, history
        z = self.covariates.values
        keep = ~np.isnan(T) & ~np.isnan(z).any(axis=1)
        distinct, totals, place = compress_rows(
            (*z.T, x, t, T), weights=check_weights(weights, len(x)), keep=keep
        )
        x, t, T = distinct[-3:]
        profiles = np.stack(distinct[:-3], axis=1) if z.shape[1] else np.empty((len(x), 0))
        rows = CompressedHistories(
            frequency=x, recency=t, age=T, unit=self.unit, weights=totals, inverse=place
        )
        table = Covariates(profiles, names=self.covariates.names)
        return type(self)(self.model, table), rows

    def _columns(self, history: PurchaseHistory) -> tuple[FloatArray, FloatArray, FloatArray]:
        columns = super()._columns(history)
        self._check_length(len(columns[0]))
        return columns

    def _check_length(self, n: int) -> None:
        if n != len(self):
            raise AlignmentError(
                f"covariates of {len(self):,} customers for {n:,} histories",
                rule="one row per customer, in the order of the history",
                where="covariates",
                fix="bind the covariates of these customers: "
                "model.bind(Covariates.from_customers(table, summary.customer_id)), or "
                "bound.take(rows) for a selection",
            )

    def _nudged(self, name: str, step: float) -> Self:
        return type(self)(self.model._nudged(name, step), self.covariates)

    def _step_of(self, name: str) -> float:
        return self.model._step_of(name)
