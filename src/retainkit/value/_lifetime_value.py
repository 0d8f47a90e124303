"""expected_lifetime_value: discounted future money per customer from models of buying and spend."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retainkit._core.time import DAYS_PER_UNIT
from retainkit.errors import AlignmentError
from retainkit.typing import FloatArray, TimeUnit
from retainkit.value._kernel_discount import IntArray, discount_nodes, distinct_histories
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
        Money per customer, in order; NaN for who never purchased. Negative with a negative margin.

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
