"""The distribution of one customer's future value, without drawing any future."""

from __future__ import annotations

import numpy as np
from scipy.special import betainc

from retainkit.errors import AlignmentError, NotComputableError
from retainkit.lifetime._arguments import check_horizon
from retainkit.lifetime._compress import CompressedHistories, compress_histories
from retainkit.lifetime._gamma_gamma import GammaGammaModel
from retainkit.lifetime._histories import as_column
from retainkit.lifetime._process import ProcessModel
from retainkit.lifetime._protocols import PurchaseHistory
from retainkit.typing import ArrayLike1D, FloatArray, IntArray

_TAIL = 1e-7
"""Probability of counts that are not looked at any more."""
_MOST_COUNTS = 20_000


def probability_value_exceeds(
    cut: float | ArrayLike1D,
    history: PurchaseHistory,
    *,
    monetary_value: ArrayLike1D,
    purchase_model: ProcessModel,
    spend_model: GammaGammaModel,
    horizon: float,
    annual_discount_rate: float = 0.0,
    margin_rate: float = 1.0,
) -> FloatArray:
    """Return how likely each customer's future value is to exceed a cut.

    With the cut of the key tier it is the probability of being, or becoming, a key customer.

    Parameters
    ----------
    cut : float or array-like of shape (n,)
        Value to be exceeded [money].
    history : PurchaseHistory of n customers
        In the unit of the purchase model.
    monetary_value : array-like of shape (n,)
        Mean amount per repeat purchase [money]; NaN where there was none.
    purchase_model : MbgNbdModel, BgNbdModel, ParetoNbdModel or NbdModel
        Law of the number of purchases.
    spend_model : GammaGammaModel
        Law of the amounts.
    horizon : float
        Length of the future considered [unit].
    annual_discount_rate : float, default 0.0
        Yearly rate; each customer's purchases are discounted by their mean factor.
    margin_rate : float, default 1.0
        Profit per unit of purchases, above 0.

    Returns
    -------
    ndarray of shape (n,)
        In [0, 1], in the order of the customers; NaN where age is NaN.

    Raises
    ------
    NotComputableError
        If the horizon is negative or not finite, or the margin is not above 0.
    AlignmentError
        If the arrays differ in length.
    UnitError
        If the history is in another unit of time.

    Notes
    -----
    sum_n P(N = n) P(S_n > c), c = cut / (margin * mean discount). Given n purchases and a history
    of x with mean m, the sum S_n of n amounts over gamma + x m is beta prime (p n, q + p x):
    both factors are exact, so that nothing is drawn and memory stays at a few numbers each.

    Examples
    --------
    >>> from retainkit.lifetime import (
    ...     GammaGammaModel, MbgNbdModel, PurchaseHistories, probability_value_exceeds)
    >>> history = PurchaseHistories(
    ...     frequency=[2, 9], recency=[30.43, 37], age=[38.86, 38.86], unit="week")
    >>> probability_value_exceeds(
    ...     100.0, history, monetary_value=[22.35, 40.0], horizon=52,
    ...     purchase_model=MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week"),
    ...     spend_model=GammaGammaModel(p=6.25, q=3.74, gamma=15.44)).round(3)
    array([0.116, 0.752])
    """
    check_horizon(horizon)
    if not 0.0 < margin_rate < np.inf:
        raise NotComputableError(
            f"margin_rate is {margin_rate!r}", rule="profit per unit of purchases, above 0"
        )
    rows = compress_histories(history)
    money = as_column(monetary_value, "monetary_value")
    cuts = np.broadcast_to(np.asarray(cut, dtype=np.float64), rows.inverse.shape)
    if len(money) != len(rows.inverse):
        raise AlignmentError(
            f"{len(money)} monetary values for {len(rows.inverse)} histories", rule="one each"
        )
    discount = _mean_discount(purchase_model, rows, horizon, annual_discount_rate)
    customers = np.flatnonzero(rows.inverse >= 0)
    row = rows.inverse[customers]
    needed = cuts[customers] / (margin_rate * discount[row])
    x = rows.frequency[row]
    bought = np.where((x > 0) & ~np.isnan(money[customers]), x * money[customers], 0.0)
    x = np.where(np.isnan(money[customers]), 0.0, x)
    scale, shape = spend_model.gamma + bought, spend_model.q + spend_model.p * x
    share = np.where(needed > 0.0, scale / (scale + needed), 1.0)
    result = np.full(len(rows.inverse), np.nan)
    found = _mix(purchase_model, rows, float(horizon), row, shape, share, spend_model.p)
    result[customers] = np.where(needed < 0.0, 1.0, found)
    return result


def _mix(
    model: ProcessModel,
    rows: CompressedHistories,
    horizon: float,
    row: IntArray,
    shape: FloatArray,
    share: FloatArray,
    p: float,
) -> FloatArray:
    """Sum P(N = n) P(S_n > c) over n; a history whose counts are used up is left."""
    total = np.zeros(len(row))
    with np.errstate(all="ignore"):
        known = model._know(rows.frequency, rows.recency, rows.age)
        seen = model._kernel.count_probability(known, horizon, 0)
        left = np.arange(len(rows))
        here = np.arange(len(row))
        for count in range(1, _MOST_COUNTS):
            open_rows = 1.0 - seen > _TAIL
            left, here = left[open_rows[left]], here[open_rows[row[here]]]
            if not len(left):
                break
            part = type(known)(*(v[left] if np.ndim(v) else v for v in known))
            chance = np.zeros(len(rows))
            chance[left] = model._kernel.count_probability(part, horizon, count)
            seen[left] += chance[left]
            above = betainc(shape[here], p * count, share[here])
            total[here] += chance[row[here]] * above
            certain = above > 1.0 - _TAIL  # and with every further purchase
            total[here[certain]] += 1.0 - seen[row[here[certain]]]
            here = here[~certain]
    clipped: FloatArray = np.clip(total, 0.0, 1.0)
    return clipped


def _mean_discount(
    model: ProcessModel, rows: CompressedHistories, horizon: float, rate: float
) -> FloatArray:
    if rate == 0.0:
        return np.ones(len(rows))
    plain = model.expected_purchases(rows, horizon=horizon)
    faded = model.discounted_purchases(rows, annual_discount_rate=rate, horizon=horizon)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(plain > 0.0, faded / plain, 1.0)
