"""Draw purchase histories from a model: for bootstraps, coverage checks and what-if bases."""

from __future__ import annotations

import numpy as np

from retainkit._core.arrays import as_column
from retainkit.errors import SchemaError
from retainkit.lifetime._beta_geometric import BetaGeometricModel
from retainkit.lifetime._covariates_bound import BoundCovariateModel
from retainkit.lifetime._histories import PurchaseHistories
from retainkit.lifetime._nbd import NbdModel
from retainkit.lifetime._pareto_nbd import ParetoNbdModel
from retainkit.lifetime._process import Parameters, ProcessModel
from retainkit.lifetime._regular import MbgCnbdModel
from retainkit.typing import ArrayLike1D, FloatArray

_RAREST = 1e-15


def draw_histories(
    model: ProcessModel | BoundCovariateModel, age: ArrayLike1D, *, seed: int
) -> PurchaseHistories:
    """Draw one purchase history per age from a model.

    Parameters
    ----------
    model : MbgNbdModel, BgNbdModel, ParetoNbdModel, NbdModel, MbgCnbdModel or BoundCovariateModel
        The law; its unit is the unit of the result.
    age : array-like of shape (n,)
        How long each customer is observed after the first purchase [unit].
    seed : int
        Seed of the generator: the same arguments give the same histories, bit for bit.

    Returns
    -------
    PurchaseHistories
        In the order of the ages; times are not rounded to days.

    Raises
    ------
    SchemaError
        If the model is of another kind.

    Notes
    -----
    Given how many purchases fall into a time, they fall uniformly: so the last one of x within T
    is T U^(1/x), and the k-th of n is T Beta(k, n - k + 1); no purchase is drawn one by one.

    Examples
    --------
    >>> from retainkit.lifetime import MbgNbdModel, draw_histories
    >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> draw_histories(model, [39.0] * 1000, seed=1)
    <PurchaseHistories: 1,000 customers, unit week; next: fit_mbg_nbd(history)>
    """
    T = as_column(age, "age")
    rng = np.random.default_rng(seed)
    law, parameters = _law_of(model, len(T))
    if isinstance(law, BetaGeometricModel):
        x, t = _until_dropout_by_purchase(parameters, T, rng, first=int(law._first))
    elif isinstance(law, MbgCnbdModel):
        x, t = _until_dropout_by_purchase(parameters, T, rng, first=1, stages=law.regularity)
    elif isinstance(law, ParetoNbdModel):
        r, alpha, s, beta = parameters
        stop = rng.exponential(size=len(T)) / rng.gamma(s, 1.0 / beta, len(T))
        x, t = _poisson(rng.gamma(r, 1.0 / alpha, len(T)), np.minimum(T, stop), rng)
    elif isinstance(law, NbdModel):
        r, alpha = parameters
        x, t = _poisson(rng.gamma(r, 1.0 / alpha, len(T)), T, rng)
    else:
        raise SchemaError(
            f"{type(model).__name__} cannot be drawn from", rule="a model of purchases"
        )
    return PurchaseHistories(frequency=x, recency=t, age=T, unit=model.unit)


def _law_of(model: ProcessModel | BoundCovariateModel, n: int) -> tuple[ProcessModel, Parameters]:
    """Return the law with its parameters, one for all customers or one each."""
    if not isinstance(model, BoundCovariateModel):
        return model, tuple(model.parameters.values())
    model._check_length(n)
    return model.model.base, tuple(model.model._scales(model.covariates.values))


def _poisson(
    rate: FloatArray, end: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    x = rng.poisson(rate * end).astype(np.float64)
    last = end * (1.0 - rng.random(len(end))) ** (1.0 / np.maximum(x, 1.0))
    return x, np.where(x > 0.0, last, 0.0)


def _until_dropout_by_purchase(
    parameters: Parameters,
    T: FloatArray,
    rng: np.random.Generator,
    *,
    first: int,
    stages: int = 1,
) -> tuple[FloatArray, FloatArray]:
    """Draw stages as if nobody dropped out; every so many make a purchase, until dropout."""
    r, alpha, a, b = parameters
    rate = rng.gamma(r, 1.0 / alpha, len(T))
    dropout = np.maximum(rng.beta(a, b, len(T)), _RAREST)
    most = rng.geometric(dropout) - first
    n, t = _poisson(rate, T, rng)
    x = np.minimum(n // stages, most)
    # the last stage of all is the last purchase already where nothing was cut off
    cut = (stages * x < n) & (x > 0)
    k = stages * x[cut].astype(np.float64)
    t[cut] = T[cut] * rng.beta(k, n[cut] - k + 1.0)
    return x, np.where(x > 0.0, t, 0.0)
