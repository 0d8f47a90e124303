"""Potential as a probability: who will reach the next tier, calibrated on customers held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from retainkit._core.arrays import as_bools, check_length
from retainkit._core.config import FrozenModel
from retainkit._core.kernels.glm import center_and_scale, fit_logistic, ridge_penalty, standardize
from retainkit.errors import AlignmentError, NotComputableError
from retainkit.policy._holdout import hash_customers
from retainkit.policy._logged import read_features
from retainkit.typing import ArrayLike1D, FloatArray, IntArray

_SALT = "upgrade"
_MIN_EACH = 10
_LEARN = 0.8
_FOLDS = 5
_EDGE = 0.005


class CalibrationBin(FrozenModel):
    """Predicted and observed rises of held-out customers with similar predictions.

    Parameters
    ----------
    customers : int
        How many.
    predicted : float
        Mean predicted probability.
    observed : float
        Share that rose.

    Examples
    --------
    >>> from retainkit.policy import CalibrationBin
    >>> CalibrationBin(customers=100, predicted=0.21, observed=0.2).observed
    0.2
    """

    customers: int
    predicted: float
    observed: float


class UpgradeModel(FrozenModel):
    """Probability of reaching the next tier within the horizon it was learnt on.

    Parameters
    ----------
    features : tuple of str
        Names of the features, in order.
    center, scale : tuple of float
        Centre and scale of each.
    coefficients : tuple of float
        Constant, then one per standardised feature, on the log-odds scale.
    calibration : tuple of (float, float)
        Constant and slope on held-out log-odds; (0, 1) = nothing to correct.
    bins : tuple of CalibrationBin
        Reliability on customers used neither for the fit nor for the correction.
    brier, base_brier : float
        Mean squared error on these customers, and that of the share that rose.
    n : int
        Customers in all.
    share_rose : float or None
        Share of all customers that rose: what a customer of whom nothing is known has; None =
        not measured.
    low, high : tuple of float or None
        Features are cut off there; None = never.
    log_loss : float or None
        Mean of -log of the probability given to what happened, on these customers; None = not
        measured.
    calibration_error : float or None
        Mean difference of predicted and observed over the bins, weighted by customers.
    matrix_brier, matrix_log_loss : float or None
        The same of the migration matrix: the share of each tier that rose among the other
        customers. None where no tiers were given.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import fit_upgrade_model
    >>> rng = np.random.default_rng(0)
    >>> trend = rng.normal(size=(3000, 1))
    >>> rose = rng.random(3000) < 1 / (1 + np.exp(2 - 1.5 * trend[:, 0]))
    >>> model = fit_upgrade_model(trend, rose, names=("trend",))
    >>> model.probability([[0.0], [2.0]]).round(1)
    array([0.1, 0.7])
    """

    features: tuple[str, ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    calibration: tuple[float, float]
    bins: tuple[CalibrationBin, ...]
    brier: float
    base_brier: float
    n: int
    share_rose: float | None = None
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    log_loss: float | None = None
    calibration_error: float | None = None
    matrix_brier: float | None = None
    matrix_log_loss: float | None = None

    @property
    def skill(self) -> float:
        """Share of the base rate's squared error that the model removes on held-out customers."""
        return 1.0 - self.brier / self.base_brier if self.base_brier > 0.0 else 0.0

    @property
    def beats_tier_alone(self) -> bool:
        """Whether held-out rises were likelier under the model than under each tier's own share.

        True where the share of the tiers was not measured.
        """
        alone = self.matrix_log_loss
        return not alone or (self.log_loss or 0.0) < alone

    def probability(self, features: Any) -> FloatArray:
        """Return each customer's calibrated probability of reaching the next tier.

        `features` as in the fit (else AlignmentError), shape (n_customers, n_features).
        """
        table = read_features(features, len(features))
        if table.shape[1] != len(self.features):
            raise AlignmentError(
                f"{table.shape[1]} features, the model knows {self.features}",
                rule="the same features in the same order",
            )
        if self.low is not None and self.high is not None:
            table = np.clip(table, np.array(self.low), np.array(self.high))
        x = standardize(table, np.array(self.center), np.array(self.scale))
        constant, slope = self.calibration
        chance: FloatArray = expit(constant + slope * (x @ np.array(self.coefficients)))
        return chance

    def reliability(self) -> pd.DataFrame:
        """Return predicted against observed on held-out customers.

        One row per bin of similar predictions: customers, predicted, observed.
        """
        columns = ["customers", "predicted", "observed"]
        return pd.DataFrame([one.model_dump() for one in self.bins], columns=columns)


