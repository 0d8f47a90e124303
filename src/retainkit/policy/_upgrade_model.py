"""Potential as a probability: who will reach the next tier, calibrated on customers held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from retainkit._internal.config import FrozenModel
from retainkit.errors import AlignmentError, NotComputableError
from retainkit.policy import _kernel_learn
from retainkit.policy._arrays import as_bools
from retainkit.policy._holdout import hash_customers
from retainkit.policy._logged import read_features
from retainkit.typing import ArrayLike1D, FloatArray

_SALT = "upgrade"
_MIN_EACH = 10


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

    @property
    def skill(self) -> float:
        """Share of the base rate's squared error that the model removes on held-out customers."""
        return 1.0 - self.brier / self.base_brier if self.base_brier > 0.0 else 0.0

    def probability(self, features: Any) -> FloatArray:
        """Return each customer's probability of reaching the next tier.

        Parameters
        ----------
        features : array_like of float, shape (n_customers, n_features)
            As in the fit.

        Returns
        -------
        ndarray of float64
            Calibrated probability, for `assess_potential(..., probability=...)`.

        Raises
        ------
        AlignmentError
            If the number of features differs from the fit's.

        Examples
        --------
        >>> from retainkit.policy import UpgradeModel
        >>> UpgradeModel(features=(), center=(), scale=(), coefficients=(0.0,),
        ...     calibration=(0.0, 1.0), bins=(), brier=0.2, base_brier=0.25, n=10
        ...     ).probability([[]])
        array([0.5])
        """
        table = read_features(features, len(features))
        if table.shape[1] != len(self.features):
            raise AlignmentError(
                f"{table.shape[1]} features, the model knows {self.features}",
                rule="the same features in the same order",
            )
        x = _kernel_learn.design(table, np.array(self.center), np.array(self.scale))
        constant, slope = self.calibration
        return _kernel_learn.sigmoid(constant + slope * (x @ np.array(self.coefficients)))

    def reliability(self) -> pd.DataFrame:
        """Return predicted against observed on held-out customers.

        Returns
        -------
        pandas.DataFrame
            One row per bin of similar predictions: customers, predicted, observed.

        Examples
        --------
        >>> from retainkit.policy import CalibrationBin, UpgradeModel
        >>> UpgradeModel(features=(), center=(), scale=(), coefficients=(0.0,),
        ...     calibration=(0.0, 1.0), brier=0.2, base_brier=0.25, n=10,
        ...     bins=(CalibrationBin(customers=4, predicted=0.5, observed=0.5),)).reliability()
           customers  predicted  observed
        0          4        0.5       0.5
        """
        columns = ["customers", "predicted", "observed"]
        return pd.DataFrame([one.model_dump() for one in self.bins], columns=columns)


def fit_upgrade_model(
    features: Any,
    reached: ArrayLike1D,
    *,
    names: Sequence[str] | None = None,
    customer_id: pd.Index[Any] | None = None,
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
    60 % of customers (by hash of the id) fit a logistic regression, 20 % its correction
    (constant and slope of the log-odds, Platt), 20 % judge both.

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
    parts = units < 0.6, (units >= 0.6) & (units < 0.8), units >= 0.8
    for part in parts:
        yes = int(rose[part].sum())
        if min(yes, int(part.sum()) - yes) < _MIN_EACH:
            raise NotComputableError(
                f"{yes} of {int(part.sum())} customers rose in one part of the data",
                rule=f"at least {_MIN_EACH} rose and {_MIN_EACH} did not, in each part",
                fix="use a longer horizon or pool more periods",
            )
    order = np.argsort(units, kind="stable")  # sums do not depend on the order of rows
    fit, correct, judge = (order[part[order]] for part in parts)
    center, scale = _kernel_learn.standardise(table[fit])
    x = _kernel_learn.design(table, center, scale)
    beta = _kernel_learn.logistic(x[fit], rose[fit], penalty)
    odds = x @ beta
    wide = np.column_stack([np.ones(correct.size), odds[correct]])
    constant, slope = _kernel_learn.logistic(wide, rose[correct], 0.0).tolist()
    p = _kernel_learn.sigmoid(constant + slope * odds[judge])
    default = getattr(features, "columns", [f"feature_{j}" for j in range(table.shape[1])])
    return UpgradeModel(
        features=tuple(str(name) for name in (default if names is None else names)),
        center=tuple(center.tolist()),
        scale=tuple(scale.tolist()),
        coefficients=tuple(beta.tolist()),
        calibration=(constant, slope),
        bins=_bins(p, rose[judge]),
        brier=float(np.mean((p - rose[judge]) ** 2)),
        base_brier=float(rose[judge].var()),
        n=n,
    )


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
