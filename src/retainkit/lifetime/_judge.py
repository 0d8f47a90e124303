"""How models hold up: comparison on a hold-out, coverage of intervals, frequencies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from retainkit._core.arrays import as_column, check_level
from retainkit._core.result import ResultTable
from retainkit._core.time import DAYS_PER_UNIT
from retainkit.errors import AlignmentError, ConvergenceError, InvalidTableError, NotComputableError
from retainkit.lifetime import _kernel_shared as kernel
from retainkit.lifetime._compress import check_weights, compress_histories, compress_rows
from retainkit.lifetime._config import check_count, check_horizon
from retainkit.lifetime._histories import (
    HoldoutSplit,
    PurchaseHistories,
    PurchaseHistory,
    history_columns,
)
from retainkit.lifetime._process import ProcessModel
from retainkit.lifetime._uncertainty import predict_total
from retainkit.lifetime.models._beta_geometric import fit_bg_nbd, fit_mbg_nbd
from retainkit.lifetime.models._pareto_nbd import fit_nbd, fit_pareto_nbd
from retainkit.typing import ArrayLike1D, FloatArray

_ELEMENTS = 1 << 20


class IntervalCoverage(NamedTuple):
    """How a prediction interval of each customer's purchases held.

    Attributes
    ----------
    exact : float
        Share of customers inside the central interval, those at its ends counted with the part
        that makes the interval hold exactly its level: the level itself, in expectation, for a
        true model.
    inside : float
        Share of customers within the interval, ends included. Counts are whole numbers, so the
        interval holds at least its level, and more for those who are expected to buy little.
    below, above : float
        Share of customers who bought less, or more, than the interval says.
    n : float
        Customers it is taken over.
    """

    exact: float
    inside: float
    below: float
    above: float
    n: float


def measure_coverage(
    model: ProcessModel,
    history: PurchaseHistory,
    *,
    purchases: ArrayLike1D,
    horizon: float,
    level: float = 0.9,
) -> IntervalCoverage:
    """Measure how often what customers bought later lies in the interval predicted for each.

    Parameters
    ----------
    model : MbgNbdModel, BgNbdModel, ParetoNbdModel or NbdModel
        Fitted on the histories, for example by a `HoldoutSplit`.
    history : PurchaseHistory of n customers
        What was known; rows without an age are left out.
    purchases : array-like of shape (n,)
        Purchases in the `horizon` after it [count].
    horizon : float
        Length of time over which they were observed [unit].
    level : float, default 0.9
        Probability content of the central interval.

    Returns
    -------
    IntervalCoverage
        Shares of customers.

    Raises
    ------
    NotComputableError
        If nobody has an age, the horizon is negative or not finite, or the level is not between
        0 and 1.
    AlignmentError
        If histories and purchases differ in number.
    InvalidTableError
        If a purchase count is negative or not whole.

    Notes
    -----
    With F the predicted law of a customer's count and y what was bought, `exact` is the mean of
    the part of (F(y-1), F(y)) inside the level: the chance that the randomised probability
    integral transform falls there (Czado, Gneiting & Held, 2009, Biometrics 65(4), 1254-1261).

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.lifetime import fit_mbg_nbd, measure_coverage, split_histories
    >>> cdnow = load_cdnow_sample()
    >>> split = split_histories(cdnow["customer_id"], cdnow["timestamp"],
    ...                         calibration_end="1997-09-30", holdout_end="1998-06-30")
    >>> model = fit_mbg_nbd(split.history)
    >>> found = measure_coverage(
    ...     model, split.history, purchases=split.purchases, horizon=split.horizon)
    >>> round(found.exact, 3), round(found.inside, 3)
    (0.887, 0.946)
    """
    check_horizon(horizon)
    check_level(level)
    x, t, T = history_columns(history, unit=model.unit)
    y = as_column(purchases, "purchases")
    if len(y) != len(x):
        raise AlignmentError(f"{len(y)} purchases for {len(x)} histories", rule="one each")
    keep = ~np.isnan(T)
    bad = keep & ~((y >= 0.0) & (y == np.rint(y)))
    if bad.any():
        raise InvalidTableError(
            f"{np.count_nonzero(bad):,} unusable purchase counts, first {float(y[bad][0])!r}",
            rule="purchases are counted: whole numbers, not negative",
            where="purchases",
        )
    if not keep.any():
        raise NotComputableError("no customer has an age", rule="coverage is taken over customers")
    columns, weights, _ = compress_rows((y, x, t, T), weights=None, keep=keep)
    lower, upper = _cumulated(model, columns, float(horizon))
    low, high = (1.0 - level) / 2.0, (1.0 + level) / 2.0
    overlap = np.clip(np.minimum(upper, high) - np.maximum(lower, low), 0.0, None)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(upper > lower, overlap / (upper - lower), 0.0)
    n = float(weights.sum())

    def share(values: FloatArray) -> float:
        return float(np.sum(weights * values)) / n

    below = share((upper < low).astype(np.float64))
    above = share((lower >= high).astype(np.float64))
    return IntervalCoverage(share(part), 1.0 - below - above, below, above, n)


def _cumulated(
    model: ProcessModel, columns: tuple[FloatArray, ...], horizon: float
) -> tuple[FloatArray, FloatArray]:
    """Return P(N < y) and P(N <= y) of rows in ascending order of y."""
    y, x, t, T = columns
    lower, upper = np.empty(len(y)), np.empty(len(y))
    start = 0
    while start < len(y):
        rows = max(1, _ELEMENTS // (int(y[min(start + 4096, len(y)) - 1]) + 1))
        cut = slice(start, min(start + min(rows, 4096), len(y)))
        history = PurchaseHistories(frequency=x[cut], recency=t[cut], age=T[cut], unit=model.unit)
        most = int(y[cut][-1])
        law = model.purchase_probabilities(history, horizon=horizon, max_count=most)
        total, here = np.cumsum(law, axis=1), np.arange(len(law))
        bought = y[cut].astype(np.int64)
        upper[cut] = total[here, bought]
        lower[cut] = np.where(bought > 0, total[here, bought - 1], 0.0)
        start = cut.stop
    return lower, upper


def compare_frequencies(
    model: ProcessModel,
    history: PurchaseHistory,
    *,
    max_count: int = 7,
    weights: ArrayLike1D | None = None,
) -> pd.DataFrame:
    """Count customers by repeat purchases, and how many a model expects with each number.

    Parameters
    ----------
    model : MbgNbdModel, BgNbdModel, ParetoNbdModel or NbdModel
        Fitted, as a rule, on the same customers.
    history : PurchaseHistory of n customers
        In the unit of the model; rows without an age are left out.
    max_count : int, default 7
        Last group: customers with that many repeat purchases or more.
    weights : array-like of shape (n,), optional
        Customers each row stands for; default 1.

    Returns
    -------
    pandas.DataFrame
        Index `frequency`, 0 to `max_count`; columns `actual` and `expected` [customers], both
        adding up to the number of customers.

    Raises
    ------
    NotComputableError
        If `max_count` is not from 0 to 100,000.
    UnitError
        If the history is in another unit of time.

    Notes
    -----
    Expected customers are sum_i P(X(T_i) = x), T_i the age of customer i. The sum of (actual -
    expected)^2 / expected is the chi-squared of the papers.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). Marketing Science 24(2), 275-284: figure 2.

    Examples
    --------
    >>> import retainkit as rk
    >>> from retainkit.lifetime import compare_frequencies
    >>> summary = rk.summarize_customers(
    ...     rk.load_cdnow_sample(), as_of="1997-09-30", unit="week")
    >>> compare_frequencies(rk.fit_mbg_nbd(summary), summary, max_count=3).round(1)
               actual  expected
    frequency
    0          1411.0    1418.6
    1           439.0     429.1
    2           214.0     198.6
    3           293.0     310.7
    """
    check_count(max_count)
    x, _, T = history_columns(history, unit=model.unit)
    w = check_weights(weights, len(x))
    w = np.ones(len(x)) if w is None else w
    known = ~np.isnan(T)
    group = np.minimum(x[known], max_count).astype(np.int64)
    ages, place = np.unique(T[known], return_inverse=True)
    customers = np.bincount(place, weights=w[known], minlength=len(ages))
    expected = np.zeros(max_count + 1)
    for age, count in zip(ages.tolist(), customers.tolist(), strict=True):
        if max_count:
            expected[:-1] += count * model.purchase_probabilities_new(age, max_count=max_count - 1)
    expected[-1] = customers.sum() - expected[:-1].sum()
    actual = np.bincount(group, weights=w[known], minlength=max_count + 1)
    index = pd.RangeIndex(max_count + 1, name="frequency")
    return pd.DataFrame({"actual": actual, "expected": expected}, index=index)


_FITS: tuple[Callable[..., ProcessModel], ...] = (
    fit_mbg_nbd,
    fit_pareto_nbd,
    fit_bg_nbd,
    fit_nbd,
)
"""In order of preference between models that the evidence cannot tell apart."""
_CLEARLY = 2.0
"""Standard errors of the difference from which on one score is clearly better."""
_EQUAL = 0.1
"""Difference of log scores below which two models say the same: a limit they share."""
_MOST_FREQUENT = 7

_MEASURES = (
    *("log_likelihood", "aic", "bic", "log_score", "total_error", "tracking_error"),
    *("weekly_error", "mae", "rmse", "correlation", "gini", "lift_top_20"),
    *("total_low", "total_expected", "total_high", "coverage"),
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class ModelComparison(ResultTable):
    """Models of purchases with their errors on a hold-out, and the one to use.

    Parameters
    ----------
    models : tuple of models
        Fitted on the calibration, in order of preference.
    measures : ndarray of shape (models, measures)
        What `to_frame` shows.
    chosen : str
        `kind` of the model to use.
    reason : str
        Why, in a sentence with the numbers.
    failed : tuple of str
        Models that could not be fitted, with the first line of their error.
    calibration : pandas.DataFrame
        By frequency in the calibration (the last row is "7 and more"): customers, actual mean
        purchases in the hold-out, and expected ones per model.
    tracking : pandas.DataFrame
        By time since the first purchase of all [unit]: cumulative repeat purchases, actual and
        expected per model.
    """

    models: tuple[ProcessModel, ...]
    measures: FloatArray
    chosen: str
    reason: str
    failed: tuple[str, ...] = ()
    calibration: pd.DataFrame
    tracking: pd.DataFrame

    _what: ClassVar[str] = "models"
    _next_step: ClassVar[str] = ".to_frame()"

    def __len__(self) -> int:
        return len(self.models)

    @property
    def best(self) -> ProcessModel:
        """The chosen model, as fitted on the calibration."""
        return next(model for model in self.models if _kind(model) == self.chosen)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per model and one column per measure.

        In sample `log_likelihood`, `aic`, `bic`. On the hold-out: `log_score`, the sum of log
        P(what each customer bought), higher is better; `total_error`, expected / actual
        purchases - 1; `tracking_error` and `weekly_error`, mean absolute error of cumulative
        and of weekly repeat purchases relative to their actual mean; `mae`, `rmse`,
        `correlation` by customer; `gini`, 1 for a perfect ranking; `lift_top_20`, purchases
        of the best fifth over a fifth of all; limits of the 90 % interval of the total;
        `coverage`, share of customers inside their own 90 % interval (`measure_coverage`).
        """
        kinds = pd.Index([_kind(model) for model in self.models], name="model")
        return pd.DataFrame(self.measures, index=kinds, columns=list(_MEASURES))

    def summary(self) -> pd.DataFrame:
        """Return the measures that decide, one row per model.

        Index `model`; columns `log_score`, `total_error`, `mae` and `chosen`.
        """
        frame = self.to_frame()[["log_score", "total_error", "mae"]]
        return frame.assign(chosen=frame.index == self.chosen)


