"""Histories drawn from a model; intervals by the delta method, bootstrap and simulation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, Self, TypeAlias, TypeVar

import numpy as np

from retainkit._core.arrays import as_column, check_level
from retainkit._core.intervals import Interval
from retainkit._core.kernels.intervals import normal_quantile, percentile_bounds
from retainkit.errors import NotComputableError, SchemaError
from retainkit.lifetime._compress import CompressedHistories
from retainkit.lifetime._config import FitConfig, check_horizon
from retainkit.lifetime._histories import PurchaseHistories, PurchaseHistory
from retainkit.lifetime._kernel_shared import take_rows
from retainkit.lifetime._process import Parameters, ProcessModel
from retainkit.lifetime.covariates._model import BoundCovariateModel
from retainkit.lifetime.models._beta_geometric import BetaGeometricModel
from retainkit.lifetime.models._pareto_nbd import NbdModel, ParetoNbdModel
from retainkit.lifetime.models._regular import MbgCnbdModel
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


_IMMATERIAL = 1e-3
"""Relative change per log-unit below which a parameter without a standard error is ignored: at
the boundary, predictions do not depend on what the data cannot determine."""
_TAIL = 1e-10
_MOST_COUNTS = 20_000

PurchaseProcess: TypeAlias = ProcessModel | BoundCovariateModel


class Uncertain(Protocol):
    """A model that knows how sure its parameters are, and can move one of them."""

    @property
    def parameters(self) -> dict[str, float]: ...

    @property
    def log_covariance(self) -> tuple[tuple[float | None, ...], ...] | None: ...

    def _nudged(self, name: str, step: float) -> Self: ...

    def _step_of(self, name: str) -> float: ...


Model = TypeVar("Model", bound=Uncertain)
Process = TypeVar("Process", bound=ProcessModel)


class Estimate(NamedTuple):
    """Predictions and how sure they are, one entry per prediction.

    Attributes
    ----------
    estimate : ndarray
        The prediction at the fitted parameters.
    standard_error : ndarray
        Of the estimate, in its own unit.
    interval : Interval of ndarray
        NaN where the data do not determine the parameters.
    """

    estimate: FloatArray
    standard_error: FloatArray
    interval: Interval[FloatArray]


class TotalInterval(NamedTuple):
    """The purchases of a whole base to come.

    Attributes
    ----------
    estimate : float
        Expected number of purchases.
    low, high : float
        Limits of the prediction interval.
    sd_chance : float
        Spread that remains with known parameters: who happens to buy.
    sd_parameters : float
        Spread from not knowing the parameters.
    """

    estimate: float
    low: float
    high: float
    sd_chance: float
    sd_parameters: float


def delta_interval(
    model: Model, prediction: Callable[[Model], FloatArray | float], *, level: float = 0.9
) -> Estimate:
    """Return the interval of a prediction that comes from not knowing the parameters exactly.

    Parameters
    ----------
    model : fitted model
        With a covariance.
    prediction : callable
        Takes a model, returns the predictions; for example
        `lambda m: m.expected_purchases(history, horizon=52)`. Compress long histories first.
    level : float, default 0.9
        Probability content.

    Returns
    -------
    Estimate
        In the order of the predictions. The limits are symmetric on the log scale for positive
        predictions, so that they stay positive.

    Raises
    ------
    NotComputableError
        If the model has no covariance or the level is not between 0 and 1.

    Notes
    -----
    Variance g' C g with g the central differences of the prediction in the log-parameters and C
    their covariance: first order, good while standard errors are small beside the parameters.

    Examples
    --------
    >>> from retainkit.lifetime import PurchaseHistories, delta_interval, fit_mbg_nbd
    >>> history = PurchaseHistories(
    ...     frequency=[0, 1, 2, 9, 1, 4], recency=[0, 3, 20, 38, 12, 9],
    ...     age=[39, 35, 38, 39, 30, 36], unit="week")
    >>> model = fit_mbg_nbd(history, weights=[600, 100, 100, 50, 100, 50])
    >>> found = delta_interval(model, lambda m: m.expected_purchases(history, horizon=39))
    >>> bool((found.interval.lower < found.estimate).all())
    True
    """
    z = _quantile(level)
    if model.log_covariance is None:
        raise NotComputableError(
            "the model has no covariance", rule="only a fitted model knows how sure it is"
        )
    covariance = np.array(model.log_covariance, dtype=np.float64)
    estimate = np.atleast_1d(np.asarray(prediction(model), dtype=np.float64))
    gradient = _gradient(model, prediction)
    undetermined = np.isnan(np.diag(covariance))
    matters = (np.abs(gradient[undetermined]) > _IMMATERIAL * np.abs(estimate)).any(axis=0)
    covariance[undetermined, :] = covariance[:, undetermined] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(np.einsum("i...,ij,j...->...", gradient, covariance, gradient))
        error[matters] = np.nan
        factor = np.exp(z * error / estimate)
        positive = estimate > 0.0
        low = np.where(positive, estimate / factor, estimate - z * error)
        high = np.where(positive, estimate * factor, estimate + z * error)
    return Estimate(estimate, error, Interval(low, high, "delta", level))


def _gradient(model: Model, prediction: Callable[[Model], FloatArray | float]) -> FloatArray:
    """Return the derivatives in the log-parameters, shape (k, n)."""
    slopes = []
    for name in model.parameters:
        step = model._step_of(name)
        up, down = (np.atleast_1d(prediction(model._nudged(name, d))) for d in (step, -step))
        slopes.append((up - down) / (2.0 * step))
    return np.array(slopes, dtype=np.float64)


def bootstrap_models(
    model: Process,
    history: PurchaseHistory,
    *,
    fit: Callable[..., Process],
    draws: int = 100,
    seed: int = 0,
    config: FitConfig | None = None,
) -> tuple[Process, ...]:
    """Return models fitted to bases drawn from a model: what other data might have told.

    Parameters
    ----------
    model : MbgNbdModel, BgNbdModel, ParetoNbdModel or NbdModel
        The fitted model.
    history : PurchaseHistory of n customers
        Whose ages are kept; rows without an age are left out.
    fit : callable
        The function the model was fitted with, for example `fit_mbg_nbd`.
    draws : int, default 100
        Bases drawn.
    seed : int, default 0
        Seed of the first base; base j takes seed + j.
    config : FitConfig, optional
        Tolerance and patience of the fits.

    Returns
    -------
    tuple of models
        One per base whose fit converged, in order.

    Examples
    --------
    >>> from retainkit.lifetime import MbgNbdModel, bootstrap_models, draw_histories, fit_mbg_nbd
    >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> history = draw_histories(model, [39.0] * 2000, seed=1)
    >>> len(bootstrap_models(model, history, fit=fit_mbg_nbd, draws=3))
    3
    """
    import warnings

    from retainkit.errors import ConvergenceError, RetainkitWarning

    age = history.age[~np.isnan(history.age)]
    models: list[Process] = []
    for draw in range(draws):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RetainkitWarning)
            try:
                models.append(fit(draw_histories(model, age, seed=seed + draw), config=config))
            except (ConvergenceError, NotComputableError):
                continue
    return tuple(models)


def bootstrap_interval(
    models: Sequence[Model],
    prediction: Callable[[Model], FloatArray | float],
    *,
    level: float = 0.9,
) -> Estimate:
    """Return the percentile interval of a prediction over bootstrap models.

    Parameters
    ----------
    models : sequence of models
        What `bootstrap_models` returned.
    prediction : callable
        Takes a model, returns the predictions.
    level : float, default 0.9
        Probability content.

    Returns
    -------
    Estimate
        The estimate is the median over the models.

    Raises
    ------
    NotComputableError
        If there are fewer than two models or the level is not between 0 and 1.

    Examples
    --------
    >>> from retainkit.lifetime import MbgNbdModel, bootstrap_interval
    >>> models = [
    ...     MbgNbdModel(r=r, alpha=6.2, a=0.9, b=1.6, unit="week") for r in (0.5, 0.52, 0.54)]
    >>> found = bootstrap_interval(models, lambda m: m.expected_purchases_new(52))
    >>> found.estimate.round(3)
    array([1.388])
    """
    _quantile(level)
    if len(models) < 2:
        raise NotComputableError(
            f"{len(models)} bootstrap models", rule="an interval needs two or more"
        )
    values = np.array([np.atleast_1d(prediction(model)) for model in models], dtype=np.float64)
    interval = Interval(*percentile_bounds(values, level), "bootstrap", level)
    return Estimate(np.median(values, axis=0), values.std(axis=0, ddof=1), interval)


def predict_total(
    model: PurchaseProcess,
    history: PurchaseHistory,
    *,
    horizon: float,
    level: float = 0.9,
    weights: ArrayLike1D | None = None,
) -> TotalInterval:
    """Return how many purchases a whole base will make, with a prediction interval.

    Parameters
    ----------
    model : MbgNbdModel, BgNbdModel, ParetoNbdModel, NbdModel or BoundCovariateModel
        Fitted; without a covariance the parameters are taken as known.
    history : PurchaseHistory of n customers
        In the unit of the model; rows without an age are left out.
    horizon : float
        Length of the future considered [unit].
    level : float, default 0.9
        Probability content.
    weights : array-like of shape (n,), optional
        Customers each row stands for; default 1.

    Returns
    -------
    TotalInterval
        Chance and parameters add up as variances; the limits are those of a normal law, fit for
        bases of a hundred customers and more.

    Raises
    ------
    NotComputableError
        If the horizon is negative or not finite, or the level is not between 0 and 1.
    UnitError
        If the history is in another unit of time.

    Examples
    --------
    >>> from retainkit.lifetime import MbgNbdModel, draw_histories, predict_total
    >>> model = MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> history = draw_histories(model, [39.0] * 1000, seed=1)
    >>> total = predict_total(model, history, horizon=39)
    >>> total.low < total.estimate < total.high
    True
    """
    check_horizon(horizon)
    z = _quantile(level)
    distinct, rows = model._merge(history, weights=weights)

    def total(one: PurchaseProcess) -> float:
        return float(np.sum(rows.weights * one.expected_purchases(rows, horizon=horizon)))

    estimate = total(distinct)
    chance = float(np.sqrt(np.sum(rows.weights * count_variance(distinct, rows, horizon=horizon))))
    spread = 0.0
    if model.log_covariance is not None:
        spread = float(delta_interval(distinct, total, level=level).standard_error[0])
    half = z * float(np.hypot(chance, spread))
    return TotalInterval(estimate, max(estimate - half, 0.0), estimate + half, chance, spread)


def count_variance(
    model: PurchaseProcess, rows: CompressedHistories, *, horizon: float
) -> FloatArray:
    """Return the variance of each row's purchases to come, summed over the counts that matter."""
    first, second = np.zeros(len(rows)), np.zeros(len(rows))
    with np.errstate(all="ignore"):
        known = model._know(rows.frequency, rows.recency, rows.age)
        left = np.arange(len(rows))
        seen = np.zeros(len(rows))
        for count in range(_MOST_COUNTS):
            p = take_rows(known, left).count_probability(float(horizon), count)
            seen[left] += p
            first[left] += count * p
            second[left] += count * count * p
            left = left[(1.0 - seen[left]) * (count + 1.0) ** 2 > _TAIL * (1.0 + second[left])]
            if not len(left):
                break
    variance: FloatArray = second - first**2
    return variance


def _quantile(level: float) -> float:
    check_level(level)
    return normal_quantile(level)
