"""A model whose parameters depend on covariates, and the same bound to customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Protocol,
    Self,
    TypeAlias,
)

import numpy as np
import pandas as pd
from pydantic import Field, model_validator
from scipy.special import chdtrc, ndtr

from retainkit._core.arrays import check_level
from retainkit._core.kernels.intervals import normal_bounds
from retainkit.errors import AlignmentError
from retainkit.lifetime._compress import CompressedHistories, check_weights, compress_rows
from retainkit.lifetime._config import check_horizon
from retainkit.lifetime._histories import PurchaseHistory
from retainkit.lifetime._kernel_shared import Known
from retainkit.lifetime._model import LikelihoodModel
from retainkit.lifetime._process import PurchasePredictions
from retainkit.lifetime.covariates._covariates import (
    CovariateConfig,
    CovariateEffect,
    Covariates,
    as_covariates,
    loading_of,
)
from retainkit.lifetime.covariates._kernel_covariates import Design, scales_of
from retainkit.lifetime.models._beta_geometric import BgNbdModel, MbgNbdModel
from retainkit.lifetime.models._pareto_nbd import ParetoNbdModel
from retainkit.typing import ArrayLike1D, FloatArray, IntArray, IntoFrame, TimeUnit


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


BaseModelUnion: TypeAlias = MbgNbdModel | BgNbdModel | ParetoNbdModel

_SHARE_OF_ERROR = 1e-2
"""Step of difference quotients in an effect [standard errors]."""


class LikelihoodRatio(NamedTuple):
    """Whether covariates explain more than chance would.

    Attributes
    ----------
    statistic : float
        Twice the gain in log-likelihood over the model without covariates.
    degrees_of_freedom : int
        Number of effects.
    p_value : float
        Probability of a gain that large if no covariate had an effect.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float