def compare_models(
    split: HoldoutSplit, *, fits: Sequence[Callable[..., ProcessModel]] = _FITS
) -> ModelComparison:
    """Fit models on the calibration, judge them on the hold-out, and choose one.

    Parameters
    ----------
    split : HoldoutSplit
        What `split_histories` returned.
    fits : sequence of callables, default MBG/NBD, Pareto/NBD, BG/NBD, NBD
        Fit functions, in order of preference.

    Returns
    -------
    ModelComparison
        The chosen model has the best log score, unless an earlier one of `fits` cannot be told
        from it: differences below two standard errors (over customers) do not decide.

    Raises
    ------
    NotComputableError
        If no model can be fitted.

    Warns
    -----
    RetainkitWarning
        If an optimum is at a limit of its model.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.lifetime import compare_models, split_histories
    >>> cdnow = load_cdnow_sample()
    >>> split = split_histories(cdnow["customer_id"], cdnow["timestamp"],
    ...                         calibration_end="1997-09-30", holdout_end="1998-06-30")
    >>> compare_models(split).chosen
    'mbg_nbd'
    """
    models, failed = [], []
    for fit in fits:
        try:
            models.append(fit(split.history))
        except (ConvergenceError, NotComputableError) as error:
            failed.append(f"{fit.__name__}: {error.wrong}")
    if not models:
        raise NotComputableError(
            "no model could be fitted: " + "; ".join(failed),
            rule="at least one model must fit the calibration period",
        )
    scores = np.array([_log_scores(model, split) for model in models])
    expected = np.array([_expected(model, split) for model in models])
    tracking = _tracking(models, split)
    chosen, reason = _choose([_kind(model) for model in models], scores)
    return ModelComparison(
        models=tuple(models),
        measures=_measures(models, split, scores, expected, tracking),
        chosen=chosen,
        reason=reason,
        failed=tuple(failed),
        calibration=_calibration(models, split, expected),
        tracking=tracking,
    )


