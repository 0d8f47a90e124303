"""Expected value of customers from models of buying, spend, and contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from retainkit._core.time import DAYS_PER_UNIT
from retainkit.contracts._kernel import future_charges
from retainkit.errors import AlignmentError, SchemaError
from retainkit.typing import ArrayLike1D, FloatArray, TimeUnit
from retainkit.value._kernel import IntArray, discount_nodes, distinct_histories
from retainkit.value._summary import CustomerSummary

if TYPE_CHECKING:
    from retainkit.lifetime import PurchaseHistory, PurchaseModel, SpendModel

_FEW = 64
_WORTH_COMPRESSING = 2048
"""Customers from which on equal histories are evaluated once."""

_CHUNK = 1 << 16
"""Histories evaluated at a time: bounds the temporaries of the model."""


class _History(NamedTuple):
    """A purchase history computed once for several horizons."""

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    unit: TimeUnit


def expected_lifetime_value(
    summary: CustomerSummary,
    purchase_model: PurchaseModel,
    *,
    spend_model: SpendModel | None = None,
    horizon_days: float = 365.25,
    annual_discount_rate: float = 0.10,
    margin_rate: float | FloatArray = 1.0,
) -> FloatArray:
    """Return the discounted money each customer is expected to bring within the horizon.

    It is the *residual* value after `as_of`: the past, and the cost of winning the customer, are
    not in it. With `margin_rate` 1 it is revenue; with a margin it is profit.

    Parameters
    ----------
    summary : CustomerSummary
        Customers; their times are converted to the unit of `purchase_model`.
    purchase_model : PurchaseModel
        Expected purchases of each customer, for example an `MbgNbdModel`; a model with
        covariates is bound to those of the summary's customers first (`CovariateModel.bind`).
    spend_model : SpendModel, optional
        Expected amount per future purchase, for example a `GammaGammaModel`; None takes each
        customer's own mean amount per occasion so far.
    horizon_days : float, default 365.25
        How far ahead purchases count [day].
    annual_discount_rate : float, default 0.10
        Yearly rate; 0 does not discount.
    margin_rate : float or numpy.ndarray of shape (n,), default 1.0
        Profit per unit of purchases: one for all, or one each (`margin_rates`).

    Returns
    -------
    numpy.ndarray of float64
        Money per customer, in order; NaN without a purchase. Negative with a negative margin.

    Raises
    ------
    ValueError
        If `horizon_days` is not above 0 or `annual_discount_rate` is below 0.
    AlignmentError
        If `margin_rate` has one value per customer, but of another number of customers.

    Notes
    -----
    margin * spend * int_0^H (1 + rate)^(-t / 365.25) dE(t), with E(t) the purchases expected
    within t days: each purchase is discounted from the moment it is expected, not from the end of
    its month. The integral is taken by parts and by Gauss-Legendre quadrature: at the default
    horizon `purchase_model` is evaluated 4 times, on distinct histories only; beyond ten years
    some 100 times, as far as the discount leaves anything.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves for
    customer base analysis. Journal of Marketing Research 42(4), 415-430: equation 4.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> from retainkit.lifetime import MbgNbdModel
    >>> from retainkit.value import expected_lifetime_value, summarize_customers
    >>> summary = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
    >>> model = MbgNbdModel(r=0.5248432, alpha=6.1830853, a=0.8913594, b=1.6140022, unit="week")
    >>> value = expected_lifetime_value(summary, model, margin_rate=0.3)
    >>> len(value), bool((value >= 0).all())
    (2357, True)
    """
    if not horizon_days > 0 or not annual_discount_rate >= 0:
        raise ValueError(
            f"horizon_days is {horizon_days}, annual_discount_rate {annual_discount_rate}: "
            "the first must be above 0, the second not below 0"
        )
    margin = np.asarray(margin_rate, dtype=np.float64)
    if margin.ndim and margin.shape != (len(summary),):
        raise AlignmentError(
            f"margin_rate has shape {margin.shape}, the summary {len(summary):,} customers",
            rule="one margin for all or one per customer, in order",
            where="margin_rate",
            fix="pass margin_rates(summary, margin)",
        )
    nodes = discount_nodes(float(horizon_days), float(annual_discount_rate))
    value = _discounted_purchases(summary, purchase_model, nodes)
    value *= _spend(summary, spend_model)
    value *= margin
    value[np.isnan(value)] = np.nan  # processors sign a NaN now so, now otherwise
    return value


def _discounted_purchases(
    summary: CustomerSummary, model: PurchaseModel, nodes: tuple[tuple[float, float], ...]
) -> FloatArray:
    """Return discounted expected purchases, equal histories worked out once."""
    if len(summary) <= _WORTH_COMPRESSING:
        return _evaluate(summary, model, nodes)
    take = getattr(model, "take", None)
    positions: IntArray = np.arange(len(summary))
    places = positions
    if take is None:  # with covariates, customers with equal histories may differ
        positions, places = distinct_histories(
            summary.occasions, summary.first_day, summary.last_day
        )
    total = np.empty(positions.size)
    for start in range(0, positions.size, _CHUNK):
        rows = positions[start : start + _CHUNK]
        part = model if take is None else take(rows)
        total[start : start + _CHUNK] = _evaluate(summary.take(rows), part, nodes)
    return total[places]


def _evaluate(
    summary: CustomerSummary, model: PurchaseModel, nodes: tuple[tuple[float, float], ...]
) -> FloatArray:
    """Add up expected purchases over the nodes of the horizon."""
    scaled, days_per_unit = summary.with_unit(model.unit), DAYS_PER_UNIT[model.unit]
    history = _known_history(scaled)
    at = getattr(model, "expected_purchases_at", None)
    total = np.zeros(len(summary))
    if at is not None and len(summary) <= _FEW:
        purchases = at(history, horizons=[day / days_per_unit for day, _ in nodes])
        for column, (_, weight) in enumerate(nodes):  # added up as below: the same to the last bit
            total += weight * purchases[:, column]
        return total
    for day, weight in nodes:
        total += weight * model.expected_purchases(history, horizon=day / days_per_unit)
    return total


def _known_history(summary: CustomerSummary) -> PurchaseHistory:
    """Return the history as one that models need not check again for every horizon."""
    from retainkit.lifetime import CompressedHistories

    frequency, n = summary.frequency.astype(np.float64), len(summary)
    if not summary.occasions.all():  # who never purchased has no history: let the model say so
        return _History(frequency, summary.recency, summary.age, summary.unit)
    return CompressedHistories(
        frequency=frequency,
        recency=summary.recency,
        age=summary.age,
        unit=summary.unit,
        weights=np.ones(n),
        inverse=np.arange(n),
    )


def _spend(summary: CustomerSummary, model: SpendModel | None) -> FloatArray:
    """Return the expected spend per purchase; each own mean without a model."""
    if model is not None:
        return model.expected_spend(summary.frequency, summary.monetary_value)
    return summary.purchase_amount / np.maximum(summary.occasions, 1)


class TenureModel(Protocol):
    """What is asked of a model of how long contracts last."""

    def survival(self, periods: ArrayLike1D, /) -> FloatArray:
        """Return the share of customers who renew at least this many times."""
        ...


def expected_contract_value(
    model: TenureModel,
    *,
    charged: ArrayLike1D,
    price: ArrayLike1D,
    term_months: ArrayLike1D | int = 1,
    days_to_next: ArrayLike1D | float = DAYS_PER_UNIT["month"],
    charges_left: ArrayLike1D | float = np.inf,
    horizon_days: float = 365.25,
    annual_discount_rate: float = 0.10,
    margin_rate: ArrayLike1D | float = 1.0,
) -> FloatArray:
    """Return the discounted money that running contracts are expected to bring within the horizon.

    It is the *residual* value after today: charges already made are not in it.

    Parameters
    ----------
    model : TenureModel
        How often contracts are renewed, for example a `ShiftedBetaGeometricModel`.
    charged : array-like of shape (n,)
        Monthly charges the customer has had [count]; 0 where no contract runs.
    price : array-like of shape (n,)
        What a month brings [money/month].
    term_months : int or array-like of shape (n,), default 1
        Months between two chances to leave [month]; the model counts in these terms.
    days_to_next : float or array-like of shape (n,), default 30.4375
        Days until the next charge [day].
    charges_left : float or array-like of shape (n,), default infinity
        Charges until a known end, where notice has been given [count].
    horizon_days : float, default 365.25
        How far ahead charges count [day].
    annual_discount_rate : float, default 0.10
        Yearly rate; 0 does not discount.
    margin_rate : float or array-like of shape (n,), default 1.0
        Profit per unit of charges.

    Returns
    -------
    numpy.ndarray of float64
        Money per customer, in order; 0 where no contract runs; NaN where `price` is NaN.

    Raises
    ------
    AlignmentError
        If the columns differ in length.
    SchemaError
        If `charged`, `term_months`, `days_to_next` or `charges_left` are undefined or too low, or
        the horizon is not above 0 or the rate below 0.

    Notes
    -----
    margin * price * sum_k S(term of charge k) / S(term now) * (1 + rate)^(-days to charge k /
    365.25), over the charges within the horizon. With a term of one month, an endless horizon and
    the first charge now, the sum is the discounted expected residual lifetime.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2010). Customer-base valuation in a contractual setting: the
    perils of ignoring heterogeneity. Marketing Science 29(1), 85-93, equation (6).

    Examples
    --------
    >>> from retainkit.lifetime import ShiftedBetaGeometricModel
    >>> from retainkit.value import expected_contract_value
    >>> model = ShiftedBetaGeometricModel(gamma=1.0, delta=3.0)  # renewals: 3/4, 4/5, 5/6, ...
    >>> expected_contract_value(model, charged=[1, 3, 0], price=[10.0, 10.0, 10.0],
    ...                         horizon_days=70.0, annual_discount_rate=0.0).round(2)
    array([13.5 , 15.48,  0.  ])
    """
    if not horizon_days > 0 or not annual_discount_rate >= 0:
        raise SchemaError(
            f"horizon_days is {horizon_days}, annual_discount_rate {annual_discount_rate}",
            rule="the first is above 0, the second not below 0",
            where="expected_contract_value",
        )
    money = np.asarray(price, dtype=np.float64)
    count = _column(charged, money.shape, "charged", 0.0)
    term = _column(term_months, money.shape, "term_months", 1.0)
    due = _column(days_to_next, money.shape, "days_to_next", 0.0)
    left = _column(charges_left, money.shape, "charges_left", 0.0)
    margin = _column(margin_rate, money.shape, "margin_rate", -np.inf)
    value = np.zeros(money.shape)
    known = np.flatnonzero(count >= 1.0)
    if known.size:
        whole, terms = count[known].astype(np.int64), term[known].astype(np.int64)
        ahead = int(np.ceil(horizon_days / DAYS_PER_UNIT["month"])) + 1
        survival = model.survival(np.arange(int(((whole + ahead) // terms).max()) + 1.0))
        value[known] = future_charges(
            survival,
            whole,
            terms,
            due[known],
            left[known],
            horizon_days=float(horizon_days),
            annual_discount_rate=float(annual_discount_rate),
            days_per_month=DAYS_PER_UNIT["month"],
        )
    value *= margin * money
    return value


def _column(
    values: ArrayLike1D | float, shape: tuple[int, ...], name: str, lowest: float
) -> FloatArray:
    """Return one number per customer; refuse other shapes and numbers below the lowest."""
    column = np.asarray(values, dtype=np.float64)
    if column.ndim and column.shape != shape:
        raise AlignmentError(
            f"{name} has shape {column.shape}, price {shape}",
            rule="one value for all, or one per customer in order",
            where=name,
        )
    column = np.broadcast_to(column, shape)
    if not (column >= lowest).all():
        bad = column[~(column >= lowest)]
        raise SchemaError(
            f"{len(bad):,} unusable {name}, first {bad[0]:g}",
            rule=f"{name} is known and not below {lowest:g}",
            where=name,
        )
    return column
