"""What a model with covariates carries: base, effects, and how sure they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, NamedTuple, Self, TypeAlias

import numpy as np
import pandas as pd
from pydantic import Field, model_validator
from scipy.special import chdtrc, ndtr

from retainkit._core.arrays import check_level
from retainkit._core.kernels.intervals import normal_bounds
from retainkit.lifetime._bg_nbd import BgNbdModel
from retainkit.lifetime._covariates import Covariates, as_covariates
from retainkit.lifetime._covariates_config import CovariateConfig, CovariateEffect, loading_of
from retainkit.lifetime._kernel_covariates import Design, scales_of
from retainkit.lifetime._mbg_nbd import MbgNbdModel
from retainkit.lifetime._model import LikelihoodModel
from retainkit.lifetime._pareto_nbd import ParetoNbdModel
from retainkit.typing import FloatArray, IntoFrame, TimeUnit

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


class CovariateEvidence(LikelihoodModel):
    """The fields of `CovariateModel`, and what follows from them without a customer."""

    _next_step: ClassVar[str] = ".expected_purchases(history, covariates, horizon=...)"

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

    def effect_table(self, *, level: float = 0.95) -> pd.DataFrame:
        """Return one row per effect, with its interval.

        Parameters
        ----------
        level : float, default 0.95
            Probability content of the interval.

        Returns
        -------
        pandas.DataFrame
            Columns on, covariate, effect (of one unit more, on the logarithm), standard_error,
            low, high (Wald interval), factor (exp of the effect: what one unit more multiplies),
            p_value (two-sided, of no effect). NaN without a covariance.

        Raises
        ------
        NotComputableError
            If the level is not between 0 and 1.

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
        """Return the parameters each customer has.

        Parameters
        ----------
        covariates : Covariates or table of n rows
            With the columns `model.covariates`; others are ignored.

        Returns
        -------
        pandas.DataFrame
            One row per customer, in order, one column per parameter of the base; NaN where a
            covariate is unknown.

        Raises
        ------
        SchemaError
            If a column is missing or is not numeric.

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
        names, law = self.covariates, self.base.kind
        column = np.array([names.index(e.covariate) for e in self.effects], dtype=np.int64)
        loading = np.array([loading_of(e.on, law) for e in self.effects]).reshape(-1, 4)
        theta = np.array([e.value for e in self.effects], dtype=np.float64)
        logs = np.log(list(self.base.parameters.values()))
        return scales_of(np.concatenate([logs, theta]), Design(z, column, loading))

    def _nudged(self, name: str, step: float) -> Self:
        if name in self.base.parameters:
            return self.replace(base=self.base._nudged(name, step))
        moved = [e.replace(value=e.value + step) if e.name == name else e for e in self.effects]
        return self.replace(effects=tuple(moved))

    def _step_of(self, name: str) -> float:
        error = 0.0 if name in self.base.parameters else self.standard_errors[name]
        return _SHARE_OF_ERROR * error if error > 0.0 else super()._step_of(name)