def _kind(model: ProcessModel) -> str:
    return str(getattr(model, "kind", type(model).__name__))


def _expected(model: ProcessModel, split: HoldoutSplit) -> FloatArray:
    rows = compress_histories(split.history)
    return rows.expand(model.expected_purchases(rows, horizon=split.horizon))


def _log_scores(model: ProcessModel, split: HoldoutSplit) -> FloatArray:
    """Return log P(what was bought) of each customer; one count at a time."""
    result = np.empty(len(split))
    x, t, T = split.history.frequency, split.history.recency, split.history.age
    with np.errstate(all="ignore"):
        for count in np.unique(split.purchases).tolist():
            here = split.purchases == count
            known = model._know(x[here], t[here], T[here])
            p = known.count_probability(split.horizon, int(count))
            result[here] = np.log(np.maximum(p, 1e-300))
    return result


def _choose(kinds: list[str], scores: FloatArray) -> tuple[str, str]:
    totals = scores.sum(axis=1)
    best = int(np.argmax(totals))
    n = scores.shape[1]
    for i, kind in enumerate(kinds):
        difference = scores[best] - scores[i]
        error = float(difference.std() * np.sqrt(n))
        behind = float(difference.sum())
        if i == best:
            return kind, f"{kind} has the best log score, {totals[best]:.1f}, on {n:,} customers"
        if behind <= max(_CLEARLY * error, _EQUAL):
            return kind, (
                f"{kind} is kept: the best log score, of {kinds[best]}, is only {behind:.1f} "
                f"better, with a standard error of {error:.1f} over {n:,} customers"
            )
    raise AssertionError("the best model is among the models")


