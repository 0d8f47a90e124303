"""FutureValueModel: the chosen estimate of future value, small and applied row by row."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.special import expit

from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.kernels.glm import standardize
from retainkit._core.time import DAYS_PER_UNIT
from retainkit.errors import NotComputableError, SchemaError
from retainkit.typing import FloatArray, PositiveFloat
from retainkit.value._future_config import (
    EstimatorEvidence,
    FutureEstimator,
    FutureReason,
    FutureValueConfig,
)
from retainkit.value._kernel_hurdle import FARTHEST, add_terms, design
from retainkit.value._lifetime_value import expected_lifetime_value
from retainkit.value._summary import CustomerSummary

if TYPE_CHECKING:
    from retainkit.lifetime import PurchaseModel, SpendModel

_CHUNK = 65_536
_MIN_RATE_DAYS = 30.0


class FutureRegressor(Protocol):
    """What a regressor of the user's must offer: scikit-learn's `fit` and `predict`.

    Rows are customers; the columns are those of the built-in regression (logs of frequency, age,
    silence, spend, spend per occasion, idle share, rows, expected value; the probability of being
    alive; products of the last), the target is the money of the window, never below 0.

    Examples
    --------
    >>> import numpy as np
    >>> import retainkit as rk
    >>> class NearestSpend:
    ...     def fit(self, X, y):
    ...         self.factor = y.sum() / np.expm1(X[:, 3]).sum()
    ...         return self
    ...     def predict(self, X):
    ...         return self.factor * np.expm1(X[:, 3])
    >>> model = rk.fit_future_value(
    ...     rk.load_cdnow_sample(), as_of="1998-06-30", regressor=NearestSpend())
    >>> model.evidence[-1].estimator
    'regressor'
    """

    def fit(self, X: FloatArray, y: FloatArray, /) -> Any:
        """Learn from features of shape (n, k) and money of shape (n,)."""
        ...

    def predict(self, X: FloatArray, /) -> Any:
        """Return the expected money of each row, shape (n,)."""
        ...


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
    factor : float
        What turns the exponential of the mean log amount into the mean amount, so that the
        predictions of the training window add up to its money.
    money_unit : float
        What money is counted in inside the features [money]: the mean net spend per occasion.
    most : float
        What the largest customer of the training window brought [money]: nobody is expected to
        buy for more, however far its features lie outside those learnt from.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.value import TwoPartModel
    >>> model = TwoPartModel(center=(0.0,), scale=(1.0,), buys=(0.0, 1.0), amount=(3.0, 0.5),
    ...                      factor=1.2, money_unit=1.0, most=20.0)
    >>> model.predict(np.array([[0.0], [4.0]])).round(2).tolist()  # 0.5 * 20; 0.98 * 20
    [10.0, 19.64]
    """

    center: tuple[float, ...]
    scale: tuple[float, ...]
    buys: tuple[float, ...]
    amount: tuple[float, ...]
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
        center, scale = np.array(self.center), np.array(self.scale)
        z = standardize(features, center, scale, farthest=FARTHEST)
        # In logs: a sum that is capped before exp() cannot overflow.
        log_amount = add_terms(z, self.amount) + np.log(self.factor)
        amount = np.exp(np.minimum(log_amount, np.log(self.most)))
        expected: FloatArray = expit(add_terms(z, self.buys)) * amount
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
        How each candidate did on windows inside the observed time, in order of the candidates.
    origins : tuple of datetime.date
        Days from which the candidates were tried, the latest first.
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
    origins: tuple[date, ...] = ()
    window_days: float
    learnt_at: date | None = None
    two_part: TwoPartModel | None = None
    factors: tuple[tuple[FutureEstimator, float], ...] = ()
    n: int = 0

    @property
    def correction(self) -> float:
        """Factor by which the level of the chosen estimate is corrected; 1 without evidence."""
        factors = {entry.estimator: entry.correction for entry in self.evidence}
        return factors.get(self.chosen, 1.0)