def fit_upgrade_model(
    features: Any,
    reached: ArrayLike1D,
    *,
    names: Sequence[str] | None = None,
    customer_id: pd.Index[Any] | None = None,
    tier: IntArray | None = None,
    penalty: float = 1e-3,
) -> UpgradeModel:
    """Learn who reaches the next tier, and check the probabilities on customers held out.

    Parameters
    ----------
    features : array_like of float, shape (n_customers, n_features)
        Known at the start of the horizon: predicted value over the next cut, trend, share of
        wallet, breadth, ...
    reached : array_like of bool, shape (n_customers,)
        Who was in a higher tier at its end.
    names : sequence of str, optional
        Names of the features; default the columns of a frame, else "feature_0", ...
    customer_id : pandas.Index, optional
        Customers; decides who is held out, so that the order of rows changes nothing.
    tier : array of int, optional
        Tier at the start, to judge the migration matrix alone on the same customers.
    penalty : float
        Ridge penalty per customer.

    Returns
    -------
    UpgradeModel
        With its reliability.

    Raises
    ------
    NotComputableError
        If fewer than ten customers rose, or stayed, in a part of the data.

    Notes
    -----
    80 % of customers (by hash of the id) fit a logistic regression and its correction: constant
    and slope of the log-odds (Platt), from fits that leave out a fifth of them each. 20 % judge
    both. Features are cut off at the first and last half per cent seen in the fit, then and
    later: no prediction reaches beyond what was seen.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.policy import fit_upgrade_model
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(5000, 2))
    >>> model = fit_upgrade_model(x, rng.random(5000) < 0.1 + 0.2 * (x[:, 0] > 1))
    >>> model.skill > 0.02, len(model.bins)
    (True, 10)
    """
    table = read_features(features, len(features))
    n = table.shape[0]
    rose = as_bools(reached, "reached", n=n).astype(np.float64)
    ids = pd.RangeIndex(n) if customer_id is None else customer_id
    units = hash_customers(ids, _SALT)
    order = np.argsort(units, kind="stable")  # sums do not depend on the order of rows
    judge, learn = order[units[order] >= _LEARN], order[units[order] < _LEARN]
    for part in (judge, learn):
        yes = int(rose[part].sum())
        if min(yes, part.size - yes) < _MIN_EACH:
            raise NotComputableError(
                f"{yes} of {part.size} customers rose in one part of the data",
                rule=f"at least {_MIN_EACH} rose and {_MIN_EACH} did not, in each part",
                fix="use a longer horizon or pool more periods",
            )
    center, scale = center_and_scale(table[learn])
    low, high = (np.quantile(table[learn], q, axis=0) for q in (_EDGE, 1.0 - _EDGE))
    x = standardize(np.clip(table, low, high), center, scale)
    beta = _logistic(x[learn], rose[learn], penalty)
    fold = (units[learn] * (_FOLDS / _LEARN)).astype(np.int64)
    constant, slope = _correction(x[learn], rose[learn], fold, penalty)
    p = expit(constant + slope * (x[judge] @ beta))
    default = getattr(features, "columns", [f"feature_{j}" for j in range(table.shape[1])])
    bins = _bins(p, rose[judge])
    matrix = None if tier is None else _tier_shares(np.asarray(tier), rose, learn)[judge]
    return UpgradeModel(
        features=tuple(str(name) for name in (default if names is None else names)),
        center=tuple(center.tolist()),
        scale=tuple(scale.tolist()),
        coefficients=tuple(beta.tolist()),
        calibration=(constant, slope),
        share_rose=float(rose.mean()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        bins=bins,
        brier=_brier(p, rose[judge]),
        base_brier=float(rose[judge].var()),
        n=n,
        log_loss=_log_loss(p, rose[judge]),
        calibration_error=_calibration_error(bins),
        matrix_brier=None if matrix is None else _brier(matrix, rose[judge]),
        matrix_log_loss=None if matrix is None else _log_loss(matrix, rose[judge]),
    )


def _logistic(x: FloatArray, rose: FloatArray, penalty: float) -> FloatArray:
    """Return the coefficients of a logistic regression with a penalty per row."""
    weight = ridge_penalty(x.shape[1], penalty * len(x))
    return fit_logistic(x, rose, penalty=weight).coefficients


def _correction(
    x: FloatArray, rose: FloatArray, fold: IntArray, penalty: float
) -> tuple[float, float]:
    """Return constant and slope of the log-odds, from predictions for folds left out."""
    odds = np.zeros(rose.size)
    for k in range(_FOLDS):
        inside = fold == k
        odds[inside] = x[inside] @ _logistic(x[~inside], rose[~inside], penalty)
    wide = np.column_stack([np.ones(rose.size), odds])
    constant, slope = _logistic(wide, rose, 0.0).tolist()
    return constant, slope


def _tier_shares(tier: IntArray, rose: FloatArray, rows: IntArray) -> FloatArray:
    """Return for every customer the share of its tier that rose among `rows`."""
    check_length(tier.size, rose.size, "tier")
    size = int(tier.max(initial=0)) + 1
    heads = np.bincount(tier[rows], minlength=size)
    risen = np.bincount(tier[rows], weights=rose[rows], minlength=size)
    shares: FloatArray = (risen + 0.5) / (heads + 1.0)  # Jeffreys: never 0 or 1
    return shares[tier]


def _brier(p: FloatArray, rose: FloatArray) -> float:
    """Return the mean squared error of probabilities."""
    return float(np.mean((p - rose) ** 2))


def _log_loss(p: FloatArray, rose: FloatArray) -> float:
    """Return the mean negative log probability of what happened."""
    given = np.clip(np.where(rose > 0.0, p, 1.0 - p), 1e-12, 1.0)
    return float(-np.mean(np.log(given)))


def _calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    """Return the mean absolute difference of predicted and observed, weighted by customers."""
    total = sum(one.customers for one in bins)
    return sum(one.customers * abs(one.predicted - one.observed) for one in bins) / max(total, 1)


def _bins(p: FloatArray, rose: FloatArray) -> tuple[CalibrationBin, ...]:
    groups = np.array_split(np.argsort(p, kind="stable"), 10)
    return tuple(
        CalibrationBin(
            customers=group.size,
            predicted=float(p[group].mean()),
            observed=float(rose[group].mean()),
        )
        for group in groups
        if group.size
    )
