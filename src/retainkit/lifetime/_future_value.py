"""The distribution of one customer's future value, without drawing any future."""

from __future__ import annotations

import numpy as np

from retainkit._core.arrays import as_column
from retainkit.errors import AlignmentError, NotComputableError
from retainkit.lifetime._arguments import check_horizon
from retainkit.lifetime._compress import CompressedHistories
from retainkit.lifetime._future_mix import Asked, mix_over_counts
from retainkit.lifetime._gamma_gamma import GammaGammaModel
from retainkit.lifetime._predictions import PurchasePredictions
from retainkit.lifetime._protocols import PurchaseHistory
from retainkit.typing import ArrayLike1D, FloatArray


def probability_value_exceeds(
    cut: float | ArrayLike1D,
    history: PurchaseHistory,
    *,
    monetary_value: ArrayLike1D,
    purchase_model: PurchasePredictions,
    spend_model: GammaGammaModel,
    horizon: float,
    annual_discount_rate: float = 0.0,
    margin_rate: float | ArrayLike1D = 1.0,
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
    purchase_model : MbgNbdModel, BgNbdModel, ParetoNbdModel, NbdModel or BoundCovariateModel
        Law of the number of purchases.
    spend_model : GammaGammaModel
        Law of the amounts.
    horizon : float
        Length of the future considered [unit].
    annual_discount_rate : float, default 0.0
        Yearly rate; each customer's purchases are discounted by their mean factor.
    margin_rate : float or array-like of shape (n,), default 1.0
        Profit per unit of purchases, above 0; NaN where it is not known.

    Returns
    -------
    ndarray of shape (n,)
        In [0, 1], in the order of the customers; NaN where age, cut or margin is NaN.

    Raises
    ------
    NotComputableError
        If the horizon is negative or not finite, or a margin is not above 0.
    AlignmentError
        If the arrays differ in length.
    UnitError
        If the history is in another unit of time.

    See Also
    --------
    probability_value_exceeds_at : Several cuts in one go, for hardly more than one.

    Notes
    -----
    sum_n P(N = n) P(S_n > c), c = cut / (margin * mean discount). Given n purchases and a history
    of x with mean m, the sum S_n of n amounts over gamma + x m is beta prime (p n, q + p x):
    both factors are exact, so that nothing is drawn and memory stays at a few numbers each.
    The result is within 1.3e-8 of that sum: 1e-9 each for the last counts and for sums that almost
    never, or almost always, exceed c, and 1e-8, a proven bound, where P(S_n > c) is read off
    between nodes because many customers share x.

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
    cuts = np.asarray(cut, dtype=np.float64)
    n = len(history.frequency)
    if cuts.ndim and cuts.shape != (n,):
        raise AlignmentError(f"{cuts.size} cuts for {n} histories", rule="one for all, or one each")
    found: FloatArray = probability_value_exceeds_at(
        np.reshape(cuts, (-1, 1)) if cuts.ndim else np.reshape(cuts, 1),
        history,
        monetary_value=monetary_value,
        purchase_model=purchase_model,
        spend_model=spend_model,
        horizon=horizon,
        annual_discount_rate=annual_discount_rate,
        margin_rate=margin_rate,
    )[:, 0]
    return found


def probability_value_exceeds_at(
    cuts: ArrayLike1D,
    history: PurchaseHistory,
    *,
    monetary_value: ArrayLike1D,
    purchase_model: PurchasePredictions,
    spend_model: GammaGammaModel,
    horizon: float,
    annual_discount_rate: float = 0.0,
    margin_rate: float | ArrayLike1D = 1.0,
) -> FloatArray:
    """Return how likely each customer's future value is to exceed each of several cuts.

    With the cuts of a tier scheme, differences of neighbouring columns are the probabilities of
    the tiers. The numbers are those of `probability_value_exceeds`; laws of counts and amounts
    are worked out once for all cuts.

    Parameters
    ----------
    cuts : array-like of shape (k,) or (n, k)
        Values to be exceeded [money], for all customers or one row each, in any order.
    history : PurchaseHistory of n customers
        In the unit of the purchase model.
    monetary_value : array-like of shape (n,)
        Mean amount per repeat purchase [money]; NaN where there was none.
    purchase_model : MbgNbdModel, BgNbdModel, ParetoNbdModel, NbdModel or BoundCovariateModel
        Law of the number of purchases.
    spend_model : GammaGammaModel
        Law of the amounts.
    horizon : float
        Length of the future considered [unit].
    annual_discount_rate : float, default 0.0
        Yearly rate; each customer's purchases are discounted by their mean factor.
    margin_rate : float or array-like of shape (n,), default 1.0
        Profit per unit of purchases, above 0; NaN where it is not known.

    Returns
    -------
    ndarray of shape (n, k)
        In [0, 1], in the order of the customers and cuts; NaN where age, cut or margin is NaN.

    Raises
    ------
    NotComputableError
        If the horizon is negative or not finite, or a margin is not above 0.
    AlignmentError
        If the arrays differ in length.
    UnitError
        If the history is in another unit of time.

    Examples
    --------
    >>> from retainkit.lifetime import (
    ...     GammaGammaModel, MbgNbdModel, PurchaseHistories, probability_value_exceeds_at)
    >>> history = PurchaseHistories(
    ...     frequency=[2, 9], recency=[30.43, 37], age=[38.86, 38.86], unit="week")
    >>> probability_value_exceeds_at(
    ...     [100.0, 400.0], history, monetary_value=[22.35, 40.0], horizon=52,
    ...     purchase_model=MbgNbdModel(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week"),
    ...     spend_model=GammaGammaModel(p=6.25, q=3.74, gamma=15.44)).round(3)
    array([[0.116, 0.001],
           [0.752, 0.274]])
    """
    check_horizon(horizon)
    n = len(history.frequency)
    money, margin = as_column(monetary_value, "monetary_value"), _margins(margin_rate, n)
    limits = np.atleast_2d(np.asarray(cuts, dtype=np.float64))
    if len(money) != n or len(limits) not in (1, n):
        raise AlignmentError(
            f"{len(money)} monetary values and {len(limits)} rows of cuts for {n} histories",
            rule="one each; cuts may be one row for all",
        )
    model, rows = purchase_model._merge(history)
    discount = _mean_discount(model, rows, horizon, annual_discount_rate)
    customers = np.flatnonzero(rows.inverse >= 0)
    row = rows.inverse[customers]
    x = np.where(np.isnan(money[customers]), 0.0, rows.frequency[row])
    scale = spend_model.gamma + np.where(x > 0.0, x * money[customers], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = margin if margin.ndim == 0 else margin[customers]
        shared = limits if len(limits) == 1 else limits[customers]
        needed = shared / np.reshape(worth * discount[row], (-1, 1))
        z = np.log(scale)[:, None] - np.log(needed)
    found = mix_over_counts(model, rows, Asked(row, x, z), spend_model, float(horizon))
    found[needed < 0.0] = 1.0
    found[np.isnan(needed)] = np.nan
    result = np.full((n, limits.shape[1]), np.nan)
    result[customers] = found
    return result


def _margins(margin_rate: float | ArrayLike1D, n: int) -> FloatArray:
    """Return one margin, or one per customer."""
    margin = np.asarray(margin_rate, dtype=np.float64)
    if margin.ndim and margin.shape != (n,):
        raise AlignmentError(
            f"{margin.size} margin rates for {n} histories", rule="one for all, or one each"
        )
    bad = (margin <= 0.0) | np.isinf(margin)
    if bad.any() or (not margin.ndim and np.isnan(margin)):
        first = float(margin) if not margin.ndim else float(margin[bad][0])
        raise NotComputableError(
            f"margin_rate is {first!r}", rule="profit per unit of purchases, above 0"
        )
    return margin


def _mean_discount(
    model: PurchasePredictions, rows: CompressedHistories, horizon: float, rate: float
) -> FloatArray:
    if rate == 0.0:
        return np.ones(len(rows))
    plain = model.expected_purchases(rows, horizon=horizon)
    faded = model.discounted_purchases(rows, annual_discount_rate=rate, horizon=horizon)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(plain > 0.0, faded / plain, 1.0)