def _tracking(models: list[ProcessModel], split: HoldoutSplit) -> pd.DataFrame:
    scale = DAYS_PER_UNIT[split.history.unit]
    ends = np.arange(1, int(split.total_days // scale) + 1, dtype=np.float64)
    # the first k weeks are the days 0 .. 7 k - 1
    actual = np.searchsorted(np.sort(split.repeat_days), ends * scale, side="left")
    columns: dict[str, Any] = {"actual": actual.astype(np.float64)}
    joined, customers = np.unique(split.joined, return_counts=True)
    for model in models:
        path = [
            kernel.expected_since(model._know_new(), end - joined / scale) for end in ends.tolist()
        ]
        columns[_kind(model)] = np.array(path) @ customers.astype(np.float64)
    return pd.DataFrame(columns, index=pd.Index(ends, name=split.history.unit))


def _calibration(
    models: list[ProcessModel], split: HoldoutSplit, expected: FloatArray
) -> pd.DataFrame:
    group = np.minimum(split.history.frequency, _MOST_FREQUENT).astype(np.int64)
    customers = np.bincount(group)
    columns: dict[str, Any] = {"customers": customers}
    values = {"actual": split.purchases} | {
        _kind(model): row for model, row in zip(models, expected, strict=True)
    }
    with np.errstate(invalid="ignore"):
        for name, value in values.items():
            columns[name] = np.bincount(group, weights=value) / customers
    return pd.DataFrame(columns, index=pd.Index(range(len(customers)), name="frequency"))


def _measures(
    models: list[ProcessModel],
    split: HoldoutSplit,
    scores: FloatArray,
    expected: FloatArray,
    tracking: pd.DataFrame,
) -> FloatArray:
    scale = DAYS_PER_UNIT[split.history.unit]
    held = tracking.index.to_numpy() * scale > split.calibration_days
    actual = tracking["actual"].to_numpy()
    rows = []
    for model, score, guess in zip(models, scores, expected, strict=True):
        path = tracking[_kind(model)].to_numpy()
        total = predict_total(model, split.history, horizon=split.horizon)
        within = measure_coverage(
            model, split.history, purchases=split.purchases, horizon=split.horizon
        )
        rows.append(
            [
                *(model.log_likelihood, model.aic, model.bic, score.sum()),
                kernel.relative(guess.sum() - split.purchases.sum(), split.purchases.sum()),
                kernel.mean_error(path[held], actual[held]),
                kernel.mean_error(np.diff(path)[held[1:]], np.diff(actual)[held[1:]]),
                *kernel.customer_errors(guess, split.purchases),
                *(total.low, total.estimate, total.high, within.exact),
            ]
        )
    return np.array(rows, dtype=np.float64)