class CovariateModel(LikelihoodModel):
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
    It does not predict by itself: `bind` adds the covariates of the customers asked about, and
    what it returns is a `PurchaseModel`; `at` gives the plain model of one profile.

    For a customer with covariates z: alpha_i = alpha exp(-sum g z) with the effects on the rate;
    beta_i = beta exp(-sum g z) with those on dropout (Pareto/NBD); a_i = a exp(sum g z) and
    b_i = b exp(sum g z) with those on a and on b, or a_i = a exp(sum g z / 2) and
    b_i = b exp(-sum g z / 2) with those on dropout (BG/NBD, MBG/NBD). Everything else is as in the
    base.

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
    >>> model.bind(web).expected_purchases(history, horizon=39).round(4)
    array([1.263 , 1.2841])
    """

    _next_step: ClassVar[str] = ".bind(covariates)"

    kind: Literal["covariates"] = "covariates"
    base: Annotated[BaseModelUnion, Field(discriminator="kind")]
    effects: tuple[CovariateEffect, ...]
    plain_log_likelihood: float | None = None
    config: CovariateConfig = CovariateConfig()

    @model_validator(mode="after")
    def _check_effects(self) -> Self:
        names = [effect.name for effect in self.effects]
        if len(set(names)) < len(names):
            raise ValueError(f"effects are repeated: {names}")
        if self.base.kind == "pareto_nbd" and {e.on for e in self.effects} & {"a", "b"}:
            raise ValueError("Pareto/NBD has no shapes a and b: effects act on rate and dropout")
        return self

    def __repr__(self) -> str:
        sd = self.config.effect_prior_sd
        shrunk = "" if sd is None else f"; effects shrunk to 0, prior sd {sd:g}"
        return super().__repr__().replace("; next: ", f"{shrunk}; next: ")

    __str__ = __repr__

    @property
    def unit(self) -> TimeUnit:
        """Unit of time of the base, of histories and of horizons."""
        return self.base.unit

    @property
    def covariates(self) -> tuple[str, ...]:
        """Columns that predictions need, in order of first use."""
        return tuple(dict.fromkeys(effect.covariate for effect in self.effects))

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters of a customer whose covariates are all 0, then the effects, by name."""
        return self.base.parameters | {effect.name: effect.value for effect in self.effects}

    @property
    def covariance(self) -> FloatArray:
        """Covariance of the parameters, shape (k, k); delta method, NaN where undetermined."""
        size = len(self.parameters)
        if self.log_covariance is None:
            return np.full((size, size), np.nan)
        slopes = np.ones(size)
        slopes[:4] = list(self.base.parameters.values())
        return np.array(self.log_covariance, dtype=np.float64) * np.outer(slopes, slopes)

    @property
    def likelihood_ratio(self) -> LikelihoodRatio | None:
        """Test against no covariates; None for a model not fitted, or fitted under a prior."""
        ll, plain = self.log_likelihood, self.plain_log_likelihood
        prior = self.config.prior_sd is not None or self.config.effect_prior_sd is not None
        if ll is None or plain is None or prior or not self.effects:
            return None
        statistic = max(2.0 * (ll - plain), 0.0)
        size = len(self.effects)
        return LikelihoodRatio(statistic, size, float(chdtrc(size, statistic)))

    @property
    def dropout_is_identified(self) -> bool:
        """Whether the data tell who is still active: as of the base with this evidence."""
        evidence = self.log_covariance and tuple(row[:4] for row in self.log_covariance[:4])
        changes = {"boundary": self.boundary, "log_covariance": evidence}
        return self.base.replace(**changes).dropout_is_identified

    @property
    def findings(self) -> tuple[str, ...]:
        """What the data could not tell, as codes: `"dropout_unidentified"` before all others."""
        lost = () if self.dropout_is_identified else ("dropout_unidentified",)
        return (*lost, *super().findings)

    def effect_table(self, *, level: float = 0.95) -> pd.DataFrame:
        """Return one row per effect, with its Wald interval of probability content `level`.

        Columns on, covariate, effect (of one unit more, on the logarithm), standard_error, low,
        high, factor (exp of the effect: what one unit more multiplies), p_value (two-sided, of no
        effect). NaN without a covariance. NotComputableError if the level is not between 0 and 1.

        Examples
        --------
        >>> from retainkit.lifetime import CovariateEffect, CovariateModel, MbgNbdModel
        >>> base = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> effect = CovariateEffect(on="rate", covariate="web", value=0.2)
        >>> table = CovariateModel(base=base, effects=(effect,)).effect_table()
        >>> table[["on", "covariate", "effect", "factor"]].round(3)
             on covariate  effect  factor
        0  rate       web     0.2   1.221
        """
        check_level(level)
        value = np.array([effect.value for effect in self.effects], dtype=np.float64)
        error = np.sqrt(np.diag(self.covariance))[4:]
        low, high = normal_bounds(value, error, level)
        with np.errstate(divide="ignore", invalid="ignore"):
            p_value = 2.0 * ndtr(-np.abs(value / error))
        return pd.DataFrame(
            {
                "on": [effect.on for effect in self.effects],
                "covariate": [effect.covariate for effect in self.effects],
                "effect": value,
                "standard_error": error,
                "low": low,
                "high": high,
                "factor": np.exp(value),
                "p_value": p_value,
            }
        )

    def parameter_table(self, covariates: Covariates | IntoFrame) -> pd.DataFrame:
        """Return the parameters each customer has, one column per parameter of the base.

        `covariates` is given as to `bind`; NaN where one is unknown.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.lifetime import CovariateEffect, CovariateModel, MbgNbdModel
        >>> base = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> effect = CovariateEffect(on="rate", covariate="web", value=0.2)
        >>> model = CovariateModel(base=base, effects=(effect,))
        >>> model.parameter_table(pd.DataFrame({"web": [0, 1]})).round(3)
               r  alpha      a      b
        0  0.525  6.183  0.891  1.614
        1  0.525  5.062  0.891  1.614
        """
        z = as_covariates(covariates).columns(self.covariates)
        return pd.DataFrame(self._scales(z).T, columns=list(self.base.parameters))

    def bind(self, covariates: Covariates | IntoFrame) -> BoundCovariateModel:
        """Return the model of these customers: a purchase model, usable everywhere.

        Parameters
        ----------
        covariates : Covariates or table of n rows
            With the columns `model.covariates`; others are ignored. Row i belongs to customer i
            of every history it is asked about (`Covariates.from_customers` gives that order).

        Returns
        -------
        BoundCovariateModel
            A `PurchaseModel` of n customers.

        Raises
        ------
        SchemaError
            If a covariate is missing or not numeric.

        Examples
        --------
        >>> import pandas as pd
        >>> from retainkit.lifetime import (
        ...     CovariateEffect, CovariateModel, MbgNbdModel, PurchaseHistories, PurchaseModel)
        >>> base = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> effect = CovariateEffect(on="rate", covariate="web", value=0.2)
        >>> model = CovariateModel(base=base, effects=(effect,))
        >>> bound = model.bind(pd.DataFrame({"web": [0, 1]}))
        >>> isinstance(bound, PurchaseModel), isinstance(model, PurchaseModel)
        (True, False)
        >>> history = PurchaseHistories(
        ...     frequency=[2, 2], recency=[30.43, 30.43], age=[38.86, 38.86], unit="week")
        >>> bound.p_alive(history).round(4)
        array([0.7062, 0.7031])
        """
        z = as_covariates(covariates).columns(self.covariates)
        return BoundCovariateModel(self, Covariates(z, names=self.covariates))

    def expected_purchases_new(
        self, covariates: Covariates | IntoFrame, *, horizon: float
    ) -> FloatArray:
        """Return the repeat purchases expected of customers who just made their first one.

        `covariates` is given as to `bind`, `horizon` is the time since the first purchase [unit].
        Not negative, in the order of the rows; NaN where a covariate is unknown.
        NotComputableError if the horizon is negative or not finite.
        """
        check_horizon(horizon)
        bound, end = self.bind(covariates), float(horizon)
        zero = np.zeros(len(bound))
        return bound._evaluate((zero, zero, zero), lambda known: known.expected_purchases(end))

    def at(self, profile: Mapping[str, float]) -> BaseModelUnion:
        """Return the model of customers with one profile: a plain model, usable everywhere.

        Parameters
        ----------
        profile : mapping of str to float
            A value for each of `model.covariates`; others are ignored.

        Returns
        -------
        MbgNbdModel, BgNbdModel or ParetoNbdModel
            With that profile's parameters and without evidence of a fit.

        Raises
        ------
        SchemaError
            If a covariate is missing.

        Examples
        --------
        >>> from retainkit.lifetime import CovariateEffect, CovariateModel, MbgNbdModel
        >>> base = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
        >>> effect = CovariateEffect(on="rate", covariate="web", value=0.2)
        >>> model = CovariateModel(base=base, effects=(effect,))
        >>> round(model.at({"web": 1}).expected_purchases_new(52), 4)
        1.6021
        """
        table = Covariates([list(profile.values())], names=list(profile))
        scales = self._scales(table.columns(self.covariates))[:, 0].tolist()
        names = list(self.base.parameters)
        return self.base.replace(**dict(zip(names, scales, strict=True)))

    def _scales(self, z: FloatArray) -> FloatArray:
        """Return the parameters of each row of covariates, shape (4, n)."""
        names = self.covariates
        column = np.array([names.index(e.covariate) for e in self.effects], dtype=np.int64)
        theta = np.array([e.value for e in self.effects], dtype=np.float64)
        logs = np.log(list(self.base.parameters.values()))
        return scales_of(np.concatenate([logs, theta]), Design(z, column, self._loadings()))

    def _loadings(self) -> FloatArray:
        """Return what each effect does to the four log-parameters, shape (e, 4)."""
        loadings = [loading_of(e.on, self.base.kind) for e in self.effects]
        return np.array(loadings, dtype=np.float64).reshape(-1, 4)

    def _know(self, z: FloatArray, x: FloatArray, t: FloatArray, T: FloatArray) -> Known:
        """Return what histories say of customers with these covariates."""
        T = np.where(np.isnan(z).any(axis=1), np.nan, T)
        shared, own = list(self.base.parameters.values()), self._scales(z)
        moves = np.count_nonzero(self._loadings(), axis=0)
        chosen = [own[k] if moves[k] else shared[k] for k in range(len(shared))]
        return self.base._know_as(chosen, x, t, T)

    def _nudged(self, name: str, step: float) -> Self:
        if name in self.base.parameters:
            return self.replace(base=self.base._nudged(name, step))
        moved = [e.replace(value=e.value + step) if e.name == name else e for e in self.effects]
        return self.replace(effects=tuple(moved))

    def _step_of(self, name: str) -> float:
        error = 0.0 if name in self.base.parameters else self.standard_errors[name]
        return _SHARE_OF_ERROR * error if error > 0.0 else super()._step_of(name)