def predict_future_value(
    summary: CustomerSummary,
    model: FutureValueModel,
    *,
    purchase_model: PurchaseModel,
    spend_model: SpendModel | None = None,
    horizon_days: float = 365.25,
    annual_discount_rate: float = 0.10,
    margin_rate: float | FloatArray = 1.0,
    regressor: FutureRegressor | None = None,
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
    regressor : FutureRegressor, optional
        The one given to `fit_future_value`; needed where it was chosen.

    Returns
    -------
    numpy.ndarray of float64
        Money per customer, in order; NaN for who never purchased.

    Raises
    ------
    NotComputableError
        If the user's regressor was chosen and is not given.

    Notes
    -----
    The estimate is made for the window the model was learnt on and carried to the horizon by each
    customer's own ratio of lifetime values, L(horizon, discounted) / L(window): how buying
    thins out with time is the lifetime model's business, the level is the estimate's, corrected
    as far as the evidence of the origins agrees on a bias (`FutureValueModel.correction`).

    Examples
    --------
    >>> import retainkit as rk
    >>> purchases = rk.load_cdnow_sample()
    >>> summary = rk.summarize_customers(purchases, as_of="1998-06-30")
    >>> value = rk.predict_future_value(
    ...     summary,
    ...     rk.fit_future_value(purchases, as_of="1998-06-30"),
    ...     purchase_model=rk.fit_mbg_nbd(summary),
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
    if model.correction != 1.0:
        to_horizon *= model.correction
    if model.chosen == "lifetime":
        return to_horizon
    in_window = expected_lifetime_value(
        summary,
        purchase_model,
        spend_model=spend_model,
        horizon_days=model.window_days,
        annual_discount_rate=0.0,
    )
    carried = to_horizon  # in place: a million customers are 8 MB per array; NaN stays NaN
    np.divide(carried, in_window, out=carried, where=in_window > 0.0)
    carried[in_window <= 0.0] = 0.0
    carried *= estimate_window(summary, in_window, purchase_model, model, regressor)
    return carried


def estimate_window(
    summary: CustomerSummary,
    in_window: FloatArray,
    purchase_model: PurchaseModel,
    model: FutureValueModel,
    regressor: FutureRegressor | None,
) -> FloatArray:
    """Return the money the chosen estimator expects in the training window, shape (n,)."""
    factors = dict(model.factors)
    if model.chosen == "spend_rate":
        return spend_per_day(summary) * factors["spend_rate"]
    if model.chosen == "spend":
        return np.maximum(summary.total_amount, 0.0) * factors["spend"]
    regression = _regress(summary, in_window, purchase_model, model, regressor)
    if model.chosen == "blend":
        regression *= np.maximum(in_window, 0.0)
        regression *= np.maximum(summary.total_amount, 0.0) * factors["spend"]
        np.cbrt(regression, out=regression)
    return regression


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


def _regress(
    summary: CustomerSummary,
    in_window: FloatArray,
    purchase_model: PurchaseModel,
    model: FutureValueModel,
    regressor: FutureRegressor | None,
) -> FloatArray:
    """Apply the built-in or the user's regression, in chunks: the features need 88 bytes each."""
    two_part = model.two_part
    if two_part is None:
        raise NotComputableError(
            f"the model chose {model.chosen!r} and holds no regression",
            rule="a regression is applied as it was learnt",
            where="FutureValueModel.two_part",
            fix="take the model that fit_future_value returned",
        )
    own = model.chosen == "regressor"
    if own and regressor is None:
        raise NotComputableError(
            "the evidence chose your regressor, which is not given",
            rule="a regressor of the user's is not part of the model and its JSON",
            where="regressor",
            fix="pass the regressor that fit_future_value fitted",
        )
    out = np.empty(len(summary))
    for start in range(0, len(summary), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(summary)))
        part = summary if rows.size == len(summary) else summary.take(rows)
        x = features_of(part, in_window[rows], purchase_model, two_part.money_unit)
        if own and regressor is not None:
            out[rows] = _ask(regressor, x, two_part.most)
        else:
            out[rows] = two_part.predict(x)
    return out


def _ask(regressor: FutureRegressor, features: FloatArray, most: float) -> FloatArray:
    """Return the predictions of the user's regressor within [0, most]; NaN rows are not asked."""
    expected = np.full(len(features), np.nan)
    known = np.isfinite(features).all(axis=1)
    if known.any():
        answer = np.asarray(regressor.predict(features[known]), dtype=np.float64)
        if answer.shape != (int(known.sum()),) or not np.isfinite(answer).all():
            raise SchemaError(
                f"regressor.predict returned shape {answer.shape} with undefined values or gaps",
                rule="one finite number per customer",
                where="regressor",
                fix="check the regressor on its own",
            )
        expected[known] = np.clip(answer, 0.0, most)
    return expected
