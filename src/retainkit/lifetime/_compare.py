"""compare_models: which model of purchases to use, judged by purchases it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from retainkit._core.result import ResultTable
from retainkit._core.time import DAYS_PER_UNIT
from retainkit.errors import ConvergenceError, NotComputableError
from retainkit.lifetime import _kernel_compare as kernel
from retainkit.lifetime._beta_geometric import fit_bg_nbd, fit_mbg_nbd
from retainkit.lifetime._compress import compress_histories
from retainkit.lifetime._coverage import measure_coverage
from retainkit.lifetime._nbd import fit_nbd
from retainkit.lifetime._pareto_nbd import fit_pareto_nbd
from retainkit.lifetime._process import ProcessModel
from retainkit.lifetime._split import HoldoutSplit
from retainkit.lifetime._uncertainty import predict_total
from retainkit.typing import FloatArray

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

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.lifetime import compare_models, split_histories
    >>> cdnow = load_cdnow_sample()
    >>> split = split_histories(cdnow["customer_id"], cdnow["timestamp"],
    ...                         calibration_end="1997-09-30", holdout_end="1998-06-30")
    >>> comparison = compare_models(split)
    >>> comparison.to_frame()["total_error"].round(3).to_dict()
    {'mbg_nbd': -0.162, 'pareto_nbd': -0.115, 'bg_nbd': -0.121, 'nbd': 0.557}
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

        Returns
        -------
        pandas.DataFrame
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

        Returns
        -------
        pandas.DataFrame
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
