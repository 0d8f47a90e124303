"""FutureValueModel: the chosen estimate of future value, small and applied row by row."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from scipy.special import expit

from retainkit._internal.config import FrozenConfig, FrozenModel
from retainkit._internal.time import DAYS_PER_UNIT
from retainkit.typing import FloatArray
from retainkit.value._future_config import EstimatorEvidence, FutureEstimator, FutureValueConfig
from retainkit.value._kernel_hurdle import design, standardize
from retainkit.value._lifetime_value import expected_lifetime_value
from retainkit.value._summary import CustomerSummary

if TYPE_CHECKING:
    from retainkit.lifetime import PurchaseModel, SpendModel

_CHUNK = 65_536
_MIN_RATE_DAYS = 30.0

FutureReason: TypeAlias = Literal[
    "evidence",
    "only_candidate",
    "history_too_short",
    "too_few_customers",
    "too_few_buyers",
    "lifetime_not_computable",
]
"""Why an estimator was chosen; all but "evidence" mean that the lifetime model alone is used."""


class TwoPartModel(FrozenConfig):
    """A regression in two parts: whether a customer buys in the window, and for how much.

    Parameters
    ----------
    center, scale : tuple of float
        Mean and standard deviation of each feature in the training window.
    buys : tuple of float
        Coefficients of the log-odds of buying, constant first.
    amount : tuple of float
        Coefficients of the log amount of those who buy, constant first.
    money_unit : float
        What money is counted in inside the features [money]: the mean net spend per occasion.
    factor : float
        What turns the exponential of the mean log amount into the mean amount, so that the
        predictions of the training window add up to its money.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.value import TwoPartModel
    >>> model = TwoPartModel(center=(0.0,), scale=(1.0,), buys=(0.0, 1.0), amount=(3.0, 0.5),
    ...                      money_unit=20.0, factor=1.0)
    >>> model.predict(np.array([[0.0]])).round(2).tolist()
    [10.04]
    """

    center: tuple[float, ...]
    scale: tuple[float, ...]
    buys: tuple[float, ...]
    amount: tuple[float, ...]
    money_unit: float
    factor: PositiveFloat
    money_unit: PositiveFloat
    most: PositiveFloat

    def predict(self, features: FloatArray) -> FloatArray:
        """Return the expected money in a window.

        Parameters
        ----------
        features : numpy.ndarray of float64, shape (n, k)
            What is known of each customer, money counted in `money_unit`.

        Returns
        -------
        numpy.ndarray of float64
            Shape (n,), within [0, `most`]; NaN where a feature is NaN.

        Examples
        --------
        >>> import numpy as np
        >>> from retainkit.value import TwoPartModel
        >>> model = TwoPartModel(center=(0.0,), scale=(1.0,), buys=(0.0, 0.0), amount=(0.0, 1.0),
        ...                      factor=2.0, money_unit=1.0, most=100.0)
        >>> model.predict(np.array([[0.0]])).tolist()  # 0.5 * 2 * e^0
        [1.0]
        """
        z = standardize(features, np.array(self.center), np.array(self.scale))
        # In logs: a sum that is capped before exp() cannot overflow.
        log_amount = z @ np.array(self.amount) + np.log(self.factor)
        amount = np.exp(np.minimum(log_amount, np.log(self.most)))
        expected: FloatArray = expit(z @ np.array(self.buys)) * amount
        return expected


class FutureValueModel(FrozenModel):
    """Which estimate of future value a base supports best, and what it needs to be applied.

    Parameters
    ----------
    config : FutureValueConfig
        What could be chosen.
    chosen : str
        The estimator in use.
    reason : str
        "evidence", or why there was none and the lifetime model alone is used.
    evidence : tuple of EstimatorEvidence
        How each candidate did on a window inside the observed time, in order of the candidates.
    window_days : float
        Length of the training window [day].
    learnt_at : datetime.date or None
        Day up to which the features of the training window were observed.
    two_part : TwoPartModel or None
        The regression, where it could be learnt.
    factors : tuple of (str, float)
        What turns net spend, or spend per day, into the money of one window.
    n : int
        Customers it was learnt from.

    Examples
    --------
    >>> import retainkit as rk
    >>> model = rk.fit_future_value(rk.load_cdnow_sample(), as_of="1998-06-30")
    >>> model.reason, rk.FutureValueModel.from_json(model.to_json()) == model
    ('evidence', True)
    """

    config: FutureValueConfig
    chosen: FutureEstimator
    reason: FutureReason
    evidence: tuple[EstimatorEvidence, ...] = ()
    window_days: float
    learnt_at: date | None = None
    two_part: TwoPartModel | None = None
    factors: tuple[tuple[FutureEstimator, float], ...] = ()
    n: int = 0


def predict_future_value(
    summary: CustomerSummary,
    model: FutureValueModel,
    purchase_model: PurchaseModel,
    *,
    spend_model: SpendModel | None = None,
    horizon_days: float = 365.25,
    annual_discount_rate: float = 0.10,
    margin_rate: float | FloatArray = 1.0,
) -> FloatArray:
    """Return the discounted money each customer is expected to bring, by the chosen estimate.

    Parameters
    ----------
    summary : CustomerSummary
        Customers.
    model : FutureValueModel
        From `fit_future_value`.
    purchase_model : PurchaseModel
        Fitted on the base, for example by `fit_mbg_nbd`.
    spend_model : SpendModel, optional
        Fitted on the base, for example by `fit_gamma_gamma`.
    horizon_days : float, default 365.25
        How far ahead money counts [day].
    annual_discount_rate : float, default 0.10
        Yearly rate; 0 does not discount.
    margin_rate : float or numpy.ndarray of shape (n,), default 1.0
        Profit per unit of purchases.

    Returns
    -------
    numpy.ndarray of float64
        Money per customer, in order; NaN for who never purchased.

    Notes
    -----
    The estimate is made for the window the model was learnt on and carried to the horizon by each
    customer's own ratio of lifetime values, L(horizon, discounted) / L(window): how buying
    thins out with time is the lifetime model's business, the level is the estimate's.

    Examples
    --------
    >>> import retainkit as rk
    >>> purchases = rk.load_cdnow_sample()
    >>> summary = rk.summarize_customers(purchases, as_of="1998-06-30")
    >>> value = rk.predict_future_value(
    ...     summary,
    ...     rk.fit_future_value(purchases, as_of="1998-06-30"),
    ...     rk.fit_mbg_nbd(summary),
    ...     spend_model=rk.fit_gamma_gamma(summary.frequency, summary.monetary_value),
    ... )
    >>> len(value), bool((value > 0).all())
    (2357, True)
    """
    to_horizon = expected_lifetime_value(
        summary,
        purchase_model,
        spend_model=spend_model,
        horizon_days=horizon_days,
        annual_discount_rate=annual_discount_rate,
        margin_rate=margin_rate,
    )
    if model.chosen == "lifetime":
        return to_horizon
    in_window = expected_lifetime_value(
        summary,
        purchase_model,
        spend_model=spend_model,
        horizon_days=model.window_days,
        annual_discount_rate=0.0,
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        carried = np.where(in_window > 0.0, to_horizon / in_window, 0.0)
    carried[np.isnan(to_horizon)] = np.nan
    carried *= estimate_window(model.chosen, summary, in_window, purchase_model, model)
    return carried


def estimate_window(
    estimator: FutureEstimator,
    summary: CustomerSummary,
    in_window: FloatArray,
    purchase_model: PurchaseModel,
    model: FutureValueModel,
) -> FloatArray:
    """Return the money one estimator expects in the training window, shape (n,)."""
    factors = dict(model.factors)
    if estimator == "lifetime":
        return in_window
    if estimator == "spend":
        return np.maximum(summary.total_amount, 0.0) * factors["spend"]
    if estimator == "spend_rate":
        return spend_per_day(summary) * factors["spend_rate"]
    regression = _two_part(summary, in_window, purchase_model, model.two_part)
    if estimator == "two_part":
        return regression
    spend = np.maximum(summary.total_amount, 0.0) * factors["spend"]
    return np.cbrt(regression * np.maximum(in_window, 0.0) * spend)


def spend_per_day(summary: CustomerSummary) -> FloatArray:
    """Return net spend per day of relation [money/day]; a relation counts at least 30 days."""
    days = summary.age * DAYS_PER_UNIT[summary.unit]
    return np.maximum(summary.total_amount, 0.0) / np.maximum(days, _MIN_RATE_DAYS)


def features_of(
    summary: CustomerSummary,
    in_window: FloatArray,
    purchase_model: PurchaseModel,
    money_unit: float,
) -> FloatArray:
    """Return the design matrix of customers at `as_of`; NaN for who never purchased."""
    days = DAYS_PER_UNIT[summary.unit]
    return design(
        summary.frequency.astype(np.float64),
        summary.age * days,
        summary.inactive_for * days,
        summary.total_amount,
        summary.transactions.astype(np.float64),
        in_window,
        purchase_model.p_alive(summary.with_unit(purchase_model.unit)),
        money_unit,
    )


